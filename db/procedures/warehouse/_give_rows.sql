-- Gives rows back to the facts of other loads: pg_temp.given_back (key, load_date). Afterwards they
-- are in pg_temp.given_rows.
CREATE OR REPLACE FUNCTION warehouse._give_rows(p_facts regclass, p_superseded regclass, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_give_rows$
DECLARE
    v_columns   text := warehouse._column_list(p_superseded);
    v_same_key  text := (SELECT string_agg(format('o.%1$I = g.%1$I', k), ' AND ') FROM unnest(p_key) AS k);
    v_partition regclass;
    v_day       record;
BEGIN
    EXECUTE format('CREATE TEMPORARY TABLE given_rows (LIKE %s) ON COMMIT DROP', p_superseded);
    IF NOT EXISTS (SELECT FROM pg_temp.given_back) THEN
        RETURN;
    END IF;
    EXECUTE format('WITH given AS (DELETE FROM %1$s o USING pg_temp.given_back g WHERE o.load_date = g.load_date AND %2$s RETURNING o.*)
                    INSERT INTO pg_temp.given_rows (%3$s) SELECT %3$s FROM given', p_superseded, v_same_key, v_columns);
    FOR v_day IN
        SELECT r.load_date, min(r.date_id) AS first, max(r.date_id) AS last FROM pg_temp.given_rows r GROUP BY r.load_date ORDER BY r.load_date
    LOOP
        v_partition := warehouse._partition_of(p_facts, v_day.load_date);
        PERFORM warehouse._allow_date_ids(v_partition, v_day.first, v_day.last);
        EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM pg_temp.given_rows r WHERE r.load_date = %3$L',
                       v_partition, v_columns, v_day.load_date);
    END LOOP;
END
$_give_rows$;
COMMENT ON FUNCTION warehouse._give_rows(regclass, regclass, text[]) IS 'Gives superseded rows back to the facts of other loads';
