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
    v_name     text := CASE WHEN v_is_first THEN warehouse._partition_name(p_parent, p_delivery.load_date, 'day') ELSE 'pg_temp.new_rows' END;
BEGIN
    EXECUTE format('CREATE %s TABLE %s AS SELECT %s FROM %s($1, $2, $3, $4, $5, $6) AS r',
                   CASE WHEN NOT v_is_first THEN 'TEMPORARY' END, v_name, staging._columns_read(p_parent), p_reader)
    USING p_delivery.load_date, to_char(p_delivery.load_date, 'YYYY-MM-DD"T__:__:__Z"'), staging.oldest_date(p_delivery.load_date),
          staging._own_form_loads(p_delivery), staging._own_fields(p_delivery.source), p_delivery.shaped_ids IS NOT NULL;
    GET DIAGNOSTICS p_lines = ROW_COUNT;
    p_rows := v_name;
END
$_collect_rows$;
COMMENT ON FUNCTION staging._collect_rows(regclass, regproc, staging.delivery) IS 'Writes what a reader returns for a day into a table';
