"""What cleaning makes of an order: what it takes, what it rejects, and with which words."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.conftest import Warehouse
from tests.shop import basket, item, order

DAY = date(2025, 12, 19)
LONG = "é" * 257  # 514 bytes


def deliver_orders(warehouse: Warehouse, lines: Iterable[dict[str, Any] | str], name: str = "orders.ndjson") -> None:
    """Deliver and clean orders; a text is a line as it is."""
    content = "".join(f"{_json(line)}\n" for line in lines)
    warehouse.landing.put("orders", DAY, name, content)
    from glue.extract import extract

    extract("orders", DAY, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
    warehouse.call("staging.clean_orders", DAY)


def _json(line: dict[str, Any] | str) -> str:
    from tests.shop import _text

    return line if isinstance(line, str) else _text(line)


def clean(warehouse: Warehouse) -> dict[str, Any]:
    """Return the clean lines by order, or by order/line for lines above 1."""
    return {
        row.order_id if row.line_number == 1 else f"{row.order_id}/{row.line_number}": row
        for row in warehouse.rows("SELECT * FROM staging.orders_clean")
    }


def rejected(warehouse: Warehouse) -> dict[int, Any]:
    """Return the rejected lines by line of the file."""
    return {row.line_number: row for row in warehouse.rows("SELECT * FROM audit.bad_records ORDER BY bad_record_id")}


TOO_LARGE = "9" * 41
# What is wrong with an order, the words for it, and the value that is shown.
REJECTIONS: list[tuple[dict[str, Any] | str, str, str | None]] = [
    ("[1, 2]", "the record is not a JSON object", "[1, 2]"),
    ('"text"', "the record is not a JSON object", '"text"'),
    ("null", "the record is not a JSON object", "null"),
    ('{"order_id": "a\\u0000b"}', "the record holds \\u0000 or half a surrogate pair, which no text can hold", None),
    ('{"order_id": "a\\ud800b"}', "the record holds \\u0000 or half a surrogate pair, which no text can hold", None),
    ('{"order_id": "a\\udc00b"}', "the record holds \\u0000 or half a surrogate pair, which no text can hold", None),
    ('{"o": "\\udc00\\ud800"}', "the record holds \\u0000 or half a surrogate pair, which no text can hold", None),
    ('{"o\\u0000": 1}', "the record holds \\u0000 or half a surrogate pair, which no text can hold", None),
    (order(None), "order_id is missing", None),
    (order(" \t "), "order_id is missing", None),
    (order(LONG), "order_id is longer than 512 bytes", LONG),
    (order({"id": 1}), "order_id is not a plain value", '{"id": 1}'),
    (order(user_id=LONG), "user_id is longer than 512 bytes", LONG),
    (order(user_id=["U-1"]), "user_id is not a plain value", '["U-1"]'),
    (basket("B", []), "items is not a list with at least one item", "[]"),
    (basket("B", []) | {"items": {"a": 1}}, "items is not a list with at least one item", '{"a": 1}'),
    (basket("B", []) | {"items": "none"}, "items is not a list with at least one item", '"none"'),
    (basket("B", []) | {"items": [7]}, "the item is not a JSON object", "7"),
    (basket("B", []) | {"items": [[]]}, "the item is not a JSON object", "[]"),
    (order("NULL"), "order_id is missing: its value is a null marker", "NULL"),
    (order(product_id=None), "product_id is missing", None),
    (order(product_id=" (Not Set) "), "product_id is missing: its value is a null marker", "(Not Set)"),
    (basket("B", [item("\\N")]), "product_id is missing: its value is a null marker", "\\N"),
    (order(product_id=LONG), "product_id is longer than 512 bytes", LONG),
    (order(product_id={}), "product_id is not a plain value", "{}"),
    (basket("B", [item({"a": 1})]), "product_id is not a plain value", '{"a": 1}'),
    (order(quantity=None), "quantity is missing", None),
    *[
        (order(quantity=bad), "quantity is not a number above 0", shown)
        for bad, shown in [
            (0, "0"), (-1, "-1"), ("two", "two"), ("-1e-1", "-1e-1"), (True, "true"), ("NaN", "NaN"),
            ("Infinity", "Infinity"), ("1,000", "1,000"), ("1 000", "1 000"), ("0x10", "0x10"), ("1_000", "1_000"),
            ([1], "[1]"), ({}, "{}"), ("-0", "-0"), (TOO_LARGE, TOO_LARGE), ("٣", "٣"), ("1.", "1."), (".5", ".5"),
        ]
    ],
    ('{"order_id": "E", "product_id": "P", "quantity": 1e400, "price": 1, "timestamp": "2025-12-19", "status": "paid"}',
     "quantity is not a number above 0", "1e400"),
    (order(quantity=2147483648), "quantity is above 2,147,483,647", "2147483648"),
    (order(quantity="1e99"), "quantity is above 2,147,483,647", "1e99"),
    (order(price=None), "price is missing", None),
    *[
        (order(price=bad), "price is not a number of at least 0", shown)
        for bad, shown in [
            (Decimal("-0.01"), "-0.01"), ("9,99", "9,99"), ("€5", "€5"), ("NaN", "NaN"), ("1e400", "1e400"),
            (False, "false"), ({"amount": 5}, '{"amount": 5}'),
        ]
    ],
    (order(price=""), "price is missing", None),
    (order(price="1e15"), "price is not below 1e15", "1e15"),
    (order(timestamp=None), "timestamp is missing", None),
    (order(timestamp="yesterday"), "timestamp is not an ISO 8601 time", "yesterday"),
    *[
        (order(timestamp=number), f"timestamp is not an ISO 8601 time: it looks like {unit} since 1970", str(number))
        for number, unit in [
            (1766138400, "seconds"), ("1766138400.25", "seconds"), (1766138400123, "milliseconds"),
            (1766138400123456, "microseconds"), (1766138400123456789, "nanoseconds"),
        ]
    ],
    (order(timestamp=176613840012), "timestamp is not an ISO 8601 time", "176613840012"),
    (order(timestamp="2025-12-20T00:00:00Z"), "timestamp is after the day of the delivery", "2025-12-20T00:00:00Z"),
    (order(timestamp="2025-12-19T23:30-01"), "timestamp is after the day of the delivery", "2025-12-19T23:30-01"),
    (order(timestamp="2024-11-13T23:59:59Z"), "timestamp is older than oldest_order_days", "2024-11-13T23:59:59Z"),
    (order(status=None), "status is missing", None),
    (order(status=" "), "status is missing", None),
    (order(status="Adjustment"),
     "status is not in staging.codes, or its code is not in warehouse.order_statuses", "Adjustment"),
]  # fmt: skip


def test_each_fault_is_rejected_with_its_reason_and_its_value(warehouse: Warehouse) -> None:
    """One delivery of all faults, between two good orders: none of them stops the load."""
    lines = [
        order("first"),
        *[_alone(number, record) for number, (record, _, _) in enumerate(REJECTIONS)],
        order("last"),
    ]
    deliver_orders(warehouse, lines)
    assert set(clean(warehouse)) == {"first", "last"}
    found = {line: (row.failure_reason, row.failed_value) for line, row in rejected(warehouse).items()}
    assert found == {number + 2: (reason, value) for number, (_, reason, value) in enumerate(REJECTIONS)}


def _alone(number: int, record: dict[str, Any] | str) -> dict[str, Any] | str:
    """Give records that have an ordinary order_id one of their own, so that none is the duplicate of another."""
    if isinstance(record, dict) and record.get("order_id") in ("O-1", "B"):
        return record | {"order_id": f"O-{number}"}
    return record


def test_a_rejected_line_is_found_with_its_file_place_and_text(warehouse: Warehouse) -> None:
    bad = order("O-bad", quantity=0)
    deliver_orders(warehouse, [order("O-1"), "", bad], name="shop-7.ndjson")
    row = rejected(warehouse)[3]
    assert (row.run_date, row.source_table, row.record_id) == (DAY, "raw.orders_json", "O-bad")
    assert (row.file_name, row.line_number, row.item_number) == ("shop-7.ndjson", 3, 1)
    assert json.loads(row.raw_data) == json.loads(_json(bad))
    assert row.load_id == warehouse.value("SELECT load_id FROM raw.file_loads")
    assert row.raw_id == warehouse.value("SELECT raw_orders_id FROM raw.orders_json WHERE line_number = 3")


def test_a_line_names_all_its_faults_the_first_first(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [order(None, quantity=0, price="?", timestamp="?", status="?")])
    row = rejected(warehouse)[1]
    assert row.failure_reason == (
        "order_id is missing; quantity is not a number above 0; price is not a number of at least 0; "
        "timestamp is not an ISO 8601 time; "
        "status is not in staging.codes, or its code is not in warehouse.order_statuses"
    )
    assert row.failed_value is None  # that of the first: a missing value has none


def test_with_partial_orders_only_the_bad_lines_of_a_basket_are_rejected_and_numbers_stay(
    warehouse: Warehouse,
) -> None:
    warehouse.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    deliver_orders(
        warehouse, [basket("B", [item("P-1"), item("P-2", quantity=0), item("P-1"), item(None), item("P-5")])]
    )
    assert set(clean(warehouse)) == {"B", "B/3", "B/5"}
    bad = warehouse.rows("SELECT item_number, failure_reason FROM audit.bad_records ORDER BY item_number")
    assert [tuple(row) for row in bad] == [(2, "quantity is not a number above 0"), (4, "product_id is missing")]


def test_a_bad_order_rejects_each_line_of_its_basket(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [basket("B", [item("P-1"), item("P-2")], status="?")])
    assert clean(warehouse) == {}
    assert warehouse.value("SELECT count(*) FROM audit.bad_records") == 2
    assert warehouse.value("SELECT rejected_count FROM staging.loads") == 2


def test_a_bad_line_of_a_large_basket_keeps_its_item_not_the_whole_order(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [basket("B", [item(f"P-{n}", quantity=0) for n in range(1000)])])
    assert warehouse.value("SELECT max(length(raw_data)) FROM audit.bad_records") < 200


# The quantity or price as delivered, and what it is.
NUMBERS = [
    ("quantity", "2", 2),
    ("quantity", '"2"', 2),
    ("quantity", "2.0", 2),
    ("quantity", "1e2", 100),
    ("quantity", '" 3 "', 3),
    ("quantity", '"+4"', 4),
    ("quantity", '"007"', 7),
    ("quantity", "2147483647", 2147483647),
    ("quantity", "2.50e1", 25),
    ("price", "0", Decimal(0)),
    ("price", "-0", Decimal(0)),
    ("price", '"9.99"', Decimal("9.99")),
    ("price", "1e2", Decimal(100)),
    ("price", "0.1234567890123", Decimal("0.1234567890123")),
    ("price", "999999999999999", Decimal(999999999999999)),
    ("price", "1E-3", Decimal("0.001")),
    ("price", "9.9900", Decimal("9.99")),
]


def test_numbers_are_taken_in_every_form_that_json_has_and_exactly(warehouse: Warehouse) -> None:
    lines = []
    for number, (column, text, _) in enumerate(NUMBERS):
        record = json.loads(_json(order(f"O-{number}")))
        parts = [f'"{name}": {text if name == column else json.dumps(value)}' for name, value in record.items()]
        lines.append("{" + ", ".join(parts) + "}")
    deliver_orders(warehouse, lines)
    found = clean(warehouse)
    assert rejected(warehouse) == {}
    for number, (column, text, wanted) in enumerate(NUMBERS):
        row = found[f"O-{number}"]
        assert (row.quantity if column == "quantity" else row.unit_price) == wanted, text
        assert row.revenue == row.quantity * row.unit_price, text


def test_revenue_is_exact_to_the_last_digit(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [order(quantity=2147483647, price=Decimal("999999999999.123456789"))])
    # Fractions: Python's own decimals would be rounded to 28 digits.
    assert Fraction(clean(warehouse)["O-1"].revenue) == 2147483647 * Fraction("999999999999.123456789")


@pytest.mark.parametrize("spelling", ["paid", " PAID ", "Payment_Received", "captured\t"])
def test_a_status_is_known_in_any_case_with_blanks_and_by_its_synonyms(warehouse: Warehouse, spelling: str) -> None:
    deliver_orders(warehouse, [order(status=spelling)])
    assert clean(warehouse)["O-1"].status == "paid"


def test_every_canonical_status_is_known_by_its_own_name(warehouse: Warehouse) -> None:
    statuses = [row.status for row in warehouse.rows("SELECT status FROM warehouse.order_statuses")]
    assert set(statuses) == {
        "pending", "processing", "paid", "shipped", "delivered", "completed", "cancelled", "refunded", "returned",
        "failed",
    }  # fmt: skip
    deliver_orders(warehouse, [order(f"O-{status}", status=status) for status in statuses])
    assert {row.order_id: row.status for row in clean(warehouse).values()} == {f"O-{s}": s for s in statuses}


def test_a_status_is_mapped_by_one_row_and_the_day_run_again(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [order(status="Adjustment")])
    assert clean(warehouse) == {}
    warehouse.execute("INSERT INTO staging.codes VALUES ('order_status', 'adjustment', 'refunded')")
    warehouse.call("staging.clean_orders", DAY)
    assert clean(warehouse)["O-1"].status == "refunded"
    assert rejected(warehouse) == {}


def test_a_code_that_no_status_is_called_rejects_the_line_and_does_not_stop_the_load(warehouse: Warehouse) -> None:
    warehouse.execute("INSERT INTO staging.codes VALUES ('order_status', 'odd', 'no such status')")
    deliver_orders(warehouse, [order("O-1", status="odd"), order("O-2")])
    assert set(clean(warehouse)) == {"O-2"}


def test_values_are_trimmed_and_empty_ones_are_missing(warehouse: Warehouse) -> None:
    deliver_orders(
        warehouse,
        [
            order(" O-1 ", user_id="\tU-1\n", product_id=" P-1", city=" Köln ", marketing_source="  ", signup_date=" "),
            order("O-2", user_id="", city=None, marketing_source=None, signup_date=None),
            order("O-3", user_id=None) | {"city": None, "items": None, "user": None},
            order(4711, user_id=12, product_id=True),
        ],
    )
    assert rejected(warehouse) == {}
    found = clean(warehouse)
    first = found["O-1"]
    assert (first.user_id, first.product_id, first.city, first.marketing_source, first.signup_date) == (
        "U-1", "P-1", "Köln", None, None,
    )  # fmt: skip
    assert found["O-2"].user_id is None
    assert found["O-3"].user_id is None
    assert (found["4711"].user_id, found["4711"].product_id) == ("12", "true")


def test_only_blanks_are_trimmed(warehouse: Warehouse) -> None:
    letters = [f"{letter}{letter} {letter}" for letter in "abcdefghijklmnopqrstuvwxyz0\\'\""]
    deliver_orders(warehouse, [order(text, user_id=text, city=f"\t\n\v\f\r {text}\r\f\v\n\t ") for text in letters])
    found = clean(warehouse)
    assert {(row.order_id, row.user_id, row.city) for row in found.values()} == {(text,) * 3 for text in letters}


def test_both_shapes_say_the_same(warehouse: Warehouse) -> None:
    flat = order("flat", quantity=2, price=Decimal("9.99"))
    nested = basket("nested", [item("P-1", quantity=2, price=Decimal("9.99"))])
    # What a basket says of the user may stand beside it, too; under "user" it wins.
    mixed = basket("mixed", [item("P-1", quantity=2)], city="Rome", signup_date="2020-01-01")
    beside = basket(
        "beside", [item("P-1", quantity=2)], user=None, city="Berlin", signup_date="2024-05-01", marketing_source="ads"
    )
    deliver_orders(warehouse, [flat, nested, mixed, beside])
    found = clean(warehouse)
    columns = ("line_number", "user_id", "product_id", "quantity", "unit_price", "revenue", "order_ts", "status",
               "city", "signup_date", "marketing_source")  # fmt: skip
    rows = {name: tuple(getattr(row, column) for column in columns) for name, row in found.items()}
    assert len(set(rows.values())) == 1, rows
    assert found["flat"].signup_date == date(2024, 5, 1)
    assert found["flat"].order_ts == datetime(2025, 12, 19, 10, tzinfo=UTC)


def test_escapes_that_text_can_hold_are_taken(warehouse: Warehouse) -> None:
    rest = ', "quantity": 1, "price": 1, "timestamp": "2025-12-19", "status": "paid"}'
    records = [
        r'{"order_id": "a\\u0000b", "product_id": "\u00e9"',
        r'{"order_id": "\ud83d\ude00", "product_id": "p"',
        r'{"order_id": "\\\\ud800", "product_id": "\u007f"',
        '{"order_id": "{not json", "product_id": "[x]", "user_id": "{}", "city": "["',
    ]
    deliver_orders(warehouse, [record + rest for record in records])
    assert {order_id: row.product_id for order_id, row in clean(warehouse).items()} == {
        "a\\u0000b": "é", "😀": "p", "\\\\ud800": "\x7f", "{not json": "[x]",
    }  # fmt: skip
    assert rejected(warehouse) == {}


def test_an_escaped_backslash_before_an_escape_does_not_hide_it(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, ['{"order_id": "\\\\\\u0000"}', order("O-1")])
    assert rejected(warehouse)[1].failure_reason.startswith("the record holds \\u0000")
    assert set(clean(warehouse)) == {"O-1"}


def test_the_last_report_of_a_day_wins_by_file_name_then_place(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [order("O-1", quantity=9)], name="b.ndjson")
    deliver_orders(warehouse, [order("O-1", quantity=1, status="pending"), order("O-1", quantity=2)], name="a.ndjson")
    assert clean(warehouse)["O-1"].quantity == 9
    deliver_orders(warehouse, [order("O-1", quantity=3, status="pending"), order("O-1", quantity=4)], name="b.ndjson")
    assert clean(warehouse)["O-1"].quantity == 4
    # Names compare as bytes: a lower-case letter comes after an upper-case one, and é after z.
    deliver_orders(warehouse, [order("O-1", quantity=5)], name="Z.ndjson")
    assert clean(warehouse)["O-1"].quantity == 4
    deliver_orders(warehouse, [order("O-1", quantity=6)], name="é.ndjson")
    assert clean(warehouse)["O-1"].quantity == 6
    counts = warehouse.row("SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads")
    assert tuple(counts) == (6, 1, 5, 0)


def test_the_last_report_wins_whole_and_the_earlier_lines_are_duplicates(warehouse: Warehouse) -> None:
    deliver_orders(
        warehouse,
        [
            basket("B", [item("P-1"), item("P-2"), item("P-3", quantity=0)]),
            basket("B", [item("P-9")], city="Rome", status="cancelled"),
            order("other"),
        ],
    )
    assert {row.product_id for row in clean(warehouse).values() if row.order_id == "B"} == {"P-9"}
    counts = warehouse.row("SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads")
    assert tuple(counts) == (5, 2, 3, 0)
    assert rejected(warehouse) == {}


def test_a_last_report_that_is_rejected_wins_too(warehouse: Warehouse) -> None:
    """What it replaces is known to be out of date: the order is not in the day, and bad_records says why."""
    deliver_orders(warehouse, [order("O-1"), order("O-2"), order("O-1", status="?")])
    assert set(clean(warehouse)) == {"O-2"}
    counts = warehouse.row("SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads")
    assert tuple(counts) == (3, 1, 1, 1)


def test_orders_whose_ids_differ_in_case_or_accents_are_different(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [order("O-a"), order("O-A"), order("O-á"), order("O-a\u0301")])
    assert len(clean(warehouse)) == 4


def test_a_line_that_is_no_json_and_a_refused_file_are_rejected_lines(warehouse: Warehouse) -> None:
    deliver_orders(warehouse, [order("O-1"), '{"order_id": "cut'])
    deliver_orders(warehouse, ['[{"order_id": "O-2"}'], name="refused.json")
    rows = warehouse.rows(
        "SELECT file_name, line_number, failure_reason, raw_data FROM audit.bad_records ORDER BY file_name"
    )
    assert [(row.file_name, row.line_number) for row in rows] == [("orders.ndjson", 2), ("refused.json", None)]
    assert rows[0].raw_data == '{"order_id": "cut'
    assert rows[1].failure_reason == warehouse.value(
        "SELECT refused_reason FROM raw.file_loads WHERE file_name = 'refused.json'"
    )
    counts = warehouse.row("SELECT delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads")
    assert tuple(counts) == (3, 1, 0, 2)


@pytest.mark.once
@pytest.mark.parametrize("source", ["orders", "events"])
def test_all_that_is_read_of_a_day_may_be_read_on_both_cores(warehouse: Warehouse, source: str) -> None:
    """One fence or function too many, and all that follows is done by one of them."""
    warehouse.execute("SELECT raw.prepare_month(%s)", DAY)
    session = warehouse.connect()
    # A plan that may as a whole be a worker's is made one.
    if session.info.server_version < 170000:
        pytest.skip("before PostgreSQL 17 no plan with a subselect is made a worker's")
    session.execute("SET debug_parallel_query = on")
    plan = session.execute(
        f"EXPLAIN SELECT * FROM staging._read_{source}(%(day)s, %(usual)s, %(day)s, %(usual)s, %(day)s::timestamptz,"
        " %(day)s::timestamptz, '{1}', NULL, false)",
        {"day": DAY, "usual": f"{DAY}T__:__:__Z"},
    ).fetchall()
    assert "Gather" in plan[0][0], plan
