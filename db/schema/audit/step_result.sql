CREATE TYPE audit.step_result AS (
    rows_in        bigint,
    rows_out       bigint,
    rows_rejected  bigint,
    rows_duplicate bigint,
    blocked_reason text
);
COMMENT ON TYPE audit.step_result IS 'What a worker tells the driver: its counts, and why it blocked the day if it did';
COMMENT ON COLUMN audit.step_result.rows_in IS 'Rows or lines that it read';
COMMENT ON COLUMN audit.step_result.rows_out IS 'Rows that its result holds';
COMMENT ON COLUMN audit.step_result.rows_rejected IS 'Lines rejected';
COMMENT ON COLUMN audit.step_result.rows_duplicate IS 'Lines that were duplicates or superseded';
COMMENT ON COLUMN audit.step_result.blocked_reason IS 'Why the day is blocked; NULL if it is not';

CREATE TYPE audit.failure AS (
    sqlstate text,
    message  text,
    detail   text,
    hint     text,
    context  text,
    schema_name     text,
    table_name      text,
    column_name     text,
    constraint_name text
);
COMMENT ON TYPE audit.failure IS 'An error as it was caught, to be recorded, committed and then raised as it was';
COMMENT ON COLUMN audit.failure.sqlstate IS 'SQLSTATE';
COMMENT ON COLUMN audit.failure.message IS 'Primary message';
COMMENT ON COLUMN audit.failure.detail IS 'DETAIL';
COMMENT ON COLUMN audit.failure.hint IS 'HINT';
COMMENT ON COLUMN audit.failure.context IS 'PL/pgSQL call stack';
COMMENT ON COLUMN audit.failure.schema_name IS 'Schema that the error names';
COMMENT ON COLUMN audit.failure.table_name IS 'Table that the error names';
COMMENT ON COLUMN audit.failure.column_name IS 'Column that the error names';
COMMENT ON COLUMN audit.failure.constraint_name IS 'Constraint that the error names';
