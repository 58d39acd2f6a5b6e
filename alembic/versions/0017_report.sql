-- Views of the report, and the daily figures that they add up: filled here from the facts, kept by the steps afterwards.

ALTER TABLE warehouse.daily_metrics
    ADD COLUMN sold_orders_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN sold_lines_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN customers_count bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN warehouse.daily_metrics.sold_orders_count IS 'Orders of this load in fact_orders that count as a sale: those of sale_statuses';
COMMENT ON COLUMN warehouse.daily_metrics.sold_lines_count IS 'Their lines';
COMMENT ON COLUMN warehouse.daily_metrics.customers_count IS 'Known users who have one of these orders; guests are not counted';

UPDATE audit.steps s SET writes = s.writes || '{warehouse.daily_products,warehouse.daily_order_statuses}' WHERE s.step = 'reload_fact_orders';
UPDATE audit.steps s SET writes = s.writes || '{warehouse.daily_event_types}' WHERE s.step = 'reload_fact_events';

-- audit/rejected_reasons.sql: a column more ----------------------------------------

CREATE OR REPLACE VIEW audit.rejected_reasons AS
WITH reasons AS (
    SELECT b.run_date,
           split_part(split_part(b.source_table, '.', 2), '_', 1) AS source,
           regexp_replace(coalesce(r.reason, b.failure_reason), '^line [0-9]+ of the order is rejected: ', 'another line of the order is rejected: ') AS failure_reason,
           CASE WHEN r.reason IS NULL THEN b.failed_value ELSE r.value END COLLATE "C" AS failed_value,
           r.reason IS NOT NULL AS has_others,
           b.file_name,
           b.line_number,
           b.line_count
    FROM audit.bad_records b
    LEFT JOIN LATERAL jsonb_each_text(b.failed_values) AS r (reason, value) ON true
),
reason_values AS (
    SELECT r.run_date,
           r.source,
           r.failure_reason,
           r.failed_value,
           sum(r.line_count) AS rows,
           sum(r.line_count) FILTER (WHERE r.has_others) AS rows_with_others,
           (array_agg(concat_ws(':', r.file_name, r.line_number) ORDER BY r.file_name, r.line_number))[1] AS first_at
    FROM reasons r
    GROUP BY r.run_date, r.source, r.failure_reason, r.failed_value
)
SELECT v.run_date,
       v.source,
       v.failure_reason,
       sum(v.rows)::bigint AS rows,
       nullif(sum(v.rows_with_others), 0)::bigint AS rows_with_others,
       (array_agg(v.failed_value ORDER BY v.rows DESC, v.failed_value))[1] AS example,
       (array_agg(v.first_at ORDER BY v.rows DESC, v.failed_value))[1] AS first_at,
       max(v.rows)::bigint AS example_rows
FROM reason_values v
GROUP BY v.run_date, v.source, v.failure_reason;

COMMENT ON COLUMN audit.rejected_reasons.example_rows IS 'Rejected lines in which the reason is about the example';

-- warehouse/daily_products.sql -------------------------------------------------------------------

CREATE TABLE warehouse.daily_products (
    load_date    date    NOT NULL,
    product_id   text    COLLATE "C" NOT NULL,
    orders       bigint  NOT NULL,
    first_orders bigint  NOT NULL,
    lines        bigint  NOT NULL,
    net_revenue  numeric NOT NULL,
    CONSTRAINT daily_products_pkey PRIMARY KEY (load_date, product_id)
);
COMMENT ON TABLE warehouse.daily_products IS 'One row per day and product sold on it: figures of the day''s lines in fact_orders that count as a sale, kept by the steps that change the facts';
COMMENT ON COLUMN warehouse.daily_products.load_date IS 'Load that the lines are of';
COMMENT ON COLUMN warehouse.daily_products.product_id IS 'Product: warehouse.dim_product';
COMMENT ON COLUMN warehouse.daily_products.orders IS 'Orders sold that have it on any line';
COMMENT ON COLUMN warehouse.daily_products.first_orders IS 'Orders sold that have it on their first line: summed over products, each order counts once';
COMMENT ON COLUMN warehouse.daily_products.lines IS 'Lines sold';
COMMENT ON COLUMN warehouse.daily_products.net_revenue IS 'Revenue of these lines, less what was refunded';

-- warehouse/daily_order_statuses.sql -------------------------------------------------------------

CREATE TABLE warehouse.daily_order_statuses (
    load_date date    NOT NULL,
    status    text    NOT NULL,
    orders    bigint  NOT NULL,
    lines     bigint  NOT NULL,
    revenue   numeric NOT NULL,
    CONSTRAINT daily_order_statuses_pkey PRIMARY KEY (load_date, status)
);
COMMENT ON TABLE warehouse.daily_order_statuses IS 'One row per day and status of the orders in its facts, kept by the steps that change the facts';
COMMENT ON COLUMN warehouse.daily_order_statuses.load_date IS 'Load that the orders are of';
COMMENT ON COLUMN warehouse.daily_order_statuses.status IS 'Canonical status: warehouse.order_statuses';
COMMENT ON COLUMN warehouse.daily_order_statuses.orders IS 'Orders';
COMMENT ON COLUMN warehouse.daily_order_statuses.lines IS 'Their lines';
COMMENT ON COLUMN warehouse.daily_order_statuses.revenue IS 'Of these lines, before what was refunded';

