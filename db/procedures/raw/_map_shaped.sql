-- Makes pg_temp.shaped_rows: the rows of a delivery in another form, each with what it is in ours (NULL if that fails) and the users
-- that it belongs to. For erasures; the caller drops it.
CREATE OR REPLACE FUNCTION raw._map_shaped(p_source text, p_load_id bigint, p_run_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET "DateStyle" = 'ISO, YMD'
AS $_map_shaped$
DECLARE
    v_delivery staging.delivery;
BEGIN
    v_delivery.source := p_source;
    v_delivery.load_date := p_run_date;
    v_delivery.load_ids := ARRAY[p_load_id];
    v_delivery.shaped_ids := ARRAY[p_load_id];
    PERFORM staging._map_records(v_delivery, false);
    EXECUTE format('CREATE TEMPORARY TABLE shaped_rows ON COMMIT DROP AS
                    SELECT r.raw_id, r.line_number, m.record AS mapped, raw._users_of_shaped(%L, r.record, m.record) AS users
                    FROM (%s) AS r LEFT JOIN pg_temp.mapped_records m ON m.raw_id = r.raw_id', p_source, staging._records_query(p_source))
    USING p_run_date, ARRAY[p_load_id];
    DROP TABLE pg_temp.mapped_records, pg_temp.unmapped_records;
    ANALYZE pg_temp.shaped_rows (raw_id);
END
$_map_shaped$;
COMMENT ON FUNCTION raw._map_shaped(text, bigint, date) IS 'Makes pg_temp.shaped_rows: the rows of a delivery in another form, and their users';
