-- How many lines a cleaning step will read: as many as it read, in proportion to the records delivered then and now.
CREATE OR REPLACE FUNCTION audit._lines_to_clean(p_inputs audit.step_inputs, p_earlier audit.step_inputs) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_lines_to_clean$
BEGIN
    RETURN (
        SELECT n.records * coalesce(p_earlier.rows_in / nullif(t.records, 0), 1)
        FROM (SELECT coalesce(sum((d.value ->> 'records')::numeric), 0) AS records FROM jsonb_each(p_inputs.components -> 'deliveries') AS d) AS n
        CROSS JOIN (
            SELECT sum((d.value ->> 'records')::numeric) AS records
            FROM jsonb_each(CASE jsonb_typeof(p_earlier.components -> 'deliveries') WHEN 'object' THEN p_earlier.components -> 'deliveries' ELSE '{}' END) AS d
        ) AS t);
END
$_lines_to_clean$;
COMMENT ON FUNCTION audit._lines_to_clean(audit.step_inputs, audit.step_inputs) IS 'How many lines a cleaning step will read';
