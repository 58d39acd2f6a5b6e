-- What a change of the setting time_zone has to meet; called by the trigger of audit.settings.
--
-- p_old:  NULL if the setting is new;  p_new: NULL if it is taken away
-- Locks:  the warehouse (advisory, exclusive), if the zone changes: no step may be under way that began in the old one
-- Errors: WH004 no name of a time zone; WH006 the warehouse stayed in use; WH017 something is loaded, or it is taken away
CREATE OR REPLACE FUNCTION audit._check_time_zone(p_old text, p_new text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_check_time_zone$
BEGIN
    IF p_new IS NULL THEN
        RAISE EXCEPTION 'the setting time_zone cannot be taken away' USING ERRCODE = 'WH017',
            HINT = 'CALL warehouse.change_time_zone(''UTC'');';
    END IF;
    PERFORM audit._refuse_zone(p_new);
    IF p_old <> p_new THEN
        PERFORM warehouse._lock_warehouse_exclusive();
        IF EXISTS (SELECT FROM staging.loads) THEN
            RAISE EXCEPTION 'days were loaded in the time zone %', p_old USING ERRCODE = 'WH017',
                DETAIL = 'Days of two zones overlap: what is loaded in one must not be mixed with the other.',
                HINT = format('CALL warehouse.change_time_zone(%L); empties staging and warehouse, and then all days are run again.', p_new);
        END IF;
    END IF;
END
$_check_time_zone$;
COMMENT ON FUNCTION audit._check_time_zone(text, text) IS 'What a change of the setting time_zone has to meet';
