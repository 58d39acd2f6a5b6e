-- Worker of load_dim_date: the calendar from the oldest day that the load may hold to the end of its year, whole years.
--
-- Reads:  audit.settings
-- Writes: warehouse.dim_date; what is there stays
-- Locks:  the dimension's publish lock (advisory) until the transaction ends
CREATE OR REPLACE FUNCTION warehouse._load_dim_date(p_load_date date) RETURNS audit.step_result
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_load_dim_date$
DECLARE
    v_result audit.step_result;
BEGIN
    PERFORM warehouse._lock_publishing('warehouse.dim_date');

    INSERT INTO warehouse.dim_date (date_id, date, day, week, month, quarter, year, iso_year, day_of_week, day_of_year,
                                    day_name, month_name, is_weekend, is_month_end)
    SELECT to_char(d.date, 'YYYYMMDD')::integer, d.date, extract(day FROM d.date), extract(week FROM d.date),
           extract(month FROM d.date), extract(quarter FROM d.date), extract(year FROM d.date),
           extract(isoyear FROM d.date), extract(isodow FROM d.date), extract(doy FROM d.date),
           to_char(d.date, 'FMDay'), to_char(d.date, 'FMMonth'), extract(isodow FROM d.date) >= 6,
           extract(day FROM d.date + 1) = 1
    FROM (
        SELECT g.day::date AS date
        FROM generate_series(date_trunc('year', staging.oldest_date(p_load_date)::timestamp),
                             date_trunc('year', p_load_date::timestamp) + interval '1 year - 1 day', interval '1 day') AS g (day)
    ) AS d
    WHERE NOT EXISTS (SELECT FROM warehouse.dim_date k WHERE k.date = d.date);
    GET DIAGNOSTICS v_result.rows_out = ROW_COUNT;
    v_result.rows_in := 0;
    RETURN v_result;
END
$_load_dim_date$;
COMMENT ON FUNCTION warehouse._load_dim_date(date) IS 'Worker of load_dim_date: the calendar that a day needs, whole years';
