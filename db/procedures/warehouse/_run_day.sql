-- All SQL steps of a day, one after the other; stops at the first that fails. A run that has been opened and waits is
-- joined; otherwise it begins by opening one.
--
-- p_failure: what ended the day; NULL fields if it succeeded
CREATE OR REPLACE PROCEDURE warehouse._run_day(p_load_date date, INOUT p_failure audit.failure)
LANGUAGE plpgsql
AS $_run_day$
DECLARE
    v_worker pg_catalog.regproc;
BEGIN
    FOREACH v_worker IN ARRAY ARRAY[
        'audit._open_run',
        'staging._clean_orders', 'staging._clean_events', 'staging._clean_products',
        'audit._check_quality',
        'warehouse._load_dim_date', 'warehouse._load_dim_user', 'warehouse._load_dim_product',
        'warehouse._reload_fact_orders', 'warehouse._reload_fact_events',
        'warehouse._compute_daily_metrics']::pg_catalog.regproc[]
    LOOP
        CONTINUE WHEN v_worker OPERATOR(pg_catalog.=) 'audit._open_run'::pg_catalog.regproc AND audit._waiting_run(p_load_date) IS NOT NULL;
        CALL audit._run_step(v_worker, p_load_date, p_failure);
        EXIT WHEN p_failure.sqlstate IS NOT NULL;
    END LOOP;
END
$_run_day$;
COMMENT ON PROCEDURE warehouse._run_day(date, audit.failure) IS 'All SQL steps of a day, one after the other; stops at the first that fails';
