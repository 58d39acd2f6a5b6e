-- The records of orders that _read_orders reads: those of raw, and if there are any those that staging._map_records has made. The body is
-- inlined; of the second part nothing is left then if p_has_mapped is false.
CREATE OR REPLACE FUNCTION staging._order_records(p_load_date date, p_load_ids bigint[], p_has_mapped boolean)
RETURNS TABLE (raw_orders_id bigint, load_id bigint, line_number integer, raw_json json)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT o.raw_orders_id, o.load_id, o.line_number, o.raw_json
    FROM raw.orders_json o
    WHERE o.run_date = p_load_date AND o.load_id = ANY (p_load_ids)
    UNION ALL
    SELECT m.raw_id, m.load_id, m.line_number, m.record FROM staging._mapped_records() m WHERE p_has_mapped;
END;
COMMENT ON FUNCTION staging._order_records(date, bigint[], boolean) IS 'The records of orders that _read_orders reads';
