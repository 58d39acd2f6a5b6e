-- Completes the row of daily_metrics of a day when a run ends: status, raw, staging and rule figures, runtime. The fact
-- figures are kept by the fact steps, in the transactions that change the facts, and stay as they are.
--
-- Reads:  staging.loads, audit.dq_results, audit.pipeline_runs
-- Writes: warehouse.daily_metrics
CREATE OR REPLACE FUNCTION warehouse._write_daily_metrics(p_load_date date, p_run_id bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_write_daily_metrics$
    INSERT INTO warehouse.daily_metrics AS m (
        run_date, status, raw_orders_count, raw_order_lines_count, raw_events_count, staging_orders_count,
        staging_events_count, duplicate_orders_count, duplicate_events_count, rejected_orders_count,
        rejected_events_count, dq_failed_count, runtime_seconds, rows_per_second)
    SELECT p_load_date, r.status, coalesce(o.raw_count, 0), coalesce(o.delivered_count, 0), coalesce(e.delivered_count, 0),
           coalesce(o.clean_count, 0), coalesce(e.clean_count, 0), coalesce(o.duplicate_count, 0),
           coalesce(e.duplicate_count, 0), coalesce(o.rejected_count, 0), coalesce(e.rejected_count, 0),
           (SELECT coalesce(sum(d.failed_count), 0) FROM audit.dq_results d
            WHERE d.run_id = (SELECT max(j.run_id) FROM audit.dq_results j WHERE j.run_date = p_load_date)),
           round(extract(epoch FROM t.runtime), 3),
           round((coalesce(o.delivered_count, 0) + coalesce(e.delivered_count, 0)) / nullif(extract(epoch FROM t.runtime), 0), 1)
    FROM audit.pipeline_runs r
    CROSS JOIN LATERAL (SELECT coalesce(r.ended_at, clock_timestamp()) - r.started_at - r.idle AS runtime) AS t
    LEFT JOIN staging.loads o ON o.source = 'orders' AND o.load_date = p_load_date
    LEFT JOIN staging.loads e ON e.source = 'events' AND e.load_date = p_load_date
    WHERE r.run_id = p_run_id
    ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO UPDATE
    SET status = excluded.status, raw_orders_count = excluded.raw_orders_count,
        raw_order_lines_count = excluded.raw_order_lines_count, raw_events_count = excluded.raw_events_count,
        staging_orders_count = excluded.staging_orders_count, staging_events_count = excluded.staging_events_count,
        duplicate_orders_count = excluded.duplicate_orders_count, duplicate_events_count = excluded.duplicate_events_count,
        rejected_orders_count = excluded.rejected_orders_count, rejected_events_count = excluded.rejected_events_count,
        dq_failed_count = excluded.dq_failed_count, runtime_seconds = excluded.runtime_seconds,
        rows_per_second = excluded.rows_per_second, updated_at = excluded.updated_at;
$_write_daily_metrics$;
COMMENT ON FUNCTION warehouse._write_daily_metrics(date, bigint) IS 'Completes the row of daily_metrics of a day when a run ends';
