CREATE TABLE warehouse.daily_metrics (
    run_date                date        NOT NULL,
    status                  text        NOT NULL,
    raw_orders_count        bigint      NOT NULL DEFAULT 0,
    raw_order_lines_count   bigint      NOT NULL DEFAULT 0,
    raw_events_count        bigint      NOT NULL DEFAULT 0,
    staging_orders_count    bigint      NOT NULL DEFAULT 0,
    staging_events_count    bigint      NOT NULL DEFAULT 0,
    duplicate_orders_count  bigint      NOT NULL DEFAULT 0,
    duplicate_events_count  bigint      NOT NULL DEFAULT 0,
    rejected_orders_count   bigint      NOT NULL DEFAULT 0,
    rejected_events_count   bigint      NOT NULL DEFAULT 0,
    fact_orders_count       bigint      NOT NULL DEFAULT 0,
    fact_events_count       bigint      NOT NULL DEFAULT 0,
    superseded_orders_count bigint      NOT NULL DEFAULT 0,
    superseded_events_count bigint      NOT NULL DEFAULT 0,
    dq_failed_count         bigint      NOT NULL DEFAULT 0,
    revenue                 numeric     NOT NULL DEFAULT 0,
    net_revenue             numeric     NOT NULL DEFAULT 0,
    sale_statuses           text[]      NOT NULL DEFAULT '{}',
    runtime_seconds         numeric,
    rows_per_second         numeric,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    discount                numeric     NOT NULL DEFAULT 0,
    tax                     numeric     NOT NULL DEFAULT 0,
    shipping                numeric     NOT NULL DEFAULT 0,
    refunded                numeric     NOT NULL DEFAULT 0,
    sold_orders_count       bigint      NOT NULL DEFAULT 0,
    sold_lines_count        bigint      NOT NULL DEFAULT 0,
    customers_count         bigint      NOT NULL DEFAULT 0,
    CONSTRAINT daily_metrics_pkey PRIMARY KEY (run_date),
    CONSTRAINT daily_metrics_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'blocked'))
);
COMMENT ON TABLE warehouse.daily_metrics IS 'One row per day that was run, blocked and failed days too. Counts of orders are lines unless said otherwise.';
COMMENT ON COLUMN warehouse.daily_metrics.run_date IS 'Day';
COMMENT ON COLUMN warehouse.daily_metrics.status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.daily_metrics.raw_orders_count IS 'Orders delivered, in the deliveries in force';
COMMENT ON COLUMN warehouse.daily_metrics.raw_order_lines_count IS 'Order lines delivered = staging + duplicate + rejected';
COMMENT ON COLUMN warehouse.daily_metrics.raw_events_count IS 'Events delivered = staging + duplicate + rejected';
COMMENT ON COLUMN warehouse.daily_metrics.staging_orders_count IS 'Clean order lines = fact + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.daily_metrics.staging_events_count IS 'Clean events = fact + superseded, once the day is loaded';
COMMENT ON COLUMN warehouse.daily_metrics.duplicate_orders_count IS 'Order lines of reports that a later one of the same day replaced';
COMMENT ON COLUMN warehouse.daily_metrics.duplicate_events_count IS 'Events that a later line of the same day replaced';
COMMENT ON COLUMN warehouse.daily_metrics.rejected_orders_count IS 'Order lines rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.daily_metrics.rejected_events_count IS 'Events rejected: audit.bad_records';
COMMENT ON COLUMN warehouse.daily_metrics.fact_orders_count IS 'Order lines of this load in fact_orders';
COMMENT ON COLUMN warehouse.daily_metrics.fact_events_count IS 'Events of this load in fact_events';
COMMENT ON COLUMN warehouse.daily_metrics.superseded_orders_count IS 'Order lines of this load while the report of another load counts';
COMMENT ON COLUMN warehouse.daily_metrics.superseded_events_count IS 'Events of this load that a later load reported again';
COMMENT ON COLUMN warehouse.daily_metrics.dq_failed_count IS 'Rows that break a rule, summed over the rules of the last judgement; a failed rule about the day counts 1';
COMMENT ON COLUMN warehouse.daily_metrics.revenue IS 'Sum of revenue of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.net_revenue IS 'The same, of statuses that count as a sale, less what was refunded of these';
COMMENT ON COLUMN warehouse.daily_metrics.sale_statuses IS 'Statuses that net_revenue counts: those that counted as a sale when this load was last loaded';
COMMENT ON COLUMN warehouse.daily_metrics.runtime_seconds IS 'Seconds from the start of the last run to its end';
COMMENT ON COLUMN warehouse.daily_metrics.rows_per_second IS 'Order lines and events delivered per second of runtime';
COMMENT ON COLUMN warehouse.daily_metrics.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.daily_metrics.updated_at IS 'When the row last changed';
COMMENT ON COLUMN warehouse.daily_metrics.discount IS 'Sum of discounts of this load in fact_orders, whatever the status; revenue is already less these';
COMMENT ON COLUMN warehouse.daily_metrics.tax IS 'Sum of taxes of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.shipping IS 'Sum of shipping of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.refunded IS 'Sum of what was paid back of this load in fact_orders, whatever the status';
COMMENT ON COLUMN warehouse.daily_metrics.sold_orders_count IS 'Orders of this load in fact_orders that count as a sale: those of sale_statuses';
COMMENT ON COLUMN warehouse.daily_metrics.sold_lines_count IS 'Their lines';
COMMENT ON COLUMN warehouse.daily_metrics.customers_count IS 'Known users who have one of these orders; guests are not counted';
