-- Finds values that look like a user_id but are none: those of fields that the warehouse reads.
CREATE OR REPLACE FUNCTION audit._no_mention_pattern(p_word text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_no_mention_pattern$
    SELECT format('"(?:%s)"[[:space:]]*:[[:space:]]*"%2$s%3$s%2$s"',
                  string_agg(audit._literal_pattern(k.field), '|'), audit._blanks_pattern(), audit._spelling_pattern(p_word, false))
    FROM unnest(raw._kept_fields()) AS k (field);
$_no_mention_pattern$;
COMMENT ON FUNCTION audit._no_mention_pattern(text) IS 'A regular expression that finds values that look like a user_id but are none';
