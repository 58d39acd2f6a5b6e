-- The five roles, and what the database itself is set to. Roles belong to the cluster, so several warehouses
-- on one server share them: they are made only where they are missing. None of them can log in; people and
-- programs log in as themselves and are granted one of these.
DO $roles$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['warehouse_owner', 'warehouse_loader', 'warehouse_runner',
                                  'warehouse_checker', 'warehouse_analyst']
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this cluster was migrated at the same moment
        END;
    END LOOP;

    -- Who is no superuser needs membership to give objects to the owner and the checker.
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT warehouse_owner, warehouse_checker TO %I', current_user);
    END IF;

    EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'UTC');
    -- Views that people make without naming a schema land in marts, not among the warehouse's own tables.
    EXECUTE format('ALTER DATABASE %I SET search_path = marts, public', current_database());
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO warehouse_owner', current_database());
END
$roles$;

COMMENT ON ROLE warehouse_owner IS 'Owns every object of the warehouse; cannot log in';
COMMENT ON ROLE warehouse_loader IS 'Adds deliveries to raw, and nothing else';
COMMENT ON ROLE warehouse_runner IS 'Calls the public procedures, and reads everything';
COMMENT ON ROLE warehouse_checker IS 'Evaluates the expressions of quality rules: reads staging and warehouse, nothing else';
COMMENT ON ROLE warehouse_analyst IS 'Reads warehouse and audit, and makes views in marts';

-- The owner makes the function that the checker owns.
GRANT warehouse_checker TO warehouse_owner;

-- A routine is for those it is granted to (db/procedures/privileges.sql), not for PUBLIC.
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE warehouse_owner;
