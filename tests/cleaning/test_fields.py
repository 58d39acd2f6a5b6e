"""A field of one's own is a row of staging.fields; one with a column a revision, a line in parser and view."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import migrate
from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import EVENT_COLUMNS, basket, event, item, order, product

DAY = date(2025, 11, 4)
NEXT = DAY + timedelta(1)
READER = "staging/_read_orders.sql"
VIEW = "staging/_order_facts.sql"
REGISTER = """
    INSERT INTO staging.fields (source, field, place, kind, is_personal, on_fault, description) VALUES
        ('orders', 'gift', 'order', 'text', false, 'empty', 'What the card says'),
        ('orders', 'weight', 'line', 'money', false, 'reject', 'Of the line, in kilograms'),
        ('orders', 'birthday', 'customer', 'date', true, 'empty', 'Of the customer'),
        ('orders', 'loyalty', 'customer', 'code', false, 'empty', 'Tier of the customer'),
        ('events', 'device', 'event', 'text', false, 'empty', 'On what it happened'),
        ('events', 'address', 'event', 'text', true, 'empty', 'From where it came'),
        ('products', 'colour', 'product', 'text', false, 'empty', 'Of the product')
"""
WITH_DEVICE = [*EVENT_COLUMNS, "device", "address", "noise"]


@pytest.fixture
def shop(warehouse: Warehouse) -> Iterator[Warehouse]:
    """An empty warehouse; every promise is asked of it at the end."""
    warehouse.execute(RULES_OFF)
    yield warehouse
    assert not broken_promises(warehouse.connection)


def put(shop: Warehouse) -> None:
    """Deliver a day in both shapes, with fields of one's own and with one that nobody registered."""
    tin = {"birthday": "1990-01-01", "loyalty": "tin"}
    shop.landing.orders(DAY, [
        order("O-1", DAY, gift=" for you ", weight=1.50, birthday="1980-02-03", loyalty="gold", noise="secret"),
        basket("O-2", [item(weight="2.5"), item("P-2")], DAY, gift="me", user=tin),
        order("O-3", DAY),
    ])  # fmt: skip
    shop.landing.events(
        DAY,
        [event("E-1", DAY, device="phone", address="10.0.0.1", noise="secret"), event("E-2", DAY, user_id="U-2")],
        columns=WITH_DEVICE,
    )
    shop.landing.products(DAY, [product("P-1", colour="red"), product("P-2")])


ORDERS = {
    ("O-1", 1): {"gift": "for you", "weight": 1.5, "birthday": "1980-02-03", "loyalty": "gold"},
    ("O-2", 1): {"gift": "me", "weight": 2.5, "birthday": "1990-01-01", "loyalty": "tin"},
    ("O-2", 2): {"gift": "me", "birthday": "1990-01-01", "loyalty": "tin"},
    ("O-3", 1): None,
}
EVENTS = {"E-1": {"device": "phone", "address": "10.0.0.1"}, "E-2": None}


def of_orders(shop: Warehouse, table: str) -> dict[tuple[str, int], Any]:
    return {(row.order_id, row.line_number): row.attributes for row in shop.rows(f"SELECT * FROM {table}")}


def of_events(shop: Warehouse, table: str) -> dict[str, Any]:
    return {row.event_id: row.attributes for row in shop.rows(f"SELECT * FROM {table}")}


@pytest.mark.once
def test_without_a_registered_field_there_are_no_attributes(shop: Warehouse) -> None:
    put(shop)
    shop.run(DAY)
    assert set(of_orders(shop, "staging.orders_clean").values()) == {None}
    assert set(of_orders(shop, "warehouse.fact_orders").values()) == {None}


def test_a_field_of_ones_own_is_one_insert_and_goes_from_raw_to_the_facts(shop: Warehouse) -> None:
    put(shop)
    shop.run(DAY)
    # The day was loaded before: it is run again, because what it is made from has changed.
    shop.execute(REGISTER)
    shop.call("warehouse.run_day", DAY)
    for table in (
        "staging.orders_clean",
        "staging.order_facts",
        "warehouse.fact_orders",
        "warehouse.sales",
        "warehouse.order_lines",
    ):
        assert of_orders(shop, table) == ORDERS, table
    for table in ("staging.events_clean", "staging.event_facts", "warehouse.fact_events", "warehouse.events"):
        assert of_events(shop, table) == EVENTS, table
    assert shop.rows("SELECT product_id, attributes FROM staging.products_clean ORDER BY 1") == [
        ("P-1", {"colour": "red"}), ("P-2", None),
    ]  # fmt: skip


