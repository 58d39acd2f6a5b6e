-- Drops a partition that was detached, whatever others have built on it. A column of its row type, a view, a function or a
-- default of theirs would keep PostgreSQL from dropping it, and the day from being published: then the table is emptied and
-- put aside as replaced_<oid>. Nobody's work is destroyed; what was built on the partition could not be read by its maker
-- before, either. compact_partitions drops the table once nothing needs it any more.
--
-- Locks: ACCESS EXCLUSIVE on the table, and on the tables that its foreign keys refer to
CREATE OR REPLACE FUNCTION warehouse._drop_partition(p_partition regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_drop_partition$
DECLARE
    v_name   text := p_partition::text;
    v_needed text;
    v_key    name;
BEGIN
    EXECUTE format('DROP TABLE %s', v_name);
EXCEPTION WHEN dependent_objects_still_exist THEN
    v_needed := warehouse._needed_by(p_partition);
    FOR v_key IN SELECT k.conname FROM pg_constraint k WHERE k.conrelid = p_partition AND k.contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v_name, v_key);
    END LOOP;
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', v_name);  -- of raw
    EXECUTE format('TRUNCATE TABLE %s', v_name);
    EXECUTE format('COMMENT ON TABLE %s IS %L', v_name, format('Was %s. Empty; kept because others need its row type, until compact_partitions may drop it', v_name));
    EXECUTE format('ALTER TABLE %s RENAME TO %I', v_name, 'replaced_' || p_partition::oid);
    RAISE WARNING 'what was % is kept, empty, as replaced_%: it is needed by %', v_name, p_partition::oid, v_needed;
END
$_drop_partition$;
COMMENT ON FUNCTION warehouse._drop_partition(regclass) IS 'Drops a partition that was detached; if others need it, it is emptied and put aside';
