-- When a day of the shop begins; the day before ends at that moment. Worked out once a step: rows are compared with it.
--
-- Clocks that are set forward at midnight have no 00:00: the day begins with its first moment. Clocks that are set back over
-- it have two: the day begins with the first. So (t AT TIME ZONE staging.time_zone())::date is p_day for all t from here to
-- the start of the next day, and for no other. A day that a zone left out (Samoa, 2011-12-30) is empty.
--
-- p_day:   a day of the warehouse, up to a century before the first, and the one after the last
-- Reads:   audit.settings
-- Errors:  WH004 no such day
CREATE OR REPLACE FUNCTION staging.start_of_day(p_day date) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $start_of_day$
DECLARE
    v_zone  text := staging.time_zone();
    v_start timestamptz := p_day::timestamp AT TIME ZONE v_zone;
    v_first timestamptz;
BEGIN
    -- An order may be a century older than the first day of the warehouse.
    IF p_day IS NULL OR p_day < date '1800-01-01' OR p_day > date '3000-01-02' THEN
        PERFORM warehouse._refuse_day(p_day, 'the start of a day');
    END IF;
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
