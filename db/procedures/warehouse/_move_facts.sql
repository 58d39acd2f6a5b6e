-- What reload_fact_orders and reload_fact_events have in common: rows that move between the facts and those that a
-- later load superseded, and the day itself that is put in its place. Each partition is reached by its own name; only the
-- days of moved rows are touched.
--
-- Passed in temporary tables (their columns: the headers of these two files): superseded_rows, taken_over and given_back are
-- the worker's; taken_rows and given_rows are made here, like the superseded table.

-- Takes rows out of the facts of earlier loads: pg_temp.taken_over (key, load_date). They are kept as superseded, and
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
    FOR v_partition IN
        SELECT p.name, array_agg(p.load_date) AS load_dates
        FROM (SELECT warehouse._partition_of(p_facts, d.load_date) AS name, d.load_date
              FROM (SELECT DISTINCT t.load_date FROM pg_temp.taken_over t) AS d) AS p
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
COMMENT ON FUNCTION warehouse._take_rows(regclass, regclass, text[]) IS 'Takes rows out of the facts of earlier loads; they are kept as superseded';

-- Gives rows back to the facts of earlier loads: pg_temp.given_back (key, load_date). They are in pg_temp.given_rows
-- afterwards.
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
COMMENT ON FUNCTION warehouse._give_rows(regclass, regclass, text[]) IS 'Gives superseded rows back to the facts of earlier loads';

-- Errors: WH011, instead of a foreign key's message, which does not say what to do
CREATE OR REPLACE FUNCTION warehouse._refuse_without_dimensions(p_load_date date, p_message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_refuse_without_dimensions$
BEGIN
    RAISE EXCEPTION 'the dimensions do not know the staging of %', p_load_date USING ERRCODE = 'WH011',
        DETAIL = p_message,
        HINT = format('CALL warehouse.load_dim_date(%1$L); CALL warehouse.load_dim_user(%1$L); CALL warehouse.load_dim_product(%1$L);', p_load_date);
END
$_refuse_without_dimensions$;
COMMENT ON FUNCTION warehouse._refuse_without_dimensions(date, text) IS 'Says which steps have to come before the facts';