@pytest.mark.once
def test_what_is_superseded_comes_back_with_its_own_fields_and_compaction_keeps_them(shop: Warehouse) -> None:
    shop.execute(REGISTER)
    put(shop)
    shop.run(DAY)
    # The next day reports both again, otherwise.
    shop.landing.orders(NEXT, [order("O-1", NEXT, gift="later"), order("O-9", NEXT)])
    shop.landing.events(NEXT, [event("E-1", DAY, device="watch")], columns=WITH_DEVICE)
    shop.run(NEXT)
    assert of_orders(shop, "warehouse.orders_superseded") == {("O-1", 1): ORDERS["O-1", 1]}
    assert of_events(shop, "warehouse.events_superseded") == {"E-1": EVENTS["E-1"]}
    assert of_orders(shop, "warehouse.fact_orders")["O-1", 1] == {"gift": "later"}
    shop.call("warehouse.compact_partitions", date(2025, 12, 1))
    # Only a field of one's own differs: it is a change, and the day is reloaded in its month.
    shop.landing.orders(DAY, [order("O-3", DAY, gift="found")])
    shop.run(DAY)
    assert of_orders(shop, "warehouse.fact_orders")["O-3", 1] == {"gift": "found"}
    put(shop)
    shop.landing.orders(NEXT, [order("O-9", NEXT)])
    shop.landing.events(NEXT, [], columns=WITH_DEVICE)
    shop.run(DAY)
    shop.run(NEXT)
    assert of_orders(shop, "warehouse.fact_orders") == ORDERS | {("O-9", 1): None}
    assert of_events(shop, "warehouse.fact_events") == EVENTS
    assert of_orders(shop, "warehouse.orders_superseded") == {}


@pytest.mark.once
def test_erasure_takes_personal_fields_of_ones_own_and_keeps_the_others(shop: Warehouse) -> None:
    shop.execute(REGISTER)
    put(shop)
    shop.run(DAY)
    shop.landing.orders(NEXT, [order("O-2", NEXT)])
    shop.run(NEXT)
    shop.call("audit.erase_user", "U-1", "asked for it")
    kept = {key: value and {name: value[name] for name in value if name != "birthday"} for key, value in ORDERS.items()}
    superseded = {key: kept.pop(key) for key in [("O-2", 1), ("O-2", 2)]}
    assert of_orders(shop, "warehouse.orders_superseded") == superseded
    assert of_orders(shop, "warehouse.fact_orders") == kept | {("O-2", 1): None}
    assert of_events(shop, "warehouse.fact_events") == {"E-1": {"device": "phone"}, "E-2": None}
    everything = shop.value(
        "SELECT string_agg(t, ' ') FROM (SELECT raw_json::text FROM raw.orders_json UNION ALL"
        " SELECT extra::text FROM raw.events_csv UNION ALL SELECT attributes::text FROM staging.orders_clean UNION ALL"
        " SELECT attributes::text FROM staging.events_clean) AS r (t)"
    )
    assert not re.search("birthday|1980|1990|10.0.0.1|secret", everything)
    # Raw says the same: run again, nothing changes.
    facts = "SELECT ctid, xmin::text, f.* FROM warehouse.fact_orders f ORDER BY order_id, line_number"
    before = shop.rows(facts)
    shop.execute("DELETE FROM audit.step_inputs")
    shop.call("warehouse.run_day", DAY)
    shop.call("warehouse.run_day", NEXT)
    assert before == shop.rows(
        "SELECT ctid, xmin::text, f.* FROM warehouse.fact_orders f ORDER BY order_id, line_number"
    )
    # A later delivery that brings the person again keeps no more of it.
    shop.landing.orders(NEXT, [order("O-8", NEXT, birthday="1980-02-03", loyalty="gold")])
    shop.landing.events(NEXT, [event("E-8", NEXT, address="10.0.0.1", device="car")], columns=WITH_DEVICE)
    shop.run(NEXT)
    assert of_orders(shop, "warehouse.fact_orders")["O-8", 1] == {"loyalty": "gold"}
    assert of_events(shop, "warehouse.fact_events")["E-8"] == {"device": "car"}


