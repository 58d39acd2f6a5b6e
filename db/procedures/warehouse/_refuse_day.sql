-- Refuses what is no day of a warehouse: each public routine asks this of each date that it is given. Names of partitions,
-- keys of locks and date_ids have room for the years 1900 to 2999; others would take the place of some other day.
--
-- p_who:  who needs the date, for people
-- Errors: WH004
CREATE OR REPLACE FUNCTION warehouse._refuse_day(p_day date, p_who text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_refuse_day$
BEGIN
    IF p_day IS NULL OR p_day < date '1900-01-01' OR p_day > date '2999-12-31' THEN
        RAISE EXCEPTION '% needs a date, not %', p_who, coalesce(p_day::text, 'NULL') USING ERRCODE = 'WH004',
            DETAIL = 'A day of the warehouse is one of the years 1900 to 2999.',
            HINT = 'Name the day of the data: a date like ''2025-12-19''.';
    END IF;
END
$_refuse_day$;
COMMENT ON FUNCTION warehouse._refuse_day(date, text) IS 'Refuses what is no day of a warehouse: years other than 1900 to 2999';
