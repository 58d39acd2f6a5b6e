CREATE TABLE warehouse.funnel_stages (
    event_type text     NOT NULL,
    stage      text     NOT NULL,
    place      smallint NOT NULL,
    CONSTRAINT funnel_stages_pkey PRIMARY KEY (event_type),
    CONSTRAINT funnel_stages_stage_check CHECK (stage IN ('view', 'cart', 'checkout', 'purchase'))
);
COMMENT ON TABLE warehouse.funnel_stages IS 'One row per type of event on the way from view to purchase. Add a row for a type of your own; the report shows it at once.';
COMMENT ON COLUMN warehouse.funnel_stages.event_type IS 'Canonical type: staging.codes';
COMMENT ON COLUMN warehouse.funnel_stages.stage IS 'view, cart, checkout or purchase';
COMMENT ON COLUMN warehouse.funnel_stages.place IS 'Order of the stages, from 1';

INSERT INTO warehouse.funnel_stages (event_type, stage, place) VALUES
    ('product_view', 'view', 1), ('add_to_cart', 'cart', 2), ('checkout', 'checkout', 3), ('purchase', 'purchase', 4);
