-- Raises a failure that was caught, recorded and committed, as it was: with its own SQLSTATE, detail and hint.
CREATE OR REPLACE FUNCTION audit._raise(p_failure audit.failure) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_raise$
BEGIN
    IF p_failure.sqlstate IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = p_failure.sqlstate, MESSAGE = coalesce(p_failure.message, ''), DETAIL = coalesce(p_failure.detail, ''),
            HINT = coalesce(p_failure.hint, ''), SCHEMA = coalesce(p_failure.schema_name, ''),
            TABLE = coalesce(p_failure.table_name, ''), COLUMN = coalesce(p_failure.column_name, ''),
            CONSTRAINT = coalesce(p_failure.constraint_name, '');
    END IF;
END
$_raise$;
COMMENT ON FUNCTION audit._raise(audit.failure) IS 'Raises a failure that was caught and recorded, with its own SQLSTATE, detail and hint';
