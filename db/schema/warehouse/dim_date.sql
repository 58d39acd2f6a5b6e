CREATE TABLE warehouse.dim_date (
    date_id      integer NOT NULL,
    date         date    NOT NULL,
    day          integer NOT NULL,
    week         integer NOT NULL,
    month        integer NOT NULL,
    quarter      integer NOT NULL,
    year         integer NOT NULL,
    iso_year     integer NOT NULL,
    day_of_week  integer NOT NULL,
    day_of_year  integer NOT NULL,
    day_name     text    NOT NULL,
    month_name   text    NOT NULL,
    is_weekend   boolean NOT NULL,
    is_month_end boolean NOT NULL,
    CONSTRAINT dim_date_pkey PRIMARY KEY (date_id),
    CONSTRAINT dim_date_date_key UNIQUE (date)
);
COMMENT ON TABLE warehouse.dim_date IS 'One row per day, whole years';
COMMENT ON COLUMN warehouse.dim_date.date_id IS 'The day as a number: 20251219';
COMMENT ON COLUMN warehouse.dim_date.date IS 'The day';
COMMENT ON COLUMN warehouse.dim_date.day IS 'Day of the month, 1 to 31';
COMMENT ON COLUMN warehouse.dim_date.week IS 'ISO week, 1 to 53; belongs to iso_year';
COMMENT ON COLUMN warehouse.dim_date.month IS '1 to 12';
COMMENT ON COLUMN warehouse.dim_date.quarter IS '1 to 4';
COMMENT ON COLUMN warehouse.dim_date.year IS 'Calendar year';
COMMENT ON COLUMN warehouse.dim_date.iso_year IS 'Year that the ISO week belongs to';
COMMENT ON COLUMN warehouse.dim_date.day_of_week IS 'ISO: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN warehouse.dim_date.day_of_year IS '1 to 366';
COMMENT ON COLUMN warehouse.dim_date.day_name IS 'In English: Monday';
COMMENT ON COLUMN warehouse.dim_date.month_name IS 'In English: January';
COMMENT ON COLUMN warehouse.dim_date.is_weekend IS 'Saturday or Sunday';
COMMENT ON COLUMN warehouse.dim_date.is_month_end IS 'Last day of its month';
