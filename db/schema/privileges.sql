-- Who may do what with tables. Routines: db/procedures/privileges.sql. Partitions are reached through their
-- parents, so new ones need no grant.
GRANT USAGE ON SCHEMA raw TO warehouse_loader, warehouse_runner;
GRANT USAGE ON SCHEMA staging TO warehouse_runner, warehouse_checker;
GRANT USAGE ON SCHEMA warehouse TO warehouse_runner, warehouse_checker, warehouse_analyst;
GRANT USAGE ON SCHEMA shapes TO warehouse_shaper, warehouse_runner, warehouse_analyst;
-- A checker reads no table of audit: some functions that rules use stand there.
GRANT USAGE ON SCHEMA audit TO warehouse_runner, warehouse_analyst, warehouse_checker;
-- What a reporter may read there: db/procedures/privileges.sql.
GRANT USAGE ON SCHEMA warehouse, audit TO warehouse_reporter;
GRANT USAGE, CREATE ON SCHEMA marts TO warehouse_analyst;
GRANT USAGE ON SCHEMA marts TO warehouse_runner;
GRANT USAGE ON SCHEMA warehouse, audit, marts TO warehouse_bi;

GRANT INSERT ON raw.orders_json, raw.events_csv, raw.products_json, raw.rejected_lines TO warehouse_loader;
GRANT USAGE ON SEQUENCE raw.raw_orders_ids, raw.raw_events_ids, raw.raw_products_ids TO warehouse_loader;
GRANT SELECT ON raw.file_loads TO warehouse_loader;

GRANT SELECT ON ALL TABLES IN SCHEMA raw, staging, warehouse, audit TO warehouse_runner;
GRANT SELECT ON ALL TABLES IN SCHEMA staging, warehouse TO warehouse_checker;
GRANT SELECT ON ALL TABLES IN SCHEMA warehouse, audit TO warehouse_analyst;
-- Digests of people who asked to be forgotten: only for the routines that compare with them.
REVOKE ALL ON audit.erased_users FROM warehouse_runner, warehouse_analyst;
-- For BI tools: views and dimensions. Not the facts, whose attributes hold what is personal; of audit, figures only: no rejected
-- record, no sample of a rule, no error's text. What analysts make in marts they grant themselves.
GRANT SELECT ON warehouse.sales, warehouse.orders, warehouse.order_lines, warehouse.events, warehouse.days,
    warehouse.dim_date, warehouse.dim_user, warehouse.dim_product, warehouse.dim_product_history, warehouse.order_statuses,
    warehouse.exchange_rates, warehouse.daily_metrics, audit.alerts, audit.health, audit.day_lines, audit.day_statuses
TO warehouse_bi;
-- A function that you make there is for those who evaluate it and try it.
ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner IN SCHEMA shapes GRANT EXECUTE ON FUNCTIONS TO warehouse_shaper, warehouse_runner, warehouse_analyst;
