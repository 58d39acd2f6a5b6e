"""Forms of other systems: rows of staging.shapes, functions in schema shapes."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


# Roles are the server's: another database of it may have made this one already, or make it at this moment.
ROLE = """
DO $role$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'warehouse_shaper') THEN
            CREATE ROLE warehouse_shaper NOLOGIN;
            COMMENT ON ROLE warehouse_shaper IS 'Evaluates the functions of shapes: computes, and can read nothing';
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    IF NOT pg_has_role('warehouse_shaper', 'USAGE') THEN
        EXECUTE format('GRANT warehouse_shaper TO %%I', current_user);
    END IF;
    IF NOT pg_has_role('warehouse_owner', 'warehouse_shaper', 'USAGE') THEN
        GRANT warehouse_shaper TO warehouse_owner;
    END IF;
    -- A database that was restored from a dump has lost it; the owner makes a schema below.
    IF NOT has_database_privilege('warehouse_owner', current_database(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %%I TO warehouse_owner', current_database());
    END IF;
    EXECUTE format('GRANT TEMPORARY ON DATABASE %%I TO warehouse_shaper', current_database());
END
$role$
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(ROLE)
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
