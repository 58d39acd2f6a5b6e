"""On a cluster logins of BI tools read the shards of the facts, unless a custom field is personal."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
