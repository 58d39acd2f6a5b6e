-- Where a table or routine that is named in data, or in a text made of data, stands. That is where its name says. A preview
-- (audit.preview) runs the steps' own text in a place of its own, where another function stands for this one.
CREATE OR REPLACE FUNCTION audit._place(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $_place$
    SELECT p_text;
$_place$;
COMMENT ON FUNCTION audit._place(text) IS 'Where a table or routine that is named in data stands; in a preview, its stand-in';
