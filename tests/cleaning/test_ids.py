"""Ids: trimmed of every blank and of marks that nobody sees; null markers are nobody and nothing."""

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.real_world import needs_real_world, put_case
from tests.shop import EVENT_COLUMNS, basket, event, item, order, product

DAY = date(2025, 12, 19)


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """An empty warehouse without rules about volume."""
    warehouse.execute(RULES_OFF)
    return warehouse


def blanks(shop: Warehouse) -> str:
    """Return what ids are trimmed of."""
    return shop.value("SELECT staging._blanks()")


def seen_as_nothing() -> set[str]:
    """Return the blanks of Unicode below U+FFFF, and its marks of form that stand alone and are not seen."""
    visible = {0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, *range(0x600, 0x606), *range(0xFFF9, 0xFFFC)}
    # Python takes the separators of ASCII (U+001C to U+001F) for blanks, Unicode does not.
    found = {chr(code) for code in range(0x20, 0xFFFF) if chr(code).isspace()} | set("\t\n\r\f\v")
    found |= {chr(code) for code in range(0xFFFF) if unicodedata.category(chr(code)) == "Cf" and code not in visible}
    return found | set("\u2065\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def test_the_blanks_are_those_of_unicode_and_the_marks_that_nobody_sees(shop: Warehouse) -> None:
    assert set(blanks(shop)) == seen_as_nothing()


def test_checks_of_codes_and_null_markers_know_the_same_blanks(shop: Warehouse) -> None:
    for table, insert in (
        ("staging.codes", "INSERT INTO staging.codes VALUES ('order_status', %s, 'paid')"),
        ("staging.null_markers", "INSERT INTO staging.null_markers VALUES (%s)"),
    ):
        before = shop.value(f"SELECT count(*) FROM {table}")
        for blank in blanks(shop):
            for text in (f"{blank}odd", f"odd{blank}"):
                with pytest.raises(psycopg.errors.CheckViolation):
                    shop.execute(insert, text)
        shop.execute(insert, "odd one")
        assert shop.value(f"SELECT count(*) FROM {table}") == before + 1


def test_every_blank_is_trimmed_at_both_ends_and_nothing_else_is(shop: Warehouse) -> None:
    known = blanks(shop)
    inner = "a\u00a0b"
    texts = [blank + inner + blank for blank in known] + [known + inner + known, inner, "é", "\x7f", "~!", "\ufe0f"]
    found = shop.value(
        "SELECT array_agg(staging._trimmed(t) ORDER BY n) FROM unnest(%s::text[]) WITH ORDINALITY u (t, n)", texts
    )
    assert found == [inner] * (len(known) + 2) + ["é", "\x7f", "~!", "\ufe0f"]
    nothing = [*known, known, ""]
    assert shop.value("SELECT count(staging._trimmed(t)) FROM unnest(%s::text[]) t", nothing) == 0
    assert shop.value("SELECT bool_and(staging._is_blank(t)) FROM unnest(%s::text[]) t", nothing)


@pytest.mark.parametrize("length", [1, 2, 62, 63, 64, 65, 600])
def test_texts_of_any_length_are_trimmed_and_known_as_null_markers(shop: Warehouse, length: int) -> None:
    """The last byte is read quickly up to the length of a name: in no length another way than slowly."""
    for blank in (" ", "\t", "\u00a0"):
        text = "a" * (length - len(blank.encode())) + blank
        assert shop.value("SELECT staging._trimmed(%s)", text) == (text[:-1] or None)
    for last in ("b", "é", "~", "\x7f"):
        text = "a" * (length - len(last.encode())) + last
        assert shop.value("SELECT staging._trimmed(%s)", text) == text
        if len(text.encode()) <= 64:
            shop.execute("INSERT INTO staging.null_markers VALUES (%s)", text)
            assert unless_null(shop, text) is None
            assert unless_null(shop, text.upper().replace("É", "é")) is None
    for text in ("a" * (length - 1) + "c", "d" * length):
        assert unless_null(shop, text) == text


def unless_null(shop: Warehouse, text: str) -> str | None:
    return shop.value(
        "SELECT staging._unless_null(%s, (SELECT staging._null_marks()), (SELECT jsonb_object_agg(m.marker, true)"
        " FROM staging.null_markers AS m))",
        text,
    )


def test_ids_codes_and_numbers_are_the_same_with_marks_that_nobody_sees(shop: Warehouse) -> None:
    mark = "\u200f\u00a0"
    odd = {
        "order_id": "O-1", "user_id": "U-1", "product_id": "P-1", "quantity": "3", "price": "1.50",
        "timestamp": "2025-12-19T10:00:00Z", "status": "Paid", "city": "Köln", "signup_date": "2024-05-01",
    }  # fmt: skip
    shop.landing.orders(DAY, [{name: mark + value + mark for name, value in odd.items()}])
    shop.landing.events(DAY, [{name: mark + value + mark for name, value in event().items()}])
    shop.landing.products(DAY, [product(f"{mark}P-1{mark}", brand=f"Acme{mark}")])
    shop.run(DAY)
    assert shop.row(
        "SELECT order_id, user_id, product_id, quantity, unit_price, status, city, signup_date"
        " FROM staging.orders_clean"
    ) == ("O-1", "U-1", "P-1", 3, Decimal("1.50"), "paid", "Köln", date(2024, 5, 1))
    assert shop.row("SELECT event_id, user_id, product_id, event_type FROM staging.events_clean") == (
        "E-1", "U-1", "P-1", "page_view",
    )  # fmt: skip
    assert shop.row("SELECT product_id, brand FROM staging.products_clean") == ("P-1", "Acme")


@needs_real_world
def test_a_day_of_blanks_around_values_has_one_product_and_all_its_orders(shop: Warehouse) -> None:
    """Case 23."""
    day = put_case(shop.landing, "23_nbsp_zwsp_ids")
    shop.landing.events(day, [event(day=day)])
    shop.run(day)
    assert shop.row(
        "SELECT clean_count, duplicate_count, rejected_count FROM staging.loads WHERE source = 'orders'"
    ) == (8, 1, 0)
    assert shop.value("SELECT sum(revenue) FROM warehouse.fact_orders") == Decimal("28.98")
    assert shop.value("SELECT array_agg(DISTINCT product_id ORDER BY product_id) FROM warehouse.fact_orders") == [
        "SKU-1", "p",
    ]  # fmt: skip
    assert shop.value("SELECT array_agg(order_id) FROM warehouse.fact_orders WHERE user_id = '(guest)'") == ["23-6"]
    assert not broken_promises(shop.connection)


# -- null markers ------------------------------------------------------------------------------------


@needs_real_world
def test_null_markers_are_nobody_and_nothing(shop: Warehouse) -> None:
    """Case 37."""
    day = put_case(shop.landing, "37_null_markers")
    shop.run(day)
    assert shop.row(
        "SELECT count(*), count(*) FILTER (WHERE user_id = '(guest)' AND product_id = '(none)') AS nobody"
        " FROM warehouse.fact_events"
    ) == (10, 10)
    assert shop.value("SELECT array_agg(order_id ORDER BY order_id) FROM warehouse.fact_orders") == [
        f"37-{n}" for n in range(2, 7)
    ]
    rejected = shop.rows("SELECT record_id, failure_reason, failed_value FROM audit.bad_records ORDER BY line_number")
    assert [tuple(row) for row in rejected] == [
        ("37-1", "product_id is missing: its value is a null marker", "NULL"),
        (None, "order_id is missing: its value is a null marker", "null"),
        (None, "order_id is missing: its value is a null marker", "None"),
    ]
    assert shop.value("SELECT array_agg(user_id ORDER BY user_id) FROM warehouse.dim_user") == ["(guest)", "0"]
    assert not broken_promises(shop.connection)


def test_each_shipped_marker_is_one_in_any_case_and_what_only_looks_like_one_is_not(shop: Warehouse) -> None:
    markers = [row.marker for row in shop.rows("SELECT marker FROM staging.null_markers")]
    said = [spelled for marker in markers for spelled in (marker, marker.upper(), f" {marker.title()}\u00a0")]
    almost = ["--", "null-1", "xnull", "nul", "nulls", "undefined.", "0", "(not", "\\", "N", "/", "#", "nän"]
    rows = [event(f"E-{n}", user_id=text, product_id=text) for n, text in enumerate(said + almost)]
    shop.landing.events(DAY, rows)
    shop.landing.orders(DAY, [order(f"O-{n}", user_id=text, city=text, marketing_source=text, signup_date=text)
                              for n, text in enumerate(said)])  # fmt: skip
    shop.run(DAY)
    users = shop.rows("SELECT user_id, product_id FROM staging.events_clean ORDER BY raw_events_id")
    assert [tuple(row) for row in users] == [(None, None)] * len(said) + [(text, text) for text in almost]
    assert (
        shop.row("SELECT DISTINCT user_id, city, marketing_source, signup_date, emptied FROM staging.orders_clean")
        == (None,) * 5
    )
    assert shop.value("SELECT count(*) FROM staging.orders_clean") == len(said)


def test_a_marker_where_an_id_is_required_is_missing_and_never_a_repeat(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("null"), order("null"), basket("B", [item("(none)")]), order("O-1")])
    shop.landing.events(DAY, [event("undefined"), event("undefined"), event("E-1")])
    shop.landing.products(DAY, [product("n/a"), product("P-1", brand="N/A", current_price="null"), product("P-2")])
    shop.run(DAY)
    assert [tuple(row) for row in shop.rows(
        "SELECT source, clean_count, duplicate_count, rejected_count FROM staging.loads ORDER BY source")
    ] == [("events", 1, 0, 2), ("orders", 1, 0, 3), ("products", 2, 0, 1)]  # fmt: skip
    reasons = shop.rows("SELECT DISTINCT failure_reason FROM audit.bad_records ORDER BY 1")
    assert [row.failure_reason for row in reasons] == [
        f"{name}_id is missing: its value is a null marker" for name in ("event", "order", "product")
    ]
    assert shop.row("SELECT brand, current_price FROM staging.products_clean WHERE product_id = 'P-1'") == (None, None)


