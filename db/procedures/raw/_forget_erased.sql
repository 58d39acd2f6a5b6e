-- Takes persons who were erased before out of a delivery that brings them again, in the transaction that loads it:
-- their orders and events become a guest's. What was delivered is counted as before.
--
-- Reads:  audit.erased_users
-- Writes: raw.orders_json, raw.events_csv, raw.rejected_lines of the delivery; audit.erased_users.delivered_again_at
-- Known by their user_id; in orders that cannot be read by any string of them, in rejected lines by any word. Not looked
-- for: mentions in other persons' records.
CREATE OR REPLACE FUNCTION raw._forget_erased(p_load_id bigint, p_run_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET enable_seqscan = off
AS $_forget_erased$
DECLARE
    v_salt    bytea := (SELECT e.salt FROM audit.erased_users e LIMIT 1);
    v_digests bytea[];
    v_users   text[];
BEGIN
    IF v_salt IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(u.digest), array_agg(u.word) INTO v_digests, v_users
    FROM (
        SELECT audit._user_digest(v_salt, w.word) AS digest, w.word
        FROM (
            SELECT unnest(raw._users_of_order(o.raw_json)) AS word
            FROM raw.orders_json o WHERE o.run_date = p_run_date AND o.load_id = p_load_id
            UNION
            SELECT staging._trimmed(e.user_id)
            FROM raw.events_csv e WHERE e.run_date = p_run_date AND e.load_id = p_load_id
            UNION
            SELECT unnest(raw._words(r.raw_line))
            FROM raw.rejected_lines r WHERE r.run_date = p_run_date AND r.load_id = p_load_id
        ) AS w
    ) AS u
    WHERE u.digest IN (SELECT e.digest FROM audit.erased_users e);

    IF v_users IS NOT NULL THEN
        PERFORM raw._open_for_erasure(v_digests);
        UPDATE audit.erased_users e SET delivered_again_at = now() WHERE e.digest = ANY (v_digests);
        UPDATE raw.orders_json o SET raw_json = raw._order_without_person(o.raw_json, NULL)
        WHERE o.run_date = p_run_date AND o.load_id = p_load_id AND raw._users_of_order(o.raw_json) && v_users;
        UPDATE raw.events_csv e SET user_id = NULL, extra = raw._extra_without_person(e.extra)
        WHERE e.run_date = p_run_date AND e.load_id = p_load_id AND staging._trimmed(e.user_id) = ANY (v_users);
        UPDATE raw.rejected_lines r SET raw_line = '(erased)'
        WHERE r.run_date = p_run_date AND r.load_id = p_load_id AND raw._words(r.raw_line) && v_users;
        PERFORM raw._close_for_erasure();
    END IF;
END
$_forget_erased$;
COMMENT ON FUNCTION raw._forget_erased(bigint, date) IS 'Takes persons who were erased before out of a delivery that brings them again';

-- The user_id of an order; of one that cannot be read, or whose user_id cannot, all its strings.
CREATE OR REPLACE FUNCTION raw._users_of_order(p_order json) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_users_of_order$
    SELECT CASE WHEN json_typeof(p_order) = 'object' AND staging._is_storable(p_order::text)
                THEN CASE WHEN json_typeof(p_order -> 'user_id') NOT IN ('object', 'array') THEN ARRAY[staging._trimmed(p_order ->> 'user_id')]
                          ELSE ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals((p_order -> 'user_id')::text) l) END
                ELSE ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals(p_order::text) l) END;
$_users_of_order$;
COMMENT ON FUNCTION raw._users_of_order(json) IS 'The user_id of an order; of one that cannot be read, or whose user_id cannot, all its strings';

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
