-- How unusual a measure of a day is, for rules: z of audit.usual_value. A count or amount within 20 % of the usual is 0, whatever its z.
--
-- p_measure: audit.measures
-- Returns: NULL, which keeps a rule silent, without enough days to compare with and on days of audit.expected_days
-- Reads:   audit.usual_value, as the owner: rules are evaluated by a role that cannot read audit
-- Errors:  WH004 no such measure, no date
CREATE OR REPLACE FUNCTION audit.unusual(p_measure text, p_day date) RETURNS numeric
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $unusual$
    SELECT CASE WHEN u.z IS NULL OR u.kind = 'share' OR abs(u.value - u.usual) >= 0.2 * u.usual THEN u.z ELSE 0 END
    FROM audit.usual_values(p_measure, p_day, p_day) u;
$unusual$;
COMMENT ON FUNCTION audit.unusual(text, date) IS 'How unusual a measure of a day is, for rules: z; NULL if there is nothing to compare with';
