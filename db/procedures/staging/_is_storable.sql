-- Whether a JSON text can become columns: valid JSON may hold \u0000 or half a surrogate pair, which no text can.
-- Escaped backslashes go first, so that \\u0000 (a backslash and five characters) is not mistaken for one.
CREATE OR REPLACE FUNCTION staging._is_storable(p_json_text text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(replace(p_json_text, '\\', '  '),
                      '\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g')
       !~ '\\u(0000|[dD][89a-fA-F])';
COMMENT ON FUNCTION staging._is_storable(text) IS 'Whether a JSON text can become columns: it holds no \u0000 and no half of a surrogate pair';
