CREATE TABLE audit.day_codes (
    run_date date   NOT NULL,
    kind     text   NOT NULL,
    code     text   COLLATE "C" NOT NULL,
    rows     bigint NOT NULL,
    CONSTRAINT day_codes_pkey PRIMARY KEY (run_date, kind, code),
    CONSTRAINT day_codes_kind_check
        CHECK (kind IN ('order_status', 'event_type', 'currency', 'orders field', 'events field', 'products field'))
);
-- Whether a code is new is asked of its kind over weeks.
CREATE INDEX idx_day_codes_kind ON audit.day_codes (kind, run_date);

COMMENT ON TABLE audit.day_codes IS 'One row per day and code or field that its deliveries have. Written by the cleaning steps; a day that is cleaned again is looked at again.';
COMMENT ON COLUMN audit.day_codes.run_date IS 'Day of the deliveries';
COMMENT ON COLUMN audit.day_codes.kind IS 'order_status, event_type, currency (codes of clean rows); orders field, events field, products field (names in records)';
COMMENT ON COLUMN audit.day_codes.code IS 'Canonical code, or name of the field: user.city is the field city in the object user';
COMMENT ON COLUMN audit.day_codes.rows IS 'Clean rows with the code; of a field: records with a value in it, of those looked at (the first 100 of each file)';
