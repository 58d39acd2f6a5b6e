"""From every release with data in it to the next one and back; and an upgrade in a warehouse that is in use."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg.conninfo import make_conninfo

from embedded.server import PROJECT, EmbeddedServer
from ops import migrate
from ops.migrate import MigrationError, upgrade
from tests import catalog
from tests.conftest import Warehouse, copied, opened, template_of
from tests.promises import broken_promises
from tests.shop import Landing, checksums
from trust.upgrades import DAYS, FRIDAY, RELEASES, SUNDAY, put

# Together: they share what a release left.
pytestmark = pytest.mark.xdist_group("upgrades")
SCHEMAS = ["raw", "staging", "warehouse", "audit"]
VERSIONS = PROJECT / "alembic" / "versions"
HEAD = migrate.revisions()[-1]
NEXT = f"{int(HEAD) + 1:04}"
# A release to come: a column more for a table that everybody reads, and a way back.
REVISION = f'''
"""A release to come."""

from pathlib import Path

from alembic import op

from ops.migrate import OWNER, run_sql

revision = "{NEXT}"
down_revision = "{HEAD}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql(op.get_bind(), Path(__file__).with_suffix(".sql"), role=OWNER)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("ALTER TABLE warehouse.dim_user DROP COLUMN loyalty")
'''
SQL = """
ALTER TABLE warehouse.dim_user ADD COLUMN loyalty text;
COMMENT ON COLUMN warehouse.dim_user.loyalty IS 'Of the release to come';
"""


@pytest.fixture
def release_to_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Alembic's configuration with one revision more than there is; migrations use it."""
    tree = tmp_path / "tree"
    shutil.copytree(PROJECT / "alembic", tree / "alembic")
    shutil.copy(PROJECT / "alembic.ini", tree)
    (tree / "alembic" / "versions" / f"{NEXT}_to_come.py").write_text(REVISION)
    (tree / "alembic" / "versions" / f"{NEXT}_to_come.sql").write_text(SQL)
    monkeypatch.setattr(migrate, "PROJECT", tree)
    return Config(tree / "alembic.ini")


def version(warehouse: Warehouse) -> str:
    found: str = warehouse.value("SELECT version_num FROM public.alembic_version")
    return found


# From one release to the next is what a version of PostgreSQL may change; that a second time is not.
AT_HAND = "at hand"
STARTS = [pytest.param(AT_HAND, marks=pytest.mark.once), *sorted(path.stem for path in RELEASES.glob("*.dump"))]


@pytest.fixture(scope="module", params=STARTS)
def released_once(request: pytest.FixtureRequest, filled_once: Warehouse, server: EmbeddedServer) -> Iterator[Any]:
    """A database to copy, as a release left it: the one at hand, filled here, and those that are kept as dumps."""
    if request.param == AT_HAND:
        filled_once.close()
        yield template_of(filled_once.dsn)
        return
    name = f"released_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        restore = [server.binaries() / "pg_restore", "-d", server.dsn(name), RELEASES / f"{request.param}.dump"]
        subprocess.run(restore, env=environment, check=True, timeout=120)
        yield template_of(make_conninfo(server.dsn(name)))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def released(released_once: Any, landing: Landing) -> Iterator[Warehouse]:
    """A warehouse as a release left it."""
    with copied(released_once) as dsn, opened(dsn, landing) as made:
        yield made


@dataclass(frozen=True)
class Start:
    """What a warehouse had before its upgrade."""

    version: str
    events_range: str  # the rule, edited by somebody where it is the release's


@pytest.fixture(scope="module")
def upgraded_once(released_once: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Start]]:
    """A database to copy, upgraded from a release, with a rule that somebody had edited; and what it had before."""
    with copied(released_once) as dsn:
        with opened(dsn, Landing(tmp_path_factory.mktemp("none"))) as made:
            if "start_of_day" not in made.value(RULE, "events_range"):
                made.execute(
                    "UPDATE audit.dq_rules SET expression = expression || ' AND true' WHERE rule_name = 'events_range'"
                )
            start = Start(version(made), made.value(RULE, "events_range"))
        upgrade(dsn)
        yield template_of(dsn), start


@pytest.fixture
def upgraded(upgraded_once: tuple[Any, Start], landing: Landing) -> Iterator[tuple[Warehouse, Start]]:
    """A warehouse that was upgraded from a release, and what it had before."""
    template, start = upgraded_once
    with copied(template) as dsn, opened(dsn, landing) as made:
        yield made, start


