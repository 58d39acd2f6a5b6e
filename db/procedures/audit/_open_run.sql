-- Worker of open_run: the driver has opened the run when it recorded this step; nothing is left to do.
CREATE OR REPLACE FUNCTION audit._open_run(p_load_date date) RETURNS audit.step_result
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_open_run$
    SELECT ROW(0, 0, 0, 0, NULL)::audit.step_result;
$_open_run$;
COMMENT ON FUNCTION audit._open_run(date) IS 'Worker of open_run: the driver has opened the run when it recorded this step';