-- warehouse/daily_event_types.sql ----------------------------------------------------------------

CREATE TABLE warehouse.daily_event_types (
    load_date  date   NOT NULL,
    event_type text   COLLATE "C" NOT NULL,
    events     bigint NOT NULL,
    CONSTRAINT daily_event_types_pkey PRIMARY KEY (load_date, event_type)
);
COMMENT ON TABLE warehouse.daily_event_types IS 'One row per day and type of its events in fact_events, kept by the steps that change the facts. Types longer than 100 bytes are not in it.';
COMMENT ON COLUMN warehouse.daily_event_types.load_date IS 'Load that the events are of';
COMMENT ON COLUMN warehouse.daily_event_types.event_type IS 'Canonical type';
COMMENT ON COLUMN warehouse.daily_event_types.events IS 'Events of it';

INSERT INTO warehouse.daily_products (load_date, product_id, orders, first_orders, lines, net_revenue)
SELECT l.load_date, l.product_id, count(*) FILTER (WHERE l.is_first_of_product), count(*) FILTER (WHERE l.is_first), count(*), trim_scale(sum(l.net_revenue))
FROM (
    SELECT f.load_date, f.product_id, f.revenue - coalesce(f.refunded, 0) AS net_revenue,
           row_number() OVER (PARTITION BY f.load_date, f.order_id ORDER BY f.line_number) = 1 AS is_first,
           row_number() OVER (PARTITION BY f.load_date, f.order_id, f.product_id) = 1 AS is_first_of_product
    FROM warehouse.fact_orders f
    JOIN warehouse.daily_metrics m ON m.run_date = f.load_date
    WHERE f.status = ANY (m.sale_statuses)
) AS l
GROUP BY l.load_date, l.product_id;

WITH sold AS (
    SELECT p.load_date, sum(p.first_orders) AS orders, sum(p.lines) AS lines FROM warehouse.daily_products p GROUP BY p.load_date
),
customers AS (
    SELECT u.load_date, count(*) AS customers
    FROM (
        SELECT f.load_date, f.user_id
        FROM warehouse.fact_orders f
        JOIN warehouse.daily_metrics m ON m.run_date = f.load_date
        WHERE f.status = ANY (m.sale_statuses) AND f.user_id <> '(guest)'
        GROUP BY f.load_date, f.user_id
    ) AS u
    GROUP BY u.load_date
)
UPDATE warehouse.daily_metrics m
SET sold_orders_count = s.orders, sold_lines_count = s.lines,
    customers_count = coalesce((SELECT c.customers FROM customers c WHERE c.load_date = m.run_date), 0)
FROM sold s
WHERE s.load_date = m.run_date;

INSERT INTO warehouse.daily_order_statuses (load_date, status, orders, lines, revenue)
SELECT o.load_date, o.status, count(*), sum(o.lines), trim_scale(sum(o.revenue))
FROM (
    SELECT f.load_date, f.order_id, f.status, count(*) AS lines, sum(f.revenue) AS revenue
    FROM warehouse.fact_orders f
    GROUP BY f.load_date, f.order_id, f.status
) AS o
GROUP BY o.load_date, o.status;

INSERT INTO warehouse.daily_event_types (load_date, event_type, events)
SELECT f.load_date, f.event_type, count(*) FROM warehouse.fact_events f
WHERE octet_length(f.event_type) <= 100
GROUP BY f.load_date, f.event_type;

-- warehouse/funnel_stages.sql --------------------------------------------------------------------

CREATE TABLE warehouse.funnel_stages (
    event_type text     NOT NULL,
    stage      text     NOT NULL,
    place      smallint NOT NULL,
    CONSTRAINT funnel_stages_pkey PRIMARY KEY (event_type),
    CONSTRAINT funnel_stages_stage_check CHECK (stage IN ('view', 'cart', 'checkout', 'purchase'))
);
COMMENT ON TABLE warehouse.funnel_stages IS 'One row per type of event on the way from view to purchase. Add a row for a type of your own; the report shows it at once.';
COMMENT ON COLUMN warehouse.funnel_stages.event_type IS 'Canonical type: staging.codes';
COMMENT ON COLUMN warehouse.funnel_stages.stage IS 'view, cart, checkout or purchase';
COMMENT ON COLUMN warehouse.funnel_stages.place IS 'Order of the stages, from 1';

INSERT INTO warehouse.funnel_stages (event_type, stage, place) VALUES
    ('product_view', 'view', 1), ('add_to_cart', 'cart', 2), ('checkout', 'checkout', 3), ('purchase', 'purchase', 4);

