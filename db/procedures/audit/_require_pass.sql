-- Refuses to load a day whose current staging has no pass of the gate and was not let through.
-- Locks:  the day's staging, so that what was judged is what is loaded
-- Errors: WH002; WH007 retention dropped that staging
CREATE OR REPLACE FUNCTION audit._require_pass(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_require_pass$
DECLARE
    v_versions bigint[];
    v_verdict  audit.gate_verdicts;
    v_gone     text;
BEGIN
    PERFORM audit._lock_staging_shared(p_load_date);
    v_versions := audit._staging_versions(p_load_date);
    SELECT v.* INTO v_verdict FROM audit.gate_verdicts v WHERE v.run_date = p_load_date;
    IF v_verdict.passed AND v_verdict.staging_versions = v_versions
       OR EXISTS (SELECT FROM audit.dq_overrides o WHERE o.run_date = p_load_date AND o.staging_versions = v_versions)
    THEN
        SELECT string_agg(l.source, ', ') INTO v_gone
        FROM staging.loads l
        JOIN raw.sources s ON s.source = l.source
        WHERE l.load_date = p_load_date AND l.clean_count > 0
          AND warehouse._partition_of(audit._place(s.staging_table)::regclass, p_load_date) IS NULL;
        IF v_gone IS NOT NULL THEN
            RAISE EXCEPTION 'the staging of % is gone', p_load_date USING ERRCODE = 'WH007',
                DETAIL = format('Dropped by the setting staging_keep_days: %s. Facts and dimensions stay as they are.', v_gone),
                HINT = format('Make it again from raw: CALL warehouse.run_day(%L);', p_load_date);
        END IF;
        RETURN;
    END IF;
    RAISE EXCEPTION 'the staging of % has no pass of the quality gate', p_load_date USING ERRCODE = 'WH002',
        DETAIL = CASE WHEN v_verdict.run_date IS NULL THEN 'It was never judged.'
                      WHEN v_verdict.staging_versions <> v_versions THEN 'It has changed since it was judged.'
                      ELSE 'It was judged and blocked.' END,
        HINT = format('CALL audit.check_quality(%L); or look at audit.dq_failures and let it through: CALL audit.allow_day(%L, ''reason'');',
                      p_load_date, p_load_date);
END
$_require_pass$;
COMMENT ON FUNCTION audit._require_pass(date) IS 'Refuses to load a day whose current staging has no pass of the gate and was not let through';
