-- What a text is trimmed of: every blank that Unicode has (White_Space), and the marks that nobody sees: no-break, zero-width and
-- soft ones, marks of direction, fillers. Selectors of variants and tags are not among them: they belong to the sign before them.
-- The CHECKs of staging.codes and staging.null_markers have the same list; a test compares them.
CREATE OR REPLACE FUNCTION staging._blanks() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0';
COMMENT ON FUNCTION staging._blanks() IS 'What a text is trimmed of: blanks, and marks that nobody sees';
