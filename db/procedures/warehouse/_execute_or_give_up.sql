-- Runs DDL that needs locks which readers hold: asks for a short time, lets the readers pass, asks again, and in the
-- end gives up with nothing changed. Nobody queues behind a long query or a pg_dump for longer than one asking.
--
-- p_what:      what is being done, for the error
-- p_relations: the relations whose holders the error names
-- p_commands:  the statements; all or none of them hold
-- Errors:      WH006 the locks were not to be had, with the pids that hold them
CREATE OR REPLACE FUNCTION warehouse._execute_or_give_up(p_what text, p_relations regclass[], p_commands text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_execute_or_give_up$
DECLARE
    v_attempts     integer := coalesce(audit._setting('swap_attempts'), 1);
    v_lock_timeout text := current_setting('lock_timeout');
    v_command      text;
    v_holders      text;
BEGIN
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
                SELECT string_agg(DISTINCT l.pid::text, ', ') INTO v_holders
                FROM pg_locks l
                WHERE l.relation = ANY (p_relations) AND l.granted AND l.pid <> pg_backend_pid();
                RAISE EXCEPTION '%: the tables stayed in use', p_what USING ERRCODE = 'WH006',
                    DETAIL = format('Held by the sessions with pid %s. Nothing was changed.', coalesce(v_holders, '(gone now)')),
                    HINT = 'SELECT pid, usename, state, query FROM pg_stat_activity WHERE pid IN (…); then run the step again.';
            END IF;
        END;
        PERFORM pg_sleep(audit._setting('swap_pause_ms') / 1000.0);
    END LOOP;
END
$_execute_or_give_up$;
COMMENT ON FUNCTION warehouse._execute_or_give_up(text, regclass[], text[])
    IS 'Runs DDL that needs locks which readers hold: asks shortly, lets readers pass, asks again, gives up with WH006';
