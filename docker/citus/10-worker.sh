#!/bin/bash
# A worker: the roles as whom the coordinator comes, without passwords, and the database with the extension. Runs once,
# when the volume is new. Only the nodes may log in, by their certificate, as anybody.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE warehouse_owner LOGIN;
CREATE ROLE warehouse_loader NOLOGIN;
CREATE ROLE warehouse_runner NOLOGIN;
CREATE ROLE warehouse_checker LOGIN;
CREATE ROLE warehouse_shaper NOLOGIN;
CREATE ROLE warehouse_analyst NOLOGIN;
CREATE ROLE warehouse_bi NOLOGIN;
CREATE ROLE warehouse_reporter NOLOGIN;
GRANT warehouse_checker, warehouse_shaper TO warehouse_owner;
CREATE ROLE etl_loader LOGIN IN ROLE warehouse_loader;
CREATE ROLE etl_runner LOGIN IN ROLE warehouse_runner;
CREATE ROLE analyst LOGIN IN ROLE warehouse_analyst;
CREATE ROLE bi LOGIN IN ROLE warehouse_bi;
CREATE ROLE reporter LOGIN IN ROLE warehouse_reporter;
CREATE ROLE warehouse_admin LOGIN IN ROLE warehouse_owner;
CREATE ROLE warehouse_backup LOGIN IN ROLE pg_read_all_data;
CREATE DATABASE ecommerce_warehouse OWNER warehouse_admin ENCODING 'UTF8' TEMPLATE template0;
\connect ecommerce_warehouse
CREATE EXTENSION citus;
SQL
cat > "$PGDATA/pg_hba.conf" <<'HBA'
local    all                  postgres  peer
hostssl  ecommerce_warehouse  all       10.88.0.0/28  cert  map=nodes
HBA
echo 'nodes  node  all' > "$PGDATA/pg_ident.conf"
