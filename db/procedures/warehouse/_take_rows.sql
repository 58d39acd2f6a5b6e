-- Takes rows out of the facts of other loads: pg_temp.taken_over (key, load_date). They are kept as superseded, and
-- are in pg_temp.taken_rows afterwards.
CREATE OR REPLACE FUNCTION warehouse._take_rows(p_facts regclass, p_superseded regclass, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_take_rows$
DECLARE
    v_columns   text := warehouse._column_list(p_superseded);
    v_same_key  text := (SELECT string_agg(format('f.%1$I = t.%1$I', k), ' AND ') FROM unnest(p_key) AS k);
    v_partition record;
BEGIN
    EXECUTE format('CREATE TEMPORARY TABLE taken_rows (LIKE %s) ON COMMIT DROP', p_superseded);
    IF NOT EXISTS (SELECT FROM pg_temp.taken_over) THEN
        RETURN;
    END IF;
    FOR v_partition IN
        SELECT p.name, array_agg(p.load_date) AS load_dates
        -- OFFSET 0: the partition is looked up once per day, before anything is filtered by it, not once per row.
        FROM (SELECT warehouse._partition_of(p_facts, d.load_date) AS name, d.load_date
              FROM (SELECT DISTINCT t.load_date FROM pg_temp.taken_over t OFFSET 0) AS d OFFSET 0) AS p
        WHERE p.name IS NOT NULL GROUP BY p.name ORDER BY min(p.load_date)
    LOOP
        EXECUTE format('WITH taken AS (DELETE FROM %1$s f USING pg_temp.taken_over t
                                       WHERE t.load_date = ANY (%2$L) AND f.load_date = t.load_date AND %3$s RETURNING f.*)
                        INSERT INTO pg_temp.taken_rows (%4$s) SELECT %4$s FROM taken',
                       v_partition.name, v_partition.load_dates, v_same_key, v_columns);
    END LOOP;
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM pg_temp.taken_rows', p_superseded, v_columns);
END
$_take_rows$;
COMMENT ON FUNCTION warehouse._take_rows(regclass, regclass, text[]) IS 'Takes rows out of the facts of other loads; they are kept as superseded';
