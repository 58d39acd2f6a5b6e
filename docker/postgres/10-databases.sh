#!/bin/bash
# Two databases, and logins that may do what their part needs and no more. Runs once, when the volume is new.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
    -v airflow="$AIRFLOW_DB_PASSWORD" -v loader="$WAREHOUSE_LOADER_PASSWORD" -v runner="$WAREHOUSE_RUNNER_PASSWORD" \
    -v admin="$WAREHOUSE_ADMIN_PASSWORD" -v analyst="$WAREHOUSE_ANALYST_PASSWORD" <<'SQL'
CREATE ROLE airflow LOGIN PASSWORD :'airflow';
CREATE DATABASE airflow OWNER airflow;
REVOKE CONNECT ON DATABASE airflow FROM PUBLIC;

-- The migration makes the warehouse's roles where they are missing; here, so that logins can be given them.
CREATE ROLE warehouse_owner NOLOGIN;
CREATE ROLE warehouse_loader NOLOGIN;
CREATE ROLE warehouse_runner NOLOGIN;
CREATE ROLE warehouse_checker NOLOGIN;
CREATE ROLE warehouse_analyst NOLOGIN;
CREATE ROLE etl_loader LOGIN PASSWORD :'loader' IN ROLE warehouse_loader;
CREATE ROLE etl_runner LOGIN PASSWORD :'runner' IN ROLE warehouse_runner;
CREATE ROLE analyst LOGIN PASSWORD :'analyst' IN ROLE warehouse_analyst;
-- Migrates, compacts, dumps, and makes the scratch database in which a dump is tried.
CREATE ROLE warehouse_admin LOGIN CREATEDB CREATEROLE PASSWORD :'admin'
    IN ROLE warehouse_owner, warehouse_checker, pg_read_all_data;
GRANT warehouse_owner, warehouse_checker, warehouse_loader, warehouse_runner, warehouse_analyst
    TO warehouse_admin WITH ADMIN OPTION;

CREATE DATABASE ecommerce_warehouse OWNER warehouse_admin ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE ecommerce_warehouse FROM PUBLIC;
GRANT CONNECT ON DATABASE ecommerce_warehouse TO warehouse_admin, etl_loader, etl_runner, analyst;
SQL
