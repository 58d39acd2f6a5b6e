-- Attaches a day's partition that was built beside its parent.
CREATE OR REPLACE FUNCTION warehouse._attach_day(p_parent regclass, p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_attach_day$
BEGIN
    PERFORM warehouse._lock_publishing(p_parent);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', p_parent,
                   warehouse._partition_name(p_parent, p_load_date, 'day'), p_load_date, p_load_date + 1);
END
$_attach_day$;
COMMENT ON FUNCTION warehouse._attach_day(regclass, date) IS 'Attaches a day''s partition that was built beside its parent';
