"""What is kept of a delivery's faults, and for how long, is bounded: by the delivery's bytes, and by settings.

See docs/trust.md, "Hostile input is taken or rejected, and never believed".
"""

import json
from datetime import date
from typing import Any

from tests.shop import basket, item, order

DAY = date(2025, 12, 19)
BYTES_PER_BYTE = 10  # what a delivery may cost on disk, for each of its bytes

SIZES = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') AND c.relkind IN ('r', 'm')
"""


def cost(warehouse: Any, files: dict[tuple[str, str], str]) -> tuple[int, int]:
    """Deliver files and run the day; return how many bytes came, and how many more the database has than before."""
    # Tables and partitions that are there whatever is delivered are not the delivery's cost.
    warehouse.landing.orders(date(2025, 12, 18), [order("O-before", "2025-12-18")])
    warehouse.landing.put("events", date(2025, 12, 18), "events.csv", "event_id,event_type,event_ts\n")
    warehouse.execute("UPDATE audit.dq_rules SET enabled = false")
    warehouse.run(date(2025, 12, 18))
    before = warehouse.value(SIZES)
    for (source, name), text in files.items():
        warehouse.landing.put(source, DAY, name, text)
    if not any(source == "events" for source, _ in files):
        warehouse.landing.put("events", DAY, "events.csv", "event_id,event_type,event_ts\n")
    if not any(source == "orders" for source, _ in files):
        warehouse.landing.put("orders", DAY, "orders.json", "[]")
    warehouse.run(DAY)
    return sum(len(text.encode()) for text in files.values()), warehouse.value(SIZES) - before


def counts(warehouse: Any, source: str) -> tuple[int, int, int, int]:
    """Return what staging says of a source's lines: delivered, clean, duplicate, rejected."""
    return tuple(
        warehouse.row(
            "SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads"
            " WHERE load_date = %s AND source = %s",
            DAY,
            source,
        )
    )


def padded_order(number: int, items: int, one: str = "0", pad: int = 0) -> str:
    """Return an order of many items."""
    head = json.dumps(order(f"O-{number}", pad="x" * pad), default=str)[:-1]
    return head + ', "items": [' + ",".join([one] * items) + "]}"


def test_orders_of_thousands_of_items_that_are_none_cost_a_few_times_their_bytes(warehouse: Any) -> None:
    text = "[" + ",".join(padded_order(n, 2000, pad=3900) for n in range(20)) + "]"
    delivered, stored = cost(warehouse, {("orders", "orders.json"): text})
    assert counts(warehouse, "orders") == (40_000, 0, 0, 40_000)
    assert stored <= BYTES_PER_BYTE * delivered
