"""Views of the report, the figures that they add up, and a role that reads nothing else."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


# Roles are the server's: another database of it may have made this one already, or make it at this moment.
ROLE = """
DO $role$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'warehouse_reporter') THEN
        CREATE ROLE warehouse_reporter NOLOGIN;
        COMMENT ON ROLE warehouse_reporter IS 'Reads the views of the report, and nothing else';
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$role$
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(ROLE)
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
