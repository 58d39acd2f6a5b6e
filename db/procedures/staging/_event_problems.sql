-- Everything that is wrong with an event; NULL if nothing is. p_event_ts is the time that p_event_time says, if it says one.
-- PL/pgSQL for the reason that _order_problems gives.
CREATE OR REPLACE FUNCTION staging._event_problems(
    p_event_id text, p_user_id text, p_product_id text, p_event_type text, p_event_time text, p_event_ts timestamptz, p_from timestamptz, p_to timestamptz
) RETURNS staging.problem[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_event_problems$
BEGIN
    RETURN nullif(array_remove(ARRAY[
        staging._problem(p_event_id IS NULL, 'event_id is missing', NULL),
        staging._problem(octet_length(p_event_id) > 512, 'event_id is longer than 512 bytes', p_event_id),
        staging._problem(p_event_type IS NULL, 'event_type is missing', NULL),
        staging._problem(p_event_time IS NULL, 'event_ts is missing', NULL),
        staging._problem(p_event_time IS NOT NULL AND p_event_ts IS NULL, 'event_ts ' || staging._no_time(p_event_time), p_event_time),
        staging._problem(p_event_ts >= p_to, 'event_ts is after the day of the delivery', p_event_time),
        staging._problem(p_event_ts < p_from, 'event_ts is older than oldest_order_days', p_event_time),
        staging._problem(octet_length(p_user_id) > 512, 'user_id is longer than 512 bytes', p_user_id),
        staging._problem(octet_length(p_product_id) > 512, 'product_id is longer than 512 bytes', p_product_id)
    ], NULL), '{}');
END
$_event_problems$;
COMMENT ON FUNCTION staging._event_problems(text, text, text, text, text, timestamptz, timestamptz, timestamptz)
    IS 'Everything that is wrong with an event; NULL if nothing is';
