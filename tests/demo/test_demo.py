"""The demo: the same day gives the same shop, all dirt is found, the blocked day is blocked, it can be repeated."""

import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from demo.shop import Shop
from embedded.server import EmbeddedServer
from tests.conftest import Warehouse, reachable_folder, server_bindir
from tests.shop import order

# What the demo shows is made by steps that the other tests run on every version.
pytestmark = pytest.mark.once
PROJECT = Path(__file__).resolve().parents[2]
LAST = date(2025, 12, 19)


def files(folder: Path) -> dict[str, bytes]:
    """Return {path: content} of all files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_day_gives_the_same_shop(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        shop = Shop(LAST, days=3)
        assert list(shop.deliver(tmp_path / name)) == [date(2025, 12, 17), date(2025, 12, 18), LAST]
        made.append((files(tmp_path / name), shop.catalogue(), shop.planted))
    assert made[0] == made[1]


def test_whatever_the_last_day_there_is_a_low_tuesday_to_compare_and_it_is_not_blocked() -> None:
    for last in (LAST + timedelta(days=number) for number in range(40)):
        shop = Shop(last)
        assert shop.low_tuesday is not None
        assert shop.low_tuesday.weekday() == 1
        assert shop.first <= shop.low_tuesday - timedelta(days=14)
        assert shop.low_tuesday not in (shop.last, shop.blocked_day)
    assert Shop(LAST, days=2).low_tuesday is None


@pytest.mark.long
def test_the_demo_finds_all_its_dirt_twice_in_a_row(pytestconfig: pytest.Config) -> None:
    folder = reachable_folder("demo")
    bindir = server_bindir(pytestconfig)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "WAREHOUSE_"))}
    environment |= {"EMBEDDED_PG_DIR": str(folder / "pg"), "PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}
    environment |= {"EMBEDDED_PG_BINDIR": str(bindir)} if bindir else {}

    def glue(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "glue", *arguments], cwd=folder, env=environment, capture_output=True, text=True
        )

    try:
        # The second takes the place of the first, whatever that was.
        for days in ("1", "2"):
            done = glue("demo", "--end", f"{LAST}", "--days", days)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "2025-12-19 is blocked" in done.stdout
            assert "orders_rejected_share_max" in done.stdout

        environment["WAREHOUSE_DSN"] = EmbeddedServer(folder / "pg").dsn("warehouse_demo")
        environment["LANDING_URL"] = "data/demo"
        told = glue("explain", f"{LAST}")
        assert told.returncode == 0, told.stderr
        assert "price is not a number of at least 0" in told.stdout
        allowed = glue("db", "psql", "-c", f"CALL audit.allow_day('{LAST}', 'the till is known')")
        assert allowed.returncode == 0, allowed.stderr
        again = glue("run", f"{LAST}")
        assert again.returncode == 0, again.stdout + again.stderr
    finally:
        EmbeddedServer(folder / "pg").stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_second_demo_at_the_same_time_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from demo import demo
    from glue.errors import GlueError

    monkeypatch.chdir(tmp_path)
    with demo._alone(), pytest.raises(GlueError, match="running already"), demo._alone():
        pass


def test_the_demo_runs_in_no_warehouse_that_has_deliveries(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from demo import demo
    from glue.errors import GlueError

    warehouse.landing.orders(LAST, [order("O-1", LAST)])
    warehouse.deliver(LAST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAREHOUSE_DSN", warehouse.dsn)
    with pytest.raises(GlueError, match=f"not empty: it has 1 deliveries of {LAST}"):
        demo.demo(LAST, days=2, here=True)
    assert warehouse.value("SELECT count(*) FROM raw.file_loads") == 1
