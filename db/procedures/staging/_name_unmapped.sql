-- Says of which orders the rows are that could not be put into our form (record_id of pg_temp.unmapped_records): by the field that
-- holds the order's id in each row that could. Where no field does, the function having made the id of several, nobody can say.
--
-- Reads: pg_temp.order_rows, the records of the delivery;  called by _join_rows if a row failed
CREATE OR REPLACE FUNCTION staging._name_unmapped(p_load_date date, p_load_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $_name_unmapped$
BEGIN
    EXECUTE format($query$
        WITH fields AS MATERIALIZED (
            SELECT r.raw_id, f.key, staging._trimmed(f.value) AS value
            FROM (%s) AS r
            CROSS JOIN LATERAL json_each_text(CASE WHEN json_typeof(r.record) = 'object' AND staging._is_storable(r.record::text) THEN r.record ELSE '{}' END) AS f
        ),
        ids AS (
            SELECT f.key
            FROM fields f JOIN pg_temp.order_rows o ON o.raw_id = f.raw_id AND o.order_id = f.value
            GROUP BY f.key HAVING count(DISTINCT f.raw_id) = (SELECT count(*) FROM pg_temp.order_rows)
        )
        UPDATE pg_temp.unmapped_records u SET record_id = f.value
        FROM fields f JOIN ids i ON i.key = f.key
        WHERE u.load_id = $3 AND u.raw_id = f.raw_id
        $query$, staging._records_query('orders'))
    USING p_load_date, ARRAY[p_load_id], p_load_id;
END
$_name_unmapped$;
COMMENT ON FUNCTION staging._name_unmapped(date, bigint) IS 'Says of which orders the rows are that could not be put into our form';