RULE = "SELECT expression FROM audit.dq_rules WHERE rule_name = %s"


# What the first release shipped and no upgrade mends: of rules, these rows are kept. Others are mended, or new.
MENDED = ("products_coverage", "orders_range", "events_range")
FIRST = (PROJECT / "alembic" / "versions" / "0001_initial.sql").read_text(encoding="utf-8")
KEPT_RULES = sorted(set(re.findall(r"^    \('(\w+)', '\w+', (?:'staging|NULL)", FIRST, re.MULTILINE)) - {*MENDED})
NEW_CODES = re.findall(
    r"\('(?:order_status|event_type)', '([^']+)'", next(VERSIONS.glob("*_shapes.sql")).read_text(encoding="utf-8")
)
KEPT = {
    "audit.dq_rules": f"t.rule_name = ANY ('{{{','.join(KEPT_RULES)}}}')",
    "staging.codes": f"t.source_value <> ALL (ARRAY{NEW_CODES})",
}


def kept(warehouse: Warehouse, columns: dict[str, list[str]], settings: list[str]) -> dict[str, Any]:
    """Return rows and a checksum of each table, of the columns and settings that it had before."""
    return {
        table: tuple(warehouse.row(
            f"SELECT count(*), sum(hashtextextended(ROW({', '.join(names)})::text, 0)::numeric) FROM {table} AS t"
            " WHERE (%s::text <> 'audit.settings' OR to_jsonb(t) ->> 'name' = ANY (%s))"
            f" AND {KEPT.get(table, 'true')}",
            table, settings,
        )) for table, names in columns.items()
    }  # fmt: skip


def columns_of(warehouse: Warehouse) -> dict[str, list[str]]:
    """Return the columns of each table, but for what an upgrade itself writes."""
    rows = warehouse.rows(
        "SELECT c.oid::regclass::text AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relnamespace::regnamespace::text = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        "   AND c.relname <> 'routine_files' GROUP BY c.oid",
        SCHEMAS,
    )
    assert len(rows) > 30
    return dict(rows)


@pytest.mark.once
def test_an_upgrade_mends_a_rule_as_shipped_and_leaves_an_edited_one(
    released: Warehouse, upgraded: tuple[Warehouse, Start]
) -> None:
    """products_coverage asked for products that its own day's catalogue had brought before."""
    if "dim_product" in released.value(RULE, "products_coverage"):
        released.execute("UPDATE audit.dq_rules SET expression = expression || ' + 0'")
        edited = released.value(RULE, "products_coverage")
        text = (PROJECT / "alembic" / "versions" / "0004_inputs.sql").read_text()
        released.execute(text[text.index("UPDATE audit.dq_rules") :])
        assert released.value(RULE, "products_coverage") == edited
    assert "staging.known_products($1)" in upgraded[0].value(RULE, "products_coverage")


@pytest.mark.once
def test_an_upgrade_lets_a_rule_as_shipped_go_by_the_shops_day_and_leaves_an_edited_one(
    upgraded: tuple[Warehouse, Start],
) -> None:
    """orders_range and events_range knew only the day of UTC."""
    warehouse, start = upgraded
    assert warehouse.value(RULE, "events_range") == start.events_range
    assert start.version == HEAD or start.events_range.endswith(" AND true")
    assert "staging.start_of_day($1 + 1)" in warehouse.value(RULE, "orders_range")


@pytest.mark.once
def test_a_warehouse_that_has_orders_keeps_its_way_with_half_bad_ones_until_somebody_switches(
    upgraded: tuple[Warehouse, Start],
) -> None:
    warehouse, start = upgraded
    setting = "SELECT value FROM audit.settings WHERE name = 'partial_orders'"
    assert warehouse.value(setting) == ("1" if start.version < "0012" else None)
    warehouse.execute("UPDATE audit.settings SET value = NULL WHERE name = 'partial_orders'")
    upgrade(warehouse.dsn)
    assert warehouse.value(setting) is None


