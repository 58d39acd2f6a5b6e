"""What cleaning makes of events and of products: what it takes, what it rejects, and with which words."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.conftest import Warehouse
from tests.shop import EVENT_COLUMNS, event, product

DAY = date(2025, 12, 19)
LONG = "x" * 513


def clean_events(warehouse: Warehouse, records: list[dict[str, Any]], name: str = "events.csv", **options: Any) -> None:
    """Deliver and clean events."""
    warehouse.landing.events(DAY, records, name=name, **options)
    warehouse.deliver(DAY)
    warehouse.call("staging.clean_events", DAY)


def clean_products(warehouse: Warehouse, content: str, name: str = "products.json") -> None:
    """Deliver and clean a catalogue, one product per line or an array."""
    warehouse.landing.put("products", DAY, name, content)
    warehouse.deliver(DAY)
    warehouse.call("staging.clean_products", DAY)


def faults(warehouse: Warehouse) -> dict[int, tuple[str, str | None]]:
    """Return reason and value of rejected lines by line of the file."""
    return {
        row.line_number: (row.failure_reason, row.failed_value)
        for row in warehouse.rows("SELECT line_number, failure_reason, failed_value FROM audit.bad_records")
    }


def counts(warehouse: Warehouse, source: str) -> tuple[int, ...]:
    """Return what became of the lines: delivered, clean, duplicate, rejected."""
    return tuple(
        warehouse.row(
            "SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads WHERE source = %s",
            source,
        )
    )


EVENT_FAULTS: list[tuple[dict[str, Any], str, str | None]] = [
    (event("  "), "event_id is missing", None),
    (event(LONG), "event_id is longer than 512 bytes", LONG),
    (event("E-2", event_type=None), "event_type is missing", None),
    (event("E-3", event_ts=None), "event_ts is missing", None),
    (event("E-4", event_ts="noon"), "event_ts is not an ISO 8601 time", "noon"),
    (event("E-5", event_ts="2025-12-20"), "event_ts is after the day of the delivery", "2025-12-20"),
    (event("E-6", event_ts="2024-11-13"), "event_ts is older than oldest_order_days", "2024-11-13"),
    (event("E-7", user_id=LONG), "user_id is longer than 512 bytes", LONG),
    (event("E-8", product_id=LONG), "product_id is longer than 512 bytes", LONG),
    (event(" ", event_ts="?", user_id=LONG),
     "event_id is missing; event_ts is not an ISO 8601 time; user_id is longer than 512 bytes", None),
]  # fmt: skip


def test_each_fault_of_an_event_is_rejected_with_its_reason_and_its_value(warehouse: Warehouse) -> None:
    clean_events(warehouse, [event("first"), *[record for record, _, _ in EVENT_FAULTS], event("last")])
    assert {row.event_id for row in warehouse.rows("SELECT event_id FROM staging.events_clean")} == {"first", "last"}
    assert faults(warehouse) == {
        number + 3: (reason, value) for number, (_, reason, value) in enumerate(EVENT_FAULTS)
    }  # the header is line 1
    assert counts(warehouse, "events") == (12, 2, 0, 10)


def test_a_rejected_event_is_found_with_its_file_place_and_text(warehouse: Warehouse) -> None:
    columns = (*EVENT_COLUMNS, "page")
    clean_events(
        warehouse, [event("E-1", event_ts="?", user_id="U,7") | {"page": "/x"}], name="clicks.csv", columns=columns
    )
    row = warehouse.row("SELECT * FROM audit.bad_records")
    assert (row.source_table, row.record_id, row.file_name, row.line_number) == (
        "raw.events_csv", "E-1", "clicks.csv", 2,
    )  # fmt: skip
    for part in ('"event_id"=E-1', '"event_ts"=?', '"user_id"=U,7', '"page"', "/x"):
        assert part in row.raw_data
    assert row.raw_id == warehouse.value("SELECT raw_events_id FROM raw.events_csv")


def test_event_values_are_trimmed_and_types_mapped_or_kept_in_lower_case(warehouse: Warehouse) -> None:
    clean_events(
        warehouse,
        [
            event(" E-1 ", user_id=" ", product_id=None, event_type=" PageView "),
            event("E-2", event_type="Unboxing"),
            event("E-3", event_type="transaction"),
        ],
    )
    rows = warehouse.rows("SELECT event_id, user_id, product_id, event_type FROM staging.events_clean ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("E-1", None, None, "page_view"),
        ("E-2", "U-1", "P-1", "unboxing"),
        ("E-3", "U-1", "P-1", "purchase"),
    ]


def test_an_event_is_its_id_and_time_and_the_last_report_wins(warehouse: Warehouse) -> None:
    clean_events(
        warehouse,
        [
            event("E-1", product_id="P-1"),
            event("E-1", product_id="P-2", event_ts="2025-12-19T12:00:00+01:00"),  # the same moment
            event("E-1", product_id="P-3", event_ts="2025-12-19T11:00:01Z"),
            event("E-2", event_ts="?"),
            event("E-2", event_ts="?"),
        ],
    )
    rows = warehouse.rows("SELECT product_id FROM staging.events_clean ORDER BY event_ts")
    assert [row.product_id for row in rows] == ["P-2", "P-3"]
    assert counts(warehouse, "events") == (5, 2, 1, 2)


def test_the_last_report_of_an_event_wins_across_files_though_it_is_rejected(warehouse: Warehouse) -> None:
    clean_events(warehouse, [event("E-1", user_id=LONG)], name="b.csv")
    clean_events(warehouse, [event("E-1"), event("E-2")], name="a.csv")
    assert [row.event_id for row in warehouse.rows("SELECT event_id FROM staging.events_clean")] == ["E-2"]
    assert counts(warehouse, "events") == (3, 1, 1, 1)


def test_a_shop_without_products_or_users_in_its_events_loads_them(warehouse: Warehouse) -> None:
    clean_events(
        warehouse, [event("E-1", user_id=None, product_id=None)], columns=("event_ts", "event_type", "event_id")
    )
    row = warehouse.row("SELECT user_id, product_id FROM staging.events_clean")
    assert tuple(row) == (None, None)


OK = '{"product_id": "P-%s", "product_name": "n", "category": "c", "brand": "b", "current_price": 1}'
PRODUCT_FAULTS = [
    ("7", "the record is not a JSON object", "7"),
    ('{"product_id": "P\\u0000"}', "the record holds \\u0000 or half a surrogate pair, which no text can hold", None),
    ('{"product_name": "n"}', "product_id is missing", None),
    (f'{{"product_id": "{LONG}"}}', "product_id is longer than 512 bytes", LONG),
    ('{"product_id": {"a":1}}', "product_id is not a plain value", '{"a":1}'),
    ('{"product_id": "P-5", "product_name": ["n"]}', "product_name is not a plain value", '["n"]'),
    ('{"product_id": "P-6", "category": {}}', "category is not a plain value", "{}"),
    ('{"product_id": "P-7", "brand": []}', "brand is not a plain value", "[]"),
    ('{"product_id": "P-8", "current_price": -1}', "current_price is not a number of at least 0", "-1"),
    ('{"product_id": "P-9", "current_price": "1e15"}', "current_price is not below 1e15", "1e15"),
    ('{"brand": [1], "current_price": "?"}',
     "product_id is missing; brand is not a plain value; current_price is not a number of at least 0", None),
]  # fmt: skip


def test_each_fault_of_a_product_is_rejected_with_its_reason_and_its_value(warehouse: Warehouse) -> None:
    lines = [OK % "first", *[line for line, _, _ in PRODUCT_FAULTS], OK % "last"]
    clean_products(warehouse, "\n".join(lines) + "\n")
    found = {row.product_id for row in warehouse.rows("SELECT product_id FROM staging.products_clean")}
    assert found == {"P-first", "P-last"}
    assert faults(warehouse) == {
        number + 2: (reason, value) for number, (_, reason, value) in enumerate(PRODUCT_FAULTS)
    }
    row = warehouse.row("SELECT * FROM audit.bad_records WHERE line_number = 7")
    assert (row.source_table, row.record_id, row.raw_data) == ("raw.products_json", "P-5", PRODUCT_FAULTS[5][0])


def test_the_last_report_of_a_product_wins(warehouse: Warehouse) -> None:
    warehouse.landing.products(DAY, [product("P-1"), product("P-2"), product(" P-1 ", current_price=Decimal("1.50"))])
    warehouse.deliver(DAY)
    warehouse.call("staging.clean_products", DAY)
    rows = warehouse.rows("SELECT product_id, current_price FROM staging.products_clean ORDER BY 1")
    assert [tuple(row) for row in rows] == [("P-1", Decimal("1.5")), ("P-2", Decimal("9.99"))]
    assert counts(warehouse, "products") == (3, 2, 1, 0)


def test_a_product_may_have_nothing_but_its_id(warehouse: Warehouse) -> None:
    clean_products(warehouse, '{"product_id": "P-1", "brand": null, "category": " "}\n')
    row = warehouse.row("SELECT product_name, category, brand, current_price FROM staging.products_clean")
    assert tuple(row) == (None, None, None, None)


def test_a_day_without_a_catalogue_is_not_a_day_with_an_empty_one(warehouse: Warehouse) -> None:
    warehouse.call("staging.clean_products", DAY)
    assert warehouse.rows("SELECT * FROM staging.loads") == []
    clean_products(warehouse, "[]")
    assert counts(warehouse, "products") == (0, 0, 0, 0)
