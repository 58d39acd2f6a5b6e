-- Opens a delivery: gives it its number, or says that these bytes change nothing.
--
-- Returns: load_id to COPY with; NULL if these are the bytes in force under that name, or the last refused ones
-- Reads:   raw.file_loads, raw.dropped_months, staging.shapes: bytes that are to be read otherwise are new
-- Locks:   the warehouse (advisory, shared); an advisory lock on source and day until the transaction ends: deliveries
--          of a day load one at a time
-- Errors:  WH004 a source that does not exist, a missing value, an impossible date, a transaction that is not READ COMMITTED;
--          WH006 another load of the source and day, or a session that holds the warehouse exclusively, did not end in time
-- Safe to repeat: nothing is written; raw.close_load does that, in the same transaction.
CREATE OR REPLACE FUNCTION raw.open_load(p_source text, p_run_date date, p_file_name text, p_sha256 text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $open_load$
DECLARE
    v_known boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM raw.sources s WHERE s.source = p_source) OR num_nulls(p_source, p_run_date, p_file_name, p_sha256) > 0 THEN
        RAISE EXCEPTION 'a delivery needs a source (orders, events, products), a date, a name and a sha256'
            USING ERRCODE = 'WH004',
                  DETAIL = format('Got: %L, %L, %L, %L.', p_source, p_run_date, p_file_name, p_sha256),
                  HINT = 'warehouse extract orders DATE';
    END IF;
    PERFORM warehouse._refuse_day(p_run_date, 'a delivery');
    PERFORM raw._need_read_committed();
    PERFORM warehouse._lock_warehouse_shared();
    PERFORM warehouse._wait_for_day('load ' || p_source, p_run_date);

    -- Bytes that retention dropped are no longer known: if they are delivered again, they are loaded again.
    SELECT bool_or(d.sha256 = p_sha256 AND d.read_as IS NOT DISTINCT FROM staging._read_as(p_source, p_file_name)
                   AND NOT EXISTS (SELECT FROM raw.dropped_months m
                                   WHERE m.run_month = date_trunc('month', p_run_date::timestamp)::date AND d.load_id <= m.last_load_id))
    INTO v_known
    FROM (
        (SELECT l.load_id, l.sha256, l.read_as FROM raw.file_loads l
         WHERE l.run_date = p_run_date AND l.source = p_source AND l.file_name = p_file_name AND l.refused_reason IS NULL
         ORDER BY l.load_id DESC LIMIT 1)
        UNION ALL
        (SELECT l.load_id, l.sha256, l.read_as FROM raw.file_loads l
         WHERE l.run_date = p_run_date AND l.source = p_source AND l.file_name = p_file_name
         ORDER BY l.load_id DESC LIMIT 1)
    ) AS d;
    IF v_known THEN
        RETURN NULL;
    END IF;
    -- Ids that this session has left over from another delivery are older than those of a delivery that came meanwhile.
    DISCARD SEQUENCES;
    RETURN nextval('raw.load_ids');
END
$open_load$;
COMMENT ON FUNCTION raw.open_load(text, date, text, text) IS 'Opens a delivery: its load_id, or NULL if these bytes change nothing';