def test_from_every_release_with_data_to_the_next_and_back(
    released: Warehouse, release_to_come: Config, landing: Landing
) -> None:
    start = version(released)
    columns = columns_of(released)
    # A release may bring settings of its own.
    settings = [row.name for row in released.rows("SELECT name FROM audit.settings")]
    data, sums = kept(released, columns, settings), checksums(released.connection)
    objects = catalog.read(released.connection)

    upgrade(released.dsn)
    assert version(released) == NEXT
    assert released.value("SELECT count(*) FROM warehouse.dim_user WHERE loyalty IS NULL") > 5
    assert kept(released, columns, settings) == data
    # It works, and nothing is other than before but what tells of runs.
    released.call("warehouse.run_range", DAYS[0], SUNDAY)
    again = kept(released, columns, settings)
    same = [table for table in columns if not table.startswith("audit.") and table != "warehouse.daily_metrics"]
    assert {table: again[table] for table in same} == {table: data[table] for table in same}
    assert broken_promises(released.connection) == {}

    release_to_come.attributes["dsn"] = released.dsn
    command.downgrade(release_to_come, HEAD)
    assert version(released) == HEAD
    if start == HEAD:
        assert catalog.differences(objects, catalog.read(released.connection), ("before", "after")) == []
        assert checksums(released.connection) == sums
    # Where there is no way back, it says what there is instead.
    with pytest.raises(NotImplementedError, match=r"restore (a|the) backup"):
        command.downgrade(release_to_come, "base")
    assert version(released) == HEAD
    assert broken_promises(released.connection) == {}


def test_every_released_revision_has_a_dump_to_start_from() -> None:
    released = VERSIONS / "RELEASED"
    names = [line.split()[1] for line in released.read_text().splitlines()] if released.exists() else []
    missing = [name for name in names if not (RELEASES / f"{name[:4]}.dump").exists()]
    assert not missing, "released without a dump: python -m trust.upgrades"


# -- in use -------------------------------------------------------------------------------------------


def test_an_upgrade_gives_up_after_a_while_and_names_who_uses_the_warehouse(
    warehouse: Warehouse, release_to_come: Config
) -> None:
    before = catalog.read(warehouse.connection)
    impatient = make_conninfo(warehouse.dsn, options="-c lock_timeout=700ms")
    running = warehouse.connect(application_name="the night run")
    running.execute("BEGIN")
    # A load that is under way, as glue does it; then an analyst's long query on the table that is to change.
    for statement in (
        f"SELECT raw.open_load('orders', '{FRIDAY}', 'x.json', '{'1' * 64}')",
        "SELECT count(*) FROM warehouse.dim_user",
    ):
        running.execute(statement)  # type: ignore[arg-type]
        with pytest.raises(MigrationError, match=r"is in use; waited 0\.7 s, nothing was changed") as told:
            upgrade(impatient)
        pid, login = running.info.backend_pid, running.info.user
        assert f"pid {pid} ({login}, the night run): {statement[:40]}" in str(told.value)
        assert "PGOPTIONS='-c lock_timeout=30min'" in str(told.value)
        running.execute("ROLLBACK; BEGIN")
    running.execute("ROLLBACK")
    assert catalog.differences(before, catalog.read(warehouse.connection), ("before", "after")) == []
    upgrade(impatient)
    assert version(warehouse) == NEXT


def waiting(connection: psycopg.Connection[Any]) -> int:
    """Return how many sessions of this database wait for an advisory lock."""
    found: int = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()[0]
    return found


def test_an_upgrade_waits_for_what_runs_and_what_comes_waits_for_it(
    warehouse: Warehouse, release_to_come: Config
) -> None:
    put(warehouse, FRIDAY)
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false")
    warehouse.deliver(FRIDAY)
    running = warehouse.connect()
    running.execute("BEGIN")
    running.execute("SELECT warehouse._lock_warehouse_shared()")
    watching = warehouse.connect()

    upgrading = threading.Thread(target=upgrade, args=[warehouse.dsn])
    upgrading.start()
    while waiting(watching) < 1:
        time.sleep(0.02)
        assert upgrading.is_alive()
    day = threading.Thread(target=warehouse.call, args=["warehouse.run_day", FRIDAY])
    day.start()
    while waiting(watching) < 2:
        time.sleep(0.02)
        assert upgrading.is_alive()
        assert day.is_alive()
    # The step is recorded, and waits; alembic's questions do not.
    assert watching.execute("SELECT status FROM audit.pipeline_runs").fetchall() == [("running",)]
    tree = Path(release_to_come.config_file_name or "").parent
    environment = os.environ | {"WAREHOUSE_DSN": warehouse.dsn, "PYTHONPATH": str(PROJECT)}
    asked = [sys.executable, "-m", "alembic.config", "current"]
    done = subprocess.run(asked, cwd=tree, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert HEAD in done.stdout
    running.execute("COMMIT")
    upgrading.join()
    day.join()
    assert version(warehouse) == NEXT
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "succeeded"
    assert broken_promises(warehouse.connection) == {}
