-- Every report of an order, in the order of their delivery, and what became of each of its lines.
--
-- p_order_id: the order, to the letter
-- Returns:    a row per line of a report; one without a line_number for a report that has no line anywhere. The status is
--             what the source wrote; the warehouse's own where raw is gone
-- Reads:      raw.orders_json and raw.file_loads; staging.orders_clean, staging.loads; fact_orders, orders_superseded,
--             order_owners; audit.bad_records. What retention dropped is told from what is left
-- Errors:     WH004 nothing knows the order
-- An analyst may call it: of a record, which names the person, it tells nothing but the status.
-- raw has no index that knows an order. What cleaning has read is found by its number; of what it has not read, a text
-- search finds the usual ways to write an id. Only what is found is taken apart.
CREATE OR REPLACE FUNCTION audit.order_story(p_order_id text)
RETURNS TABLE (
    report integer, load_date date, file_name text, file_line integer, status text, line_number integer, product_id text,
    quantity integer, revenue numeric, outcome text, ingested_at timestamptz, load_id bigint, raw_orders_id bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET "DateStyle" = 'ISO, YMD'
AS $order_story$
DECLARE
    -- As most programs write it where a file is to be ASCII.
    v_escaped  text := audit._in_ascii(p_order_id);
    v_days     date[];
    v_cleaned  bigint[];
    v_loads    bigint[];
    v_searched date[];
    v_found    bigint;
BEGIN
    SELECT coalesce(array_agg(DISTINCT l.load_date), '{}'), coalesce(array_agg(DISTINCT l.raw_orders_id), '{}')
    INTO v_days, v_cleaned
    FROM audit._order_lines(p_order_id) l;
    SELECT coalesce(array_agg(s.load_id), '{}'), coalesce(array_agg(DISTINCT s.run_date), '{}'), coalesce(max(s.found), 0)
    INTO v_loads, v_searched, v_found
    FROM audit._deliveries_to_search(v_days, 100) s;

    RETURN QUERY
    WITH candidates AS MATERIALIZED (
        SELECT r.run_date, r.raw_orders_id, r.line_number, r.load_id, r.ingested_at, r.raw_json
        FROM raw.orders_json r
        WHERE r.run_date = ANY (v_searched) AND r.load_id = ANY (v_loads)
          AND (r.raw_orders_id = ANY (v_cleaned) OR strpos(r.raw_json::text, p_order_id) > 0
               OR strpos(r.raw_json::text, v_escaped) > 0)
    ),
    reports AS (
        SELECT c.run_date, c.raw_orders_id, c.line_number AS file_line, c.load_id, c.ingested_at, l.file_name,
               left(audit._plain_value(c.raw_json, 'status'), 1000) AS source_status,
               CASE WHEN s.load_date IS NULL THEN 'not cleaned yet'
                    WHEN c.load_id = ANY (s.load_ids) THEN 'duplicate: a later report of the same day won'
                    WHEN EXISTS (SELECT FROM raw.file_loads n
                                 WHERE n.run_date = l.run_date AND n.source = l.source AND n.file_name = l.file_name
                                   AND n.load_id > l.load_id AND n.refused_reason IS NULL)
                    THEN 'not in force: the file was delivered again'
                    ELSE format('not cleaned yet: run %s again', c.run_date) END AS outcome
        FROM candidates c
        JOIN raw.file_loads l ON l.load_id = c.load_id
        LEFT JOIN staging.loads s ON s.source = 'orders' AND s.load_date = c.run_date
        WHERE c.raw_orders_id = ANY (v_cleaned) OR audit._plain_value(c.raw_json, 'order_id') = p_order_id
    ),
    lines AS (
        SELECT coalesce(r.run_date, n.load_date) AS load_date, coalesce(r.file_name, n.file_name) AS file_name,
               coalesce(r.file_line, n.file_line) AS file_line, coalesce(r.source_status, n.status) AS source_status,
               n.line_number, n.product_id, n.quantity, n.revenue, coalesce(n.outcome, r.outcome) AS outcome,
               r.ingested_at, coalesce(r.load_id, n.load_id) AS load_id,
               coalesce(r.raw_orders_id, n.raw_orders_id) AS raw_orders_id
        FROM reports r
        FULL JOIN audit._order_lines(p_order_id) n ON n.raw_orders_id = r.raw_orders_id
    )
    SELECT (dense_rank() OVER w)::integer, n.load_date, n.file_name, n.file_line, n.source_status, n.line_number, n.product_id,
           n.quantity, n.revenue, n.outcome, n.ingested_at, n.load_id, n.raw_orders_id
    FROM lines n
    WINDOW w AS (ORDER BY n.load_date, n.file_name COLLATE "C", n.load_id, n.file_line, n.raw_orders_id)
    ORDER BY 1, n.line_number;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'no delivery in raw has an order %', quote_nullable(left(p_order_id, 100)) USING ERRCODE = 'WH004',
            DETAIL = 'Ids are compared to the letter.'
                     || CASE WHEN v_found > cardinality(v_loads)
                             THEN format(' Of %s deliveries that were not cleaned, the newest %s were searched.',
                                         v_found, cardinality(v_loads)) ELSE '' END,
            HINT = 'SELECT order_id FROM warehouse.orders WHERE order_id ILIKE ''%…%'';';
    END IF;
END
$order_story$;
COMMENT ON FUNCTION audit.order_story(text) IS 'Every report of an order, and what became of each of its lines';

-- What cleaning and loading know of an order: its lines in staging, facts and superseded, and those that were rejected.
-- A line that is loaded is told even when retention has dropped its staging. order_owners and orders_superseded know the
-- days that are loaded; a clean line of another day can only be of one whose last run did not succeed. Of other days no
-- partition is touched.
CREATE OR REPLACE FUNCTION audit._order_lines(p_order_id text)
RETURNS TABLE (
    load_date date, raw_orders_id bigint, line_number integer, product_id text, quantity integer, revenue numeric, status text,
    outcome text, file_name text, file_line integer, load_id bigint
)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan SET "DateStyle" = 'ISO, YMD'
AS $_order_lines$
DECLARE
    v_owner date := (SELECT o.load_date FROM warehouse.order_owners o WHERE o.order_id = p_order_id);
    v_days  date[];
BEGIN
    SELECT coalesce(array_agg(d.load_date), '{}') INTO v_days
    FROM (
        SELECT v_owner AS load_date WHERE v_owner IS NOT NULL
        UNION
        SELECT s.load_date FROM warehouse.orders_superseded s WHERE s.order_id = p_order_id
        UNION
        SELECT l.load_date
        FROM staging.loads l
        WHERE l.source = 'orders'
          AND (SELECT r.status FROM audit.pipeline_runs r WHERE r.run_date = l.load_date ORDER BY r.run_id DESC LIMIT 1)
              IS DISTINCT FROM 'succeeded'
    ) AS d;

    RETURN QUERY
    WITH clean AS (
        SELECT s.load_date, s.staging_orders_id, s.line_number, s.product_id, s.quantity, s.revenue, s.status
        FROM staging.orders_clean s
        WHERE s.order_id = p_order_id AND s.load_date = ANY (v_days)
    ),
    facts AS (
        SELECT f.load_date, f.staging_orders_id, f.line_number, f.product_id, f.quantity, f.revenue, f.status
        FROM warehouse.fact_orders f
        WHERE f.order_id = p_order_id AND f.load_date = v_owner
    ),
    superseded AS (
        SELECT o.load_date, o.staging_orders_id, o.line_number, o.product_id, o.quantity, o.revenue, o.status
        FROM warehouse.orders_superseded o
        WHERE o.order_id = p_order_id
    ),
    known AS (
        SELECT c.* FROM clean c
        UNION ALL
        SELECT l.* FROM (SELECT f.* FROM facts f UNION ALL SELECT s.* FROM superseded s) AS l
        WHERE l.staging_orders_id NOT IN (SELECT c.staging_orders_id FROM clean c)
    )
    SELECT k.load_date, k.staging_orders_id / 1000000, k.line_number, k.product_id, k.quantity, k.revenue, k.status,
           CASE WHEN k.staging_orders_id IN (SELECT f.staging_orders_id FROM facts f) THEN 'in fact_orders'
                WHEN v_owner > k.load_date THEN format('superseded by the report of %s', v_owner)
                ELSE format('clean, not loaded: is the day blocked? See the story of %s', k.load_date) END,
           NULL, NULL::integer, NULL::bigint
    FROM known k
    UNION ALL
    SELECT b.run_date, b.raw_id, b.item_number, NULL, NULL, NULL, NULL, 'rejected: ' || b.failure_reason || coalesce(format(' (with %s lines after it)', nullif(b.line_count - 1, 0)), ''), b.file_name,
           b.line_number, b.load_id
    FROM audit.bad_records b
    WHERE b.record_id = p_order_id AND b.source_table = 'raw.orders_json';
END
$_order_lines$;
COMMENT ON FUNCTION audit._order_lines(text) IS 'What cleaning and loading know of an order: its clean, loaded, superseded and rejected lines';

-- Deliveries of orders that may have a report: those of the days that know the order, and those that cleaning has not
-- read: of a day that did not run yet and, if nothing else is known, what a later delivery replaced.
CREATE OR REPLACE FUNCTION audit._deliveries_to_search(p_days date[], p_most integer)
RETURNS TABLE (load_id bigint, run_date date, found bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_deliveries_to_search$
    SELECT l.load_id, l.run_date, count(*) OVER ()
    FROM raw.file_loads l
    LEFT JOIN staging.loads s ON s.source = l.source AND s.load_date = l.run_date
    WHERE l.source = 'orders' AND l.row_count > 0
      AND (l.run_date = ANY (p_days) OR s.load_date IS NULL OR l.load_id > ALL (s.load_ids)
           OR (p_days = '{}' AND l.load_id <> ALL (s.load_ids)))
    ORDER BY l.run_date = ANY (p_days) DESC, l.load_id DESC
    LIMIT p_most;
$_deliveries_to_search$;
COMMENT ON FUNCTION audit._deliveries_to_search(date[], integer) IS 'Deliveries of orders that may have a report of an order, at most so many';

-- A field of a record as cleaning reads it; NULL for an object or array, and for what is no object. A text of PostgreSQL
-- cannot hold all that JSON can (\u0000, half a surrogate pair): those signs are replaced, so that the rest can be read.
CREATE OR REPLACE FUNCTION audit._plain_value(p_record json, p_field text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $_plain_value$
    SELECT CASE WHEN json_typeof(r.record -> p_field) NOT IN ('object', 'array') THEN staging._trimmed(r.record ->> p_field) END
    FROM (
        SELECT CASE WHEN staging._is_storable(p_record::text) THEN p_record
                    -- Escaped backslashes and whole pairs stand aside meanwhile: no control character is in a JSON text.
                    ELSE replace(replace(regexp_replace(regexp_replace(replace(p_record::text, '\\', E'\x01'),
                             '\\(u[dD][89abAB][0-9a-fA-F]{2})\\(u[dD][c-fC-F][0-9a-fA-F]{2})', E'\x02\\1\x02\\2', 'g'),
                             '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g'), E'\x02', '\'), E'\x01', '\\')::json
               END AS record
    ) AS r;
$_plain_value$;
COMMENT ON FUNCTION audit._plain_value(json, text) IS 'A field of a record as cleaning reads it; NULL for what is no plain value';

-- A text as JSON writes it in ASCII: é is \u00e9, 😀 is \ud83d\ude00.
CREATE OR REPLACE FUNCTION audit._in_ascii(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $_in_ascii$
    SELECT string_agg(CASE WHEN c.code < 128 THEN substr(left(to_json(c.sign)::text, -1), 2)
                           WHEN c.code < 65536 THEN '\u' || lpad(to_hex(c.code), 4, '0')
                           ELSE '\u' || to_hex(55296 + (c.code - 65536) / 1024) || '\u' || to_hex(56320 + (c.code - 65536) % 1024)
                      END, '' ORDER BY c.place)
    FROM (SELECT s.sign, ascii(s.sign) AS code, s.place
          FROM regexp_split_to_table(p_text, '') WITH ORDINALITY AS s (sign, place)) AS c;
$_in_ascii$;
COMMENT ON FUNCTION audit._in_ascii(text) IS 'A text as JSON writes it in ASCII';
