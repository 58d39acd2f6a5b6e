-- The way from staging to warehouse.fact_orders: how a line of staging becomes a fact, one line per column of the facts.
-- reload_fact_orders applies it to one partition (warehouse._facts_of_day), so it reads only staging.orders_clean.
-- The view is made anew whenever this file changes. A revision that has to drop it also says DELETE FROM audit.routine_files
-- WHERE path = 'staging/_order_facts.sql', so that it is made again.
DROP VIEW IF EXISTS staging.order_facts;
CREATE VIEW staging.order_facts AS
SELECT s.staging_orders_id AS fact_orders_id, s.order_id, s.line_number,
       coalesce(s.user_id, '(guest)') AS user_id, s.product_id,
       -- Nearly all lines are of the day of their load: these cost one comparison, because load_date is a constant then.
       CASE WHEN s.order_ts >= (SELECT staging.start_of_day(s.load_date)) AND s.order_ts < (SELECT staging.start_of_day(s.load_date + 1))
            THEN (extract(year FROM s.load_date) * 10000 + extract(month FROM s.load_date) * 100 + extract(day FROM s.load_date))::integer
            ELSE to_char(s.order_ts AT TIME ZONE (SELECT staging.time_zone()), 'YYYYMMDD')::integer END AS date_id,
       s.quantity, s.unit_price, s.revenue, s.order_ts, s.status, s.load_date, s.staging_orders_id,
       s.attributes,
       s.discount, s.tax, s.shipping, s.refunded, s.currency, s.revenue_in_currency, s.source_updated_at
FROM staging.orders_clean s;

COMMENT ON VIEW staging.order_facts IS 'One row per order line and load, as it stands in warehouse.fact_orders unless the report of another load counts';
-- The columns have the comments of the facts.
DO $comments$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT a.attname, col_description(f.attrelid, f.attnum) AS comment
        FROM pg_attribute a
        JOIN pg_attribute f ON f.attrelid = 'warehouse.fact_orders'::regclass AND f.attname = a.attname
        WHERE a.attrelid = 'staging.order_facts'::regclass AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN staging.order_facts.%I IS %L', v_column.attname, v_column.comment);
    END LOOP;
END
$comments$;
