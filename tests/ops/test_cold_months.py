"""Cold months in a tablespace of their own (docs/how-to/cold-months.md): they stay there, and work as before."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import checksums, event, events, order, orders

PAGE = Path(__file__).parents[2] / "docs/how-to/cold-months.md"
NOVEMBER = [date(2025, 11, 3), date(2025, 11, 4)]
DECEMBER = date(2025, 12, 1)
# A server has one set of tablespaces for all its databases.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("tablespaces")]


def put(warehouse: Warehouse, day: date, **fields: object) -> None:
    """Deliver a day, and run it."""
    warehouse.landing.orders(day, [*orders(10, day, **fields), order("O-1", NOVEMBER[0])])
    warehouse.landing.events(day, [*events(10, day), event("E-1", NOVEMBER[0])])
    warehouse.run(day)


def places(warehouse: Warehouse) -> dict[str, set[str]]:
    """Return the tables and indexes of each tablespace, without those where everything else is."""
    found: dict[str, set[str]] = {}
    for row in warehouse.rows(
        "SELECT t.spcname AS place, c.relname AS name FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace"
        " WHERE t.spcname <> 'pg_global'"
    ):
        found.setdefault(row.place, set()).add(row.name)
    return found


@pytest.fixture
def moved(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse whose November is merged, and was moved by the statements of the page."""
    warehouse.execute(RULES_OFF)
    for day in [*NOVEMBER, DECEMBER]:
        put(warehouse, day)
    warehouse.call("warehouse.compact_partitions", DECEMBER)
    before = checksums(warehouse.connection)
    # A folder of the server's own stands in for another disk.
    warehouse.execute("SET allow_in_place_tablespaces = on")
    warehouse.execute("CREATE TABLESPACE cold LOCATION ''")
    try:
        for (made,) in warehouse.rows(statements("2025_11")):
            warehouse.execute(made)
        assert checksums(warehouse.connection) == before
        yield warehouse
        assert not broken_promises(warehouse.connection)
    finally:
        for kind in ("TABLE", "INDEX"):
            warehouse.execute(f"ALTER {kind} ALL IN TABLESPACE cold SET TABLESPACE pg_default")
        warehouse.execute("DROP TABLESPACE cold")


def statements(month: str) -> str:
    """Return the query of the page that says how to move a month."""
    (found,) = re.findall(
        r'^\$ warehouse db psql -At -c "\n(.*?)"$', PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return re.sub("^> ", "", found, flags=re.MULTILINE).replace("2025\\_12", month.replace("_", "\\_"))


def test_a_cold_month_lies_elsewhere_with_its_indexes_and_stays_there_whatever_is_done_to_it(moved: Warehouse) -> None:
    tables = {"orders_clean", "events_clean", "products_clean", "fact_orders", "fact_events"}
    cold = places(moved)["cold"]
    assert {name for name in cold if re.fullmatch(r"\w+_p_2025_11", name)} == {
        f"{table}_p_2025_11" for table in tables if table != "products_clean"
    }
    apart = (
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
        " JOIN pg_class c ON c.oid = i.indexrelid WHERE (t.reltablespace = 0) <> (c.reltablespace = 0)"
    )
    assert moved.rows(apart) == []

    before = places(moved)
    put(moved, NOVEMBER[1], quantity=5)
    put(moved, date(2025, 11, 20))  # a day that comes late, and takes rows over
    moved.call("warehouse.compact_partitions", date(2026, 1, 1))
    assert places(moved) == before
    # December is merged by now, where everything is made.
    assert moved.value("SELECT to_regclass('warehouse.fact_orders_p_2025_12')")
