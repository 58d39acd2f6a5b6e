-- Lets this transaction UPDATE raw, to take persons out: the one exception of raw._refuse_change. It is let through
-- by a mark that only this transaction sees; raw._close_for_erasure removes the mark before the commit.
--
-- Writes: audit.erased_users
-- Locks:  the rows of these users, in one order: two deliveries that bring them back wait for one another
CREATE OR REPLACE FUNCTION raw._open_for_erasure(p_digests bytea[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_open_for_erasure$
BEGIN
    PERFORM 1 FROM audit.erased_users e WHERE e.digest = ANY (p_digests) ORDER BY e.digest FOR UPDATE;
    UPDATE audit.erased_users e SET rewriting = pg_current_xact_id() WHERE e.digest = ANY (p_digests);
END
$_open_for_erasure$;
COMMENT ON FUNCTION raw._open_for_erasure(bytea[]) IS 'Lets this transaction UPDATE raw, to take persons out';
