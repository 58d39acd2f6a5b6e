CREATE TABLE warehouse.user_loads (
    user_id             text        COLLATE "C" NOT NULL,
    load_date           date        NOT NULL,
    first_seen_at       timestamptz NOT NULL,
    last_seen_at        timestamptz NOT NULL,
    city                text,
    signup_date         date,
    marketing_source    text,
    attributes_order_ts timestamptz,
    attributes_order_id text        COLLATE "C",
    CONSTRAINT user_loads_pkey PRIMARY KEY (user_id, load_date)
);
CREATE INDEX idx_user_loads_load_date ON warehouse.user_loads (load_date);

COMMENT ON TABLE warehouse.user_loads IS 'One row per user and load: what that load says of the user. dim_user is the sum of these, whatever the order in which they came.';
COMMENT ON COLUMN warehouse.user_loads.user_id IS 'Of the source; (guest) for orders and events without one';
COMMENT ON COLUMN warehouse.user_loads.load_date IS 'Load';
COMMENT ON COLUMN warehouse.user_loads.first_seen_at IS 'Time of the user''s first order or event in this load';
COMMENT ON COLUMN warehouse.user_loads.last_seen_at IS 'Time of the user''s last order or event in this load';
COMMENT ON COLUMN warehouse.user_loads.city IS 'Of the last order in this load that carries any attribute';
COMMENT ON COLUMN warehouse.user_loads.signup_date IS 'Of the same order';
COMMENT ON COLUMN warehouse.user_loads.marketing_source IS 'Of the same order';
COMMENT ON COLUMN warehouse.user_loads.attributes_order_ts IS 'Time of that order; NULL if none carries any';
COMMENT ON COLUMN warehouse.user_loads.attributes_order_id IS 'That order';
