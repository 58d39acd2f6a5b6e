-- What is usual for a measure, day by day: the one definition of "usual". Rules, explain and the report ask here.
--
-- The yardstick of a day is the 56 days before it, without those that the gate blocked and those of audit.expected_days. The
-- usual is the median of its same weekdays. y is ln(value) for counts and money, 2·asin(√p) for shares; each day of the
-- yardstick is r away from the median of the others of its weekday, so that r is noise, not the week's rhythm:
--   z = (y - usual y) / max(1.4826 · median |r|, floor)
-- where the median is that of all days or, from six on, that of its weekdays, if that is larger: some Thursdays the shop opens late.
-- The floor is what chance alone allows: √(1/n + 0.03²) for a count of n, 5 % for money, max(1/√n, 0.01) for a share of n.
-- A sum of seven days is compared with the sums that do not overlap it; a week with a day left out of it has no sum.
--
-- p_measure: audit.measures
-- p_from, p_to: the days, at most 3660; a day without the measure has no row
-- Returns: value; usual (NULL without a same weekday); low and high, beyond which z is over 4 and, for counts and money, the difference over
--          20 %; z (NULL under three same weekdays or 14 days); days and weekdays in the yardstick; expected, the reason if the day is expected to be unusual
-- Reads:   audit.day_profile and audit.gate_verdicts of these days and the 62 before, audit.expected_days, audit.measures
-- Errors:  WH004 no such measure, no date
CREATE OR REPLACE FUNCTION audit.usual_values(p_measure text, p_from date, p_to date)
RETURNS TABLE (
    run_date date, kind text, value numeric, usual numeric, low numeric, high numeric, z numeric, days integer, weekdays integer, expected text
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
AS $usual_values$
DECLARE
    c_window    constant integer := 56;
    c_least     constant integer := 14;     -- days of a yardstick
    c_weekdays  constant integer := 3;      -- same weekdays of a yardstick
    c_own       constant integer := 6;      -- same weekdays that tell how wild their weekday is
    c_band      constant double precision := 4;
    c_relevant  constant double precision := 0.2;
    v_measure   audit.measures;
    v_gap       integer;
BEGIN
    PERFORM warehouse._refuse_day(p_from, 'a comparison'), warehouse._refuse_day(p_to, 'a comparison');
    SELECT m.* INTO v_measure FROM audit.measures m WHERE m.measure = p_measure;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no measure %', coalesce(p_measure, 'NULL') USING ERRCODE = 'WH004',
            DETAIL = format('Measures: %s.', (SELECT string_agg(m.measure, ', ' ORDER BY m.measure) FROM audit.measures m)),
            HINT = 'SELECT measure, description FROM audit.measures';
    END IF;
    v_gap := CASE WHEN v_measure.sum_of IS NULL THEN 1 ELSE 7 END;
    RETURN QUERY
    WITH measured AS (
        SELECT p.run_date, p.value, p.of,
               EXISTS (SELECT FROM audit.gate_verdicts g WHERE g.run_date = p.run_date AND NOT g.passed) AS is_blocked,
               (SELECT min(e.reason) FROM audit.expected_days e WHERE p.run_date BETWEEN e.from_date AND e.to_date) AS expected
        FROM audit.day_profile p
        WHERE p.measure = coalesce(v_measure.sum_of, p_measure) AND p.run_date BETWEEN p_from - c_window - v_gap + 1 AND p_to
    ),
    weeks AS (
        SELECT m.*, sum(m.value) OVER w AS week_sum, count(*) OVER w AS week_days,
               -- The day itself may be blocked: it is judged, though it is no yardstick.
               coalesce(bool_or(m.is_blocked) OVER before, false) OR bool_or(m.expected IS NOT NULL) OVER w AS has_gap
        FROM measured m
        WHERE v_measure.sum_of IS NOT NULL
        WINDOW w AS (ORDER BY m.run_date RANGE BETWEEN '6 days' PRECEDING AND CURRENT ROW),
               before AS (ORDER BY m.run_date RANGE BETWEEN '6 days' PRECEDING AND '1 day' PRECEDING)
    ),
    series AS (
        SELECT s.run_date, s.value, s.of, s.expected, s.is_blocked OR s.expected IS NOT NULL AS is_out,
               extract(isodow FROM s.run_date)::integer AS weekday,
               audit._comparable(v_measure.kind, s.value::double precision) AS y
        FROM (
            SELECT m.run_date, m.value, m.of, m.is_blocked, m.expected FROM measured m WHERE v_measure.sum_of IS NULL
            UNION ALL
            SELECT w.run_date, w.week_sum, w.of, w.is_blocked, w.expected
            FROM weeks w
            WHERE NOT w.has_gap AND w.week_days = (SELECT max(x.week_days) FROM weeks x WHERE x.run_date BETWEEN w.run_date - c_window AND w.run_date)
        ) AS s
    ),
    -- Each judged day beside its yardstick.
    members AS (
        SELECT j.run_date AS day, d.y, d.value, d.weekday,
               row_number() OVER same AS rank, count(*) OVER (PARTITION BY j.run_date, d.weekday) AS size,
               array_agg(d.y) OVER (same ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS ys
        FROM series j
        JOIN series d ON d.run_date BETWEEN j.run_date - c_window AND j.run_date - v_gap AND NOT d.is_out
        WHERE j.run_date BETWEEN p_from AND p_to
        WINDOW same AS (PARTITION BY j.run_date, d.weekday ORDER BY d.y)
    ),
    -- The median of the others: of the sorted array without this one.
    residuals AS (
        SELECT m.day, m.weekday, m.size, m.value, m.y,
               m.y - (m.ys[m.size / 2 + (m.size / 2 >= m.rank)::integer] + m.ys[(m.size + 1) / 2 + ((m.size + 1) / 2 >= m.rank)::integer]) / 2 AS r
        FROM members m
    ),
    yardsticks AS (
        SELECT r.day, count(*)::integer AS days,
               count(*) FILTER (WHERE r.weekday = extract(isodow FROM r.day))::integer AS weekdays,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY r.value::double precision) FILTER (WHERE r.weekday = extract(isodow FROM r.day)) AS usual,
               1.4826 * greatest(
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(r.r)) FILTER (WHERE r.size > 1),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(r.r)) FILTER (WHERE r.size >= c_own AND r.weekday = extract(isodow FROM r.day))) AS spread
        FROM residuals r
        GROUP BY r.day
    ),
    judged AS (
        SELECT s.run_date, s.value, s.y, s.expected, k.usual, audit._comparable(v_measure.kind, k.usual) AS usual_y, coalesce(k.days, 0) AS days, coalesce(k.weekdays, 0) AS weekdays,
               greatest(coalesce(k.spread, 0),
                        CASE v_measure.kind WHEN 'count' THEN sqrt(1 / greatest(k.usual, 0.5) + 0.03 ^ 2)
                                            WHEN 'money' THEN 0.05
                                            ELSE greatest(1 / sqrt(greatest(s.of, 1)::double precision), 0.01) END) AS noise,
               coalesce(k.days >= c_least AND k.weekdays >= c_weekdays, false) AND s.expected IS NULL AS is_judged
        FROM series s
        LEFT JOIN yardsticks k ON k.day = s.run_date
        WHERE s.run_date BETWEEN p_from AND p_to
    )
    SELECT j.run_date, v_measure.kind, j.value, round(j.usual::numeric, 6),
           CASE WHEN NOT j.is_judged THEN NULL
                WHEN v_measure.kind = 'share' THEN round((sin(greatest(j.usual_y - c_band * j.noise, 0) / 2) ^ 2)::numeric, 6)
                -- What is least on the scale has nothing below it: a count of 0 is as good as one of 0.5.
                ELSE round(least(CASE WHEN j.usual_y - c_band * j.noise > audit._comparable(v_measure.kind, 0) THEN exp(j.usual_y - c_band * j.noise)
                                      ELSE least(j.value::double precision, 0) END,
                                 j.usual - c_relevant * abs(j.usual))::numeric, 6) END,
           CASE WHEN NOT j.is_judged THEN NULL
                WHEN v_measure.kind = 'share' THEN round((sin(least(j.usual_y + c_band * j.noise, pi()) / 2) ^ 2)::numeric, 6)
                ELSE round(greatest(exp(least(j.usual_y + c_band * j.noise, 100)), j.usual + c_relevant * abs(j.usual))::numeric, 6) END,
           CASE WHEN j.is_judged THEN round(((j.y - j.usual_y) / j.noise)::numeric, 6) END,
           j.days, j.weekdays, j.expected
    FROM judged j
    ORDER BY j.run_date;
END
$usual_values$;
COMMENT ON FUNCTION audit.usual_values(text, date, date) IS 'What is usual for a measure, day by day: value, usual, low, high, z, and of how many days';
