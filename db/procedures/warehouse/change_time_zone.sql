-- Changes the shop's time zone: empties staging and warehouse, and sets the setting. For the owner only.
--
-- Days of two zones overlap: an event at the border would be counted twice, or not at all. So what follows from raw goes, as
-- in a warehouse that has nothing but raw; then all days are run again, in any order. Raw, codes, fields, rules, other
-- settings, the calendar and the records in audit stay. Until a day is run again it has no figures: none is of the old zone.
--
-- If it is interrupted, call it again, and it continues: until it is complete no step works (WH017). Another zone may be given then.
--
-- Writes: partitions of staging and facts, one per COMMIT; all tables that runs make; audit.settings, audit.time_zone_changes
-- Locks:  the warehouse (advisory, exclusive) at its beginning and its end; between, what compaction takes
-- Errors: WH003 called inside a transaction; WH004 no name of a time zone; WH006 something stayed in use; WH007 the raw of a
--         loaded day is gone, which could not be loaded again: nothing has changed
-- Safe to repeat: yes; if the zone is the shop's, nothing is done.
-- It commits, so it can have neither SET nor SECURITY DEFINER: the work is warehouse._change_zone_next's.
CREATE OR REPLACE PROCEDURE warehouse.change_time_zone(time_zone text)
LANGUAGE plpgsql
AS $change_time_zone$
DECLARE
    v_stage pg_catalog.text := 'begin';
BEGIN
    -- As in audit._run_step: here no COMMIT succeeds, but its error tells whether one could.
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        IF SQLERRM OPERATOR(pg_catalog.=) 'invalid transaction termination' THEN
            RAISE EXCEPTION 'change_time_zone was called inside a transaction' USING ERRCODE = 'WH003',
                DETAIL = 'It commits partition by partition, so that it never holds the locks of all.',
                HINT = 'Call it by itself, without BEGIN; in psycopg and Airflow with autocommit=True.';
        END IF;
    END;
    WHILE v_stage IS NOT NULL LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
        v_stage := warehouse._change_zone_next(time_zone, v_stage);
    END LOOP;
END
$change_time_zone$;
COMMENT ON PROCEDURE warehouse.change_time_zone(text) IS 'Changes the shop''s time zone: empties staging and warehouse; then all days are run again';
