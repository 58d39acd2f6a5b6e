-- The lines of the orders delivered for a day: typed, and judged. What is of the usual shape is judged by cheap tests;
-- all else by _order_problems. Each record is parsed once, and what all its lines share is looked at once.
--
-- p_today:    how most times begin: '2025-12-19T'
-- p_oldest:   the earliest day of an order
-- p_load_ids: the deliveries in force
-- p_records:  raw_orders_id of the records that are looked at; NULL for all
-- Its body becomes part of the query that calls it: what that does not ask for is not computed, and both cores may work.
-- Codes are looked up in an object made of them, once: of a day that nobody has analyzed yet the planner expects a single
-- row, and what it would join that to, and how, is anybody's guess.
CREATE OR REPLACE FUNCTION staging._read_orders(
    p_load_date date, p_today text, p_oldest date, p_load_ids bigint[], p_records bigint[]
)
RETURNS TABLE (
    raw_orders_id bigint, load_id bigint, record_number integer, line_number integer, order_id text, user_id text,
    product_id text, quantity integer, unit_price numeric, order_ts timestamptz, status text, city text, signup_date date,
    marketing_source text, problems staging.problem[], raw_data text
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT j.raw_orders_id, j.load_id, j.record_number, j.line_number,
           CASE WHEN octet_length(j.order_id) <= 512 THEN j.order_id END COLLATE "C", j.user_id COLLATE "C",
           j.product_id COLLATE "C",
           CASE WHEN j.is_usual THEN j.quantity::integer
                WHEN j.problems IS NULL THEN trim_scale(j.quantity::numeric)::integer END,
           CASE WHEN j.problems IS NULL THEN trim_scale(j.price::numeric) END,
           j.order_ts, j.status, j.city, (j.signup_ts AT TIME ZONE 'UTC')::date, j.marketing_source, j.problems,
           -- An item is told by itself: the lines of an order together are no larger than it is.
           left(coalesce(j.item, j.raw_json)::text, 65536)
    FROM (
        SELECT l.*,
               CASE WHEN l.is_usual THEN NULL
                    ELSE staging._order_problems(
                             l.raw_json, l.is_readable, l.nested, l.item, l.no_customer, l.items, l.item_number, l.order_id, l.user_id, l.product_id,
                             l.quantity, l.price, l.order_time, l.source_status, l.status, l.city, l.signup_date,
                             l.marketing_source, p_oldest, p_load_date, l.order_ts, l.signup_ts)
               END AS problems
        FROM (
            SELECT v.*,
                   coalesce(
                       v.is_usual_order
                       AND octet_length(v.product_id) <= 512 AND ascii(v.product_id) NOT IN (ascii('{'), ascii('['))
                       AND v.quantity ~ '^[1-9][0-9]{0,8}$'
                       AND v.price ~ '^[0-9]{1,9}([.][0-9]{1,9})?$'
                       AND v.line_number <= 999999
                       AND (v.item_number IS NOT NULL OR v.items IS NULL), false) AS is_usual
            FROM (
                SELECT o.*, i.item, i.item_number, coalesce(i.item_number, 1)::integer AS line_number,
                       CASE WHEN i.item IS NULL THEN o.order_product_id ELSE staging._trimmed(i.item ->> 'product_id') END AS product_id,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN o.order_quantity ELSE i.item ->> 'quantity' END) AS quantity,
                       staging._trimmed(CASE WHEN i.item IS NULL THEN o.order_price ELSE i.item ->> 'price' END) AS price
                FROM (
                    SELECT r.*,
                           r.is_readable AND r.nested IS NULL
                           AND octet_length(r.order_id) <= 512 AND (r.user_id IS NULL OR octet_length(r.user_id) <= 512)
                           AND r.order_ts >= p_oldest::timestamp AT TIME ZONE 'UTC'
                           AND r.order_ts < (p_load_date + 1)::timestamp AT TIME ZONE 'UTC'
                           AND r.status IS NOT NULL
                           AND r.no_customer IS NULL
                           AND (r.signup_date IS NULL OR r.signup_ts IS NOT NULL) AS is_usual_order
                    FROM (
                        SELECT t.*,
                               (SELECT jsonb_object_agg(c.source_value, s.status)
                                FROM staging.codes c JOIN warehouse.order_statuses s ON s.status = c.canonical_value
                                WHERE c.kind = 'order_status') ->> (lower(t.source_status COLLATE "C") COLLATE "default") AS status,
                               staging._to_timestamptz(t.order_time, p_today) AS order_ts,
                               staging._to_timestamptz(t.signup_date) AS signup_ts,
                               -- Which fields hold an object or array where a plain value belongs: looked for where one begins
                               -- like one, and once per order, whose items may be many.
                               CASE WHEN ascii(t.order_id) IN (ascii('{'), ascii('[')) OR ascii(t.user_id) IN (ascii('{'), ascii('['))
                                         OR ascii(t.order_product_id) IN (ascii('{'), ascii('[')) OR ascii(t.city) IN (ascii('{'), ascii('['))
                                         OR ascii(t.marketing_source) IN (ascii('{'), ascii('['))
                                    THEN array_remove(ARRAY[
                                        CASE WHEN staging._is_nested(t.order_id, t.raw_json -> 'order_id') THEN 'order_id' END,
                                        CASE WHEN staging._is_nested(t.user_id, t.raw_json -> 'user_id') THEN 'user_id' END,
                                        CASE WHEN staging._is_nested(t.order_product_id, t.raw_json -> 'product_id') THEN 'product_id' END,
                                        CASE WHEN staging._is_nested(t.city, CASE WHEN t.customer ->> 'city' IS NULL THEN t.raw_json
                                                                                  ELSE t.customer END -> 'city') THEN 'city' END,
                                        CASE WHEN staging._is_nested(t.marketing_source, CASE WHEN t.customer ->> 'marketing_source' IS NULL THEN t.raw_json
                                                                                              ELSE t.customer END -> 'marketing_source')
                                             THEN 'marketing_source' END], NULL)
                               END AS nested
                        FROM (
                            SELECT o.raw_orders_id, o.load_id, o.line_number AS record_number, o.raw_json, o.is_readable,
                                   f."user" AS customer, f.items,
                                   CASE WHEN json_typeof(f."user") <> 'object' THEN left(f."user"::text, 1000) END AS no_customer,
                                   staging._trimmed(f.order_id) AS order_id, staging._trimmed(f.user_id) AS user_id,
                                   staging._trimmed(f.product_id) AS order_product_id, f.quantity AS order_quantity, f.price AS order_price,
                                   staging._trimmed(f."timestamp") AS order_time, staging._trimmed(f.status) AS source_status,
                                   staging._trimmed(CASE WHEN f."user" IS NULL THEN f.city ELSE coalesce(f."user" ->> 'city', f.city) END) AS city,
                                   staging._trimmed(CASE WHEN f."user" IS NULL THEN f.signup_date
                                                         ELSE coalesce(f."user" ->> 'signup_date', f.signup_date) END) AS signup_date,
                                   staging._trimmed(CASE WHEN f."user" IS NULL THEN f.marketing_source
                                                         ELSE coalesce(f."user" ->> 'marketing_source', f.marketing_source) END) AS marketing_source
                            FROM (
                                SELECT o.raw_orders_id, o.load_id, o.line_number, o.raw_json,
                                       json_typeof(o.raw_json) = 'object'
                                       AND (o.raw_json::text NOT LIKE '%\\u%' OR staging._is_storable(o.raw_json::text)) AS is_readable
                                FROM raw.orders_json o
                                WHERE o.run_date = p_load_date AND o.load_id = ANY (p_load_ids)
                                  -- No condition for an index: BRIN would compare each range of pages with each of the records.
                                  AND (p_records IS NULL OR o.raw_orders_id + 0 = ANY (p_records))
                                -- A fence: what stands above is computed once per row, not once per use. As a bigint it lets both cores work.
                                OFFSET '0'
                            ) AS o
                            CROSS JOIN LATERAL json_to_record(CASE WHEN o.is_readable THEN o.raw_json ELSE '{}' END)
                                AS f (order_id text, user_id text, product_id text, quantity text, price text, "timestamp" text,
                                      status text, city text, signup_date text, marketing_source text, "user" json, items json)
                            OFFSET '0'
                        ) AS t
                        OFFSET '0'
                    ) AS r
                    OFFSET '0'
                ) AS o
                LEFT JOIN LATERAL json_array_elements(CASE WHEN json_typeof(o.items) = 'array' THEN o.items END)
                    WITH ORDINALITY AS i (item, item_number) ON true
                OFFSET '0'
            ) AS v
            OFFSET '0'
        ) AS l
        OFFSET '0'
    ) AS j;
END;
COMMENT ON FUNCTION staging._read_orders(date, text, date, bigint[], bigint[]) IS 'The lines of the orders delivered for a day: typed, and judged';
