CREATE TABLE warehouse.unseen_members (
    dimension text NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    CONSTRAINT unseen_members_pkey PRIMARY KEY (dimension, member_id),
    CONSTRAINT unseen_members_dimension_check CHECK (dimension IN ('user', 'product'))
);
COMMENT ON TABLE warehouse.unseen_members IS 'One row per member that no load mentions any more, because the one that did was corrected. Facts may still point at it; compute_daily_metrics takes it away once none does.';
COMMENT ON COLUMN warehouse.unseen_members.dimension IS 'user or product';
COMMENT ON COLUMN warehouse.unseen_members.member_id IS 'user_id or product_id';
