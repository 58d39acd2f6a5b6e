"""Dumps: made, rotated, restored and compared; and the DAG that does it at night."""

import fcntl
import importlib.util
import subprocess
import sys
from datetime import date
from pathlib import Path

import psycopg
import pytest

from ops import backup
from tests import shop
from tests.conftest import Warehouse
from tests.shop import Landing

DAY = date(2025, 12, 19)


@pytest.fixture
def loaded(warehouse: Warehouse, landing: Landing) -> Warehouse:
    """A warehouse with a day in it."""
    landing.orders(DAY, shop.orders(150))
    landing.events(DAY, shop.events(150))
    warehouse.run(DAY)
    return warehouse


def test_a_dump_is_restored_and_found_equal_and_the_scratch_database_goes(loaded: Warehouse, tmp_path: Path) -> None:
    made = backup.dump(loaded.dsn, tmp_path)
    assert made.stat().st_mode & 0o077 == 0
    checked = backup.check(loaded.dsn, tmp_path)
    assert checked.dump == made
    assert checked.rows > 600  # raw, staging, facts
    assert not loaded.rows("SELECT FROM pg_database WHERE datname = current_database() || %s", backup.SCRATCH)


def test_a_value_that_differs_from_the_dump_is_named_by_its_table(loaded: Warehouse, tmp_path: Path) -> None:
    backup.dump(loaded.dsn, tmp_path)
    loaded.execute("UPDATE warehouse.dim_user SET city = 'Bern' WHERE user_id = 'U-1'")
    with pytest.raises(backup.BackupError, match=r"warehouse\.dim_user: .* in the original, .* in the dump"):
        backup.check(loaded.dsn, tmp_path)
    assert not loaded.rows("SELECT FROM pg_database WHERE datname = current_database() || %s", backup.SCRATCH)


def test_the_newest_dumps_stay_and_other_files_are_none_of_ours(warehouse: Warehouse, tmp_path: Path) -> None:
    old = [tmp_path / f"ecommerce_warehouse_2025120{day}T040000Z.dump" for day in range(1, 6)]
    others = [tmp_path / "before_the_move.dump", tmp_path / "ecommerce_warehouse_20251201T040000Z.dump.sha256"]
    for path in [*old, *others]:
        path.write_bytes(b"")
    made = backup.dump(warehouse.dsn, tmp_path, keep=3)
    assert backup.dumps(tmp_path) == [*old[-2:], made]
    assert all(path.exists() for path in others)


def test_a_dump_that_fails_leaves_nothing_and_removes_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    old = tmp_path / "ecommerce_warehouse_20251201T040000Z.dump"
    old.write_bytes(b"")
    warehouse.execute(
        "DO $$ BEGIN CREATE ROLE nobody_in_particular LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    dsn = psycopg.conninfo.make_conninfo(warehouse.dsn, user="nobody_in_particular")
    with pytest.raises(backup.BackupError, match=r"pg_dump failed: .*permission denied"):
        backup.dump(dsn, tmp_path, keep=1)
    assert list(tmp_path.iterdir()) == [old]


def test_what_a_killed_dump_left_goes_with_the_next_and_one_at_work_stays(warehouse: Warehouse, tmp_path: Path) -> None:
    killed, at_work = (tmp_path / f"ecommerce_warehouse_2025120{day}T040000Z.part" for day in (1, 2))
    other = tmp_path / "of_somebody.part"
    for path in (killed, at_work, other):
        path.write_bytes(b"half")
    with at_work.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        made = backup.dump(warehouse.dsn, tmp_path)
    beside = made.with_suffix(".others")
    assert sorted(tmp_path.iterdir()) == sorted([at_work, made, beside, other])
    made.unlink()
    beside.unlink()
    backup.dump(warehouse.dsn, tmp_path)
    assert list(tmp_path.glob("*.part")) == [other]


@pytest.mark.skipif(importlib.util.find_spec("airflow") is None, reason="Airflow is not installed here")
@pytest.mark.parametrize(
    ("moment", "kind"),
    [("2025-12-21T04:00:00", "weekly"), ("2025-12-01T04:00:00", "monthly"), ("2025-12-19T04:00:00", "")],
)
def test_what_is_due_on_which_night(moment: str, kind: str) -> None:
    program = (
        "import sys, datetime; sys.path[:0] = ['dags', '.']; from ecomm_warehouse_maintenance import due\n"
        "night = datetime.datetime.fromisoformat(sys.argv[1])\n"
        "print(','.join(name for name in ('weekly', 'monthly') if due(name, night)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, moment],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.splitlines()[-1:] == ([kind] if kind else [""])
