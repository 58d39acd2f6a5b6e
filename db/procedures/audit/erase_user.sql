-- Takes a person out of the warehouse: raw, staging, dimension, facts and audit. For the owner only.
--
-- Every row stays and every count and sum with it; what was the person's goes by a pseudonym that is made for this and
-- does not follow from the user_id, and everything that only described the person goes. Raw carries the pseudonym, so a
-- rerun changes nothing. A later delivery of the user_id becomes a guest's (raw._forget_erased): it is kept as a digest.
--
-- Writes: every table that may name a user; audit.erasures and audit.erased_users
-- Locks:  the warehouse (advisory), alone: waits until the steps, loads and compactions that run have ended, and those
--         that come wait for it. At most five minutes, or the session's lock_timeout
-- Errors: WH004 no user_id or reason, or a reason that names the user; WH006 the warehouse stayed in use;
--         WH013 nothing here is of that user
-- Safe to repeat: yes; the second time there is nothing left to do.
-- Bytes: what was there before is gone for every query, and from the files with VACUUM; from backups when they are.
CREATE OR REPLACE PROCEDURE audit.erase_user(user_id text, reason text)
LANGUAGE plpgsql
AS $erase_user$
BEGIN
    PERFORM audit._erase_user(user_id, reason);
END
$erase_user$;
COMMENT ON PROCEDURE audit.erase_user(text, text) IS 'Takes a person out of raw, staging, warehouse and audit; numbers stay';

