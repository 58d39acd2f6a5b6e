CREATE TABLE audit.day_profile (
    run_date date    NOT NULL,
    measure  text    NOT NULL,
    kind     text    NOT NULL,
    value    numeric NOT NULL,
    of       numeric,
    CONSTRAINT day_profile_pkey PRIMARY KEY (run_date, measure),
    CONSTRAINT day_profile_measure_fkey FOREIGN KEY (measure) REFERENCES audit.measures (measure),
    CONSTRAINT day_profile_kind_check CHECK (kind IN ('count', 'money', 'share'))
);
-- What is usual is asked of one measure over weeks.
CREATE INDEX idx_day_profile_measure ON audit.day_profile (measure, run_date);

COMMENT ON TABLE audit.day_profile IS 'One row per day and measure: what the day''s deliveries amount to. Written by the cleaning steps, from clean rows; a day that is cleaned again is measured again.';
COMMENT ON COLUMN audit.day_profile.run_date IS 'Day of the deliveries';
COMMENT ON COLUMN audit.day_profile.measure IS 'audit.measures';
COMMENT ON COLUMN audit.day_profile.kind IS 'count, money or share, as audit.measures says';
COMMENT ON COLUMN audit.day_profile.value IS 'Number, amount in the warehouse''s currency, or share from 0 to 1';
COMMENT ON COLUMN audit.day_profile.of IS 'Of a share: of how many. NULL otherwise';
