-- Takes a person out of the warehouse: raw, staging, dimension, facts and audit. For the owner only.
--
-- Every row stays, and every count and sum with it. The person's rows get a pseudonym that is made for this erasure and does
-- not follow from the user_id; everything that only described the person is deleted. Raw has the pseudonym too, so a rerun
-- changes nothing. The user_id is kept as a digest: a later delivery of it becomes a guest's (raw._forget_erased).
--
-- The digest is committed first. Then the rows are looked for, while others go on; then they are changed, some days or rows
-- at a time (setting erase_batch_rows), with a COMMIT between, so that others can pass. If it is interrupted, call it again
-- and it continues: audit.erased_users keeps the pseudonym until all is done. Inside a caller's transaction everything is
-- part of that transaction, and others wait until it ends.
--
-- Writes: every table that may name a user; audit.erasures and audit.erased_users
-- Locks:  the warehouse (advisory, exclusive), once per COMMIT: it waits until running steps, loads and compactions have
--         ended, each time at most five minutes or the session's lock_timeout
-- Errors: WH004 no user_id or reason, a null marker, or a reason that names the user; WH006 the warehouse stayed in use;
--         WH013 nothing here belongs to that user. No error quotes the user_id: the server's log keeps errors
-- Safe to repeat: yes; what is done is left alone.
-- Bytes: no query sees the old values any more. They leave the data files with VACUUM, and backups when those are deleted.
-- It commits, so it can have neither SET nor SECURITY DEFINER: the work is audit._erase_next's, which only the owner may call.
CREATE OR REPLACE PROCEDURE audit.erase_user(user_id text, reason text)
LANGUAGE plpgsql
AS $erase_user$
DECLARE
    v_commits boolean := true;
    v_stage   pg_catalog.text := 'begin';
    v_failure audit.failure;
BEGIN
    -- As in audit._run_step: here no COMMIT succeeds, but its error tells whether one could.
    BEGIN
        COMMIT;
    EXCEPTION WHEN invalid_transaction_termination THEN
        v_commits := SQLERRM OPERATOR(pg_catalog.<>) 'invalid transaction termination';
    END;
    WHILE v_stage IS NOT NULL LOOP
        IF v_commits THEN
            COMMIT;
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
        END IF;
        BEGIN
            v_stage := audit._erase_next(user_id, reason, v_stage);
        EXCEPTION WHEN query_canceled OR OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_failure.sqlstate = RETURNED_SQLSTATE, v_failure.message = MESSAGE_TEXT,
                v_failure.detail = PG_EXCEPTION_DETAIL, v_failure.hint = PG_EXCEPTION_HINT,
                v_failure.schema_name = SCHEMA_NAME, v_failure.table_name = TABLE_NAME,
                v_failure.column_name = COLUMN_NAME, v_failure.constraint_name = CONSTRAINT_NAME;
        END;
        IF v_failure.sqlstate IS NOT NULL THEN
            PERFORM audit._raise(audit._anonymous_failure(
                v_failure, user_id, v_commits AND v_stage OPERATOR(pg_catalog.<>) 'begin'));
        END IF;
    END LOOP;
END
$erase_user$;
COMMENT ON PROCEDURE audit.erase_user(text, text) IS 'Takes a person out of raw, staging, warehouse and audit; numbers stay';

-- An error without the user_id, as the server's log may keep it. p_is_begun: some of the work is committed.
CREATE OR REPLACE FUNCTION audit._anonymous_failure(p_failure audit.failure, p_user_id text, p_is_begun boolean) RETURNS audit.failure
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_anonymous_failure$
DECLARE
    v_user_id text := staging._trimmed(p_user_id);
    v_failure audit.failure := p_failure;
BEGIN
    IF p_failure.sqlstate NOT LIKE 'WH%' THEN
        v_failure.message := replace(p_failure.message, v_user_id, '(the user)');
        v_failure.detail := replace(p_failure.detail, v_user_id, '(the user)');
        v_failure.hint := replace(p_failure.hint, v_user_id, '(the user)');
    END IF;
    IF p_is_begun AND p_failure.sqlstate <> 'WH013' THEN
        v_failure.hint := concat_ws(' ', nullif(v_failure.hint, ''), 'Part of the erasure is done. Call it again to continue.');
    END IF;
    RETURN v_failure;
END
$_anonymous_failure$;
COMMENT ON FUNCTION audit._anonymous_failure(audit.failure, text, boolean) IS 'An error without the user_id, as the server''s log may keep it';