-- audit/day_statuses.sql: of these figures, not of the facts ------------------------------

CREATE OR REPLACE VIEW audit.day_statuses AS
SELECT d.load_date AS run_date,
       d.status,
       s.counts_as_sale,
       d.orders,
       d.lines,
       d.revenue
FROM warehouse.daily_order_statuses d
JOIN warehouse.order_statuses s ON s.status = d.status;


-- warehouse/daily_funnel.sql ---------------------------------------------------------------------

CREATE VIEW warehouse.daily_funnel AS
SELECT d.load_date AS day,
       min(s.place)::integer AS place,
       s.stage,
       sum(d.events)::bigint AS events
FROM warehouse.daily_event_types d
JOIN warehouse.funnel_stages s ON s.event_type = d.event_type
GROUP BY d.load_date, s.stage;

COMMENT ON VIEW warehouse.daily_funnel IS 'One row per day and stage on the way from view to purchase: events, not people. Filter by day.';
COMMENT ON COLUMN warehouse.daily_funnel.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_funnel.place IS 'Order of the stages, from 1';
COMMENT ON COLUMN warehouse.daily_funnel.stage IS 'view, cart, checkout or purchase: warehouse.funnel_stages';
COMMENT ON COLUMN warehouse.daily_funnel.events IS 'Events of its types in the facts';

-- warehouse/daily_sales.sql ----------------------------------------------------------------------

CREATE VIEW warehouse.daily_sales AS
SELECT m.run_date AS day,
       to_char(m.run_date::timestamp, 'FMDay') AS weekday,
       m.status,
       m.fact_orders_count + m.superseded_orders_count > 0 OR m.status = 'succeeded' AS is_loaded,
       m.net_revenue,
       m.revenue,
       m.sold_orders_count AS orders_sold,
       m.sold_lines_count AS lines_sold,
       m.net_revenue / nullif(m.sold_orders_count, 0) AS basket,
       m.customers_count AS customers,
       e.views,
       e.purchases,
       e.purchases::numeric / nullif(e.views, 0) AS purchases_per_view,
       m.raw_order_lines_count + m.raw_events_count AS delivered_lines,
       m.rejected_orders_count + m.rejected_events_count AS rejected_lines,
       (m.rejected_orders_count + m.rejected_events_count)::numeric / nullif(m.raw_order_lines_count + m.raw_events_count, 0) AS rejected_share
FROM warehouse.daily_metrics m
CROSS JOIN LATERAL (
    SELECT coalesce(sum(f.events) FILTER (WHERE f.stage = 'view'), 0)::bigint AS views,
           coalesce(sum(f.events) FILTER (WHERE f.stage = 'purchase'), 0)::bigint AS purchases
    FROM warehouse.daily_funnel f
    WHERE f.day = m.run_date
) AS e;

COMMENT ON VIEW warehouse.daily_sales IS 'One row per day that was run: what was sold, and what was delivered. A day is that of the delivery; filter by it.';
COMMENT ON COLUMN warehouse.daily_sales.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_sales.weekday IS 'Its name in English';
COMMENT ON COLUMN warehouse.daily_sales.status IS 'running, succeeded, failed or blocked: how its last run stands';
COMMENT ON COLUMN warehouse.daily_sales.is_loaded IS 'Whether its orders are in the facts; if not, its figures are missing, not zero. Of a day that failed or is blocked they may be those of an earlier run';
COMMENT ON COLUMN warehouse.daily_sales.net_revenue IS 'Revenue of the statuses that count as a sale, less what was refunded of it';
COMMENT ON COLUMN warehouse.daily_sales.revenue IS 'Of the lines in the facts, whatever the status';
COMMENT ON COLUMN warehouse.daily_sales.orders_sold IS 'Orders that count as a sale';
COMMENT ON COLUMN warehouse.daily_sales.lines_sold IS 'Their lines';
COMMENT ON COLUMN warehouse.daily_sales.basket IS 'Net revenue of an order sold; NULL without one';
COMMENT ON COLUMN warehouse.daily_sales.customers IS 'Known users who have an order sold; guests are not counted';
COMMENT ON COLUMN warehouse.daily_sales.views IS 'Events of the stage view: warehouse.daily_funnel';
COMMENT ON COLUMN warehouse.daily_sales.purchases IS 'Events of the stage purchase';
COMMENT ON COLUMN warehouse.daily_sales.purchases_per_view IS 'Share of the views; NULL without views';
COMMENT ON COLUMN warehouse.daily_sales.delivered_lines IS 'Order lines and events delivered';
COMMENT ON COLUMN warehouse.daily_sales.rejected_lines IS 'Order lines and events rejected';
COMMENT ON COLUMN warehouse.daily_sales.rejected_share IS 'Share of the lines delivered; NULL if none were';

-- warehouse/daily_groups.sql ---------------------------------------------------------------------

