-- What audit.unusual, new_codes and gone_codes read for a day, as one digest: the profiles of the day and of the 62 days before, which of
-- these the gate has blocked, and which are expected to be unusual. What happens on other days does not change it.
--
-- Reads: audit.profile_digests, audit.gate_verdicts of these days; audit.expected_days
CREATE OR REPLACE FUNCTION audit._usual_inputs(p_day date) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_usual_inputs$
    SELECT audit._digest(concat_ws(E'\n',
        (SELECT string_agg(d::text, E'\n' ORDER BY d.run_date, d.source) FROM audit.profile_digests d WHERE d.run_date BETWEEN p_day - 62 AND p_day),
        (SELECT string_agg(g.run_date::text, ' ' ORDER BY g.run_date) FROM audit.gate_verdicts g
         WHERE g.run_date BETWEEN p_day - 62 AND p_day - 1 AND NOT g.passed),
        (SELECT string_agg(e::text, E'\n' ORDER BY e.from_date, e.to_date) FROM audit.expected_days e
         WHERE e.to_date >= p_day - 62 AND e.from_date <= p_day)));
$_usual_inputs$;
COMMENT ON FUNCTION audit._usual_inputs(date) IS 'What rules about unusual days read for a day, as one digest';
