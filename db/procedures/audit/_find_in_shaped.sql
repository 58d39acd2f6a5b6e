-- Adds the rows of deliveries in another form that belong to a person to pg_temp.erasure_rows. Only their shape's function tells whose
-- they are, so all of them are put into our form: that takes as long as cleaning them does.
CREATE OR REPLACE FUNCTION audit._find_in_shaped(p_user_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off SET "DateStyle" = 'ISO, YMD'
AS $_find_in_shaped$
DECLARE
    v_load record;
BEGIN
    FOR v_load IN
        SELECT f.source, f.run_date, f.load_id,
               CASE f.source WHEN 'orders' THEN 'raw.orders_json' ELSE 'raw.events_csv' END AS source_table,
               CASE f.source WHEN 'orders' THEN 'raw_orders_id' ELSE 'raw_events_id' END AS raw_id
        FROM raw.file_loads f CROSS JOIN LATERAL staging._shape_of(f.source, f.file_name) s
        WHERE s.routine IS NOT NULL AND f.row_count > 0 AND f.source IN ('orders', 'events')
        ORDER BY f.load_id
    LOOP
        PERFORM raw._map_shaped(v_load.source, v_load.load_id, v_load.run_date);
        EXECUTE format(
            'INSERT INTO pg_temp.erasure_rows (source_table, run_date, load_id, raw_id, line_number, place)
             SELECT %1$L, t.run_date, t.load_id, t.%2$I, t.line_number, t.ctid
             FROM %1$s t JOIN pg_temp.shaped_rows r ON r.raw_id = t.%2$I
             WHERE t.run_date = $1 AND t.load_id = $2 AND $3 = ANY (r.users)
               AND NOT EXISTS (SELECT FROM pg_temp.erasure_rows e WHERE e.source_table = %1$L AND e.raw_id = r.raw_id)',
            v_load.source_table, v_load.raw_id)
        USING v_load.run_date, v_load.load_id, p_user_id;
        DROP TABLE pg_temp.shaped_rows;
    END LOOP;
END
$_find_in_shaped$;
COMMENT ON FUNCTION audit._find_in_shaped(text) IS 'Adds the rows of deliveries in another form that belong to a person to pg_temp.erasure_rows';
