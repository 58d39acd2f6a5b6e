-- One transaction's worth of a change of the time zone: what change_time_zone does between two COMMITs. For the owner only.
--
-- p_stage: begin, drop, end; returns the next one, NULL when all is done
-- Locks and errors: those of warehouse.change_time_zone
CREATE OR REPLACE FUNCTION warehouse._change_zone_next(p_zone text, p_stage text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
AS $_change_zone_next$
DECLARE
    v_change audit.time_zone_changes;
BEGIN
    IF p_stage = 'begin' THEN
        RETURN warehouse._begin_zone_change(p_zone);
    ELSIF p_stage = 'drop' THEN
        PERFORM warehouse._lock_warehouse_shared();
    ELSE
        PERFORM warehouse._lock_warehouse_exclusive();
    END IF;
    -- From here on nobody else begins or completes a change. Another session may have: then what is loaded now is not ours to drop.
    SELECT c.* INTO v_change FROM audit.time_zone_changes c WHERE c.ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE NOTICE 'another session has completed the change: the time zone is %', staging.time_zone();
        RETURN NULL;
    ELSIF v_change.to_zone <> p_zone THEN
        PERFORM warehouse._refuse_while_zone_changes();
    END IF;
    RETURN CASE p_stage WHEN 'drop' THEN warehouse._drop_for_zone_change() ELSE warehouse._end_zone_change(p_zone) END;
END
$_change_zone_next$;
COMMENT ON FUNCTION warehouse._change_zone_next(text, text) IS 'One transaction''s worth of a change of the time zone';

-- Records the change, so that from here on no step works.
CREATE OR REPLACE FUNCTION warehouse._begin_zone_change(p_zone text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_begin_zone_change$
DECLARE
    v_gone text;
BEGIN
    PERFORM audit._refuse_zone(p_zone);
    PERFORM warehouse._lock_warehouse_exclusive();
    UPDATE audit.time_zone_changes c SET to_zone = p_zone WHERE c.ended_at IS NULL;
    IF FOUND THEN
        RETURN 'drop';
    ELSIF staging.time_zone() = p_zone THEN
        RAISE NOTICE 'the time zone is % already', p_zone;
        RETURN NULL;
    END IF;
    SELECT format('%s of %s days, the first is %s', string_agg(DISTINCT g.source, ', '), count(DISTINCT g.load_date), min(g.load_date))
    INTO v_gone
    FROM (SELECT l.source, l.load_date FROM staging.loads l
          WHERE date_trunc('month', l.load_date::timestamp)::date IN (SELECT d.run_month FROM raw.dropped_months d)
            AND EXISTS (SELECT FROM raw._deliveries_in_force(l.source, l.load_date) f WHERE f.is_gone)) AS g
    HAVING count(*) > 0;
    IF v_gone IS NOT NULL THEN
        RAISE EXCEPTION 'the raw of loaded days is gone' USING ERRCODE = 'WH007',
            DETAIL = format('Dropped by the setting raw_keep_days: %s. They could not be loaded again in another time zone. Nothing has changed.', v_gone),
            HINT = 'Deliver the files of these days again (warehouse extract), or keep the time zone.';
    END IF;
    INSERT INTO audit.time_zone_changes (from_zone, to_zone, changed_by) VALUES (staging.time_zone(), p_zone, session_user);
    RETURN 'drop';
END
$_begin_zone_change$;
COMMENT ON FUNCTION warehouse._begin_zone_change(text) IS 'Records a change of the time zone, so that from here on no step works';

-- Drops one partition of staging or facts: a transaction that dropped years of them would need more locks than the server has.
CREATE OR REPLACE FUNCTION warehouse._drop_for_zone_change() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_drop_for_zone_change$
DECLARE
    v_part record;
BEGIN
    SELECT p.parent, p.partition, p.from_date INTO v_part
    FROM warehouse._partitions() p JOIN pg_class c ON c.oid = p.parent
    WHERE c.relnamespace <> 'raw'::regnamespace
    ORDER BY c.relnamespace = 'warehouse'::regnamespace DESC, p.from_date, p.partition LIMIT 1;
    IF NOT FOUND THEN
        RETURN 'end';
    END IF;
    PERFORM warehouse._lock_month_exclusive(v_part.from_date);
    PERFORM warehouse._lock_publishing(v_part.parent);
    -- A compaction that was under way may have merged it meanwhile, or another session dropped it: the next turn finds what is there.
    IF EXISTS (SELECT FROM warehouse._partitions() p WHERE p.partition = v_part.partition) THEN
        PERFORM warehouse._execute_or_give_up(format('drop of %s', v_part.partition), ARRAY[v_part.parent, v_part.partition], ARRAY[
            format('ALTER TABLE %s DETACH PARTITION %s', v_part.parent, v_part.partition),
            format('SELECT warehouse._drop_partition(%L::pg_catalog.regclass)', v_part.partition)]);
    END IF;
    RETURN 'drop';
END
$_drop_for_zone_change$;
COMMENT ON FUNCTION warehouse._drop_for_zone_change() IS 'Drops one partition of staging or facts';

-- Takes away the rest of what runs have made, and sets the setting.
CREATE OR REPLACE FUNCTION warehouse._end_zone_change(p_zone text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_end_zone_change$
DECLARE
    v_made CONSTANT regclass[] := ARRAY[
        'staging.loads', 'audit.bad_records', 'audit.gate_verdicts', 'audit.step_inputs', 'warehouse.daily_metrics', 'warehouse.daily_products',
        'warehouse.daily_order_statuses', 'warehouse.daily_event_types', 'warehouse.user_loads',
        'warehouse.product_loads', 'warehouse.dim_product_history', 'warehouse.unseen_members', 'warehouse.order_owners',
        'warehouse.orders_superseded', 'warehouse.late_events', 'warehouse.events_superseded'];
BEGIN
    IF EXISTS (SELECT FROM warehouse._partitions() p JOIN pg_class c ON c.oid = p.parent WHERE c.relnamespace <> 'raw'::regnamespace) THEN
        RETURN 'drop';
    END IF;
    PERFORM warehouse._execute_or_give_up('emptying the warehouse', v_made,
        ARRAY[format('TRUNCATE TABLE %s', array_to_string(v_made, ', '))]);
    -- Facts refer to these: no TRUNCATE. The guest and the absent product are always there.
    DELETE FROM warehouse.dim_user u WHERE u.user_id <> '(guest)';
    DELETE FROM warehouse.dim_product p WHERE p.product_id <> '(none)';
    UPDATE warehouse.dim_user u SET first_seen_at = NULL, last_seen_at = NULL, updated_at = now() WHERE u.first_seen_at IS NOT NULL;
    UPDATE audit.settings s SET value = p_zone WHERE s.name = 'time_zone' AND s.value <> p_zone;
    UPDATE audit.time_zone_changes c SET ended_at = clock_timestamp() WHERE c.ended_at IS NULL;
    RAISE NOTICE 'the time zone is %; run all days again: CALL warehouse.run_range(first, last)', p_zone;
    RETURN NULL;
END
$_end_zone_change$;
COMMENT ON FUNCTION warehouse._end_zone_change(text) IS 'Takes away the rest of what runs have made, and sets the setting';
