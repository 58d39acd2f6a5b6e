CREATE TYPE staging.own_values AS (
    attributes jsonb,
    problems   staging.problem[],
    emptied    text[]
);
COMMENT ON TYPE staging.own_values IS 'What a record has of the fields that are no columns, and what is wrong with them';
COMMENT ON COLUMN staging.own_values.attributes IS 'Their values, by the names of the fields; NULL if there is none';
COMMENT ON COLUMN staging.own_values.problems IS 'Why the row is rejected; NULL if it is not';
COMMENT ON COLUMN staging.own_values.emptied IS 'Fields whose value is left empty because their kind does not allow it; NULL if there are none';
