CREATE TABLE staging.shapes (
    shape        text    NOT NULL,
    source       text    NOT NULL,
    file_pattern text    COLLATE "C" NOT NULL DEFAULT '*',
    priority     integer NOT NULL DEFAULT 100,
    records_path text,
    rows_are     text    NOT NULL DEFAULT 'orders',
    encoding     text,
    delimiter    text,
    quote        text,
    escape       text,
    routine      text,
    CONSTRAINT shapes_pkey PRIMARY KEY (shape),
    CONSTRAINT shapes_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source),
    CONSTRAINT shapes_file_pattern_check CHECK (file_pattern <> ''),
    CONSTRAINT shapes_rows_are_check CHECK (rows_are = 'orders' OR (rows_are = 'lines' AND source = 'orders')),
    -- Its function is called by this name: a schema, a name, nothing else.
    CONSTRAINT shapes_routine_check CHECK (routine ~ '^shapes[.][a-z_][a-z0-9_]{0,62}$'),
    CONSTRAINT shapes_dialect_check CHECK (length(delimiter) = 1 AND length(quote) <= 1 AND length(escape) = 1)
);
COMMENT ON TABLE staging.shapes IS 'One row per form of delivery that is not ours, or that a file does not tell by itself. Add a row and run the day again; of the rows that fit a file''s name the one of the least priority counts.';
COMMENT ON COLUMN staging.shapes.shape IS 'What you call it';
COMMENT ON COLUMN staging.shapes.source IS 'orders, events or products';
COMMENT ON COLUMN staging.shapes.file_pattern IS 'Names of files, without .gz or .zst, in any case: * is any text, ? one character';
COMMENT ON COLUMN staging.shapes.priority IS 'The least of the rows that fit wins; among equals, the name of the shape';
COMMENT ON COLUMN staging.shapes.records_path IS 'Where the list of records lies in a JSON document, as in data.orders; NULL: as the file tells';
COMMENT ON COLUMN staging.shapes.rows_are IS 'orders: a record is an order; lines: records of one order_id in one delivery are lines of one order';
COMMENT ON COLUMN staging.shapes.encoding IS 'Encoding of the text, as in latin-1; NULL: UTF-8, or as the file tells';
COMMENT ON COLUMN staging.shapes.delimiter IS 'What separates fields of CSV; NULL: as the file tells';
COMMENT ON COLUMN staging.shapes.quote IS 'What quotes fields of CSV, an empty text for nothing; NULL: as the file tells';
COMMENT ON COLUMN staging.shapes.escape IS 'What escapes a quote in a quoted field of CSV; NULL: the quote itself';
COMMENT ON COLUMN staging.shapes.routine IS 'Function (json) RETURNS json in schema shapes that makes our own form of a record; NULL: it is in our form. Evaluated as warehouse_shaper, which can read nothing';
