-- What each cleaning worker begins with: the deliveries of its source and day that are in force.
-- Errors: WH007 the raw of the day is gone
CREATE OR REPLACE FUNCTION staging._begin_cleaning(p_source text, p_load_date date) RETURNS staging.delivery
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_begin_cleaning$
DECLARE
    v_delivery staging.delivery;
    v_gone     text;
BEGIN
    SELECT p_source, p_load_date,
           coalesce(array_agg(d.load_id) FILTER (WHERE d.refused_reason IS NULL), '{}'),
           coalesce(sum(d.row_count), 0),
           coalesce(sum(d.rejected_count), 0) + count(*) FILTER (WHERE d.refused_reason IS NOT NULL),
           count(*), string_agg(d.file_name, ', ') FILTER (WHERE d.is_gone),
           array_agg(d.load_id) FILTER (WHERE d.refused_reason IS NULL AND EXISTS (
               SELECT FROM staging._shape_of(p_source, d.file_name) s WHERE s.routine IS NOT NULL OR s.rows_are = 'lines'))
    INTO v_delivery.source, v_delivery.load_date, v_delivery.load_ids, v_delivery.row_count, v_delivery.refused_count,
         v_delivery.file_count, v_gone, v_delivery.shaped_ids
    FROM (SELECT f.* FROM raw._deliveries_in_force(p_source, p_load_date) f ORDER BY raw.name_order(f.file_name) COLLATE "C", f.file_name COLLATE "C") AS d;

    IF v_gone IS NOT NULL THEN
        RAISE EXCEPTION 'the raw % of % are gone', p_source, p_load_date USING ERRCODE = 'WH007',
            DETAIL = format('Dropped by the setting raw_keep_days: %s. Staging and facts stay as they are.', v_gone),
            HINT = format('To run the day again, deliver these files again: warehouse extract %s %s', p_source, p_load_date);
    END IF;
    RETURN v_delivery;
END
$_begin_cleaning$;
COMMENT ON FUNCTION staging._begin_cleaning(text, date) IS 'Finds the deliveries in force of a day';
