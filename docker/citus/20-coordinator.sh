#!/bin/bash
# The coordinator, after 10-databases.sh: the extension, and who may log in. Nodes by their certificate, as anybody;
# everybody else by password, but not as those whose rights are the nodes' business. Runs once, when the volume is new.
set -euo pipefail
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname ecommerce_warehouse <<'SQL'
-- As these the coordinator logs in to the workers, and to itself.
ALTER ROLE warehouse_owner LOGIN;
ALTER ROLE warehouse_checker LOGIN;
GRANT CONNECT ON DATABASE ecommerce_warehouse TO warehouse_owner, warehouse_checker;
CREATE EXTENSION citus;
SQL
cat > "$PGDATA/pg_hba.conf" <<'HBA'
local    all                  postgres                                    peer
hostssl  ecommerce_warehouse  all                                         10.88.0.0/28  cert  map=nodes
host     all                  postgres,warehouse_owner,warehouse_checker  all           reject
host     all                  all                                         all           scram-sha-256
HBA
echo 'nodes  node  all' > "$PGDATA/pg_ident.conf"
