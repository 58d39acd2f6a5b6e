-- Refuses a transaction whose snapshot is older than what it waited for: it would not see an erasure that was committed
-- meanwhile, and would bring the person back.
--
-- Errors: WH004 the transaction is not READ COMMITTED
CREATE OR REPLACE FUNCTION raw._need_read_committed() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_need_read_committed$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a delivery has to be loaded in a transaction that is READ COMMITTED, not %', upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'WH004', HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED; or SET default_transaction_isolation = ''read committed''.';
    END IF;
END
$_need_read_committed$;
COMMENT ON FUNCTION raw._need_read_committed() IS 'Refuses a transaction whose snapshot is older than what it waited for';
