-- What makes sense next for a day: in words, and as a statement that can be run as it stands.
--
-- p_day:    the day
-- Returns:  advice; its statement (NULL where none is needed); whether the day is to be run again after it
-- Reads:    audit.day_health and audit.rejected_reasons of the day; staging.codes, warehouse.order_statuses
-- A value of a file becomes part of a statement only as a literal, and only if it looks like a code: whoever pastes a
-- statement should see at once what it does.
CREATE OR REPLACE FUNCTION audit.day_advice(p_day date)
RETURNS TABLE (place integer, advice text, statement text, then_run boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $day_advice$
    SELECT warehouse._refuse_day(p_day, 'a story');
    WITH day AS (
        SELECT h.state FROM audit.day_health h WHERE h.run_date = p_day
    ),
    unmapped AS (
        SELECT CASE WHEN r.example COLLATE "C" ~ '^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$' THEN lower(r.example COLLATE "C")
                    ELSE 'ITS VALUE' END AS source_value,
               staging._iso_time(r.example) IS NOT NULL OR staging._since_1970(r.example) IS NOT NULL AS is_time
        FROM audit.rejected_reasons r
        WHERE r.run_date = p_day AND r.source = 'orders' AND starts_with(r.failure_reason, 'status is not in staging.codes')
          -- Found out before the reasons of all rejected lines are added up: most days have none.
          AND (SELECT count(*) > 0 FROM audit.bad_records b
               WHERE b.run_date = p_day AND b.failure_reason LIKE '%status is not in staging.codes%')
        ORDER BY r.rows DESC, r.failure_reason
        LIMIT 1
    ),
    advices (place, advice, statement, then_run) AS (
        SELECT 1, 'run the day', NULL, true
        FROM day d
        WHERE d.state = 'not run yet'
        UNION ALL
        SELECT 2, 'deliver a corrected file under the same name, and run the day', NULL, true
        FROM day d
        WHERE d.state = 'blocked'
        UNION ALL
        SELECT 3, 'or let it through', format('CALL audit.allow_day(%L, %L)', p_day, 'why'), true
        FROM day d
        WHERE d.state = 'blocked'
        UNION ALL
        SELECT 4,
               CASE WHEN u.is_time THEN 'the status is a time: look at which field of the export it comes from'
                    WHEN s.status IS NOT NULL THEN 'the status is mapped now'
                    WHEN c.source_value IS NOT NULL THEN 'the status is mapped to a code that warehouse.order_statuses does not have'
                    ELSE 'say what the status means' END,
               CASE WHEN s.status IS NOT NULL OR u.is_time THEN NULL
                    WHEN c.source_value IS NOT NULL
                    THEN format('UPDATE staging.codes SET canonical_value = %L WHERE kind = %L AND source_value = %L',
                                'ONE OF warehouse.order_statuses', 'order_status', u.source_value)
                    ELSE format('INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES (%L, %L, %L)',
                                'order_status', u.source_value, 'ONE OF warehouse.order_statuses') END,
               true
        FROM unmapped u
        LEFT JOIN staging.codes c ON c.kind = 'order_status' AND c.source_value = u.source_value
        LEFT JOIN warehouse.order_statuses s ON s.status = c.canonical_value
        UNION ALL
        SELECT 5, 'each rejected line as it was delivered',
               format('SELECT * FROM audit.bad_records WHERE run_date = %L', p_day), false
        WHERE EXISTS (SELECT FROM audit.bad_records b WHERE b.run_date = p_day)
    )
    SELECT row_number() OVER (ORDER BY a.place)::integer, a.advice, a.statement, a.then_run
    FROM advices a
    WHERE EXISTS (SELECT FROM day d WHERE d.state <> 'not run yet') OR a.advice = 'run the day'
    ORDER BY a.place;
$day_advice$;
COMMENT ON FUNCTION audit.day_advice(date) IS 'What makes sense next for a day: in words, and as a statement that can be run as it stands';
