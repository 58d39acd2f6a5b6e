-- How many codes or fields of a day are gone, for rules, and the same in words: audit._code_changes says what counts.
--
-- p_what: codes (statuses, event types, currencies) or fields (names in records)
-- Reads:  audit._code_changes, as the owner: rules are evaluated by a role that cannot read audit
-- Errors: WH004 neither codes nor fields, no date
CREATE OR REPLACE FUNCTION audit.gone_codes(p_what text, p_day date) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $gone_codes$
    SELECT count(*) FROM audit._code_changes(p_what, p_day) c WHERE c.is_new = false;
$gone_codes$;
COMMENT ON FUNCTION audit.gone_codes(text, date) IS 'How many codes or fields of a day are gone';
