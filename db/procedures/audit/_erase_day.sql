-- Gives a user's rows of one day in staging and facts to the pseudonym. Each table is changed in that day's partition only,
-- so the cost does not grow with the history. updated_at stays as it was: otherwise it would tell which pseudonym was made
-- with which erasure. Returns the number of rows.
CREATE OR REPLACE FUNCTION audit._erase_day(p_user_id text, p_erased audit.erased_users, p_day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_erase_day$
DECLARE
    v_table     record;
    v_rows      bigint;
    v_staging   bigint := 0;
    v_warehouse bigint := 0;
    v_samples   bigint;
BEGIN
    v_samples := audit._erase_samples(p_user_id, p_erased.pseudonym, p_day);
    PERFORM audit._admit_pseudonym(p_user_id, p_erased.pseudonym);
    FOR v_table IN
        SELECT t.name, t.name::text LIKE 'staging.%' AS is_staging, audit._without_personal(t.name) IS NOT NULL AS has_personal,
               CASE WHEN t.name::text LIKE '%_superseded' THEN t.name ELSE warehouse._partition_of(t.name, p_day) END AS partition
        FROM unnest(ARRAY['staging.orders_clean', 'staging.events_clean', 'warehouse.fact_orders', 'warehouse.fact_events',
                          'warehouse.orders_superseded', 'warehouse.events_superseded']::regclass[]) AS t (name)
    LOOP
        CONTINUE WHEN v_table.partition IS NULL;
        IF warehouse._distribution_column(v_table.name) = 'user_id' THEN
            v_rows := audit._move_to_pseudonym(v_table.name, v_table.partition, p_user_id, p_erased.pseudonym, p_day);
        ELSE
            EXECUTE format('UPDATE %s t SET user_id = $1 %s WHERE t.load_date = $2 AND t.user_id = $3', v_table.partition,
                           audit._without_personal(v_table.name))
            USING p_erased.pseudonym, p_day, p_user_id;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        END IF;
        IF v_table.is_staging THEN
            v_staging := v_staging + v_rows;
        ELSE
            v_warehouse := v_warehouse + v_rows;
        END IF;
        IF v_rows > 0 AND v_table.has_personal THEN
            PERFORM audit._note_table(v_table.partition);
        END IF;
    END LOOP;

    -- A run in the middle of an erasure leaves a day with orders of both: two customers who are one now.
    PERFORM warehouse._count_customers(p_day);

    -- A run may have loaded a part of the day's rows already: then both the user and the pseudonym are there.
    INSERT INTO warehouse.user_loads AS l (user_id, load_date, first_seen_at, last_seen_at)
    SELECT p_erased.pseudonym, u.load_date, u.first_seen_at, u.last_seen_at
    FROM warehouse.user_loads u WHERE u.user_id = p_user_id AND u.load_date = p_day
    ON CONFLICT ON CONSTRAINT user_loads_pkey DO UPDATE
    SET first_seen_at = least(l.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(l.last_seen_at, excluded.last_seen_at);
    DELETE FROM warehouse.user_loads u WHERE u.user_id = p_user_id AND u.load_date = p_day;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_warehouse := v_warehouse + v_rows;

    DELETE FROM audit.step_inputs i WHERE i.run_date = p_day;
    UPDATE audit.erasures e
    SET staging_rows = e.staging_rows + v_staging, warehouse_rows = e.warehouse_rows + v_warehouse, audit_rows = e.audit_rows + v_samples
    WHERE e.erasure_id = p_erased.erasure_id;
    RETURN v_staging + v_warehouse;
END
$_erase_day$;
COMMENT ON FUNCTION audit._erase_day(text, audit.erased_users, date) IS 'Gives a user''s rows of one day in staging and facts to the pseudonym';
