-- Moves what a load takes over and gives back. Orders and events of other days write the same rows of daily_metrics, and hold
-- the dimensions for what they give back: whoever waited for such a row while holding these would keep the swap of the day
-- from its locks until it gives up. So the lock on these rows comes first.
CREATE OR REPLACE FUNCTION warehouse._move_rows(p_facts regclass, p_superseded regclass, p_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_move_rows$
BEGIN
    PERFORM warehouse._lock_publishing('warehouse.daily_metrics');
    PERFORM warehouse._take_rows(p_facts, p_superseded, p_key);
    PERFORM warehouse._give_rows(p_facts, p_superseded, p_key);
END
$_move_rows$;
COMMENT ON FUNCTION warehouse._move_rows(regclass, regclass, text[]) IS 'Moves what a load takes over and gives back';
