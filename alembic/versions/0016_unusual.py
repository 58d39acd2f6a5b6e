"""Unusual days as rules: profiles of days, what is usual, codes and fields that are new or gone."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
