-- The partition that holds a day of staging or facts: its own, or the compacted month's; NULL if there is none.
-- Found by name, so that the parent is not touched: two sessions that swap would deadlock over it.
-- It asks pg_class, not to_regclass: that may answer from a cache that does not know yet what another session made while
-- this one waited for an advisory lock. In PL/pgSQL, because it is asked dozens of times a day: the plan is kept.
CREATE OR REPLACE FUNCTION warehouse._partition_of(p_parent regclass, p_load_date date) RETURNS regclass
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $_partition_of$
BEGIN
    -- No join: a caller's settings could make it one with the whole catalog.
    RETURN (SELECT c.oid::regclass
            FROM pg_class c
            WHERE c.relnamespace = (SELECT p.relnamespace FROM pg_class p WHERE p.oid = p_parent)
              AND c.relname IN ((SELECT p.relname FROM pg_class p WHERE p.oid = p_parent) || to_char(p_load_date, '"_p_"YYYY_MM_DD'),
                                (SELECT p.relname FROM pg_class p WHERE p.oid = p_parent) || to_char(p_load_date, '"_p_"YYYY_MM'))
              AND c.relispartition
            ORDER BY length(c.relname) DESC
            LIMIT 1);
END
$_partition_of$;
COMMENT ON FUNCTION warehouse._partition_of(regclass, date) IS 'The partition that holds a day of staging or facts; NULL if there is none';
