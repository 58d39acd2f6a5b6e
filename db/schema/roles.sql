-- The seven roles, and the settings of the database itself. Roles belong to the cluster, so several warehouses
-- on one server share them: they are made only where they are missing. None of them can log in; people and
-- programs log in as themselves and are granted one of these.
SET LOCAL search_path = pg_catalog, pg_temp;
DO $roles$
DECLARE
    v_role    text;
    v_comment text;
BEGIN
    FOR v_role, v_comment IN VALUES
        ('warehouse_owner', 'Owns every object of the warehouse; cannot log in'),
        ('warehouse_loader', 'Adds deliveries to raw, and nothing else'),
        ('warehouse_runner', 'Calls the public procedures, and reads everything'),
        ('warehouse_checker', 'Evaluates the expressions of quality rules: reads staging and warehouse, nothing else'),
        ('warehouse_shaper', 'Evaluates the functions of shapes: computes, and can read nothing'),
        ('warehouse_analyst', 'Reads warehouse and audit, and makes views in marts'),
        ('warehouse_reporter', 'Reads the views of the report, and nothing else')
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
                EXECUTE format('COMMENT ON ROLE %I IS %L', v_role, v_comment);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this cluster was migrated at the same moment
        END;
    END LOOP;

    -- A login that is not a superuser needs membership to give objects to the owner, the checker and the shaper. Roles that exist already,
    -- of another database of this cluster, may be somebody else's to grant: then it must have it already (ops/migrate.py says so).
    FOREACH v_role IN ARRAY ARRAY['warehouse_owner', 'warehouse_checker', 'warehouse_shaper'] LOOP
        IF NOT pg_has_role(v_role, 'USAGE') THEN
            EXECUTE format('GRANT %I TO %I', v_role, current_user);
        END IF;
    END LOOP;
    -- The owner makes the functions that the checker and the shaper own.
    FOREACH v_role IN ARRAY ARRAY['warehouse_checker', 'warehouse_shaper'] LOOP
        IF NOT pg_has_role('warehouse_owner', v_role, 'USAGE') THEN
            EXECUTE format('GRANT %I TO warehouse_owner', v_role);
        END IF;
    END LOOP;

    EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'UTC');
    -- A name without a schema is looked up in public, where only the owner makes things. Never in marts: there analysts
    -- could make a closer match than PostgreSQL's own function, and whoever called it would run theirs.
    EXECUTE format('ALTER DATABASE %I SET search_path = public', current_database());
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO warehouse_owner', current_database());
    -- A database that comes from PostgreSQL 14 lets everybody make things in public.
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT USAGE, CREATE ON SCHEMA public TO warehouse_owner;
    -- Rules are compiled before they are run: audit._evaluate; and so are functions of shapes: staging._apply_shape.
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO warehouse_checker, warehouse_shaper', current_database());
END
$roles$;

-- A routine is for those it is granted to (db/procedures/privileges.sql), not for PUBLIC.
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
SET LOCAL ROLE warehouse_owner;
