"""The fields of an order have a type; the story of an order carries all of its amounts."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
