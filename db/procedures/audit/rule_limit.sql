-- How long the gate's rules may take, and whether a session has judged a day for longer: `run` cancels it then. The server
-- cannot, because statement_timeout counts from the CALL of the whole day.
--
-- p_backend_pid: the session
-- Returns:       the setting rule_limit_s in seconds, NULL for no limit; whether the session is over it
-- Reads:         audit.settings, audit.pipeline_steps
CREATE OR REPLACE FUNCTION audit.rule_limit(p_backend_pid integer) RETURNS TABLE (seconds integer, is_exceeded boolean)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $rule_limit$
    SELECT l.value::integer, EXISTS (
        SELECT FROM audit.pipeline_steps s
        WHERE s.backend_pid = p_backend_pid AND s.step = 'check_quality' AND s.status = 'running'
          AND s.started_at < clock_timestamp() - make_interval(secs => l.value::integer)
    )
    FROM audit.settings l
    WHERE l.name = 'rule_limit_s';
$rule_limit$;
COMMENT ON FUNCTION audit.rule_limit(integer) IS 'How long the gate''s rules may take in seconds, NULL for no limit, and whether a session has judged a day for longer';
