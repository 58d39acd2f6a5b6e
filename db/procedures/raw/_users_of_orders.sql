-- The users that the orders of a delivery belong to, and perhaps some more (raw._users_of_order is exact): the user_id; for
-- an order without one, the strings in its user; for one that cannot be read, or whose user_id cannot, all its strings.
-- The body is inlined into the query that calls it. Most orders have "user_id": "…" once, and nothing escaped: only the others
-- are parsed. Each OFFSET 0 is a fence: what stands above it is worked out once per order.
CREATE OR REPLACE FUNCTION raw._users_of_orders(p_load_id bigint, p_run_date date) RETURNS TABLE (raw_orders_id bigint, word text)
LANGUAGE sql STABLE
AS $_users_of_orders$
    WITH orders AS MATERIALIZED (
        SELECT o.raw_orders_id,
               CASE WHEN o.is_usual THEN o.user_id END AS user_id,
               CASE WHEN NOT o.is_usual THEN o.raw_json END AS raw_json
        FROM (
            SELECT o.raw_orders_id, o.raw_json, o.user_id,
                   split_part(o.after_name, '"', 1) IN (':', ': ', ' : ')
                   AND staging._unless_null(o.user_id, o.marks, (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m)) IS NOT NULL
                   AND position('\' IN o.raw_json::text) = 0 AND split_part(o.raw_json::text, '"user_id"', 3) = '' AS is_usual
            FROM (
                SELECT o.raw_orders_id, o.raw_json, o.after_name, staging._trimmed(o.said) AS user_id, (SELECT staging._null_marks()) AS marks
                FROM (
                    SELECT o.raw_orders_id, o.raw_json, o.after_name, split_part(o.after_name, '"', 2) AS said
                    FROM (
                        SELECT o.raw_orders_id, o.raw_json, split_part(o.raw_json::text, '"user_id"', 2) AS after_name
                        FROM raw.orders_json o
                        WHERE o.run_date = p_run_date AND o.load_id = p_load_id
                        OFFSET 0
                    ) AS o
                    OFFSET 0
                ) AS o
                OFFSET 0
            ) AS o
            OFFSET 0
        ) AS o
    ),
    parsed AS MATERIALIZED (
        SELECT o.raw_orders_id, o.raw_json, o.is_readable,
               staging._unless_null(o.user_id, o.marks, (SELECT jsonb_object_agg(m.marker, true) FROM staging.null_markers m)) AS user_id
        FROM (
            SELECT o.raw_orders_id, o.raw_json, o.is_readable, staging._trimmed(o.said) AS user_id, (SELECT staging._null_marks()) AS marks
            FROM (
                SELECT o.raw_orders_id, o.raw_json, o.is_readable, CASE WHEN o.is_readable THEN o.raw_json ->> 'user_id' END AS said
                FROM (
                    SELECT o.raw_orders_id, o.raw_json,
                           json_typeof(o.raw_json) = 'object'
                           AND (o.raw_json::text NOT LIKE '%\\u%' OR staging._is_storable(o.raw_json::text)) AS is_readable
                    FROM orders o WHERE o.raw_json IS NOT NULL
                    OFFSET 0
                ) AS o
                OFFSET 0
            ) AS o
            OFFSET 0
        ) AS o
    )
    SELECT o.raw_orders_id, o.user_id FROM orders o WHERE o.user_id IS NOT NULL
    UNION ALL
    SELECT p.raw_orders_id, p.user_id FROM parsed p WHERE p.user_id IS NOT NULL
    UNION ALL
    SELECT p.raw_orders_id, staging._trimmed(m.value)
    FROM parsed p
    CROSS JOIN LATERAL json_each_text(CASE WHEN json_typeof(p.raw_json -> 'user') = 'object' THEN p.raw_json -> 'user' END) AS m (key, value)
    WHERE p.is_readable AND p.user_id IS NULL
    UNION ALL
    SELECT p.raw_orders_id, staging._trimmed(l.value)
    FROM parsed p
    CROSS JOIN LATERAL json_each_text(CASE WHEN json_typeof(p.raw_json -> 'user') = 'object' THEN p.raw_json -> 'user' END) AS m (key, value)
    CROSS JOIN LATERAL raw._literals(m.value) AS l
    WHERE p.is_readable AND p.user_id IS NULL AND ascii(m.value) IN (ascii('{'), ascii('['))
    UNION ALL
    SELECT p.raw_orders_id, staging._trimmed(l.value)
    FROM parsed p
    CROSS JOIN LATERAL raw._literals(CASE WHEN p.is_readable THEN p.raw_json -> 'user_id' ELSE p.raw_json END::text) AS l
    WHERE NOT p.is_readable OR ascii(p.user_id) IN (ascii('{'), ascii('['));
$_users_of_orders$;
COMMENT ON FUNCTION raw._users_of_orders(bigint, date) IS 'The users that the orders of a delivery belong to, and perhaps some more';
