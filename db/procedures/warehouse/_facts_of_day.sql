-- The query that gives a day's facts: the view from staging to facts, applied to the partition of that day alone. The parent
-- is not read: a reload would lock it until it ends, and block whoever swaps another day of staging.
--
-- p_view:    staging.order_facts or event_facts;  p_staging: the table that it selects from, as s
-- Returns:   a query in which load_date is a constant, so that what the view makes of it is computed once
CREATE OR REPLACE FUNCTION warehouse._facts_of_day(p_view regclass, p_staging regclass, p_load_date date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_facts_of_day$
DECLARE
    v_view    text := rtrim(pg_get_viewdef(p_view), ';');
    v_from    text := format('FROM %s s', p_staging);
    v_columns text := (SELECT string_agg(CASE a.attname WHEN 'load_date' THEN format('%L::date AS load_date', p_load_date)
                                                        ELSE format('d.%I', a.attname) END, ', ' ORDER BY a.attnum)
                       FROM pg_attribute a WHERE a.attrelid = p_staging AND a.attnum > 0 AND NOT a.attisdropped);
BEGIN
    -- A view that does more than list columns is queried as it stands.
    IF right(v_view, length(v_from)) <> v_from THEN
        RETURN format('SELECT v.* FROM %s v WHERE v.load_date = %L', p_view, p_load_date);
    END IF;
    RETURN format('%s FROM (SELECT %s FROM %s d WHERE d.load_date = %L) AS s', left(v_view, -length(v_from)), v_columns,
                  coalesce(warehouse._partition_of(p_staging, p_load_date), p_staging), p_load_date);
END
$_facts_of_day$;
COMMENT ON FUNCTION warehouse._facts_of_day(regclass, regclass, date) IS 'The query that gives a day''s facts, of its partition of staging alone';