-- With a constant kind the other branches are not read.
CREATE VIEW warehouse.daily_groups AS
SELECT d.load_date AS day,
       'category' AS kind,
       p.category AS name,
       NULL::bigint AS orders,
       sum(d.first_orders)::bigint AS least_orders,
       sum(d.lines)::bigint AS lines,
       sum(d.net_revenue) AS net_revenue
FROM warehouse.daily_products d
JOIN warehouse.dim_product p ON p.product_id = d.product_id
GROUP BY d.load_date, p.category
UNION ALL
SELECT o.load_date, 'city', u.city, count(*), count(*), sum(o.lines)::bigint, sum(o.net_revenue)
FROM (
    SELECT f.load_date, f.order_id, f.user_id, count(*) AS lines, sum(f.revenue - coalesce(f.refunded, 0)) AS net_revenue
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
    GROUP BY f.load_date, f.order_id, f.user_id
) AS o
JOIN warehouse.dim_user u ON u.user_id = o.user_id
GROUP BY o.load_date, u.city
UNION ALL
SELECT o.load_date, 'source', u.marketing_source, count(*), count(*), sum(o.lines)::bigint, sum(o.net_revenue)
FROM (
    SELECT f.load_date, f.order_id, f.user_id, count(*) AS lines, sum(f.revenue - coalesce(f.refunded, 0)) AS net_revenue
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
    GROUP BY f.load_date, f.order_id, f.user_id
) AS o
JOIN warehouse.dim_user u ON u.user_id = o.user_id
GROUP BY o.load_date, u.marketing_source;

COMMENT ON VIEW warehouse.daily_groups IS 'One row per day, kind of group and group of what was sold, however small: what warehouse.daily_sales_by and sales_by add up. Filter by kind and day; cities and sources read the facts of these days.';
COMMENT ON COLUMN warehouse.daily_groups.day IS 'Day of the delivery';
COMMENT ON COLUMN warehouse.daily_groups.kind IS 'category, as the newest catalogue says; or city or source of the customer, as it is now';
COMMENT ON COLUMN warehouse.daily_groups.name IS 'Name of the group; NULL if nobody says';
COMMENT ON COLUMN warehouse.daily_groups.orders IS 'Orders sold; NULL for categories';
COMMENT ON COLUMN warehouse.daily_groups.least_orders IS 'At least so many orders are in it: of a category those whose first line is of it';
COMMENT ON COLUMN warehouse.daily_groups.lines IS 'Lines sold';
COMMENT ON COLUMN warehouse.daily_groups.net_revenue IS 'Revenue of these lines, less what was refunded';

-- audit/day_states.sql ---------------------------------------------------------------------------

CREATE VIEW audit.day_states AS
SELECT h.run_date,
       h.weekday,
       h.state,
       CASE WHEN h.state <> 'succeeded' THEN h.state
            WHEN v.criticals IS NOT NULL THEN 'let through'
            WHEN v.warnings IS NOT NULL THEN 'warned'
            ELSE 'good' END AS health,
       CASE h.state
            WHEN 'succeeded' THEN concat_ws('; ', 'let through although these rules failed: ' || v.criticals, 'rules that failed: ' || v.warnings)
            WHEN 'blocked' THEN concat_ws('; ', 'rules that block it: ' || v.criticals, 'rules that failed: ' || v.warnings)
            WHEN 'failed' THEN concat('its last run failed', ' in ' || s.step)
            WHEN 'not run yet' THEN 'it was delivered, and not run'
            ELSE 'its last run is not over' END AS why,
       h.runs,
       h.order_lines,
       h.events,
       h.rejected,
       h.net_revenue,
       v.failed_criticals,
       v.failed_warnings
FROM audit.day_health h
CROSS JOIN LATERAL (
    SELECT string_agg(w.rule_name, ', ' ORDER BY w.rule_name) FILTER (WHERE w.severity = 'critical') AS criticals,
           string_agg(w.rule_name, ', ' ORDER BY w.rule_name) FILTER (WHERE w.severity <> 'critical') AS warnings,
           count(*) FILTER (WHERE w.severity = 'critical') AS failed_criticals,
           count(*) FILTER (WHERE w.severity <> 'critical') AS failed_warnings
    FROM audit.last_verdicts w
    WHERE w.run_date = h.run_date AND NOT w.passed
) AS v
LEFT JOIN LATERAL (
    SELECT p.step
    FROM audit.pipeline_steps p
    WHERE p.run_id = (SELECT max(r.run_id) FROM audit.pipeline_runs r WHERE r.run_date = h.run_date) AND p.status = 'failed'
    ORDER BY p.step_id DESC
    LIMIT 1
) AS s ON true;

