-- Takes persons who were erased before out of a delivery that brings them again, in the transaction that loads it:
-- their orders and events become a guest's. What was delivered is counted as before.
--
-- Reads:  audit.erased_users
-- Writes: raw.orders_json, raw.events_csv, raw.rejected_lines of the delivery; audit.erased_users.delivered_again_at
-- Errors: WH004 the transaction's snapshot may be older than an erasure
-- Known by their user_id, or as the user of an order without one; in orders that cannot be read by any string of them, in
-- rejected lines by any word. Not looked for: mentions in other persons' records.
-- Cost: a part of what COPY cost. Each record is parsed once; each user_id is digested once, however often it comes.
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
    IF p_source = 'orders' THEN
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
COMMENT ON FUNCTION raw._forget_erased(text, bigint, date) IS 'Takes persons who were erased before out of a delivery that brings them again';

-- Whom the orders of a delivery are of, and perhaps some more (raw._users_of_order says it exactly): the user_id; of an
-- order without one what it says of its user; of one that cannot be read, or whose user_id cannot, all its strings.
-- Its body becomes part of the query that calls it. Most orders say "user_id": "…" once, and have nothing escaped: parsing
-- is for the others.
CREATE OR REPLACE FUNCTION raw._users_of_orders(p_load_id bigint, p_run_date date) RETURNS TABLE (raw_orders_id bigint, word text)
LANGUAGE sql STABLE
AS $_users_of_orders$
    WITH orders AS MATERIALIZED (
        SELECT o.raw_orders_id,
               CASE WHEN o.is_usual THEN split_part(o.after_name, '"', 2) END AS user_id,
               CASE WHEN NOT o.is_usual THEN o.raw_json END AS raw_json
        FROM (
            SELECT o.raw_orders_id, o.raw_json, o.after_name,
                   split_part(o.after_name, '"', 1) IN (':', ': ', ' : ') AND staging._trimmed(split_part(o.after_name, '"', 2)) IS NOT NULL
                   AND position('\' IN o.raw_json::text) = 0 AND split_part(o.raw_json::text, '"user_id"', 3) = '' AS is_usual
            FROM (
                SELECT o.raw_orders_id, o.raw_json, split_part(o.raw_json::text, '"user_id"', 2) AS after_name
                FROM raw.orders_json o
                WHERE o.run_date = p_run_date AND o.load_id = p_load_id
                OFFSET 0
            ) AS o
            OFFSET 0
        ) AS o
    ),
    parsed AS MATERIALIZED (
        SELECT o.raw_orders_id, o.raw_json, o.is_readable,
               CASE WHEN o.is_readable THEN staging._trimmed(o.raw_json ->> 'user_id') END AS user_id
        FROM (
            SELECT o.raw_orders_id, o.raw_json,
                   json_typeof(o.raw_json) = 'object'
                   AND (o.raw_json::text NOT LIKE '%\\u%' OR staging._is_storable(o.raw_json::text)) AS is_readable
            FROM orders o WHERE o.raw_json IS NOT NULL
            OFFSET 0
        ) AS o
    )
    SELECT o.raw_orders_id, staging._trimmed(o.user_id) FROM orders o WHERE o.user_id IS NOT NULL
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
COMMENT ON FUNCTION raw._users_of_orders(bigint, date) IS 'Whom the orders of a delivery are of, and perhaps some more';

-- Whom an order is of.
CREATE OR REPLACE FUNCTION raw._users_of_order(p_order json) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_users_of_order$
    SELECT CASE WHEN json_typeof(p_order) <> 'object' OR NOT staging._is_storable(p_order::text)
                THEN ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals(p_order::text) l)
                WHEN json_typeof(p_order -> 'user_id') IN ('object', 'array')
                THEN ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals((p_order -> 'user_id')::text) l)
                WHEN staging._trimmed(p_order ->> 'user_id') IS NOT NULL THEN ARRAY[staging._trimmed(p_order ->> 'user_id')]
                WHEN json_typeof(p_order -> 'user') = 'object'
                THEN ARRAY(SELECT staging._trimmed(coalesce(l.value, m.value)) FROM json_each_text(p_order -> 'user') AS m (key, value)
                           LEFT JOIN LATERAL raw._literals(m.value) AS l ON ascii(m.value) IN (ascii('{'), ascii('['))) END;
$_users_of_order$;
COMMENT ON FUNCTION raw._users_of_order(json) IS 'Whom an order is of';

-- The words of a line that could not be taken, and the strings in it that can be read as JSON. Its bytes may be of any
-- encoding and its quotes may be anywhere.
CREATE OR REPLACE FUNCTION raw._words(p_line bytea) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_words$
DECLARE
    v_text  text := encode(p_line, 'escape');
    v_words text[];
BEGIN
    BEGIN
        v_text := convert_from(p_line, 'UTF8');
    EXCEPTION WHEN data_exception THEN
        NULL;  -- not UTF-8: its ASCII has to do
    END;
    v_words := regexp_split_to_array(v_text, '[][[:space:]"'',;:(){}=<>&?|]+');
    BEGIN
        RETURN v_words || ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals(v_text) l);
    EXCEPTION WHEN data_exception THEN
        RETURN v_words;
    END;
END
$_words$;
COMMENT ON FUNCTION raw._words(bytea) IS 'The words of a line that could not be taken, and the strings in it';
