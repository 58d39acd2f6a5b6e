-- Loads what a day says of products.
--
-- After the gate passed.
-- Writes: warehouse.product_loads, warehouse.dim_product, warehouse.dim_product_history
-- Errors: WH003 called inside a transaction, WH004 no date; those of warehouse._load_dim_product
-- Safe to repeat: yes; while its inputs are unchanged it changes nothing.
CREATE OR REPLACE PROCEDURE warehouse.load_dim_product(load_date date)
LANGUAGE plpgsql
AS $load_dim_product$
DECLARE
    v_failure audit.failure;
BEGIN
    CALL audit._run_step('load_dim_product', load_date, v_failure);
    PERFORM audit._raise(v_failure);
END
$load_dim_product$;
COMMENT ON PROCEDURE warehouse.load_dim_product(date) IS 'Loads what a day says of products';
