-- Runs DDL that needs locks which readers hold: waits briefly, lets the readers pass, tries again, and in the end gives up
-- with nothing changed. Nobody queues behind a long query or a pg_dump for longer than one attempt.
--
-- p_what:      what is being done, for the error
-- p_relations: the relations whose holders the error names
-- p_commands:  the statements; all or none of them hold
-- Locks:       SHARE UPDATE EXCLUSIVE on the tables among p_relations, until the transaction ends; what the statements take
-- Errors:      WH006 the tables stayed in use, with the pids that hold their locks
CREATE OR REPLACE FUNCTION warehouse._execute_or_give_up(p_what text, p_relations regclass[], p_commands text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_execute_or_give_up$
DECLARE
    v_attempts     integer := coalesce(audit._setting('swap_attempts'), 1);
    v_lock_timeout text := current_setting('lock_timeout');
    v_command      text;
BEGIN
    -- Autovacuum yields only to a session that waits for longer than deadlock_timeout, a second; the attempts below never do,
    -- and one of a month's partitions is always being vacuumed. This lock keeps autovacuum away, waits for no reader or
    -- writer, and may take as long as all attempts together.
    BEGIN
        PERFORM set_config('lock_timeout', greatest(2000, v_attempts * (audit._setting('swap_lock_timeout_ms') + audit._setting('swap_pause_ms')))::text, true);
        FOR v_command IN
            SELECT format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', c.oid::regclass)
            FROM pg_class c WHERE c.oid = ANY (p_relations) AND c.relkind = 'r' ORDER BY c.oid::regclass::text COLLATE "C"
        LOOP
            EXECUTE v_command;
        END LOOP;
        PERFORM set_config('lock_timeout', v_lock_timeout, true);
    EXCEPTION WHEN lock_not_available THEN
        PERFORM warehouse._give_up(p_what, p_relations);
    END;

    LOOP
        v_attempts := v_attempts - 1;
        BEGIN
            PERFORM set_config('lock_timeout', audit._setting('swap_lock_timeout_ms')::text, true);
            FOREACH v_command IN ARRAY p_commands LOOP
                EXECUTE v_command;
            END LOOP;
            PERFORM set_config('lock_timeout', v_lock_timeout, true);
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            IF v_attempts <= 0 THEN
                PERFORM warehouse._give_up(p_what, p_relations);
            END IF;
        END;
        PERFORM pg_sleep(audit._setting('swap_pause_ms') / 1000.0);
    END LOOP;
END
$_execute_or_give_up$;
COMMENT ON FUNCTION warehouse._execute_or_give_up(text, regclass[], text[])
    IS 'Runs DDL that needs locks which readers hold: waits briefly, lets readers pass, tries again, gives up with WH006';

-- Errors: WH006, with the pids that hold the relations
CREATE OR REPLACE FUNCTION warehouse._give_up(p_what text, p_relations regclass[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_give_up$
DECLARE
    v_holders text;
BEGIN
    SELECT warehouse._sessions(array_agg(l.pid)) INTO v_holders
    FROM pg_locks l
    WHERE l.relation = ANY (p_relations) AND l.granted AND l.pid <> pg_backend_pid();
    RAISE EXCEPTION '%: the tables stayed in use', p_what USING ERRCODE = 'WH006',
        DETAIL = format('Held by the sessions %s. Nothing was changed.', v_holders),
        HINT = 'SELECT pid, usename, state, query FROM pg_stat_activity WHERE pid IN (…); then run the step again.';
END
$_give_up$;
COMMENT ON FUNCTION warehouse._give_up(text, regclass[]) IS 'Says which sessions hold the tables that were needed';
