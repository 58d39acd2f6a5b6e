-- The words of a line that raw could not take, and the strings in it that can be read as JSON. Its bytes may be of any
-- encoding and its quotes may be anywhere.
CREATE OR REPLACE FUNCTION raw._words(p_line bytea) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $_words$
DECLARE
    v_text  text := encode(p_line, 'escape');
    v_words text[];
BEGIN
    BEGIN
        v_text := convert_from(p_line, 'UTF8');
    EXCEPTION WHEN data_exception THEN
        NULL;  -- not UTF-8: its ASCII has to do
    END;
    v_words := regexp_split_to_array(v_text, '[][[:space:]"'',;:(){}=<>&?|' || staging._blanks() || ']+');
    BEGIN
        RETURN v_words || ARRAY(SELECT staging._trimmed(l.value) FROM raw._literals(v_text) l);
    EXCEPTION WHEN data_exception THEN
        RETURN v_words;
    END;
END
$_words$;
COMMENT ON FUNCTION raw._words(bytea) IS 'The words of a line that raw could not take, and the strings in it';
