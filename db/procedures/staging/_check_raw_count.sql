-- Errors: WH012 raw does not hold as many rows as its deliveries say
CREATE OR REPLACE FUNCTION staging._check_raw_count(p_delivery staging.delivery, p_row_count bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_check_raw_count$
BEGIN
    IF p_row_count <> p_delivery.row_count THEN
        RAISE EXCEPTION 'raw holds % rows of the % of %, its deliveries say %',
            p_row_count, p_delivery.source, p_delivery.load_date, p_delivery.row_count USING ERRCODE = 'WH012',
            DETAIL = format('Deliveries: %s.', array_to_string(p_delivery.load_ids, ', ')),
            HINT = 'Somebody wrote to raw without glue. Compare raw.file_loads with the rows by load_id.';
    END IF;
END
$_check_raw_count$;
COMMENT ON FUNCTION staging._check_raw_count(staging.delivery, bigint) IS 'Refuses a raw that does not hold what its deliveries say';
