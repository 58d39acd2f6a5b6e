-- The digest of an input. NULL has one too: no delivery is an input like any other.
CREATE OR REPLACE FUNCTION audit._digest(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_digest$
    SELECT encode(sha256(convert_to(coalesce(p_text, ''), 'UTF8')), 'hex');
$_digest$;
COMMENT ON FUNCTION audit._digest(text) IS 'The digest of an input of a step';
