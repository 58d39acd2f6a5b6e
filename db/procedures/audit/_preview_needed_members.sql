-- Takes members off the list of those that no load mentions, if facts or superseded rows of other days need them: the step that
-- removes the others looks for them in the stand-ins, which hold this day.
CREATE OR REPLACE FUNCTION audit._preview_needed_members(p_load_date date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_needed_members$
DECLARE
    v_query text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_temp.unseen_members) THEN
        RETURN;
    END IF;
    CREATE TEMPORARY TABLE needed_members (LIKE pg_temp.unseen_members);
    SELECT string_agg(format('SELECT m.* FROM pg_temp.unseen_members m WHERE m.dimension = %L AND EXISTS (
                                  SELECT FROM warehouse.%I f WHERE f.%I = m.member_id AND f.load_date <> %L)',
                             d.dimension, t.name, d.dimension || '_id', p_load_date), ' UNION ')
    INTO v_query
    FROM unnest(ARRAY['user', 'product']) AS d (dimension)
    CROSS JOIN unnest(ARRAY['fact_orders', 'fact_events', 'orders_superseded', 'events_superseded']) AS t (name);
    PERFORM audit._preview_take('needed_members', v_query);
    DELETE FROM pg_temp.unseen_members m USING pg_temp.needed_members n WHERE n.dimension = m.dimension AND n.member_id = m.member_id;
END
$_preview_needed_members$;
COMMENT ON FUNCTION audit._preview_needed_members(date) IS 'Takes members that other days need off the list of those that no load mentions';