def test_a_marker_of_ones_own_makes_the_days_work_again(shop: Warehouse) -> None:
    """Shops whose guests are customer 0."""
    shop.landing.orders(DAY, [order("O-1", user_id=0), order("O-2")])
    shop.landing.events(DAY, [event(user_id="0")])
    shop.run(DAY)
    assert shop.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = '0'") == 1
    shop.call("warehouse.run_day", DAY)
    shop.execute("INSERT INTO staging.null_markers (marker, description) VALUES ('0', 'guests of our shop')")
    shop.call("warehouse.run_day", DAY)
    users = "SELECT array_agg(DISTINCT user_id ORDER BY user_id) FROM warehouse.fact_orders"
    assert shop.value(users) == ["(guest)", "U-1"]
    assert shop.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = '0'") == 0
    shop.execute("DELETE FROM staging.null_markers")
    shop.call("warehouse.run_day", DAY)
    assert shop.value(users) == ["0", "U-1"]
    assert not broken_promises(shop.connection)


def test_who_reads_codes_reads_null_markers_and_nobody_else_writes_them(shop: Warehouse) -> None:
    rights = "SELECT r.rolname, has_table_privilege(r.oid, %s, p) FROM pg_roles r, unnest('{SELECT,INSERT}'::text[]) p"
    order_by = " WHERE r.rolname LIKE 'warehouse%%' ORDER BY 1, 2"
    assert shop.rows(rights + order_by, "staging.null_markers") == shop.rows(rights + order_by, "staging.codes")


