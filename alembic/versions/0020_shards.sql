-- On a cluster a field that is personal closes the shards of the facts to logins of BI tools, in the transaction that says so.
CREATE FUNCTION staging._open_or_close_shards() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_open_or_close_shards$
BEGIN
    -- While the warehouse is being made, it is not there.
    IF to_regprocedure('warehouse._open_shards()') IS NOT NULL THEN
        PERFORM warehouse._open_shards();
    END IF;
    RETURN NULL;
END
$_open_or_close_shards$;
COMMENT ON FUNCTION staging._open_or_close_shards() IS 'Trigger: on a cluster, a personal field closes the shards of the facts to logins of BI tools';
CREATE TRIGGER open_or_close_shards AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON staging.fields
    FOR EACH STATEMENT EXECUTE FUNCTION staging._open_or_close_shards();
