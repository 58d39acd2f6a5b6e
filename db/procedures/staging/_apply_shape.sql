-- Puts records into our form with a function of schema shapes, as warehouse_shaper: it can compute, and read nothing. This is the
-- one place where such a function is run on what was delivered.
--
-- p_routine: shapes.name, as staging.shapes has it;  p_records: as delivered
-- Returns:   for each record its place, and its own form, or why there is none: the reason, and the value that it is about
-- Nothing that the function does stays: it is read-only, and rolled back in the end. All records are tried in one statement; only
-- if that fails, each by itself. A record that an erasure has put into our form says so, and is taken as it is.
CREATE OR REPLACE FUNCTION staging._apply_shape(p_routine text, p_records json[])
RETURNS TABLE (place bigint, record json, reason text, value text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET lock_timeout = '30s' SET jit = off
AS $_apply_shape$
DECLARE
    c_form    constant text := $query$CASE WHEN u.record::text LIKE '{"(own form)"%%' THEN u.record -> '(own form)' ELSE %s(u.record) END$query$;
    v_mapped  json[];
    v_is_done boolean := false;
BEGIN
    BEGIN
        -- Read-only for the length of this block: only a subtransaction can be read-only by itself, and only an error ends it so.
        PERFORM set_config('transaction_read_only', 'on', true);
        EXECUTE format('SELECT array_agg(m.record ORDER BY m.place) FROM (SELECT u.place, ' || c_form || ' AS record
                        FROM unnest($1) WITH ORDINALITY AS u (record, place) OFFSET 0) AS m', p_routine)
        INTO v_mapped USING p_records;
        v_is_done := true;
        RAISE triggered_action_exception;
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        NULL;  -- found out below, record by record
    END;
    FOR v_place IN 1 .. CASE WHEN v_is_done THEN 0 ELSE cardinality(p_records) END LOOP
        place := v_place;
        record := NULL;
        reason := NULL;
        value := NULL;
        v_is_done := false;
        BEGIN
            PERFORM set_config('transaction_read_only', 'on', true);
            EXECUTE format('SELECT ' || c_form || ' FROM (SELECT $1) AS u (record)', p_routine) INTO record USING p_records[place];
            v_is_done := true;
            RAISE triggered_action_exception;
        EXCEPTION WHEN OTHERS OR assert_failure THEN
            IF NOT v_is_done THEN
                reason := format('%s fails (%s)', p_routine, SQLSTATE);
                value := SQLERRM;
            END IF;
        END;
        IF reason IS NULL AND coalesce(json_typeof(record) NOT IN ('object', 'array'), true) THEN
            reason := p_routine || ' makes nothing of it';
            record := NULL;
        END IF;
        RETURN NEXT;
    END LOOP;
    IF v_mapped IS NOT NULL THEN
        RETURN QUERY
        SELECT u.place, CASE WHEN u.is_made THEN u.record END, CASE WHEN NOT u.is_made THEN p_routine || ' makes nothing of it' END, NULL
        FROM (SELECT m.place, m.record, coalesce(json_typeof(m.record) IN ('object', 'array'), false) AS is_made
              FROM unnest(v_mapped) WITH ORDINALITY AS m (record, place)) AS u;
    END IF;
END
$_apply_shape$;
COMMENT ON FUNCTION staging._apply_shape(text, json[]) IS 'Puts records into our form with a function of schema shapes, as warehouse_shaper';

GRANT CREATE ON SCHEMA staging TO warehouse_shaper;
ALTER FUNCTION staging._apply_shape(text, json[]) OWNER TO warehouse_shaper;
REVOKE CREATE ON SCHEMA staging FROM warehouse_shaper;
