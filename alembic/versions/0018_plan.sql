-- What a run would do: inputs of steps part by part.

CREATE TABLE audit.inputs (
    input         text    NOT NULL,
    word          text    NOT NULL,
    of_day        boolean NOT NULL DEFAULT false,
    of_all_steps  boolean NOT NULL DEFAULT false,
    follows       text[]  NOT NULL DEFAULT '{}',
    of_other_days boolean NOT NULL DEFAULT false,
    may_return    boolean NOT NULL DEFAULT false,
    description   text    NOT NULL,
    CONSTRAINT inputs_pkey PRIMARY KEY (input),
    CONSTRAINT inputs_follows_check CHECK (follows = '{}' OR of_day)
);
COMMENT ON TABLE audit.inputs IS 'One row per kind of input that a step may make its result from. What it is now, part by part: audit._shared_input, audit._day_input.';
COMMENT ON COLUMN audit.inputs.input IS 'As in audit.steps.inputs and audit.step_inputs.components';
COMMENT ON COLUMN audit.inputs.word IS 'What one part of it is called when audit.plan names a change: code, rule, setting, …';
COMMENT ON COLUMN audit.inputs.of_day IS 'Whether it differs from day to day. If not, its states are in audit.input_states, and components hold a digest';
COMMENT ON COLUMN audit.inputs.of_all_steps IS 'Whether each step reads it, whatever its audit.steps.inputs say';
COMMENT ON COLUMN audit.inputs.follows IS 'Tables in audit.steps.writes: when a step before has changed one, this input may be another';
COMMENT ON COLUMN audit.inputs.of_other_days IS 'Whether it follows the steps of other days, too';
COMMENT ON COLUMN audit.inputs.may_return IS 'Whether what it follows may make it what it was before; a version never returns';
COMMENT ON COLUMN audit.inputs.description IS 'What it is';

INSERT INTO audit.inputs (input, word, of_day, of_all_steps, follows, of_other_days, may_return, description) VALUES
    ('settings', 'setting', false, true, '{}', false, false, 'audit.settings, but for skip_unchanged'),
    ('step', 'column of its row in audit.steps', false, true, '{}', false, false, 'The step''s row of audit.steps'),
    ('routines', 'routine', false, true, '{}', false, false, 'The routines of raw, staging, audit and warehouse; replacing one changes it'),
    ('views', 'view', false, true, '{}', false, false, 'The views between staging and facts'),
    ('revision', 'revision of the schema', false, true, '{}', false, false, 'The newest revision of alembic'),
    ('server', 'version of the server', false, true, '{}', false, false, 'PostgreSQL''s server_version_num'),
    ('codes', 'code', false, false, '{}', false, false, 'staging.codes'),
    ('null markers', 'null marker', false, false, '{}', false, false, 'staging.null_markers'),
    ('order statuses', 'order status', false, false, '{}', false, false, 'warehouse.order_statuses'),
    ('fields', 'field', false, false, '{}', false, false, 'staging.fields'),
    ('rules', 'rule', false, false, '{}', false, false, 'audit.dq_rules'),
    ('deliveries', 'delivery', true, false, '{}', false, false, 'The deliveries in force of the step''s source'),
    ('shapes', 'shape of', true, false, '{}', false, false, 'The shapes of these deliveries and the functions that these are made of'),
    ('rates', 'exchange rate of', true, false, '{}', false, false, 'The rates at which an order of the day may be converted, by currency'),
    ('staging', 'staging of', true, false, '{staging.orders_clean,staging.events_clean,staging.products_clean}', false, false, 'Versions of the day''s staging'),
    ('staging of orders', 'staging of', true, false, '{staging.orders_clean}', false, false, 'Version of the day''s staging of orders'),
    ('staging of events', 'staging of', true, false, '{staging.events_clean}', false, false, 'Version of the day''s staging of events'),
    ('overrides', 'permission', true, false, '{}', false, false, 'What audit.allow_day let through'),
    ('figures', 'figure', true, false, '{warehouse.fact_orders,warehouse.orders_superseded,warehouse.fact_events,warehouse.events_superseded}', true, true,
     'The day''s figures in warehouse.daily_metrics, which the fact steps of all days keep'),
    ('usual', 'part', true, false, '{staging.orders_clean,staging.events_clean,staging.products_clean,audit.gate_verdicts}', true, true,
     'What rules about unusual days read: profiles of the day and of the 62 days before, which of these are blocked, and which are expected to be unusual'),
    ('unseen members', 'unseen member', true, false, '{warehouse.unseen_members}', true, true, 'warehouse.unseen_members: none, or not known');

CREATE TABLE audit.input_states (
    input         text        NOT NULL,
    digest        text        NOT NULL,
    entries       jsonb       NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT input_states_pkey PRIMARY KEY (input, digest),
    CONSTRAINT input_states_input_fkey FOREIGN KEY (input) REFERENCES audit.inputs (input)
);
COMMENT ON TABLE audit.input_states IS 'One row per state in which a step has met an input that all days share: codes, rules, settings, routines, …. Days share it, so that audit.plan can name what has changed since.';
COMMENT ON COLUMN audit.input_states.input IS 'audit.inputs';
COMMENT ON COLUMN audit.input_states.digest IS 'What stands for it in audit.step_inputs.components';
COMMENT ON COLUMN audit.input_states.entries IS 'Its parts: each code, rule, setting, … and what it was';
COMMENT ON COLUMN audit.input_states.first_used_at IS 'When a step first worked with it';

COMMENT ON COLUMN audit.step_inputs.components IS 'Each of its inputs (audit.inputs): its parts if it is one of the day, else the digest of a row in audit.input_states; null means not known, and makes the step work';

UPDATE audit.steps SET writes = '{audit.gate_verdicts}' WHERE step = 'check_quality';
COMMENT ON COLUMN audit.steps.writes IS 'Tables that only this step and its like change and that rules may read, or an input follows (audit.inputs): a verdict of the gate that read one is judged again when the step has worked. warehouse.daily_metrics is not among them: the end of each run writes it.';

-- They have an argument more, or fewer.
DROP FUNCTION IF EXISTS audit._step_components(audit.steps, date);

GRANT SELECT ON audit.inputs, audit.input_states TO warehouse_runner, warehouse_analyst;
