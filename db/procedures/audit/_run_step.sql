-- The driver: runs one step of a day, and owns its transactions.
--
-- Records the step as running and commits, so that other sessions see it; runs the worker, all or nothing; records the
-- outcome and commits. What went wrong comes back in p_failure, for the caller to raise or to collect.
--
-- p_step: a row of audit.steps that has a procedure
-- Errors: WH003 called inside a transaction, WH004 no date or no such step, WH001 the gate blocked the day; what
--         audit._perform_step and the worker raise, in p_failure
-- Runs a worker again on a deadlock, a serialization failure or a lock that it did not get: setting step_attempts.
-- It commits, so it can have neither SET nor SECURITY DEFINER: it qualifies every name and leaves the rest to functions.
CREATE OR REPLACE PROCEDURE audit._run_step(p_step text, p_load_date date, INOUT p_failure audit.failure)
LANGUAGE plpgsql
AS $_run_step$
DECLARE
    v_started  pg_catalog.timestamptz := pg_catalog.clock_timestamp();
    v_day      pg_catalog.text;
    v_run_id   bigint;
    v_step_id  bigint;
    v_attempts integer;
    v_result   audit.step_result;
BEGIN
    p_failure := NULL;
    -- A COMMIT never succeeds in a block that handles errors, but its error tells whether it would outside: inside a
    -- caller's transaction it is the message below, otherwise that a subtransaction is active. (If lc_messages is not
    -- English, the COMMIT after this block fails instead, in that language and without our hint.)
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        IF SQLERRM OPERATOR(pg_catalog.=) 'invalid transaction termination' THEN
            RAISE EXCEPTION '% was called inside a transaction', p_step USING ERRCODE = 'WH003',
                DETAIL = 'A step commits its own progress, so that others see it and a failure is recorded.',
                HINT = 'Call it by itself, without BEGIN; in psycopg and Airflow with autocommit=True.';
        END IF;
    END;
    IF p_step IS NULL OR p_step OPERATOR(pg_catalog.<>) ALL (audit._steps_of_a_day()) THEN
        RAISE EXCEPTION '% is not a step', p_step USING ERRCODE = 'WH004',
            HINT = 'SELECT step, procedure FROM audit.steps ORDER BY position; and CALL one of these procedures.';
    END IF;
    PERFORM warehouse._refuse_day(p_load_date, p_step);
    v_day := pg_catalog.to_char(p_load_date, 'YYYY-MM-DD');

    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
    SELECT s.run_id, s.step_id INTO v_run_id, v_step_id FROM audit._start_step(p_step, p_load_date) s;
    v_attempts := audit._step_attempts();
    COMMIT;

    LOOP
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
        v_attempts := v_attempts OPERATOR(pg_catalog.-) 1;
        p_failure := NULL;
        PERFORM audit._stay_alive(v_step_id);
        BEGIN
            PERFORM warehouse._lock_warehouse_shared();
            SELECT w.* INTO v_result FROM audit._perform_step(v_step_id) w;
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS
                p_failure.sqlstate = RETURNED_SQLSTATE, p_failure.message = MESSAGE_TEXT,
                p_failure.detail = PG_EXCEPTION_DETAIL, p_failure.hint = PG_EXCEPTION_HINT,
                p_failure.context = PG_EXCEPTION_CONTEXT, p_failure.schema_name = SCHEMA_NAME,
                p_failure.table_name = TABLE_NAME, p_failure.column_name = COLUMN_NAME,
                p_failure.constraint_name = CONSTRAINT_NAME;
        END;
        EXIT WHEN v_attempts OPERATOR(pg_catalog.<=) 0
            OR p_failure.sqlstate IS NULL
            OR p_failure.sqlstate OPERATOR(pg_catalog.<>) ALL (ARRAY['40P01', '40001', '55P03']);
        RAISE NOTICE '% %: % (%), trying again', p_step, v_day, p_failure.message, p_failure.sqlstate;
        PERFORM pg_catalog.pg_sleep(0.2 OPERATOR(pg_catalog.*) pg_catalog.random());
        PERFORM audit._stay_alive(v_step_id);
        ROLLBACK;  -- last: SET TRANSACTION has to be the first thing in a transaction
    END LOOP;

    IF v_result.blocked_reason IS NOT NULL AND p_failure.sqlstate IS NULL THEN
        p_failure.sqlstate := 'WH001';
        p_failure.message := pg_catalog.format('%s is blocked by the quality gate', v_day);
        p_failure.detail := v_result.blocked_reason;
        p_failure.hint := pg_catalog.format(
            'Look: SELECT * FROM audit.dq_failures WHERE run_id = %s. Mend the input and run the day again, or let it through: CALL audit.allow_day(%L, ''reason'').',
            v_run_id, v_day);
    END IF;

    PERFORM audit._finish_step(v_run_id, v_step_id, p_step, p_load_date, v_result, p_failure);
    COMMIT;

    RAISE NOTICE '%', pg_catalog.concat_ws(', ',
        pg_catalog.format('%s %s: %s in', p_step, v_day, COALESCE(v_result.rows_in, 0)),
        -- The gate counts rules: nobody should mistake failed rules for rejected rows.
        CASE WHEN p_step OPERATOR(pg_catalog.=) 'check_quality'
             THEN pg_catalog.format('%s rules, %s failed', COALESCE(v_result.rows_out, 0), COALESCE(v_result.rows_rejected, 0))
             ELSE pg_catalog.format('%s out, %s duplicate, %s rejected', COALESCE(v_result.rows_out, 0),
                                    COALESCE(v_result.rows_duplicate, 0), COALESCE(v_result.rows_rejected, 0)) END,
        pg_catalog.format('%s s', pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) v_started), 2)),
        CASE WHEN p_failure.sqlstate OPERATOR(pg_catalog.=) ANY (ARRAY['WH001', 'WH002']) THEN 'BLOCKED'
             WHEN p_failure.sqlstate IS NOT NULL THEN 'FAILED' END);
END
$_run_step$;
COMMENT ON PROCEDURE audit._run_step(text, date, audit.failure) IS 'The driver: runs one step of a day, and owns its transactions';

-- How often a step is tried; for the driver, whose caller may not read audit.settings.
CREATE OR REPLACE FUNCTION audit._step_attempts() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_step_attempts$
    SELECT greatest(coalesce(audit._setting('step_attempts'), 1), 1);
$_step_attempts$;
COMMENT ON FUNCTION audit._step_attempts() IS 'How often a step is tried';
