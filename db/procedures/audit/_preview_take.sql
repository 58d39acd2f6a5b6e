-- Takes rows into a stand-in without keeping any lock on what they are read from: they are read in a subtransaction that is
-- rolled back. Else a session that swaps a partition of these tables would wait for the preview, and give up.
--
-- p_table: a temporary table;  p_query: gives all of its columns, in their order
CREATE OR REPLACE FUNCTION audit._preview_take(p_table text, p_query text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET extra_float_digits = 1
AS $_preview_take$
DECLARE
    v_rows    text[];
    v_is_done boolean := false;
BEGIN
    BEGIN
        EXECUTE format('SELECT array_agg(q::text) FROM (%s) AS q', p_query) INTO v_rows;
        v_is_done := true;
        RAISE triggered_action_exception;  -- only an error rolls back
    EXCEPTION WHEN triggered_action_exception THEN
        IF NOT v_is_done THEN
            RAISE;
        END IF;
    END;
    PERFORM audit._preview_put(p_table, v_rows);
END
$_preview_take$;
COMMENT ON FUNCTION audit._preview_take(text, text) IS 'Takes rows into a stand-in without keeping any lock on what they are read from';
