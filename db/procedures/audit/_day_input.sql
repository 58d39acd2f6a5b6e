-- What an input of a day is now: an object of its parts. NULL is not known, and makes the step work. A kind more is a branch
-- here and a row of audit.inputs.
--
-- Its callers pin DateStyle and TimeZone.
--
-- p_source: source of a cleaning step; NULL for the others
-- Reads:    raw.file_loads, staging.loads, warehouse.daily_metrics, warehouse.unseen_members, warehouse.exchange_rates,
--           staging.shapes, audit.dq_overrides; what audit._usual_inputs reads
CREATE OR REPLACE FUNCTION audit._day_input(p_input text, p_source text, p_load_date date) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_day_input$
DECLARE
    v_parts jsonb;
BEGIN
    -- One by one: a step never waits for a lock on a table that is not among its inputs.
    IF p_input = 'deliveries' THEN
        SELECT jsonb_object_agg(d.file_name, jsonb_strip_nulls(jsonb_build_object(
                   'load', d.load_id, 'records', d.row_count + d.rejected_count,
                   'is_refused', nullif(d.refused_reason IS NOT NULL, false), 'is_gone', nullif(d.is_gone, false)))) INTO v_parts
        FROM raw._deliveries_in_force(p_source, p_load_date) d;
    ELSIF p_input = 'shapes' THEN  -- those of the day's deliveries; a change of another shape is not theirs
        SELECT jsonb_object_agg(d.file_name, jsonb_build_object(
                   'shape', s.shape, 'row', audit._digest(s::text),
                   'functions', (SELECT audit._digest(string_agg(f.definition, E'\n' ORDER BY f.definition)) FROM staging._functions_of_shape(s.routine) f)))
        INTO v_parts
        FROM raw._deliveries_in_force(p_source, p_load_date) d CROSS JOIN LATERAL staging._shape_of(p_source, d.file_name) s;
    ELSIF p_input = 'rates' THEN  -- those that an order of the day may be converted at
        SELECT jsonb_object_agg(r.currency, jsonb_build_object('rows', r.rows, 'newest', r.newest, 'all', r.digest)) INTO v_parts
        FROM (SELECT x.currency, count(*) AS rows, max(x.valid_from) AS newest,
                     audit._digest(string_agg(x.valid_from || ' ' || x.rate, E'\n' ORDER BY x.valid_from)) AS digest
              FROM warehouse.exchange_rates x
              WHERE x.valid_from <= p_load_date
                AND NOT EXISTS (SELECT FROM warehouse.exchange_rates n
                                WHERE n.currency = x.currency AND n.valid_from > x.valid_from AND n.valid_from <= staging.oldest_date(p_load_date))
              GROUP BY x.currency) AS r;
    ELSIF p_input IN ('staging', 'staging of orders', 'staging of events') THEN
        SELECT jsonb_object_agg(s.source, coalesce(l.staging_version, 0)) INTO v_parts
        FROM raw.sources s LEFT JOIN staging.loads l ON l.source = s.source AND l.load_date = p_load_date
        WHERE p_input IN ('staging', 'staging of ' || s.source);
    ELSIF p_input = 'overrides' THEN
        SELECT jsonb_object_agg(o.override_id, o.staging_versions) INTO v_parts FROM audit.dq_overrides o WHERE o.run_date = p_load_date;
    ELSIF p_input = 'usual' THEN
        v_parts := audit._usual_inputs(p_load_date);
    ELSIF p_input = 'figures' THEN  -- kept by the fact steps of this day and of others; not known before there are any
        SELECT jsonb_build_object('order lines', m.fact_orders_count, 'superseded order lines', m.superseded_orders_count,
                                  'events', m.fact_events_count, 'superseded events', m.superseded_events_count,
                                  'revenue', m.revenue, 'net revenue', m.net_revenue, 'discount', m.discount, 'tax', m.tax,
                                  'shipping', m.shipping, 'refunded', m.refunded) INTO v_parts
        FROM warehouse.daily_metrics m WHERE m.run_date = p_load_date;
        RETURN v_parts;
    ELSIF p_input = 'unseen members' THEN  -- whether they can go depends on the facts of all days
        RETURN CASE WHEN NOT EXISTS (SELECT FROM warehouse.unseen_members) THEN '{}'::jsonb END;
    ELSE
        RETURN NULL;
    END IF;
    RETURN coalesce(v_parts, '{}');
END
$_day_input$;
COMMENT ON FUNCTION audit._day_input(text, text, date) IS 'What an input of a day is now, part by part';
