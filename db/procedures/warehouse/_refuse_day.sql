-- Refuses a date that cannot be a day of the warehouse: each public routine checks each date that it is given. Names of
-- partitions, keys of locks and date_ids have room for the years 1900 to 2999; another year would take some other day's place.
--
-- p_who:  what needs the date, for the message
-- Errors: WH004
CREATE OR REPLACE FUNCTION warehouse._refuse_day(p_day date, p_who text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_refuse_day$
BEGIN
    IF p_day IS NULL OR p_day < date '1900-01-01' OR p_day > date '2999-12-31' THEN
        RAISE EXCEPTION '% needs a date, not %', p_who, coalesce(p_day::text, 'NULL') USING ERRCODE = 'WH004',
            DETAIL = 'A day of the warehouse is in the years 1900 to 2999.',
            HINT = 'Name the day of the data: a date like ''2025-12-19''.';
    END IF;
END
$_refuse_day$;
COMMENT ON FUNCTION warehouse._refuse_day(date, text) IS 'Refuses a date that cannot be a day of the warehouse: years other than 1900 to 2999';
