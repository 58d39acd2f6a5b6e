-- Gives a filled table what it needs to become a partition: constraints, indexes and statistics.
CREATE OR REPLACE FUNCTION warehouse._constrain_partition(p_parent regclass, p_name text, p_from date, p_to date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET default_statistics_target = 100
AS $_constrain_partition$
DECLARE
    v_proofs text;
    v_dates  text;
    v_column constant name := warehouse._distribution_column(p_parent);
BEGIN
    IF v_column IS NULL THEN
        PERFORM warehouse._index_partition(p_parent, p_name);
    END IF;

    SELECT string_agg(format('ALTER COLUMN %I SET NOT NULL', a.attname), ', ') INTO v_proofs
    FROM pg_attribute a WHERE a.attrelid = p_parent AND a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped;

    -- What ATTACH would otherwise have to prove under its lock is proved here, in one scan.
    SELECT concat_ws(', ', v_proofs,
                     format('ADD CONSTRAINT load_date_range CHECK (load_date >= %L AND load_date < %L)', p_from, p_to),
                     string_agg(format('ADD CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ', '))
    INTO v_proofs
    FROM pg_constraint k
    WHERE k.conrelid = p_parent AND k.contype = 'c';

    -- With its range of date_ids as a CHECK, a filter on date_id prunes although the partitions are by load_date. The
    -- index on it knows the range.
    IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = p_parent AND a.attname = 'date_id') THEN
        EXECUTE format('SELECT format(''ADD CONSTRAINT date_id_range CHECK (date_id BETWEEN %%s AND %%s)'',
                                      coalesce(min(date_id), $1), coalesce(max(date_id), $1)) FROM %s', p_name)
        INTO v_dates USING to_char(p_from, 'YYYYMMDD')::integer;
        v_proofs := concat_ws(', ', v_proofs, v_dates);
    END IF;
    EXECUTE format('ALTER TABLE %s %s', p_name, v_proofs);
    IF v_column IS NULL THEN
        -- A publication identifies changed and deleted rows by this; partitions do not inherit it from their parent.
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', p_name,
                       (SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                        WHERE i.indrelid = p_name::regclass AND i.indisunique ORDER BY i.indexrelid LIMIT 1));
    ELSE
        -- Spread first, so that each worker builds the indexes of its shards at once, not row by row. Citus takes no REPLICA IDENTITY.
        PERFORM warehouse._spread_partition(p_parent, p_name, v_column);
        PERFORM warehouse._index_partition(p_parent, p_name);
    END IF;

    -- Of staging only sums are asked, by what its rows are found and grouped by: other columns need no statistics. Of a day's facts the planner
    -- asks for a while and knows few columns better for a larger sample, which each small day would pay for; a compacted month is asked for years.
    PERFORM set_config('default_statistics_target', CASE WHEN p_parent::text LIKE 'staging.%' THEN '10' WHEN p_to - p_from = 1 THEN '20' ELSE '50' END, true);
    EXECUTE format('ANALYZE %s %s', p_name,
                   (SELECT '(' || string_agg(quote_ident(a.attname), ', ') || ')' FROM pg_attribute a
                    WHERE p_parent::text LIKE 'staging.%' AND a.attrelid = p_parent AND NOT a.attisdropped
                      AND (a.attname IN ('user_id', 'product_id')
                           OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p_parent AND a.attnum = ANY (i.indkey)))));
END
$_constrain_partition$;
COMMENT ON FUNCTION warehouse._constrain_partition(regclass, text, date, date)
    IS 'Gives a filled table what it needs to become a partition: constraints, indexes and statistics';
