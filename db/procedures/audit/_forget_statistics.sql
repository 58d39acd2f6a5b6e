-- The planner's statistics keep frequent values: of columns, expressions and groups of columns, for partitions and for
-- their parents. Statistics that contain the user_id, and those of tables whose other columns described the person, are
-- rebuilt: one table per call, so that nobody waits for more than one.
--
-- Reads:  pg_stats, pg_stats_ext, pg_stats_ext_exprs; pg_temp.erasure_tables
-- Locks:  SHARE UPDATE EXCLUSIVE on the table, as ANALYZE does
CREATE OR REPLACE FUNCTION audit._forget_statistics(p_user_id text, p_erased audit.erased_users) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_forget_statistics$
DECLARE
    -- The user_id as an array writes it, and in hexadecimal.
    v_text  text := replace(replace(p_user_id, '\', '\\'), '"', '\"');
    v_hex   text := encode(convert_to(p_user_id, 'UTF8'), 'hex');
    v_table regclass;
BEGIN
    IF NOT (SELECT e.knows_tables FROM pg_temp.erasure e) THEN
        INSERT INTO pg_temp.erasure_tables (name)
        SELECT format('%I.%I', s.schemaname, s.tablename)::regclass
        FROM (
            SELECT c.schemaname, c.tablename, concat(c.most_common_vals::text, c.histogram_bounds::text, c.most_common_elems::text) AS known
            FROM pg_stats c
            UNION ALL
            SELECT x.schemaname, x.tablename, x.most_common_vals::text FROM pg_stats_ext x
            UNION ALL
            SELECT x.schemaname, x.tablename, concat(x.most_common_vals::text, x.histogram_bounds::text, x.most_common_elems::text)
            FROM pg_stats_ext_exprs x
        ) AS s
        WHERE s.schemaname IN ('raw', 'staging', 'warehouse', 'audit')
          AND (position(v_text IN s.known) > 0 OR position(v_hex IN s.known) > 0)
        UNION
        SELECT t.name FROM unnest(ARRAY['warehouse.dim_user', 'warehouse.user_loads']::regclass[]) AS t (name)
        UNION
        -- An earlier call may have changed these days before it was interrupted.
        SELECT warehouse._partition_of('staging.orders_clean', l.load_date) FROM warehouse.user_loads l WHERE l.user_id = p_erased.pseudonym
          AND warehouse._partition_of('staging.orders_clean', l.load_date) IS NOT NULL
        UNION
        SELECT 'staging.orders_clean'::regclass;
        UPDATE pg_temp.erasure SET knows_tables = true;
        -- Without statistics there is nothing to forget; a partition may be gone.
        DELETE FROM pg_temp.erasure_tables t
        WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                          JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname WHERE c.oid = t.name);
    END IF;
    SELECT t.name INTO v_table FROM pg_temp.erasure_tables t JOIN pg_class c ON c.oid = t.name ORDER BY t.name LIMIT 1;
    IF v_table IS NULL THEN
        RETURN 'end';
    END IF;
    EXECUTE format('ANALYZE %s', v_table);
    DELETE FROM pg_temp.erasure_tables t WHERE t.name = v_table;
    RETURN 'statistics';
END
$_forget_statistics$;
COMMENT ON FUNCTION audit._forget_statistics(text, audit.erased_users) IS 'Rebuilds the planner''s statistics that may contain a user_id';
