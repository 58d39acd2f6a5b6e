-- One transaction's worth of an erasure: what audit.erase_user does between two COMMITs. For the owner only.
--
-- p_stage: begin, find, days, rest, statistics, end, unknown; returns the next one, NULL when all is done
-- Between calls, temporary tables keep what was found, and audit.erased_users keeps the pseudonym.
-- Locks and errors: those of audit.erase_user
CREATE OR REPLACE FUNCTION audit._erase_next(p_user_id text, p_reason text, p_stage text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
AS $_erase_next$
DECLARE
    v_user_id      text := staging._trimmed(p_user_id);
    v_lock_timeout text := current_setting('lock_timeout');
    v_erased       audit.erased_users;
    v_next         text;
BEGIN
    IF v_lock_timeout = '0' THEN
        PERFORM set_config('lock_timeout', '5min', true);
    END IF;
    IF p_stage = 'begin' THEN
        v_next := audit._begin_erasure(v_user_id, staging._trimmed(p_reason));
    ELSIF p_stage = 'unknown' THEN
        RAISE EXCEPTION 'nothing in the warehouse belongs to that user' USING ERRCODE = 'WH013',
            DETAIL = 'No order or event in raw, staging or facts has this user_id. Nothing was changed.',
            HINT = 'Is it spelled as the source spells it? SELECT user_id FROM warehouse.dim_user WHERE user_id ILIKE ''%…%'';';
    ELSE
        SELECT e.* INTO v_erased FROM audit.erased_users e
        WHERE e.digest = audit._user_digest(e.salt, v_user_id) AND e.pseudonym IS NOT NULL;
        IF NOT FOUND THEN
            RAISE NOTICE 'another session has completed this erasure';
            v_next := NULL;
        ELSIF p_stage = 'find' THEN
            v_next := audit._find_person(v_user_id);
        ELSIF p_stage = 'days' THEN
            v_next := audit._erase_days(v_user_id, v_erased);
        ELSIF p_stage = 'rest' THEN
            v_next := audit._erase_rest(v_user_id, v_erased);
        ELSIF p_stage = 'statistics' THEN
            v_next := audit._forget_statistics(v_user_id, v_erased);
        ELSE
            v_next := audit._end_erasure(v_erased);
        END IF;
    END IF;
    PERFORM set_config('lock_timeout', v_lock_timeout, true);
    RETURN v_next;
END
$_erase_next$;
COMMENT ON FUNCTION audit._erase_next(text, text, text) IS 'One transaction''s worth of an erasure';

-- Remembers that the user is erased, before the search begins: nothing that is delivered from now on brings the person back.
CREATE OR REPLACE FUNCTION audit._begin_erasure(p_user_id text, p_reason text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_begin_erasure$
DECLARE
    v_salt       bytea;
    v_erased     audit.erased_users;
    v_erasure_id bigint;
    v_is_new     boolean;
BEGIN
    IF num_nulls(p_user_id, p_reason) > 0 OR octet_length(p_user_id) > 512 OR p_user_id = '(guest)'
       OR p_reason ~ audit._word_pattern(p_user_id) OR current_setting('transaction_isolation') <> 'read committed'
    THEN
        RAISE EXCEPTION 'erasing a user needs a user_id of at most 512 bytes and a reason that does not name it, in a transaction that is READ COMMITTED'
            USING ERRCODE = 'WH004', HINT = 'CALL audit.erase_user(''U-1'', ''request of 2025-12-19, ticket 4711'');';
    END IF;
    -- Its rows in raw may be anybody's who gave none: as one person's they would change what the days count.
    IF staging._is_null_marker(p_user_id) THEN
        RAISE EXCEPTION 'this user_id is in staging.null_markers: it stands for nobody who could be erased'
            USING ERRCODE = 'WH004',
                  HINT = 'If it was a person''s before it became a marker: take it out of staging.null_markers, erase the person, put it back, and run their days again.';
    END IF;
    PERFORM warehouse._lock_warehouse_exclusive();

    v_salt := coalesce((SELECT e.salt FROM audit.erased_users e LIMIT 1),
                       uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    INSERT INTO audit.erased_users AS e (digest, salt) VALUES (audit._user_digest(v_salt, p_user_id), v_salt)
    ON CONFLICT ON CONSTRAINT erased_users_pkey DO NOTHING;
    v_is_new := FOUND;
    SELECT e.* INTO v_erased FROM audit.erased_users e WHERE e.digest = audit._user_digest(v_salt, p_user_id);
    IF v_erased.pseudonym IS NULL THEN
        INSERT INTO audit.erasures (erased_by, reason, raw_rows, staging_rows, warehouse_rows, audit_rows)
        VALUES (session_user, p_reason, 0, 0, 0, 0) RETURNING erasure_id INTO v_erasure_id;
        UPDATE audit.erased_users e SET pseudonym = 'erased-' || gen_random_uuid(), erasure_id = v_erasure_id
        WHERE e.digest = v_erased.digest;
    ELSE
        RAISE NOTICE 'an earlier erasure of that user was interrupted; it continues';
    END IF;

    -- Left by an erasure of this session that was interrupted.
    IF to_regclass('pg_temp.erasure') IS NOT NULL THEN
        DROP TABLE pg_temp.erasure, pg_temp.erasure_rows, pg_temp.erasure_days, pg_temp.erasure_records, pg_temp.erasure_tables, pg_temp.erasure_spellings;
    END IF;
    CREATE TEMPORARY TABLE erasure AS SELECT v_is_new AS is_new, false AS find_again, false AS knows_tables;
    CREATE TEMPORARY TABLE erasure_rows (run_date date);  -- _find_person makes it anew
    CREATE TEMPORARY TABLE erasure_days (load_date date);
    CREATE TEMPORARY TABLE erasure_records (bad_record_id bigint);
    CREATE TEMPORARY TABLE erasure_tables (name regclass);
    CREATE TEMPORARY TABLE erasure_spellings (user_id text);
    RETURN 'find';
END
$_begin_erasure$;
COMMENT ON FUNCTION audit._begin_erasure(text, text) IS 'Remembers that a user is erased, before the search begins';

-- Records the end, and says what was done.
CREATE OR REPLACE FUNCTION audit._end_erasure(p_erased audit.erased_users) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_end_erasure$
DECLARE
    v_erasure audit.erasures;
    v_is_new  boolean := (SELECT e.is_new FROM pg_temp.erasure e);
    v_copies  text;
BEGIN
    PERFORM 1 FROM audit.erased_users e WHERE e.digest = p_erased.digest FOR UPDATE;
    SELECT e.* INTO v_erasure FROM audit.erasures e WHERE e.erasure_id = p_erased.erasure_id;
    UPDATE audit.erased_users e SET pseudonym = NULL, erasure_id = NULL WHERE e.digest = p_erased.digest;
    DROP TABLE pg_temp.erasure, pg_temp.erasure_rows, pg_temp.erasure_days, pg_temp.erasure_records, pg_temp.erasure_tables, pg_temp.erasure_spellings;

    IF v_erasure.raw_rows + v_erasure.staging_rows + v_erasure.warehouse_rows + v_erasure.audit_rows = 0 THEN
        DELETE FROM audit.erasures e WHERE e.erasure_id = v_erasure.erasure_id;
        IF v_is_new THEN
            -- A user_id that was never here need not be remembered; unless a delivery has brought it meanwhile.
            DELETE FROM audit.erased_users e WHERE e.digest = p_erased.digest AND e.delivered_again_at IS NULL;
            RETURN 'unknown';
        END IF;
        RAISE NOTICE 'that user was erased already, and nothing has come since';
    ELSE
        UPDATE audit.erasures e SET ended_at = clock_timestamp() WHERE e.erasure_id = v_erasure.erasure_id;
        RAISE NOTICE 'erased: % rows of raw, % of staging, % of the warehouse, % of audit rewritten. Now VACUUM, and make the report again; older backups and the files of the landing zone still have the person',
            v_erasure.raw_rows, v_erasure.staging_rows, v_erasure.warehouse_rows, v_erasure.audit_rows;
    END IF;
    SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.relname) INTO v_copies
    FROM pg_class c WHERE c.relnamespace = 'marts'::regnamespace AND c.relkind IN ('m', 'r', 'p');
    IF v_copies IS NOT NULL THEN
        RAISE NOTICE 'marts holds copies that people made; refresh or correct them: %', v_copies;
    END IF;
    RETURN NULL;
END
$_end_erasure$;
COMMENT ON FUNCTION audit._end_erasure(audit.erased_users) IS 'Records the end of an erasure, and says what was done';
