-- Gives a user's rows of some days to the pseudonym: raw, rejected rows, staging, facts. It takes as many days as fit into
-- the setting erase_batch_rows; a day with more rows is done in parts, with a COMMIT between them.
--
-- A day's last raw rows and all that was made from its raw change in one transaction. If a run loads a day that is half
-- done, its rows are partly the user's and partly the pseudonym's: that last transaction puts both together.
--
-- Writes: raw, audit.bad_records, audit.step_inputs, staging, facts and superseded rows, warehouse.user_loads of the days
-- Locks:  the warehouse (advisory, exclusive)
CREATE OR REPLACE FUNCTION audit._erase_days(p_user_id text, p_erased audit.erased_users) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_erase_days$
DECLARE
    v_limit bigint := greatest(coalesce(audit._setting('erase_batch_rows'), 1000), 1);
    v_left  bigint := v_limit;
    v_began timestamptz;
    v_day   date;
    v_rows  bigint;
BEGIN
    PERFORM warehouse._lock_warehouse_exclusive();
    v_began := clock_timestamp();
    -- Others wait no longer than this, or than one day takes.
    WHILE v_left > 0 AND clock_timestamp() - v_began < interval '1 second' LOOP
        SELECT min(d.load_date) INTO v_day FROM pg_temp.erasure_days d;
        IF v_day IS NULL THEN
            IF (SELECT e.find_again FROM pg_temp.erasure e) THEN
                -- Somebody moved rows of raw after they were found.
                UPDATE pg_temp.erasure SET find_again = false;
                RETURN 'find';
            END IF;
            RETURN 'rest';
        END IF;
        v_rows := audit._erase_raw(p_user_id, p_erased, v_day, v_left);
        v_left := v_left - v_rows - 1;
        IF NOT EXISTS (SELECT FROM pg_temp.erasure_rows r WHERE r.run_date = v_day) THEN
            v_left := v_left - (SELECT sum(audit._erase_day(s.user_id, p_erased, v_day)) FROM pg_temp.erasure_spellings s);
            DELETE FROM pg_temp.erasure_days d WHERE d.load_date = v_day;
        END IF;
    END LOOP;
    RETURN 'days';
END
$_erase_days$;
COMMENT ON FUNCTION audit._erase_days(text, audit.erased_users) IS 'Gives a user''s rows of some days to the pseudonym';
