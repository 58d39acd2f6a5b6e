-- What of an order only describes its customer and is left empty, because nobody can read it. The order stays in.
--
-- p_signup_day: what p_signup_date says, if it is a date;  p_can_be_empty: fields that staging.fields does not want rejected. A user
-- that is no object is always left out: nothing else hangs on it. p_marks, p_markers: as in _unless_null
CREATE OR REPLACE FUNCTION staging._emptied_fields(p_nested text[], p_no_customer text, p_signup_date text, p_signup_day date, p_can_be_empty text[],
                                                   p_marks varbit, p_markers jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(array_remove(ARRAY[
    CASE WHEN 'city' = ANY (p_nested) AND 'city' = ANY (p_can_be_empty) THEN 'city' END,
    CASE WHEN p_signup_day IS NULL AND staging._unless_null(staging._trimmed(p_signup_date), p_marks, p_markers) IS NOT NULL AND 'signup_date' = ANY (p_can_be_empty) THEN 'signup_date' END,
    CASE WHEN 'marketing_source' = ANY (p_nested) AND 'marketing_source' = ANY (p_can_be_empty) THEN 'marketing_source' END,
    CASE WHEN p_no_customer IS NOT NULL THEN 'user' END
], NULL), '{}');
COMMENT ON FUNCTION staging._emptied_fields(text[], text, text, date, text[], varbit, jsonb) IS 'What of an order only describes its customer and is left empty';
