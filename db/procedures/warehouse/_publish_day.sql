-- Makes a day of a partitioned table what a query says. This is the one place where partitions are put in place.
--
-- First load: the partition is built beside and attached; this waits for no reader and blocks none. Reload: the rows
-- that differ are written in the live partition when they are few, or when it is a compacted month; else the
-- partition is built anew and swapped, in time that depends on the day. A row that did not change stays as it is.
--
-- p_query:   gives every column of the parent; it is run once or twice
-- p_key:     columns that tell the rows of a day apart
-- p_carried: columns that are not compared: ids and times that a row keeps while the others stay the same
-- Returns:   rows added, changed or taken away; 0 means that nothing was written
-- Locks:     the parent's publish lock (advisory) until the transaction ends; SHARE UPDATE EXCLUSIVE on the parent for
--            ATTACH; for a swap of facts the dimensions' publish locks, and ACCESS EXCLUSIVE on the parent (and the
--            dimensions of facts) after all work is done
-- Errors:    WH006 a swap did not get its locks
CREATE OR REPLACE FUNCTION warehouse._publish_day(
    p_parent regclass, p_load_date date, p_query text, p_key text[], p_carried text[]
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_publish_day$
DECLARE
    v_live        regclass := warehouse._partition_of(p_parent, p_load_date);
    v_name        text := warehouse._partition_name(p_parent, p_load_date, 'day');
    v_columns     text[];
    v_same_key    text;
    v_same_row    text;
    v_selected    text;
    v_inserted    text;
    v_changed     bigint;
    v_live_count  bigint;
    v_dates       record;
BEGIN
    IF v_live IS NULL THEN
        v_changed := warehouse._build_day(p_parent, p_load_date, p_query);
        IF v_changed > 0 THEN
            PERFORM warehouse._attach_day(p_parent, p_load_date);
        END IF;
        RETURN v_changed;
    END IF;
    PERFORM warehouse._lock_publishing(p_parent);

    SELECT array_agg(a.attname::text ORDER BY a.attnum) INTO v_columns
    FROM pg_attribute a WHERE a.attrelid = p_parent AND a.attnum > 0 AND NOT a.attisdropped;
    SELECT string_agg(format('n.%1$I = o.%1$I', k), ' AND ') INTO v_same_key FROM unnest(p_key) AS k;
    SELECT format('(%s) IS NOT DISTINCT FROM (%s)', string_agg(format('n.%I', c), ', '), string_agg(format('o.%I', c), ', '))
    INTO v_same_row FROM unnest(v_columns) AS c WHERE c <> ALL (p_key || p_carried || 'load_date'::text);

    -- created_at is taken over from the old row: a change does not alter when the row was made.
    EXECUTE format(
        'CREATE TEMPORARY TABLE changed_rows ON COMMIT DROP AS
         SELECT %1$s, o.is_old IS NOT NULL AS is_old, n.is_new IS NOT NULL AS is_new %2$s
         FROM (SELECT q.*, true AS is_new FROM (%3$s) AS q) AS n
         FULL JOIN (SELECT l.*, true AS is_old FROM %4$s AS l WHERE l.load_date = %5$L) AS o ON %6$s
         WHERE o.is_old IS NULL OR n.is_new IS NULL OR NOT (%7$s)',
        (SELECT string_agg(format('coalesce(n.%1$I, o.%1$I) AS %1$I', k), ', ') FROM unnest(p_key) AS k),
        CASE WHEN 'created_at' = ANY (v_columns) THEN ', o.created_at' END,
        p_query, v_live, p_load_date, v_same_key, v_same_row);
    GET DIAGNOSTICS v_changed = ROW_COUNT;

    IF v_changed > 0 THEN
        EXECUTE format('SELECT count(*) FROM %s WHERE load_date = %L', v_live, p_load_date) INTO v_live_count;

        IF v_live <> coalesce(to_regclass(v_name), 0) OR v_changed * 100 <= v_live_count * audit._setting('in_place_percent') THEN
            IF 'date_id' = ANY (v_columns) THEN
                EXECUTE format('SELECT min(q.date_id) AS first, max(q.date_id) AS last FROM (%s) AS q', p_query) INTO v_dates;
                PERFORM warehouse._allow_date_ids(v_live, v_dates.first, v_dates.last);
            END IF;
            EXECUTE format('DELETE FROM %s AS o USING pg_temp.changed_rows AS n WHERE n.is_old AND o.load_date = %L AND %s',
                           v_live, p_load_date, v_same_key);
            SELECT string_agg(format('%I', c), ', '),
                   string_agg(CASE c WHEN 'created_at' THEN 'coalesce(o.created_at, n.created_at)' ELSE format('n.%I', c) END, ', ')
            INTO v_inserted, v_selected FROM unnest(v_columns) AS c;
            EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM (%s) AS n JOIN pg_temp.changed_rows AS o ON %s',
                           v_live, v_inserted, v_selected, p_query, v_same_key);
        ELSE
            SELECT string_agg(CASE WHEN c = 'created_at' THEN 'coalesce(o.created_at, n.created_at) AS created_at'
                                   WHEN c = ANY (p_carried)
                                   THEN format('CASE WHEN o.load_date IS NOT NULL AND %s THEN o.%2$I ELSE n.%2$I END AS %2$I', v_same_row, c)
                                   ELSE format('n.%I', c) END, ', ')
            INTO v_selected FROM unnest(v_columns) AS c;
            PERFORM warehouse._build_partition(
                p_parent, v_name || '_new', p_load_date, p_load_date + 1,
                format('SELECT %s FROM (%s) AS n LEFT JOIN %s AS o ON %s', v_selected, p_query, v_live, v_same_key));
            PERFORM warehouse._swap_partitions(p_parent, ARRAY[v_live], v_name || '_new', v_name, p_load_date, p_load_date + 1);
        END IF;
    END IF;
    DROP TABLE pg_temp.changed_rows;
    RETURN v_changed;
END
$_publish_day$;
COMMENT ON FUNCTION warehouse._publish_day(regclass, date, text, text[], text[]) IS 'Makes a day of a partitioned table what a query says';
