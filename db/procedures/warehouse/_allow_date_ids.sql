-- Lets a fact partition hold these date_ids too: its CHECK is widened if necessary.
CREATE OR REPLACE FUNCTION warehouse._allow_date_ids(p_partition regclass, p_first integer, p_last integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_allow_date_ids$
DECLARE
    v_range integer[];
BEGIN
    SELECT array_agg(m[1]::integer) INTO v_range
    FROM pg_constraint k, regexp_matches(pg_get_constraintdef(k.oid), '([0-9]{8})', 'g') AS m
    WHERE k.conrelid = p_partition AND k.conname = 'date_id_range';

    IF p_first < (SELECT min(d) FROM unnest(v_range) AS d) OR p_last > (SELECT max(d) FROM unnest(v_range) AS d) THEN
        PERFORM warehouse._execute_or_give_up(format('new range of dates for %s', p_partition), ARRAY[p_partition], ARRAY[
            format('ALTER TABLE %s DROP CONSTRAINT date_id_range', p_partition),
            format('ALTER TABLE %s ADD CONSTRAINT date_id_range CHECK (date_id BETWEEN %s AND %s)',
                   p_partition,
                   (SELECT min(d) FROM unnest(v_range || p_first) AS d), (SELECT max(d) FROM unnest(v_range || p_last) AS d))]);
    END IF;
END
$_allow_date_ids$;
COMMENT ON FUNCTION warehouse._allow_date_ids(regclass, integer, integer) IS 'Lets a fact partition hold these date_ids too';
