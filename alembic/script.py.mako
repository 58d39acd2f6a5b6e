"""${message}"""

from pathlib import Path

from alembic import op

from ops.migrate import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
