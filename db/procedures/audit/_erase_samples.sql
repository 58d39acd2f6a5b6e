-- Takes out of a day's rule results what names the user: the user_id, or a value that staging has about the user. It runs
-- before staging is rewritten. Returns the number of results.
CREATE OR REPLACE FUNCTION audit._erase_samples(p_user_id text, p_pseudonym text, p_day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_erase_samples$
DECLARE
    v_staging regclass := warehouse._partition_of('staging.orders_clean', p_day);
    v_words   text[] := '{}';
    v_pattern text;
    v_rows    bigint;
BEGIN
    IF v_staging IS NOT NULL THEN
        EXECUTE format('SELECT array_agg(DISTINCT w.word) FROM %s o, unnest(ARRAY[%s]::text[]) AS w (word)
                        WHERE o.load_date = $1 AND o.user_id = $2 AND w.word IS NOT NULL', v_staging,
                       (SELECT string_agg(CASE WHEN f.column_name IS NULL THEN format('o.attributes ->> %L', f.field)
                                               ELSE format('o.%I::text', f.column_name) END, ', ')
                        FROM staging.fields f WHERE f.source = 'orders' AND f.is_personal AND f.column_name IS DISTINCT FROM 'user_id'))
        INTO v_words USING p_day, p_user_id;
    END IF;
    SELECT string_agg(audit._word_pattern(w), '|') INTO v_pattern FROM unnest(v_words) AS w;
    UPDATE audit.dq_results d
    SET sample = (SELECT array_agg(CASE WHEN k.key = p_user_id THEN p_pseudonym
                                        WHEN coalesce(k.key ~ v_pattern, false) THEN '(erased)'
                                        ELSE audit._without_word(k.key, p_user_id, p_pseudonym) END
                                   ORDER BY k.place)
                  FROM unnest(d.sample) WITH ORDINALITY AS k (key, place)),
        -- Other messages only count: a count is not the user's, even if the user_id is the same number.
        message = CASE WHEN d.message NOT LIKE 'the rule cannot be evaluated:%' THEN d.message
                       WHEN coalesce(d.message ~ v_pattern, false) THEN 'the rule cannot be evaluated: (erased)'
                       ELSE audit._without_word(d.message, p_user_id, p_pseudonym) END
    WHERE d.run_date = p_day
      AND (p_user_id = ANY (d.sample)
           OR audit._without_word(array_to_string(d.sample, ' '), p_user_id, p_pseudonym) <> array_to_string(d.sample, ' ')
           OR EXISTS (SELECT FROM unnest(d.sample) AS k (key) WHERE k.key ~ v_pattern)
           OR (d.message LIKE 'the rule cannot be evaluated:%'
               AND (d.message <> audit._without_word(d.message, p_user_id, p_pseudonym) OR d.message ~ v_pattern)));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows > 0 THEN
        PERFORM audit._note_table('audit.dq_results');
    END IF;
    RETURN v_rows;
END
$_erase_samples$;
COMMENT ON FUNCTION audit._erase_samples(text, text, date) IS 'Takes out of a day''s rule results what names the user';
