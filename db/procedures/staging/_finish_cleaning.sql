-- Records what became of a day's lines. The staging gets a new version if a row or a count of it changed: the pass of
-- the gate holds for one version. A day that was cleaned before changed lines were counted is the same day.
--
-- p_changed: of the duplicates, those that say something else; NULL if the source does not tell them
CREATE OR REPLACE FUNCTION staging._finish_cleaning(
    p_delivery staging.delivery, p_lines bigint, p_duplicate bigint, p_changed bigint, p_rejected bigint, p_has_changed boolean
) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_finish_cleaning$
DECLARE
    v_delivered bigint := p_lines + p_delivery.refused_count;
    v_clean     bigint := v_delivered - p_duplicate - p_rejected;
    v_old       staging.loads;
    v_is_same   boolean;
    v_likely    jsonb := staging._likely_fields(p_delivery);
    v_result    audit.step_result;
BEGIN
    SELECT l.* INTO v_old FROM staging.loads l WHERE l.source = p_delivery.source AND l.load_date = p_delivery.load_date;
    v_is_same := NOT p_has_changed AND (v_old.raw_count, v_old.delivered_count, v_old.clean_count, v_old.duplicate_count, v_old.rejected_count, v_old.currencies, v_old.likely_fields)
                                       IS NOT DISTINCT FROM (p_delivery.row_count, v_delivered, v_clean, p_duplicate, p_rejected, p_delivery.currencies, v_likely)
                 AND coalesce(v_old.changed_count, p_changed) IS NOT DISTINCT FROM p_changed;

    -- A day without a catalogue is not a day with an empty one.
    IF p_delivery.source <> 'products' OR p_delivery.file_count > 0 THEN
        INSERT INTO staging.loads AS l (load_date, source, staging_version, raw_count, delivered_count, clean_count,
                                        duplicate_count, rejected_count, load_ids, currencies, changed_count, likely_fields)
        VALUES (p_delivery.load_date, p_delivery.source,
                CASE WHEN v_is_same THEN v_old.staging_version ELSE nextval('staging.staging_versions') END,
                p_delivery.row_count, v_delivered, v_clean, p_duplicate, p_rejected, p_delivery.load_ids, p_delivery.currencies, p_changed, v_likely)
        ON CONFLICT ON CONSTRAINT loads_pkey DO UPDATE
        SET staging_version = excluded.staging_version, raw_count = excluded.raw_count,
            delivered_count = excluded.delivered_count, clean_count = excluded.clean_count,
            duplicate_count = excluded.duplicate_count, rejected_count = excluded.rejected_count,
            load_ids = excluded.load_ids, currencies = excluded.currencies, likely_fields = excluded.likely_fields, changed_count = excluded.changed_count,
            updated_at = CASE WHEN (l.staging_version, l.load_ids) IS DISTINCT FROM (excluded.staging_version, excluded.load_ids)
                              THEN excluded.updated_at ELSE l.updated_at END
        WHERE (l.staging_version, l.load_ids, l.changed_count) IS DISTINCT FROM (excluded.staging_version, excluded.load_ids, excluded.changed_count);
    END IF;

    v_result.rows_in := v_delivered;
    v_result.rows_out := v_clean;
    v_result.rows_duplicate := p_duplicate;
    v_result.rows_rejected := p_rejected;
    RETURN v_result;
END
$_finish_cleaning$;
COMMENT ON FUNCTION staging._finish_cleaning(staging.delivery, bigint, bigint, bigint, bigint, boolean) IS 'Records what became of a day''s lines';
