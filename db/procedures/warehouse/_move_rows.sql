-- Moves the rows that a load takes over and gives back. Loads of orders and events of other days write the same rows of
-- daily_metrics, and lock the dimensions for what they give back: a session that waited for such a row while it holds the
-- dimensions would block the swap of the day until that gives up. So the lock on these rows comes first.
CREATE OR REPLACE FUNCTION warehouse._move_rows(p_facts regclass, p_superseded regclass, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_move_rows$
BEGIN
    PERFORM warehouse._lock_publishing('warehouse.daily_metrics');
    PERFORM warehouse._take_rows(p_facts, p_superseded, p_key);
    PERFORM warehouse._give_rows(p_facts, p_superseded, p_key);
END
$_move_rows$;
COMMENT ON FUNCTION warehouse._move_rows(regclass, regclass, text[]) IS 'Moves the rows that a load takes over and gives back';
