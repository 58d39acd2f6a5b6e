-- The digest by which an erased user_id is recognized again.
CREATE OR REPLACE FUNCTION audit._user_digest(p_salt bytea, p_user_id text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(p_salt || convert_to(p_user_id, 'UTF8'));
COMMENT ON FUNCTION audit._user_digest(bytea, text) IS 'The digest by which an erased user_id is recognized again';
