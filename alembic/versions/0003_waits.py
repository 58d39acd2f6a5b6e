"""Waits that name what they wait for, and end; rules with a time limit."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The database is the migrating login's, not the owner's. Who may not grant this leaves it as it is.
    op.execute(
        "DO $$ BEGIN EXECUTE pg_catalog.format('GRANT TEMPORARY ON DATABASE %I TO warehouse_checker',"
        " pg_catalog.current_database()); EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
    )
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