# -- erasure -----------------------------------------------------------------------------------------


def test_a_person_is_erased_however_the_blanks_around_the_id_are_written(shop: Warehouse) -> None:
    """As they are, as JSON escapes, in lines that raw could not take, and in what comes again."""
    known = blanks(shop)
    lines = [_raw_order(f"O-{n}", blank, escaped=n % 2 == 1) for n, blank in enumerate(known)]
    lines += [_raw_order("both", known, escaped=False), _raw_order("ends", known, escaped=True)]
    broken = [f'{{"user_id": "{known}U-7{known}", broken', '{"user_id": "\\u00a0U-7\\u200f", broken']
    shop.landing.put("orders", DAY, "o.ndjson", "\n".join([*lines, *(b.replace("\n", "") for b in broken)]) + "\n")
    rows = [event(f"E-{n}", user_id=f"{blank}U-7{blank}", page=f"{blank}U-7") for n, blank in enumerate(known)]
    shop.landing.events(DAY, rows, columns=[*EVENT_COLUMNS, "page"])
    shop.run(DAY)
    assert shop.value("SELECT array_agg(user_id ORDER BY user_id) FROM warehouse.dim_user") == ["(guest)", "U-7"]
    shop.call("audit.erase_user", "\u00a0U-7", "asked for it")
    _assert_gone(shop)
    shop.call("warehouse.run_day", DAY)
    _assert_gone(shop)
    # A later delivery brings the same again: rows of a guest.
    shop.landing.put("orders", DAY, "again.ndjson", "\n".join(lines) + "\n")
    shop.landing.events(DAY, rows, name="again.csv", columns=[*EVENT_COLUMNS, "page"])
    shop.run(DAY)
    _assert_gone(shop)


