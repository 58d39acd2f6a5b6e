"""Warehouses as released revisions left them, kept as dumps, for tests of the way to every later release.

    python -m trust.upgrades      writes tests/releases/NNNN.dump; part of `make release`

A dump holds a small shop with a compacted month, corrected and late orders, rejected lines, a day that was let
through, and an erased person. It is made on PostgreSQL 15, the oldest that we support, so that every one reads it.
"""

import shutil
import tempfile
from contextlib import closing, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from embedded.server import EmbeddedServer
from ops import backup
from ops.migrate import revisions, upgrade
from tests.conftest import SYSTEM_BINARIES, TEST_SETTINGS, Warehouse, reachable_folder
from tests.promises import RULES_OFF
from tests.shop import Landing, event, events, order, orders, product

RELEASES = Path(__file__).parents[1] / "tests" / "releases"
FRIDAY = date(2025, 12, 19)
SUNDAY = FRIDAY + timedelta(2)
DAYS = [date(2025, 11, 28), FRIDAY - timedelta(1), FRIDAY]


def put(warehouse: Any, day: date) -> None:
    """Put a day into the landing zone: late and repeated orders, a late event, a reject, and a catalogue."""
    late = [order(f"late-{day}", day - timedelta(1)), order("again", day, quantity=day.day), order("bad", price=-1)]
    warehouse.landing.orders(day, [*orders(40, day), *late])
    warehouse.landing.events(day, [*events(40, day), event(f"late-{day}", day - timedelta(1))])
    warehouse.landing.products(day, [product(f"P-{n}", current_price=day.day) for n in range(7)])


def fill(warehouse: Any) -> None:
    """Load a warehouse with a compacted month, a corrected day, a day that was let through, and an erased person."""
    warehouse.execute(RULES_OFF)
    for day in DAYS:
        put(warehouse, day)
        warehouse.run(day)
    warehouse.landing.orders(DAYS[1], orders(30, DAYS[1], status="shipped"))
    warehouse.run(DAYS[1])
    warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
    warehouse.call("audit.erase_user", "U-3", "asked for it")
    warehouse.execute("UPDATE audit.dq_rules SET enabled = true WHERE rule_name = 'events_volume'")
    warehouse.landing.orders(SUNDAY, orders(5, SUNDAY))
    with suppress(psycopg.Error):  # blocked
        warehouse.run(SUNDAY)
    warehouse.call("audit.allow_day", SUNDAY, "no clicks on Sundays")
    warehouse.call("warehouse.run_day", SUNDAY)


def main() -> None:
    """Write the dump of the newest revision."""
    folder = reachable_folder("release")
    bindir = Path(SYSTEM_BINARIES.format(15))
    with EmbeddedServer(folder / "pg", bindir=bindir, settings=TEST_SETTINGS) as server:
        upgrade(server.dsn())
        made = Warehouse(dsn=server.dsn(), connection=None, landing=Landing(Path(tempfile.mkdtemp())))  # type: ignore[arg-type]
        with closing(made.connect()) as made.connection:
            fill(made)
        target = RELEASES / f"{revisions()[-1]}.dump"
        RELEASES.mkdir(exist_ok=True)
        # All of the database, as releases to come will find it: alembic's own table, too.
        backup._run("pg_dump", server.dsn(), "--format=custom", f"--file={folder / 'whole.dump'}")
        shutil.copyfile(folder / "whole.dump", target)
        print(target)


if __name__ == "__main__":
    main()