FAULTS = [
    ("money", "-1", "is not a number of at least 0"), ("money", "1e15", "is not below 1e15"),
    ("quantity", 0, "is not a number above 0"), ("time", "soon", "is not an ISO 8601 time"),
    ("date", "2025-02-30", "is not a date"), ("id", "x" * 513, "is longer than 512 bytes"),
    ("text", {"a": 1}, "is not a plain value"), ("code", None, None), ("text", " ", None),
]  # fmt: skip


@pytest.mark.once
def test_a_fault_of_a_field_of_ones_own_costs_the_row_or_only_the_value(shop: Warehouse) -> None:
    places = [(place, *fault) for place in ("order", "line", "customer") for fault in FAULTS]
    made = []
    for number, (place, kind, value, _) in enumerate(places):
        shop.execute(
            "INSERT INTO staging.fields (source, field, place, kind, on_fault, description)"
            " VALUES ('orders', %s, %s, %s, 'empty', 'Mine')", f"mine{number}", place, kind,
        )  # fmt: skip
        made.append(order(f"O-{number}", DAY, **{f"mine{number}": value}))
    shop.landing.orders(DAY, made)
    shop.run(DAY)
    assert of_orders(shop, "warehouse.fact_orders") == {(f"O-{number}", 1): None for number in range(len(places))}
    shop.execute("UPDATE staging.fields SET on_fault = 'reject' WHERE field ~ '^mine'")
    shop.run(DAY)
    rejected = "SELECT record_id, failure_reason FROM audit.bad_records ORDER BY raw_id"
    found = shop.rows(rejected)
    assert found == [(f"O-{n}", f"mine{n} {place[3]}") for n, place in enumerate(places) if place[3]]
    # It stays rejected for the same reason when the person is forgotten.
    shop.call("audit.erase_user", "U-1", "asked for it")
    shop.call("warehouse.run_day", DAY)
    assert found == shop.rows(rejected)


@pytest.mark.once
def test_a_required_field_of_ones_own_rejects_what_lacks_it(shop: Warehouse) -> None:
    shop.execute(
        "INSERT INTO staging.fields (source, field, place, kind, is_required, is_personal, on_fault, description)"
        " VALUES ('orders', 'channel', 'order', 'code', true, false, 'reject', 'Where it was sold'),"
        " ('events', 'page', 'event', 'text', true, false, 'reject', 'Where it happened'),"
        " ('products', 'vat', 'product', 'money', true, false, 'reject', 'In percent')"
    )
    shop.landing.orders(DAY, [order("O-1", DAY, channel="web"), order("O-2", DAY)])
    shop.landing.events(DAY, [event("E-1", DAY, page="/"), event("E-2", DAY)], columns=[*EVENT_COLUMNS, "page"])
    shop.landing.products(DAY, [product("P-1", vat=19), product("P-2")])
    shop.run(DAY)
    assert of_orders(shop, "warehouse.fact_orders") == {("O-1", 1): {"channel": "web"}}
    assert of_events(shop, "warehouse.fact_events") == {"E-1": {"page": "/"}}
    assert shop.rows("SELECT record_id, failure_reason FROM audit.bad_records ORDER BY 1") == [
        ("E-2", "page is missing"), ("O-2", "channel is missing"), ("P-2", "vat is missing"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'orders', 'x', 'event', 'text', false, true, 'empty'", "fields_place_check"),
        ("'returns', 'x', 'order', 'text', false, true, 'empty'", "fields_place_check"),
        ("'orders', 'x', 'order', 'xml', false, true, 'empty'", "fields_kind_check"),
        ("'orders', 'x', 'order', 'text', false, true, 'maybe'", "fields_on_fault_check"),
        ("'orders', 'items', 'order', 'text', false, true, 'empty'", "fields_field_check"),
        ("'orders', 'x ', 'order', 'text', false, true, 'empty'", "fields_field_check"),
        # An erased record would be rejected, and a number with it.
        ("'orders', 'x', 'order', 'text', true, true, 'reject'", "fields_is_required_check"),
        ("'orders', 'x', 'order', 'text', true, false, 'empty'", "fields_is_required_check"),
        ("'orders', 'price', 'line', 'money', false, true, 'empty'", "fields_pkey"),
    ],
)
def test_a_field_that_could_not_be_carried_cannot_be_registered(shop: Warehouse, values: str, constraint: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityError) as refused:
        shop.execute(
            "INSERT INTO staging.fields (source, field, place, kind, is_required, is_personal, on_fault, description)"
            f" VALUES ({values}, '')"
        )
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.once
def test_a_record_that_lacks_a_required_field_says_what_it_has_instead(shop: Warehouse) -> None:
    misspelled = order("O-1", DAY, timestamp=None, id="O-1", created=str(DAY))
    del misspelled["order_id"]
    shop.landing.orders(DAY, [misspelled, basket("O-2", [{"sku": "P-1", "quantity": 1, "price": 2}], DAY)])
    shop.landing.products(DAY, [{"sku": "P-1", "brand": "Acme"}])
    shop.run(DAY)
    found = dict(shop.rows("SELECT failure_reason, failed_value FROM audit.bad_records"))
    assert found == {
        "order_id is missing; timestamp is missing": "the record has id, created",
        "product_id is missing": "the record has sku",
    }


