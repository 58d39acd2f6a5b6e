-- Takes out of a day's rows what is not clean: all but the last report of each order or event, with all its rows, and
-- the rows that were refused: those without a load_date, and those of orders that fall whole (_find_fallen_orders). They go to
-- pg_temp.bad_rows, for _record_bad_records. Of an order, updated_at decides which report is last (without one, the end of the
-- day stands for it); then the file name, by its bytes; then the place in the file. Repeats are few: they are found by sorting the hashes of their ids, which costs a
-- third of sorting or hashing the keys; rows that merely share a hash are told apart afterwards.
--
-- p_rows:  the table of _collect_rows, which has p_lines rows. A record that lacks its key is never a repeat.
-- p_refused:   how many of them have no load_date; NULL if that was not counted
-- p_duplicate: rows of earlier reports;  p_changed: of orders, how many of these are of reports with other lines than the last
CREATE OR REPLACE FUNCTION staging._take_out_repeats(
    p_delivery staging.delivery, p_rows regclass, p_lines bigint, p_refused bigint, OUT p_duplicate bigint, OUT p_changed bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_hashagg = off SET work_mem = '256MB'
    -- Two cores would hand each other a group per row.
    SET max_parallel_workers_per_gather = 0
AS $_take_out_repeats$
DECLARE
    v_is_orders boolean := p_delivery.source = 'orders';
    v_raw       regclass := CASE WHEN v_is_orders THEN 'raw.orders_json' ELSE 'raw.events_csv' END;
    v_raw_id    text := CASE WHEN v_is_orders THEN 'raw_orders_id' ELSE 'raw_events_id' END;
    v_id        text := CASE WHEN v_is_orders THEN 'r.order_id' ELSE 'r.event_id' END;
    v_key       text := CASE WHEN v_is_orders THEN 'r.order_id' ELSE 'r.event_id, r.event_ts' END;
    v_place     text := format('r.%I DESC', v_raw_id);  -- within a file
    v_first_ids bigint[];
    v_files     integer[];
    v_falls     text := 'false';
    v_conflicts text := 'false';
    v_repeated  bigint;
    v_refused   bigint;
BEGIN
    CREATE TEMPORARY TABLE bad_rows (load_id bigint, raw_id bigint, item_number integer, record_id text, line_number integer,
                                     problems staging.problem[], raw_data text, is_item boolean) ON COMMIT DROP;
    EXECUTE format('CREATE TEMPORARY TABLE repeated_hashes AS
                    SELECT hashtextextended(%1$s, 0) AS hash FROM %2$s AS r WHERE %1$s IS NOT NULL %3$s GROUP BY 1 HAVING count(*) > 1',
                   v_id, p_rows, CASE WHEN v_is_orders THEN 'AND r.line_number = 1' END);
    GET DIAGNOSTICS v_repeated = ROW_COUNT;
    -- A day without repeats and refused rows is done here.
    IF v_repeated = 0 THEN
        IF p_refused IS NULL THEN
            EXECUTE format('SELECT count(*) FROM %s AS r WHERE r.load_date IS NULL', p_rows) INTO p_refused;
        END IF;
        IF p_refused = 0 THEN
            DROP TABLE pg_temp.repeated_hashes;
            p_duplicate := 0;
            p_changed := CASE WHEN v_is_orders THEN 0 END;
            RETURN;
        END IF;
    END IF;
    ANALYZE pg_temp.repeated_hashes;
    -- Until its index is made: rows are deleted below, and a publication of all tables would not allow that.
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', p_rows);
    -- The files of a day came into raw one after the other: the first id of each says which file a record is from.
    IF cardinality(p_delivery.load_ids) > 1 THEN
        SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
        EXECUTE format('SELECT array_agg(f.first_id ORDER BY f.first_id), array_agg(array_position($1, f.load_id) ORDER BY f.first_id)
                        FROM (SELECT d.load_id, min(d.%I) AS first_id FROM %s AS d
                              WHERE d.run_date = $2 AND d.load_id = ANY ($1) GROUP BY d.load_id) AS f', v_raw_id, v_raw)
        INTO v_first_ids, v_files USING p_delivery.load_ids, p_delivery.load_date;
        SET LOCAL enable_seqscan TO DEFAULT;
        v_place := format('($2)[width_bucket(r.%I, $1)] DESC, %s', v_raw_id, v_place);
    END IF;
    -- Orders that are rejected whole: a row for each of their first lines, as many as _record_bad_records may write out.
    CREATE TEMPORARY TABLE fallen_lines (raw_id bigint, item_number integer, is_conflict boolean, problem staging.problem, load_id bigint,
                                         record_number integer, raw_data text, is_item boolean) ON COMMIT DROP;
    IF v_is_orders THEN
        v_place := format('coalesce(r.source_updated_at, $3) DESC, %s', v_place);
        p_changed := staging._find_fallen_orders(p_delivery, p_rows, p_refused, v_first_ids, v_files);
        IF EXISTS (SELECT FROM pg_temp.fallen_lines) THEN
            v_falls := 'r.raw_orders_id IN (SELECT f.raw_id FROM pg_temp.fallen_lines f WHERE f.item_number = 1)';
            v_conflicts := 'r.raw_orders_id IN (SELECT f.raw_id FROM pg_temp.fallen_lines f WHERE f.item_number = 1 AND f.is_conflict)';
        END IF;
    END IF;
    -- If it is empty, too: of a table that was never analyzed the planner expects a thousand rows, and would sort for them.
    ANALYZE pg_temp.fallen_lines (raw_id, item_number);
    EXECUTE format($query$
        CREATE TEMPORARY TABLE sorted_out AS
        SELECT k.row, k.is_repeat
        FROM (
            SELECT r.ctid AS row, r.load_date IS NULL OR %6$s AS is_refused,
                   num_nulls(%2$s) = 0 AND NOT %7$s AND first_value(r.%1$I) OVER (PARTITION BY %2$s ORDER BY %3$s) <> r.%1$I AS is_repeat
            FROM %4$s AS r
            WHERE r.load_date IS NULL OR hashtextextended(%5$s, 0) IN (SELECT h.hash FROM pg_temp.repeated_hashes h) OR %6$s
        ) AS k WHERE k.is_repeat OR k.is_refused
        $query$, v_raw_id, v_key, v_place, p_rows, v_id, v_falls, v_conflicts)
    USING v_first_ids, v_files, staging.start_of_day(p_delivery.load_date + 1);
    ANALYZE pg_temp.sorted_out;

    EXECUTE format($query$
        WITH taken_out AS (
            DELETE FROM %1$s AS r USING pg_temp.sorted_out s WHERE r.ctid = s.row
            RETURNING s.is_repeat, r.%2$I AS raw_id, %3$s AS item_number, %4$s AS record_id, CASE WHEN r.load_date IS NULL THEN r.attributes END AS refusal
        )
        INSERT INTO pg_temp.bad_rows (load_id, raw_id, item_number, record_id, line_number, problems, raw_data, is_item)
        SELECT coalesce(f.load_id, o.load_id), t.raw_id, t.item_number, t.record_id, coalesce(f.record_number, o.record_number),
               f.problems || CASE WHEN f.problems IS NULL OR o.is_conflict THEN ARRAY[o.problem] END,
               coalesce(f.raw_data, l.raw_data), coalesce(f.is_item, o.is_item)
        FROM taken_out t
        LEFT JOIN LATERAL jsonb_to_record(t.refusal)
            AS f (load_id bigint, record_number integer, problems staging.problem[], raw_data text, is_item boolean) ON true
        LEFT JOIN pg_temp.fallen_lines o ON o.raw_id = t.raw_id AND o.item_number = 1
        LEFT JOIN pg_temp.fallen_lines l ON l.raw_id = t.raw_id AND l.item_number = t.item_number
        WHERE NOT t.is_repeat
        $query$, p_rows, v_raw_id, CASE WHEN v_is_orders THEN 'r.line_number' ELSE 'NULL::integer' END, v_id);
    GET DIAGNOSTICS v_refused = ROW_COUNT;
    SELECT count(*) INTO p_duplicate FROM pg_temp.sorted_out s WHERE s.is_repeat;
    -- The day's partition must not keep the space of lines that it does not have.
    IF (p_duplicate + v_refused) * 2 > p_lines OR pg_table_size('pg_temp.bad_rows') * 2 > pg_table_size(p_rows) THEN
        EXECUTE format('CREATE TEMPORARY TABLE left_rows ON COMMIT DROP AS TABLE %s', p_rows);
        EXECUTE format('TRUNCATE %s', p_rows);
        EXECUTE format('INSERT INTO %s TABLE pg_temp.left_rows', p_rows);
        DROP TABLE pg_temp.left_rows;
    END IF;
    DROP TABLE pg_temp.repeated_hashes, pg_temp.sorted_out, pg_temp.fallen_lines;
END
$_take_out_repeats$;
COMMENT ON FUNCTION staging._take_out_repeats(staging.delivery, regclass, bigint, bigint) IS 'Takes out of a day''s rows what is not clean: repeats and refused rows';
