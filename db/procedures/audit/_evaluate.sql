-- Evaluates a query made of quality rules, as warehouse_checker: it can read staging and warehouse, and nothing else.
-- This is the one place where an expression that people wrote into a table is run.
--
-- p_query: $1 is the load_date
-- Returns: its one row as JSON
-- Errors:  what the expression raises; 25006 if it would write
CREATE OR REPLACE FUNCTION audit._evaluate(p_query text, p_load_date date) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
SET lock_timeout = '30s'
AS $_evaluate$
DECLARE
    v_row jsonb;
BEGIN
    -- Read-only for the length of this block: only a subtransaction can be so without the rest of the transaction.
    BEGIN
        PERFORM set_config('transaction_read_only', 'on', true);
        EXECUTE format('SELECT to_jsonb(q) FROM (%s) AS q', p_query) INTO STRICT v_row USING p_load_date;
    EXCEPTION WHEN no_data_found THEN
        v_row := NULL;
    END;
    RETURN v_row;
END
$_evaluate$;
COMMENT ON FUNCTION audit._evaluate(text, date) IS 'Evaluates a query made of quality rules, as warehouse_checker, read-only';

GRANT CREATE ON SCHEMA audit TO warehouse_checker;
ALTER FUNCTION audit._evaluate(text, date) OWNER TO warehouse_checker;
REVOKE CREATE ON SCHEMA audit FROM warehouse_checker;