COMMENT ON VIEW audit.day_states IS 'One row per day that was delivered or run: its health in a word, and why. Filter by run_date.';
COMMENT ON COLUMN audit.day_states.run_date IS 'Day';
COMMENT ON COLUMN audit.day_states.weekday IS 'Its name in English';
COMMENT ON COLUMN audit.day_states.state IS 'running, succeeded, failed or blocked: how its last run stands; or not run yet';
COMMENT ON COLUMN audit.day_states.health IS 'state; but good, warned or let through in place of succeeded: by the rules that failed';
COMMENT ON COLUMN audit.day_states.why IS 'Why it is not good, in words; empty if it is';
COMMENT ON COLUMN audit.day_states.runs IS 'Runs so far';
COMMENT ON COLUMN audit.day_states.order_lines IS 'Order lines in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.events IS 'Events in the facts; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.rejected IS 'Order lines and events rejected; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.net_revenue IS 'Revenue of the statuses that count as a sale, less what was refunded of it; NULL while it is not run';
COMMENT ON COLUMN audit.day_states.failed_criticals IS 'Critical rules that the newest run that judged it found broken';
COMMENT ON COLUMN audit.day_states.failed_warnings IS 'Warnings that it found';

-- audit/rule_history.sql -------------------------------------------------------------------------

CREATE VIEW audit.rule_history AS
SELECT v.run_date,
       v.rule_name,
       v.check_type,
       v.severity,
       v.passed,
       v.failed_count,
       v.checked_count,
       v.observed,
       r.min_value,
       r.max_value,
       -- What PostgreSQL says of a rule that it cannot evaluate may quote a value.
       regexp_replace(v.message, '^(the rule cannot be evaluated):.*$', '\1') AS in_words
FROM audit.last_verdicts v
LEFT JOIN audit.dq_rules r ON r.rule_name = v.rule_name;

COMMENT ON VIEW audit.rule_history IS 'One row per rule and day: what the newest run that judged the day found, without samples. Filter by run_date.';
COMMENT ON COLUMN audit.rule_history.run_date IS 'Day that was judged';
COMMENT ON COLUMN audit.rule_history.rule_name IS 'Rule as it was called then: audit.dq_rules';
COMMENT ON COLUMN audit.rule_history.check_type IS 'Kind of check of the rule';
COMMENT ON COLUMN audit.rule_history.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.rule_history.passed IS 'Whether the day keeps the rule';
COMMENT ON COLUMN audit.rule_history.failed_count IS 'Rows that break it; for a rule about the day as a whole 1 if it fails';
COMMENT ON COLUMN audit.rule_history.checked_count IS 'Rows looked at; NULL for a rule about the day as a whole';
COMMENT ON COLUMN audit.rule_history.observed IS 'The number that was compared with the thresholds; NULL for a rule about rows';
COMMENT ON COLUMN audit.rule_history.min_value IS 'The number must not be below it: as the rule is now; NULL for no bound';
COMMENT ON COLUMN audit.rule_history.max_value IS 'The number must not be above it: as the rule is now; NULL for no bound';
COMMENT ON COLUMN audit.rule_history.in_words IS 'The verdict in words';

-- audit/rules.sql --------------------------------------------------------------------------------

CREATE VIEW audit.rules AS
SELECT r.rule_name,
       r.check_type,
       r.table_name,
       r.severity,
       r.enabled,
       r.min_value,
       r.max_value,
       nullif(concat_ws(' and ', 'at least ' || trim_scale(r.min_value), 'at most ' || trim_scale(r.max_value)), '') AS allowed,
       r.description
FROM audit.dq_rules r;

COMMENT ON VIEW audit.rules IS 'One row per quality rule: what it allows, and what it is for';
COMMENT ON COLUMN audit.rules.rule_name IS 'What it is called';
COMMENT ON COLUMN audit.rules.check_type IS 'Kind of check, for people';
COMMENT ON COLUMN audit.rules.table_name IS 'Staging table whose day it looks at; NULL for a scalar of its own';
COMMENT ON COLUMN audit.rules.severity IS 'critical blocks the day, warning does not';
COMMENT ON COLUMN audit.rules.enabled IS 'false: it is switched off';
COMMENT ON COLUMN audit.rules.min_value IS 'The number must not be below it; NULL for no bound';
COMMENT ON COLUMN audit.rules.max_value IS 'The number must not be above it; NULL for no bound';
COMMENT ON COLUMN audit.rules.allowed IS 'The thresholds in words; NULL for a rule about rows';
COMMENT ON COLUMN audit.rules.description IS 'What it is for and what to do when it fails';

-- audit/needs_look.sql ---------------------------------------------------------------------------

CREATE VIEW audit.needs_look AS
SELECT s.run_date, 1 AS place, s.health AS kind, NULL::text AS subject,
       format('%s %s is %s', s.weekday, s.run_date, CASE s.state WHEN 'not run yet' THEN 'delivered, and not run' ELSE s.state END)
       || CASE s.state WHEN 'succeeded' THEN '' WHEN 'running' THEN '' ELSE ': ' || s.why END AS in_words
FROM audit.day_states s
WHERE s.state IN ('blocked', 'failed', 'not run yet')
UNION ALL
SELECT v.run_date, CASE v.check_type WHEN 'unusual' THEN 2 ELSE 3 END, CASE v.check_type WHEN 'unusual' THEN 'unusual' ELSE 'rule' END, v.rule_name,
       CASE v.check_type WHEN 'unusual' THEN v.in_words ELSE format('%s (%s): %s', v.rule_name, v.severity, v.in_words) END
