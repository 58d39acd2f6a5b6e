-- Brings the BRIN indexes of a month of raw up to date, so that a day is found without reading its neighbours.
--
-- Writes: the BRIN indexes of raw.<table>_p_YYYY_MM
-- Locks:  SHARE UPDATE EXCLUSIVE on the partition while it works; if another session does the same, it leaves it to that one
-- Errors: WH004 a date is missing or impossible
-- Safe to repeat: yes. Without it (a crash after COPY) autovacuum does it later, and reads are only slower until then.
CREATE OR REPLACE FUNCTION raw.summarize_month(p_run_date date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC'
AS $summarize_month$
DECLARE
    v_index regclass;
BEGIN
    PERFORM warehouse._refuse_day(p_run_date, 'a month');
    IF NOT pg_try_advisory_xact_lock(warehouse._lock_class('summarize'), p_run_date - date '2000-01-01') THEN
        RETURN;
    END IF;
    FOR v_index IN
        SELECT i.indexrelid
        FROM unnest(ARRAY['orders_json', 'events_csv', 'products_json']) AS t(name)
        JOIN pg_index i ON i.indrelid = to_regclass(format('raw.%I', t.name || to_char(p_run_date, '"_p_"YYYY_MM')))
        JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_am a ON a.oid = c.relam AND a.amname = 'brin'
    LOOP
        PERFORM brin_summarize_new_values(v_index);
    END LOOP;
END
$summarize_month$;
COMMENT ON FUNCTION raw.summarize_month(date) IS 'Brings the BRIN indexes of a month of raw up to date';
