-- Fills the stand-ins that reload_fact_orders reads and writes: what is there of the orders that the day has now or had before.
--
-- Reads: order_owners, orders_superseded and daily_metrics at one moment; then the lines that loads of other days own
CREATE OR REPLACE FUNCTION audit._preview_orders(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_orders$
BEGIN
    CREATE TEMPORARY TABLE preview_keys AS SELECT o.order_id FROM pg_temp.orders_clean o WHERE o.load_date = p_load_date;
    EXECUTE format('INSERT INTO pg_temp.preview_keys SELECT f.order_id FROM %s AS f WHERE f.load_date = $1',
                   coalesce(warehouse._partition_of('warehouse.fact_orders', p_load_date), 'pg_temp.fact_orders')) USING p_load_date;
    CREATE TEMPORARY TABLE preview_orders AS SELECT DISTINCT k.order_id FROM pg_temp.preview_keys k ORDER BY k.order_id;
    DROP TABLE pg_temp.preview_keys;
    ANALYZE pg_temp.preview_orders;

    WITH owners AS (
        INSERT INTO pg_temp.order_owners
        SELECT w.* FROM pg_temp.preview_orders k JOIN warehouse.order_owners w ON w.order_id = k.order_id
        RETURNING load_date
    ),
    superseded AS (
        INSERT INTO pg_temp.orders_superseded
        SELECT s.* FROM warehouse.orders_superseded s WHERE s.load_date = p_load_date
        UNION ALL
        SELECT s.* FROM pg_temp.preview_orders k JOIN warehouse.orders_superseded s ON s.order_id = k.order_id WHERE s.load_date <> p_load_date
        RETURNING load_date
    )
    INSERT INTO pg_temp.daily_metrics
    SELECT m.* FROM warehouse.daily_metrics m
    WHERE m.run_date <> p_load_date AND m.run_date IN (SELECT w.load_date FROM owners w UNION SELECT s.load_date FROM superseded s);
    ANALYZE pg_temp.order_owners, pg_temp.orders_superseded;

    CREATE TEMPORARY TABLE preview_others AS
    SELECT w.load_date, w.order_id FROM pg_temp.order_owners w WHERE w.load_date <> p_load_date
    UNION
    -- Loads that may get an order back.
    SELECT s.load_date, NULL FROM pg_temp.orders_superseded s WHERE s.load_date <> p_load_date;
    PERFORM audit._preview_partitions('fact_orders', p_load_date, ARRAY['order_id']);
    DROP TABLE pg_temp.preview_others;
    CREATE TEMPORARY TABLE before_orders_superseded AS TABLE pg_temp.orders_superseded;
END
$_preview_orders$;
COMMENT ON FUNCTION audit._preview_orders(date) IS 'Fills the stand-ins that reload_fact_orders reads and writes';

-- Fills the stand-ins that reload_fact_events reads and writes: what is there of the events that came late to the day, or that are
-- the day's and came late to others.
CREATE OR REPLACE FUNCTION audit._preview_events(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_events$
DECLARE
    v_zone constant text := staging.time_zone();
    v_from constant timestamptz := staging.start_of_day(p_load_date);
    v_to   constant timestamptz := staging.start_of_day(p_load_date + 1);
BEGIN
    CREATE TEMPORARY TABLE preview_events AS
    SELECT e.event_id, e.event_ts FROM pg_temp.events_clean e WHERE e.load_date = p_load_date AND e.event_ts < v_from
    UNION
    SELECT o.event_id, o.event_ts FROM warehouse.late_events o WHERE o.load_date = p_load_date;
    ANALYZE pg_temp.preview_events;

    WITH late AS (
        INSERT INTO pg_temp.late_events
        SELECT o.* FROM warehouse.late_events o WHERE o.load_date = p_load_date
        UNION
        SELECT o.* FROM pg_temp.preview_events k JOIN warehouse.late_events o ON o.event_id = k.event_id AND o.event_ts = k.event_ts
        UNION
        SELECT o.* FROM warehouse.late_events o WHERE o.event_ts >= v_from AND o.event_ts < v_to AND o.load_date > p_load_date
        RETURNING load_date
    ),
    superseded AS (
        INSERT INTO pg_temp.events_superseded
        SELECT s.* FROM warehouse.events_superseded s WHERE s.load_date = p_load_date
        UNION ALL
        SELECT s.* FROM pg_temp.preview_events k
        JOIN warehouse.events_superseded s ON s.event_id = k.event_id AND s.event_ts = k.event_ts WHERE s.load_date <> p_load_date
        RETURNING load_date
    )
    INSERT INTO pg_temp.daily_metrics
    SELECT m.* FROM warehouse.daily_metrics m
    WHERE m.run_date IN (SELECT l.load_date FROM late l UNION SELECT s.load_date FROM superseded s
                         UNION SELECT (k.event_ts AT TIME ZONE v_zone)::date FROM pg_temp.preview_events k)
    ON CONFLICT ON CONSTRAINT daily_metrics_pkey DO NOTHING;
    ANALYZE pg_temp.late_events, pg_temp.events_superseded;

    CREATE TEMPORARY TABLE preview_others AS
    SELECT (k.event_ts AT TIME ZONE v_zone)::date AS load_date, k.event_id, k.event_ts FROM pg_temp.preview_events k
    UNION
    SELECT o.load_date, o.event_id, o.event_ts FROM pg_temp.late_events o
    UNION
    SELECT s.load_date, NULL, NULL FROM pg_temp.events_superseded s;
    DELETE FROM pg_temp.preview_others p WHERE p.load_date = p_load_date;
    PERFORM audit._preview_partitions('fact_events', p_load_date, ARRAY['event_id', 'event_ts']);
    DROP TABLE pg_temp.preview_others;
    CREATE TEMPORARY TABLE before_events_superseded AS TABLE pg_temp.events_superseded;
END
$_preview_events$;
COMMENT ON FUNCTION audit._preview_events(date) IS 'Fills the stand-ins that reload_fact_events reads and writes';

-- Gives the stand-in of facts the day's partition, and of other days the rows that pg_temp.preview_others names (load_date, key); they
-- are in pg_temp.before_<facts>, too. Other days of the day's month have the partition that they have; those of another month share one:
-- so a preview has few partitions, however many days it touches.
CREATE OR REPLACE FUNCTION audit._preview_partitions(p_facts text, p_load_date date, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_partitions$
DECLARE
    v_live   regclass := format('warehouse.%I', p_facts)::regclass;
    v_parent regclass := format('pg_temp.%I', p_facts)::regclass;
    v_before text := 'before_' || p_facts;
    v_day    record;
    v_name   text;
BEGIN
    PERFORM audit._preview_day('warehouse', p_facts, p_load_date);
    ANALYZE pg_temp.preview_others;
    EXECUTE format('CREATE TEMPORARY TABLE %I AS SELECT t.* FROM pg_temp.%I AS t WHERE false', v_before, p_facts);
    FOR v_day IN
        SELECT d.load_date, d.partition, CASE WHEN date_trunc('month', d.load_date) <> date_trunc('month', p_load_date) OR d.partition::text ~ '_p_\d+_\d+$'
                                              THEN 'month' ELSE 'day' END AS grain
        FROM (SELECT o.load_date, warehouse._partition_of(v_live, o.load_date) AS partition
              FROM (SELECT DISTINCT p.load_date FROM pg_temp.preview_others p OFFSET 0) AS o OFFSET 0) AS d
        WHERE d.partition IS NOT NULL ORDER BY d.load_date
    LOOP
        PERFORM audit._preview_take(v_before, format(
            'SELECT f.* FROM %s AS f JOIN pg_temp.preview_others p ON %s WHERE f.load_date = %3$L AND p.load_date = %3$L',
            v_day.partition, (SELECT string_agg(format('p.%1$I = f.%1$I', k), ' AND ') FROM unnest(p_key) AS k), v_day.load_date));
        IF warehouse._partition_of(v_parent, v_day.load_date) IS NULL THEN
            v_name := split_part(warehouse._partition_name(v_live, v_day.load_date, v_day.grain), '.', 2);
            EXECUTE format('CREATE TEMPORARY TABLE %I PARTITION OF pg_temp.%I FOR VALUES FROM (%L) TO (%L)', v_name, p_facts,
                           date_trunc(v_day.grain, v_day.load_date::timestamp)::date,
                           (date_trunc(v_day.grain, v_day.load_date::timestamp) + ('1 ' || v_day.grain)::interval)::date);
        END IF;
        EXECUTE format('INSERT INTO %s SELECT b.* FROM pg_temp.%I AS b WHERE b.load_date = %L', warehouse._partition_of(v_parent, v_day.load_date), v_before, v_day.load_date);
    END LOOP;
END
$_preview_partitions$;
COMMENT ON FUNCTION audit._preview_partitions(text, date, text[]) IS 'Gives the stand-in of facts the day''s partition, and the rows of other days that may move';
