-- Turns the table that was filled under the name of a day's partition into that partition. Returns whether it has rows; if
-- it has none, no table is left.
CREATE OR REPLACE FUNCTION warehouse._publish_first(p_parent regclass, p_load_date date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_publish_first$
DECLARE
    v_name     text := warehouse._partition_name(p_parent, p_load_date, 'day');
    v_has_rows boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', v_name) INTO v_has_rows;
    IF v_has_rows THEN
        PERFORM warehouse._constrain_partition(p_parent, v_name, p_load_date, p_load_date + 1);
        PERFORM warehouse._attach_day(p_parent, p_load_date);
    ELSE
        EXECUTE format('DROP TABLE %s', v_name);
    END IF;
    RETURN v_has_rows;
END
$_publish_first$;
COMMENT ON FUNCTION warehouse._publish_first(regclass, date) IS 'Turns the table that was filled under the name of a day''s partition into that partition';
