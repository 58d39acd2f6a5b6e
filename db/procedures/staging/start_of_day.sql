-- When a day of the shop begins; the day before ends at that moment. Worked out once a step: rows are compared with it.
--
-- Clocks that are set forward at midnight have no 00:00: the day begins with its first moment. Clocks that are set back over
-- it have two: the day begins with the first. So (t AT TIME ZONE staging.time_zone())::date is p_day for all t from here to
-- the start of the next day, and for no other. A day that a zone left out (Samoa, 2011-12-30) is empty.
--
-- p_day:   any date; NULL gives NULL
-- Reads:   audit.settings
CREATE OR REPLACE FUNCTION staging.start_of_day(p_day date) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $start_of_day$
DECLARE
    v_zone  text := staging.time_zone();
    v_start timestamptz := p_day::timestamp AT TIME ZONE v_zone;
    v_first timestamptz;
BEGIN
    IF v_zone = 'UTC' THEN
        RETURN v_start;
    END IF;
    -- PostgreSQL takes the second of two: the first is what the clock of the day before says.
    v_first := (p_day::timestamp - ((v_start - interval '24 hours') AT TIME ZONE v_zone) + ((v_start - interval '24 hours') AT TIME ZONE 'UTC'))
               AT TIME ZONE 'UTC';
    RETURN CASE WHEN v_first < v_start AND (v_first AT TIME ZONE v_zone)::date = p_day THEN v_first ELSE v_start END;
END
$start_of_day$;
COMMENT ON FUNCTION staging.start_of_day(date) IS 'When a day of the shop begins: setting time_zone';
