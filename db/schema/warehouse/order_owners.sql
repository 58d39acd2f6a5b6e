CREATE TABLE warehouse.order_owners (
    order_id          text COLLATE "C" NOT NULL,
    load_date         date NOT NULL,
    source_updated_at timestamptz,
    CONSTRAINT order_owners_pkey PRIMARY KEY (order_id)
);
COMMENT ON TABLE warehouse.order_owners IS 'One row per order in fact_orders: the load whose lines are in force. Of the loads that have a clean line of it, that is the one with the latest updated_at (without one, the end of its day counts), then the latest one.';
COMMENT ON COLUMN warehouse.order_owners.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.order_owners.load_date IS 'Load whose lines are in fact_orders; those of other loads are in orders_superseded';
COMMENT ON COLUMN warehouse.order_owners.source_updated_at IS 'Its updated_at in that load; NULL if the source does not say';
