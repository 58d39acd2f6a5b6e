-- What has changed of an input of a step since, in words.
--
-- p_input:  a row of audit.inputs
-- p_before: its parts then; NULL if they are not known any more
-- p_now:    its parts now; NULL if it is not known
-- Returns:  one sentence without a full stop: it names up to three parts, and counts the others
CREATE OR REPLACE FUNCTION audit._change_in_words(p_input audit.inputs, p_before jsonb, p_now jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_change_in_words$
    WITH changes AS (
        SELECT coalesce(n.key, b.key) AS part, b.value AS before, n.value AS now
        FROM jsonb_each(CASE jsonb_typeof(p_before) WHEN 'object' THEN p_before ELSE '{}' END) AS b
        FULL JOIN jsonb_each(CASE jsonb_typeof(p_now) WHEN 'object' THEN p_now ELSE '{}' END) AS n ON n.key = b.key
        WHERE b.value IS DISTINCT FROM n.value
    ),
    told AS (
        -- First the routines whose text is another one: rights, or a restored dump, rewrite them all.
        SELECT row_number() OVER (ORDER BY p_input.input = 'routines' AND c.before -> 'text' = c.now -> 'text', c.part COLLATE "C") AS place,
               left(c.part, 200) || audit._part_in_words(p_input.input, c.before, c.now) AS change
        FROM changes c
    ),
    counted AS (
        SELECT count(*) AS changes, string_agg(t.change, '; ' ORDER BY t.place) FILTER (WHERE t.place <= 3) AS told FROM told t
    )
    SELECT CASE
        WHEN p_now IS NULL OR p_now = 'null' THEN
            CASE p_input.input WHEN 'figures' THEN 'the day has no figures yet'
                               WHEN 'unseen members' THEN 'no load mentions some members any more: whether a fact still does is asked each time'
                               ELSE format('%s: what they are is not known', p_input.input) END
        WHEN p_input.input = 'unseen members' THEN 'members that no load mentioned are gone'
        WHEN p_before IS NULL OR p_before = 'null' THEN format('%s: what they were is not known any more', p_input.input)
        WHEN jsonb_typeof(p_now) <> 'object' THEN format('%s was %s, is %s', p_input.word, p_before #>> '{}', p_now #>> '{}')
        WHEN c.changes <= 1 THEN format('%s %s', p_input.word, c.told)
        ELSE format('%s changes of %s: %s', c.changes, p_input.input, c.told) || CASE WHEN c.changes > 3 THEN format('; and %s more', c.changes - 3) ELSE '' END
        END
    FROM counted c;
$_change_in_words$;
COMMENT ON FUNCTION audit._change_in_words(audit.inputs, jsonb, jsonb) IS 'What has changed of an input of a step since, in words';

-- What has become of one part: ` is new`, ` is gone`, ` was 1, is 2`. Long values, digests and expressions are not quoted.
CREATE OR REPLACE FUNCTION audit._part_in_words(p_input text, p_before jsonb, p_now jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_part_in_words$
    SELECT CASE
        WHEN p_input LIKE 'staging%' THEN ' was made anew'
        WHEN p_input = 'routines' AND p_before -> 'text' = p_now -> 'text' THEN ' was rewritten with the same text, as by GRANT'
        WHEN p_input IN ('routines', 'views') AND p_before IS NOT NULL AND p_now IS NOT NULL THEN ' was replaced'
        WHEN p_before IS NULL THEN ' is new'
        WHEN p_now IS NULL THEN ' is gone'
        WHEN p_input = 'deliveries' AND p_now ? 'is_gone' AND NOT p_before ? 'is_gone' THEN ' was dropped from raw'
        WHEN p_input = 'rates' THEN ' was edited'
        WHEN p_input = 'deliveries' THEN ' has other bytes, or was read another way'
        WHEN jsonb_typeof(p_before) = 'object' AND jsonb_typeof(p_now) = 'object' THEN ': ' || (
            SELECT string_agg(
                       k.name || CASE WHEN length(coalesce(p_before ->> k.name, '')) <= 40 AND length(coalesce(p_now ->> k.name, '')) <= 40
                                      THEN format(' was %s, is %s', coalesce(p_before ->> k.name, 'empty'), coalesce(p_now ->> k.name, 'empty'))
                                      ELSE ' edited' END, ', ' ORDER BY k.name COLLATE "C")
            FROM (SELECT jsonb_object_keys(p_before) UNION SELECT jsonb_object_keys(p_now)) AS k (name)
            WHERE p_before -> k.name IS DISTINCT FROM p_now -> k.name)
        WHEN length(p_before::text) <= 60 AND length(p_now::text) <= 60
            THEN format(' was %s, is %s', coalesce(p_before #>> '{}', 'off'), coalesce(p_now #>> '{}', 'off'))
        ELSE ' was edited' END;
$_part_in_words$;
COMMENT ON FUNCTION audit._part_in_words(text, jsonb, jsonb) IS 'What has become of one part of an input';
