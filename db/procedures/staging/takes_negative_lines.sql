-- Whether lines below zero (returns, discounts) count: the setting negative_lines. For rules, which may not read settings.
--
-- Reads: audit.settings
CREATE OR REPLACE FUNCTION staging.takes_negative_lines() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $takes_negative_lines$
    SELECT coalesce(audit._setting('negative_lines'), 0) <> 0;
$takes_negative_lines$;
COMMENT ON FUNCTION staging.takes_negative_lines() IS 'Whether lines below zero (returns, discounts) count: the setting negative_lines';