@pytest.mark.once
def test_every_column_that_a_field_becomes_is_there_and_facts_have_what_superseded_rows_have(shop: Warehouse) -> None:
    lost = shop.rows(
        "SELECT f.source, f.field FROM staging.fields f WHERE f.column_name IS NOT NULL AND NOT EXISTS ("
        " SELECT FROM pg_attribute a WHERE a.attrelid = format('staging.%s_clean', f.source)::regclass"
        " AND a.attname = f.column_name)"
    )
    assert lost == []
    columns = (
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation::text,"
        " col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
    )
    for source in ("orders", "events"):
        facts = shop.rows(columns, f"warehouse.fact_{source}")
        assert facts == shop.rows(columns, f"warehouse.{source}_superseded")
        view = shop.rows(columns, f"staging.{source[:-1]}_facts")
        assert {(row.attname, row.format_type) for row in view} == {(row.attname, row.format_type) for row in facts}


@pytest.mark.once
def test_a_view_from_staging_to_facts_that_joins_is_asked_as_it_stands(shop: Warehouse) -> None:
    put(shop)
    shop.run(DAY)
    shop.execute(
        "DROP VIEW staging.order_facts; CREATE VIEW staging.order_facts AS"
        " SELECT s.staging_orders_id AS fact_orders_id, s.order_id, s.line_number, u.user_id, s.product_id,"
        " to_char(s.order_ts AT TIME ZONE 'UTC', 'YYYYMMDD')::integer AS date_id, s.quantity, s.unit_price, s.revenue,"
        " s.order_ts, s.status, s.load_date, s.staging_orders_id, jsonb_build_object('city', u.city) AS attributes,"
        " s.discount, s.tax, s.shipping, s.refunded, s.currency, s.revenue_in_currency, s.source_updated_at"
        " FROM staging.orders_clean s JOIN warehouse.dim_user u ON u.user_id = s.user_id;"
        " ALTER VIEW staging.order_facts OWNER TO warehouse_owner; DELETE FROM audit.step_inputs"
    )
    shop.call("warehouse.run_day", DAY)
    assert set(map(json.dumps, of_orders(shop, "warehouse.fact_orders").values())) == {'{"city": "Berlin"}'}


