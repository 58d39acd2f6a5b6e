-- Drops what was put aside, where nothing needs it any more.
CREATE OR REPLACE FUNCTION warehouse._drop_replaced() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_drop_replaced$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace IN ('raw'::regnamespace, 'staging'::regnamespace, 'warehouse'::regnamespace)
          AND c.relkind = 'r' AND c.relname = 'replaced_' || c.oid
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE %s', v_table);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            RAISE NOTICE '% is still needed by %', v_table, warehouse._needed_by(v_table);
        END;
    END LOOP;
END
$_drop_replaced$;
COMMENT ON FUNCTION warehouse._drop_replaced() IS 'Drops what was put aside because others needed it, where nothing does any more';
