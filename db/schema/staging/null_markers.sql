CREATE TABLE staging.null_markers (
    marker      text COLLATE "C" NOT NULL,
    description text NOT NULL DEFAULT '',
    CONSTRAINT null_markers_pkey PRIMARY KEY (marker),
    -- Values are compared trimmed and in lower case: a row written otherwise would never be found.
    CONSTRAINT null_markers_marker_check CHECK (
        marker = lower(btrim(marker, E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0')) AND octet_length(marker) BETWEEN 1 AND 64)
);
COMMENT ON TABLE staging.null_markers IS 'One row per text that exports write for nothing. As a user or product it is nobody and nothing, as the id of an order or event, or the product of an order, it is missing; what describes a customer or product is empty. Add or remove a row and run the day again.';
COMMENT ON COLUMN staging.null_markers.marker IS 'Spelling, trimmed and in lower case; values are compared the same way';
COMMENT ON COLUMN staging.null_markers.description IS 'Who writes it';

INSERT INTO staging.null_markers (marker, description) VALUES
    ('\n', '\N: PostgreSQL COPY, MySQL, Hive'), ('null', 'SQL clients, Java, JSON made by hand'), ('(null)', 'Oracle, Objective-C'),
    ('<null>', 'Database tools'), ('nil', 'Ruby, Lua'), ('<nil>', 'Go'), ('none', 'Python'), ('undefined', 'JavaScript'),
    ('nan', 'Python, R'), ('na', 'R'), ('<na>', 'pandas'), ('n/a', 'People'), ('#n/a', 'Spreadsheets'), ('-', 'Web servers'),
    ('(not set)', 'Google Analytics'), ('(none)', 'Google Analytics; also what the warehouse calls no product'),
    ('(guest)', 'What the warehouse calls nobody');
