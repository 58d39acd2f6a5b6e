-- Ends what raw._open_for_erasure began: from here on raw refuses changes again.
CREATE OR REPLACE FUNCTION raw._close_for_erasure() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $_close_for_erasure$
    UPDATE audit.erased_users e SET rewriting = NULL WHERE e.rewriting = pg_current_xact_id();
$_close_for_erasure$;
COMMENT ON FUNCTION raw._close_for_erasure() IS 'Ends what raw._open_for_erasure began';
