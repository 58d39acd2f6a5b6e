-- How long a lock is waited for, in milliseconds: as the session's own lock_timeout says, else as the setting does.
CREATE OR REPLACE FUNCTION warehouse._wait_limit_ms() RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_wait_limit_ms$
BEGIN
    -- As text with its unit: pg_settings would make a row of each of the server's settings first.
    RETURN coalesce(nullif((extract(epoch FROM current_setting('lock_timeout')::interval) * 1000)::integer, 0),
                    greatest(1000 * least(coalesce(audit._setting('lock_wait_s'), 86400), 86400), 1));
END
$_wait_limit_ms$;
COMMENT ON FUNCTION warehouse._wait_limit_ms() IS 'How long a lock is waited for, in milliseconds';
