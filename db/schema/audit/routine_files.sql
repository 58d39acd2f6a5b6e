CREATE TABLE audit.routine_files (
    path       text        NOT NULL,
    sha256     text        NOT NULL,
    routines   text[]      NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT routine_files_pkey PRIMARY KEY (path)
);
COMMENT ON TABLE audit.routine_files IS 'One row per file of db/procedures and db/shapes, the text that this database runs; and the newest revision of the schema, which a dump takes along';
COMMENT ON COLUMN audit.routine_files.path IS 'Below db/procedures, or below db for shapes; of the revision below alembic/';
COMMENT ON COLUMN audit.routine_files.sha256 IS 'Of its text, in hexadecimal';
COMMENT ON COLUMN audit.routine_files.routines IS 'Signatures that it made: what an upgrade drops when the file is gone';
COMMENT ON COLUMN audit.routine_files.applied_at IS 'When it was last applied';
