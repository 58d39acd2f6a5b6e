CREATE TABLE audit.erasures (
    erasure_id     bigint      GENERATED ALWAYS AS IDENTITY,
    erased_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_by      text        NOT NULL,
    reason         text        NOT NULL,
    raw_rows       bigint      NOT NULL,
    staging_rows   bigint      NOT NULL,
    warehouse_rows bigint      NOT NULL,
    audit_rows     bigint      NOT NULL,
    ended_at       timestamptz,
    CONSTRAINT erasures_pkey PRIMARY KEY (erasure_id),
    CONSTRAINT erasures_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE audit.erasures IS 'One row per person taken out of the warehouse: CALL audit.erase_user(user_id, reason). It does not say who it was, nor by which name the person''s rows go now.';
COMMENT ON COLUMN audit.erasures.erasure_id IS 'Number of the erasure';
COMMENT ON COLUMN audit.erasures.erased_at IS 'When it began';
COMMENT ON COLUMN audit.erasures.erased_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.erasures.reason IS 'Why, in the words of who did it';
COMMENT ON COLUMN audit.erasures.raw_rows IS 'Rows of raw that were rewritten';
COMMENT ON COLUMN audit.erasures.staging_rows IS 'Rows of staging that were rewritten';
COMMENT ON COLUMN audit.erasures.warehouse_rows IS 'Rows of dimension, facts and their helpers that were rewritten';
COMMENT ON COLUMN audit.erasures.audit_rows IS 'Rows of audit that were rewritten';
COMMENT ON COLUMN audit.erasures.ended_at IS 'When all of it was done; NULL while it is under way, or if it was interrupted: call it again and it continues';
