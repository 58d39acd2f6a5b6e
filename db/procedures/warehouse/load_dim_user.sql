-- Loads what a day says of users.
--
-- After the gate passed.
-- Writes: warehouse.user_loads, warehouse.dim_user
-- Errors: WH003 called inside a transaction, WH004 no date; those of warehouse._load_dim_user
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE warehouse.load_dim_user(load_date date)
LANGUAGE plpgsql
AS $load_dim_user$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('load_dim_user', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$load_dim_user$;
COMMENT ON PROCEDURE warehouse.load_dim_user(date) IS 'Loads what a day says of users';
