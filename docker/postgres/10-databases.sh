#!/bin/bash
# Two databases, and logins that may do what their part needs and no more. Runs once, when the volume is new, as the
# superuser: nobody who logs in later may make roles, which on PostgreSQL 15 is as good as the server's user.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
    -v airflow="$AIRFLOW_DB_PASSWORD" -v loader="$WAREHOUSE_LOADER_PASSWORD" -v runner="$WAREHOUSE_RUNNER_PASSWORD" \
    -v admin="$WAREHOUSE_ADMIN_PASSWORD" -v analyst="$WAREHOUSE_ANALYST_PASSWORD" -v reporter="$WAREHOUSE_REPORTER_PASSWORD" \
    -v backup="$WAREHOUSE_BACKUP_PASSWORD" -v restore="$WAREHOUSE_RESTORE_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE DATABASE airflow OWNER airflow;
REVOKE CONNECT ON DATABASE airflow FROM PUBLIC;

CREATE ROLE warehouse_owner NOLOGIN;
CREATE ROLE warehouse_loader NOLOGIN;
CREATE ROLE warehouse_runner NOLOGIN;
CREATE ROLE warehouse_checker NOLOGIN;
CREATE ROLE warehouse_shaper NOLOGIN;
CREATE ROLE warehouse_analyst NOLOGIN;
CREATE ROLE warehouse_reporter NOLOGIN;
COMMENT ON ROLE warehouse_owner IS 'Owns every object of the warehouse; cannot log in';
COMMENT ON ROLE warehouse_loader IS 'Adds deliveries to raw, and nothing else';
COMMENT ON ROLE warehouse_runner IS 'Calls the public procedures, and reads everything';
COMMENT ON ROLE warehouse_checker IS 'Evaluates the expressions of quality rules: reads staging and warehouse, nothing else';
COMMENT ON ROLE warehouse_shaper IS 'Evaluates the functions of shapes: computes, and can read nothing';
COMMENT ON ROLE warehouse_analyst IS 'Reads warehouse and audit, and makes views in marts';
COMMENT ON ROLE warehouse_reporter IS 'Reads the views of the report, and nothing else';
GRANT warehouse_checker, warehouse_shaper TO warehouse_owner;
CREATE ROLE etl_loader LOGIN PASSWORD :'loader' IN ROLE warehouse_loader;
CREATE ROLE etl_runner LOGIN PASSWORD :'runner' IN ROLE warehouse_runner;
CREATE ROLE analyst LOGIN PASSWORD :'analyst' IN ROLE warehouse_analyst;
CREATE ROLE reporter LOGIN PASSWORD :'reporter' IN ROLE warehouse_reporter;
-- Migrates, compacts, analyzes, erases. It owns the database, whose settings a migration makes; nothing else.
CREATE ROLE warehouse_admin LOGIN PASSWORD :'admin' IN ROLE warehouse_owner;
-- Dumps: reads everything, changes nothing.
CREATE ROLE warehouse_backup LOGIN PASSWORD :'backup' IN ROLE pg_read_all_data;
-- Tries a dump in a scratch database of its own, and may nothing in the warehouse: whatever a dump makes the server
-- evaluate, it does with these rights.
CREATE ROLE warehouse_restore LOGIN CREATEDB PASSWORD :'restore';

CREATE DATABASE ecommerce_warehouse OWNER warehouse_admin ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE ecommerce_warehouse FROM PUBLIC;
GRANT CONNECT ON DATABASE ecommerce_warehouse TO warehouse_admin, etl_loader, etl_runner, analyst, reporter, warehouse_backup;
-- Analysts make their views in marts without saying so; on nobody else's path is a schema that they may write to.
ALTER ROLE analyst IN DATABASE ecommerce_warehouse SET search_path = marts, public;
SQL
