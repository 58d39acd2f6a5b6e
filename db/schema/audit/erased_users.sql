CREATE TABLE audit.erased_users (
    digest             bytea NOT NULL,
    salt               bytea NOT NULL,
    delivered_again_at timestamptz,
    rewriting          xid8,
    pseudonym          text,
    erasure_id         bigint,
    CONSTRAINT erased_users_pkey PRIMARY KEY (digest)
);
COMMENT ON TABLE audit.erased_users IS 'One row per erased user_id, as a digest: a later delivery of that user_id is recognized by it, and its rows become a guest''s. For the owner only: whoever can read it can try user_ids on it.';
COMMENT ON COLUMN audit.erased_users.digest IS 'SHA-256 of salt and user_id';
COMMENT ON COLUMN audit.erased_users.salt IS 'Random, made with the first erasure; the same in every row, so that a delivery is digested once';
COMMENT ON COLUMN audit.erased_users.delivered_again_at IS 'When a delivery last brought that user_id again; NULL if none did';
COMMENT ON COLUMN audit.erased_users.rewriting IS 'The transaction that rewrites raw for this user: while it runs raw._refuse_change lets its UPDATEs through. NULL when it has ended';
COMMENT ON COLUMN audit.erased_users.pseudonym IS 'The name that the person''s rows get, until the erasure is complete; then NULL, so that nothing leads to them';
COMMENT ON COLUMN audit.erased_users.erasure_id IS 'The erasure that is under way: audit.erasures; NULL when it has ended';
