-- Sessions in words: pid, login and program. Not their queries, which may name a person: the words become part of errors
-- that are kept. A prepared transaction has no pid.
CREATE OR REPLACE FUNCTION warehouse._sessions(p_pids integer[]) RETURNS text
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_sessions$
    SELECT coalesce(string_agg(CASE WHEN p.pid IS NULL THEN 'of a prepared transaction'
                                    ELSE format('with pid %s: %s (%s)', p.pid, coalesce(a.usename, 'gone'), coalesce(nullif(a.application_name, ''), '-')) END,
                               '; ' ORDER BY p.pid), '(gone now)')
    FROM (SELECT DISTINCT u.pid FROM unnest(p_pids) AS u (pid)) AS p
    LEFT JOIN pg_stat_activity a ON a.pid = p.pid;
$_sessions$;
COMMENT ON FUNCTION warehouse._sessions(integer[]) IS 'Sessions in words: pid, login and program';
