-- Gives the stand-in of facts the day's partition, and of other days the rows that pg_temp.preview_others names (load_date, key); they
-- are in pg_temp.before_<facts>, too. Other days of the day's month have the partition that they have; those of another month share one:
-- so a preview has few partitions, however many days it touches.
CREATE OR REPLACE FUNCTION audit._preview_partitions(p_facts text, p_load_date date, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_partitions$
DECLARE
    v_live   regclass := format('warehouse.%I', p_facts)::regclass;
    v_parent regclass := format('pg_temp.%I', p_facts)::regclass;
    v_before text := 'before_' || p_facts;
    v_day    record;
    v_name   text;
BEGIN
    PERFORM audit._preview_day('warehouse', p_facts, p_load_date);
    ANALYZE pg_temp.preview_others;
    EXECUTE format('CREATE TEMPORARY TABLE %I AS SELECT t.* FROM pg_temp.%I AS t WHERE false', v_before, p_facts);
    FOR v_day IN
        SELECT d.load_date, d.partition, CASE WHEN date_trunc('month', d.load_date) <> date_trunc('month', p_load_date) OR d.partition::text ~ '_p_\d+_\d+$'
                                              THEN 'month' ELSE 'day' END AS grain
        FROM (SELECT o.load_date, warehouse._partition_of(v_live, o.load_date) AS partition
              FROM (SELECT DISTINCT p.load_date FROM pg_temp.preview_others p OFFSET 0) AS o OFFSET 0) AS d
        WHERE d.partition IS NOT NULL ORDER BY d.load_date
    LOOP
        PERFORM audit._preview_take(v_before, format(
            'SELECT f.* FROM %s AS f JOIN pg_temp.preview_others p ON %s WHERE f.load_date = %3$L AND p.load_date = %3$L',
            v_day.partition, (SELECT string_agg(format('p.%1$I = f.%1$I', k), ' AND ') FROM unnest(p_key) AS k), v_day.load_date));
        IF warehouse._partition_of(v_parent, v_day.load_date) IS NULL THEN
            v_name := split_part(warehouse._partition_name(v_live, v_day.load_date, v_day.grain), '.', 2);
            EXECUTE format('CREATE TEMPORARY TABLE %I PARTITION OF pg_temp.%I FOR VALUES FROM (%L) TO (%L)', v_name, p_facts,
                           date_trunc(v_day.grain, v_day.load_date::timestamp)::date,
                           (date_trunc(v_day.grain, v_day.load_date::timestamp) + ('1 ' || v_day.grain)::interval)::date);
        END IF;
        -- In a compacted month they share the partition of the day, which so far allows the dates of its rows.
        EXECUTE format('SELECT warehouse._allow_date_ids(%L, min(b.date_id), max(b.date_id)) FROM pg_temp.%I AS b WHERE b.load_date = %L',
                       warehouse._partition_of(v_parent, v_day.load_date), v_before, v_day.load_date);
        EXECUTE format('INSERT INTO %s SELECT b.* FROM pg_temp.%I AS b WHERE b.load_date = %L', warehouse._partition_of(v_parent, v_day.load_date), v_before, v_day.load_date);
    END LOOP;
END
$_preview_partitions$;
COMMENT ON FUNCTION audit._preview_partitions(text, date, text[]) IS 'Gives the stand-in of facts the day''s partition, and the rows of other days that may move';