def _raw_order(order_id: str, blank: str, *, escaped: bool) -> str:
    import json

    record = order(order_id, user_id=f"{blank}U-7{blank}", note=f"{blank}U-7{blank}")
    return json.dumps(record, ensure_ascii=escaped, default=str)


def _assert_gone(shop: Warehouse) -> None:
    tables: tuple[tuple[str, Any], ...] = (
        ("raw.orders_json", "raw_json::text"), ("raw.events_csv", "concat(user_id, extra::text)"),
        ("raw.rejected_lines", "encode(raw_line, 'escape')"), ("staging.orders_clean", "user_id"),
        ("staging.events_clean", "user_id"), ("warehouse.dim_user", "user_id"), ("audit.bad_records", "raw_data"),
    )  # fmt: skip
    for table, text in tables:
        assert shop.value(f"SELECT count(*) FROM {table} WHERE {text} LIKE '%U-7%'") == 0, table


def test_a_person_whom_an_earlier_release_has_loaded_with_blanks_is_erased_too(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("O-1", user_id="U-7\u00a0"), order("O-2", user_id="U-7"), order("O-3")])
    shop.landing.events(DAY, [event(user_id="U-7")])
    shop.run(DAY)
    odd = "'U-7\u00a0'"
    shop.execute(
        f"INSERT INTO warehouse.dim_user (user_id, first_seen_at, last_seen_at, is_inferred)"
        f" SELECT {odd}, first_seen_at, last_seen_at, false FROM warehouse.dim_user WHERE user_id = 'U-7';"
        f"UPDATE warehouse.fact_orders SET user_id = {odd} WHERE order_id = 'O-1';"
        f"UPDATE staging.orders_clean SET user_id = {odd} WHERE order_id = 'O-1';"
        f"INSERT INTO warehouse.user_loads SELECT {odd}, load_date, first_seen_at, last_seen_at"
        " FROM warehouse.user_loads WHERE user_id = 'U-7'"
    )
    shop.call("audit.erase_user", "U-7", "asked for it")
    _assert_gone(shop)
    found = shop.rows("SELECT user_id FROM warehouse.fact_orders ORDER BY order_id")
    assert found[0] == found[1] != found[2]
    assert shop.value("SELECT count(*) FROM warehouse.user_loads WHERE user_id LIKE '%U-7%'") == 0
    assert not broken_promises(shop.connection)


def test_a_null_marker_is_nobody_who_could_be_erased_but_a_person_from_before_can(shop: Warehouse) -> None:
    """A spelling that was no marker while the day was loaded."""
    marker = shop.row("DELETE FROM staging.null_markers WHERE marker = 'null' RETURNING *")
    shop.landing.orders(DAY, [order("O-1", user_id="NULL", user_city="Oslo"), order("O-2")])
    shop.run(DAY)
    shop.execute("INSERT INTO staging.null_markers VALUES (%s, %s)", *marker)
    with pytest.raises(psycopg.Error) as refused:
        shop.call("audit.erase_user", "NULL", "asked for it")
    assert (refused.value.sqlstate, "staging.null_markers" in str(refused.value)) == ("WH004", True)

    # As the hint says.
    shop.execute("DELETE FROM staging.null_markers WHERE marker = 'null'")
    shop.call("audit.erase_user", "NULL", "asked for it")
    shop.execute("INSERT INTO staging.null_markers VALUES (%s, %s)", *marker)
    shop.run(DAY)
    users = [user for (user,) in shop.rows("SELECT user_id FROM warehouse.fact_orders ORDER BY order_id")]
    assert (users[0][:7], users[1]) == ("erased-", "U-1")
    assert shop.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = 'NULL' OR city = 'Oslo'") == 0
    assert shop.value("SELECT count(*) FROM raw.orders_json WHERE raw_json::text ~ 'NULL|Oslo'") == 0
    assert not broken_promises(shop.connection)


def test_an_erased_person_does_not_come_back_beside_a_user_id_that_is_a_null_marker(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("O-1", user_id="U-7")])
    shop.run(DAY)
    shop.call("audit.erase_user", "U-7", "asked for it")
    user = {"id": "U-7", "email": "zoe@shop.example"}
    shop.landing.orders(DAY, [order("O-2", user_id="null", user=user), order("O-3", user_id="None", user=user)])
    shop.run(DAY)
    assert shop.value("SELECT count(*) FROM raw.orders_json WHERE raw_json::text ~ 'zoe|U-7'") == 0
