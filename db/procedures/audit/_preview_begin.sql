-- Makes a place for a preview of a day: stand-ins of the tables that its steps write, with what they hold of the day, and the
-- steps' own routines to go with them. The dimensions and facts are filled before the steps that load them.
--
-- Writes: pg_temp
-- Locks:  ACCESS SHARE on the day's partitions and on tables without partitions that no fact refers to
CREATE OR REPLACE FUNCTION audit._preview_begin(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_begin$
DECLARE
    c_tables constant text[] := ARRAY[
        'staging.orders_clean', 'staging.events_clean', 'staging.products_clean', 'staging.loads', 'audit.bad_records', 'audit.pipeline_runs',
        'audit.pipeline_steps', 'audit.dq_results', 'audit.dq_overrides', 'audit.gate_verdicts', 'audit.step_inputs',
        'warehouse.dim_date', 'warehouse.dim_user', 'warehouse.dim_product', 'warehouse.dim_product_history', 'warehouse.user_loads',
        'warehouse.product_loads', 'warehouse.unseen_members', 'warehouse.fact_orders', 'warehouse.fact_events', 'warehouse.order_owners',
        'warehouse.orders_superseded', 'warehouse.late_events', 'warehouse.events_superseded', 'warehouse.daily_metrics'];
    v_name   text;
    v_run_id bigint := (SELECT coalesce(max(r.run_id), 0) + 1 FROM audit.pipeline_runs r);
BEGIN
    PERFORM audit._preview_tables(c_tables);
    EXECUTE format('CREATE TEMPORARY SEQUENCE staging_versions START WITH %s', (SELECT s.last_value + 1 FROM staging.staging_versions s));
    -- What other days say of users and products is read where it stands.
    PERFORM audit._preview_overlay('user_loads', p_load_date);
    PERFORM audit._preview_overlay('product_loads', p_load_date);
    PERFORM audit._preview_mentions();
    PERFORM audit._preview_routines(
        ARRAY['audit._perform_step', 'warehouse._write_daily_metrics'] || ARRAY(SELECT s.worker FROM audit.steps s WHERE s.worker IS NOT NULL),
        c_tables || 'staging.staging_versions'::text);

    FOREACH v_name IN ARRAY ARRAY['orders_clean', 'events_clean', 'products_clean'] LOOP
        PERFORM audit._preview_day('staging', v_name, p_load_date);
    END LOOP;
    FOREACH v_name IN ARRAY ARRAY['staging.loads', 'audit.bad_records', 'audit.dq_overrides', 'warehouse.daily_metrics',
                                  'warehouse.user_loads', 'warehouse.product_loads'] LOOP
        EXECUTE format('INSERT INTO pg_temp.%I SELECT %s FROM %s AS t WHERE t.%I = %L',
                       CASE WHEN v_name ~ '_loads' THEN 'own_' ELSE '' END || split_part(v_name, '.', 2), warehouse._column_list(v_name::regclass),
                       v_name, CASE WHEN v_name ~ 'loads' THEN 'load_date' ELSE 'run_date' END, p_load_date);
    END LOOP;
    -- Of all days: what is usual is asked of days that were not blocked.
    INSERT INTO pg_temp.gate_verdicts SELECT v.* FROM audit.gate_verdicts v;
    INSERT INTO pg_temp.unseen_members SELECT m.* FROM warehouse.unseen_members m;
    INSERT INTO pg_temp.dq_results
    SELECT d.* FROM audit.dq_results d WHERE d.run_id = (SELECT v.run_id FROM audit.gate_verdicts v WHERE v.run_date = p_load_date);
    -- Of other days, what has worked since the day's verdict: if it read their tables it no longer holds; and the newest work,
    -- which knows what rules read.
    INSERT INTO pg_temp.step_inputs
    SELECT i.* FROM audit.step_inputs i
    WHERE i.run_date = p_load_date
       OR i.worked_in >= least((SELECT pg_snapshot_xmin(o.seen) FROM audit.step_inputs o WHERE o.run_date = p_load_date AND o.step = 'check_quality'),
                               (SELECT n.worked_in FROM (SELECT k.worked_in FROM audit.step_inputs k ORDER BY k.worked_in DESC LIMIT 100) AS n ORDER BY n.worked_in LIMIT 1));
    INSERT INTO pg_temp.pipeline_runs (run_id, run_date, status, triggered_by) VALUES (v_run_id, p_load_date, 'running', 'preview');
    CREATE TEMPORARY TABLE preview_lines (line jsonb);
END
$_preview_begin$;
COMMENT ON FUNCTION audit._preview_begin(date) IS 'Makes a place for a preview of a day';

-- A stand-in that also shows the rows of other days, where they stand: a view; what is written goes to pg_temp.own_<name>.
CREATE OR REPLACE FUNCTION audit._preview_overlay(p_name text, p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_overlay$
DECLARE
    v_columns text := warehouse._column_list(format('pg_temp.%I', p_name)::regclass);
BEGIN
    EXECUTE format('ALTER TABLE pg_temp.%I RENAME TO %I', p_name, 'own_' || p_name);
    EXECUTE format('CREATE TEMPORARY VIEW %1$I AS SELECT %3$s FROM pg_temp.%2$I UNION ALL SELECT %3$s FROM warehouse.%1$I WHERE load_date <> %4$L',
                   p_name, 'own_' || p_name, v_columns, p_load_date);
    EXECUTE format('CREATE TRIGGER preview_write INSTEAD OF INSERT OR DELETE ON pg_temp.%I FOR EACH ROW EXECUTE FUNCTION audit._preview_write()', p_name);
END
$_preview_overlay$;
COMMENT ON FUNCTION audit._preview_overlay(text, date) IS 'Makes a stand-in also show the rows of other days, where they stand';

CREATE OR REPLACE FUNCTION audit._preview_write() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_preview_write$
BEGIN
    IF TG_TABLE_NAME = 'user_loads' THEN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO pg_temp.own_user_loads VALUES (NEW.*);
        ELSE
            DELETE FROM pg_temp.own_user_loads o WHERE o.user_id = OLD.user_id AND o.load_date = OLD.load_date;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO pg_temp.own_product_loads VALUES (NEW.*);
    ELSE
        DELETE FROM pg_temp.own_product_loads o WHERE o.product_id = OLD.product_id AND o.load_date = OLD.load_date;
    END IF;
    RETURN CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
END
$_preview_write$;
COMMENT ON FUNCTION audit._preview_write() IS 'Trigger: what a preview writes to user_loads or product_loads';
