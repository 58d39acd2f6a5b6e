-- The tables that a parsed query reads; NULL if anything else could change its answer.
--
-- Reads: audit.steps, the catalog
-- pg_depend would not do: it does not record built-in functions. Only what is known to depend on nothing but its tables
-- passes: listed kinds of nodes, listed types of constants ('today'::date becomes a constant, and is wrong tomorrow), and
-- PostgreSQL's own immutable functions. The answer is NULL for a clock, a random number, a session's name, text that becomes
-- a date, a view, a table that no step writes, and anybody's own function.
CREATE OR REPLACE FUNCTION audit._tables_in_tree(p_tree text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_tables_in_tree$
DECLARE
    v_nodes CONSTANT text[] := ARRAY[
        'QUERY', 'RANGETBLENTRY', 'RTEPERMISSIONINFO', 'RANGETBLFUNCTION', 'RANGETBLREF', 'FROMEXPR', 'JOINEXPR', 'ALIAS',
        'TARGETENTRY', 'VAR', 'CONST', 'PARAM', 'AGGREF', 'WINDOWFUNC', 'WINDOWCLAUSE', 'FUNCEXPR', 'NAMEDARGEXPR', 'OPEXPR',
        'DISTINCTEXPR', 'NULLIFEXPR', 'SCALARARRAYOPEXPR', 'BOOLEXPR', 'SUBLINK', 'RELABELTYPE', 'COLLATEEXPR', 'CASEEXPR',
        'CASE', 'CASEWHEN', 'WHEN', 'CASETESTEXPR', 'ARRAYEXPR', 'ARRAY', 'ROWEXPR', 'ROW', 'COALESCEEXPR', 'COALESCE', 'MINMAXEXPR',
        'MINMAX', 'NULLTEST', 'BOOLEANTEST', 'SORTGROUPCLAUSE', 'GROUPINGSET', 'GROUPINGFUNC', 'SETOPERATIONSTMT',
        'COMMONTABLEEXPR', 'ARRAYCOERCEEXPR', 'SUBSCRIPTINGREF', 'FIELDSELECT', 'RTE'];
    v_types CONSTANT regtype[] := ARRAY['boolean', 'smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric', 'text',
        'varchar', 'bpchar', '"char"', 'name', 'unknown', 'interval', 'text[]', 'integer[]', 'bigint[]', 'numeric[]', 'float8[]']::regtype[];
    -- STABLE only because they read the session's time zone, and rules are judged in UTC.
    v_of_time_zone CONSTANT text := '^(date|time|timestamp|timestamptz|date_trunc|date_part|extract|timestamptz_(pl|mi)_interval'
        || '|(date|timestamp)_(eq|ne|lt|le|gt|ge|cmp)_timestamptz|timestamptz_(eq|ne|lt|le|gt|ge|cmp)_(date|timestamp))$';
    v_tables text[];
BEGIN
    IF p_tree IS NULL
       OR EXISTS (SELECT FROM regexp_matches(p_tree, '\{([A-Z_]+)', 'g') AS m WHERE m[1] <> ALL (v_nodes))
       OR EXISTS (SELECT FROM regexp_matches(p_tree, ':consttype (\d+)', 'g') AS m WHERE m[1]::oid::regtype <> ALL (v_types))
       -- ctid, xmin, tableoid: these change when a row moves.
       OR p_tree ~ ':varattno -\d'
       OR EXISTS (
           SELECT FROM (
               SELECT m[1]::oid AS id FROM regexp_matches(p_tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g') AS m
               UNION
               SELECT o.oprcode FROM regexp_matches(p_tree, ':opno (\d+)', 'g') AS m JOIN pg_operator o ON o.oid = m[1]::oid
           ) AS f
           LEFT JOIN pg_proc p ON p.oid = f.id
           WHERE f.id <> 0 AND f.id::regproc::text NOT IN ('staging.duplicate_count', 'staging.oldest_date', 'staging.known_products',
                                                       'staging.start_of_day', 'staging.time_zone', 'staging.takes_negative_lines',
                                                       'staging.is_shortened_number', 'staging.is_point_zero',
                                                       -- What these read is the gate's input 'usual'.
                                                       'audit.unusual', 'audit.unusual_words', 'audit.new_codes', 'audit.new_codes_words', 'audit.gone_codes', 'audit.gone_codes_words')
             AND NOT coalesce(p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384
                              AND (p.provolatile = 'i'
                                   OR (p.provolatile = 's' AND p.proname ~ v_of_time_zone
                                       -- Not from text, which may say 'now'.
                                       AND NOT (p.proname IN ('date', 'time', 'timestamp', 'timestamptz')
                                                AND p.proargtypes[0] NOT IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)))), false))
    THEN
        RETURN NULL;
    END IF;

    SELECT coalesce(array_agg(DISTINCT c.name), '{}') INTO v_tables
    FROM (
        SELECT format('%I.%I', n.nspname, k.relname) AS name
        FROM regexp_matches(p_tree, ':relid (\d+)', 'g') AS m
        JOIN pg_class k ON k.oid = m[1]::oid JOIN pg_namespace n ON n.oid = k.relnamespace
    ) AS c
    -- Their contents are inputs of the gate.
    WHERE c.name NOT IN ('staging.codes', 'warehouse.order_statuses');
    IF EXISTS (SELECT FROM unnest(v_tables) AS t (name)
               WHERE NOT EXISTS (SELECT FROM audit.steps s WHERE t.name = ANY (s.writes)))
    THEN
        RETURN NULL;
    END IF;
    -- What our own functions read besides the day's staging: settings, which are an input, and this.
    IF EXISTS (SELECT FROM regexp_matches(p_tree, ':funcid (\d+)', 'g') AS m WHERE m[1]::regproc::text = 'staging.known_products') THEN
        v_tables := v_tables || 'warehouse.product_loads of other days'::text;
    END IF;
    RETURN v_tables;
END
$_tables_in_tree$;
COMMENT ON FUNCTION audit._tables_in_tree(text) IS 'The tables that a parsed query reads; NULL if anything else could change its answer';
