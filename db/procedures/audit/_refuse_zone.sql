-- Refuses what is not the name of a place's time. A fixed offset or a POSIX string does not know when clocks change, and the
-- latter counts the other way round: with UTC-4 it would be four hours later. localtime is whatever the server's machine says.
--
-- Errors: WH004
CREATE OR REPLACE FUNCTION audit._refuse_zone(p_zone text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_refuse_zone$
BEGIN
    IF p_zone IS NULL OR p_zone ~ '^(posix|right)/|^(localtime|posixrules|Factory)$'
       OR NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = p_zone)
    THEN
        RAISE EXCEPTION '% is not the name of a time zone', coalesce(quote_literal(p_zone), 'NULL') USING ERRCODE = 'WH004',
            DETAIL = 'An offset such as -04:00 or UTC-4 does not know when clocks change. Names are spelled as in the list.',
            HINT = 'SELECT name FROM pg_timezone_names ORDER BY name; as in America/New_York.';
    END IF;
END
$_refuse_zone$;
COMMENT ON FUNCTION audit._refuse_zone(text) IS 'Refuses what is not the name of a time zone';
