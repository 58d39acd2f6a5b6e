-- A JSON text in which every string that is a certain user_id, however it is escaped and wherever it stands, is the
-- pseudonym; the rest is as it was, byte for byte. Names, and values of what the warehouse reads, are left alone: a
-- product or a quantity that is written like a user_id is none.
CREATE OR REPLACE FUNCTION raw._without_mention(p_json text, p_user_id text, p_pseudonym text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_without_mention$
    WITH pieces AS (
        -- One piece more than there are literals: what follows the last one.
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
COMMENT ON FUNCTION raw._without_mention(text, text, text) IS 'A JSON text in which every string that is a certain user_id is the pseudonym';

-- Whether what an order says of its user is of a certain person: a string in it is the user_id, or its key the number.
CREATE OR REPLACE FUNCTION raw._is_about(p_customer json, p_user_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_is_about$
    SELECT coalesce(raw._without_mention(p_customer::text, p_user_id, '') <> p_customer::text, false)
        OR coalesce(json_typeof(p_customer) = 'object'
                    AND p_user_id IN (staging._trimmed(p_customer ->> 'user_id'), staging._trimmed(p_customer ->> 'id')), false);
$_is_about$;
COMMENT ON FUNCTION raw._is_about(json, text) IS 'Whether what an order says of its user is of a certain person';

-- What an order of somebody else says of a person as its user: what the warehouse reads of it, and no more.
CREATE OR REPLACE FUNCTION raw._customer_without_person(p_customer json, p_pseudonym text) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_customer_without_person$
    SELECT json_strip_nulls(json_object_agg(k.field, k.value))
    FROM (SELECT 'user_id' AS field, to_json(p_pseudonym) AS value
          UNION ALL
          SELECT f.field, p_customer -> f.field FROM staging.fields f WHERE f.source = 'orders' AND f.place = 'customer') AS k;
$_customer_without_person$;
COMMENT ON FUNCTION raw._customer_without_person(json, text) IS 'What an order of somebody else says of a person as its user';
