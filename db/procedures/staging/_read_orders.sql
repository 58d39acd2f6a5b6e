-- The lines of the orders delivered for a day: typed, and judged. Only this file knows the names of an order's fields (an
-- item's product_id, quantity and price among them). Read it from the top: records (as raw has them), parsed (their fields
-- as text), orders (codes and times looked up), lines (one per item), judged (cheap tests), explained (what is wrong).
--
-- Cheap tests judge what has the usual shape; _order_problems the rest. What all lines of a record share is worked out once. A
-- refused line has no load_date; its attributes say what audit.bad_records is to know of it (_take_out_repeats reads them).
--
-- p_today: what most times look like, to LIKE: '2025-12-19T__:__:__Z';  p_oldest: the earliest day of an order
-- p_load_ids: the deliveries in force;  p_own: custom fields (staging._own_fields); NULL for none, which costs nothing
-- p_has_mapped: whether there are records that staging._map_records has made, too; false costs nothing
-- The body is inlined into the query that calls it: what that query does not ask for is not computed, and both cores may work.
-- Each OFFSET '0' is a fence: what stands above it is computed once per row; the quotes make it a bigint, which lets both cores
-- work. Codes are looked up in one JSON object: of a day that nobody has analyzed the planner expects one row, and could join in any way.
CREATE OR REPLACE FUNCTION staging._read_orders(
    p_load_date date, p_today text, p_oldest date, p_load_ids bigint[], p_own staging.fields[], p_has_mapped boolean
)
RETURNS TABLE (
    staging_orders_id bigint, load_date date, order_id text, line_number integer, user_id text, product_id text,
    quantity integer, unit_price numeric, revenue numeric, order_ts timestamptz, status text, city text, signup_date date,
    marketing_source text, raw_orders_id bigint, attributes jsonb
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH records AS (
        SELECT o.raw_orders_id, o.load_id, o.line_number AS record_number, o.raw_json,
               json_typeof(o.raw_json) = 'object'
               AND (o.raw_json::text NOT LIKE '%\\u%' OR staging._is_storable(o.raw_json::text)) AS is_readable
        FROM staging._order_records(p_load_date, p_load_ids, p_has_mapped) o
        OFFSET '0'
    ),
    parsed AS (
        SELECT r.*, f."user" AS customer, f.items,
               CASE WHEN json_typeof(f."user") <> 'object' THEN left(f."user"::text, 1000) END AS no_customer,
               staging._trimmed(f.order_id) AS order_id, staging._trimmed(f.user_id) AS user_id,
               f."timestamp" AS order_time, f.status AS source_status,
               staging._trimmed(f.product_id) AS order_product_id, f.quantity AS order_quantity, f.price AS order_price,
               -- In the flat shape the order is its only line, and the customer's fields stand beside user.
               staging._trimmed(CASE WHEN f."user" IS NULL THEN f.city ELSE coalesce(f."user" ->> 'city', f.city) END) AS city,
               CASE WHEN f."user" IS NULL THEN f.signup_date ELSE coalesce(f."user" ->> 'signup_date', f.signup_date) END AS signup_date,
               staging._trimmed(CASE WHEN f."user" IS NULL THEN f.marketing_source ELSE coalesce(f."user" ->> 'marketing_source', f.marketing_source) END) AS marketing_source
        FROM records r
        CROSS JOIN LATERAL json_to_record(CASE WHEN r.is_readable THEN r.raw_json ELSE '{}' END)
            AS f (order_id text, user_id text, product_id text, quantity text, price text, "timestamp" text,
                  status text, city text, signup_date text, marketing_source text, "user" json, items json)
        OFFSET '0'
    ),
    encoded AS (
        SELECT p.*, convert_to(p.order_time, 'UTF8') AS order_time_bytes, convert_to(p.signup_date, 'UTF8') AS signup_date_bytes,
               (SELECT jsonb_object_agg(c.source_value, s.status)
                FROM staging.codes c JOIN warehouse.order_statuses s ON s.status = c.canonical_value
                WHERE c.kind = 'order_status') AS statuses,
               (SELECT array_agg(f.field) FROM staging.fields f WHERE f.source = 'orders') AS known
        FROM parsed p
        OFFSET '0'
    ),
    orders AS (
        SELECT p.*,
               -- Nearly all values fit as delivered. The rest are trimmed, and statuses put in lower case, before they are looked up.
               coalesce(p.statuses ->> p.source_status, p.statuses ->> (lower(staging._trimmed(p.source_status) COLLATE "C") COLLATE "default")) AS status,
               coalesce(staging._usual_time(p.order_time, p.order_time_bytes, p_load_date, p_today),
                        staging._iso_time(staging._trimmed(p.order_time))) AS order_ts,
               coalesce(staging._usual_date(p.signup_date, p.signup_date_bytes),
                        (staging._iso_time(staging._trimmed(p.signup_date)) AT TIME ZONE 'UTC')::date) AS signup_day,
               -- Fields that hold an object or array where a plain value belongs; checked only if one begins like that.
               CASE WHEN ascii(p.order_id) IN (ascii('{'), ascii('[')) OR ascii(p.user_id) IN (ascii('{'), ascii('['))
                         OR ascii(p.order_product_id) IN (ascii('{'), ascii('[')) OR ascii(p.city) IN (ascii('{'), ascii('['))
                         OR ascii(p.marketing_source) IN (ascii('{'), ascii('['))
                    THEN array_remove(ARRAY[
                        CASE WHEN staging._is_nested(p.order_id, p.raw_json -> 'order_id') THEN 'order_id' END,
                        CASE WHEN staging._is_nested(p.user_id, p.raw_json -> 'user_id') THEN 'user_id' END,
                        CASE WHEN staging._is_nested(p.order_product_id, p.raw_json -> 'product_id') THEN 'product_id' END,
                        CASE WHEN staging._is_nested(p.city, CASE WHEN p.customer ->> 'city' IS NULL THEN p.raw_json ELSE p.customer END -> 'city') THEN 'city' END,
                        CASE WHEN staging._is_nested(p.marketing_source, CASE WHEN p.customer ->> 'marketing_source' IS NULL THEN p.raw_json
                                                                              ELSE p.customer END -> 'marketing_source')
                             THEN 'marketing_source' END], NULL)
               END AS nested,
               CASE WHEN (p.order_id IS NULL OR staging._is_blank(p.order_time) OR staging._is_blank(p.source_status)) AND p.is_readable
                    THEN staging._unknown_names(p.raw_json, p.known) END AS order_has,
               CASE WHEN p_own IS NOT NULL AND p.is_readable THEN staging._own_values(p_own, '{order,customer}', p.raw_json, p.customer) END AS order_own
        FROM encoded p
        OFFSET '0'
    ),
    lines AS (
        SELECT o.*, i.item, i.item_number, coalesce(i.item_number, 1)::integer AS line_number,
               CASE WHEN i.item IS NULL THEN o.order_product_id ELSE staging._trimmed(i.item ->> 'product_id') END AS product_id,
               staging._trimmed(CASE WHEN i.item IS NULL THEN o.order_quantity ELSE i.item ->> 'quantity' END) AS quantity,
               staging._trimmed(CASE WHEN i.item IS NULL THEN o.order_price ELSE i.item ->> 'price' END) AS price,
               CASE WHEN p_own IS NOT NULL AND o.is_readable
                    THEN staging._own_values(p_own, '{line}', CASE WHEN i.item IS NULL THEN o.raw_json ELSE i.item END, NULL) END AS line_own
        FROM orders o
        LEFT JOIN LATERAL json_array_elements(CASE WHEN json_typeof(o.items) = 'array' THEN o.items END)
            WITH ORDINALITY AS i (item, item_number) ON true
        OFFSET '0'
    ),
    judged AS (
        SELECT l.*,
               coalesce(
                   l.is_readable AND l.nested IS NULL AND l.no_customer IS NULL
                   AND octet_length(l.order_id) <= 512 AND (l.user_id IS NULL OR octet_length(l.user_id) <= 512)
                   AND l.order_ts >= p_oldest::timestamp AT TIME ZONE 'UTC'
                   AND l.order_ts < (p_load_date + 1)::timestamp AT TIME ZONE 'UTC'
                   AND l.status IS NOT NULL
                   AND (l.signup_day IS NOT NULL OR staging._is_blank(l.signup_date))
                   AND octet_length(l.product_id) <= 512 AND ascii(l.product_id) NOT IN (ascii('{'), ascii('['))
                   -- Each state of a regular expression costs: one for nearly all, one for the rest.
                   AND (octet_length(l.quantity) = 1 AND ascii(l.quantity) BETWEEN ascii('1') AND ascii('9') OR l.quantity ~ '^[1-9][0-9]{0,8}$')
                   AND (octet_length(l.price) <= 10 AND l.price ~ '^[0-9]+([.][0-9]+)?$' OR l.price ~ '^[0-9]{1,9}([.][0-9]{1,9})?$')
                   AND l.line_number <= 999999
                   AND (l.item_number IS NOT NULL OR l.items IS NULL), false) AS is_usual,
               CASE WHEN (l.product_id IS NULL OR l.quantity IS NULL OR l.price IS NULL) AND l.is_readable
                    THEN staging._unknown_names(CASE WHEN l.item IS NULL THEN l.raw_json ELSE l.item END, l.known) END AS line_has
        FROM lines l
        OFFSET '0'
    ),
    explained AS (
        SELECT j.*,
               -- A rule for a column that you add is a line here: || staging._problem(…).
               nullif(array_remove(
                   CASE WHEN NOT j.is_usual
                        THEN staging._order_problems(
                            -- Without what its problems do not need: a large order would be copied for each of its lines.
                            ROW(CASE WHEN NOT j.is_readable THEN j.raw_json END, j.is_readable, j.nested, j.no_customer,
                                CASE WHEN j.item_number IS NULL THEN j.items END, j.item, j.item_number, j.order_has, j.line_has,
                                j.order_id, j.user_id, j.product_id, j.quantity, j.price, staging._trimmed(j.order_time), staging._trimmed(j.source_status), j.status,
                                j.city, staging._trimmed(j.signup_date), j.marketing_source, j.order_ts, j.signup_day)::staging.order_line,
                            p_oldest, p_load_date) END
                   || CASE WHEN p_own IS NOT NULL THEN (j.order_own).problems || (j.line_own).problems END, NULL), '{}') AS problems
        FROM judged j
        OFFSET '0'
    )
    SELECT e.raw_orders_id * 1000000 + e.line_number,
           CASE WHEN e.problems IS NULL THEN p_load_date END,
           CASE WHEN octet_length(e.order_id) <= 512 THEN e.order_id END COLLATE "C", e.line_number,
           e.user_id COLLATE "C", e.product_id COLLATE "C",
           CASE WHEN e.is_usual THEN e.quantity::integer WHEN e.problems IS NULL THEN trim_scale(e.quantity::numeric)::integer END,
           CASE WHEN e.problems IS NULL THEN trim_scale(e.price::numeric) END,
           CASE WHEN e.is_usual THEN trim_scale(e.quantity::integer * e.price::numeric)
                WHEN e.problems IS NULL THEN trim_scale(e.quantity::numeric * e.price::numeric) END,
           e.order_ts, e.status, e.city, e.signup_day, e.marketing_source, e.raw_orders_id,
           CASE WHEN e.problems IS NOT NULL
                -- A line shows only its item: the lines of an order together are no larger than the order.
                THEN jsonb_build_object('load_id', e.load_id, 'record_number', e.record_number, 'problems', e.problems, 'is_item', e.item IS NOT NULL,
                                        'raw_data', left(coalesce(e.item, e.raw_json)::text, 65536))
                WHEN p_own IS NULL THEN NULL
                WHEN (e.line_own).attributes IS NULL THEN (e.order_own).attributes
                ELSE coalesce((e.order_own).attributes, '{}') || (e.line_own).attributes END
    FROM explained e;
END;
COMMENT ON FUNCTION staging._read_orders(date, text, date, bigint[], staging.fields[], boolean) IS 'The lines of the orders delivered for a day: typed, and judged';
