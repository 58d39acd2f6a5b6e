-- Makes a day of a partitioned table what a query says. This is the one place where partitions are put in place.
--
-- First load: the partition is built beside and attached; that waits for no reader and blocks none. Reload: the rows
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

    -- The old rows' created_at goes along: a row that changes was still made when it was made.
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

-- Builds a day's partition beside its parent. Returns its rows; of a day without any nothing is left.
CREATE OR REPLACE FUNCTION warehouse._build_day(p_parent regclass, p_load_date date, p_query text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_build_day$
DECLARE
    v_name text := warehouse._partition_name(p_parent, p_load_date, 'day');
    v_rows bigint;
BEGIN
    v_rows := warehouse._build_partition(p_parent, v_name, p_load_date, p_load_date + 1, p_query);
    IF v_rows = 0 THEN
        EXECUTE format('DROP TABLE %s', v_name);
    END IF;
    RETURN v_rows;
END
$_build_day$;
COMMENT ON FUNCTION warehouse._build_day(regclass, date, text) IS 'Builds a day''s partition beside its parent';

-- Makes the table that was filled under the name of a day's partition that partition. Returns whether it has rows; of a
-- day without any nothing is left.
CREATE OR REPLACE FUNCTION warehouse._publish_first(p_parent regclass, p_load_date date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_publish_first$
DECLARE
    v_name     text := warehouse._partition_name(p_parent, p_load_date, 'day');
    v_has_rows boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', v_name) INTO v_has_rows;
    IF v_has_rows THEN
        PERFORM warehouse._prove_partition(p_parent, v_name, p_load_date, p_load_date + 1);
        PERFORM warehouse._attach_day(p_parent, p_load_date);
    ELSE
        EXECUTE format('DROP TABLE %s', v_name);
    END IF;
    RETURN v_has_rows;
END
$_publish_first$;
COMMENT ON FUNCTION warehouse._publish_first(regclass, date) IS 'Makes the table that was filled under the name of a day''s partition that partition';

-- Attaches a day's partition that was built beside.
CREATE OR REPLACE FUNCTION warehouse._attach_day(p_parent regclass, p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_attach_day$
BEGIN
    PERFORM warehouse._lock_publishing(p_parent);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', p_parent,
                   warehouse._partition_name(p_parent, p_load_date, 'day'), p_load_date, p_load_date + 1);
END
$_attach_day$;
COMMENT ON FUNCTION warehouse._attach_day(regclass, date) IS 'Attaches a day''s partition that was built beside';

-- One session at a time puts partitions of a table in place, and moves its rows between days; until its transaction ends.
CREATE OR REPLACE FUNCTION warehouse._lock_publishing(p_parent regclass) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_lock_publishing$
    SELECT warehouse._wait_for_lock('publish', p_parent::oid::integer, format('the publishing of %s', p_parent));
$_lock_publishing$;
COMMENT ON FUNCTION warehouse._lock_publishing(regclass) IS 'One session at a time puts partitions of a table in place, until its transaction ends';

-- Puts a partition that was built beside in the place of others, which are dropped.
CREATE OR REPLACE FUNCTION warehouse._swap_partitions(
    p_parent regclass, p_old regclass[], p_new text, p_name text, p_from date, p_to date
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_swap_partitions$
DECLARE
    v_foreign_keys text;
    v_relations    regclass[];
BEGIN
    -- Who writes a dimension reads it first. One that came between would wait for the foreign keys made below, and keep
    -- the swap from its locks for as long: so writers and swaps take turns. In the order of names, as others do.
    PERFORM warehouse._lock_publishing(d.dimension)
    FROM (SELECT k.confrelid::regclass AS dimension FROM pg_constraint k
          WHERE k.conrelid = p_parent AND k.contype = 'f' ORDER BY k.confrelid::regclass::text COLLATE "C") AS d;

    -- Foreign keys are proved before the lock on the parent is asked for: readers wait for the catalog only.
    SELECT string_agg(format('ADD CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ', '),
           array_agg(k.confrelid::regclass)
    INTO v_foreign_keys, v_relations
    FROM pg_constraint k WHERE k.conrelid = p_parent AND k.contype = 'f';
    IF v_foreign_keys IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', p_new, v_foreign_keys);
    END IF;

    PERFORM warehouse._execute_or_give_up(
        format('swap of %s', p_name),
        p_parent || p_old || v_relations,
        (SELECT array_agg(format('ALTER TABLE %s DETACH PARTITION %s', p_parent, o)) FROM unnest(p_old) AS o)
        || format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', p_parent, p_new, p_from, p_to)
        || (SELECT array_agg(format('SELECT warehouse._drop_partition(%L::pg_catalog.regclass)', o)) FROM unnest(p_old) AS o)
        || format('ALTER TABLE %s RENAME TO %I', p_new, split_part(p_name, '.', 2)));
END
$_swap_partitions$;
COMMENT ON FUNCTION warehouse._swap_partitions(regclass, regclass[], text, text, date, date)
    IS 'Puts a partition that was built beside in the place of others, which are dropped';

-- Lets a fact partition hold these date_ids too: its CHECK is widened where it has to be.
CREATE OR REPLACE FUNCTION warehouse._allow_date_ids(p_partition regclass, p_first integer, p_last integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_allow_date_ids$
DECLARE
    v_range integer[];
BEGIN
    SELECT array_agg(m[1]::integer) INTO v_range
    FROM pg_constraint k, regexp_matches(pg_get_constraintdef(k.oid), '([0-9]{8})', 'g') AS m
    WHERE k.conrelid = p_partition AND k.conname = 'date_id_range';

    IF p_first < (SELECT min(d) FROM unnest(v_range) AS d) OR p_last > (SELECT max(d) FROM unnest(v_range) AS d) THEN
        PERFORM warehouse._execute_or_give_up(format('new range of dates for %s', p_partition), ARRAY[p_partition], ARRAY[
            format('ALTER TABLE %s DROP CONSTRAINT date_id_range, ADD CONSTRAINT date_id_range CHECK (date_id BETWEEN %s AND %s)',
                   p_partition,
                   (SELECT min(d) FROM unnest(v_range || p_first) AS d), (SELECT max(d) FROM unnest(v_range || p_last) AS d))]);
    END IF;
END
$_allow_date_ids$;
COMMENT ON FUNCTION warehouse._allow_date_ids(regclass, integer, integer) IS 'Lets a fact partition hold these date_ids too';
