-- What is wrong with an amount as delivered; NULL if nothing is, or if there is none.
CREATE OR REPLACE FUNCTION staging._money_problem(p_field text, p_value text, p_may_be_negative boolean) RETURNS staging.problem
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN p_value IS NULL THEN NULL
    WHEN staging._to_number(p_value) IS NULL THEN staging._problem(true, p_field || ' is not a number' || CASE WHEN p_may_be_negative THEN '' ELSE ' of at least 0' END, p_value)
    WHEN NOT p_may_be_negative AND staging._to_number(p_value) < 0 THEN staging._problem(true, p_field || ' is not a number of at least 0', p_value)
    ELSE staging._problem(abs(staging._to_number(p_value)) >= 1e15, p_field || ' is not below 1e15', p_value) END;
COMMENT ON FUNCTION staging._money_problem(text, text, boolean) IS 'What is wrong with an amount as delivered';
