-- Worker of clean_orders: the orders delivered for a day, as typed lines.
--
-- Reads:  raw.orders_json and raw.rejected_lines of the deliveries in force, staging.codes, warehouse.order_statuses,
--         warehouse.exchange_rates, audit.settings
-- Writes: staging.orders_clean of the day, staging.loads, audit.bad_records, audit.day_profile, audit.day_codes
-- Errors: WH007 the raw of the day is gone, WH012 raw does not hold what its deliveries say
-- Safe to repeat: the result is a function of raw, codes, rates and settings; a line that did not change stays as it is.
--
-- Lines are written once: if the day has no partition yet, straight into the table that becomes it. A refused line has no
-- load_date there until it is taken out, with what audit.bad_records is to know of it.
CREATE OR REPLACE FUNCTION staging._clean_orders(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
AS $_clean_orders$
DECLARE
    v_delivery  staging.delivery := staging._begin_cleaning('orders', p_load_date);
    v_beyond    bigint := staging._map_records(v_delivery);
    v_rows      regclass;
    v_lines     bigint;
    v_records   bigint;
    v_currency  text;
    v_other     text;
    v_refused   bigint;
    v_duplicate bigint;
    v_changed   bigint;
    v_rejected  bigint;
BEGIN
    -- Use the index: the rest of a month of raw must not be read, whatever the planner expects of so young a table.
    SET LOCAL enable_seqscan TO off;
    SELECT c.p_rows, c.p_lines INTO v_rows, v_lines
    FROM staging._collect_rows('staging.orders_clean', 'staging._read_orders', v_delivery) AS c;
    SET LOCAL enable_seqscan TO DEFAULT;
    EXECUTE format('SELECT count(*) FILTER (WHERE line_number = 1), count(*) FILTER (WHERE load_date IS NULL), min(currency) FILTER (WHERE load_date IS NOT NULL),
                           max(currency) FILTER (WHERE load_date IS NOT NULL) FROM %s', v_rows) INTO v_records, v_refused, v_currency, v_other;
    PERFORM staging._check_raw_count(v_delivery, v_records + v_beyond);

    SELECT t.p_duplicate, t.p_changed INTO v_duplicate, v_changed FROM staging._take_out_repeats(v_delivery, v_rows, v_lines, v_refused) AS t;
    -- The currencies of what is clean: a report that was corrected, or refused, blocks nothing.
    IF audit._text_setting('currency') IS NOT NULL OR v_currency = v_other AND v_duplicate + v_refused = 0 THEN
        v_delivery.currencies := ARRAY[coalesce(audit._text_setting('currency'), v_currency)];
    ELSIF v_currency IS NOT NULL THEN
        EXECUTE format('SELECT array_agg(DISTINCT currency ORDER BY currency) FROM %s WHERE currency IS NOT NULL', v_rows) INTO v_delivery.currencies;
    END IF;
    v_lines := v_lines + staging._reject_unmapped(v_delivery);
    v_rejected := audit._record_bad_records(v_delivery);
    PERFORM staging._profile_orders(v_delivery, v_rows, v_lines, v_rejected);

    DROP TABLE pg_temp.bad_rows;
    RETURN staging._finish_cleaning(v_delivery, v_lines, v_duplicate, v_changed, v_rejected, staging._publish_rows(
        'staging.orders_clean', p_load_date, v_rows, ARRAY['order_id', 'line_number'],
        ARRAY['staging_orders_id', 'raw_orders_id', 'created_at', 'updated_at']));
END
$_clean_orders$;
COMMENT ON FUNCTION staging._clean_orders(date) IS 'Worker of clean_orders: the orders delivered for a day, as typed lines';
