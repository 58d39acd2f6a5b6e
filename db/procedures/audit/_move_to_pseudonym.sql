-- Gives a user's facts of one day to the pseudonym where the user_id tells the shard: Citus moves no row by an UPDATE.
--
-- p_facts:  the parent, whose personal fields staging.fields knows
-- Returns:  the number of rows
CREATE OR REPLACE FUNCTION audit._move_to_pseudonym(p_facts regclass, p_partition regclass, p_user_id text, p_pseudonym text, p_day date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_move_to_pseudonym$
DECLARE
    v_columns text := warehouse._column_list(p_partition);
    v_rows    bigint;
BEGIN
    EXECUTE format('CREATE TEMPORARY TABLE moved_facts ON COMMIT DROP AS SELECT t.* FROM %s t WHERE t.load_date = $1 AND t.user_id = $2', p_partition)
    USING p_day, p_user_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows > 0 THEN
        EXECUTE format('DELETE FROM %s t WHERE t.load_date = $1 AND t.user_id = $2', p_partition) USING p_day, p_user_id;
        EXECUTE format('UPDATE pg_temp.moved_facts SET user_id = $1 %s', audit._without_personal(p_facts)) USING p_pseudonym;
        EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM pg_temp.moved_facts m', p_partition, v_columns);
    END IF;
    DROP TABLE pg_temp.moved_facts;
    RETURN v_rows;
END
$_move_to_pseudonym$;
COMMENT ON FUNCTION audit._move_to_pseudonym(regclass, regclass, text, text, date) IS 'Gives a user''s facts of one day to the pseudonym where the user_id tells the shard';
