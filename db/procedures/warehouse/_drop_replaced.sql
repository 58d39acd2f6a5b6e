-- Drops what was put aside, where nothing needs it any more. What is in use is left for the next time: nobody waits for it.
CREATE OR REPLACE FUNCTION warehouse._drop_replaced() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $_drop_replaced$
DECLARE
    v_table        regclass;
    v_lock_timeout text := current_setting('lock_timeout');
BEGIN
    FOR v_table IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace IN ('raw'::regnamespace, 'staging'::regnamespace, 'warehouse'::regnamespace)
          AND c.relkind = 'r' AND c.relname = 'replaced_' || c.oid
    LOOP
        BEGIN
            PERFORM set_config('lock_timeout', audit._setting('swap_lock_timeout_ms')::text, true);
            EXECUTE format('DROP TABLE %s', v_table);
            PERFORM set_config('lock_timeout', v_lock_timeout, true);
        EXCEPTION
            WHEN dependent_objects_still_exist THEN
                IF warehouse._distribution_column(v_table) IS NOT NULL THEN
                    EXECUTE format('TRUNCATE TABLE %s', v_table);  -- elsewhere it is empty already
                END IF;
                RAISE NOTICE '% is still needed by %', v_table, warehouse._needed_by(v_table);
            WHEN lock_not_available THEN
                NULL;
        END;
    END LOOP;
END
$_drop_replaced$;
COMMENT ON FUNCTION warehouse._drop_replaced() IS 'Drops what was put aside because others needed it, where nothing does any more';
