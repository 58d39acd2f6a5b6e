-- A time that counts from 1970 on, in seconds, milliseconds, microseconds or nanoseconds, with or without a fraction: how long the
-- number is says which. Seconds have up to eleven digits until the year 5138.
CREATE OR REPLACE FUNCTION shapes.epoch_time(value text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_timestamp((value::numeric / CASE WHEN abs(value::numeric) < 1e11 THEN 1 WHEN abs(value::numeric) < 1e14 THEN 1e3
                                           WHEN abs(value::numeric) < 1e17 THEN 1e6 ELSE 1e9 END)::double precision);
COMMENT ON FUNCTION shapes.epoch_time(text) IS 'A time that counts seconds, milliseconds, microseconds or nanoseconds from 1970 on';
