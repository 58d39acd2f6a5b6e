-- Who may do what with tables. Routines: db/procedures/privileges.sql. Partitions are reached through their
-- parents, so new ones need no grant.
GRANT USAGE ON SCHEMA raw TO warehouse_loader, warehouse_runner;
GRANT USAGE ON SCHEMA staging TO warehouse_runner, warehouse_checker;
GRANT USAGE ON SCHEMA warehouse TO warehouse_runner, warehouse_checker, warehouse_analyst;
GRANT USAGE ON SCHEMA shapes TO warehouse_shaper, warehouse_runner, warehouse_analyst;
-- What a reporter may read there: db/procedures/privileges.sql. A checker reads no table of audit: some functions that rules use stand there.
GRANT USAGE ON SCHEMA audit TO warehouse_runner, warehouse_analyst, warehouse_checker;
-- What a reporter may read there: db/procedures/privileges.sql.
GRANT USAGE ON SCHEMA warehouse, audit TO warehouse_reporter;
GRANT USAGE, CREATE ON SCHEMA marts TO warehouse_analyst;
GRANT USAGE ON SCHEMA marts TO warehouse_runner;

GRANT INSERT ON raw.orders_json, raw.events_csv, raw.products_json, raw.rejected_lines TO warehouse_loader;
GRANT USAGE ON SEQUENCE raw.raw_orders_ids, raw.raw_events_ids, raw.raw_products_ids TO warehouse_loader;
GRANT SELECT ON raw.file_loads TO warehouse_loader;

GRANT SELECT ON ALL TABLES IN SCHEMA raw, staging, warehouse, audit TO warehouse_runner;
GRANT SELECT ON ALL TABLES IN SCHEMA staging, warehouse TO warehouse_checker;
GRANT SELECT ON ALL TABLES IN SCHEMA warehouse, audit TO warehouse_analyst;
-- Digests of people who asked to be forgotten: only for the routines that compare with them.
REVOKE ALL ON audit.erased_users FROM warehouse_runner, warehouse_analyst;
-- A function that you make there is for those who evaluate it and try it.
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner IN SCHEMA shapes GRANT EXECUTE ON FUNCTIONS TO warehouse_shaper, warehouse_runner, warehouse_analyst;
