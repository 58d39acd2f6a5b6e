-- The unit in which a number looks like a time since 1970, from 2001 to 2286; NULL for all else.
CREATE OR REPLACE FUNCTION staging._since_1970(p_value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(p_value) <= 40 AND p_value ~ '^[1-9][0-9]{9,18}([.][0-9]+)?$'
            THEN CASE length(split_part(p_value, '.', 1)) WHEN 10 THEN 'seconds' WHEN 13 THEN 'milliseconds' WHEN 16 THEN 'microseconds'
                                                          WHEN 19 THEN 'nanoseconds' END END;
COMMENT ON FUNCTION staging._since_1970(text) IS 'The unit in which a number looks like a time since 1970; NULL for all else';
