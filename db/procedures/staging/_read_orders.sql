-- The lines of the orders delivered for a day: parsed, and judged. What is of the usual shape is judged by cheap
-- tests; all else by _order_problems. Each record is parsed once.
--
-- p_today:    how most times begin: '2025-12-19T'
-- p_oldest:   the earliest day of an order
-- p_load_ids: the deliveries in force
-- p_records:  raw_orders_id of the records that are looked at; NULL for all
-- Its body becomes part of the query that calls it: what that does not ask for is not computed, and both cores may work.
CREATE OR REPLACE FUNCTION staging._read_orders(
    p_load_date date, p_today text, p_oldest date, p_load_ids bigint[], p_records bigint[]
)
RETURNS TABLE (
    raw_orders_id bigint, load_id bigint, record_number integer, line_number integer, order_id text, user_id text,
    product_id text, quantity text, price text, order_ts timestamptz, status text, city text, signup_date date,
    marketing_source text, problems staging.problem[], raw_data text
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT j.raw_orders_id, j.load_id, j.record_number, coalesce(j.line_number, 1)::integer,
           CASE WHEN octet_length(j.order_id) <= 512 THEN j.order_id END COLLATE "C",
           j.user_id COLLATE "C", j.product_id COLLATE "C", j.quantity, j.price, j.order_ts, j.status, j.city,
           (j.signup_ts AT TIME ZONE 'UTC')::date, j.marketing_source,
           CASE WHEN j.is_usual THEN NULL
                ELSE staging._order_problems(
                         j.raw_json, j.is_readable, j.nested, j.item, j.customer, j.items, j.line_number, j.order_id, j.user_id, j.product_id,
                         j.quantity, j.price, j.order_time, j.source_status, j.status, j.city, j.signup_date,
                         j.marketing_source, p_oldest, p_load_date)
           END,
           -- An order of many items is told by the item: its lines together are no larger than it is.
           left(CASE WHEN j.item IS NULL OR j.record_bytes <= 8192 THEN j.raw_json ELSE j.item END::text, 65536)
    FROM (
        SELECT p.*, s.status,
               coalesce(
                   p.is_readable
                   AND octet_length(p.order_id) <= 512 AND left(p.order_id, 1) NOT IN ('{', '[')
                   AND coalesce(octet_length(p.user_id) <= 512 AND left(p.user_id, 1) NOT IN ('{', '['), true)
                   AND octet_length(p.product_id) <= 512 AND left(p.product_id, 1) NOT IN ('{', '[')
                   AND p.quantity ~ '^[1-9][0-9]{0,8}$'
                   AND p.price ~ '^[0-9]{1,9}([.][0-9]{1,9})?$'
                   AND p.order_ts >= p_oldest::timestamp AT TIME ZONE 'UTC'
                   AND p.order_ts < (p_load_date + 1)::timestamp AT TIME ZONE 'UTC'
                   AND s.status IS NOT NULL
                   AND (p.line_number IS NOT NULL OR p.items IS NULL) AND coalesce(p.line_number, 1) <= 999999
                   AND coalesce(json_typeof(p.item) = 'object', true)
                   AND coalesce(json_typeof(p.customer) = 'object', true)
                   AND coalesce(left(p.city, 1) NOT IN ('{', '['), true)
                   AND coalesce(left(p.marketing_source, 1) NOT IN ('{', '['), true)
                   AND (p.signup_date IS NULL OR p.signup_ts IS NOT NULL), false) AS is_usual
        FROM (
            SELECT v.*, staging._to_timestamptz(v.order_time, p_today) AS order_ts,
                   staging._to_timestamptz(v.signup_date) AS signup_ts
            FROM (
                SELECT o.raw_orders_id, o.load_id, o.line_number AS record_number, o.raw_json, o.record_bytes, o.is_readable,
                       o.nested, i.line_number, i.item, o."user" AS customer, o.items,
                       staging._trimmed(o.order_id) AS order_id,
                       staging._trimmed(o.user_id) AS user_id,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN o.product_id ELSE l.product_id END) AS product_id,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN o.quantity ELSE l.quantity END) AS quantity,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN o.price ELSE l.price END) AS price,
                       staging._trimmed(o."timestamp") AS order_time,
                       staging._trimmed(o.status) AS source_status,
                       staging._trimmed(o.city) AS city,
                       staging._trimmed(o.signup_date) AS signup_date,
                       staging._trimmed(o.marketing_source) AS marketing_source
                FROM (
                    SELECT o.*, r.order_id, r.user_id, r.product_id, r.quantity, r.price, r."timestamp", r.status,
                           coalesce(u.city, r.city) AS city, coalesce(u.signup_date, r.signup_date) AS signup_date,
                           coalesce(u.marketing_source, r.marketing_source) AS marketing_source, r."user", r.items,
                           -- Which fields hold an object or array where a plain value belongs: looked for where one begins
                           -- like one, and once per order, whose items may be many.
                           CASE WHEN left(staging._trimmed(r.order_id), 1) IN ('{', '[') OR left(staging._trimmed(r.user_id), 1) IN ('{', '[')
                                     OR left(staging._trimmed(r.product_id), 1) IN ('{', '[')
                                     OR left(staging._trimmed(coalesce(u.city, r.city)), 1) IN ('{', '[')
                                     OR left(staging._trimmed(coalesce(u.marketing_source, r.marketing_source)), 1) IN ('{', '[')
                                THEN ARRAY(SELECT f.name
                                           FROM (VALUES ('order_id', o.raw_json), ('user_id', o.raw_json), ('product_id', o.raw_json),
                                                        ('city', CASE WHEN u.city IS NULL THEN o.raw_json ELSE r."user" END),
                                                        ('marketing_source', CASE WHEN u.marketing_source IS NULL THEN o.raw_json ELSE r."user" END)
                                                ) AS f (name, holder)
                                           WHERE json_typeof(f.holder -> f.name) IN ('object', 'array'))
                           END AS nested
                    FROM (
                        SELECT o.raw_orders_id, o.load_id, o.line_number, o.raw_json, octet_length(o.raw_json::text) AS record_bytes,
                               json_typeof(o.raw_json) = 'object'
                               AND (o.raw_json::text NOT LIKE '%\\u%' OR staging._is_storable(o.raw_json::text)) AS is_readable
                        FROM raw.orders_json o
                        WHERE o.run_date = p_load_date AND o.load_id = ANY (p_load_ids)
                          AND (p_records IS NULL OR o.raw_orders_id = ANY (p_records))
                        -- A fence: what stands above is computed once per row, not once per use. As a bigint it lets both cores work.
                        OFFSET '0'
                    ) AS o
                    CROSS JOIN LATERAL json_to_record(CASE WHEN o.is_readable THEN o.raw_json ELSE '{}' END)
                        AS r (order_id text, user_id text, product_id text, quantity text, price text, "timestamp" text,
                              status text, city text, signup_date text, marketing_source text, "user" json, items json)
                    CROSS JOIN LATERAL json_to_record(CASE WHEN json_typeof(r."user") = 'object' THEN r."user" ELSE '{}' END)
                        AS u (city text, signup_date text, marketing_source text)
                    OFFSET '0'
                ) AS o
                LEFT JOIN LATERAL json_array_elements(CASE WHEN json_typeof(o.items) = 'array' THEN o.items ELSE '[]' END)
                    WITH ORDINALITY AS i (item, line_number) ON true
                CROSS JOIN LATERAL json_to_record(CASE WHEN json_typeof(i.item) = 'object' THEN i.item ELSE '{}' END)
                    AS l (product_id text, quantity text, price text)
                OFFSET '0'
            ) AS v
            OFFSET '0'
        ) AS p
        LEFT JOIN staging.codes c ON c.kind = 'order_status' AND c.source_value = lower(p.source_status COLLATE "C")
        LEFT JOIN warehouse.order_statuses s ON s.status = c.canonical_value
        OFFSET '0'
    ) AS j;
END;
COMMENT ON FUNCTION staging._read_orders(date, text, date, bigint[], bigint[]) IS 'The lines of the orders delivered for a day: parsed, and judged';
