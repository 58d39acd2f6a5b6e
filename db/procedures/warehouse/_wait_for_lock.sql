-- Takes an advisory lock of this project until the transaction ends. This is the one place that waits for one: after some
-- seconds it says which sessions hold it, and in the end it gives up with an error.
--
-- p_class, p_key: the lock's keys; the first is a word: warehouse._lock_class
-- p_what:      what is locked, for people
-- p_is_shared: shared with others; else exclusive
-- Waits:  setting lock_wait_s, or the session's lock_timeout if that is set; a NOTICE after lock_notice_s
-- Reads:  audit.settings, pg_locks, pg_stat_activity
-- Locks:  the lock
-- Errors: WH006 it stayed taken, with the sessions; nothing was changed
--
-- It waits twice: until the NOTICE, and for the rest. A session that waits for an exclusive lock has a place in the queue that
-- those who would share it cannot pass; it loses that place once, not again and again. The server sends a NOTICE at once.
CREATE OR REPLACE FUNCTION warehouse._wait_for_lock(
    p_class text, p_key integer, p_what text, p_is_shared boolean DEFAULT false
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_wait_for_lock$
DECLARE
    v_class        integer := warehouse._lock_class(p_class);
    v_timeout      text;
    v_wait         integer;
    v_notice       integer;
    v_milliseconds integer;
BEGIN
    IF (CASE WHEN p_is_shared THEN pg_try_advisory_xact_lock_shared(v_class, p_key) ELSE pg_try_advisory_xact_lock(v_class, p_key) END) THEN
        RETURN;
    END IF;
    v_timeout := current_setting('lock_timeout');
    v_wait := warehouse._wait_limit_ms();
    v_notice := least(audit._setting('lock_notice_s'), 86400) * 1000;

    FOR v_part IN 1..2 LOOP
        v_milliseconds := CASE WHEN v_notice < v_wait THEN CASE v_part WHEN 1 THEN v_notice ELSE v_wait - v_notice END
                               ELSE CASE v_part WHEN 1 THEN v_wait ELSE 0 END END;
        CONTINUE WHEN v_milliseconds = 0;
        IF v_part = 2 THEN
            RAISE NOTICE 'waiting for %, held by the sessions %', p_what, warehouse._lock_holders(v_class, p_key, p_is_shared);
        END IF;
        BEGIN
            PERFORM set_config('lock_timeout', v_milliseconds::text, true);
            IF p_is_shared THEN
                PERFORM pg_advisory_xact_lock_shared(v_class, p_key);
            ELSE
                PERFORM pg_advisory_xact_lock(v_class, p_key);
            END IF;
            PERFORM set_config('lock_timeout', v_timeout, true);
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            NULL;
        END;
    END LOOP;
    RAISE EXCEPTION '% stayed in use', p_what USING ERRCODE = 'WH006',
        DETAIL = format('Waited %s s for the sessions %s. Nothing was changed.', round(v_wait / 1000.0, 1),
                        warehouse._lock_holders(v_class, p_key, p_is_shared)),
        HINT = 'SELECT pid, usename, state, query FROM pg_stat_activity WHERE pid IN (…); end them (SELECT pg_terminate_backend(pid)) or let them end, and try again. To wait longer: setting lock_wait_s, or SET lock_timeout = ''30min'';';
END
$_wait_for_lock$;
COMMENT ON FUNCTION warehouse._wait_for_lock(text, integer, text, boolean)
    IS 'Takes an advisory lock of this project until the transaction ends; says which sessions hold it, and gives up with WH006';

-- The sessions that block an advisory lock: those that hold it and, for a shared lock, those that wait for an exclusive one.
CREATE OR REPLACE FUNCTION warehouse._lock_holders(p_class integer, p_key integer, p_is_shared boolean) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_lock_holders$
    SELECT warehouse._sessions(array_agg(l.pid))
    FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND (l.granted OR p_is_shared)
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.classid::bigint = p_class::bigint & 4294967295 AND l.objid::bigint = p_key::bigint & 4294967295
      AND l.pid IS DISTINCT FROM pg_backend_pid() AND (l.mode = 'ExclusiveLock' OR NOT p_is_shared);
$_lock_holders$;
COMMENT ON FUNCTION warehouse._lock_holders(integer, integer, boolean) IS 'The sessions that block an advisory lock, in words';
