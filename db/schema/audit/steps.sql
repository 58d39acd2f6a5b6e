CREATE TABLE audit.steps (
    step            text     NOT NULL,
    position        smallint NOT NULL,
    wave            smallint NOT NULL,
    source          text,
    procedure       text,
    worker          text,
    needs_pass      boolean  NOT NULL DEFAULT false,
    inputs          text[]   NOT NULL DEFAULT '{}',
    writes          text[]   NOT NULL DEFAULT '{}',
    result_table    text,
    tells_changes   boolean  NOT NULL DEFAULT false,
    description     text     NOT NULL,
    CONSTRAINT steps_pkey PRIMARY KEY (step),
    CONSTRAINT steps_position_key UNIQUE (position),
    CONSTRAINT steps_needs_pass_check CHECK (NOT needs_pass OR worker IS NOT NULL),
    CONSTRAINT steps_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source),
    CONSTRAINT steps_inputs_check CHECK (inputs <@ ARRAY['codes', 'null markers', 'fields', 'order statuses', 'deliveries', 'staging', 'staging of orders',
                                                         'staging of events', 'rules', 'overrides', 'figures', 'unseen members', 'rates', 'shapes', 'usual'])
);
COMMENT ON TABLE audit.steps IS 'One row per step of a day. The driver, run_day, run --jobs and the daily DAG''s test read it: a new step stands here.';
COMMENT ON COLUMN audit.steps.step IS 'What it is called in audit.pipeline_steps, and in Airflow';
COMMENT ON COLUMN audit.steps.position IS 'Order in which run_day calls them; in tens, so that another fits between';
COMMENT ON COLUMN audit.steps.wave IS 'Steps of one wave can run in parallel; a wave waits for the one before it. A cleaning step only waits for the extract of its source.';
COMMENT ON COLUMN audit.steps.source IS 'Source of an extract or a cleaning step';
COMMENT ON COLUMN audit.steps.procedure IS 'Public procedure that calls it; NULL for an extract, which glue does';
COMMENT ON COLUMN audit.steps.worker IS 'Function (date) RETURNS audit.step_result that does the work, and nothing else: the driver locks, asks for the pass, skips and remembers. NULL if the record of the step is all there is to do.';
COMMENT ON COLUMN audit.steps.needs_pass IS 'Whether it refuses a day whose staging has no pass of the gate';
COMMENT ON COLUMN audit.steps.inputs IS 'What it makes its result from, and skips by, besides what all steps read: settings, routines, its own row here, the schema''s revision and the server''s version';
COMMENT ON COLUMN audit.steps.writes IS 'Tables that rules may read and that only this step and its like change: a verdict of the gate that read one is judged again when the step has worked. warehouse.daily_metrics is not among them: the end of each run writes it.';
COMMENT ON COLUMN audit.steps.result_table IS 'Partitioned table that holds the day''s result: without a partition of the day the step works';
COMMENT ON COLUMN audit.steps.tells_changes IS 'Whether its rows_out counts the rows that it changed, and so is 0 when it is skipped';
COMMENT ON COLUMN audit.steps.description IS 'What it does';

INSERT INTO audit.steps (step, position, wave, source, procedure, worker, needs_pass, inputs, writes, result_table, tells_changes, description) VALUES
    ('open_run', 10, 1, NULL, 'audit.open_run', NULL, false, '{}', '{}', NULL, false, 'Opens a run of the day'),
    ('extract_orders', 20, 2, 'orders', NULL, NULL, false, '{}', '{}', NULL, false, 'Brings orders into raw'),
    ('extract_events', 30, 2, 'events', NULL, NULL, false, '{}', '{}', NULL, false, 'Brings events into raw'),
    ('extract_products', 40, 2, 'products', NULL, NULL, false, '{}', '{}', NULL, false, 'Brings the catalogue into raw, when there is one'),
    ('clean_orders', 50, 3, 'orders', 'staging.clean_orders', 'staging._clean_orders', false,
     '{codes,null markers,fields,order statuses,deliveries,rates,shapes}', '{staging.orders_clean,staging.loads}', 'staging.orders_clean', false, 'Makes typed lines of the orders delivered'),
    ('clean_events', 60, 3, 'events', 'staging.clean_events', 'staging._clean_events', false,
     '{codes,null markers,fields,order statuses,deliveries,shapes}', '{staging.events_clean,staging.loads}', 'staging.events_clean', false, 'Makes typed rows of the events delivered'),
    ('clean_products', 70, 3, 'products', 'staging.clean_products', 'staging._clean_products', false,
     '{null markers,fields,deliveries,shapes}', '{staging.products_clean,staging.loads}', 'staging.products_clean', false, 'Makes typed rows of the catalogue delivered'),
    ('check_quality', 80, 4, NULL, 'audit.check_quality', 'audit._check_quality', false,
     '{codes,order statuses,staging,rules,overrides,usual}', '{}', NULL, false, 'Judges the staging of the day'),
    ('load_dim_date', 90, 5, NULL, 'warehouse.load_dim_date', 'warehouse._load_dim_date', true,
     '{staging}', '{warehouse.dim_date}', NULL, true, 'Adds the days that the day''s rows may name'),
    ('load_dim_user', 100, 5, NULL, 'warehouse.load_dim_user', 'warehouse._load_dim_user', true,
     '{codes,order statuses,staging}', '{warehouse.dim_user,warehouse.user_loads,warehouse.unseen_members}', NULL, true, 'Loads the day''s users'),
    ('load_dim_product', 110, 5, NULL, 'warehouse.load_dim_product', 'warehouse._load_dim_product', true,
     '{codes,order statuses,staging}', '{warehouse.dim_product,warehouse.dim_product_history,warehouse.product_loads,warehouse.unseen_members}', NULL, true,
     'Loads the day''s products and their versions'),
    ('reload_fact_orders', 120, 6, NULL, 'warehouse.reload_fact_orders', 'warehouse._reload_fact_orders', true,
     '{codes,order statuses,staging of orders}', '{warehouse.fact_orders,warehouse.orders_superseded,warehouse.order_owners,warehouse.daily_products,warehouse.daily_order_statuses}', 'warehouse.fact_orders', false,
     'Puts the day''s order lines in place of what that load had before'),
    ('reload_fact_events', 130, 6, NULL, 'warehouse.reload_fact_events', 'warehouse._reload_fact_events', true,
     '{codes,order statuses,staging of events}', '{warehouse.fact_events,warehouse.events_superseded,warehouse.late_events,warehouse.daily_event_types}', 'warehouse.fact_events', false,
     'Puts the day''s events in place of what that load had before'),
    ('compute_daily_metrics', 140, 7, NULL, 'warehouse.compute_daily_metrics', 'warehouse._compute_daily_metrics', true,
     '{codes,order statuses,staging,figures,unseen members}', '{warehouse.dim_user,warehouse.dim_product,warehouse.unseen_members}', NULL, false,
     'Proves that nothing was lost, removes members that no load mentions, and closes the run');
