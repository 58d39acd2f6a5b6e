-- Whether an order is a later source of attributes than another: by time, load and order_id. One without a time is no source.
CREATE OR REPLACE FUNCTION warehouse._is_newer(
    p_order_ts timestamptz, p_load_date date, p_order_id text, p_old_order_ts timestamptz, p_old_load_date date, p_old_order_id text
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_order_ts IS NOT NULL
   AND (p_old_order_ts IS NULL
        OR (p_order_ts, p_load_date, p_order_id COLLATE "C") > (p_old_order_ts, p_old_load_date, p_old_order_id COLLATE "C"));
COMMENT ON FUNCTION warehouse._is_newer(timestamptz, date, text, timestamptz, date, text)
    IS 'Whether an order is a later source of attributes than another';
