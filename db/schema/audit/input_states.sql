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
