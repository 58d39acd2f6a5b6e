-- Publishes the rows of _collect_rows as the day: a table of the partition's name becomes the partition, another one is
-- compared with it. Returns whether any row was added, changed or removed.
CREATE OR REPLACE FUNCTION staging._publish_rows(
    p_parent regclass, p_load_date date, p_rows regclass, p_key text[], p_carried text[]
) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_publish_rows$
DECLARE
    v_has_changed boolean;
BEGIN
    IF p_rows = to_regclass(warehouse._partition_name(p_parent, p_load_date, 'day')) THEN
        RETURN warehouse._publish_first(p_parent, p_load_date);
    END IF;
    v_has_changed := warehouse._publish_day(
        p_parent, p_load_date, format('SELECT %s FROM %s', warehouse._column_list(p_parent), p_rows), p_key, p_carried) > 0;
    EXECUTE format('DROP TABLE %s', p_rows);
    RETURN v_has_changed;
END
$_publish_rows$;
COMMENT ON FUNCTION staging._publish_rows(regclass, date, regclass, text[], text[]) IS 'Publishes the rows of _collect_rows as the day';
