-- Lets the current staging of a blocked day through, and records who did it and why. It holds for exactly this staging.
--
-- Writes: audit.dq_overrides
-- Errors: WH004 no date or reason; WH013 the current staging of that day is not blocked
-- Safe to repeat: yes; the first reason stays.
CREATE OR REPLACE PROCEDURE audit.allow_day(load_date date, reason text)
LANGUAGE plpgsql
AS $allow_day$
BEGIN
    PERFORM audit._allow_day(load_date, reason);
END
$allow_day$;
COMMENT ON PROCEDURE audit.allow_day(date, text) IS 'Lets the current staging of a blocked day through';

-- What allow_day does, with the owner's rights.
CREATE OR REPLACE FUNCTION audit._allow_day(p_load_date date, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_allow_day$
DECLARE
    v_versions bigint[];
BEGIN
    IF p_load_date IS NULL OR staging._trimmed(p_reason) IS NULL THEN
        RAISE EXCEPTION 'letting a day through needs the date and a reason' USING ERRCODE = 'WH004',
            HINT = 'CALL audit.allow_day(''2025-12-19'', ''shop was closed'');';
    END IF;
    PERFORM warehouse._refuse_day(p_load_date, 'letting a day through');
    v_versions := audit._staging_versions(p_load_date);
    IF EXISTS (SELECT FROM audit.dq_overrides o WHERE o.run_date = p_load_date AND o.staging_versions = v_versions) THEN
        RAISE NOTICE 'the staging of % was let through already', p_load_date;
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM audit.gate_verdicts g
                   WHERE g.run_date = p_load_date AND g.staging_versions = v_versions AND NOT g.passed)
    THEN
        RAISE EXCEPTION 'the current staging of % is not blocked', p_load_date USING ERRCODE = 'WH013',
            DETAIL = 'Only a staging that the gate has judged and blocked can be let through.',
            HINT = format('CALL warehouse.run_day(%L); and look at audit.dq_failures.', p_load_date);
    END IF;
    INSERT INTO audit.dq_overrides (run_date, reason, allowed_by, staging_versions)
    VALUES (p_load_date, staging._trimmed(p_reason), session_user, v_versions)
    ON CONFLICT ON CONSTRAINT dq_overrides_staging_key DO NOTHING;
    RAISE NOTICE 'the staging of % may be loaded: CALL warehouse.run_day(%);', p_load_date, quote_literal(p_load_date);
END
$_allow_day$;
COMMENT ON FUNCTION audit._allow_day(date, text) IS 'What allow_day does, with the owner''s rights';
