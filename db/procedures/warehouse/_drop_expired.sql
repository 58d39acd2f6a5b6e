-- Drops a partition whose time is over, and records a month of raw as gone. Returns what it did, in words.
-- Errors: WH006 it did not get its locks; WH013 its time is not over
CREATE OR REPLACE FUNCTION warehouse._drop_expired(p_parent regclass, p_partition regclass, p_before date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "DateStyle" = 'ISO, YMD'
AS $_drop_expired$
DECLARE
    v_name text := p_partition::text;
    v_raw  date;
    v_from date;
    v_to   date;
BEGIN
    PERFORM warehouse._refuse_date(p_before);
    PERFORM warehouse._lock_month_exclusive(p.from_date) FROM warehouse._partitions() p WHERE p.partition = p_partition;
    PERFORM warehouse._lock_publishing(p_parent);
    IF NOT EXISTS (SELECT FROM warehouse._expired_partitions(p_before) e WHERE e.partition = p_partition AND e.parent = p_parent) THEN
        RAISE EXCEPTION '% must not be dropped', v_name USING ERRCODE = 'WH013',
            DETAIL = 'The settings raw_keep_days and staging_keep_days keep it.',
            HINT = 'SELECT name, value FROM audit.settings;';
    END IF;
    SELECT p.from_date, p.to_date INTO v_from, v_to FROM warehouse._partitions() p WHERE p.partition = p_partition;
    SELECT p.from_date INTO v_raw
    FROM warehouse._partitions() p JOIN pg_class c ON c.oid = p.parent AND c.relnamespace = 'raw'::regnamespace
    WHERE p.partition = p_partition;
    PERFORM warehouse._execute_or_give_up(
        format('drop of %s', v_name), ARRAY[p_parent, p_partition],
        ARRAY[format('ALTER TABLE %s DETACH PARTITION %s', p_parent, p_partition), format('SELECT warehouse._drop_partition(%L::pg_catalog.regclass)', p_partition)]);
    IF v_raw IS NOT NULL THEN
        INSERT INTO raw.dropped_months (run_month, last_load_id)
        SELECT v_raw, coalesce(max(l.load_id), 0) FROM raw.file_loads l
        WHERE l.run_date >= v_raw AND l.run_date < (v_raw + interval '1 month')::date
        ON CONFLICT ON CONSTRAINT dropped_months_pkey DO NOTHING;
    END IF;
    -- What the gate saw of it is gone: verdicts of rules that read other days are judged again.
    UPDATE audit.step_inputs i SET worked_in = pg_current_xact_id()
    WHERE i.run_date >= v_from AND i.run_date < v_to
      AND i.step IN (SELECT s.step FROM audit.steps s WHERE p_parent::text = ANY (s.writes));
    RETURN format('%s dropped', v_name);
END
$_drop_expired$;
COMMENT ON FUNCTION warehouse._drop_expired(regclass, regclass, date) IS 'Drops a partition whose time is over, and records a month of raw as gone';
