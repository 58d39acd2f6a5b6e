-- Errors: WH004, with the reason
CREATE OR REPLACE FUNCTION warehouse._refuse_distribution(p_shards integer, p_key text, p_reason text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_refuse_distribution$
BEGIN
    RAISE EXCEPTION 'cannot distribute the facts by % into % shards', coalesce(p_key, '(as they are)'), coalesce(p_shards::text, '(as many)')
        USING ERRCODE = 'WH004', DETAIL = p_reason,
        HINT = 'SELECT * FROM warehouse.distribute(8, ''order''); once. Afterwards: SELECT * FROM warehouse.distribute();';
END
$_refuse_distribution$;
COMMENT ON FUNCTION warehouse._refuse_distribution(integer, text, text) IS 'Refuses to distribute otherwise than it is possible';
