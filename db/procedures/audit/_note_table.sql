-- Remembers a table that was changed, and its parent, for audit._forget_statistics.
CREATE OR REPLACE FUNCTION audit._note_table(p_table regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_note_table$
BEGIN
    INSERT INTO pg_temp.erasure_tables (name)
    SELECT p_table UNION SELECT i.inhparent::regclass FROM pg_inherits i WHERE i.inhrelid = p_table;
END
$_note_table$;
COMMENT ON FUNCTION audit._note_table(regclass) IS 'Remembers a table that was changed, and its parent';
