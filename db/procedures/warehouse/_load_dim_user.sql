-- Worker of load_dim_user: what a day says of users, and the dimension that follows from all days.
--
-- Reads:  staging.orders_clean and events_clean of the day
-- Writes: warehouse.user_loads of the day, warehouse.dim_user, warehouse.unseen_members
-- Locks:  the dimension's publish lock (advisory) once the day's users are known, until the transaction ends
-- Safe to repeat: dim_user is the sum of user_loads, whatever the order of loading; what did not change stays.
--
-- What a load says of a user is merged in. The user's other loads are read again only if the dimension shows something that
-- this load said before and no longer says; and of these only the last ones, unless the first sighting was lost.
CREATE OR REPLACE FUNCTION warehouse._load_dim_user(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_load_dim_user$
DECLARE
    v_orders text;
    v_events text;
    v_result audit.step_result;
BEGIN
    v_orders := coalesce(warehouse._partition_of('staging.orders_clean', p_load_date), 'staging.orders_clean');
    v_events := coalesce(warehouse._partition_of('staging.events_clean', p_load_date), 'staging.events_clean');

    EXECUTE format($query$
        CREATE TEMPORARY TABLE seen_users ON COMMIT DROP AS
        WITH ordering AS (
            SELECT o.user_id, min(o.order_ts) AS first_seen_at, max(o.order_ts) AS last_seen_at,
                   max(o.order_ts) FILTER (WHERE num_nonnulls(o.city, o.signup_date, o.marketing_source) > 0) AS described_at
            FROM %1$s o WHERE o.load_date = %3$L GROUP BY o.user_id
        ),
        sightings AS (
            SELECT coalesce(o.user_id, '(guest)') AS user_id, o.first_seen_at, o.last_seen_at
            FROM ordering o
            UNION ALL
            SELECT coalesce(e.user_id, '(guest)') AS user_id, min(e.event_ts), max(e.event_ts)
            FROM %2$s e WHERE e.load_date = %3$L GROUP BY 1
        ),
        seen AS (
            SELECT s.user_id, min(s.first_seen_at) AS first_seen_at, max(s.last_seen_at) AS last_seen_at
            FROM sightings s GROUP BY s.user_id
        ),
        -- Only lines of the moment that counts are sorted: each user has few.
        described AS (
            SELECT DISTINCT ON (o.user_id) o.user_id, o.city, o.signup_date, o.marketing_source, o.order_ts, o.order_id
            FROM ordering l
            JOIN %1$s o ON o.user_id = l.user_id AND o.order_ts = l.described_at
            WHERE o.load_date = %3$L AND o.user_id <> '(guest)' AND num_nonnulls(o.city, o.signup_date, o.marketing_source) > 0
            ORDER BY o.user_id, o.order_id DESC, o.line_number
        )
        SELECT s.user_id, s.first_seen_at, s.last_seen_at, d.city, d.signup_date, d.marketing_source,
               d.order_ts AS attributes_order_ts, d.order_id AS attributes_order_id
        FROM seen s
        LEFT JOIN described d ON d.user_id = s.user_id
        $query$, v_orders, v_events, p_load_date);
    GET DIAGNOSTICS v_result.rows_in = ROW_COUNT;
    ANALYZE pg_temp.seen_users (user_id);

    PERFORM warehouse._lock_publishing('warehouse.dim_user');

    -- What this load said of a user before may be what the dimension shows: then the user's other loads decide.
    CREATE TEMPORARY TABLE changed_users ON COMMIT DROP AS
    SELECT coalesce(n.user_id, o.user_id) AS user_id, o.user_id IS NOT NULL AS was_seen, n.user_id IS NOT NULL AS is_seen,
           coalesce(o.first_seen_at = u.first_seen_at AND coalesce(n.first_seen_at > o.first_seen_at, true), false) AS lost_first,
           coalesce(o.last_seen_at = u.last_seen_at AND coalesce(n.last_seen_at < o.last_seen_at, true), false) AS lost_last,
           coalesce(u.attributes_load_date = p_load_date, false)
           AND (n.city, n.signup_date, n.marketing_source, n.attributes_order_ts, n.attributes_order_id)
               IS DISTINCT FROM (o.city, o.signup_date, o.marketing_source, o.attributes_order_ts, o.attributes_order_id) AS lost_attributes
    FROM pg_temp.seen_users n
    FULL JOIN (SELECT l.* FROM warehouse.user_loads l WHERE l.load_date = p_load_date) AS o ON o.user_id = n.user_id
    LEFT JOIN warehouse.dim_user u ON u.user_id = o.user_id
    WHERE (n.user_id, n.first_seen_at, n.last_seen_at, n.city, n.signup_date, n.marketing_source, n.attributes_order_ts, n.attributes_order_id)
          IS DISTINCT FROM
          (o.user_id, o.first_seen_at, o.last_seen_at, o.city, o.signup_date, o.marketing_source, o.attributes_order_ts, o.attributes_order_id);
    GET DIAGNOSTICS v_result.rows_out = ROW_COUNT;
    ANALYZE pg_temp.changed_users (user_id, was_seen);

    DELETE FROM warehouse.user_loads l
    USING pg_temp.changed_users c
    WHERE c.was_seen AND l.user_id = c.user_id AND l.load_date = p_load_date;

    -- In index order, so that each page of the index is looked up once.
    INSERT INTO warehouse.user_loads (user_id, load_date, first_seen_at, last_seen_at, city, signup_date, marketing_source,
                                      attributes_order_ts, attributes_order_id)
    SELECT n.user_id, p_load_date, n.first_seen_at, n.last_seen_at, n.city, n.signup_date, n.marketing_source,
           n.attributes_order_ts, n.attributes_order_id
    FROM pg_temp.seen_users n
    JOIN pg_temp.changed_users c ON c.user_id = n.user_id
    ORDER BY n.user_id;

    INSERT INTO warehouse.dim_user AS u (user_id, city, signup_date, marketing_source, first_seen_at, last_seen_at, is_inferred,
                                         attributes_order_ts, attributes_load_date, attributes_order_id)
    SELECT n.user_id, n.city, n.signup_date, n.marketing_source, n.first_seen_at, n.last_seen_at, n.attributes_order_ts IS NULL,
           n.attributes_order_ts, CASE WHEN n.attributes_order_ts IS NOT NULL THEN p_load_date END, n.attributes_order_id
    FROM pg_temp.seen_users n
    JOIN pg_temp.changed_users c ON c.user_id = n.user_id AND NOT c.was_seen
    ORDER BY n.user_id
    ON CONFLICT ON CONSTRAINT dim_user_pkey DO UPDATE
    SET city = CASE WHEN warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
            u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id) THEN excluded.city ELSE u.city END,
        signup_date = CASE WHEN warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
            u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id) THEN excluded.signup_date ELSE u.signup_date END,
        marketing_source = CASE WHEN warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
            u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id) THEN excluded.marketing_source ELSE u.marketing_source END,
        attributes_order_ts = CASE WHEN warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
            u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id) THEN excluded.attributes_order_ts ELSE u.attributes_order_ts END,
        attributes_load_date = CASE WHEN warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
            u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id) THEN excluded.attributes_load_date ELSE u.attributes_load_date END,
        attributes_order_id = CASE WHEN warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
            u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id) THEN excluded.attributes_order_id ELSE u.attributes_order_id END,
        first_seen_at = least(u.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at),
        is_inferred = u.is_inferred AND excluded.is_inferred,
        updated_at = excluded.updated_at
    WHERE excluded.first_seen_at < u.first_seen_at OR excluded.last_seen_at > u.last_seen_at OR u.first_seen_at IS NULL
       OR warehouse._is_newer(excluded.attributes_order_ts, excluded.attributes_load_date, excluded.attributes_order_id,
                              u.attributes_order_ts, u.attributes_load_date, u.attributes_order_id);

    PERFORM warehouse._refresh_users(p_load_date);

    DELETE FROM warehouse.unseen_members m
    USING pg_temp.changed_users c WHERE c.is_seen AND m.dimension = 'user' AND m.member_id = c.user_id;
    INSERT INTO warehouse.unseen_members (dimension, member_id)
    SELECT 'user', c.user_id
    FROM pg_temp.changed_users c
    WHERE NOT c.is_seen AND c.user_id <> '(guest)'
      AND NOT EXISTS (SELECT FROM warehouse.user_loads l WHERE l.user_id = c.user_id)
    ON CONFLICT ON CONSTRAINT unseen_members_pkey DO NOTHING;

    DROP TABLE pg_temp.seen_users, pg_temp.changed_users;
    RETURN v_result;
END
$_load_dim_user$;
COMMENT ON FUNCTION warehouse._load_dim_user(date) IS 'Worker of load_dim_user: what a day says of users, and the dimension that follows from all days';
