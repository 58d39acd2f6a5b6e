-- The last part of an erasure: what does not belong to a day. The pseudonym takes the member's place in the dimension, and
-- messages in audit lose the user_id.
--
-- Writes: warehouse.dim_user and unseen_members, raw.file_loads, audit
-- Locks:  the warehouse (advisory, exclusive)
CREATE OR REPLACE FUNCTION audit._erase_rest(p_user_id text, p_erased audit.erased_users) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_erase_rest$
DECLARE
    v_rows      bigint;
    v_warehouse bigint;
    v_audit     bigint;
    v_files     bigint;
    v_first     timestamptz;
    v_last      timestamptz;
BEGIN
    PERFORM warehouse._lock_warehouse_exclusive();
    INSERT INTO pg_temp.erasure_days (load_date) SELECT u.load_date FROM warehouse.user_loads u
    WHERE u.user_id IN (SELECT s.user_id FROM pg_temp.erasure_spellings s);
    IF FOUND THEN
        RETURN 'days';  -- a run has added them meanwhile
    END IF;

    PERFORM audit._admit_pseudonym(s.user_id, p_erased.pseudonym) FROM pg_temp.erasure_spellings s;
    SELECT min(u.first_seen_at), max(u.last_seen_at) INTO v_first, v_last FROM warehouse.user_loads u WHERE u.user_id = p_erased.pseudonym;
    UPDATE warehouse.dim_user d SET first_seen_at = v_first, last_seen_at = v_last
    WHERE d.user_id = p_erased.pseudonym AND (d.first_seen_at, d.last_seen_at) IS DISTINCT FROM (v_first, v_last) AND v_first IS NOT NULL;
    DELETE FROM warehouse.unseen_members m WHERE m.dimension = 'user' AND m.member_id IN (SELECT s.user_id FROM pg_temp.erasure_spellings s);
    INSERT INTO warehouse.unseen_members (dimension, member_id)
    SELECT 'user', d.user_id FROM warehouse.dim_user d
    WHERE d.user_id = p_erased.pseudonym AND NOT EXISTS (SELECT FROM warehouse.user_loads u WHERE u.user_id = d.user_id)
    ON CONFLICT ON CONSTRAINT unseen_members_pkey DO NOTHING;
    DELETE FROM warehouse.dim_user u WHERE u.user_id IN (SELECT s.user_id FROM pg_temp.erasure_spellings s);
    GET DIAGNOSTICS v_warehouse = ROW_COUNT;

    IF warehouse._is_on_cluster() THEN
        PERFORM warehouse._drop_replaced();  -- the day before a swap, if its run was interrupted
    END IF;

    PERFORM raw._open_for_erasure(ARRAY[p_erased.digest]);
    CREATE TEMPORARY TABLE refused_files (load_id bigint, run_date date) ON COMMIT DROP;
    WITH rewritten AS (
        UPDATE raw.file_loads l SET refused_reason = audit._without_word(l.refused_reason, p_user_id, p_erased.pseudonym)
        WHERE l.refused_reason <> audit._without_word(l.refused_reason, p_user_id, p_erased.pseudonym)
        RETURNING l.load_id, l.run_date
    )
    INSERT INTO pg_temp.refused_files (load_id, run_date) SELECT r.load_id, r.run_date FROM rewritten r;
    GET DIAGNOSTICS v_files = ROW_COUNT;
    PERFORM raw._close_for_erasure();

    UPDATE audit.bad_records b
    SET failure_reason = audit._without_word(b.failure_reason, p_user_id, p_erased.pseudonym)
    FROM pg_temp.refused_files r
    WHERE b.run_date = r.run_date AND b.load_id = r.load_id AND b.raw_id IS NULL;
    GET DIAGNOSTICS v_audit = ROW_COUNT;
    DROP TABLE pg_temp.refused_files;
    UPDATE audit.bad_records b
    SET raw_data = NULL, failed_value = NULL, failed_values = NULL,
        failure_reason = CASE WHEN b.raw_id IS NULL THEN audit._without_word(b.failure_reason, p_user_id, p_erased.pseudonym) ELSE b.failure_reason END
    WHERE b.bad_record_id IN (SELECT r.bad_record_id FROM pg_temp.erasure_records r) AND num_nonnulls(b.raw_data, b.failed_value, b.failed_values) > 0;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_audit := v_audit + v_rows + (SELECT sum(audit._erase_messages(s.user_id, p_erased.pseudonym)) FROM pg_temp.erasure_spellings s);

    UPDATE audit.erasures e
    SET raw_rows = e.raw_rows + v_files, warehouse_rows = e.warehouse_rows + v_warehouse, audit_rows = e.audit_rows + v_audit
    WHERE e.erasure_id = p_erased.erasure_id;
    RETURN 'statistics';
END
$_erase_rest$;
COMMENT ON FUNCTION audit._erase_rest(text, audit.erased_users) IS 'The last part of an erasure: what does not belong to a day';

-- Takes a user_id out of messages, samples and reasons of audit. Returns the number of rows.
CREATE OR REPLACE FUNCTION audit._erase_messages(p_user_id text, p_pseudonym text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_erase_messages$
DECLARE
    v_rows bigint;
    v_sum  bigint;
BEGIN
    UPDATE audit.pipeline_steps s
    SET error_message = audit._without_word(s.error_message, p_user_id, p_pseudonym),
        error_context = audit._without_word(s.error_context, p_user_id, p_pseudonym)
    WHERE concat_ws(' ', s.error_message, s.error_context)
          <> audit._without_word(concat_ws(' ', s.error_message, s.error_context), p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_sum = ROW_COUNT;

    UPDATE audit.pipeline_runs r SET error = audit._without_word(r.error, p_user_id, p_pseudonym)
    WHERE r.error <> audit._without_word(r.error, p_user_id, p_pseudonym);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_sum := v_sum + v_rows;

    UPDATE audit.dq_results d
    SET sample = (SELECT array_agg(CASE k.key WHEN p_user_id THEN p_pseudonym ELSE audit._without_word(k.key, p_user_id, p_pseudonym) END
                                   ORDER BY k.place)
                  FROM unnest(d.sample) WITH ORDINALITY AS k (key, place)),
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
$_erase_messages$;
COMMENT ON FUNCTION audit._erase_messages(text, text) IS 'Takes a user_id out of messages, samples and reasons of audit';
