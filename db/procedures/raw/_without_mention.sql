-- A JSON text in which the pseudonym replaces every string that is a certain user_id, however it is escaped and wherever it
-- stands; the rest stays as it was, byte for byte. Names, and values of fields that the warehouse reads, are left alone: a
-- product or a quantity that looks like a user_id is not one.
CREATE OR REPLACE FUNCTION raw._without_mention(p_json text, p_user_id text, p_pseudonym text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_without_mention$
    WITH pieces AS (
        -- There is one piece more than literals: what follows the last one.
        SELECT g.place, g.text AS before, l.literal, l.colon, l.value,
               CASE WHEN g.text ~ '^\s*$' THEN lag(CASE WHEN l.colon IS NOT NULL THEN l.value END) OVER (ORDER BY g.place) END AS name
        FROM regexp_split_to_table(p_json, '"(?:[^"\\]|\\.)*"(?:\s*:)?') WITH ORDINALITY AS g (text, place)
        LEFT JOIN raw._literals(p_json) l ON l.place = g.place
    )
    SELECT string_agg(concat(p.before,
                             CASE WHEN staging._trimmed(p.value) = p_user_id AND p.colon IS NULL
                                   AND coalesce(p.name, '') <> ALL ((SELECT raw._kept_fields())::text[])
                                  THEN to_json(p_pseudonym)::text ELSE p.literal END,
                             p.colon), '' ORDER BY p.place)
    FROM pieces p;
$_without_mention$;
COMMENT ON FUNCTION raw._without_mention(text, text, text) IS 'A JSON text in which the pseudonym replaces every string that is a certain user_id';
