CREATE TABLE warehouse.exchange_rates (
    currency   text COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    rate       numeric NOT NULL,
    CONSTRAINT exchange_rates_pkey PRIMARY KEY (currency, valid_from),
    -- Cleaning looks a currency up trimmed and in upper case: a row written otherwise would never be found.
    CONSTRAINT exchange_rates_currency_check CHECK (currency = upper(btrim(currency)) AND currency <> ''),
    CONSTRAINT exchange_rates_rate_check CHECK (rate > 0 AND rate < 1e15)
);
COMMENT ON TABLE warehouse.exchange_rates IS 'One row per currency and day from which a rate holds. Order lines in another currency than the setting currency are converted at the rate of the day on which the order was placed. After a change, the days that used the rate work again.';
COMMENT ON COLUMN warehouse.exchange_rates.currency IS 'Currency of orders, in upper case: JPY';
COMMENT ON COLUMN warehouse.exchange_rates.valid_from IS 'First day on which it holds, until the next row of the currency';
COMMENT ON COLUMN warehouse.exchange_rates.rate IS 'What one unit of it is worth in the warehouse''s currency: 0.0061 for yen in euros';
