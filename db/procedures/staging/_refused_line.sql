-- What audit.bad_records is to know of a refused row, for the attributes of the row (_take_out_repeats reads it). It is inlined.
--
-- p_item: the item; NULL in the flat shape. A line shows only its item: the lines of an order together are no larger than the order.
CREATE OR REPLACE FUNCTION staging._refused_line(p_load_id bigint, p_record_number integer, p_problems staging.problem[], p_item json, p_record json) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN jsonb_build_object('load_id', p_load_id, 'record_number', p_record_number, 'problems', p_problems, 'is_item', p_item IS NOT NULL,
                          'raw_data', left(coalesce(p_item, p_record)::text, 65536));
COMMENT ON FUNCTION staging._refused_line(bigint, integer, staging.problem[], json, json) IS 'What audit.bad_records is to know of a refused row';
