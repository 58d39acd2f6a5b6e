-- Who may call what. Nothing is for PUBLIC (db/schema/roles.sql); procedures that commit run with their caller's
-- rights, so a runner needs the driver and what it calls, but no worker: audit._perform_step calls workers with the
-- owner's rights, after its checks. Applied after every change of a routine.
REVOKE ALL ON ALL ROUTINES IN SCHEMA raw, staging, shapes, warehouse, audit FROM PUBLIC;

-- What shapes are made of: for the role that evaluates them, and for who tries them.
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA shapes TO warehouse_shaper, warehouse_runner, warehouse_analyst;

GRANT EXECUTE ON FUNCTION
    raw.prepare_month(date), raw.open_load(text, date, text, text), raw.summarize_month(date),
    raw.close_load(bigint, text, date, text, text, bigint, bigint, bigint, text),
    raw.begin_extract(text, date), raw.end_extract(bigint, bigint, bigint, bigint, text, text), raw.reason_not_to_ask(date),
    raw.reason_to_refuse_catalogue(date, bigint), raw.shape_of(text, text), raw.shape_advice(text)
TO warehouse_loader;

GRANT EXECUTE ON PROCEDURE
    audit.open_run(date), staging.clean_orders(date), staging.clean_events(date), staging.clean_products(date),
    audit.check_quality(date), audit.allow_day(date, text), warehouse.load_dim_date(date), warehouse.load_dim_user(date),
    warehouse.load_dim_product(date), warehouse.reload_fact_orders(date), warehouse.reload_fact_events(date),
    warehouse.compute_daily_metrics(date), warehouse.run_day(date), warehouse.run_range(date, date),
    warehouse.compact_partitions(date), warehouse._run_day(date, audit.failure), audit._run_step(text, date, audit.failure)
TO warehouse_runner;
GRANT EXECUTE ON FUNCTION
    audit._allow_day(date, text), audit._days_in_raw(date, date), audit._raise(audit.failure),
    warehouse._lock_warehouse_shared(), warehouse._refuse_date(date), warehouse._months_to_compact(date), warehouse._compact_month(regclass, date),
    warehouse._expired_partitions(date), warehouse._drop_expired(regclass, regclass, date), warehouse._drop_replaced(),
    warehouse._expired_audit(date), warehouse._drop_expired_audit(date, date),
    audit._step_attempts(), audit._steps_of_a_day(), audit._start_step(text, date), audit._stay_alive(bigint), audit._waiting_run(date),
    audit._perform_step(bigint), audit._finish_step(bigint, bigint, text, date, audit.step_result, audit.failure)
TO warehouse_runner;

-- It shows keys of staging.
GRANT EXECUTE ON FUNCTION audit.preview(date) TO warehouse_runner;

-- What rules may use.
GRANT EXECUTE ON FUNCTION
    staging.duplicate_count(text, date), staging.oldest_date(date), staging.takes_negative_lines(), staging.known_products(date), staging.start_of_day(date), staging.time_zone(),
    staging.is_shortened_number(text), staging.is_point_zero(text)
TO warehouse_checker, warehouse_runner;
GRANT EXECUTE ON FUNCTION
    audit.unusual(text, date), audit.unusual_words(text, date), audit.new_codes(text, date), audit.new_codes_words(text, date),
    audit.gone_codes(text, date), audit.gone_codes_words(text, date)
TO warehouse_checker, warehouse_runner, warehouse_analyst;

-- What tells a running step from one whose session died.
GRANT EXECUTE ON FUNCTION audit.step_is_alive(bigint) TO warehouse_runner, warehouse_analyst;

-- What `run`, `status` and `explain` print. order_story reads raw and staging for its caller; it reveals nothing about a person.
GRANT EXECUTE ON FUNCTION
    audit.last_runs(integer), audit.last_steps(integer), audit.usual_value(text, date), audit.usual_values(text, date, date), audit._comparable(text, double precision), audit.day_compared(date), audit.days_compared(date, date),
    audit.day_advice(date), audit.day_in_words(date), audit.day_story(date), audit.order_story(text),
    audit.rule_limit(integer), audit.plan(date, date), audit.try_shape(text, json[]), warehouse._refuse_day(date, text)
TO warehouse_runner, warehouse_analyst;

-- The views from staging to the facts, which are made anew with their files.
GRANT SELECT ON staging.order_facts, staging.event_facts TO warehouse_runner, warehouse_checker;

-- The views of the report that use functions, and so are made anew with their files.
GRANT SELECT ON warehouse.daily_sales_by, audit.daily_rejections, audit.daily_deliveries TO warehouse_runner, warehouse_analyst;
-- All that the report reads, for a login that may read nothing else. No view tells of a person, an id, or a group under five orders.
GRANT SELECT ON
    warehouse.daily_sales, warehouse.daily_sales_by, warehouse.daily_funnel,
    audit.day_states, audit.needs_look, audit.rule_history, audit.rules, audit.daily_rejections, audit.days_let_through,
    audit.step_seconds, audit.source_volumes, audit.health, audit.measures, audit.expected_days, audit.freshness,
    audit.daily_deliveries, audit.day_lines, audit.daily_statuses, audit.daily_superseded,
    audit.dictionary_tables, audit.dictionary_columns, audit.dictionary_keys, audit.dictionary_lineage, audit.dictionary_steps
TO warehouse_reporter;
GRANT EXECUTE ON FUNCTION
    warehouse.sales_by(text, date, date), warehouse.sales_by_kinds(text[], date, date), warehouse.daily_sales_by(text, date, date), warehouse.products_compared(date, date, integer),
    audit.report_setting(text), audit.usual_days(date), audit.daily_usual(text, date, date), audit.day_beside(date), audit.days_beside(date, date), audit.day_bridge(date), audit.days_bridge(date, date), audit.day_next(date)
TO warehouse_runner, warehouse_analyst, warehouse_reporter;
-- What these views call, with the rights of who reads them.
GRANT EXECUTE ON FUNCTION audit._shown(text, integer), audit._harmless(text, text, text), audit._plain_reason(text, text)
TO warehouse_runner, warehouse_analyst, warehouse_reporter;
