-- The first key of this project's advisory locks: a number for what is locked, the same in every session.
CREATE OR REPLACE FUNCTION warehouse._lock_class(p_what text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_lock_class$
    SELECT hashtext('ecommerce_warehouse ' || p_what);
$_lock_class$;
COMMENT ON FUNCTION warehouse._lock_class(text) IS 'First key of an advisory lock of this project';
