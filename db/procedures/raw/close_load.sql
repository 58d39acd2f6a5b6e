-- Records a delivery, in the transaction that loaded it. Persons who were erased are taken out of it.
--
-- Writes: raw.file_loads; raw._forget_erased
-- Errors: 23505 a load_id twice, 23514 impossible counts, WH004 the transaction is not READ COMMITTED
-- Safe to repeat: no; a delivery is recorded once.
CREATE OR REPLACE FUNCTION raw.close_load(
    p_load_id bigint, p_source text, p_run_date date, p_file_name text, p_sha256 text,
    p_byte_count bigint, p_row_count bigint, p_rejected_count bigint, p_refused_reason text
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $close_load$
    SELECT warehouse._refuse_day(p_run_date, 'a delivery');
    INSERT INTO raw.file_loads (load_id, source, run_date, file_name, sha256, byte_count, row_count, rejected_count,
                                refused_reason, read_as)
    VALUES (p_load_id, p_source, p_run_date, p_file_name, p_sha256, p_byte_count, p_row_count, p_rejected_count,
            p_refused_reason, staging._read_as(p_source, p_file_name));
    SELECT raw._forget_erased(p_source, p_load_id, p_run_date);
$close_load$;
COMMENT ON FUNCTION raw.close_load(bigint, text, date, text, text, bigint, bigint, bigint, text)
    IS 'Records a delivery, in the transaction that loaded it';
