-- A JSON text in which every string that is a certain user_id, however it is escaped and wherever it stands, is the
-- pseudonym; the rest is as it was, byte for byte. Names, and values of what the warehouse reads
-- (staging.fields), are left alone: a product or a quantity that is written like a user_id is none.
CREATE OR REPLACE FUNCTION raw._without_mention(p_json text, p_user_id text, p_pseudonym text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_without_mention$
    WITH read_fields AS (
        SELECT f.field FROM staging.fields f
        WHERE CASE WHEN f.column_name IS NULL THEN NOT f.is_personal ELSE f.source <> 'events' AND f.field <> 'user_id' END
    ),
    pieces AS (
        -- One piece more than there are literals: what follows the last one.
        SELECT g.place, g.text AS before, l.literal, l.colon, l.value,
               CASE WHEN g.text ~ '^\s*$' THEN lag(CASE WHEN l.colon IS NOT NULL THEN l.value END) OVER (ORDER BY g.place) END AS name
        FROM regexp_split_to_table(p_json, '"(?:[^"\\]|\\.)*"(?:\s*:)?') WITH ORDINALITY AS g (text, place)
        LEFT JOIN raw._literals(p_json) l ON l.place = g.place
    )
    SELECT string_agg(concat(p.before,
                             CASE WHEN staging._trimmed(p.value) = p_user_id AND p.colon IS NULL
                                   AND coalesce(p.name, '') NOT IN (SELECT f.field FROM read_fields f)
                                  THEN to_json(p_pseudonym)::text ELSE p.literal END,
                             p.colon), '' ORDER BY p.place)
    FROM pieces p;
$_without_mention$;
COMMENT ON FUNCTION raw._without_mention(text, text, text) IS 'A JSON text in which every string that is a certain user_id is the pseudonym';

-- The strings of a JSON text in their order: as written, what follows a name, and as they read (NULL if no text can be that).
CREATE OR REPLACE FUNCTION raw._literals(p_json text) RETURNS TABLE (place bigint, literal text, colon text, value text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_literals$
    SELECT m.place, m.parts[1], m.parts[2],
           CASE WHEN position('\' IN m.parts[1]) = 0 THEN substr(m.parts[1], 2, length(m.parts[1]) - 2)
                WHEN staging._is_storable(m.parts[1]) THEN m.parts[1]::json #>> '{}' END
    FROM regexp_matches(p_json, '("(?:[^"\\]|\\.)*")(\s*:)?', 'g') WITH ORDINALITY AS m (parts, place);
$_literals$;
COMMENT ON FUNCTION raw._literals(text) IS 'The strings of a JSON text in their order';

-- A raw order without a certain person; NULL if it does not mention the person.
CREATE OR REPLACE FUNCTION raw._order_without_user(p_order json, p_user_id text, p_pseudonym text) RETURNS json
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_order_without_user$
DECLARE
    v_is_readable boolean := json_typeof(p_order) = 'object' AND staging._is_storable(p_order::text);
    v_text        text;
BEGIN
    IF v_is_readable AND staging._trimmed(p_order ->> 'user_id') = p_user_id THEN
        RETURN raw._order_without_person(p_order, p_pseudonym);
    END IF;
    v_text := raw._without_mention(p_order::text, p_user_id, p_pseudonym);
    RETURN CASE WHEN v_text = p_order::text THEN NULL
                -- What no column can hold nobody reads: of that nothing is kept but that it is so.
                WHEN NOT v_is_readable THEN raw._order_without_person(p_order, p_pseudonym)
                ELSE v_text::json END;
END
$_order_without_user$;
COMMENT ON FUNCTION raw._order_without_user(json, text, text) IS 'A raw order without a certain person; NULL if it does not mention the person';
