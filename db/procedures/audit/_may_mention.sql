-- Whether a JSON text may mention a user; not every text that it finds does. Most texts have neither the user_id nor an
-- escape in them; most of the others have it once, as the value of a field that the warehouse reads.
-- p_string, p_no_mention: _string_pattern and _no_mention_pattern of the user_id;  p_kept_name: _kept_name_pattern
CREATE OR REPLACE FUNCTION audit._may_mention(p_json text, p_user_id text, p_string text, p_no_mention text, p_kept_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN position(p_user_id IN p_json) = 0 AND position('\' IN p_json) = 0 THEN false
            WHEN p_json !~ p_string THEN false
            WHEN position('"' || p_user_id || '"' IN p_json) > 0 AND split_part(p_json, '"' || p_user_id || '"', 3) = ''
                 AND right(split_part(p_json, '"' || p_user_id || '"', 1), 40) ~ p_kept_name
            THEN replace(p_json, '"' || p_user_id || '"', '""') ~ p_string
            ELSE regexp_replace(p_json, p_no_mention, '', 'g') ~ p_string END;
COMMENT ON FUNCTION audit._may_mention(text, text, text, text, text) IS 'Whether a JSON text may mention a user';
