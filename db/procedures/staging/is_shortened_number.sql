-- Whether an id is a number that a spreadsheet has shortened, as in 8.20983E+17. For rules.
--
-- Each begins with a digit (below 58 in ASCII) and has fewer than 32 bytes: nearly all other ids are told by that, or have no + and no E.
-- It is inlined: p_id is a column, and stands here five times.
CREATE OR REPLACE FUNCTION staging.is_shortened_number(p_id text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ascii(p_id) < 58 AND octet_length(p_id) < 32 AND (p_id LIKE '%+%' OR p_id LIKE '_._%E%')
            THEN p_id ~ '^[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}$|^[1-9][.][0-9]{4,}E[0-9]{1,2}$' ELSE false END;
COMMENT ON FUNCTION staging.is_shortened_number(text) IS 'Whether an id is a number that a spreadsheet has shortened, as in 8.20983E+17';