-- What erase_user does, all or nothing.
CREATE OR REPLACE FUNCTION audit._erase_user(p_user_id text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
AS $_erase_user$
DECLARE
    v_user_id      text := staging._trimmed(p_user_id);
    v_reason       text := staging._trimmed(p_reason);
    v_pseudonym    text := 'erased-' || gen_random_uuid();
    v_lock_timeout text := current_setting('lock_timeout');
    v_salt         bytea;
    v_digest       bytea;
    v_is_known     boolean;
    v_copies       text;
    v_raw          bigint;
    v_staging      bigint;
    v_warehouse    bigint;
    v_audit        bigint;
BEGIN
    IF num_nulls(v_user_id, v_reason) > 0 OR octet_length(v_user_id) > 512 OR v_user_id = '(guest)'
       OR v_reason ~ audit._word_pattern(v_user_id) OR current_setting('transaction_isolation') <> 'read committed'
    THEN
        RAISE EXCEPTION 'erasing a user needs a user_id of at most 512 bytes and a reason that does not name it, in a transaction that is READ COMMITTED'
            USING ERRCODE = 'WH004', HINT = 'CALL audit.erase_user(''U-1'', ''request of 2025-12-19, ticket 4711'');';
    END IF;
    IF v_lock_timeout = '0' THEN
        PERFORM set_config('lock_timeout', '5min', true);
    END IF;
    PERFORM warehouse._take_warehouse();

    v_salt := coalesce((SELECT e.salt FROM audit.erased_users e LIMIT 1),
                       uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    v_digest := audit._user_digest(v_salt, v_user_id);
    v_is_known := EXISTS (SELECT FROM audit.erased_users e WHERE e.digest = v_digest);
    INSERT INTO audit.erased_users (digest, salt) VALUES (v_digest, v_salt) ON CONFLICT ON CONSTRAINT erased_users_pkey DO NOTHING;

    CREATE TEMPORARY TABLE rewritten_rows (source_table text, run_date date, load_id bigint, raw_id bigint, line_number integer) ON COMMIT DROP;
    CREATE TEMPORARY TABLE rewritten_tables ON COMMIT DROP AS
    SELECT t.name FROM unnest(ARRAY['warehouse.dim_user', 'warehouse.user_loads', 'audit.bad_records', 'audit.dq_results',
                                    'audit.pipeline_steps', 'audit.pipeline_runs', 'raw.file_loads']::regclass[]) AS t (name);
    DELETE FROM audit.step_inputs;  -- what was made from them is made anew
    PERFORM raw._open_for_erasure(ARRAY[v_digest]);
    v_raw := audit._erase_from_raw(v_user_id, v_pseudonym);
    PERFORM raw._close_for_erasure();
    v_audit := audit._erase_from_audit(v_user_id, v_pseudonym);
    v_staging := audit._erase_from_days(
        v_user_id, v_pseudonym, ARRAY['staging.orders_clean', 'staging.events_clean']::regclass[]);
    v_warehouse := audit._erase_from_warehouse(v_user_id, v_pseudonym);
    PERFORM audit._forget_statistics(v_user_id);
    DROP TABLE pg_temp.rewritten_rows, pg_temp.rewritten_tables;

    IF v_raw + v_staging + v_warehouse + v_audit = 0 THEN
        IF NOT v_is_known THEN
            RAISE EXCEPTION 'nothing in the warehouse is of that user' USING ERRCODE = 'WH013',
                DETAIL = 'No order or event in raw, staging or facts has this user_id. Nothing was changed.',
                HINT = 'Is it spelled as the source spells it? SELECT user_id FROM warehouse.dim_user WHERE user_id ILIKE ''%…%'';';
        END IF;
        RAISE NOTICE 'that user was erased already, and nothing has come since';
    ELSE
        INSERT INTO audit.erasures (erased_by, reason, raw_rows, staging_rows, warehouse_rows, audit_rows)
        VALUES (session_user, v_reason, v_raw, v_staging, v_warehouse, v_audit);
        RAISE NOTICE 'erased: % rows of raw, % of staging, % of the warehouse, % of audit rewritten. Now VACUUM; older backups and the files of the landing zone still have the person',
            v_raw, v_staging, v_warehouse, v_audit;
    END IF;
    SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.relname) INTO v_copies
    FROM pg_class c WHERE c.relnamespace = 'marts'::regnamespace AND c.relkind IN ('m', 'r', 'p');
    IF v_copies IS NOT NULL THEN
        RAISE NOTICE 'marts holds copies that people made, refresh or mend them: %', v_copies;
    END IF;
    PERFORM set_config('lock_timeout', v_lock_timeout, true);
END
$_erase_user$;
COMMENT ON FUNCTION audit._erase_user(text, text) IS 'What erase_user does, all or nothing';

-- Rewrites what raw has of a user; pg_temp.rewritten_rows says which rows. Returns how many.
CREATE OR REPLACE FUNCTION audit._erase_from_raw(p_user_id text, p_pseudonym text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_erase_from_raw$
DECLARE
    -- Bytes of any encoding as text, in the same way as the lines that are searched.
    v_pattern text := audit._word_pattern(encode(convert_to(p_user_id, 'UTF8'), 'escape'));
    v_rows    bigint;
    v_files   bigint;
BEGIN
    -- The cheap test comes first: what has neither the user_id nor an escaped character does not mention it.
    WITH rewritten AS (
        UPDATE raw.orders_json o SET raw_json = raw._order_without_user(o.raw_json, p_user_id, p_pseudonym)
        WHERE CASE WHEN position(p_user_id IN o.raw_json::text) > 0 OR position('\' IN o.raw_json::text) > 0
                   THEN raw._order_without_user(o.raw_json, p_user_id, p_pseudonym) IS NOT NULL END
        RETURNING o.run_date, o.raw_orders_id
    )
    INSERT INTO pg_temp.rewritten_rows (source_table, run_date, raw_id) SELECT 'raw.orders_json', r.* FROM rewritten r;

    WITH rewritten AS (
        UPDATE raw.products_json p SET raw_json = raw._without_mention(p.raw_json::text, p_user_id, p_pseudonym)::json
        WHERE CASE WHEN position(p_user_id IN p.raw_json::text) > 0 OR position('\' IN p.raw_json::text) > 0
                   THEN raw._without_mention(p.raw_json::text, p_user_id, p_pseudonym) <> p.raw_json::text END
        RETURNING p.run_date, p.raw_products_id
    )
    INSERT INTO pg_temp.rewritten_rows (source_table, run_date, raw_id) SELECT 'raw.products_json', r.* FROM rewritten r;

    WITH rewritten AS (
        UPDATE raw.events_csv e
        SET user_id = CASE WHEN staging._trimmed(e.user_id) = p_user_id THEN p_pseudonym ELSE e.user_id END,
            extra = CASE WHEN staging._trimmed(e.user_id) = p_user_id THEN raw._extra_without_person(e.extra)
                         ELSE raw._without_mention(e.extra::text, p_user_id, p_pseudonym)::json END
        WHERE staging._trimmed(e.user_id) = p_user_id
           OR CASE WHEN position(p_user_id IN e.extra::text) > 0 OR position('\' IN e.extra::text) > 0
                   THEN raw._without_mention(e.extra::text, p_user_id, p_pseudonym) <> e.extra::text END
        RETURNING e.run_date, e.raw_events_id
    )
    INSERT INTO pg_temp.rewritten_rows (source_table, run_date, raw_id) SELECT 'raw.events_csv', r.* FROM rewritten r;

    -- What could not be taken cannot be read either: of a record that has the user_id as a word nothing is kept.
    WITH rewritten AS (
        UPDATE raw.rejected_lines r
        SET raw_line = CASE WHEN encode(r.raw_line, 'escape') ~ v_pattern OR p_user_id = ANY (raw._words(r.raw_line)) THEN '(erased)' ELSE r.raw_line END,
            reason = audit._without_word(r.reason, p_user_id, p_pseudonym)
        WHERE encode(r.raw_line, 'escape') ~ v_pattern OR p_user_id = ANY (raw._words(r.raw_line))
           OR r.reason <> audit._without_word(r.reason, p_user_id, p_pseudonym)
        RETURNING r.run_date, r.load_id, r.line_number
    )
    INSERT INTO pg_temp.rewritten_rows (source_table, run_date, load_id, line_number)
    SELECT 'raw.rejected_lines', r.* FROM rewritten r;
    SELECT count(*) INTO v_rows FROM pg_temp.rewritten_rows;
    INSERT INTO pg_temp.rewritten_tables (name)
    SELECT 'raw.rejected_lines'::regclass FROM pg_temp.rewritten_rows r WHERE r.source_table = 'raw.rejected_lines'
    UNION
    SELECT warehouse._partition_of('raw.rejected_lines', r.run_date) FROM pg_temp.rewritten_rows r WHERE r.source_table = 'raw.rejected_lines';

    UPDATE raw.file_loads l SET refused_reason = audit._without_word(l.refused_reason, p_user_id, p_pseudonym)
    WHERE l.refused_reason <> audit._without_word(l.refused_reason, p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_files = ROW_COUNT;
    RETURN v_rows + v_files;
END
$_erase_from_raw$;
COMMENT ON FUNCTION audit._erase_from_raw(text, text) IS 'Rewrites what raw has of a user';

-- Rewrites what audit has of a user: rejected rows without their text (raw has what is left of it), and messages.
CREATE OR REPLACE FUNCTION audit._erase_from_audit(p_user_id text, p_pseudonym text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_erase_from_audit$
DECLARE
    v_rows bigint;
    v_sum  bigint;
BEGIN
    UPDATE audit.bad_records b
    SET raw_data = NULL, failed_value = NULL,
        failure_reason = CASE WHEN b.raw_id IS NULL THEN audit._without_word(b.failure_reason, p_user_id, p_pseudonym) ELSE b.failure_reason END
    WHERE (b.source_table, b.raw_id) IN (SELECT r.source_table, r.raw_id FROM pg_temp.rewritten_rows r)
       OR (b.raw_id IS NULL AND (b.load_id, b.line_number) IN (SELECT r.load_id, r.line_number FROM pg_temp.rewritten_rows r))
       OR (b.raw_id IS NULL AND b.failure_reason <> audit._without_word(b.failure_reason, p_user_id, p_pseudonym))
       -- Of rows that retention dropped from raw only this is left.
       OR (b.load_id <= (SELECT max(m.last_load_id) FROM raw.dropped_months m WHERE m.run_month = date_trunc('month', b.run_date::timestamp)::date)
           AND (concat_ws(' ', b.failed_value, b.raw_data) ~ audit._word_pattern(p_user_id)
                OR position('\' IN b.raw_data) > 0 AND audit._is_mentioned(p_user_id, b.raw_data, b.raw_id IS NULL)));
    GET DIAGNOSTICS v_sum = ROW_COUNT;

    UPDATE audit.pipeline_steps s
    SET error_message = audit._without_word(s.error_message, p_user_id, p_pseudonym),
        error_context = audit._without_word(s.error_context, p_user_id, p_pseudonym)
    WHERE concat_ws(' ', s.error_message, s.error_context)
          <> audit._without_word(concat_ws(' ', s.error_message, s.error_context), p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;

    UPDATE audit.pipeline_runs r SET error = audit._without_word(r.error, p_user_id, p_pseudonym)
    WHERE r.error <> audit._without_word(r.error, p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;

    UPDATE audit.dq_results d
    SET sample = (SELECT array_agg(CASE k.key WHEN p_user_id THEN p_pseudonym ELSE audit._without_word(k.key, p_user_id, p_pseudonym) END
                                   ORDER BY k.place)
                  FROM unnest(d.sample) WITH ORDINALITY AS k (key, place)),
        -- What we count is not the user's, whatever the user_id looks like.
        message = CASE WHEN d.message LIKE 'the rule cannot be evaluated:%' THEN audit._without_word(d.message, p_user_id, p_pseudonym) ELSE d.message END
    WHERE p_user_id = ANY (d.sample)
       OR audit._without_word(array_to_string(d.sample, ' '), p_user_id, p_pseudonym) <> array_to_string(d.sample, ' ')
       OR (d.message LIKE 'the rule cannot be evaluated:%' AND d.message <> audit._without_word(d.message, p_user_id, p_pseudonym));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;

    UPDATE audit.dq_overrides o SET reason = audit._without_word(o.reason, p_user_id, p_pseudonym)
    WHERE o.reason <> audit._without_word(o.reason, p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;

    UPDATE audit.erasures e SET reason = audit._without_word(e.reason, p_user_id, p_pseudonym)
    WHERE e.reason <> audit._without_word(e.reason, p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_sum + v_rows;
END
$_erase_from_audit$;
COMMENT ON FUNCTION audit._erase_from_audit(text, text) IS 'Rewrites what audit has of a user';

-- Whether a text kept of a rejected row mentions a user in some other spelling: with escapes of JSON, or of bytes.
-- p_is_escaped: it is a line that could not be taken, as encode(…, 'escape') writes it; its end may be cut off
CREATE OR REPLACE FUNCTION audit._is_mentioned(p_user_id text, p_text text, p_is_escaped boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_is_mentioned$
DECLARE
    v_line bytea := convert_to(p_text, 'UTF8');
BEGIN
    IF p_is_escaped THEN
        BEGIN
            v_line := decode(p_text, 'escape');
        EXCEPTION WHEN data_exception THEN
            NULL;  -- cut off within an escape: what can be read as it stands has to do
        END;
    END IF;
    RETURN p_user_id = ANY (raw._words(v_line));
END
$_is_mentioned$;
COMMENT ON FUNCTION audit._is_mentioned(text, text, boolean) IS 'Whether a text kept of a rejected row mentions a user in some other spelling';

-- Gives a user's rows of partitioned tables to the pseudonym, day by day: the days on which raw or user_loads know the
-- user, each in its own partition, so that the history does not matter. Returns how many rows.
CREATE OR REPLACE FUNCTION audit._erase_from_days(p_user_id text, p_pseudonym text, p_tables regclass[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_erase_from_days$
DECLARE
    v_day   record;
    v_rows  bigint;
    v_sum   bigint := 0;
BEGIN
    FOR v_day IN
        SELECT t.name, warehouse._partition_of(t.name, d.load_date) AS partition, d.load_date, t.has_personal
        FROM (SELECT n.name, audit._without_personal(n.name) IS NOT NULL AS has_personal FROM unnest(p_tables) AS n (name)) AS t
        CROSS JOIN (
            SELECT r.run_date AS load_date FROM pg_temp.rewritten_rows r
            UNION
            SELECT u.load_date FROM warehouse.user_loads u WHERE u.user_id IN (p_user_id, p_pseudonym)
            UNION
            -- Days whose raw is gone, and that may never have been loaded.
            SELECT l.load_date FROM staging.loads l
            JOIN raw.dropped_months m ON m.run_month = date_trunc('month', l.load_date::timestamp)::date
        ) AS d
        ORDER BY t.name, d.load_date
    LOOP
        CONTINUE WHEN v_day.partition IS NULL;
        EXECUTE format('UPDATE %s t SET user_id = %L %s WHERE t.load_date = %L AND t.user_id = %L', v_day.partition, p_pseudonym,
                       audit._without_personal(v_day.name), v_day.load_date, p_user_id);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_sum := v_sum + v_rows;
        IF v_rows > 0 AND v_day.has_personal THEN
            INSERT INTO pg_temp.rewritten_tables (name) VALUES (v_day.name), (v_day.partition);
        END IF;
    END LOOP;
    RETURN v_sum;
END
$_erase_from_days$;
COMMENT ON FUNCTION audit._erase_from_days(text, text, regclass[]) IS 'Gives a user''s rows of partitioned tables to the pseudonym, day by day';

-- Gives a user's place in the dimension, its facts and its superseded rows to the pseudonym. Times of change stay as
-- they were: they would tell which pseudonym was made with which erasure.
CREATE OR REPLACE FUNCTION audit._erase_from_warehouse(p_user_id text, p_pseudonym text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_erase_from_warehouse$
DECLARE
    v_rows bigint;
    v_sum  bigint;
BEGIN
    INSERT INTO warehouse.dim_user (user_id, first_seen_at, last_seen_at, is_inferred, created_at, updated_at)
    SELECT p_pseudonym, u.first_seen_at, u.last_seen_at, true, u.created_at, u.updated_at
    FROM warehouse.dim_user u WHERE u.user_id = p_user_id;
    v_sum := audit._erase_from_days(p_user_id, p_pseudonym, ARRAY['warehouse.fact_orders', 'warehouse.fact_events']::regclass[]);

    INSERT INTO pg_temp.rewritten_tables (name)
    SELECT t.name FROM unnest(ARRAY['warehouse.orders_superseded', 'warehouse.events_superseded']::regclass[]) AS t (name)
    WHERE audit._without_personal(t.name) IS NOT NULL;
    EXECUTE format('UPDATE warehouse.orders_superseded SET user_id = %L %s WHERE user_id = %L', p_pseudonym,
                   audit._without_personal('warehouse.orders_superseded'), p_user_id);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;
    EXECUTE format('UPDATE warehouse.events_superseded SET user_id = %L %s WHERE user_id = %L', p_pseudonym,
                   audit._without_personal('warehouse.events_superseded'), p_user_id);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;
    UPDATE warehouse.user_loads l
    SET user_id = p_pseudonym, city = NULL, signup_date = NULL, marketing_source = NULL, attributes_order_ts = NULL, attributes_order_id = NULL
    WHERE l.user_id = p_user_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;
    UPDATE warehouse.unseen_members m SET member_id = p_pseudonym WHERE m.dimension = 'user' AND m.member_id = p_user_id;
    DELETE FROM warehouse.dim_user u WHERE u.user_id = p_user_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;
    RETURN v_sum;
END
$_erase_from_warehouse$;
COMMENT ON FUNCTION audit._erase_from_warehouse(text, text) IS 'Gives a user''s place in the dimension, its facts and its superseded rows to the pseudonym';

-- The planner's statistics keep frequent values: those that know the user_id, and those of pg_temp.rewritten_tables,
-- whose other columns described the person, are made anew.
CREATE OR REPLACE FUNCTION audit._forget_statistics(p_user_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_forget_statistics$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT s.schemaname, s.tablename
        FROM pg_stats s
        WHERE s.schemaname IN ('raw', 'staging', 'warehouse', 'audit')
        GROUP BY s.schemaname, s.tablename
        HAVING bool_or(p_user_id = ANY (s.most_common_vals::text::text[]) OR p_user_id = ANY (s.histogram_bounds::text::text[]))
            OR to_regclass(format('%I.%I', s.schemaname, s.tablename)) IN (SELECT t.name FROM pg_temp.rewritten_tables t)
    LOOP
        EXECUTE format('ANALYZE %I.%I', v_table.schemaname, v_table.tablename);
    END LOOP;
END
$_forget_statistics$;
COMMENT ON FUNCTION audit._forget_statistics(text) IS 'Makes the planner''s statistics anew that may know a user';

-- By what a user_id that was erased is known again.
CREATE OR REPLACE FUNCTION audit._user_digest(p_salt bytea, p_user_id text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_user_digest$
    SELECT sha256(p_salt || convert_to(p_user_id, 'UTF8'));
$_user_digest$;
COMMENT ON FUNCTION audit._user_digest(bytea, text) IS 'By what a user_id that was erased is known again';

-- A regular expression that finds a user_id as a word of any text: not as a part of a longer one.
CREATE OR REPLACE FUNCTION audit._word_pattern(p_word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_word_pattern$
    SELECT '(^|[^A-Za-z0-9_-]|\\[0-7]{3})' || audit._literal_pattern(p_word) || '($|[^A-Za-z0-9_-])';
$_word_pattern$;
COMMENT ON FUNCTION audit._word_pattern(text) IS 'A regular expression that finds a user_id as a word of any text';

CREATE OR REPLACE FUNCTION audit._literal_pattern(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_literal_pattern$
    SELECT regexp_replace(p_text, '([^[:alnum:][:space:]])', '\\\1', 'g');
$_literal_pattern$;
COMMENT ON FUNCTION audit._literal_pattern(text) IS 'A regular expression that finds a text as it is';

-- A message without a user_id. One that is a number is only meant where it is quoted: messages count things.
CREATE OR REPLACE FUNCTION audit._without_word(p_text text, p_user_id text, p_pseudonym text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_without_word$
    SELECT regexp_replace(p_text,
                          CASE WHEN p_user_id ~ '^[0-9.,+-]+$' THEN format('(["''(=])(?:%s)(?=["'')])', audit._literal_pattern(p_user_id))
                               ELSE format('(^|[[:space:]"''(=,;:>[{])(?:%s)(?=$|[[:space:]"''),;:.!?<}]|])', audit._literal_pattern(p_user_id)) END,
                          '\1' || replace(p_pseudonym, '\', '\\'), 'g');
$_without_word$;
COMMENT ON FUNCTION audit._without_word(text, text, text) IS 'A message without a user_id';
