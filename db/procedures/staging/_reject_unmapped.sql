-- Adds the records that could not be put into our form to the rejected rows, and shows each rejected record of a shape as it was
-- delivered: what the function made of it is not what the source sees.
--
-- Reads:   pg_temp.mapped_records and unmapped_records, which it drops; raw
-- Writes:  pg_temp.bad_rows
-- Returns: how many could not be put into our form
CREATE OR REPLACE FUNCTION staging._reject_unmapped(p_delivery staging.delivery) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_reject_unmapped$
DECLARE
    v_rows bigint;
BEGIN
    IF p_delivery.shaped_ids IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO pg_temp.bad_rows (load_id, raw_id, item_number, record_id, line_number, problems, raw_data, is_item)
    SELECT u.load_id, u.raw_id, CASE WHEN p_delivery.source = 'orders' THEN 1 END, u.record_id, u.line_number, ARRAY[u.problem], NULL, false
    FROM pg_temp.unmapped_records u;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    -- A line of an order that was put together of rows is its own row's.
    UPDATE pg_temp.bad_rows b
    SET raw_id = m.own_ids[b.item_number], line_number = m.own_lines[b.item_number]
    FROM pg_temp.mapped_records m
    WHERE m.raw_id = b.raw_id AND m.load_id = b.load_id AND b.item_number <= cardinality(m.own_ids);
    IF EXISTS (SELECT FROM pg_temp.bad_rows b WHERE b.load_id = ANY (p_delivery.shaped_ids)) THEN
        SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
        EXECUTE format($query$
            UPDATE pg_temp.bad_rows b SET raw_data = left(r.record::text, 65536), is_item = false
            FROM (SELECT b.raw_id, b.load_id, min(b.item_number) AS item_number FROM pg_temp.bad_rows b
                  WHERE b.load_id = ANY ($2) GROUP BY b.raw_id, b.load_id) AS f
            JOIN (%s) AS r ON r.raw_id = f.raw_id AND r.load_id = f.load_id
            WHERE b.raw_id = f.raw_id AND b.load_id = f.load_id AND b.item_number IS NOT DISTINCT FROM f.item_number
            $query$, staging._records_query(p_delivery.source))
        USING p_delivery.load_date, p_delivery.shaped_ids;
        SET LOCAL enable_seqscan TO DEFAULT;
    END IF;
    DROP TABLE pg_temp.mapped_records, pg_temp.unmapped_records;
    RETURN v_rows;
END
$_reject_unmapped$;
COMMENT ON FUNCTION staging._reject_unmapped(staging.delivery) IS 'Adds the records that could not be put into our form to the rejected rows';
