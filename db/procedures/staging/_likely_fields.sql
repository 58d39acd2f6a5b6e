-- If nobody of a day's clean orders or events has a user, or no event a product: which fields of its records look like one, as in
-- {"user_id": "customer_id, customer.id"}; "" if none does. NULL if there is nothing to say, which on a usual day the first row tells.
--
-- Reads: the day's partition of staging, and of each delivery in raw the records in its first 100 places, so that it says the same in
--        whatever order they came: only names, and only of fields with a value
CREATE OR REPLACE FUNCTION staging._likely_fields(p_delivery staging.delivery) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_likely_fields$
DECLARE
    v_parent    text := audit._place(format('staging.%s_clean', p_delivery.source));
    v_partition regclass := CASE WHEN p_delivery.source <> 'products' THEN warehouse._partition_of(v_parent::regclass, p_delivery.load_date) END;
    v_field     text;
    v_lacking   text[] := '{}';
    v_is_there  boolean;
    v_result    jsonb;
BEGIN
    IF v_partition IS NULL THEN
        RETURN NULL;
    END IF;
    -- The partition of a compacted month is there without a row of the day, too.
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.load_date = $1)', v_partition) INTO v_is_there USING p_delivery.load_date;
    IF NOT v_is_there THEN
        RETURN NULL;
    END IF;
    FOREACH v_field IN ARRAY CASE p_delivery.source WHEN 'orders' THEN ARRAY['user_id'] ELSE ARRAY['user_id', 'product_id'] END LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.load_date = $1 AND t.%I IS NOT NULL)', v_partition, v_field)
        INTO v_is_there USING p_delivery.load_date;
        IF NOT v_is_there THEN
            v_lacking := v_lacking || v_field;
        END IF;
    END LOOP;
    IF v_lacking = '{}' THEN
        RETURN NULL;
    END IF;

    SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
    EXECUTE format($query$
        WITH records AS (
            SELECT r.%1$I AS record FROM %2$s AS r
            WHERE r.run_date = $1 AND r.load_id = ANY ($2) AND r.line_number <= 100
              AND json_typeof(r.%1$I) = 'object' AND staging._is_storable(r.%1$I::text)
        ),
        names AS (
            SELECT o.name, o.value FROM records r CROSS JOIN json_each(r.record) AS o (name, value)
            UNION ALL
            SELECT o.name || '.' || i.name, i.value
            FROM records r CROSS JOIN json_each(r.record) AS o (name, value)
            CROSS JOIN json_each(CASE WHEN json_typeof(o.value) = 'object' THEN o.value END) AS i (name, value)
        ),
        likely AS (
            SELECT DISTINCT left(n.name, 60) AS name, staging._other_names($3) ->> staging._plain_name(n.name) AS field
            FROM names n
            WHERE staging._other_names($3) ? staging._plain_name(n.name) AND json_typeof(n.value) NOT IN ('object', 'array', 'null')
              AND n.name <> ALL ($4) AND NOT staging._is_blank(n.value #>> '{}') AND NOT staging._is_null_marker(staging._trimmed(n.value #>> '{}'))
        )
        SELECT jsonb_object_agg(f.field, coalesce((SELECT string_agg(l.name, ', ' ORDER BY l.name COLLATE "C") FROM likely l WHERE l.field = f.field), ''))
        FROM unnest($4) AS f (field)
        $query$, CASE p_delivery.source WHEN 'orders' THEN 'raw_json' ELSE 'extra' END,
        (SELECT s.raw_table FROM raw.sources s WHERE s.source = p_delivery.source))
    INTO v_result USING p_delivery.load_date, p_delivery.load_ids, p_delivery.source, v_lacking;
    SET LOCAL enable_seqscan TO DEFAULT;
    RETURN v_result;
END
$_likely_fields$;
COMMENT ON FUNCTION staging._likely_fields(staging.delivery) IS 'If nobody of a day has a user, or no event a product: which fields of its records look like one';
