-- What would change if a day ran now: the steps of the day run in a place of their own, made of temporary tables; what they would leave
-- there is compared with what is; all of it is rolled back. Call it in a transaction that has changed codes, settings, rules, routines
-- or raw, and it says what these changes would do; roll that transaction back, and nothing was done.
--
-- Returns: lines, in the order of the steps: see docs/how-to/preview-a-day.md
-- Reads:   what the steps of the day read
-- Writes:  temporary tables and copies of routines, which are gone when it returns; not even a sequence moves
-- Locks:   until it returns, those of the day's steps (advisory): the warehouse and the month, shared; each step and its day. Other days,
--          and readers, go on: no lock stays on a dimension, nor on a partition of another day; no publish lock is taken
-- Errors:  WH004 no date, or this session has temporary objects of its own in the way; WH006 a lock stayed taken, for instance because
--          the day is running; WH017 a change of the time zone is not complete
-- Safe to repeat: yes.
CREATE OR REPLACE FUNCTION audit.preview(p_day date)
RETURNS TABLE (part text, name text, load_date date, grouped_by text, value text, identical bigint, changed bigint, added bigint, removed bigint,
               revenue_before numeric, revenue_after numeric, net_revenue_before numeric, net_revenue_after numeric, before text, after text, keys text[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET quote_all_identifiers = off
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD'
AS $preview$
DECLARE
    v_lines   jsonb[];
    v_is_done boolean := false;
BEGIN
    PERFORM warehouse._refuse_day(p_day, 'a preview');
    -- The copies of routines are found in pg_temp: nothing that somebody else made may lie there.
    IF EXISTS (SELECT FROM pg_proc f WHERE f.pronamespace = pg_my_temp_schema())
       OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema()) THEN
        RAISE EXCEPTION 'a preview needs a session without temporary tables and functions' USING ERRCODE = 'WH004',
            DETAIL = 'It makes its own, and must not find others by their names.',
            HINT = 'DISCARD TEMP; or connect anew, then SELECT * FROM audit.preview(…) again.';
    END IF;

    BEGIN
        PERFORM warehouse._lock_warehouse_shared();
        PERFORM warehouse._refuse_while_zone_changes();
        PERFORM warehouse._lock_month_shared(p_day);
        PERFORM warehouse._wait_for_day(s.step, p_day) FROM (SELECT k.step FROM audit.steps k WHERE k.worker IS NOT NULL ORDER BY k.position) AS s;
        PERFORM audit._preview_begin(p_day);
        PERFORM audit._preview_steps(p_day);
        PERFORM audit._preview_differences(p_day);
        SELECT array_agg(l.line) INTO v_lines FROM pg_temp.preview_lines l;
        v_is_done := true;
        RAISE triggered_action_exception;  -- only an error rolls back
    EXCEPTION WHEN triggered_action_exception THEN
        IF NOT v_is_done THEN
            RAISE;
        END IF;
    END;
    RETURN QUERY
    SELECT r.* FROM unnest(v_lines) WITH ORDINALITY AS l (line, place)
    CROSS JOIN LATERAL jsonb_to_record(l.line) AS r (
        part text, name text, load_date date, grouped_by text, value text, identical bigint, changed bigint, added bigint, removed bigint,
        revenue_before numeric, revenue_after numeric, net_revenue_before numeric, net_revenue_after numeric, before text, after text, keys text[])
    ORDER BY l.place;
END
$preview$;
COMMENT ON FUNCTION audit.preview(date) IS 'What would change if a day ran now; nothing stays';
