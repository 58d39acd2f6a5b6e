-- Where cleaning puts the rows of a day together, and what it makes of them. Columns are those of the table, by name.

-- Makes a table of what a reader says of a day: the one that becomes the day's partition, if it has none yet, else a
-- temporary one, to be compared with the partition. A refused row has no load_date in it.
--
-- p_reader: staging._read_orders or _read_events: it has the columns of the parent
-- p_rows:   the table;  p_lines: its rows
CREATE OR REPLACE FUNCTION staging._collect_rows(p_parent regclass, p_reader regproc, p_delivery staging.delivery, OUT p_rows regclass, OUT p_lines bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_collect_rows$
DECLARE
    v_is_first boolean := warehouse._partition_of(p_parent, p_delivery.load_date) IS NULL;
    v_name     text := CASE WHEN v_is_first THEN warehouse._partition_name(p_parent, p_delivery.load_date, 'day') ELSE 'pg_temp.new_rows' END;
BEGIN
    EXECUTE format('CREATE %s TABLE %s AS SELECT %s FROM %s($1, $2, $3, $4, NULL, $5) AS r',
                   CASE WHEN NOT v_is_first THEN 'TEMPORARY' END, v_name, staging._columns_read(p_parent), p_reader)
    USING p_delivery.load_date, to_char(p_delivery.load_date, 'YYYY-MM-DD"T"'), staging.oldest_date(p_delivery.load_date), p_delivery.load_ids,
          staging._own_fields(p_delivery.source);
    GET DIAGNOSTICS p_lines = ROW_COUNT;
    p_rows := v_name;
END
$_collect_rows$;
COMMENT ON FUNCTION staging._collect_rows(regclass, regproc, staging.delivery) IS 'Makes a table of what a reader says of a day';

-- Makes the day what was put together: a table that is there to stay becomes its partition, a temporary one is compared
-- with the partition. Returns whether anything was added, changed or taken away.
CREATE OR REPLACE FUNCTION staging._publish_rows(
    p_parent regclass, p_load_date date, p_rows regclass, p_key text[], p_carried text[]
) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_publish_rows$
DECLARE
    v_has_changed boolean;
BEGIN
    IF (SELECT c.relpersistence <> 't' FROM pg_class c WHERE c.oid = p_rows) THEN
        RETURN warehouse._publish_first(p_parent, p_load_date);
    END IF;
    v_has_changed := warehouse._publish_day(
        p_parent, p_load_date, format('SELECT %s FROM %s', warehouse._column_list(p_parent), p_rows), p_key, p_carried) > 0;
    EXECUTE format('DROP TABLE %s', p_rows);
    RETURN v_has_changed;
END
$_publish_rows$;
COMMENT ON FUNCTION staging._publish_rows(regclass, date, regclass, text[], text[]) IS 'Makes the day what was put together';

-- The columns of a table of staging, as a reader gives them under the name r; with the time of their making.
CREATE OR REPLACE FUNCTION staging._columns_read(p_parent regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $_columns_read$
    SELECT string_agg(CASE WHEN a.attname IN ('created_at', 'updated_at') THEN format('now() AS %I', a.attname)
                           -- A function's result has no collation of its own.
                           WHEN a.attcollation <> t.typcollation THEN format('r.%1$I COLLATE %2$s AS %1$I', a.attname, a.attcollation::regcollation)
                           ELSE format('r.%I', a.attname) END, ', ' ORDER BY a.attnum)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = p_parent AND a.attnum > 0 AND NOT a.attisdropped;
$_columns_read$;
COMMENT ON FUNCTION staging._columns_read(regclass) IS 'The columns of a table of staging, as a reader gives them';
