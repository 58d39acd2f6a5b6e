-- Compares the rows of a table before and after, by key, and notes in pg_temp.preview_lines how many are identical, changed, added and
-- removed: of each load_date, and of the day by each of p_groups. A row that moves from one group to another is removed from
-- the one and added to the other; of products only those that change are listed, the first by what changes.
--
-- p_name:    the table;  p_before, p_after: queries that give its columns
-- p_key:     columns that tell rows apart;  p_shown: whether keys may be shown
-- p_groups:  columns by which the day's rows are counted, too
-- Of other days and of dimensions only what may change is there: what is identical is not counted.
-- Ids that a row is given by us, and times at which it was written, are not compared.
CREATE OR REPLACE FUNCTION audit._preview_compare(
    p_part text, p_name text, p_load_date date, p_before text, p_after text, p_key text[], p_shown boolean, p_groups text[] DEFAULT '{}'
) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_preview_compare$
DECLARE
    c_most_products constant integer := 20;
    v_columns text[] := ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = p_name::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum);
    v_is_daily boolean := 'load_date' = ANY (v_columns);
    v_sales   text[] := ARRAY(SELECT s.status FROM warehouse.order_statuses s WHERE s.counts_as_sale);
    v_same    text;
BEGIN
    SELECT string_agg(format('b.%1$I IS NOT DISTINCT FROM a.%1$I', c), ' AND ') INTO v_same
    FROM unnest(v_columns) AS c
    WHERE c <> ALL (p_key) AND c NOT IN ('load_date', 'created_at', 'updated_at') AND c !~ '^(raw|staging|fact)_[a-z]+_id$';
    EXECUTE format($query$
        CREATE TEMPORARY TABLE preview_compared AS
        SELECT %1$s AS load_date, %2$s AS key, b.is_there IS NOT NULL AS was, a.is_there IS NOT NULL AS is,
               b.is_there IS NOT NULL AND a.is_there IS NOT NULL AND %3$s AS same, %4$s AS groups_before, %5$s AS groups_after,
               %6$s
        FROM (SELECT q.*, true AS is_there FROM (%7$s) AS q) AS b
        FULL JOIN (SELECT q.*, true AS is_there FROM (%8$s) AS q) AS a ON %9$s
        $query$,
        CASE WHEN v_is_daily THEN 'coalesce(b.load_date, a.load_date)' ELSE 'NULL::date' END,
        CASE WHEN p_shown THEN (SELECT format('concat_ws(''/'', %s)', string_agg(format('coalesce(b.%1$I, a.%1$I)', k), ', ')) FROM unnest(p_key) AS k
                                WHERE k <> 'event_ts') ELSE 'NULL::text' END,
        coalesce(v_same, 'true'),
        (SELECT format('ARRAY[%s]::text[]', string_agg(format('b.%I', g), ', ')) FROM unnest(p_groups) AS g),
        (SELECT format('ARRAY[%s]::text[]', string_agg(format('a.%I', g), ', ')) FROM unnest(p_groups) AS g),
        CASE WHEN 'refunded' = ANY (v_columns)
             THEN format('b.revenue AS revenue_before, a.revenue AS revenue_after,
                          CASE WHEN b.status = ANY (%1$L) THEN b.revenue - coalesce(b.refunded, 0) ELSE b.revenue * 0 END AS net_before,
                          CASE WHEN a.status = ANY (%1$L) THEN a.revenue - coalesce(a.refunded, 0) ELSE a.revenue * 0 END AS net_after', v_sales)
             ELSE 'NULL::numeric AS revenue_before, NULL::numeric AS revenue_after, NULL::numeric AS net_before, NULL::numeric AS net_after' END,
        p_before, p_after,
        (SELECT string_agg(format('b.%1$I = a.%1$I', k), ' AND ') FROM unnest(p_key || CASE WHEN v_is_daily THEN ARRAY['load_date'] END) AS k));

    INSERT INTO pg_temp.preview_lines (line)
    WITH grouped AS (
        SELECT c.load_date, NULL AS grouped_by, NULL AS value, c.key, c.was, c.is, c.same, c.revenue_before, c.revenue_after, c.net_before, c.net_after
        FROM pg_temp.preview_compared c
        UNION ALL
        SELECT c.load_date, p_groups[n], c.groups_before[n], c.key, true, s.stays, c.same,
               c.revenue_before, CASE WHEN s.stays THEN c.revenue_after END, c.net_before, CASE WHEN s.stays THEN c.net_after END
        FROM pg_temp.preview_compared c
        CROSS JOIN generate_subscripts(p_groups, 1) AS n
        CROSS JOIN LATERAL (SELECT c.is AND c.groups_after[n] IS NOT DISTINCT FROM c.groups_before[n] AS stays) AS s
        WHERE c.was AND c.load_date = p_load_date
        UNION ALL
        SELECT c.load_date, p_groups[n], c.groups_after[n], c.key, false, true, false, NULL, c.revenue_after, NULL, c.net_after
        FROM pg_temp.preview_compared c
        CROSS JOIN generate_subscripts(p_groups, 1) AS n
        WHERE c.is AND NOT (c.was AND c.groups_after[n] IS NOT DISTINCT FROM c.groups_before[n]) AND c.load_date = p_load_date
    ),
    counted AS (
        SELECT p_part AS part, p_name AS name, g.load_date, g.grouped_by, g.value,
               CASE WHEN g.load_date = p_load_date THEN count(*) FILTER (WHERE g.was AND g.is AND g.same) END AS identical,
               count(*) FILTER (WHERE g.was AND g.is AND NOT g.same) AS changed,
               count(*) FILTER (WHERE g.is AND NOT g.was) AS added, count(*) FILTER (WHERE g.was AND NOT g.is) AS removed,
               trim_scale(sum(g.revenue_before)) AS revenue_before, trim_scale(sum(g.revenue_after)) AS revenue_after,
               trim_scale(sum(g.net_before)) AS net_revenue_before, trim_scale(sum(g.net_after)) AS net_revenue_after,
               (array_agg(g.key ORDER BY g.key COLLATE "C") FILTER (WHERE NOT (g.was AND g.is AND g.same) AND g.key IS NOT NULL))[1:5] AS keys,
               count(*) FILTER (WHERE NOT (g.was AND g.is AND g.same)) AS differing
        FROM grouped g
        GROUP BY g.load_date, g.grouped_by, g.value
    ),
    ranked AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.load_date, c.grouped_by ORDER BY c.differing DESC, c.value COLLATE "C") AS place FROM counted c
    )
    SELECT to_jsonb(r) - ARRAY['differing', 'place']
    FROM ranked r
    WHERE r.differing > 0 AND (r.grouped_by IS DISTINCT FROM 'product_id' OR r.place <= c_most_products)
       OR r.load_date = p_load_date AND r.grouped_by IS DISTINCT FROM 'product_id'
    ORDER BY r.load_date <> p_load_date, r.load_date, array_position(p_groups, r.grouped_by) NULLS FIRST, r.place;
    DROP TABLE pg_temp.preview_compared;
END
$_preview_compare$;
COMMENT ON FUNCTION audit._preview_compare(text, text, date, text, text, text[], boolean, text[]) IS 'Compares the rows of a table before and after, by key, and notes what differs';
