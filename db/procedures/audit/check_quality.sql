-- The quality gate: judges the staging of a day by the enabled rules.
--
-- After the three cleaning steps.
-- Writes: audit.dq_results, audit.gate_verdicts
-- Errors: WH003 called inside a transaction, WH004 no date; those of audit._check_quality
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE audit.check_quality(load_date date)
LANGUAGE plpgsql
AS $check_quality$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('check_quality', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$check_quality$;
COMMENT ON PROCEDURE audit.check_quality(date) IS 'The quality gate: judges the staging of a day by the enabled rules';
