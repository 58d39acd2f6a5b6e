-- Whether the rejected rows of a day may be dropped.
CREATE OR REPLACE FUNCTION warehouse._is_day_over(p_run_date date, p_before date) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_is_day_over$
    SELECT coalesce(p_run_date < p_before - audit._setting('audit_keep_days'), false)
           AND NOT EXISTS (SELECT FROM audit.pipeline_runs r
                           WHERE r.run_date = p_run_date
                             AND (r.started_at >= (p_before - audit._setting('audit_keep_days'))::timestamp AT TIME ZONE 'UTC'
                                  OR r.status = 'running'))
           AND NOT EXISTS (SELECT FROM unnest(ARRAY['staging.orders_clean', 'staging.events_clean', 'staging.products_clean']::regclass[]) AS p (parent)
                           WHERE warehouse._partition_of(p.parent, p_run_date) IS NOT NULL);
$_is_day_over$;
COMMENT ON FUNCTION warehouse._is_day_over(date, date) IS 'Whether the rejected rows of a day may be dropped';
