CREATE TYPE staging.problem AS (
    reason text,
    value  text
);
COMMENT ON TYPE staging.problem IS 'Why a row is rejected, and the value that it is about';
COMMENT ON COLUMN staging.problem.reason IS 'In words';
COMMENT ON COLUMN staging.problem.value IS 'As delivered, its first 1,000 characters';
