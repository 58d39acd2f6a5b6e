-- The days that a day is compared with: its weekday in the 56 days before, newest first, without days that are not loaded and those
-- of audit.expected_days. For the report, too, whose login reads neither table. They are the same as in audit.usual_values, where the usual is their median, too.
--
-- Reads: warehouse.daily_metrics, audit.expected_days
CREATE OR REPLACE FUNCTION audit.usual_days(p_day date) RETURNS date[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $usual_days$
    SELECT warehouse._refuse_day(p_day, 'a comparison');
    SELECT array_agg(m.run_date ORDER BY m.run_date DESC)
    FROM warehouse.daily_metrics m
    WHERE m.run_date IN (SELECT p_day - 7 * weeks.n FROM generate_series(1, 8) AS weeks (n)) AND m.status = 'succeeded'
      AND NOT EXISTS (SELECT FROM audit.expected_days e WHERE m.run_date BETWEEN e.from_date AND e.to_date);
$usual_days$;
COMMENT ON FUNCTION audit.usual_days(date) IS 'The days that a day is compared with: its weekday in the 56 days before, as far as they are loaded and not expected to be unusual; NULL for none';
