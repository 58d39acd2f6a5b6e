-- What a step made its result from, and what a rule reads; steps and sources as rows.

CREATE TABLE raw.sources (
    source          text     NOT NULL,
    position        smallint NOT NULL,
    raw_table       text     NOT NULL,
    raw_id          text     NOT NULL,
    staging_table   text     NOT NULL,
    key_columns     text[]   NOT NULL,
    sample          text     NOT NULL,
    required_fields text[]   NOT NULL,
    is_optional     boolean  NOT NULL,
    description     text     NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (source),
    CONSTRAINT sources_position_key UNIQUE (position),
    CONSTRAINT sources_staging_table_key UNIQUE (staging_table)
);
COMMENT ON TABLE raw.sources IS 'One row per source of deliveries: its tables, keys and required fields';
COMMENT ON COLUMN raw.sources.source IS 'Folder of the landing zone: orders, events or products';
COMMENT ON COLUMN raw.sources.position IS 'Order in which sources are named; also their place in staging versions';
COMMENT ON COLUMN raw.sources.raw_table IS 'Table of raw that its deliveries are copied to';
COMMENT ON COLUMN raw.sources.raw_id IS 'Column of raw_table that numbers its rows';
COMMENT ON COLUMN raw.sources.staging_table IS 'Table of staging that holds its clean rows';
COMMENT ON COLUMN raw.sources.key_columns IS 'Columns that tell the rows of a day in staging_table apart';
COMMENT ON COLUMN raw.sources.sample IS 'SQL over a row of staging_table: how a failed rule names it';
COMMENT ON COLUMN raw.sources.required_fields IS 'Fields without which a record is rejected; of a CSV header event_id, event_type and event_ts';
COMMENT ON COLUMN raw.sources.is_optional IS 'Whether a day is loaded without it: a fact never waits for a dimension';
COMMENT ON COLUMN raw.sources.description IS 'What it is';

INSERT INTO raw.sources (source, position, raw_table, raw_id, staging_table, key_columns, sample, required_fields, is_optional, description) VALUES
    ('orders', 1, 'raw.orders_json', 'raw_orders_id', 'staging.orders_clean', '{order_id,line_number}',
     'order_id || ''/'' || line_number', '{order_id,product_id,quantity,price,timestamp,status}', false, 'Orders: JSON, a line per item'),
    ('events', 2, 'raw.events_csv', 'raw_events_id', 'staging.events_clean', '{event_id,event_ts}',
     'event_id', '{event_id,event_type,event_ts}', false, 'Clicks and other events: CSV with a header'),
    ('products', 3, 'raw.products_json', 'raw_products_id', 'staging.products_clean', '{product_id}',
     'product_id', '{product_id}', true, 'The catalogue: JSON files, or the products API');

GRANT SELECT ON raw.sources TO warehouse_runner;