FROM audit.rule_history v
WHERE NOT v.passed
UNION ALL
SELECT a.run_date, 4, 'alert', a.alert, a.message
FROM audit.alerts a
UNION ALL
SELECT f.last_day, 5, 'late source', f.source,
       format('%s of %s have not come; they were due on %s UTC', f.source, f.due_day, to_char(f.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'))
FROM audit.freshness f
WHERE f.is_late;

COMMENT ON VIEW audit.needs_look IS 'One row per thing that somebody should look at: days that are blocked, failed or not run, unusual days, other rules that failed, alerts, late sources. Filter by run_date.';
COMMENT ON COLUMN audit.needs_look.run_date IS 'Day; of a late source, the newest that came';
COMMENT ON COLUMN audit.needs_look.place IS 'Most urgent first, from 1';
COMMENT ON COLUMN audit.needs_look.kind IS 'blocked, failed, not run yet, unusual, rule, alert or late source';
COMMENT ON COLUMN audit.needs_look.subject IS 'Rule, alert or source; NULL if it is about the day';
COMMENT ON COLUMN audit.needs_look.in_words IS 'What is the matter';

-- audit/days_let_through.sql ---------------------------------------------------------------------

CREATE VIEW audit.days_let_through AS
SELECT o.run_date,
       o.reason,
       o.allowed_by,
       o.allowed_at,
       o.used_by_run_id IS NOT NULL AS is_used
FROM audit.dq_overrides o;

COMMENT ON VIEW audit.days_let_through IS 'One row per blocked staging of a day that somebody let through: who and why. Filter by run_date.';
COMMENT ON COLUMN audit.days_let_through.run_date IS 'Day let through';
COMMENT ON COLUMN audit.days_let_through.reason IS 'Why, in the words of who allowed it';
COMMENT ON COLUMN audit.days_let_through.allowed_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.days_let_through.allowed_at IS 'When';
COMMENT ON COLUMN audit.days_let_through.is_used IS 'Whether a run has passed by it';

-- audit/step_seconds.sql -------------------------------------------------------------------------

CREATE VIEW audit.step_seconds AS
SELECT DISTINCT ON (r.run_date, p.step)
       r.run_date,
       p.step,
       s.position,
       round(extract(epoch FROM p.ended_at - p.started_at), 3) AS seconds
FROM audit.pipeline_runs r
JOIN audit.pipeline_steps p ON p.run_id = r.run_id AND p.status = 'succeeded'
LEFT JOIN audit.steps s ON s.step = p.step
ORDER BY r.run_date, p.step, p.step_id DESC;

COMMENT ON VIEW audit.step_seconds IS 'One row per day and step: how long its last success took. Filter by run_date.';
COMMENT ON COLUMN audit.step_seconds.run_date IS 'Day';
COMMENT ON COLUMN audit.step_seconds.step IS 'Step: audit.steps';
COMMENT ON COLUMN audit.step_seconds.position IS 'Order in which run_day calls them; NULL for a step that is no more';
COMMENT ON COLUMN audit.step_seconds.seconds IS 'Seconds; near 0 if the step had nothing to do';

-- audit/source_volumes.sql -----------------------------------------------------------------------

CREATE VIEW audit.source_volumes AS
SELECT l.load_date AS run_date,
       l.source,
       l.delivered_count AS delivered,
       l.clean_count AS clean,
       l.duplicate_count AS duplicate,
       l.rejected_count AS rejected
FROM staging.loads l;

COMMENT ON VIEW audit.source_volumes IS 'One row per day and source that was cleaned: what became of its lines. Filter by run_date.';
COMMENT ON COLUMN audit.source_volumes.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.source_volumes.source IS 'orders, events or products';
COMMENT ON COLUMN audit.source_volumes.delivered IS 'Lines delivered = clean + duplicate + rejected';
COMMENT ON COLUMN audit.source_volumes.clean IS 'Lines in staging';
COMMENT ON COLUMN audit.source_volumes.duplicate IS 'Lines that a later report of the same day replaced';
COMMENT ON COLUMN audit.source_volumes.rejected IS 'Lines rejected';

-- audit/daily_statuses.sql -----------------------------------------------------------------------

CREATE VIEW audit.daily_statuses AS
SELECT s.run_date,
       CASE WHEN s.is_small THEN '(other)' ELSE s.status END AS status,
       CASE WHEN s.is_small THEN NULL ELSE s.counts_as_sale END AS counts_as_sale,
       sum(s.orders)::bigint AS orders,
       sum(s.lines)::bigint AS lines,
       sum(s.revenue) AS revenue
FROM (
    SELECT d.run_date, d.status, d.counts_as_sale, d.orders, d.lines, d.revenue,
           d.orders < 5 OR coalesce(sum(d.orders) OVER (PARTITION BY d.run_date ORDER BY d.orders, d.status
                                                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < 5, false) AS is_small
    FROM audit.day_statuses d
) AS s
GROUP BY s.run_date, s.is_small, CASE WHEN s.is_small THEN '(other)' ELSE s.status END, CASE WHEN s.is_small THEN NULL ELSE s.counts_as_sale END
HAVING sum(s.orders) >= 5;

COMMENT ON VIEW audit.daily_statuses IS 'One row per day and status of the orders in its facts; statuses under five orders are together in (other), days under five orders have no row. Filter by run_date.';
COMMENT ON COLUMN audit.daily_statuses.run_date IS 'Day of the delivery';
COMMENT ON COLUMN audit.daily_statuses.status IS 'Canonical status, or (other)';
COMMENT ON COLUMN audit.daily_statuses.counts_as_sale IS 'Whether net revenue counts it; NULL for (other)';
COMMENT ON COLUMN audit.daily_statuses.orders IS 'Orders';
COMMENT ON COLUMN audit.daily_statuses.lines IS 'Their lines';
COMMENT ON COLUMN audit.daily_statuses.revenue IS 'Of these lines';

-- audit/daily_superseded.sql ---------------------------------------------------------------------

CREATE VIEW audit.daily_superseded AS
SELECT s.run_date,
       CASE WHEN s.is_small THEN NULL ELSE s.by_day END AS by_day,
       sum(s.orders)::bigint AS orders,
       sum(s.lines)::bigint AS lines,
       sum(s.revenue) AS revenue
FROM (
    SELECT d.run_date, d.by_day, d.orders, d.lines, d.revenue,
           d.orders < 5 OR coalesce(sum(d.orders) OVER (PARTITION BY d.run_date ORDER BY d.orders, d.by_day
                                                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) < 5, false) AS is_small
    FROM audit.day_superseded d
) AS s
GROUP BY s.run_date, CASE WHEN s.is_small THEN NULL ELSE s.by_day END
HAVING sum(s.orders) >= 5;

COMMENT ON VIEW audit.daily_superseded IS 'One row per day, and other day whose reports of the same orders count; other days with under five orders are together. Filter by run_date.';
COMMENT ON COLUMN audit.daily_superseded.run_date IS 'Day whose orders these were';
COMMENT ON COLUMN audit.daily_superseded.by_day IS 'Day whose report counts now; NULL for several';
COMMENT ON COLUMN audit.daily_superseded.orders IS 'Orders';
COMMENT ON COLUMN audit.daily_superseded.lines IS 'Their lines in the report that does not count';
COMMENT ON COLUMN audit.daily_superseded.revenue IS 'Revenue of these lines, whatever the status';

-- audit/dictionary_tables.sql --------------------------------------------------------------------

CREATE VIEW audit.dictionary_tables AS
SELECT n.nspname::text AS schema_name,
       c.relname::text AS table_name,
       CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
       obj_description(c.oid, 'pg_class') AS description,
       c.oid AS table_id
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;

COMMENT ON VIEW audit.dictionary_tables IS 'One row per table and view of the warehouse, and what it is';
COMMENT ON COLUMN audit.dictionary_tables.schema_name IS 'raw, staging, warehouse or audit';
COMMENT ON COLUMN audit.dictionary_tables.table_name IS 'Its name';
COMMENT ON COLUMN audit.dictionary_tables.kind IS 'table or view';
COMMENT ON COLUMN audit.dictionary_tables.description IS 'What a row is';
COMMENT ON COLUMN audit.dictionary_tables.table_id IS 'Its number in the catalog';

-- audit/dictionary_columns.sql -------------------------------------------------------------------

CREATE VIEW audit.dictionary_columns AS
SELECT t.schema_name,
       t.table_name,
       row_number() OVER (PARTITION BY t.table_id ORDER BY a.attnum) AS position,
       a.attname::text AS column_name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS is_required,
       col_description(t.table_id, a.attnum) AS description
FROM audit.dictionary_tables t
JOIN pg_attribute a ON a.attrelid = t.table_id AND a.attnum > 0 AND NOT a.attisdropped;

COMMENT ON VIEW audit.dictionary_columns IS 'One row per column of a table or view of the warehouse';
COMMENT ON COLUMN audit.dictionary_columns.schema_name IS 'Schema of the table';
COMMENT ON COLUMN audit.dictionary_columns.table_name IS 'Table or view';
COMMENT ON COLUMN audit.dictionary_columns.position IS 'Order of the columns, from 1';
COMMENT ON COLUMN audit.dictionary_columns.column_name IS 'Its name';
COMMENT ON COLUMN audit.dictionary_columns.type IS 'Type of PostgreSQL';
COMMENT ON COLUMN audit.dictionary_columns.is_required IS 'Whether it is NOT NULL; false for columns of views';
COMMENT ON COLUMN audit.dictionary_columns.description IS 'What it means';

-- audit/dictionary_keys.sql ----------------------------------------------------------------------

CREATE VIEW audit.dictionary_keys AS
SELECT t.schema_name,
       t.table_name,
       k.conname::text AS key_name,
       CASE k.contype WHEN 'p' THEN 'primary' WHEN 'u' THEN 'unique' ELSE 'foreign' END AS kind,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum ORDER BY c.place) AS columns,
       r.schema_name AS refers_to_schema,
       r.table_name AS refers_to_table,
       CASE WHEN r.table_id IS NOT NULL
            THEN ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, place)
                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.attnum ORDER BY c.place) END AS refers_to_columns
