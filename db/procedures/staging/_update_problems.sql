-- What is wrong with the updated_at of an order; NULL if nothing is. A report whose updated_at is wrong stands among the others
-- of the order as if it had none.
--
-- p_value: as delivered;  p_at: the time that it is; NULL if it is none;  p_to: when the day of the load is over. A day after it is the latest: a
-- later one would win for ever
CREATE OR REPLACE FUNCTION staging._update_problems(p_value text, p_at timestamptz, p_to timestamptz) RETURNS staging.problem[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN p_at <= p_to + interval '24 hours' THEN NULL
    WHEN p_at IS NOT NULL
    THEN ARRAY[staging._problem(true, 'updated_at is more than a day after the day of the delivery', staging._trimmed(p_value))]
    WHEN NOT staging._is_blank(p_value)
    THEN ARRAY[staging._problem(true, 'updated_at is not an ISO 8601 time', staging._trimmed(p_value))]
END;
COMMENT ON FUNCTION staging._update_problems(text, timestamptz, timestamptz) IS 'What is wrong with the updated_at of an order; NULL if nothing is';
