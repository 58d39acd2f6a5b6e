-- Parses a query made of quality rules, as warehouse_checker, which evaluates it. audit._tables_in_tree reads the result.
--
-- p_query: $1 is the load_date
-- Returns: PostgreSQL's parse tree; NULL if it cannot be parsed
-- Safe to repeat: the temporary function that it is parsed into is gone afterwards.
CREATE OR REPLACE FUNCTION audit._parsed_rules(p_query text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
SET lock_timeout = '30s'
AS $_parsed_rules$
DECLARE
    v_select text := format('SELECT q.* FROM (%s) AS q', p_query);
    v_cursor refcursor;
    v_tree   text;
BEGIN
    BEGIN
        -- A cursor takes a single query, here read-only: an expression that ends it and begins another gets no further.
        BEGIN
            PERFORM set_config('transaction_read_only', 'on', true);
            OPEN v_cursor FOR EXECUTE v_select USING NULL::date;
            CLOSE v_cursor;
        END;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
    BEGIN
        EXECUTE format('CREATE FUNCTION pg_temp.rules_to_read(date) RETURNS void LANGUAGE sql BEGIN ATOMIC %s; END', v_select);
        SELECT p.prosqlbody::text INTO STRICT v_tree FROM pg_proc p
        WHERE p.proname = 'rules_to_read' AND p.pronamespace = pg_my_temp_schema();
        DROP FUNCTION pg_temp.rules_to_read(date);
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
    RETURN v_tree;
END
$_parsed_rules$;
COMMENT ON FUNCTION audit._parsed_rules(text) IS 'A query made of quality rules, as PostgreSQL has parsed it';

GRANT CREATE ON SCHEMA audit TO warehouse_checker;
ALTER FUNCTION audit._parsed_rules(text) OWNER TO warehouse_checker;
REVOKE CREATE ON SCHEMA audit FROM warehouse_checker;
