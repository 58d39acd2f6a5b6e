-- Takes persons who were erased earlier out of a delivery in another form: as raw._forget_erased, which calls it.
--
-- Writes: raw.orders_json or raw.events_csv of the delivery; audit.erased_users.delivered_again_at
CREATE OR REPLACE FUNCTION raw._forget_shaped(p_source text, p_load_id bigint, p_run_date date, p_salt bytea, p_erased bytea[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $_forget_shaped$
DECLARE
    v_users text[];
BEGIN
    PERFORM raw._map_shaped(p_source, p_load_id, p_run_date);
    v_users := ARRAY(SELECT u.word FROM (SELECT DISTINCT w.word FROM pg_temp.shaped_rows r CROSS JOIN LATERAL unnest(r.users) AS w (word) OFFSET 0) AS u
                     WHERE audit._user_digest(p_salt, u.word) = ANY (p_erased));
    IF cardinality(v_users) > 0 THEN
        p_erased := ARRAY(SELECT DISTINCT audit._user_digest(p_salt, u.word) FROM unnest(v_users) AS u (word));
        PERFORM raw._open_for_erasure(p_erased);
        UPDATE audit.erased_users e SET delivered_again_at = now() WHERE e.digest = ANY (p_erased);
        IF p_source = 'orders' THEN
            UPDATE raw.orders_json o SET raw_json = raw._shaped_without_person('orders', r.mapped, NULL)
            FROM pg_temp.shaped_rows r
            WHERE o.run_date = p_run_date AND o.load_id = p_load_id AND o.raw_orders_id = r.raw_id AND r.users && v_users;
        ELSE
            UPDATE raw.events_csv e
            SET event_id = NULL, user_id = NULL, product_id = NULL, event_type = NULL, event_ts = NULL,
                extra = raw._shaped_without_person('events', r.mapped, NULL)
            FROM pg_temp.shaped_rows r
            WHERE e.run_date = p_run_date AND e.load_id = p_load_id AND e.raw_events_id = r.raw_id AND r.users && v_users;
        END IF;
        PERFORM raw._close_for_erasure();
    END IF;
    DROP TABLE pg_temp.shaped_rows;
END
$_forget_shaped$;
COMMENT ON FUNCTION raw._forget_shaped(text, bigint, date, bytea, bytea[]) IS 'Takes persons who were erased earlier out of a delivery in another form';
