"""Everything of the first release: roles, schemas and tables."""

from pathlib import Path

from alembic import op

from ops.migrate import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("drop the database, or restore a backup of it")
