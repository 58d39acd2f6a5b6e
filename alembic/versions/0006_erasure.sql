-- Erasure in batches, between which others can pass.
ALTER TABLE audit.erasures ADD COLUMN ended_at timestamptz;
UPDATE audit.erasures SET ended_at = erased_at;
ALTER TABLE audit.erased_users ADD COLUMN pseudonym text, ADD COLUMN erasure_id bigint;
COMMENT ON COLUMN audit.erasures.erased_at IS 'When it began';
COMMENT ON COLUMN audit.erasures.ended_at IS 'When all of it was done; NULL while it is under way, or if it was interrupted: call it again and it continues';
COMMENT ON COLUMN audit.erased_users.pseudonym IS 'The name that the person''s rows get, until the erasure is complete; then NULL, so that nothing leads to them';
COMMENT ON COLUMN audit.erased_users.erasure_id IS 'The erasure that is under way: audit.erasures; NULL when it has ended';

INSERT INTO audit.settings (name, value, description) VALUES
    ('erase_batch_rows', '1000', 'Rows: about how many audit.erase_user changes before it commits and lets others pass');

-- A publication of all tables identifies changed and deleted rows by a key, or by all columns if there is none.
-- These are the tables and partitions that exist; future partitions get it from the routine that makes them.
DO $replica_identity$
DECLARE
    v_table record;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass AS name, n.nspname AS schema_name,
               (SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                WHERE x.indrelid = c.oid AND x.indisunique ORDER BY x.indexrelid LIMIT 1) AS key
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('raw', 'staging', 'warehouse') AND c.relkind IN ('r', 'p') AND c.relreplident = 'd'
          AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary)
        ORDER BY c.oid::regclass::text
    LOOP
        IF v_table.schema_name = 'raw' THEN
            EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', v_table.name);
        ELSE
            EXECUTE format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', v_table.name, v_table.key);
        END IF;
    END LOOP;
END
$replica_identity$;
