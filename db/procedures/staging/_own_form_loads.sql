-- The deliveries whose records a reader takes from raw as they are; the others' come from _map_records.
CREATE OR REPLACE FUNCTION staging._own_form_loads(p_delivery staging.delivery) RETURNS bigint[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_own_form_loads$
    SELECT CASE WHEN p_delivery.shaped_ids IS NULL THEN p_delivery.load_ids
                ELSE ARRAY(SELECT l.load_id FROM unnest(p_delivery.load_ids) AS l (load_id) WHERE l.load_id <> ALL (p_delivery.shaped_ids)) END;
$_own_form_loads$;
COMMENT ON FUNCTION staging._own_form_loads(staging.delivery) IS 'The deliveries whose records a reader takes from raw as they are';
