-- Puts rows, each as a text, into a temporary table.
CREATE OR REPLACE FUNCTION audit._preview_put(p_table text, p_rows text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_put$
BEGIN
    EXECUTE format('INSERT INTO pg_temp.%1$I SELECT (r.row).* FROM (SELECT t::pg_temp.%1$I AS row FROM unnest($1) AS t OFFSET 0) AS r', p_table)
    USING p_rows;
    EXECUTE format('ANALYZE pg_temp.%I', p_table);
END
$_preview_put$;
COMMENT ON FUNCTION audit._preview_put(text, text[]) IS 'Puts rows, each as a text, into a temporary table';
