-- Takes persons who were erased earlier out of a delivery that brings them back, in the transaction that loads it:
-- their orders and events become a guest's. The counts of what was delivered stay the same.
--
-- Reads:  audit.erased_users
-- Writes: raw.orders_json, raw.events_csv, raw.rejected_lines of the delivery; audit.erased_users.delivered_again_at
-- Errors: WH004 the transaction's snapshot may be older than an erasure
-- They are recognized by their user_id, or as the user of an order without one; in orders that cannot be read by any string,
-- in rejected lines by any word. Mentions in other persons' records are not looked for.
-- Cost: a fraction of what COPY costs. Each record is parsed once; each user_id is digested once, however often it comes.
CREATE OR REPLACE FUNCTION raw._forget_erased(p_source text, p_load_id bigint, p_run_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET enable_seqscan = off SET jit = off
AS $_forget_erased$
DECLARE
    v_salt    bytea;
    v_erased  bytea[];
    v_users   text[];
    v_lines   text[];
    v_orders  bigint[];
BEGIN
    PERFORM raw._need_read_committed();
    SELECT (array_agg(e.salt))[1], array_agg(e.digest) INTO v_salt, v_erased FROM audit.erased_users e;
    IF v_salt IS NULL THEN
        RETURN;
    END IF;
    IF raw._routine_of_load(p_load_id) IS NOT NULL AND p_source IN ('orders', 'events') THEN
        PERFORM raw._forget_shaped(p_source, p_load_id, p_run_date, v_salt, v_erased);
    ELSIF p_source = 'orders' THEN
        v_users := ARRAY(SELECT u.word FROM (SELECT DISTINCT r.word FROM raw._users_of_orders(p_load_id, p_run_date) r OFFSET 0) AS u
                         WHERE audit._user_digest(v_salt, u.word) = ANY (v_erased));
    ELSIF p_source = 'events' THEN
        v_users := ARRAY(SELECT u.word
                         FROM (SELECT DISTINCT staging._trimmed(e.user_id) AS word
                               FROM raw.events_csv e WHERE e.run_date = p_run_date AND e.load_id = p_load_id OFFSET 0) AS u
                         WHERE audit._user_digest(v_salt, u.word) = ANY (v_erased));
    END IF;
    v_lines := ARRAY(SELECT u.word
                     FROM (SELECT DISTINCT w.word
                           FROM raw.rejected_lines r CROSS JOIN LATERAL unnest(raw._words(r.raw_line)) AS w (word)
                           WHERE r.run_date = p_run_date AND r.load_id = p_load_id OFFSET 0) AS u
                     WHERE audit._user_digest(v_salt, u.word) = ANY (v_erased));

    IF p_source = 'orders' AND cardinality(v_users) > 0 THEN
        v_orders := ARRAY(SELECT r.raw_orders_id FROM raw._users_of_orders(p_load_id, p_run_date) r WHERE r.word = ANY (v_users));
        v_users := ARRAY(SELECT DISTINCT w.word
                         FROM raw.orders_json o CROSS JOIN LATERAL unnest(raw._users_of_order(o.raw_json)) AS w (word)
                         WHERE o.run_date = p_run_date AND o.load_id = p_load_id AND o.raw_orders_id + 0 = ANY (v_orders) AND w.word = ANY (v_users));
    END IF;

    IF cardinality(v_users) > 0 OR cardinality(v_lines) > 0 THEN
        v_erased := ARRAY(SELECT DISTINCT audit._user_digest(v_salt, u.word) FROM unnest(v_users || v_lines) AS u (word));
        PERFORM raw._open_for_erasure(v_erased);
        UPDATE audit.erased_users e SET delivered_again_at = now() WHERE e.digest = ANY (v_erased);
        IF p_source = 'orders' THEN
            UPDATE raw.orders_json o SET raw_json = raw._order_without_person(o.raw_json, NULL)
            WHERE o.run_date = p_run_date AND o.load_id = p_load_id AND o.raw_orders_id + 0 = ANY (v_orders)
              AND raw._users_of_order(o.raw_json) && v_users;
        ELSIF p_source = 'events' THEN
            UPDATE raw.events_csv e SET user_id = NULL, extra = raw._extra_without_person(e.extra)
            WHERE e.run_date = p_run_date AND e.load_id = p_load_id AND staging._trimmed(e.user_id) = ANY (v_users);
        END IF;
        UPDATE raw.rejected_lines r SET raw_line = '(erased)'
        WHERE r.run_date = p_run_date AND r.load_id = p_load_id AND raw._words(r.raw_line) && v_lines;
        PERFORM raw._close_for_erasure();
    END IF;
END
$_forget_erased$;
COMMENT ON FUNCTION raw._forget_erased(text, bigint, date) IS 'Takes persons who were erased earlier out of a delivery that brings them back';