def test_a_field_with_a_column_is_a_revision_a_line_in_the_parser_and_a_line_in_the_view(shop: Warehouse) -> None:
    put(shop)
    shop.run(DAY)
    shop.landing.orders(NEXT, [order("O-1", NEXT, channel="shop"), order("O-2", NEXT), order("O-5", NEXT, channel="?")])
    # The revision.
    shop.execute(
        "SET ROLE warehouse_owner;"
        "ALTER TABLE staging.orders_clean ADD COLUMN channel text;"
        "ALTER TABLE warehouse.fact_orders ADD COLUMN channel text;"
        "ALTER TABLE warehouse.orders_superseded ADD COLUMN channel text;"
        "ALTER TYPE staging.order_fields ADD ATTRIBUTE channel text;"
        "INSERT INTO staging.fields (source, field, place, kind, is_personal, description, column_name)"
        " VALUES ('orders', 'channel', 'order', 'text', false, 'Where it was sold', 'channel'); RESET ROLE"
    )
    # What else changes is text of two files.
    reader = changed(
        READER,
        ("emptied text[]\n", "emptied text[], channel text\n"),
        ("staging._trimmed(f.order_id) AS order_id,", "staging._trimmed(f.order_id) AS order_id, f.channel,"),
        (
            "|| (j.line_own).problems END,",
            "|| (j.line_own).problems END || staging._problem(j.channel = '?', 'channel is not known', j.channel),",
        ),
        ("(e.line_own).emptied END\n", "(e.line_own).emptied END, e.channel\n"),
    )
    view = changed(VIEW, ("s.source_updated_at\nFROM", "s.source_updated_at, s.channel\nFROM"))
    shop.execute(
        "DROP FUNCTION staging._read_orders(date, text, date, text, timestamptz, timestamptz, bigint[],"
        " staging.fields[], boolean);"
        f"SET ROLE warehouse_owner; SET search_path = pg_catalog, pg_temp; {reader}\n{view}\n"
        "RESET ROLE; RESET search_path"
    )
    shop.run(NEXT)
    channels = "SELECT order_id, channel FROM {} WHERE load_date = %s ORDER BY 1"
    told = [("O-1", "shop"), ("O-2", None)]
    assert shop.rows(channels.format("staging.orders_clean"), NEXT) == told
    assert shop.rows(channels.format("warehouse.fact_orders"), NEXT) == told
    assert shop.rows("SELECT record_id, failure_reason FROM audit.bad_records") == [("O-5", "channel is not known")]
    # The day before is delivered again with it: superseded rows, reload, compaction, and back.
    shop.landing.orders(DAY, [order("O-1", DAY, channel="web"), order("O-3", DAY, channel="web")])
    shop.run(DAY)
    assert shop.rows(channels.format("warehouse.orders_superseded"), DAY) == [("O-1", "web")]
    shop.call("warehouse.compact_partitions", date(2025, 12, 1))
    shop.landing.orders(NEXT, [order("O-2", NEXT, channel="fair")])
    shop.run(NEXT)
    assert shop.rows(channels.format("warehouse.fact_orders"), DAY) == [("O-1", "web"), ("O-3", "web")]
    assert shop.rows(channels.format("warehouse.fact_orders"), NEXT) == [("O-2", "fair")]
    # What is kept of it when the person is erased is what its row of staging.fields says.
    shop.call("audit.erase_user", "U-1", "asked for it")
    assert shop.rows(channels.format("warehouse.fact_orders"), NEXT) == [("O-2", "fair")]
    assert shop.value("SELECT count(*) FROM raw.orders_json WHERE raw_json ->> 'channel' IS NOT NULL") > 0
    shop.execute("UPDATE staging.fields SET is_personal = true WHERE field = 'channel'")
    shop.landing.orders(NEXT, [order("O-7", NEXT, user_id="U-7", channel="fair")])
    shop.run(NEXT)
    shop.call("audit.erase_user", "U-7", "asked for it")
    assert shop.rows(channels.format("warehouse.fact_orders"), NEXT) == [("O-7", None)]
    assert shop.rows(channels.format("staging.orders_clean"), NEXT) == [("O-7", None)]


def changed(file: str, *changes: tuple[str, str]) -> str:
    """Return the text of a file of db/procedures with changes; each is of one place."""
    text = Path(migrate.PROCEDURES, file).read_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text
