CREATE TABLE warehouse.dim_user (
    user_id              text        COLLATE "C" NOT NULL,
    city                 text,
    signup_date          date,
    marketing_source     text,
    first_seen_at        timestamptz,
    last_seen_at         timestamptz,
    is_inferred          boolean     NOT NULL,
    attributes_order_ts  timestamptz,
    attributes_load_date date,
    attributes_order_id  text        COLLATE "C",
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT dim_user_pkey PRIMARY KEY (user_id)
);
COMMENT ON TABLE warehouse.dim_user IS 'One row per user ever seen, in orders or events; (guest) stands for orders and events without one';
COMMENT ON COLUMN warehouse.dim_user.user_id IS 'Of the source';
COMMENT ON COLUMN warehouse.dim_user.city IS 'Of the user''s last order that carries any attribute';
COMMENT ON COLUMN warehouse.dim_user.signup_date IS 'Of the same order';
COMMENT ON COLUMN warehouse.dim_user.marketing_source IS 'Of the same order';
COMMENT ON COLUMN warehouse.dim_user.first_seen_at IS 'Time of the user''s first order or event';
COMMENT ON COLUMN warehouse.dim_user.last_seen_at IS 'Time of the user''s last order or event';
COMMENT ON COLUMN warehouse.dim_user.is_inferred IS 'true while no order has carried an attribute of the user';
COMMENT ON COLUMN warehouse.dim_user.attributes_order_ts IS 'Time of the order that the attributes are of';
COMMENT ON COLUMN warehouse.dim_user.attributes_load_date IS 'Load of that order';
COMMENT ON COLUMN warehouse.dim_user.attributes_order_id IS 'That order';
COMMENT ON COLUMN warehouse.dim_user.created_at IS 'When the row was made';
COMMENT ON COLUMN warehouse.dim_user.updated_at IS 'When the row last changed';

INSERT INTO warehouse.dim_user (user_id, is_inferred) VALUES ('(guest)', true);
