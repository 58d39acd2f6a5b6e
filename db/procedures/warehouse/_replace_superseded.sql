-- Replaces the superseded rows of a load by pg_temp.superseded_rows; those that are already there stay.
CREATE OR REPLACE FUNCTION warehouse._replace_superseded(p_superseded regclass, p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_replace_superseded$
BEGIN
    EXECUTE format('DELETE FROM %s o WHERE o.load_date = %L AND NOT EXISTS (SELECT FROM pg_temp.superseded_rows n WHERE to_jsonb(n) = to_jsonb(o))',
                   p_superseded, p_load_date);
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM pg_temp.superseded_rows ON CONFLICT ON CONSTRAINT %3$I DO NOTHING',
                   p_superseded, warehouse._column_list(p_superseded),
                   (SELECT k.conname FROM pg_constraint k WHERE k.conrelid = p_superseded AND k.contype = 'p'));
    ANALYZE pg_temp.superseded_rows;  -- they are taken out of what was built
END
$_replace_superseded$;
COMMENT ON FUNCTION warehouse._replace_superseded(regclass, date) IS 'Replaces the superseded rows of a load by pg_temp.superseded_rows';
