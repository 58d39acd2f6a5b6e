-- Puts the measures and codes of a source's day in place of those that were there; a row that did not change stays as it is.
--
-- p_measures: [[measure, value], [measure, part, whole], …]; of a share without a whole nothing is known
-- p_codes:    [[kind, code, rows], …], or NULL; the fields of its records are added
-- Writes:     audit.day_profile, audit.day_codes, audit.profile_digests
-- A name from data may be anything: codes that do not look like one are counted as '(odd)', and the 100 most frequent of a kind are kept.
CREATE OR REPLACE FUNCTION audit._write_profile(p_delivery staging.delivery, p_measures jsonb, p_codes jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_write_profile$
DECLARE
    c_codes   constant integer := 100;
    -- No digits to speak of, no @: an id or address is no code.
    c_a_code  constant text := '^(?!.*[0-9]{3})[^[:cntrl:]@]{1,60}$';
    v_day     date := p_delivery.load_date;
    v_field   text := p_delivery.source || ' field';
    v_profile audit.day_profile[] := '{}';
    v_codes   audit.day_codes[] := '{}';
BEGIN
    -- A day without a file is not a day of nothing.
    IF p_delivery.file_count > 0 THEN
        SELECT coalesce(array_agg(ROW(v_day, c.kind, c.code, c.rows)::audit.day_codes), '{}') INTO v_codes
        FROM (SELECT k.kind, k.code, sum(k.rows) AS rows, row_number() OVER (PARTITION BY k.kind ORDER BY sum(k.rows) DESC, k.code) AS rank
              FROM (SELECT e.value ->> 0 AS kind, (CASE WHEN (e.value ->> 1) COLLATE "C" ~ c_a_code THEN e.value ->> 1 ELSE '(odd)' END) COLLATE "C" AS code,
                           (e.value ->> 2)::bigint AS rows
                    FROM jsonb_array_elements(coalesce(p_codes, '[]') || staging._fields_seen(p_delivery)) AS e) AS k
              GROUP BY k.kind, k.code) AS c
        WHERE c.rank <= c_codes;
        SELECT array_agg(ROW(v_day, m.measure, m.kind, CASE WHEN v.whole IS NULL THEN v.value ELSE round(v.value / v.whole, 9) END, v.whole)::audit.day_profile)
        INTO v_profile
        FROM (
            SELECT e.value ->> 0 AS measure, round((e.value ->> 1)::numeric, 6) AS value, (e.value ->> 2)::numeric AS whole
            FROM jsonb_array_elements(p_measures) AS e
            UNION ALL
            SELECT p_delivery.source || '_unknown_fields', count(*), NULL
            FROM unnest(v_codes) AS c
            WHERE c.kind = v_field
              AND NOT EXISTS (SELECT FROM staging.fields f WHERE f.source = p_delivery.source AND f.field = regexp_replace(c.code, '^(user|items)[.]', ''))
        ) AS v
        JOIN audit.measures m ON m.measure = v.measure
        WHERE v.value IS NOT NULL AND CASE WHEN m.kind = 'share' THEN v.whole > 0 ELSE true END;
    END IF;

    DELETE FROM audit.day_profile p
    WHERE p.run_date = v_day AND p.measure IN (SELECT m.measure FROM audit.measures m WHERE m.source = p_delivery.source)
      AND p.measure NOT IN (SELECT n.measure FROM unnest(v_profile) AS n);
    INSERT INTO audit.day_profile AS p (run_date, measure, kind, value, of)
    SELECT n.run_date, n.measure, n.kind, trim_scale(n.value), n.of FROM unnest(v_profile) AS n
    ON CONFLICT ON CONSTRAINT day_profile_pkey DO UPDATE SET kind = excluded.kind, value = excluded.value, of = excluded.of
    WHERE (p.kind, p.value, p.of) IS DISTINCT FROM (excluded.kind, excluded.value, excluded.of);

    DELETE FROM audit.day_codes c
    WHERE c.run_date = v_day
      AND c.kind = ANY (ARRAY[v_field] || CASE p_delivery.source WHEN 'orders' THEN ARRAY['order_status', 'currency'] WHEN 'events' THEN ARRAY['event_type'] END)
      AND NOT EXISTS (SELECT FROM unnest(v_codes) AS n WHERE n.kind = c.kind AND n.code = c.code);
    INSERT INTO audit.day_codes AS c (run_date, kind, code, rows)
    SELECT n.run_date, n.kind, n.code, n.rows FROM unnest(v_codes) AS n
    ON CONFLICT ON CONSTRAINT day_codes_pkey DO UPDATE SET rows = excluded.rows WHERE c.rows <> excluded.rows;

    IF p_delivery.file_count > 0 THEN
        INSERT INTO audit.profile_digests AS d (run_date, source, digest)
        VALUES (v_day, p_delivery.source, audit._digest(concat_ws(E'\n',
            (SELECT string_agg(n::text, E'\n' ORDER BY n.measure) FROM unnest(v_profile) AS n),
            (SELECT string_agg(n::text, E'\n' ORDER BY n.kind, n.code) FROM unnest(v_codes) AS n))))
        ON CONFLICT ON CONSTRAINT profile_digests_pkey DO UPDATE SET digest = excluded.digest WHERE d.digest <> excluded.digest;
    ELSE
        DELETE FROM audit.profile_digests d WHERE d.run_date = v_day AND d.source = p_delivery.source;
    END IF;
END
$_write_profile$;
COMMENT ON FUNCTION audit._write_profile(staging.delivery, jsonb, jsonb) IS 'Puts the measures and codes of a source''s day in place of those that were there';
