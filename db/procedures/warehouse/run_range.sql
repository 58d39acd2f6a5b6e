-- Runs each day of a range that raw holds, in order. Goes on after a failed or blocked day and names it at the end.
--
-- from_date, to_date: both included
-- Errors: 57014 cancelled; WH009 some days failed or were blocked: it names them; WH004 a range without dates, or reversed; WH003 in a transaction
-- Safe to repeat: yes, as run_day is. This rebuilds an empty warehouse from raw alone.
CREATE OR REPLACE PROCEDURE warehouse.run_range(from_date date, to_date date)
LANGUAGE plpgsql
AS $run_range$
DECLARE
    v_days     pg_catalog.date[];
    v_day      pg_catalog.date;
    v_failure  audit.failure;
    v_failures pg_catalog.text[] := '{}';
BEGIN
    IF from_date IS NULL OR to_date IS NULL OR to_date OPERATOR(pg_catalog.<) from_date THEN
        RAISE EXCEPTION 'a range needs a first and a last date, in this order' USING ERRCODE = 'WH004',
            HINT = 'CALL warehouse.run_range(''2025-12-01'', ''2025-12-19'');';
    END IF;
    PERFORM warehouse._refuse_day(d.day, 'a range') FROM (VALUES (from_date), (to_date)) AS d (day);
    v_days := audit._days_in_raw(from_date, to_date);

    FOREACH v_day IN ARRAY v_days LOOP
        CALL warehouse._run_day(v_day, v_failure);
        IF v_failure.sqlstate IS NOT NULL THEN
            -- Cancelled, by somebody or by statement_timeout: that means the whole range, not just this day.
            IF v_failure.sqlstate OPERATOR(pg_catalog.=) '57014' THEN
                PERFORM audit._raise(v_failure);
            END IF;
            v_failures := pg_catalog.array_append(v_failures, pg_catalog.format('%s: %s (%s)', pg_catalog.to_char(v_day, 'YYYY-MM-DD'), v_failure.message, v_failure.sqlstate));
        END IF;
    END LOOP;

    IF pg_catalog.cardinality(v_failures) OPERATOR(pg_catalog.>) 0 THEN
        RAISE EXCEPTION '% of % days did not succeed', pg_catalog.cardinality(v_failures), pg_catalog.cardinality(v_days)
            USING ERRCODE = 'WH009', DETAIL = pg_catalog.array_to_string(v_failures, E'\n'),
                  HINT = 'SELECT run_date, status, error FROM audit.pipeline_runs ORDER BY run_id DESC; a day is run again with CALL warehouse.run_day(date).';
    END IF;
END
$run_range$;
COMMENT ON PROCEDURE warehouse.run_range(date, date) IS 'Runs each day of a range that raw holds, in order';
