-- Recomputes the users about whom this load said something else before: pg_temp.changed_users, seen_users.
--
-- Nothing in a load is dated after its day, in whatever zone of time that was: no zone is a day ahead of UTC. So only loads that are no older than what a user's newest load says can say something
-- later: the last sighting and the last attributes are found without reading the user's whole history.
CREATE OR REPLACE FUNCTION warehouse._refresh_users(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $_refresh_users$
BEGIN
    INSERT INTO warehouse.dim_user (user_id, first_seen_at, last_seen_at, city, signup_date, marketing_source, is_inferred,
                                    attributes_order_ts, attributes_load_date, attributes_order_id)
    SELECT d.user_id, sighted.first_at, sighted.last_at, described.city, described.signup_date, described.marketing_source,
           described.order_ts IS NULL, described.order_ts, described.load_date, described.order_id
    FROM pg_temp.changed_users c
    JOIN warehouse.dim_user d ON d.user_id = c.user_id
    LEFT JOIN pg_temp.seen_users n ON n.user_id = c.user_id
    LEFT JOIN LATERAL (
        SELECT min(l.first_seen_at) AS at FROM warehouse.user_loads l WHERE c.lost_first AND l.user_id = c.user_id
    ) AS first_seen ON true
    LEFT JOIN LATERAL (
        SELECT max(l.last_seen_at) AS at FROM warehouse.user_loads l
        WHERE c.lost_last AND l.user_id = c.user_id
          AND l.load_date >= (SELECT (k.last_seen_at AT TIME ZONE 'UTC')::date - 1 FROM warehouse.user_loads k
                              WHERE k.user_id = c.user_id ORDER BY k.load_date DESC LIMIT 1)
    ) AS last_seen ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.lost_first THEN first_seen.at ELSE least(d.first_seen_at, n.first_seen_at) END AS first_at,
               CASE WHEN c.lost_last THEN last_seen.at ELSE greatest(d.last_seen_at, n.last_seen_at) END AS last_at
    ) AS sighted
    LEFT JOIN LATERAL (
        SELECT s.city, s.signup_date, s.marketing_source, s.order_ts, s.load_date, s.order_id
        FROM (
            SELECT d.city, d.signup_date, d.marketing_source, d.attributes_order_ts AS order_ts,
                   d.attributes_load_date AS load_date, d.attributes_order_id AS order_id
            WHERE NOT c.lost_attributes
            UNION ALL
            SELECT n.city, n.signup_date, n.marketing_source, n.attributes_order_ts, p_load_date, n.attributes_order_id
            WHERE NOT c.lost_attributes
            UNION ALL
            SELECT l.city, l.signup_date, l.marketing_source, l.attributes_order_ts, l.load_date, l.attributes_order_id
            FROM warehouse.user_loads l
            WHERE c.lost_attributes AND l.user_id = c.user_id
              AND l.load_date >= (SELECT (k.attributes_order_ts AT TIME ZONE 'UTC')::date - 1 FROM warehouse.user_loads k
                                  WHERE k.user_id = c.user_id AND k.attributes_order_ts IS NOT NULL
                                  ORDER BY k.load_date DESC LIMIT 1)
        ) AS s
        WHERE s.order_ts IS NOT NULL
        ORDER BY s.order_ts DESC, s.load_date DESC, s.order_id COLLATE "C" DESC
        LIMIT 1
    ) AS described ON true
    WHERE c.was_seen
      AND (d.first_seen_at, d.last_seen_at, d.city, d.signup_date, d.marketing_source, d.attributes_order_ts,
           d.attributes_load_date, d.attributes_order_id)
          IS DISTINCT FROM
          (sighted.first_at, sighted.last_at, described.city, described.signup_date, described.marketing_source, described.order_ts,
           described.load_date, described.order_id)
    ON CONFLICT ON CONSTRAINT dim_user_pkey DO UPDATE
    SET first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at, city = excluded.city,
        signup_date = excluded.signup_date, marketing_source = excluded.marketing_source, is_inferred = excluded.is_inferred,
        attributes_order_ts = excluded.attributes_order_ts, attributes_load_date = excluded.attributes_load_date,
        attributes_order_id = excluded.attributes_order_id, updated_at = excluded.updated_at;
END
$_refresh_users$;
COMMENT ON FUNCTION warehouse._refresh_users(date) IS 'Recomputes the users about whom a load said something else before';
