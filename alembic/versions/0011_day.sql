-- The shop's day: where it begins and ends is the setting time_zone. A warehouse that was loaded before stays in UTC.

ALTER TABLE audit.settings DROP CONSTRAINT settings_value_check;
ALTER TABLE audit.settings ADD CONSTRAINT settings_value_check
    CHECK (CASE name WHEN 'time_zone' THEN value IS NOT NULL WHEN 'currency' THEN value IS NULL OR value ~ '^[A-Z]{3}$' ELSE value IS NULL OR value ~ '^[0-9]{1,9}$' END);
INSERT INTO audit.settings (name, value, description) VALUES
    ('time_zone', 'UTC', 'A name of pg_timezone_names: where the shop''s day begins and ends. Set it before the first day is cleaned; later only CALL warehouse.change_time_zone(zone) changes it, and all days have to be run again');

-- The check is a routine: audit._check_time_zone. What was loaded in one zone must not be mixed with another's.
CREATE FUNCTION audit._check_setting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_check_setting$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.name = 'time_zone' THEN
            PERFORM audit._check_time_zone(NULL, NEW.value);
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.name = 'time_zone' THEN
        PERFORM audit._check_time_zone(OLD.value, CASE WHEN TG_OP = 'UPDATE' AND NEW.name = OLD.name THEN NEW.value END);
    END IF;
    RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
END
$_check_setting$;
COMMENT ON FUNCTION audit._check_setting() IS 'Trigger: refuses a time zone that is none, or while anything of another is loaded';
CREATE TRIGGER check_setting BEFORE INSERT OR UPDATE OR DELETE ON audit.settings
    FOR EACH ROW EXECUTE FUNCTION audit._check_setting();

CREATE TABLE audit.time_zone_changes (
    change_id  bigint      GENERATED ALWAYS AS IDENTITY,
    from_zone  text        NOT NULL,
    to_zone    text        NOT NULL,
    changed_by text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    CONSTRAINT time_zone_changes_pkey PRIMARY KEY (change_id)
);
COMMENT ON TABLE audit.time_zone_changes IS 'One row per change of the shop''s time zone: CALL warehouse.change_time_zone(zone). While one is not complete, no step of a day works.';
COMMENT ON COLUMN audit.time_zone_changes.change_id IS 'Number of the change';
COMMENT ON COLUMN audit.time_zone_changes.from_zone IS 'The setting before';
COMMENT ON COLUMN audit.time_zone_changes.to_zone IS 'The setting afterwards';
COMMENT ON COLUMN audit.time_zone_changes.changed_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.time_zone_changes.started_at IS 'When it began';
COMMENT ON COLUMN audit.time_zone_changes.ended_at IS 'When all that was made in the old zone was gone; NULL while it is under way, or if it was interrupted: call it again and it continues';
GRANT SELECT ON audit.time_zone_changes TO warehouse_runner, warehouse_analyst;

-- Rules that somebody has edited stay as they are: as long as the time zone is UTC, both say the same.
UPDATE audit.dq_rules SET expression =
    '(quantity > 0 AND unit_price >= 0 OR (SELECT staging.takes_negative_lines())) AND (revenue = quantity * unit_price OR abs(quantity * unit_price - coalesce(discount, 0) - revenue) <= 0.000001 * abs(quantity) + CASE WHEN currency <> (SELECT l.currencies[1] FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1) THEN 1 ELSE 0 END) AND order_ts >= (SELECT staging.start_of_day(staging.oldest_date($1))) AND order_ts < (SELECT staging.start_of_day($1 + 1))'
WHERE rule_name = 'orders_range' AND expression =
    '(quantity > 0 AND unit_price >= 0 OR (SELECT staging.takes_negative_lines())) AND (revenue = quantity * unit_price OR abs(quantity * unit_price - coalesce(discount, 0) - revenue) <= 0.000001 * abs(quantity) + CASE WHEN currency <> (SELECT l.currencies[1] FROM staging.loads l WHERE l.source = ''orders'' AND l.load_date = $1) THEN 1 ELSE 0 END) AND (order_ts AT TIME ZONE ''UTC'')::date BETWEEN (SELECT staging.oldest_date($1)) AND $1';
UPDATE audit.dq_rules SET expression =
    'event_ts >= (SELECT staging.start_of_day(staging.oldest_date($1))) AND event_ts < (SELECT staging.start_of_day($1 + 1))'
WHERE rule_name = 'events_range' AND expression =
    '(event_ts AT TIME ZONE ''UTC'')::date BETWEEN (SELECT staging.oldest_date($1)) AND $1';

UPDATE staging.fields SET description = 'When the order was placed. Without an offset it is UTC, whatever the setting time_zone says. Not after the day of the delivery (the shop''s: time_zone), not older than oldest_order_days'
WHERE source = 'orders' AND field = 'timestamp' AND description = 'When the order was placed; UTC without an offset. Not after the day of the delivery, not older than oldest_order_days';
UPDATE staging.fields SET description = 'When it happened. Without an offset it is UTC, whatever the setting time_zone says. Not after the day of the delivery (the shop''s: time_zone), not older than oldest_order_days'
WHERE source = 'events' AND field = 'event_ts' AND description = 'When it happened; UTC without an offset. Not after the day of the delivery, not older than oldest_order_days';

CREATE OR REPLACE VIEW warehouse.orders AS
SELECT f.order_id,
       min(f.order_ts) AS ordered_at,
       to_date(min(f.date_id)::text, 'YYYYMMDD') AS order_date,
       min(f.status) AS status,
       bool_or(s.counts_as_sale) AS counts_as_sale,
       min(f.user_id) AS user_id,
       count(*) AS lines,
       sum(f.quantity) AS pieces,
       sum(f.revenue) AS revenue,
       coalesce(sum(f.revenue - coalesce(f.refunded, 0)) FILTER (WHERE s.counts_as_sale), 0) AS net_revenue,
       f.load_date AS reported_on,
       sum(f.discount) AS discount,
       sum(f.tax) AS tax,
       sum(f.shipping) AS shipping,
       sum(f.refunded) AS refunded,
       min(f.currency) AS currency,
       sum(f.revenue_in_currency) AS revenue_in_currency
FROM warehouse.fact_orders f
JOIN warehouse.order_statuses s ON s.status = f.status
GROUP BY f.load_date, f.order_id;

COMMENT ON TABLE warehouse.late_events IS 'One row per loaded event that came later than its own day (the shop''s: setting time_zone). Only these can repeat an event of another load, so only these are compared.';
COMMENT ON COLUMN warehouse.fact_orders.date_id IS 'Day on which the order was placed (the shop''s: setting time_zone): warehouse.dim_date';
COMMENT ON COLUMN warehouse.orders_superseded.date_id IS 'Day on which the order was placed (the shop''s: setting time_zone): warehouse.dim_date';
COMMENT ON COLUMN warehouse.fact_events.date_id IS 'Day on which it happened (the shop''s: setting time_zone): warehouse.dim_date';
COMMENT ON COLUMN warehouse.events_superseded.date_id IS 'Day on which it happened (the shop''s: setting time_zone): warehouse.dim_date';
COMMENT ON COLUMN warehouse.order_lines.order_date IS 'Day on which it was placed (the shop''s: setting time_zone)';
COMMENT ON COLUMN warehouse.orders.order_date IS 'Day on which it was placed (the shop''s: setting time_zone)';
COMMENT ON COLUMN warehouse.events.event_date IS 'Day on which it happened (the shop''s: setting time_zone)';
COMMENT ON COLUMN warehouse.dim_date.date IS 'The day';
