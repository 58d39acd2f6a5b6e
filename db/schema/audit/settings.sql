CREATE TABLE audit.settings (
    name        text NOT NULL,
    value       text,
    description text NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (name),
    CONSTRAINT settings_value_check CHECK (CASE name WHEN 'time_zone' THEN value IS NOT NULL WHEN 'currency' THEN value IS NULL OR value ~ '^[A-Z]{3}$' ELSE value IS NULL OR value ~ '^[0-9]{1,9}$' END)
);
COMMENT ON TABLE audit.settings IS 'One row per setting; change one with UPDATE, it holds from the next step on';
COMMENT ON COLUMN audit.settings.name IS 'What it is called';
COMMENT ON COLUMN audit.settings.value IS 'A whole number, or what the description says; NULL is off';
COMMENT ON COLUMN audit.settings.description IS 'What it does, and its unit';

INSERT INTO audit.settings (name, value, description) VALUES
    ('oldest_order_days', '400', 'Days: an order or event dated longer than this before its load_date is rejected; NULL is 100 years'),
    ('partial_orders', NULL, '1: of an order with a bad line the good lines count; NULL or 0: such an order is rejected whole'),
    ('raw_keep_days', NULL, 'Days: compact_partitions drops months of raw that ended longer ago; NULL keeps everything'),
    ('staging_keep_days', NULL, 'Days: compact_partitions drops partitions of staging that ended longer ago; NULL keeps everything'),
    ('audit_keep_days', NULL, 'Days: compact_partitions drops runs, steps and results of rules that are older, and rejected rows whose staging is gone; NULL keeps everything'),
    ('bad_lines_per_record', '20', 'Lines: how many rejected lines of a record get a row each in audit.bad_records; one more row counts the rest; NULL writes all out'),
    ('bad_records_times_bytes', '6', 'Times: how many times the bytes of a delivery its rows in audit.bad_records may take; one more row counts the rest; NULL writes all out'),
    ('step_attempts', '4', 'Times: how often a step is tried when it meets a deadlock, a serialization failure or a lock that it does not get'),
    ('swap_attempts', '60', 'Times: how often a partition swap asks for its lock before it gives up'),
    ('swap_lock_timeout_ms', '80', 'Milliseconds: how long each of these waits, and so the longest that readers queue behind it'),
    ('swap_pause_ms', '250', 'Milliseconds: pause between these, in which readers pass'),
    ('lock_notice_s', '3', 'Seconds: when a step, load or compaction that waits for another session says which one; NULL is never'),
    ('lock_wait_s', '900', 'Seconds: how long it waits before it gives up with WH006; a session''s own lock_timeout takes precedence. NULL is a day'),
    ('rule_limit_s', '600', 'Seconds: how long the rules of a day may take before the command line cancels the gate; NULL is no limit'),
    ('skip_unchanged', '1', '1: a step whose inputs are those of its last result does nothing; 0: every step works, whatever it did before'),
    ('in_place_percent', '20', 'Percent: a reload that changes up to this share of a day writes these rows in place, above it the partition is swapped'),
    ('currency', NULL, 'Currency of the warehouse: three capital letters. Orders in another one are converted by warehouse.exchange_rates. NULL: amounts are as delivered, and a day in two currencies is blocked'),
    ('negative_lines', NULL, '1: order lines below zero (returns, discounts) count; NULL or 0: they are rejected'),
    ('erase_batch_rows', '1000', 'Rows: about how many audit.erase_user changes before it commits and lets others pass'),
    ('time_zone', 'UTC', 'A name of pg_timezone_names: where the shop''s day begins and ends. Set it before the first day is cleaned; later only CALL warehouse.change_time_zone(zone) changes it, and all days have to be run again');

-- The check is a routine: audit._check_time_zone. What was loaded in one zone must not be mixed with another's.
CREATE FUNCTION audit._check_setting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $_check_setting$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.name = 'time_zone' THEN
            PERFORM audit._check_time_zone(NULL, NEW.value);
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.name = 'time_zone' THEN
        PERFORM audit._check_time_zone(OLD.value, CASE WHEN TG_OP = 'UPDATE' AND NEW.name = OLD.name THEN NEW.value END);
    END IF;
    RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
END
$_check_setting$;
COMMENT ON FUNCTION audit._check_setting() IS 'Trigger: refuses a time zone that is none, or while anything of another is loaded';
CREATE TRIGGER check_setting BEFORE INSERT OR UPDATE OR DELETE ON audit.settings
    FOR EACH ROW EXECUTE FUNCTION audit._check_setting();
