-- Merges the day partitions of closed months of staging and facts, one partition per month, facts ordered by date_id; and
-- drops what the settings raw_keep_days, staging_keep_days and audit_keep_days say is old enough. For the maintenance window.
--
-- before_date: months that ended by then are merged, and retention counts back from it
-- Writes: partitions; no row of staging or facts changes; runs, steps, results and rejected rows of audit, a day at a time
-- Locks:  per month and table the month (advisory), which steps of its days hold, and the publish lock: loads wait;
--         readers only for the swap at its end
-- Errors: WH003 called inside a transaction, WH004 no date, WH006 a swap did not get its locks (the months before are done)
-- Safe to repeat: a merged month is left alone. A day in one can be reloaded; that writes rows in place, so a reload
-- that changes a whole day costs what DELETE and INSERT with all indexes cost.
CREATE OR REPLACE PROCEDURE warehouse.compact_partitions(before_date date)
LANGUAGE plpgsql
AS $compact_partitions$
DECLARE
    v_task    record;
    v_started pg_catalog.timestamptz;
    v_message pg_catalog.text;
BEGIN
    -- As in audit._run_step: here no COMMIT succeeds, but its error tells whether one could.
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        IF SQLERRM OPERATOR(pg_catalog.=) 'invalid transaction termination' THEN
            RAISE EXCEPTION 'compact_partitions was called inside a transaction' USING ERRCODE = 'WH003',
                DETAIL = 'It commits month by month, so that what is done stays done.',
                HINT = 'Call it by itself, without BEGIN; in psycopg and Airflow with autocommit=True.';
        END IF;
    END;
    PERFORM warehouse._refuse_date(before_date);
    FOR v_task IN SELECT t.parent, t.month FROM warehouse._months_to_compact(before_date) AS t LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
        PERFORM warehouse._lock_warehouse_shared();
        v_started := pg_catalog.clock_timestamp();
        v_message := warehouse._compact_month(v_task.parent, v_task.month);
        COMMIT;
        RAISE NOTICE '%, % s', v_message,
            pg_catalog.round(EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) v_started), 2);
    END LOOP;
    FOR v_task IN SELECT t.parent, t.partition FROM warehouse._expired_partitions(before_date) AS t LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
        PERFORM warehouse._lock_warehouse_shared();
        v_message := warehouse._drop_expired(v_task.parent, v_task.partition, before_date);
        COMMIT;
        RAISE NOTICE '%', v_message;
    END LOOP;
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
    PERFORM warehouse._lock_warehouse_shared();
    PERFORM warehouse._drop_replaced();
    FOR v_task IN SELECT t.run_date FROM warehouse._expired_audit(before_date) AS t LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
        PERFORM warehouse._lock_warehouse_shared();
        v_message := warehouse._drop_expired_audit(v_task.run_date, before_date);
        COMMIT;
        RAISE NOTICE '%', v_message;
    END LOOP;
END
$compact_partitions$;
COMMENT ON PROCEDURE warehouse.compact_partitions(date) IS 'Merges the day partitions of closed months, and drops what retention says';
