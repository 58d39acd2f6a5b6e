-- Errors: WH011, instead of a foreign key's message, which does not say what to do
CREATE OR REPLACE FUNCTION warehouse._refuse_without_dimensions(p_load_date date, p_message text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD'
AS $_refuse_without_dimensions$
BEGIN
    RAISE EXCEPTION 'the dimensions do not cover the staging of %', p_load_date USING ERRCODE = 'WH011',
        DETAIL = p_message,
        HINT = format('CALL warehouse.load_dim_date(%1$L); CALL warehouse.load_dim_user(%1$L); CALL warehouse.load_dim_product(%1$L);', p_load_date);
END
$_refuse_without_dimensions$;
COMMENT ON FUNCTION warehouse._refuse_without_dimensions(date, text) IS 'Says which steps have to come before the facts';
