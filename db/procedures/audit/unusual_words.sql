-- What a rule about audit.unusual says, in words: "net revenue 102,574 is 24 % below the usual 135,183 of Tuesdays".
--
-- Reads:  audit.usual_values, as the owner, like audit.unusual
-- Errors: WH004 no such measure, no date
CREATE OR REPLACE FUNCTION audit.unusual_words(p_measure text, p_day date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $unusual_words$
    SELECT m.label || ' '
           || CASE WHEN u.run_date IS NULL THEN 'is not known: the day was not measured'
                   WHEN u.expected IS NOT NULL THEN format('%s is not judged: the day is expected to be unusual (%s)', t.value, left(u.expected, 200))
                   WHEN u.z IS NULL THEN format('%s: nothing to compare with: %s of 3 %s and %s of 14 days', t.value, u.weekdays, w.weekdays, u.days)
                   WHEN u.kind = 'share' OR u.usual = 0
                   THEN format('%s is %s the usual %s%s', t.value,
                               CASE sign(u.value - u.usual) WHEN 1 THEN 'above' WHEN -1 THEN 'below' ELSE 'like' END, t.usual, w.of_weekdays)
                   WHEN round(100 * abs(u.value - u.usual) / u.usual) = 0 THEN format('%s is the usual%s', t.value, w.of_weekdays)
                   ELSE format('%s is %s %% %s the usual %s%s', t.value, round(100 * abs(u.value - u.usual) / u.usual),
                               CASE WHEN u.value > u.usual THEN 'above' ELSE 'below' END, t.usual, w.of_weekdays) END
    FROM audit.measures m
    CROSS JOIN LATERAL (
        SELECT to_char(p_day::timestamp, 'FMDay') || 's' AS weekdays,
               CASE WHEN m.sum_of IS NULL THEN ' of ' || to_char(p_day::timestamp, 'FMDay') || 's' ELSE '' END AS of_weekdays
    ) AS w
    LEFT JOIN audit.usual_values(p_measure, p_day, p_day) u ON true
    CROSS JOIN LATERAL (
        SELECT audit._in_words(m.kind, u.value) AS value, audit._in_words(m.kind, u.usual) AS usual
    ) AS t
    WHERE m.measure = p_measure;
$unusual_words$;
COMMENT ON FUNCTION audit.unusual_words(text, date) IS 'How unusual a measure of a day is, in words: what the message of a rule says';

-- A value as people read it.
CREATE OR REPLACE FUNCTION audit._in_words(p_kind text, p_value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_kind = 'share' THEN trim_scale(round(100 * p_value, 1)) || ' %'
            WHEN abs(p_value) < 1000 THEN to_char(round(p_value, 2), CASE WHEN p_value = round(p_value) OR p_kind = 'count' AND p_value >= 100 THEN 'FM999990' ELSE 'FM999990.00' END)
            ELSE to_char(p_value, 'FM999,999,999,999,999,990') END;
COMMENT ON FUNCTION audit._in_words(text, numeric) IS 'A value of a measure as people read it';
