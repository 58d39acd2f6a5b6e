CREATE TABLE raw.file_loads (
    load_id        bigint      NOT NULL,
    source         text        NOT NULL,
    run_date       date        NOT NULL,
    file_name      text        COLLATE "C" NOT NULL,
    sha256         text        COLLATE "C" NOT NULL,
    byte_count     bigint      NOT NULL,
    row_count      bigint      NOT NULL,
    rejected_count bigint      NOT NULL,
    refused_reason text,
    ingested_at    timestamptz NOT NULL DEFAULT now(),
    read_as        text,
    CONSTRAINT file_loads_pkey PRIMARY KEY (load_id),
    CONSTRAINT file_loads_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source),
    CONSTRAINT file_loads_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT file_loads_counts_check CHECK (byte_count >= 0 AND row_count >= 0 AND rejected_count >= 0
        AND (refused_reason IS NULL OR row_count + rejected_count = 0))
);
CREATE SEQUENCE raw.load_ids AS bigint OWNED BY raw.file_loads.load_id;
-- Every cleaning and every extract asks which deliveries of a day are in force.
CREATE INDEX idx_file_loads_run_date ON raw.file_loads (run_date, source, file_name, load_id);

COMMENT ON SEQUENCE raw.load_ids IS 'Numbers deliveries in the order of their arrival';
COMMENT ON TABLE raw.file_loads IS 'One row per delivery: a file, or a catalogue from the products API. Written in the transaction that loads it.';
COMMENT ON COLUMN raw.file_loads.load_id IS 'Number of the delivery; a later one of the same name is greater';
COMMENT ON COLUMN raw.file_loads.source IS 'raw.sources: orders, events or products';
COMMENT ON COLUMN raw.file_loads.run_date IS 'Day whose folder the file lay in';
COMMENT ON COLUMN raw.file_loads.file_name IS 'Name without .gz or .zst; api.json for a catalogue from the products API';
COMMENT ON COLUMN raw.file_loads.sha256 IS 'Of the uncompressed bytes, in hexadecimal';
COMMENT ON COLUMN raw.file_loads.byte_count IS 'Uncompressed size in bytes';
COMMENT ON COLUMN raw.file_loads.row_count IS 'Rows that this delivery added to its raw table';
COMMENT ON COLUMN raw.file_loads.rejected_count IS 'Records that could not be taken: rows in raw.rejected_lines';
COMMENT ON COLUMN raw.file_loads.refused_reason IS 'Why the whole file was refused, with position; NULL if it was taken';
COMMENT ON COLUMN raw.file_loads.ingested_at IS 'When it was loaded';
COMMENT ON COLUMN raw.file_loads.read_as IS 'How staging.shapes said that the file is to be read; NULL if it said nothing. The same bytes are loaded again when that changes';
