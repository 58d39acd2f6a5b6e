CREATE TABLE audit.time_zone_changes (
    change_id  bigint      GENERATED ALWAYS AS IDENTITY,
    from_zone  text        NOT NULL,
    to_zone    text        NOT NULL,
    changed_by text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    CONSTRAINT time_zone_changes_pkey PRIMARY KEY (change_id)
);
COMMENT ON TABLE audit.time_zone_changes IS 'One row per change of the shop''s time zone: CALL warehouse.change_time_zone(zone). While one is not complete, no step of a day works.';
COMMENT ON COLUMN audit.time_zone_changes.change_id IS 'Number of the change';
COMMENT ON COLUMN audit.time_zone_changes.from_zone IS 'The setting before';
COMMENT ON COLUMN audit.time_zone_changes.to_zone IS 'The setting afterwards';
COMMENT ON COLUMN audit.time_zone_changes.changed_by IS 'Role that was logged in';
COMMENT ON COLUMN audit.time_zone_changes.started_at IS 'When it began';
COMMENT ON COLUMN audit.time_zone_changes.ended_at IS 'When all that was made in the old zone was gone; NULL while it is under way, or if it was interrupted: call it again and it continues';
