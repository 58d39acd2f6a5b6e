-- Puts the records of deliveries that have a shape into our form, for the readers: pg_temp.mapped_records, and those for which
-- that fails: pg_temp.unmapped_records. Nothing is done for deliveries in our own form.
--
-- p_is_joined: whether rows that are lines are put together to orders
-- Reads:   raw, raw.file_loads, staging.shapes
-- Returns: by how many the rows of raw exceed what the readers get instead of them
CREATE OR REPLACE FUNCTION staging._map_records(p_delivery staging.delivery, p_is_joined boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET enable_seqscan = off
AS $_map_records$
DECLARE
    c_batch_rows  constant integer := 1000;
    c_batch_bytes constant integer := 8388608;
    v_source text := staging._records_query(p_delivery.source);
    v_load   record;
    v_from   bigint;
    v_last   bigint;
    v_rows   bigint;
    v_all    bigint := 0;
    v_mapped bigint;
BEGIN
    IF p_delivery.shaped_ids IS NULL THEN
        RETURN 0;
    END IF;
    -- own_ids and own_lines: of an order that was put together of rows, where each of its lines comes from.
    CREATE TEMPORARY TABLE mapped_records (raw_id bigint, load_id bigint, line_number integer, record json, own_ids bigint[], own_lines integer[]) ON COMMIT DROP;
    CREATE TEMPORARY TABLE unmapped_records (raw_id bigint, load_id bigint, line_number integer, record_id text, problem staging.problem) ON COMMIT DROP;
    FOR v_load IN
        SELECT f.load_id, s.routine, s.rows_are, staging._shape_fault(s.routine) AS fault
        FROM raw.file_loads f CROSS JOIN LATERAL staging._shape_of(f.source, f.file_name) s
        WHERE f.load_id = ANY (p_delivery.shaped_ids) ORDER BY f.load_id
    LOOP
        EXECUTE format('SELECT min(r.raw_id), max(r.raw_id), count(*) FROM (%s) AS r', v_source)
        INTO v_from, v_last, v_rows USING p_delivery.load_date, ARRAY[v_load.load_id];
        v_all := v_all + v_rows;
        IF v_load.fault IS NOT NULL THEN
            EXECUTE format('INSERT INTO pg_temp.unmapped_records SELECT r.raw_id, r.load_id, r.line_number, NULL, ROW($3, NULL)::staging.problem FROM (%s) AS r', v_source)
            USING p_delivery.load_date, ARRAY[v_load.load_id], v_load.fault;
            CONTINUE;
        ELSIF v_load.routine IS NULL THEN
            EXECUTE format('INSERT INTO pg_temp.mapped_records SELECT r.raw_id, r.load_id, r.line_number,
                                CASE WHEN r.record::text LIKE ''{"(own form)"%%%%'' THEN r.record -> ''(own form)'' ELSE r.record END FROM (%s) AS r', v_source)
            USING p_delivery.load_date, ARRAY[v_load.load_id];
        END IF;
        -- A batch takes a bounded part of memory, however long its records are.
        WHILE v_load.routine IS NOT NULL AND v_from <= v_last LOOP
            EXECUTE format($query$
                WITH records AS (
                    SELECT r.raw_id, r.line_number, r.record, sum(octet_length(r.record::text)) OVER (ORDER BY r.raw_id) / %2$s AS part
                    FROM (%1$s) AS r WHERE r.raw_id BETWEEN $3 AND $4
                ),
                parts AS (
                    SELECT array_agg(r.raw_id ORDER BY r.raw_id) AS ids, array_agg(r.line_number ORDER BY r.raw_id) AS lines,
                           array_agg(r.record ORDER BY r.raw_id) AS records
                    FROM records r GROUP BY r.part
                ),
                made AS MATERIALIZED (
                    SELECT p.ids[m.place] AS raw_id, p.lines[m.place] AS line_number, m.record, m.reason, m.value
                    FROM parts p CROSS JOIN LATERAL staging._apply_shape($5, p.records) m
                ),
                failed AS (
                    INSERT INTO pg_temp.unmapped_records
                    SELECT m.raw_id, $6, m.line_number, NULL, ROW(coalesce(m.reason, $5 || ' makes nothing of it'), left(m.value, 1000))::staging.problem
                    FROM made m
                    WHERE m.reason IS NOT NULL OR (json_typeof(m.record) = 'array' AND (NOT $7 OR json_array_length(m.record) = 0))
                )
                INSERT INTO pg_temp.mapped_records
                SELECT m.raw_id, $6, m.line_number, e.record
                FROM made m
                -- A product of several variants may become several products.
                CROSS JOIN LATERAL json_array_elements(CASE WHEN json_typeof(m.record) = 'object' THEN json_build_array(m.record) WHEN $7 THEN m.record ELSE '[]' END) AS e (record)
                WHERE m.reason IS NULL
                $query$, v_source, c_batch_bytes)
            USING p_delivery.load_date, ARRAY[v_load.load_id], v_from, v_from + c_batch_rows - 1, v_load.routine, v_load.load_id,
                  p_delivery.source = 'products';
            v_from := v_from + c_batch_rows;
        END LOOP;
        IF v_load.rows_are = 'lines' AND p_is_joined THEN
            PERFORM staging._join_rows(p_delivery.load_date, v_load.load_id);
        END IF;
    END LOOP;
    SELECT count(*) INTO v_mapped FROM pg_temp.mapped_records;
    RETURN v_all - v_mapped;
END
$_map_records$;
COMMENT ON FUNCTION staging._map_records(staging.delivery, boolean) IS 'Puts the records of deliveries that have a shape into our form';
