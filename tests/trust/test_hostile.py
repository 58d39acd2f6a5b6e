"""Whatever is delivered ends as in, with its value, or as rejected, with its reason; and nothing of it is executed.

A short version of `make hostile`: see trust/hostile.py, docs/explanation/trust.md.
"""

from datetime import date

import pytest

from tests.conftest import Warehouse
from trust.hostile import GIANTS, Attack, Tally, giants, path_tricks

# Our readers and rules decide it, not PostgreSQL's version. What 15 makes of JSON and CSV: tests/glue/test_corpora.py.
pytestmark = pytest.mark.once
DAY = date(2025, 12, 19)


@pytest.fixture
def tally() -> Tally:
    """What was tried, and what was wrong."""
    return Tally()


@pytest.mark.long
def test_each_hostile_record_ends_as_it_should_and_is_told_of_safely(warehouse: Warehouse, tally: Tally) -> None:
    attack = Attack(warehouse, 1, tally)
    attack.day(DAY, 450)
    attack.fat_day(date(2025, 12, 20), 70_000)
    assert tally.faults == []
    assert tally.clean > 120
    assert tally.rejected > 120
    assert tally.duplicates > 0


def test_a_changed_value_a_lost_record_and_a_canary_that_sang_would_be_seen(warehouse: Warehouse, tally: Tally) -> None:
    attack = Attack(warehouse, 2, tally)
    files = {"orders": {"a.json": b'[{"order_id": 1, "product_id": 1, "quantity": 1, "price": 1.0, "status": "paid",'
                                  b' "timestamp": "2025-12-19", "city": "Bonn"}, {"order_id": 2}]'}}  # fmt: skip
    attack.deliver(DAY, files)
    assert tally.faults == []
    warehouse.execute("UPDATE staging.orders_clean SET city = 'Berlin'")
    warehouse.execute("DELETE FROM audit.bad_records")
    warehouse.execute("SELECT canary.sing()")
    attack.deliver(date(2025, 12, 20), files)  # another day: the first is not made right by it
    attack.compare(DAY, "orders", attack.expected(DAY, files)["orders"])
    faults = "\n".join(tally.faults)
    assert "2025-12-19 orders clean" in faults
    assert "2025-12-19 orders rejected" in faults
    assert "the canary in the database" in faults


def test_what_only_looks_like_a_delivery_is_named_and_not_read(warehouse: Warehouse, tally: Tally) -> None:
    path_tricks(Attack(warehouse, 3, tally), DAY)
    assert tally.faults == []


def test_giants_are_taken_apart_in_bounded_memory(warehouse: Warehouse, tally: Tally) -> None:
    chosen = ("zeros.csv", "quotes.csv.zst", "token.json.zst", "open.ndjson.zst")
    chosen += ("listed.json.zst", "pretty.json.zst", "values.json.zst", "beside.json.zst")
    giants(warehouse, tally, 40 << 20, [giant for giant in GIANTS if giant.name in chosen])
    assert tally.faults == []
    assert tally.giants == len(chosen)
