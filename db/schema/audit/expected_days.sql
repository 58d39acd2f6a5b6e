CREATE TABLE audit.expected_days (
    from_date date NOT NULL,
    to_date   date NOT NULL,
    reason    text NOT NULL,
    CONSTRAINT expected_days_pkey PRIMARY KEY (from_date, to_date),
    CONSTRAINT expected_days_dates_check CHECK (from_date BETWEEN date '1900-01-01' AND to_date AND to_date <= date '2999-12-31'),
    CONSTRAINT expected_days_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE audit.expected_days IS 'One row per time that is known to be unusual: a sale, a strike, a holiday. audit.unusual neither judges these days nor takes them for usual.';
COMMENT ON COLUMN audit.expected_days.from_date IS 'First day';
COMMENT ON COLUMN audit.expected_days.to_date IS 'Last day; the same for one day';
COMMENT ON COLUMN audit.expected_days.reason IS 'Why, in words: messages name it';
