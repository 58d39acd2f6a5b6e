-- How long a lock is waited for, in milliseconds: as the session's own lock_timeout says, else as the setting does.
CREATE OR REPLACE FUNCTION warehouse._wait_limit_ms() RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_wait_limit_ms$
    SELECT coalesce(nullif((SELECT s.setting::integer FROM pg_settings s WHERE s.name = 'lock_timeout'), 0),
                    greatest(1000 * least(coalesce(audit._setting('lock_wait_s'), 86400), 86400), 1));
$_wait_limit_ms$;
COMMENT ON FUNCTION warehouse._wait_limit_ms() IS 'How long a lock is waited for, in milliseconds';
