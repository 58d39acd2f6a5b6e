-- Where a null marker can be: of the first 1,024 bits one for each first character and length that a marker has, of the 256 after
-- them one for each last byte; in either case. Nearly every value that is none is told by a bit, before anything is looked up.
-- NULL if there are no markers.
--
-- Reads: staging.null_markers
CREATE OR REPLACE FUNCTION staging._null_marks() RETURNS varbit
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_null_marks$
    SELECT bit_or(set_bit(set_bit(repeat('0', 1280)::varbit, (ascii(c.spelling) * 8 + octet_length(c.spelling)) & 1023, 1),
                          1024 + ((c.spelling::name)[octet_length(c.spelling) - 1]::integer & 255), 1))
    FROM staging.null_markers m
    CROSS JOIN LATERAL (VALUES (m.marker), (upper(m.marker))) AS c (spelling);
$_null_marks$;
COMMENT ON FUNCTION staging._null_marks() IS 'Where a null marker can be: a bit for each first character and length that one has, and for each last byte';
