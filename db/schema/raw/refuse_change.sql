-- raw is only ever added to: UPDATE, DELETE and TRUNCATE are refused, for the owner too. Statement triggers do not
-- reach partitions that are named themselves, so raw.prepare_month puts them on every partition as well.
-- The one exception: a transaction that takes an erased person out (raw._open_for_erasure) may UPDATE.
CREATE FUNCTION raw._refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_refuse_change$
BEGIN
    IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM audit.erased_users e WHERE e.rewriting = pg_current_xact_id()) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '%.% is immutable: % refused', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'WH010',
              DETAIL = 'Raw keeps every delivery as it came; a later delivery of the same name takes its place.',
              HINT = 'Deliver a corrected file and run the day again.';
END
$_refuse_change$;
COMMENT ON FUNCTION raw._refuse_change() IS 'Trigger: refuses UPDATE, DELETE and TRUNCATE on raw';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.file_loads
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.orders_json
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.events_csv
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.products_json
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON raw.rejected_lines
    FOR EACH STATEMENT EXECUTE FUNCTION raw._refuse_change();
