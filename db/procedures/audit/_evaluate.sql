-- Evaluates a query made of quality rules, as warehouse_checker: it can read staging and warehouse, and nothing else.
-- This is the one place where an expression that people wrote into a table is run.
--
-- p_query: $1 is the load_date
-- Returns: its one row as JSON
-- Errors:  what the expression raises; 25006 if it would write; WH004 it calls a function that no rule may call
-- Nothing that it does stays: it is read-only and rolled back in the end, with its settings, large objects and messages.
CREATE OR REPLACE FUNCTION audit._evaluate(p_query text, p_load_date date) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
SET lock_timeout = '30s'
AS $_evaluate$
DECLARE
    v_row       jsonb;
    v_is_done   boolean := false;
    v_forbidden text;
BEGIN
    BEGIN
        -- Once compiled, the query shows which functions it calls. PostgreSQL's VOLATILE functions sleep, lock and unlock,
        -- run SQL that is given as text, or reach beyond the transaction. Only clocks and random values are harmless.
        EXECUTE format('CREATE FUNCTION pg_temp.rule(date) RETURNS jsonb BEGIN ATOMIC SELECT to_jsonb(q) FROM (%s) AS q; END', p_query);
        SELECT string_agg(DISTINCT p.proname, ', ') INTO v_forbidden
        FROM pg_proc r
        CROSS JOIN LATERAL regexp_matches(r.prosqlbody::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') AS m
        JOIN pg_proc p ON p.oid = m[1]::oid
        WHERE r.oid = to_regprocedure('pg_temp.rule(date)') AND p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile = 'v'
          AND p.proname NOT IN ('clock_timestamp', 'timeofday', 'random', 'gen_random_uuid');
        IF v_forbidden IS NOT NULL THEN
            RAISE EXCEPTION 'a rule may not call %', v_forbidden USING ERRCODE = 'WH004',
                HINT = 'A rule reads staging and warehouse, and computes. Of PostgreSQL''s functions it may call those that are IMMUTABLE or STABLE.';
        END IF;

        -- Read-only for the length of this block: only a subtransaction can be read-only by itself.
        PERFORM set_config('transaction_read_only', 'on', true);
        EXECUTE format('SELECT to_jsonb(q) FROM (%s) AS q', p_query) INTO STRICT v_row USING p_load_date;
        v_is_done := true;
        RAISE triggered_action_exception;  -- only an error rolls back
    EXCEPTION
        WHEN no_data_found THEN
            v_row := NULL;
        WHEN triggered_action_exception THEN
            IF NOT v_is_done THEN
                RAISE;
            END IF;
    END;
    RETURN v_row;
END
$_evaluate$;
COMMENT ON FUNCTION audit._evaluate(text, date) IS 'Evaluates a query made of quality rules, as warehouse_checker, read-only';

GRANT CREATE ON SCHEMA audit TO warehouse_checker;
ALTER FUNCTION audit._evaluate(text, date) OWNER TO warehouse_checker;
REVOKE CREATE ON SCHEMA audit FROM warehouse_checker;
