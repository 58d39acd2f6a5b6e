-- Refuses to work on a day while a change of the time zone is not complete: what was made in the old zone is not all gone.
--
-- Reads:  audit.time_zone_changes
-- Errors: WH017
CREATE OR REPLACE FUNCTION warehouse._refuse_while_zone_changes() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_refuse_while_zone_changes$
DECLARE
    v_change audit.time_zone_changes;
BEGIN
    SELECT c.* INTO v_change FROM audit.time_zone_changes c WHERE c.ended_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'the time zone is being changed from % to %', v_change.from_zone, v_change.to_zone USING ERRCODE = 'WH017',
            DETAIL = format('By %s, since %s. What was made in the old zone is not all gone yet.', v_change.changed_by, v_change.started_at),
            HINT = format('Wait for it; if it was interrupted, call it again: CALL warehouse.change_time_zone(%L);', v_change.to_zone);
    END IF;
END
$_refuse_while_zone_changes$;
COMMENT ON FUNCTION warehouse._refuse_while_zone_changes() IS 'Refuses to work on a day while a change of the time zone is not complete';
