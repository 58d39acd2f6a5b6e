-- The run of a day that waits for its first step: opened, perhaps with extracts, and nothing else. NULL if there is none.
--
-- Reads: audit.pipeline_runs, audit.pipeline_steps
CREATE OR REPLACE FUNCTION audit._waiting_run(p_load_date date) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_waiting_run$
    SELECT r.run_id
    FROM (SELECT n.run_id, n.status FROM audit.pipeline_runs n WHERE n.run_date = p_load_date ORDER BY n.run_id DESC LIMIT 1) AS r
    WHERE r.status = 'running'
      AND NOT EXISTS (SELECT FROM audit.pipeline_steps s
                      WHERE s.run_id = r.run_id AND s.step <> 'open_run' AND s.step NOT LIKE 'extract\_%');
$_waiting_run$;
COMMENT ON FUNCTION audit._waiting_run(date) IS 'The run of a day that waits for its first step; NULL if there is none';
