-- Measures the clean events of a day for audit.day_profile and audit.day_codes, in one pass over them.
--
-- p_rows: the day's clean events, before they are published;  p_lines, p_rejected: as for _finish_cleaning
-- Reads:  p_rows, raw (staging._fields_seen)
-- Writes: audit.day_profile, audit.day_codes of the day
CREATE OR REPLACE FUNCTION staging._profile_events(p_delivery staging.delivery, p_rows regclass, p_lines bigint, p_rejected bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_profile_events$
DECLARE
    v_delivered bigint := p_lines + p_delivery.refused_count;
BEGIN
    CREATE TEMPORARY TABLE profiled (event_type text, events bigint, users bigint, products bigint) ON COMMIT DROP;
    EXECUTE format('INSERT INTO pg_temp.profiled SELECT r.event_type, count(*), count(r.user_id), count(r.product_id) FROM %s AS r GROUP BY r.event_type', p_rows);

    PERFORM audit._write_profile(p_delivery, jsonb_build_array(
        jsonb_build_array('events_delivered', v_delivered), jsonb_build_array('events_rejected', p_rejected, v_delivered))
        || (SELECT jsonb_build_array(
                jsonb_build_array('events', t.events), jsonb_build_array('events_without_user', t.events - t.users, t.events),
                jsonb_build_array('events_without_product', t.events - t.products, t.events),
                jsonb_build_array('conversion', least(t.purchases, t.views), t.views))
            FROM (SELECT coalesce(sum(p.events), 0) AS events, sum(p.users) AS users, sum(p.products) AS products,
                         coalesce(sum(p.events) FILTER (WHERE p.event_type = 'purchase'), 0) AS purchases,
                         sum(p.events) FILTER (WHERE p.event_type = 'product_view') AS views
                  FROM pg_temp.profiled p) AS t),
        (SELECT jsonb_agg(jsonb_build_array('event_type', p.event_type, p.events)) FROM pg_temp.profiled p));
    DROP TABLE pg_temp.profiled;
END
$_profile_events$;
COMMENT ON FUNCTION staging._profile_events(staging.delivery, regclass, bigint, bigint) IS 'Measures the clean events of a day for audit.day_profile and audit.day_codes';
