-- Writes what a reader returns for a day into a table: if the day has no partition yet, into the one that becomes it, else
-- into a temporary one to compare with the partition. A refused row has no load_date in it.
--
-- p_reader: staging._read_orders or _read_events; it returns the columns of the parent
-- p_rows:   the table;  p_lines: its rows
CREATE OR REPLACE FUNCTION staging._collect_rows(p_parent regclass, p_reader regproc, p_delivery staging.delivery, OUT p_rows regclass, OUT p_lines bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_collect_rows$
DECLARE
    v_is_first boolean := warehouse._partition_of(p_parent, p_delivery.load_date) IS NULL;
    v_shape CONSTANT text := 'YYYY-MM-DD"T__:__:__Z"';
    v_from     timestamptz := staging.start_of_day(p_delivery.load_date);
    v_to       timestamptz := staging.start_of_day(p_delivery.load_date + 1);
    -- The shop's day may reach into another day of UTC; if not, its own is looked for twice.
    v_other    date := CASE WHEN (v_from AT TIME ZONE 'UTC')::date < p_delivery.load_date THEN p_delivery.load_date - 1
                            WHEN v_to > (p_delivery.load_date + 1)::timestamp AT TIME ZONE 'UTC' THEN p_delivery.load_date + 1
                            ELSE p_delivery.load_date END;
    v_name     text := CASE WHEN v_is_first THEN warehouse._partition_name(p_parent, p_delivery.load_date, 'day') ELSE 'pg_temp.new_rows' END;
BEGIN
    EXECUTE format('CREATE %s TABLE %s AS SELECT %s FROM %s($1, $2, $3, $4, $5, $6, $7, $8, $9) AS r',
                   CASE WHEN NOT v_is_first THEN 'TEMPORARY' END, v_name, staging._columns_read(p_parent), p_reader)
    USING p_delivery.load_date, to_char(p_delivery.load_date, v_shape), v_other, to_char(v_other, v_shape),
          staging.start_of_day(staging.oldest_date(p_delivery.load_date)), v_to, staging._own_form_loads(p_delivery),
          staging._own_fields(p_delivery.source), p_delivery.shaped_ids IS NOT NULL;
    GET DIAGNOSTICS p_lines = ROW_COUNT;
    p_rows := v_name;
END
$_collect_rows$;
COMMENT ON FUNCTION staging._collect_rows(regclass, regproc, staging.delivery) IS 'Writes what a reader returns for a day into a table';