FROM audit.dictionary_tables t
JOIN pg_constraint k ON k.conrelid = t.table_id AND k.contype IN ('p', 'u', 'f')
LEFT JOIN audit.dictionary_tables r ON r.table_id = k.confrelid;

COMMENT ON VIEW audit.dictionary_keys IS 'One row per primary, unique and foreign key of a table of the warehouse';
COMMENT ON COLUMN audit.dictionary_keys.schema_name IS 'Schema of the table';
COMMENT ON COLUMN audit.dictionary_keys.table_name IS 'Table';
COMMENT ON COLUMN audit.dictionary_keys.key_name IS 'Name of the constraint';
COMMENT ON COLUMN audit.dictionary_keys.kind IS 'primary, unique or foreign';
COMMENT ON COLUMN audit.dictionary_keys.columns IS 'Its columns, in order';
COMMENT ON COLUMN audit.dictionary_keys.refers_to_schema IS 'Of a foreign key: schema of the table that it refers to';
COMMENT ON COLUMN audit.dictionary_keys.refers_to_table IS 'Of a foreign key: the table that it refers to';
COMMENT ON COLUMN audit.dictionary_keys.refers_to_columns IS 'Of a foreign key: the columns there, in the same order';

-- audit/dictionary_lineage.sql -------------------------------------------------------------------

