-- Finds the reports of orders that are rejected whole, and writes them to pg_temp.fallen_lines. An order stands whole or not at
-- all, so there are two kinds:
--   a report with a bad line, unless the setting partial_orders says that its good lines count;
--   all reports of an order in one file that contradict each other: of two customers (a guest is none), or with the same time,
--   status and updated_at, but other lines. Which of them is true is not known; the last one would win, and the rest of the
--   money would be called a duplicate. A report without a clean line says nothing that could be contradicted.
--
-- Reads:   p_rows, pg_temp.repeated_hashes, the records (for the text of these few), audit.settings
-- Returns: lines of earlier reports that differ in their lines from the last report: as rejected ones are not repeats, they are
--          lost to every sum
-- Called by _take_out_repeats, whose p_refused, first ids and files these are. If nothing was refused and no order is there twice,
-- it reads nothing. Lines are compared as a sum of hashes: in any order, and no line of a large order is moved.
CREATE OR REPLACE FUNCTION staging._find_fallen_orders(
    p_delivery staging.delivery, p_rows regclass, p_refused bigint, p_first_ids bigint[], p_files integer[]
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $_find_fallen_orders$
DECLARE
    c_customers constant text := 'conflict: this file reports the order for more than one customer';
    c_lines     constant text := 'conflict: this file reports the order more than once with the same time, status and updated_at, but with other lines.'
                                 ' A delivery with a row per line needs a shape (staging.shapes, rows_are ''lines'')';
    v_is_whole  boolean := p_refused > 0 AND coalesce(audit._setting('partial_orders'), 0) <> 1;
    v_most      integer := coalesce(audit._setting('bad_lines_per_record'), 2147483646);
    v_changed   bigint := 0;
BEGIN
    IF NOT v_is_whole AND NOT EXISTS (SELECT FROM pg_temp.repeated_hashes) THEN
        RETURN v_changed;
    END IF;
    CREATE TEMPORARY TABLE falling (raw_id bigint, is_conflict boolean, problem staging.problem) ON COMMIT DROP;

    IF EXISTS (SELECT FROM pg_temp.repeated_hashes) THEN
        EXECUTE format($query$
            CREATE TEMPORARY TABLE order_reports ON COMMIT DROP AS
            SELECT r.order_id, r.raw_orders_id AS raw_id, CASE WHEN $1 IS NULL THEN 1 ELSE ($2)[width_bucket(r.raw_orders_id, $1)] END AS file,
                   count(*) AS line_count, bool_or(r.load_date IS NOT NULL) AS has_clean, min(r.user_id) AS user_id,
                   min(r.order_ts) AS order_ts, min(r.status) AS status, min(r.source_updated_at) AS source_updated_at,
                   -- A bad line has no values to compare.
                   sum(CASE WHEN r.load_date IS NULL THEN 1
                            ELSE hashtextextended(ROW(r.product_id, r.quantity, r.unit_price, r.revenue, r.tax, r.shipping, r.refunded, r.currency)::text, 0) END) AS lines
            FROM %s AS r
            WHERE r.order_id IS NOT NULL AND hashtextextended(r.order_id, 0) IN (SELECT h.hash FROM pg_temp.repeated_hashes h)
            GROUP BY r.order_id, r.raw_orders_id
            $query$, p_rows)
        USING p_first_ids, p_files;

        INSERT INTO pg_temp.falling (raw_id, is_conflict, problem)
        WITH versions AS (
            SELECT r.order_id, r.file, min(r.user_id) AS first_user, max(r.user_id) AS last_user, min(r.lines) <> max(r.lines) AS has_other_lines
            FROM pg_temp.order_reports r
            WHERE r.has_clean
            GROUP BY r.order_id, r.file, r.order_ts, r.status, r.source_updated_at
        ),
        conflicts AS (
            SELECT v.order_id, v.file, coalesce(min(v.first_user) <> max(v.last_user), false) AS has_customers
            FROM versions v
            GROUP BY v.order_id, v.file
            HAVING bool_or(v.has_other_lines) OR min(v.first_user) <> max(v.last_user)
        )
        SELECT r.raw_id, true, ROW(CASE WHEN c.has_customers THEN c_customers ELSE c_lines END, r.order_id)::staging.problem
        FROM conflicts c
        JOIN pg_temp.order_reports r ON r.order_id = c.order_id AND r.file = c.file;

        SELECT coalesce(sum(l.line_count), 0) INTO v_changed
        FROM (SELECT r.raw_id, r.line_count, r.lines <> first_value(r.lines) OVER (
                         PARTITION BY r.order_id
                         ORDER BY coalesce(r.source_updated_at, staging.start_of_day(p_delivery.load_date + 1)) DESC, r.file DESC, r.raw_id DESC) AS has_changed
              FROM pg_temp.order_reports r) AS l
        WHERE l.has_changed AND NOT EXISTS (SELECT FROM pg_temp.falling f WHERE f.raw_id = l.raw_id);
        DROP TABLE pg_temp.order_reports;
    END IF;

    IF v_is_whole THEN
        EXECUTE format($query$
            INSERT INTO pg_temp.falling (raw_id, is_conflict, problem)
            WITH mixed AS (
                SELECT r.raw_orders_id AS raw_id, min(r.line_number) FILTER (WHERE r.load_date IS NULL) AS line_number
                FROM %1$s AS r
                WHERE r.raw_orders_id IN (SELECT b.raw_orders_id FROM %1$s AS b WHERE b.load_date IS NULL)
                  AND r.raw_orders_id NOT IN (SELECT f.raw_id FROM pg_temp.falling f)
                GROUP BY r.raw_orders_id
                HAVING bool_or(r.load_date IS NOT NULL)
            )
            SELECT m.raw_id, false,
                   ROW(format('line %%s of the order is rejected: %%s', m.line_number, r.attributes #>> '{problems,0,reason}'),
                       r.attributes #>> '{problems,0,value}')::staging.problem
            FROM mixed m
            JOIN %1$s AS r ON r.raw_orders_id = m.raw_id AND r.line_number = m.line_number
            $query$, p_rows);
    END IF;

    IF EXISTS (SELECT FROM pg_temp.falling) THEN
        ANALYZE pg_temp.falling (raw_id);
        SET LOCAL enable_seqscan TO off;  -- as in _clean_orders
        INSERT INTO pg_temp.fallen_lines (raw_id, item_number, is_conflict, problem, load_id, record_number, raw_data, is_item)
        SELECT f.raw_id, coalesce(i.item_number, 1), f.is_conflict, f.problem, o.load_id, o.line_number,
               left(coalesce(i.item, o.raw_json)::text, 65536), i.item IS NOT NULL
        FROM pg_temp.falling f
        -- These few out of the day's: the planner, who expects few records of so young a table, would hash the texts of all.
        JOIN (SELECT o.* FROM staging._order_records(p_delivery.load_date, staging._own_form_loads(p_delivery), p_delivery.shaped_ids IS NOT NULL) o
              WHERE (o.raw_orders_id IN (SELECT k.raw_id FROM pg_temp.falling k)) IS TRUE) AS o ON o.raw_orders_id = f.raw_id
        LEFT JOIN LATERAL json_array_elements(CASE WHEN json_typeof(o.raw_json -> 'items') = 'array' THEN o.raw_json -> 'items' END)
            WITH ORDINALITY AS i (item, item_number) ON true
        WHERE coalesce(i.item_number, 1) <= v_most + 1::bigint;
        SET LOCAL enable_seqscan TO DEFAULT;
    END IF;
    DROP TABLE pg_temp.falling;
    RETURN v_changed;
END
$_find_fallen_orders$;
COMMENT ON FUNCTION staging._find_fallen_orders(staging.delivery, regclass, bigint, bigint[], integer[]) IS 'Finds the reports of orders that are rejected whole';
