-- Of the loads that have an order, and whose report of it does not count, the one that ranks highest; no row if there is none.
-- A load may have many lines of it: each is read once.
--
-- p_zone: staging.time_zone()
CREATE OR REPLACE FUNCTION warehouse._highest_superseded(p_order_id text, p_other_than date, p_zone text, OUT load_date date, OUT source_updated_at timestamptz) RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.load_date, o.source_updated_at
    FROM warehouse.orders_superseded o
    WHERE o.order_id = p_order_id COLLATE "C" AND o.load_date <> p_other_than
    ORDER BY coalesce(o.source_updated_at, staging._end_of_day(o.load_date, p_zone)) DESC, o.load_date DESC
    LIMIT 1;
END;
COMMENT ON FUNCTION warehouse._highest_superseded(text, date, text)
    IS 'Of the loads whose report of an order does not count, the one that ranks highest';