-- What PostgreSQL knows of dependencies: tables and functions that a view uses, and what a function of SQL's own form uses. It does not
-- look into the bodies of other functions: what steps read and write is in audit.dictionary_steps.
CREATE VIEW audit.dictionary_lineage AS
WITH uses AS (
    SELECT DISTINCT 'pg_class'::regclass AS user_class, w.ev_class AS user_id, d.refclassid AS used_class, d.refobjid AS used_id
    FROM pg_rewrite w
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refobjid <> w.ev_class
    WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
    UNION
    SELECT d.classid, d.objid, d.refclassid, d.refobjid
    FROM pg_depend d
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass) AND d.deptype = 'n'
),
objects AS (
    SELECT 'pg_class'::regclass AS class, t.table_id AS id, t.schema_name, t.table_name AS name, t.kind
    FROM audit.dictionary_tables t
    UNION ALL
    SELECT 'pg_proc'::regclass AS class, p.oid AS id, n.nspname::text AS schema_name, p.proname::text AS name, 'function' AS kind
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('raw', 'staging', 'shapes', 'warehouse', 'audit')
)
SELECT o.schema_name, o.name AS object_name, o.kind, r.schema_name AS reads_schema, r.name AS reads_object, r.kind AS reads_kind
FROM uses u
JOIN objects o ON o.class = u.user_class AND o.id = u.user_id
JOIN objects r ON r.class = u.used_class AND r.id = u.used_id
GROUP BY o.schema_name, o.name, o.kind, r.schema_name, r.name, r.kind;

COMMENT ON VIEW audit.dictionary_lineage IS 'One row per view or function, and each table, view or function that PostgreSQL knows it to use';
COMMENT ON COLUMN audit.dictionary_lineage.schema_name IS 'Schema of the object';
COMMENT ON COLUMN audit.dictionary_lineage.object_name IS 'View or function';
COMMENT ON COLUMN audit.dictionary_lineage.kind IS 'view or function';
COMMENT ON COLUMN audit.dictionary_lineage.reads_schema IS 'Schema of what it uses';
COMMENT ON COLUMN audit.dictionary_lineage.reads_object IS 'What it uses';
COMMENT ON COLUMN audit.dictionary_lineage.reads_kind IS 'table, view or function';

-- audit/dictionary_steps.sql ---------------------------------------------------------------------

CREATE VIEW audit.dictionary_steps AS
SELECT s.position,
       s.step,
       s.source,
       s.inputs,
       s.writes,
       s.description
FROM audit.steps s;

COMMENT ON VIEW audit.dictionary_steps IS 'One row per step of a day: what it makes its result from, and what it writes';
COMMENT ON COLUMN audit.dictionary_steps.position IS 'Order in which run_day calls them';
COMMENT ON COLUMN audit.dictionary_steps.step IS 'Its name';
COMMENT ON COLUMN audit.dictionary_steps.source IS 'Source of an extract or a cleaning step';
COMMENT ON COLUMN audit.dictionary_steps.inputs IS 'What it makes its result from';
COMMENT ON COLUMN audit.dictionary_steps.writes IS 'Tables that it writes, as far as rules may read them';
COMMENT ON COLUMN audit.dictionary_steps.description IS 'What it does';
