-- The lines of the orders delivered for a day: typed, and judged. Only this file knows the names of an order's fields (an
-- item's product_id, quantity and price among them). Read it from the top: records (as raw has them), fields and parsed (its
-- fields as text: staging.order_fields), orders (codes and times looked up), lines (one per item), judged (cheap tests; what it costs), explained (what is wrong).
--
-- Cheap tests judge what has the usual shape; _order_problems the rest. What all lines of a record share is worked out once. A
-- refused line has no load_date; its attributes say what audit.bad_records is to know of it (_take_out_repeats reads them).
--
-- p_today: what most times look like, to LIKE: '2025-12-19T__:__:__Z';  p_other: those of p_other_day, UTC's other day in the shop's, if there is one
-- p_from, p_to: when the oldest day of an order begins, and when the day of the load is over: the shop's (staging.start_of_day)
-- p_load_ids: the deliveries in force;  p_own: custom fields (staging._own_fields); NULL for none, which costs nothing;  p_has_mapped: whether there are records of _map_records, too
-- The body is inlined into the query that calls it: what that query does not ask for is not computed, and both cores may work.
-- Each OFFSET '0' is a fence: what stands above it is computed once per row; the quotes make it a bigint, which lets both cores
-- work. One sign (a backslash) is looked for in a text with fewer instructions than two. Codes are looked up in one JSON object: of a day that nobody has analyzed the planner expects one row, and could join in any way.
CREATE OR REPLACE FUNCTION staging._read_orders(
    p_load_date date, p_today text, p_other_day date, p_other text, p_from timestamptz, p_to timestamptz, p_load_ids bigint[], p_own staging.fields[], p_has_mapped boolean
)
RETURNS TABLE (
    staging_orders_id bigint, load_date date, order_id text, line_number integer, user_id text, product_id text,
    quantity numeric, unit_price numeric, revenue numeric, order_ts timestamptz, status text, city text, signup_date date,
    marketing_source text, raw_orders_id bigint, attributes jsonb, discount numeric, tax numeric, shipping numeric, refunded numeric,
    currency text, revenue_in_currency numeric, source_updated_at timestamptz, emptied text[]
)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH records AS (
        SELECT o.raw_orders_id, o.load_id, o.line_number AS record_number, o.raw_json,
               -- NULL if the record cannot be read. As a function in FROM it would make a set of rows of each order: half as long again.
               CASE WHEN json_typeof(o.raw_json) = 'object'
                         AND (position('\' IN o.raw_json::text) = 0 OR o.raw_json::text NOT LIKE '%\\u%' OR staging._is_storable(o.raw_json::text))
                    THEN json_populate_record(NULL::staging.order_fields, o.raw_json) END AS fields
        FROM staging._order_records(p_load_date, p_load_ids, p_has_mapped) o OFFSET '0'
    ),
    fields AS (SELECT r.raw_orders_id, r.load_id, r.record_number, r.raw_json, r.fields IS DISTINCT FROM NULL AS is_readable, (r.fields).* FROM records r OFFSET '0'),
    parsed AS (
        SELECT f.raw_orders_id, f.load_id, f.record_number, f.raw_json, f.is_readable, f."user" AS customer, f.items,
               CASE WHEN json_typeof(f."user") <> 'object' THEN left(f."user"::text, 1000) END AS no_customer,
               staging._trimmed(f.order_id) AS order_id, staging._trimmed(f.user_id) AS said_user,
               f."timestamp" AS order_time, f.status AS source_status, f.updated_at AS update_time,
               staging._trimmed(f.product_id) AS order_product_id, f.quantity AS order_quantity, f.price AS order_price,
               -- What it says of money beyond quantity and price; most say nothing. One column: each costs something in every stage.
               CASE WHEN num_nulls(f.line_total, f.discount, f.tax, f.shipping, f.refunded, f.currency) < 6
                    THEN ROW(f.line_total, f.discount, f.tax, f.shipping, f.refunded, upper(staging._trimmed(f.currency) COLLATE "C") COLLATE "default")::staging.order_money END AS told,
               -- In the flat shape the order is its only line, and the customer's fields stand beside user.
               CASE WHEN f."user" IS NULL THEN f.city ELSE coalesce(f."user" ->> 'city', f.city) END AS said_city,
               CASE WHEN f."user" IS NULL THEN f.signup_date ELSE coalesce(f."user" ->> 'signup_date', f.signup_date) END AS signup_date,
               CASE WHEN f."user" IS NULL THEN f.marketing_source ELSE coalesce(f."user" ->> 'marketing_source', f.marketing_source) END AS said_source
        FROM fields f OFFSET '0'
    ),
    encoded AS (
        SELECT p.*, convert_to(p.order_time, 'UTF8') AS order_time_bytes, convert_to(p.update_time, 'UTF8') AS update_time_bytes, convert_to(p.signup_date, 'UTF8') AS signup_date_bytes,
               staging._trimmed(p.said_city) AS any_city, staging._trimmed(p.said_source) AS any_source, CASE WHEN p.told IS DISTINCT FROM NULL AND num_nulls((p.told).discount, (p.told).tax, (p.told).shipping, (p.told).refunded) < 4
                    THEN staging._order_amounts(p.told, p.items IS NOT NULL, (SELECT audit._text_setting('currency'))) END AS amounts,
               (SELECT jsonb_object_agg(c.source_value, s.status)
                FROM staging.codes c JOIN warehouse.order_statuses s ON s.status = c.canonical_value WHERE c.kind = 'order_status') AS statuses,
               (SELECT array_agg(f.field) FROM staging.fields f WHERE f.source = 'orders') AS known,
               (SELECT array_agg(f.field) FROM staging.fields f WHERE f.source = 'orders' AND f.on_fault = 'empty') AS can_be_empty,
               (SELECT staging._null_marks()) AS marks, (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m) AS markers
        FROM parsed p OFFSET '0'
    ),
    orders AS (
        SELECT p.*,
               staging._unless_null(p.said_user, p.marks, p.markers) AS user_id, staging._unless_null(p.any_city, p.marks, p.markers) AS city,
               staging._unless_null(p.any_source, p.marks, p.markers) AS marketing_source,
               -- Nearly all values fit as delivered. The rest are trimmed, and statuses put in lower case, before they are looked up.
               coalesce(p.statuses ->> p.source_status, p.statuses ->> (lower(staging._trimmed(p.source_status) COLLATE "C") COLLATE "default")) AS status,
               coalesce(staging._usual_time(p.order_time, p.order_time_bytes, p_load_date, p_today), staging._usual_time(p.order_time, p.order_time_bytes, p_other_day, p_other),
                        staging._said_time(p.order_time)) AS order_ts,
               CASE WHEN p.update_time IS NOT NULL THEN coalesce(staging._usual_time(p.update_time, p.update_time_bytes, p_load_date, p_today),
                                                                 staging._said_time(p.update_time)) END AS update_ts,
               coalesce(staging._usual_date(p.signup_date, p.signup_date_bytes),
                        (staging._said_time(p.signup_date) AT TIME ZONE 'UTC')::date) AS signup_day,
               CASE WHEN staging._is_braced(p.order_id) OR staging._is_braced(p.said_user) OR staging._is_braced(p.order_product_id)
                         OR staging._is_braced(p.any_city) OR staging._is_braced(p.any_source)
                    THEN staging._nested_fields(p.order_id, p.said_user, p.order_product_id, p.any_city, p.any_source, p.raw_json, p.customer) END AS nested,
               CASE WHEN (p.order_id IS NULL OR staging._is_blank(p.order_time) OR staging._is_blank(p.source_status)) AND p.is_readable
                    THEN staging._unknown_names(p.raw_json, p.known) END AS order_has,
               CASE WHEN p.amounts IS DISTINCT FROM NULL THEN staging._item_shares(p.items, p.amounts) END AS shares,
               CASE WHEN p_own IS NOT NULL AND p.is_readable THEN staging._own_values(p_own, '{order,customer}', p.raw_json, p.customer) END AS order_own
        FROM encoded p OFFSET '0'
    ),
    lines AS (
        SELECT o.*, i.item, i.item_number, coalesce(i.item_number, 1)::integer AS line_number,
               staging._trimmed(CASE WHEN i.item IS NULL THEN o.order_product_id ELSE (i.fields).product_id END) AS product_id,
               CASE WHEN i.item IS NULL THEN o.order_quantity ELSE (i.fields).quantity END AS said_quantity,
               CASE WHEN i.item IS NULL THEN o.order_price ELSE (i.fields).price END AS said_price,
               CASE WHEN o.told IS DISTINCT FROM NULL OR num_nulls((i.fields).line_total, (i.fields).discount, (i.fields).tax) < 3
                    THEN staging._line_money(o.told, i.fields, i.share, o.amounts,
                                             CASE WHEN (o.told).currency <> (SELECT audit._text_setting('currency')) AND o.order_ts >= p_from AND o.order_ts < p_to THEN staging._rate((o.told).currency, o.order_ts) END) END AS money,
               CASE WHEN p_own IS NOT NULL AND o.is_readable
                    THEN staging._own_values(p_own, '{line}', CASE WHEN i.item IS NULL THEN o.raw_json ELSE i.item END, NULL) END AS line_own
        FROM orders o
        LEFT JOIN LATERAL staging._items(o.items, o.shares) AS i ON true
        OFFSET '0'
    ),
    judged AS (
        SELECT l.*,
               coalesce(
                   l.is_readable AND l.nested IS NULL AND l.no_customer IS NULL AND l.status IS NOT NULL AND l.line_number <= 999999
                   AND octet_length(l.order_id) <= 512 AND (l.user_id IS NULL OR octet_length(l.user_id) <= 512)
                   AND l.order_ts >= p_from AND l.order_ts < p_to AND (l.item_number IS NOT NULL OR l.items IS NULL)
                   AND (l.signup_day IS NOT NULL OR staging._is_blank(l.signup_date))
                   AND octet_length(l.product_id) <= 512 AND NOT staging._is_braced(l.product_id)
                   AND staging._is_usual_amount(l.said_quantity, l.said_price, l.money)
                   AND num_nulls(staging._unless_null(l.order_id, l.marks, l.markers), staging._unless_null(l.product_id, l.marks, l.markers)) = 0, false) AS is_usual,
               CASE WHEN l.nested IS NOT NULL OR l.no_customer IS NOT NULL OR l.signup_day IS NULL AND l.signup_date IS NOT NULL
                    THEN staging._emptied_fields(l.nested, l.no_customer, l.signup_date, l.signup_day, l.can_be_empty, l.marks, l.markers) END AS emptied,
               CASE WHEN l.money IS DISTINCT FROM NULL THEN staging._priced(staging._trimmed(l.said_quantity), staging._trimmed(l.said_price), l.money) END AS priced
        FROM lines l OFFSET '0'
    ),
    explained AS (
        SELECT j.*,
               CASE WHEN j.is_usual THEN j.said_quantity::numeric END AS usual_quantity, CASE WHEN j.is_usual THEN j.said_price::numeric END AS usual_price,
               -- A rule for a column that you add is a line here: || staging._problem(…).
               nullif(array_remove(
                   CASE WHEN NOT j.is_usual OR (j.priced).is_discount_above
                        THEN staging._order_problems(
                            -- Without what its problems do not need: a large order would be copied for each of its lines.
                            ROW(CASE WHEN NOT j.is_readable THEN j.raw_json END, j.is_readable, j.nested, j.no_customer,
                                CASE WHEN j.item_number IS NULL THEN j.items END, j.item, j.item_number, j.order_has,
                                CASE WHEN (j.product_id IS NULL OR staging._is_blank(j.said_quantity) OR staging._is_blank(j.said_price)) AND j.is_readable THEN staging._unknown_names(CASE WHEN j.item IS NULL THEN j.raw_json ELSE j.item END, j.known) END,
                                j.order_id, j.user_id, j.product_id, staging._trimmed(j.said_quantity), staging._trimmed(j.said_price), staging._trimmed(j.order_time), staging._trimmed(j.source_status), j.status,
                                j.city, CASE WHEN j.signup_day IS NULL THEN staging._unless_null(staging._trimmed(j.signup_date), j.marks, j.markers) END, j.marketing_source, j.order_ts, j.signup_day,
                                j.money, (j.priced).is_discount_above, (SELECT staging.takes_negative_lines()),
                                ARRAY[CASE WHEN staging._unless_null(j.order_id, j.marks, j.markers) IS NULL THEN j.order_id END,
                                      CASE WHEN staging._unless_null(j.product_id, j.marks, j.markers) IS NULL THEN j.product_id END], j.emptied)::staging.order_line,
                            p_from, p_to) END || CASE WHEN j.update_time IS NOT NULL THEN staging._update_problems(j.update_time, j.update_ts, p_to) END
                   || CASE WHEN p_own IS NOT NULL THEN (j.order_own).problems || (j.line_own).problems END, NULL), '{}') AS problems
        FROM judged j OFFSET '0'
    )
    SELECT e.raw_orders_id * 1000000 + e.line_number, CASE WHEN e.problems IS NULL THEN p_load_date END,
           CASE WHEN e.is_usual THEN e.order_id WHEN octet_length(e.order_id) <= 512 THEN staging._unless_null(e.order_id, e.marks, e.markers) END COLLATE "C", e.line_number,
           e.user_id COLLATE "C", e.product_id COLLATE "C", CASE WHEN e.problems IS NULL THEN trim_scale(staging._amount(e.usual_quantity, e.said_quantity)) END,
           CASE WHEN e.priced IS DISTINCT FROM NULL THEN (e.priced).unit_price WHEN e.problems IS NULL THEN trim_scale(staging._amount(e.usual_price, e.said_price)) END,
           CASE WHEN e.priced IS DISTINCT FROM NULL THEN (e.priced).revenue WHEN e.problems IS NULL THEN trim_scale(staging._amount(e.usual_quantity, e.said_quantity) * staging._amount(e.usual_price, e.said_price)) END,
           e.order_ts, e.status, CASE WHEN e.nested IS NULL OR 'city' <> ALL (e.nested) THEN e.city END, e.signup_day,
           CASE WHEN e.nested IS NULL OR 'marketing_source' <> ALL (e.nested) THEN e.marketing_source END, e.raw_orders_id,
           CASE WHEN e.problems IS NOT NULL THEN staging._refused_line(e.load_id, e.record_number, e.problems, e.item, e.raw_json)
                WHEN p_own IS NULL THEN NULL
                WHEN (e.line_own).attributes IS NULL THEN (e.order_own).attributes
                ELSE coalesce((e.order_own).attributes, '{}') || (e.line_own).attributes END,
           (e.priced).discount, (e.priced).tax, (e.priced).shipping, (e.priced).refunded,
           coalesce((e.money).currency, (SELECT audit._text_setting('currency'))) COLLATE "C",
           CASE WHEN (e.money).currency IS NOT NULL THEN (e.priced).revenue_in_currency
                WHEN e.problems IS NOT NULL OR (SELECT audit._text_setting('currency')) IS NULL THEN NULL
                ELSE coalesce((e.priced).revenue, trim_scale(staging._amount(e.usual_quantity, e.said_quantity) * staging._amount(e.usual_price, e.said_price))) END,
           CASE WHEN e.update_ts <= p_to + interval '24 hours' THEN e.update_ts END, CASE WHEN p_own IS NULL THEN e.emptied ELSE e.emptied || (e.order_own).emptied || (e.line_own).emptied END
    FROM explained e;
END;
COMMENT ON FUNCTION staging._read_orders(date, text, date, text, timestamptz, timestamptz, bigint[], staging.fields[], boolean) IS 'The lines of the orders delivered for a day: typed, and judged';
