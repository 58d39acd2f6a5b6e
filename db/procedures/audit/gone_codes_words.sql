-- What a rule about audit.gone_codes says, in words.
--
-- Reads:  audit._code_changes, as the owner, like audit.gone_codes
-- Errors: WH004 neither codes nor fields, no date
CREATE OR REPLACE FUNCTION audit.gone_codes_words(p_what text, p_day date) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $gone_codes_words$
    SELECT audit._code_words(p_what, p_day, false);
$gone_codes_words$;
COMMENT ON FUNCTION audit.gone_codes_words(text, date) IS 'The codes or fields of a day that are gone, in words';
