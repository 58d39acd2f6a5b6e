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
    c_form    constant text := $form$CASE WHEN record::text LIKE '{"(own form)"%%' THEN record -> '(own form)' ELSE %s(record) END$form$;
    v_mapped  json[];
    v_reasons text[];
    v_values  text[];
    v_is_done boolean := false;
BEGIN
    FOR v_attempt IN 1 .. 2 LOOP
        EXIT WHEN v_is_done;
        BEGIN
            IF v_attempt = 2 THEN
                -- Compiled once for all of them; it vanishes with the rest.
                EXECUTE format($make$
                    CREATE FUNCTION pg_temp.tried(record json, OUT mapped json, OUT reason text, OUT value text) LANGUAGE plpgsql AS $tried$
                    BEGIN
                        mapped := %s;
                    EXCEPTION WHEN OTHERS OR assert_failure THEN
                        reason := %L || SQLSTATE || ')';
                        value := SQLERRM;
                    END $tried$ $make$, format(c_form, p_routine), p_routine || ' fails (');
            END IF;
            -- Read-only for the length of this block: only a subtransaction can be read-only by itself, and only an error ends it so.
            PERFORM set_config('transaction_read_only', 'on', true);
            IF v_attempt = 1 THEN
                EXECUTE format('SELECT array_agg(m.record ORDER BY m.place) FROM (SELECT u.place, ' || c_form || ' AS record
                                FROM unnest($1) WITH ORDINALITY AS u (record, place) OFFSET 0) AS m', p_routine)
                INTO v_mapped USING p_records;
            ELSE
                EXECUTE 'SELECT array_agg((m.tried).mapped ORDER BY m.place), array_agg((m.tried).reason ORDER BY m.place), array_agg((m.tried).value ORDER BY m.place)
                         FROM (SELECT u.place, pg_temp.tried(u.record) AS tried FROM unnest($1) WITH ORDINALITY AS u (record, place) OFFSET 0) AS m'
                INTO v_mapped, v_reasons, v_values USING p_records;
            END IF;
            v_is_done := true;
            RAISE triggered_action_exception;
        EXCEPTION WHEN OTHERS OR assert_failure THEN
            IF v_attempt = 2 AND NOT v_is_done THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    RETURN QUERY
    SELECT u.place, CASE WHEN u.is_made THEN u.mapped END,
           CASE WHEN NOT u.is_made THEN coalesce(u.reason, p_routine || ' makes nothing of it') END, u.value
    FROM (SELECT m.place, m.mapped, m.reason, m.value,
                 m.reason IS NULL AND coalesce(json_typeof(m.mapped) IN ('object', 'array'), false) AS is_made
          FROM ROWS FROM (unnest(v_mapped), unnest(v_reasons), unnest(v_values)) WITH ORDINALITY AS m (mapped, reason, value, place)) AS u;
END
$_apply_shape$;
COMMENT ON FUNCTION staging._apply_shape(text, json[]) IS 'Puts records into our form with a function of schema shapes, as warehouse_shaper';

GRANT CREATE ON SCHEMA staging TO warehouse_shaper;
ALTER FUNCTION staging._apply_shape(text, json[]) OWNER TO warehouse_shaper;
REVOKE CREATE ON SCHEMA staging FROM warehouse_shaper;
