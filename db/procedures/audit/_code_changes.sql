-- The codes or fields of a day that are new, or gone, with how many rows have them.
--
-- p_what: codes (statuses, event types, currencies) or fields (names in the records of any source)
-- Returns: is_new; kind, code; rows of the day (of one that is gone, the median of the days that had it); days that had it, of how many looked at.
--          A kind without 14 days before has no row (products: three catalogues)
-- A code is new if none of the 28 days before has it, a field if none of 56 does; days that were blocked or expected to be unusual count, so
-- that nothing is told twice. It is gone if it was there on 10 of the last 14 days (as large a share of fewer catalogues) that
-- were neither, with 10 rows or more on half of them: what is rare is not missed.
--
-- Reads:  audit.day_codes of the day and of the 56 days before, audit.gate_verdicts, audit.expected_days
-- Errors: WH004 neither codes nor fields, no date
CREATE OR REPLACE FUNCTION audit._code_changes(p_what text, p_day date)
RETURNS TABLE (is_new boolean, kind text, code text, rows bigint, days bigint, of_days bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $_code_changes$
DECLARE
    c_last  constant integer := 14;
    c_least constant numeric := 10;   -- days of the last, and rows of a day
    v_kinds text[] := CASE p_what WHEN 'codes' THEN ARRAY['order_status', 'event_type', 'currency']
                                  WHEN 'fields' THEN ARRAY['orders field', 'events field', 'products field'] END;
    v_new   integer := CASE p_what WHEN 'codes' THEN 28 ELSE 56 END;
BEGIN
    PERFORM warehouse._refuse_day(p_day, 'a comparison');
    IF v_kinds IS NULL THEN
        RAISE EXCEPTION 'a rule asks for codes or fields, not %', coalesce(p_what, 'NULL') USING ERRCODE = 'WH004',
            HINT = 'audit.new_codes(''codes'', $1), audit.gone_codes(''fields'', $1)';
    END IF;
    RETURN QUERY
    WITH seen AS (
        SELECT c.run_date, c.kind, c.code, c.rows FROM audit.day_codes c WHERE c.kind = ANY (v_kinds) AND c.run_date BETWEEN p_day - 56 AND p_day
    ),
    -- Days before that may be a yardstick; back counts from the newest.
    days AS (
        SELECT d.kind, d.run_date, row_number() OVER (PARTITION BY d.kind ORDER BY d.run_date DESC) AS back
        FROM (SELECT s.kind, s.run_date FROM seen s WHERE s.run_date < p_day GROUP BY s.kind, s.run_date) AS d
        WHERE NOT EXISTS (SELECT FROM audit.gate_verdicts g WHERE g.run_date = d.run_date AND NOT g.passed)
          AND NOT EXISTS (SELECT FROM audit.expected_days e WHERE d.run_date BETWEEN e.from_date AND e.to_date)
    ),
    kinds AS (
        SELECT d.kind, count(*) AS of_days
        FROM days d
        WHERE d.back <= c_last
        GROUP BY d.kind
        HAVING count(*) >= CASE d.kind WHEN 'products field' THEN 3 ELSE c_last END
    ),
    codes AS (
        SELECT s.kind, s.code, max(s.rows) FILTER (WHERE s.run_date = p_day) AS today,
               max(s.run_date) FILTER (WHERE s.run_date < p_day) AS last_seen, count(d.run_date) AS days,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY s.rows) FILTER (WHERE d.run_date IS NOT NULL) AS rows
        FROM seen s
        LEFT JOIN days d ON d.kind = s.kind AND d.run_date = s.run_date AND d.back <= c_last
        GROUP BY s.kind, s.code
    )
    SELECT c.today IS NOT NULL, c.kind, c.code, coalesce(c.today, c.rows), c.days, k.of_days
    FROM codes c
    JOIN kinds k ON k.kind = c.kind
    WHERE CASE WHEN c.today IS NOT NULL THEN coalesce(c.last_seen < p_day - v_new, true)
               ELSE c.days >= c_least / c_last * k.of_days AND c.rows >= CASE c.kind WHEN 'products field' THEN 1 ELSE c_least END
                    -- Of a source that brought nothing nothing is gone but itself.
                    AND EXISTS (SELECT FROM codes t WHERE t.kind = c.kind AND t.today IS NOT NULL) END
    ORDER BY 1, 2, 4 DESC, 3;
END
$_code_changes$;
COMMENT ON FUNCTION audit._code_changes(text, date) IS 'The codes or fields of a day that are new, or gone';
