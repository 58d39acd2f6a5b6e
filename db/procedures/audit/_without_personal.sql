-- Further SET clauses of an UPDATE that erases a person from a table of staging or the warehouse: the columns that
-- staging.fields calls personal, except user_id, and attributes without such fields. Begins with a comma; NULL if there are none.
CREATE OR REPLACE FUNCTION audit._without_personal(p_table regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_without_personal$
    SELECT ', ' || string_agg(s.change, ', ')
    FROM (
        SELECT format('%I = NULL', a.attname) AS change
        FROM staging.fields f
        JOIN pg_attribute a ON a.attrelid = p_table AND a.attname = f.column_name AND NOT a.attisdropped
        WHERE f.is_personal AND f.column_name <> 'user_id' AND p_table::text ~ f.source
        UNION ALL
        SELECT format('attributes = nullif(attributes - %L::text[], ''{}'')', array_agg(f.field))
        FROM staging.fields f
        JOIN pg_attribute a ON a.attrelid = p_table AND a.attname = 'attributes' AND NOT a.attisdropped
        WHERE f.is_personal AND f.column_name IS NULL AND p_table::text ~ f.source
        HAVING count(*) > 0
    ) AS s;
$_without_personal$;
COMMENT ON FUNCTION audit._without_personal(regclass) IS 'Further SET clauses of an UPDATE that erases a person from a table';
