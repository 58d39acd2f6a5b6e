-- What one unit of another currency is worth in the warehouse's on the day of a moment (the shop's day); 0 if nobody knows.
-- It is not asked of the warehouse's own currency, nor of none, nor in a warehouse that has none: then there is no rate, NULL.
--
-- Reads: warehouse.exchange_rates, audit.settings
CREATE OR REPLACE FUNCTION staging._rate(p_currency text, p_at timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_rate$
BEGIN
    RETURN coalesce((SELECT x.rate FROM warehouse.exchange_rates x
                     WHERE x.currency = p_currency AND x.valid_from <= (p_at AT TIME ZONE staging.time_zone())::date
                     ORDER BY x.valid_from DESC LIMIT 1), 0);
END
$_rate$;
COMMENT ON FUNCTION staging._rate(text, timestamptz) IS 'What one unit of another currency is worth in the warehouse''s on the day of a moment';