ALTER TABLE raw.file_loads DROP CONSTRAINT file_loads_source_check;
ALTER TABLE raw.file_loads ADD CONSTRAINT file_loads_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source);
COMMENT ON COLUMN raw.file_loads.source IS 'raw.sources: orders, events or products';
ALTER TABLE staging.loads DROP CONSTRAINT loads_source_check;
ALTER TABLE staging.loads ADD CONSTRAINT loads_source_fkey FOREIGN KEY (source) REFERENCES raw.sources (source);
COMMENT ON COLUMN staging.loads.source IS 'raw.sources: orders, events or products';
ALTER TABLE audit.dq_rules DROP CONSTRAINT dq_rules_table_name_check;
ALTER TABLE audit.dq_rules ADD CONSTRAINT dq_rules_table_name_fkey FOREIGN KEY (table_name) REFERENCES raw.sources (staging_table);

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
    CONSTRAINT steps_inputs_check CHECK (inputs <@ ARRAY['codes', 'fields', 'order statuses', 'deliveries', 'staging', 'staging of orders',
                                                         'staging of events', 'rules', 'overrides', 'figures', 'unseen members'])
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
     '{codes,fields,order statuses,deliveries}', '{staging.orders_clean,staging.loads}', 'staging.orders_clean', false, 'Makes typed lines of the orders delivered'),
    ('clean_events', 60, 3, 'events', 'staging.clean_events', 'staging._clean_events', false,
     '{codes,fields,order statuses,deliveries}', '{staging.events_clean,staging.loads}', 'staging.events_clean', false, 'Makes typed rows of the events delivered'),
    ('clean_products', 70, 3, 'products', 'staging.clean_products', 'staging._clean_products', false,
     '{fields,deliveries}', '{staging.products_clean,staging.loads}', 'staging.products_clean', false, 'Makes typed rows of the catalogue delivered'),
    ('check_quality', 80, 4, NULL, 'audit.check_quality', 'audit._check_quality', false,
     '{codes,order statuses,staging,rules,overrides}', '{}', NULL, false, 'Judges the staging of the day'),
    ('load_dim_date', 90, 5, NULL, 'warehouse.load_dim_date', 'warehouse._load_dim_date', true,
     '{staging}', '{warehouse.dim_date}', NULL, true, 'Adds the days that the day''s rows may name'),
    ('load_dim_user', 100, 5, NULL, 'warehouse.load_dim_user', 'warehouse._load_dim_user', true,
     '{codes,order statuses,staging}', '{warehouse.dim_user,warehouse.user_loads,warehouse.unseen_members}', NULL, true, 'Loads the day''s users'),
    ('load_dim_product', 110, 5, NULL, 'warehouse.load_dim_product', 'warehouse._load_dim_product', true,
     '{codes,order statuses,staging}', '{warehouse.dim_product,warehouse.dim_product_history,warehouse.product_loads,warehouse.unseen_members}', NULL, true,
     'Loads the day''s products and their versions'),
    ('reload_fact_orders', 120, 6, NULL, 'warehouse.reload_fact_orders', 'warehouse._reload_fact_orders', true,
     '{codes,order statuses,staging of orders}', '{warehouse.fact_orders,warehouse.orders_superseded,warehouse.order_owners}', 'warehouse.fact_orders', false,
     'Puts the day''s order lines in place of what that load had before'),
    ('reload_fact_events', 130, 6, NULL, 'warehouse.reload_fact_events', 'warehouse._reload_fact_events', true,
     '{codes,order statuses,staging of events}', '{warehouse.fact_events,warehouse.events_superseded,warehouse.late_events}', 'warehouse.fact_events', false,
     'Puts the day''s events in place of what that load had before'),
    ('compute_daily_metrics', 140, 7, NULL, 'warehouse.compute_daily_metrics', 'warehouse._compute_daily_metrics', true,
     '{codes,order statuses,staging,figures,unseen members}', '{warehouse.dim_user,warehouse.dim_product,warehouse.unseen_members}', NULL, false,
     'Proves that nothing was lost, removes members that no load mentions, and closes the run');

GRANT SELECT ON audit.steps TO warehouse_runner, warehouse_analyst;

-- Every step works again after this: its inputs were remembered as a single digest.
DROP INDEX audit.idx_step_inputs_work_number;
ALTER TABLE audit.step_inputs ADD COLUMN components jsonb NOT NULL DEFAULT '{}';
ALTER TABLE audit.step_inputs ADD COLUMN reads text[] DEFAULT '{}';
ALTER TABLE audit.step_inputs ADD COLUMN seen pg_snapshot NOT NULL DEFAULT pg_current_snapshot();
ALTER TABLE audit.step_inputs ADD COLUMN worked_in xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE audit.step_inputs ADD CONSTRAINT step_inputs_step_fkey
    FOREIGN KEY (step) REFERENCES audit.steps (step) ON DELETE CASCADE;
CREATE INDEX idx_step_inputs_worked_in ON audit.step_inputs (worked_in);
COMMENT ON COLUMN audit.step_inputs.step IS 'audit.steps';
COMMENT ON COLUMN audit.step_inputs.digest IS 'SHA-256 of all components';
COMMENT ON COLUMN audit.step_inputs.work_number IS 'Rises with each work of any step';
COMMENT ON COLUMN audit.step_inputs.components IS 'Each of its inputs, as a digest or a number: deliveries or staging, settings, codes, routines, rules, …; null means not known, and makes the step work';
COMMENT ON COLUMN audit.step_inputs.reads IS 'For check_quality: other tables that its rules read; NULL if that is not known, and then the day is judged each time';
COMMENT ON COLUMN audit.step_inputs.seen IS 'Transactions whose changes it saw; a step that worked in another transaction is newer';
COMMENT ON COLUMN audit.step_inputs.worked_in IS 'Transaction that last changed what the step made';

-- The rule as shipped said one thing before its day was loaded and another afterwards. An edited one stays as it is.
UPDATE audit.dq_rules r
SET expression = 'avg(CASE WHEN product_id IN (SELECT k.product_id FROM staging.known_products($1) k) THEN 0 ELSE 1 END)'
WHERE r.rule_name = 'products_coverage'
  AND r.expression = 'avg(CASE WHEN product_id IN (SELECT p.product_id FROM warehouse.dim_product p WHERE NOT p.is_inferred UNION ALL SELECT c.product_id FROM staging.products_clean c WHERE c.load_date = $1) THEN 0 ELSE 1 END)';
