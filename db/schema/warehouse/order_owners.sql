CREATE TABLE warehouse.order_owners (
    order_id  text COLLATE "C" NOT NULL,
    load_date date NOT NULL,
    CONSTRAINT order_owners_pkey PRIMARY KEY (order_id)
);
COMMENT ON TABLE warehouse.order_owners IS 'One row per order in fact_orders: the load whose lines are in force, the last one that has a clean line of it';
COMMENT ON COLUMN warehouse.order_owners.order_id IS 'Of the source';
COMMENT ON COLUMN warehouse.order_owners.load_date IS 'Load whose lines are in fact_orders; those of earlier loads are in orders_superseded';
