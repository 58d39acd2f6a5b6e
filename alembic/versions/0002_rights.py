"""Rights: the database's path, the checker's limits, and what only the owner may do."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql, tell_analysts

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# What the database itself is set to: its owner's to say, not the warehouse's.
DATABASE = """
DO $database$
BEGIN
    EXECUTE format('ALTER DATABASE %%I SET search_path = public', current_database());
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT USAGE, CREATE ON SCHEMA public TO warehouse_owner;
END
$database$
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(DATABASE)
    tell_analysts(op.get_bind())
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
