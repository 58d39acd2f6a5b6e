-- Puts the rows of one order in a delivery together: the first row keeps its place and gets all lines, in the order of the rows.
-- What rows say of the order itself is taken from the first one. If they differ in who ordered, when, in which currency or with
-- which status, they are not of one order, and all of them are refused; so are those of an order of which a row could not be read,
-- unless the setting partial_orders says that its good lines count. A row is a line, or has items; what items say of shipping and of
-- refunds is added up for the order.
--
-- Reads and writes: pg_temp.mapped_records and unmapped_records of the delivery;  reads audit.settings
CREATE OR REPLACE FUNCTION staging._join_rows(p_load_date date, p_load_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_join_rows$
DECLARE
    -- Of a row without items, what belongs to its line and not to the order.
    c_of_line constant text[] := '{product_id,quantity,price,line_total,discount,tax}';
BEGIN
    CREATE TEMPORARY TABLE order_rows ON COMMIT DROP AS
    SELECT m.raw_id, m.line_number, m.record, f.*,
           coalesce(json_typeof(f.items) = 'array', false) AS is_nested,
           CASE WHEN json_typeof(f.items) = 'array' THEN f.items ELSE json_build_array(m.record) END AS lines
    FROM pg_temp.mapped_records m
    CROSS JOIN LATERAL (SELECT staging._trimmed(r.order_id) AS order_id, staging._trimmed(r.user_id) AS user_id, staging._trimmed(r."timestamp") AS "timestamp",
                               staging._trimmed(r.status) AS status, staging._trimmed(r.currency) AS currency, r.items
                        FROM json_to_record(m.record) AS r (order_id text, user_id text, "timestamp" text, status text, currency text, items json) OFFSET 0) AS f
    WHERE m.load_id = p_load_id AND json_typeof(m.record) = 'object' AND (m.record::text NOT LIKE '%\\u%' OR staging._is_storable(m.record::text));
    DELETE FROM pg_temp.order_rows r WHERE r.order_id IS NULL;
    ANALYZE pg_temp.order_rows (order_id);

    IF EXISTS (SELECT FROM pg_temp.unmapped_records u WHERE u.load_id = p_load_id) THEN
        PERFORM staging._name_unmapped(p_load_date, p_load_id);
    END IF;

    WITH told AS (
        SELECT r.order_id, array_remove(ARRAY[CASE WHEN min(r.user_id) <> max(r.user_id) THEN 'user_id' END,
                                              CASE WHEN min(r."timestamp") <> max(r."timestamp") THEN 'timestamp' END,
                                              CASE WHEN min(r.status) <> max(r.status) THEN 'status' END,
                                              CASE WHEN min(r.currency) <> max(r.currency) THEN 'currency' END], NULL) AS differ
        FROM pg_temp.order_rows r GROUP BY r.order_id HAVING count(*) > 1
    ),
    faults AS (
        SELECT t.order_id, ROW('the rows of the order differ in ' || array_to_string(t.differ, ', '), t.order_id)::staging.problem AS problem
        FROM told t WHERE t.differ <> '{}'
        UNION ALL
        (SELECT DISTINCT ON (u.record_id) u.record_id,
                ROW(format('row %s of the file, of the same order, is rejected: %s', u.line_number, (u.problem).reason), (u.problem).value)::staging.problem
         FROM pg_temp.unmapped_records u
         WHERE u.load_id = p_load_id AND u.record_id IS NOT NULL AND coalesce(audit._setting('partial_orders'), 0) <> 1
         ORDER BY u.record_id, u.line_number)
    ),
    refused AS (
        DELETE FROM pg_temp.order_rows r USING (SELECT DISTINCT ON (f.order_id) f.order_id, f.problem FROM faults f ORDER BY f.order_id) AS f
        WHERE r.order_id = f.order_id
        RETURNING r.raw_id, r.line_number, r.order_id, f.problem
    ),
    noted AS (
        INSERT INTO pg_temp.unmapped_records
        SELECT r.raw_id, p_load_id, r.line_number, r.order_id, r.problem FROM refused r
    )
    DELETE FROM pg_temp.mapped_records m USING refused r WHERE m.raw_id = r.raw_id AND m.load_id = p_load_id;

    WITH lines AS (
        SELECT r.order_id, r.raw_id, i.line, i.place,
               CASE WHEN r.is_nested THEN staging._trimmed(i.line ->> 'shipping') END AS shipping,
               CASE WHEN r.is_nested THEN staging._trimmed(i.line ->> 'refunded') END AS refunded
        FROM pg_temp.order_rows r LEFT JOIN LATERAL json_array_elements(r.lines) WITH ORDINALITY AS i (line, place) ON true
    ),
    orders AS (
        SELECT l.order_id, coalesce(json_agg(l.line ORDER BY l.raw_id, l.place) FILTER (WHERE l.place IS NOT NULL), '[]') AS items,
               -- What is no number stays as it is, and is refused as such.
               coalesce(min(l.shipping) FILTER (WHERE staging._to_number(l.shipping) IS NULL), sum(staging._to_number(l.shipping))::text) AS shipping,
               coalesce(min(l.refunded) FILTER (WHERE staging._to_number(l.refunded) IS NULL), sum(staging._to_number(l.refunded))::text) AS refunded
        FROM lines l GROUP BY l.order_id
    ),
    firsts AS (
        SELECT r.order_id, min(r.raw_id) AS raw_id, array_agg(r.raw_id ORDER BY r.raw_id) AS own_ids, array_agg(r.line_number ORDER BY r.raw_id) AS own_lines
        FROM pg_temp.order_rows r GROUP BY r.order_id
    )
    UPDATE pg_temp.mapped_records m
    SET record = (SELECT json_object_agg(k.key, k.value)
                  FROM (SELECT e.key, e.value FROM json_each(m.record) AS e
                        WHERE e.key <> 'items' AND (e.key <> 'shipping' OR o.shipping IS NULL) AND (e.key <> 'refunded' OR o.refunded IS NULL)
                        UNION ALL
                        SELECT e.key, e.value FROM (VALUES ('shipping', to_json(o.shipping)), ('refunded', to_json(o.refunded)), ('items', o.items)) AS e (key, value)
                        WHERE e.value IS NOT NULL) AS k
                  WHERE json_typeof(m.record -> 'items') = 'array' OR k.key <> ALL (c_of_line)),
        own_ids = f.own_ids, own_lines = f.own_lines
    FROM firsts f JOIN orders o ON o.order_id = f.order_id
    WHERE m.load_id = p_load_id AND m.raw_id = f.raw_id;

    DELETE FROM pg_temp.mapped_records m
    USING pg_temp.order_rows r
    WHERE m.load_id = p_load_id AND m.raw_id = r.raw_id
      AND NOT EXISTS (SELECT FROM pg_temp.mapped_records f WHERE f.load_id = p_load_id AND f.raw_id = m.raw_id AND f.own_ids IS NOT NULL);
    DROP TABLE pg_temp.order_rows;
END
$_join_rows$;
COMMENT ON FUNCTION staging._join_rows(date, bigint) IS 'Puts the rows of one order in a delivery together';
