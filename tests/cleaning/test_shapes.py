"""A form of delivery that is not ours is a row of staging.shapes and an SQL function."""

# A statement of SQL, and a record, are read on one line.
# ruff: noqa: E501
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from glue.cli import main
from tests.conftest import Warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.real_world import CASES, REAL_WORLD, needs_real_world, put_case
from tests.shop import basket, event, item, order
from tests.steps import steps_that_work

DAY = date(2025, 12, 19)
NOON = 1766145600  # of that day, in seconds since 1970
# A till's export, as somebody would write its function.
TILL = """
CREATE OR REPLACE FUNCTION shapes.till_sale(record json) RETURNS json LANGUAGE sql STABLE
RETURN json_build_object(
    'order_id', record ->> 'receipt', 'timestamp', shapes.epoch_time(record ->> 'at'), 'status', 'paid',
    'user_id', 'card-' || (record #>> '{card,number}'), 'user', json_build_object('city', record #>> '{card,town}'),
    'items', (SELECT json_agg(json_build_object('product_id', s.sold ->> 'article', 'quantity', s.sold ->> 'pieces',
                                                'price', shapes.decimal_comma(s.sold ->> 'each')) ORDER BY s.place)
              FROM json_array_elements(record -> 'sold') WITH ORDINALITY AS s (sold, place)))
"""


@pytest.fixture
def shop(warehouse: Warehouse) -> Iterator[Warehouse]:
    """An empty warehouse; every promise is asked of it at the end."""
    warehouse.execute(RULES_OFF)
    yield warehouse
    assert not broken_promises(warehouse.connection)


def register(shop: Warehouse, routine: str | None, source: str = "orders", **columns: Any) -> None:
    """Register a shape for all files of a source, or those that `columns` say."""
    values = {"shape": f"{source} of {routine}", "source": source, "routine": routine} | columns
    shop.execute(
        f"INSERT INTO staging.shapes ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", *values.values()
    )


def make(shop: Warehouse, statement: str = TILL) -> None:
    """Make a function in schema shapes, as the owner does."""
    owner = shop.connect("warehouse_owner")
    owner.execute(statement)  # type: ignore[arg-type]


def sale(number: int = 1, *sold: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a till's record of a sale of one article for 2 × 1.234,50, or of those `sold`."""
    lines = sold or ({"article": "A-1", "pieces": 2, "each": "1.234,50"},)
    made = {"receipt": number, "at": NOON, "card": {"number": 7, "town": "Bonn"}, "sold": list(lines)} | fields
    return {name: value for name, value in made.items() if value is not None}


def lines(shop: Warehouse) -> list[Any]:
    """Return the lines of orders in staging."""
    return shop.rows(
        "SELECT order_id, line_number, product_id, quantity, unit_price, user_id FROM staging.orders_clean ORDER BY 1, 2"
    )


def rejected(shop: Warehouse) -> list[Any]:
    """Return what was rejected."""
    return shop.rows(
        "SELECT file_name, line_number, record_id, failure_reason, failed_value, raw_data FROM audit.bad_records ORDER BY 1, 2, item_number"
    )


# -- the functions that are shipped ------------------------------------------------------------------


def sample(name: str) -> Any:
    """Return a sample of an order of another system."""
    text = (REAL_WORLD / "shapes" / name).read_bytes()
    return (
        json.loads(text)
        if name.endswith(".json")
        else list(csv.DictReader(io.StringIO(text.decode("latin-1")), delimiter="\t"))
    )


def mapped(shop: Warehouse, routine: str, record: Any) -> Any:
    """Return what a function makes of a record, numbers as they are written; what is null is left out."""
    text = shop.value(f"SELECT json_strip_nulls({routine}(%s::json))::text", json.dumps(record))
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def amount(of: Any) -> Decimal:
    return Decimal(of or 0)


def line(of: Any) -> tuple[Any, ...]:
    """Return product, quantity, what it costs less its discount, and its tax."""
    total = amount(of["line_total"]) if "line_total" in of else amount(of["quantity"]) * amount(of["price"])
    return of["product_id"], amount(of["quantity"]), total - amount(of.get("discount")), amount(of.get("tax"))


@needs_real_world
def test_each_shipped_function_makes_of_a_sample_what_its_system_means(shop: Warehouse) -> None:
    found = mapped(shop, "shapes.shopify_order", sample("shopify_rest.json")["orders"][0])
    assert [line(of) for of in found["items"]] == [
        ("IPOD2008PINK", 2, Decimal("393.00"), Decimal("3.00")), ("Tip", 1, Decimal("10.00"), 0),
    ]  # fmt: skip
    assert (found["order_id"], found["user_id"], found["currency"], found["user"]["city"]) == (
        "820982911946154508", "115310627314723954", "USD", "Ottawa",
    )  # fmt: skip
    assert (amount(found["shipping"]), amount(found["refunded"])) == (10, Decimal("196.50"))
    assert found["status"] == "partially_refunded"
    code = "SELECT canonical_value FROM staging.codes WHERE kind = 'order_status' AND source_value = %s"
    assert shop.value(f"SELECT counts_as_sale FROM warehouse.order_statuses WHERE status = ({code})", found["status"])

    found = mapped(shop, "shapes.shopify_graphql_order", sample("shopify_graphql.json")["data"]["orders"]["edges"][0])
    assert [line(of) for of in found["items"]] == [("CALC40A", 5, Decimal("49.95"), 0)]
    assert (found["order_id"], found["user_id"]) == ("gid://shopify/Order/1", "gid://shopify/Customer/7")
    assert (found["currency"], amount(found["tax"])) == ("GBP", Decimal("8.33"))

    found = mapped(shop, "shapes.woocommerce_order", sample("woocommerce.json")[0])
    assert [line(of)[:3] for of in found["items"]] == [("93", 10, Decimal("143.10"))]
    assert found["order_id"] == "727"
    assert "user_id" not in found
    assert found["currency"] == "EUR"
    assert [amount(found[name]) for name in ("discount", "shipping", "refunded")] == [1, 10, 10]
    assert found["timestamp"] == "2025-12-19T21:28:02Z"

    found = mapped(shop, "shapes.magento_order", sample("magento2.json")["items"][0])
    assert [line(of) for of in found["items"]] == [("WS12-XS", 2, 90, Decimal("1.5"))]
    assert (found["order_id"], found["user_id"], amount(found["shipping"])) == ("000000003", "1", 5)
    assert amount(found["tax"]) == 0, "the tax of its line is not the order's, too"

    rows = [mapped(shop, "shapes.amazon_order_line", row) for row in sample("amazon_flat.txt")]
    assert [line(of) for row in rows for of in row["items"]] == [
        ("SKU-1", 2, Decimal("37.98"), Decimal("6.38")), ("SKU-2", 1, 5, 0),
    ]  # fmt: skip
    assert {row["order_id"] for row in rows} == {"112-1"}
    assert {row["user"]["city"] for row in rows} == {"Köln"}
    assert "user_id" not in rows[0]

    found = mapped(shop, "shapes.stripe_checkout", sample("stripe_checkout.json")["data"][0])
    assert [line(of) for of in found["items"]] == [("prod_1", 1, 2999, 0)]
    assert (found["order_id"], found["user_id"], found["currency"]) == ("cs_1", "cus_1", "JPY")
    assert found["timestamp"] == "2025-12-19T14:00:00+00:00"


HELPERS = {
    "shapes.epoch_time('1741780800')": "2025-03-12 12:00:00+00",
    "shapes.epoch_time('1741780800123')": "2025-03-12 12:00:00.123+00",
    "shapes.epoch_time('1741780800.123')": "2025-03-12 12:00:00.123+00",
    "shapes.epoch_time('1741866000123456')": "2025-03-13 11:40:00.123456+00",
    "shapes.utc_time('2025-05-15 10:00:00 UTC')": "2025-05-15 10:00:00+00",
    "shapes.utc_time('2025-05-15 10:00:00.5')": "2025-05-15 10:00:00.5+00",
    "shapes.utc_time('20250515T100000Z')": "2025-05-15 10:00:00+00",
    "shapes.utc_time('20250515')": "2025-05-15 00:00:00+00",
    "shapes.utc_time('2025-05-15')": "2025-05-15 00:00:00+00",
    "shapes.utc_time('2025-05-15T10:00:00-04')": "2025-05-15 14:00:00+00",
    "shapes.utc_time('Thu, 15 May 2025 10:00:00 +0200')": "2025-05-15 08:00:00+00",
    "shapes.utc_time('Thu, 15 May 2025 10:00:00 GMT')": "2025-05-15 10:00:00+00",
    "shapes.minor_units('jpy')": "0",
    "shapes.minor_units('KWD')": "3",
    "shapes.minor_units('EUR')": "2",
    "shapes.from_minor('1999', 'EUR')": "19.99",
    "shapes.from_minor('2999', 'JPY')": "2999",
    "shapes.from_minor('1999', 'KWD')": "1.999",
    "shapes.decimal_comma('1.234,50 €')": "1234.50",
    "shapes.decimal_comma('-0,5')": "-0.5",
    "shapes.divided('199900', 10000)": "19.99",
}


def test_what_shapes_need_is_there_whatever_the_time_zone_of_who_tries_it(shop: Warehouse) -> None:
    for zone in ("UTC", "America/New_York"):
        shop.execute(f"SET timezone = '{zone}'")
        for expression, said in HELPERS.items():
            assert shop.value(
                f"SELECT ({expression}) = %s::text::{'timestamptz' if 'time' in expression else 'numeric'}", said
            ), expression


@pytest.mark.once
@needs_real_world
def test_shapes_and_cleaning_know_the_same_decimal_places_of_every_currency(shop: Warehouse) -> None:
    letters = "regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZ', '')"
    codes = f"SELECT a || b || c AS code FROM {letters} AS a, {letters} AS b, {letters} AS c"
    differ = f"SELECT code FROM ({codes}) AS c WHERE shapes.minor_units(code) <> staging._minor_units(code)"
    assert shop.rows(differ) == []


@pytest.mark.once
def test_a_record_scores_highest_for_the_form_that_it_has(shop: Warehouse) -> None:
    samples = {
        "shapes.shopify_order": sample("shopify_rest.json")["orders"][0],
        "shapes.shopify_graphql_order": sample("shopify_graphql.json")["data"]["orders"]["edges"][0],
        "shapes.woocommerce_order": sample("woocommerce.json")[0],
        "shapes.magento_order": sample("magento2.json")["items"][0],
        "shapes.amazon_order_line": sample("amazon_flat.txt")[0],
        "shapes.stripe_checkout": sample("stripe_checkout.json")["data"][0],
    }
    for routine, record in samples.items():
        best = shop.rows("SELECT routine, score FROM shapes.score(%s::json) LIMIT 2", json.dumps(record))
        assert best[0] == (routine, 1)
        assert best[1].score < 1
    made = shop.rows("SELECT routine FROM shapes.shipped()")
    assert all(shop.value("SELECT to_regprocedure(%s || '(json)') IS NOT NULL", row.routine) for row in made)
    assert len(made) == 11


# -- from files to tables ----------------------------------------------------------------------------


@pytest.mark.once
def test_a_form_of_ones_own_goes_from_its_file_to_the_facts(shop: Warehouse) -> None:
    make(shop)
    register(shop, "shapes.till_sale", file_pattern="Till*.ndjson")
    soap = {"article": "B", "pieces": "1", "each": "0,99"}
    shop.landing.orders(DAY, [sale(1), sale(2, soap, soap, card=None)], "till 3.ndjson")
    shop.landing.orders(DAY, [order("O-1", DAY)], "shop.ndjson")
    shop.landing.events(DAY, [event()])
    shop.run(DAY)
    assert lines(shop) == [
        ("1", 1, "A-1", 2, Decimal("1234.5"), "card-7"),
        ("2", 1, "B", 1, Decimal("0.99"), None), ("2", 2, "B", 1, Decimal("0.99"), None),
        ("O-1", 1, "P-1", 2, Decimal("9.99"), "U-1"),
    ]  # fmt: skip
    assert rejected(shop) == []
    assert shop.value("SELECT count(*) FROM warehouse.fact_orders") == 4
    assert shop.value(
        "SELECT raw_json ->> 'receipt' FROM raw.orders_json WHERE raw_json ->> 'order_id' IS NULL LIMIT 1"
    )


@pytest.mark.once
@needs_real_world
def test_case_02_shopify_an_order_a_line(shop: Warehouse) -> None:
    day = date(2025, 3, 3)
    register(shop, "shapes.shopify_order")
    name = "02_shopify_rest_ndjson/orders/2025-03-03/orders.ndjson"
    shop.landing.put("orders", day, "orders.ndjson", (CASES / name).read_bytes())
    shop.run(day)
    assert [found[2:4] for found in lines(shop)] == [("IPOD2008GREEN", 1), ("Tip", 1)] * 2
    assert {found.user_id[-3:] for found in lines(shop)} == {"961", "962"}
    assert rejected(shop) == []


@pytest.mark.once
@needs_real_world
def test_case_45_and_58_rows_of_one_order_are_its_lines(shop: Warehouse) -> None:
    register(shop, None, rows_are="lines")
    for name in ("45_line_per_row", "58_readme_converter"):
        shop.run(put_case(shop.landing, name))
    revenue = "SELECT count(*), sum(revenue) FROM staging.orders_clean WHERE load_date = %s AND status <> 'refunded'"
    assert shop.rows(revenue, date(2025, 4, 15)) == [(4, 223)]
    assert shop.rows(revenue, date(2025, 8, 11)) == [(2, Decimal("29.99"))]
    assert shop.value("SELECT count(*) FROM staging.orders_clean WHERE load_date = '2025-08-11'") == 3
    assert rejected(shop) == []
    assert shop.rows("SELECT order_id, line_number, product_id FROM staging.orders_clean WHERE order_id = '45-1001' ORDER BY 2") == [
        ("45-1001", 1, "A"), ("45-1001", 2, "B"), ("45-1001", 3, "C"),
    ]  # fmt: skip


def deliver(shop: Warehouse, case: str, day: date, source: str = "orders") -> None:
    """Put the files of a case of the real world into the landing zone."""
    for path in (CASES / case / source / str(day)).iterdir():
        shop.landing.put(source, day, path.name, path.read_bytes())


def money(shop: Warehouse) -> list[Any]:
    """Return what orders came to, by line; shipping is the order's."""
    return shop.rows("""
        SELECT order_id, product_id, quantity, revenue, coalesce(discount, 0) AS discount, currency,
               sum(shipping) OVER (PARTITION BY order_id) AS shipping, sum(refunded) OVER (PARTITION BY order_id) AS refunded
        FROM staging.orders_clean ORDER BY order_id, line_number""")


@pytest.mark.once
@needs_real_world
def test_case_01_a_page_of_shopify_is_refused_with_advice_until_its_shape_is_registered(shop: Warehouse) -> None:
    day = date(2025, 3, 2)
    deliver(shop, "01_shopify_rest_page", day)
    shop.run(day)
    refused = shop.value("SELECT refused_reason FROM raw.file_loads")
    assert "`orders`" in refused
    assert "of id, admin_graphql_api_id, name, order_number" in refused
    assert "It looks like Shopify, REST: register shapes.shopify_order" in refused
    assert len(rejected(shop)) == 1
    register(shop, "shapes.shopify_order")
    shop.run(day)
    assert rejected(shop) == []
    found = money(shop)
    assert [row[1:7] for row in found] == [
        ("IPOD2008GREEN", 1, 194, 5, "USD", 10), ("Tip", 1, 10, 0, "USD", 10),
    ] * 2  # fmt: skip
    assert sum(row.revenue for row in found) == 408
    users = shop.rows("SELECT DISTINCT right(user_id, 3) AS user FROM staging.orders_clean ORDER BY 1")
    assert users == [("951",), ("952",)]


@pytest.mark.once
@needs_real_world
@pytest.mark.parametrize("path", [None, "orders"])
def test_a_page_is_read_whether_or_not_its_shape_says_where_the_list_lies(shop: Warehouse, path: str | None) -> None:
    day = date(2025, 3, 2)
    register(shop, "shapes.shopify_order", records_path=path)
    deliver(shop, "01_shopify_rest_page", day)
    shop.run(day)
    assert sum(row.revenue for row in money(shop)) == 408


@pytest.mark.once
@needs_real_world
def test_case_05_orders_of_woocommerce(shop: Warehouse) -> None:
    day = date(2025, 3, 6)
    register(shop, "shapes.woocommerce_order")
    deliver(shop, "05_woocommerce_native", day)
    shop.run(day)
    assert rejected(shop) == []
    assert money(shop) == [("727", "93", 2, 6, 0, "EUR", 10, 10), ("727", "Bar3", 1, 12, 0, "EUR", 10, 10)]
    told = "SELECT DISTINCT user_id, order_ts AT TIME ZONE 'UTC' AS at FROM staging.orders_clean"
    assert [(row.user_id, f"{row.at}") for row in shop.rows(told)] == [(None, "2025-03-06 21:28:02")]


@pytest.mark.once
@needs_real_world
def test_case_09_a_flat_file_of_amazon_is_read_whatever_its_ending(shop: Warehouse) -> None:
    day = date(2025, 3, 10)
    columns = {"rows_are": "lines", "encoding": "latin-1", "delimiter": "\t"}
    register(shop, "shapes.amazon_order_line", file_pattern="report.*", **columns)
    for name in ("report.txt", "report.csv"):
        path = CASES / "09_amazon_flat_file/orders" / str(day) / name
        shop.landing.put("orders", day, name, path.read_bytes())
    shop.run(day)
    assert shop.value("SELECT count(*) FROM raw.file_loads WHERE refused_reason IS NULL") == 2
    assert rejected(shop) == []
    found = shop.rows("SELECT revenue, currency, city FROM staging.orders_clean")
    assert found == [(Decimal("19.99"), "EUR", "Köln")]


@pytest.mark.once
def test_a_pattern_that_fits_every_name_makes_no_delivery_of_what_has_another_ending(shop: Warehouse) -> None:
    make(shop)
    register(shop, "shapes.till_sale")
    for name in ("readme.txt", "till.ndjson"):
        shop.landing.put("orders", DAY, name, json.dumps(sale()).encode())
    shop.deliver(DAY)
    assert shop.rows("SELECT file_name FROM raw.file_loads") == [("till.ndjson",)]


@pytest.mark.once
@needs_real_world
def test_case_45_rows_of_one_order_without_their_shape_contradict_each_other(shop: Warehouse) -> None:
    day = date(2025, 4, 15)
    deliver(shop, "45_line_per_row", day)
    shop.run(day)
    assert [row.record_id for row in rejected(shop)] == ["45-1001"] * 3
    assert all("rows_are 'lines'" in row.failure_reason for row in rejected(shop))
    assert shop.rows("SELECT order_id, revenue FROM staging.orders_clean") == [("45-1002", 100)]


@pytest.mark.once
@needs_real_world
def test_case_58_rows_of_a_marketplace_with_its_own_columns(shop: Warehouse) -> None:
    day = date(2025, 8, 11)
    make(shop, """
        CREATE FUNCTION shapes.market_row(record json) RETURNS json LANGUAGE sql IMMUTABLE
        RETURN json_build_object('order_id', 'M-' || (record ->> 'number'), 'timestamp', record ->> 'placed', 'status', record ->> 'state',
                                 'product_id', record ->> 'sku', 'quantity', record ->> 'pieces', 'price', record ->> 'unit')
    """)  # fmt: skip
    register(shop, "shapes.market_row", rows_are="lines", file_pattern="marketplace*.csv")
    path = CASES / "58_readme_converter/marketplace.csv"
    shop.landing.put("orders", day, path.name, path.read_bytes())
    shop.run(day)
    assert rejected(shop) == []
    assert [found[:3] for found in lines(shop)] == [("M-7001", 1, "P-2"), ("M-7001", 2, "P-1"), ("M-7002", 1, "P-1")]
    net = "SELECT sum(revenue) FROM staging.orders_clean WHERE status <> 'refunded'"
    assert shop.value(net) == Decimal("29.99")


@pytest.mark.once
@needs_real_world
def test_case_12_events_of_ga4_with_its_own_columns(shop: Warehouse) -> None:
    day = date(2025, 3, 13)
    shop.landing.put("events", day, "events.csv", (CASES / "12_ga4_micros/events/2025-03-13/events.csv").read_bytes())
    shop.run(day)
    assert shop.value("SELECT count(*) FROM staging.events_clean") == 0, "without its shape the header is refused"
    register(shop, "shapes.ga4_flat_event", "events")
    shop.run(day)
    events = "SELECT event_id, event_type, user_id, event_ts AT TIME ZONE 'UTC' AS at FROM staging.events_clean"
    (found,) = shop.rows(events)
    assert found[:3] == ("e1", "page_view", "123.456")
    assert f"{found.at}" == "2025-03-13 11:40:00.123456"


@pytest.mark.once
@needs_real_world
def test_case_11_a_shape_reads_times_that_count_from_1970(shop: Warehouse) -> None:
    day = date(2025, 3, 12)
    make(shop, """
        CREATE FUNCTION shapes.app_event(record json) RETURNS json LANGUAGE sql STABLE
        RETURN (SELECT json_object_agg(e.key, CASE e.key WHEN 'event_ts' THEN to_json(shapes.epoch_time(e.value #>> '{}')) ELSE e.value END)
                FROM json_each(record) AS e)
    """)  # fmt: skip
    register(shop, "shapes.app_event", "events")
    shop.landing.put(
        "events", day, "events.csv", (CASES / "11_epoch_ms_events/events/2025-03-12/events.csv").read_bytes()
    )
    shop.run(day)
    found = shop.rows(
        "SELECT event_id, date_trunc('second', event_ts AT TIME ZONE 'UTC') AS at, product_id FROM staging.events_clean ORDER BY 1"
    )
    assert [row.event_id for row in found] == ["e1", "e2", "e3"]
    assert [row.product_id for row in found] == [
        "p1",
        "p1",
        None,
    ]
    assert {f"{row.at}" for row in found} == {"2025-03-12 12:00:00"}


@pytest.mark.once
def test_a_product_of_several_variants_becomes_several_products(shop: Warehouse) -> None:
    register(shop, "shapes.shopify_product", "products")
    variants = [{"sku": "S-1", "title": "S", "price": "9.90"}, {"sku": "S-2", "title": "M", "price": "10.90"}]
    shirt = {"id": 1, "title": "Shirt", "vendor": "Acme", "product_type": "Tops", "variants": variants}
    mug = {
        "id": 2,
        "title": "Mug",
        "vendor": "Acme",
        "product_type": "",
        "variants": [{"sku": "", "title": "Default Title", "price": "5"}],
    }
    shop.landing.products(DAY, [shirt, mug, {"id": 3, "variants": 5}])
    shop.run(DAY)
    assert shop.rows("SELECT product_id, product_name, category, current_price FROM staging.products_clean ORDER BY 1") == [
        ("2", "Mug", None, 5), ("S-1", "Shirt – S", "Tops", Decimal("9.9")), ("S-2", "Shirt – M", "Tops", Decimal("10.9")),
    ]  # fmt: skip
    assert [row.failure_reason for row in rejected(shop)] == ["shapes.shopify_product fails (22023)"]
    assert shop.rows(
        "SELECT raw_count, delivered_count, clean_count, rejected_count FROM staging.loads WHERE source = 'products'"
    ) == [(3, 4, 3, 1)]


@pytest.mark.once
def test_rows_of_one_order_keep_who_each_of_them_is(shop: Warehouse) -> None:
    """Numbers of lines follow the rows, the raw row of an order is its first, and a rejected line shows its own row."""
    register(shop, None, rows_are="lines", file_pattern="rows*")
    row = {"order_id": "R-1", "timestamp": f"{DAY}T10:00:00Z", "status": "paid", "user_id": "U-1", "price": 1}
    shop.landing.orders(DAY, [
        row | {"product_id": "A", "quantity": 1}, row | {"order_id": "R-2", "product_id": "B", "quantity": 1},
        row | {"product_id": "C", "quantity": 0}, row | {"product_id": "D", "quantity": 1, "user": {"city": "Bonn"}},
        row | {"order_id": None, "product_id": "E", "quantity": 1},
    ], "rows.ndjson")  # fmt: skip
    shop.run(DAY)
    bad = rejected(shop)
    assert [(found.line_number, found.record_id) for found in bad if "quantity" in found.failure_reason] == [
        (1, "R-1"), (3, "R-1"), (4, "R-1"),
    ]  # fmt: skip
    assert json.loads(next(found for found in bad if found.line_number == 3).raw_data)["product_id"] == "C"
    assert json.loads(next(found for found in bad if found.line_number == 4).raw_data)["product_id"] == "D"
    assert [found.line_number for found in bad if "order_id is missing" in found.failure_reason] == [5]
    counts = shop.row(
        "SELECT raw_count, delivered_count, clean_count + rejected_count + duplicate_count FROM staging.loads WHERE source = 'orders'"
    )
    assert counts == (5, 5, 5)
    places = shop.rows(
        "SELECT s.order_id, s.line_number, s.product_id, o.line_number AS first FROM staging.orders_clean s"
        " JOIN raw.orders_json o ON o.raw_orders_id = s.staging_orders_id / 1000000 ORDER BY 1, 2"
    )
    assert places == [("R-2", 1, "B", 2)]


@pytest.mark.once
def test_rows_that_say_different_things_of_one_order_are_none_of_its_lines(shop: Warehouse) -> None:
    register(shop, None, rows_are="lines")
    row = {"timestamp": f"{DAY}T10:00:00Z", "status": "paid", "product_id": "A", "quantity": 1, "price": 1}
    shop.landing.orders(DAY, [
        row | {"order_id": "R-1", "user_id": "U-1"}, row | {"order_id": "R-1", "user_id": "U-2"}, row | {"order_id": "R-2"},
    ], "rows.ndjson")  # fmt: skip
    shop.run(DAY)
    assert [found[:3] for found in lines(shop)] == [("R-2", 1, "A")]
    assert [(bad.line_number, bad.record_id, bad.failure_reason) for bad in rejected(shop)] == [
        (number, "R-1", "the rows of the order differ in user_id") for number in (1, 2)
    ]


def amazon_row(order_id: str, number: int, **more: str) -> dict[str, str]:
    """Return a row of Amazon's flat file."""
    return {
        "amazon-order-id": order_id, "purchase-date": f"{DAY}T02:12:11+00:00", "order-status": "Shipped", "sku": f"SKU-{number}",
        "quantity": "1", "currency": "EUR", "item-price": "5.00",
    } | more  # fmt: skip


@pytest.mark.once
def test_what_a_row_says_of_shipping_is_added_up_for_its_order(shop: Warehouse) -> None:
    """Asked of what the reader gets: amounts of orders are not this file's."""
    prices = {1: "3.00", 2: "1.50", 3: ""}
    rows = [amazon_row("112-1", number, **{"shipping-price": price}) for number, price in prices.items()]
    register(shop, "shapes.amazon_order_line", rows_are="lines")
    shop.landing.orders(DAY, rows, "amazon.ndjson")
    shop.deliver(DAY)
    with shop.connect() as session, session.transaction(force_rollback=True):
        session.execute("SELECT staging._map_records(staging._begin_cleaning('orders', %s))", [DAY])
        (made,) = session.execute("SELECT record FROM staging._mapped_records()").fetchall()
    assert Decimal(made.record["shipping"]) == Decimal("4.50")
    assert [of["product_id"] for of in made.record["items"]] == ["SKU-1", "SKU-2", "SKU-3"]


@pytest.mark.once
def test_an_order_of_which_a_row_cannot_be_read_stands_with_none_of_its_rows(shop: Warehouse) -> None:
    """Its id is found by the field that has it in the other rows; with partial_orders the good rows count."""
    register(shop, "shapes.amazon_order_line", rows_are="lines")
    odd = {"item-tax": "n/a"}
    shop.landing.orders(DAY, [
        amazon_row("112-1", 1), amazon_row("112-2", 2), amazon_row("112-1", 3, **odd), amazon_row("112-1", 4),
        amazon_row("112-3", 5, **odd), [], amazon_row("112-4", 7, quantity="112-1"),
    ], "amazon.ndjson")  # fmt: skip
    shop.run(DAY)
    assert [found[:3] for found in lines(shop)] == [("112-2", 1, "SKU-2")]
    fails = "shapes.amazon_order_line fails (22P02)"
    because = f"row 3 of the file, of the same order, is rejected: {fails}"
    found = {bad.line_number: (bad.record_id, bad.failure_reason) for bad in rejected(shop)}
    assert {number: found[number] for number in (1, 3, 4, 5)} == {
        1: ("112-1", because), 3: ("112-1", fails), 4: ("112-1", because), 5: ("112-3", fails),
    }  # fmt: skip
    assert found[6][0] is None
    assert found[7] == ("112-4", "quantity is not a number above 0"), (
        "another field that has an order's id says nothing"
    )
    counts = "SELECT raw_count, clean_count, rejected_count FROM staging.loads WHERE source = 'orders'"
    assert tuple(shop.row(counts)) == (7, 1, 6)

    shop.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    shop.run(DAY)
    assert [found[:3] for found in lines(shop)] == [("112-1", 1, "SKU-1"), ("112-1", 2, "SKU-4"), ("112-2", 1, "SKU-2")]
    assert tuple(shop.row(counts)) == (7, 3, 4)


# -- what fails --------------------------------------------------------------------------------------


def test_a_record_that_a_function_fails_for_is_rejected_with_the_error_and_the_rest_is_in(shop: Warehouse) -> None:
    make(shop)
    register(shop, "shapes.till_sale")
    bad = [sale(2, {"article": "B", "pieces": 1, "each": "1,2,3"}), sale(3, at="noon"), sale(4, sold="nothing")]
    shop.landing.orders(DAY, [sale(1), *bad, sale(5), [], 7], "till.ndjson")
    shop.landing.events(DAY, [event()])
    shop.run(DAY)
    assert [found.order_id for found in lines(shop)] == ["1", "5"]
    found = rejected(shop)
    assert [row.line_number for row in found] == [2, 3, 4, 6, 7]
    assert [row.failure_reason for row in found][:3] == [
        "shapes.till_sale fails (22P02)", "shapes.till_sale fails (22P02)", "shapes.till_sale fails (22023)",
    ]  # fmt: skip
    assert found[0].failed_value == 'invalid input syntax for type numeric: "1.2.3"'
    assert json.loads(found[1].raw_data)["at"] == "noon", "it is shown as it was delivered"
    assert shop.rows(
        "SELECT delivered_count, clean_count, rejected_count FROM staging.loads WHERE source = 'orders'"
    ) == [(7, 2, 5)]


@pytest.mark.once
def test_what_a_function_makes_is_judged_as_our_own_form_is_and_shown_as_it_was_delivered(shop: Warehouse) -> None:
    make(shop)
    register(shop, "shapes.till_sale")
    shop.landing.orders(
        DAY, [sale(1, {"article": "A", "pieces": -1, "each": "1"}), sale(2, at=NOON + 90000)], "till.ndjson"
    )
    shop.run(DAY)
    found = rejected(shop)
    assert [row.failure_reason for row in found] == [
        "quantity is not a number above 0",
        "timestamp is after the day of the delivery",
    ]
    assert [json.loads(row.raw_data)["receipt"] for row in found] == [1, 2]


HARMFUL = {
    "reads a table": ("LANGUAGE sql STABLE RETURN (SELECT to_json(s) FROM audit.settings s LIMIT 1)", "fails (42501)"),
    "writes": ("LANGUAGE plpgsql AS $$ BEGIN CREATE TEMPORARY TABLE t AS SELECT 1; RETURN record; END $$", "fails (25006)"),
    "reads a file": ("LANGUAGE sql AS $$ SELECT to_json(pg_read_file('/etc/passwd')) $$", "may not call pg_read_file"),
    "sleeps": ("LANGUAGE sql AS $$ SELECT record FROM (SELECT pg_sleep(600)) AS s $$", "may not call pg_sleep"),
    "sleeps in another": ("LANGUAGE sql AS $$ SELECT shapes.nap(record) $$", "may not call pg_sleep"),
    "locks": ("LANGUAGE sql AS $$ SELECT record FROM (SELECT pg_advisory_lock(1)) AS s $$", "may not call pg_advisory_lock"),
    "changes its role": ("LANGUAGE plpgsql AS $$ BEGIN SET ROLE warehouse_owner; RETURN record; END $$", "fails (42501)"),
    "is its owner": ("LANGUAGE sql SECURITY DEFINER RETURN (SELECT to_json(s) FROM audit.settings s LIMIT 1)", "is SECURITY DEFINER"),
    "counts itself": ("LANGUAGE plpgsql AS $$ BEGIN ASSERT false; END $$", "fails (P0004)"),
    "never ends to call itself": ("LANGUAGE sql AS $$ SELECT shapes.harm(record) $$", "fails (54001)"),
    "makes nothing": ("LANGUAGE sql STABLE RETURN NULL::json", "makes nothing of it"),
    "makes no object": ("LANGUAGE sql STABLE RETURN '5'::json", "makes nothing of it"),
    "makes a list of orders": ("LANGUAGE sql STABLE RETURN json_build_array(record)", "makes nothing of it"),
}  # fmt: skip


def test_a_function_can_compute_and_nothing_else(shop: Warehouse) -> None:
    """Whatever it tries, its records are rejected and the day goes on."""
    make(
        shop,
        "CREATE FUNCTION shapes.nap(record json) RETURNS json LANGUAGE sql AS $$ SELECT record FROM (SELECT pg_sleep(600)) AS s $$",
    )
    register(shop, "shapes.harm", file_pattern="harm*")
    shop.landing.orders(DAY, [order("H-1", DAY)], "harm.ndjson")
    shop.landing.orders(DAY, [order("O-1", DAY)], "shop.ndjson")
    shop.run(DAY)
    assert [row.failure_reason for row in rejected(shop)] == ["there is no function shapes.harm(json) RETURNS json"]
    settings = shop.rows("SELECT * FROM audit.settings ORDER BY 1")
    for what, (body, reason) in HARMFUL.items():
        make(shop, f"CREATE OR REPLACE FUNCTION shapes.harm(record json) RETURNS json {body}")
        shop.call("warehouse.run_day", DAY)
        (found,) = rejected(shop)
        assert reason in found.failure_reason, what
        assert [row.order_id for row in lines(shop)] == ["O-1"], what
        make(shop, "DROP FUNCTION shapes.harm(json)")
    assert shop.rows("SELECT * FROM audit.settings ORDER BY 1") == settings
    assert shop.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()") == 0


def test_only_the_owner_makes_functions_of_shapes_and_who_runs_days_can_try_them(shop: Warehouse) -> None:
    make(shop)
    for role in ("warehouse_runner", "warehouse_analyst", "warehouse_loader", "warehouse_checker", "warehouse_shaper"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.connect(role).execute("CREATE FUNCTION shapes.mine() RETURNS json LANGUAGE sql RETURN NULL::json")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.connect(role).execute("INSERT INTO staging.shapes (shape, source) VALUES ('mine', 'orders')")
    tried = 'SELECT shapes.till_sale(\'{"receipt": 1, "at": 0, "sold": []}\') ->> \'order_id\''
    for role in ("warehouse_runner", "warehouse_analyst", "warehouse_shaper"):
        assert shop.connect(role).execute(tried).fetchall() == [("1",)]
    readable = """
        SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('raw', 'staging', 'shapes', 'warehouse', 'audit', 'marts', 'public')
          AND c.relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('warehouse_shaper', c.oid, 'SELECT')"""
    assert shop.rows(readable) == []


@pytest.mark.parametrize("values", [
    {"routine": "staging._is_blank"}, {"routine": "shapes.x(); DROP TABLE raw.file_loads; --"}, {"file_pattern": ""},
    {"rows_are": "lines", "source": "events"}, {"rows_are": "weeks"}, {"delimiter": ";;"},
], ids=str)  # fmt: skip
def test_the_table_refuses_a_shape_that_cannot_be(shop: Warehouse, values: dict[str, str]) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        register(shop, **({"routine": None} | values))  # type: ignore[arg-type]


# -- shapes are inputs -------------------------------------------------------------------------------


@pytest.mark.once
def test_changing_a_shape_makes_the_days_that_use_it_work_again_and_no_others(shop: Warehouse) -> None:
    make(shop)
    other = date(2025, 12, 18)
    register(shop, "shapes.till_sale", file_pattern="till*")
    shop.landing.orders(DAY, [sale(1)], "till.ndjson")
    shop.landing.orders(other, [order("O-1", other)], "shop.ndjson")
    for day in (other, DAY):
        shop.landing.events(day, [event(f"E-{day}", day)])
        shop.run(day)

    def again() -> None:
        for day in (other, DAY):
            shop.call("warehouse.run_day", day)

    def work() -> dict[date, set[str]]:
        return {day: steps_that_work(shop, lambda day=day: shop.call("warehouse.run_day", day)) for day in (other, DAY)}

    again()
    assert work() == {other: set(), DAY: set()}
    make(shop, TILL.replace("'paid'", "'refunded'"))
    assert "clean_orders" in work()[DAY]
    assert shop.value("SELECT status FROM warehouse.fact_orders WHERE order_id = '1'") == "refunded"
    assert work() == {other: set(), DAY: set()}
    # What it calls is a part of it.
    text = shop.value("SELECT pg_get_functiondef('shapes.decimal_comma(text)'::regprocedure)")
    make(shop, text.replace("'.'::text", "'.'::text || ''::text"))
    found = work()
    assert found[other] == set()
    assert "clean_orders" in found[DAY]
    # Another shape's function is not.
    text = shop.value("SELECT pg_get_functiondef('shapes.magento_order(json)'::regprocedure)")
    make(shop, text.replace("'closed'", "'Closed'"))
    assert work() == {other: set(), DAY: set()}
    shop.execute("UPDATE staging.shapes SET priority = 5")
    found = work()
    assert found[other] == set()
    assert "clean_orders" in found[DAY]
    shop.execute("DELETE FROM staging.shapes")
    shop.call("warehouse.run_day", DAY)
    assert [row.failure_reason.split(";")[0] for row in rejected(shop)] == ["order_id is missing"]


@pytest.mark.once
def test_of_the_shapes_that_fit_a_name_the_one_of_the_least_priority_counts(shop: Warehouse) -> None:
    fits = {
        "*": ["a.json", ""], "a?.json": ["ab.json", "AB.JSON"], "a*": ["a", "A b.ndjson"], "100%_*": ["100%_x"], "[ab]*": ["[ab].csv"],
    }  # fmt: skip
    for pattern, good in fits.items():
        assert all(shop.value("SELECT staging._name_fits(%s, %s)", name, pattern) for name in good), pattern
    for name, pattern in (
        ("b.json", "a*"),
        ("a.json", "a?.json"),
        ("100xyx", "100%_*"),
        ("x.a", "*.b"),
        ("a\\b", "a_b"),
    ):
        assert not shop.value("SELECT staging._name_fits(%s, %s)", name, pattern), pattern
    register(shop, None, shape="last", file_pattern="*", priority=900, records_path="x")
    register(shop, None, shape="b", file_pattern="orders*", priority=5, records_path="data.orders")
    register(shop, None, shape="a", file_pattern="*.json", priority=5, encoding="latin-1")
    loader = shop.connect("warehouse_loader")
    said = "SELECT is_named, records_path, encoding, is_mapped FROM raw.shape_of('orders', %s)"
    assert loader.execute(said, ["orders.json"]).fetchall() == [(True, None, "latin-1", False)]
    assert loader.execute(said, ["orders.ndjson"]).fetchall() == [(True, "data.orders", None, False)]
    assert loader.execute(said, ["x.ndjson"]).fetchall() == [(False, "x", None, False)]
    assert loader.execute("SELECT FROM raw.shape_of('events', 'e.csv')").fetchall() == []


@pytest.mark.once
def test_the_same_bytes_are_read_again_when_a_shape_says_that_they_are_to_be_read_otherwise(shop: Warehouse) -> None:
    shop.landing.orders(DAY, [order("O-1", DAY)], "shop.ndjson")
    for rows_before, change in (
        (1, "SELECT 1"),
        (2, "INSERT INTO staging.shapes (shape, source, routine) VALUES ('a', 'orders', 'shapes.magento_order')"),
        (3, "UPDATE staging.shapes SET encoding = 'latin-1'"),
        (3, "UPDATE staging.shapes SET priority = 1"),
        (4, "DELETE FROM staging.shapes"),
    ):
        shop.execute(change)
        shop.deliver(DAY)
        assert shop.value("SELECT count(*) FROM raw.file_loads") == rows_before, change


@pytest.mark.once
def test_a_form_with_own_fields_carries_them(shop: Warehouse) -> None:
    make(shop, TILL.replace("'status', 'paid'", "'status', 'paid', 'desk', record ->> 'desk'"))
    register(shop, "shapes.till_sale")
    shop.execute(
        "INSERT INTO staging.fields (source, field, place, kind, is_personal, on_fault, description)"
        " VALUES ('orders', 'desk', 'order', 'text', false, 'empty', 'Which till')"
    )
    shop.landing.orders(DAY, [sale(1, desk="3")], "till.ndjson")
    shop.run(DAY)
    assert shop.value("SELECT attributes ->> 'desk' FROM staging.orders_clean") == "3"


@pytest.mark.once
def test_reports_of_an_order_in_two_forms_are_reports_of_one_order(shop: Warehouse) -> None:
    make(shop)
    register(shop, "shapes.till_sale", file_pattern="till*")
    shop.landing.orders(DAY, [basket("1", [item(), item()], DAY), order("2", DAY)], "a.json")
    shop.landing.orders(DAY, [sale(1), sale(3), sale(3)], "till.ndjson")
    shop.run(DAY)
    assert [(found.order_id, found.product_id) for found in lines(shop)] == [("1", "A-1"), ("2", "P-1"), ("3", "A-1")]
    assert shop.value("SELECT duplicate_count FROM staging.loads WHERE source = 'orders'") == 3


# -- erasure -----------------------------------------------------------------------------------------


def raw_texts(shop: Warehouse) -> str:
    """Return all that raw and audit hold of records."""
    return "\n".join(
        row.text for row in shop.rows(
            "SELECT raw_json::text AS text FROM raw.orders_json UNION ALL SELECT e::text FROM raw.events_csv e"
            " UNION ALL SELECT b::text FROM audit.bad_records b"
        )
    )  # fmt: skip


@pytest.mark.once
def test_a_person_is_found_and_taken_out_wherever_a_form_tells_of_them(shop: Warehouse) -> None:
    """A till knows a card; only its function makes a user_id of that."""
    make(shop)
    register(shop, "shapes.till_sale", file_pattern="till*")
    register(shop, "shapes.segment_event", "events")
    mary = {"card": {"number": 7, "town": "Bonn"}, "note": "for Mary"}
    shop.landing.orders(
        DAY,
        [sale(1, **mary), sale(2, card={"number": 8, "town": "Kiel"}), sale(1, **mary), sale(3, at="no", card=None)],
        "till.ndjson",
    )
    rows = [{"messageId": "m-1", "type": "track", "event": "Product Added", "userId": "card-7", "anonymousId": "", "timestamp": f"{DAY}T09:00:00Z", "ip": "10.0.0.1"},
            {"messageId": "m-2", "type": "track", "event": "Product Added", "userId": "", "anonymousId": "someone", "timestamp": f"{DAY}T09:00:00Z", "ip": "10.0.0.2"}]  # fmt: skip
    shop.landing.events(DAY, rows, columns=list(rows[0]))
    shop.run(DAY)
    facts = (
        "SELECT order_id, line_number, product_id, quantity, revenue, status FROM warehouse.fact_orders ORDER BY 1, 2"
    )
    counts = (
        "SELECT source, delivered_count, clean_count, duplicate_count, rejected_count FROM staging.loads ORDER BY 1"
    )
    before, counted = shop.rows(facts), shop.rows(counts)
    assert "Mary" in raw_texts(shop)
    assert shop.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = 'card-7'") == 1

    shop.call("audit.erase_user", "card-7", "asked for it")
    for word in ("Mary", "Bonn", '"number": 7', "10.0.0.1", "card-7"):
        assert word not in raw_texts(shop), word
    assert "Kiel" in raw_texts(shop)
    assert "10.0.0.2" in raw_texts(shop)
    assert shop.value("SELECT count(*) FROM warehouse.dim_user WHERE user_id = 'card-7'") == 0
    assert (shop.rows(facts), shop.rows(counts)) == (before, counted)
    shop.call("warehouse.run_day", DAY)
    assert (shop.rows(facts), shop.rows(counts)) == (before, counted), "cleaning makes the same of what is kept"
    (pseudonym,) = {row.user_id for row in shop.rows("SELECT user_id FROM staging.orders_clean WHERE order_id = '1'")}
    assert pseudonym.startswith("erased-")
    assert shop.value("SELECT city FROM staging.orders_clean WHERE order_id = '1'") is None
    assert shop.value("SELECT user_id FROM staging.events_clean WHERE event_id = 'm-1'") == pseudonym

    # A delivery that brings her again is a guest's, before anybody reads it.
    again = date(2025, 12, 20)
    shop.landing.orders(again, [sale(4, **mary), sale(5, card={"number": 8, "town": "Kiel"})], "till.ndjson")
    shop.landing.events(again, [rows[0] | {"messageId": "m-3"}], columns=list(rows[0]))
    shop.run(again)
    assert shop.rows("SELECT order_id, user_id FROM staging.orders_clean WHERE load_date = %s ORDER BY 1", again) == [
        ("4", None),
        ("5", "card-8"),
    ]
    assert shop.value("SELECT user_id FROM staging.events_clean WHERE event_id = 'm-3'") is None
    assert "Mary" not in raw_texts(shop)
    assert "10.0.0.1" not in raw_texts(shop)
    assert shop.value("SELECT delivered_again_at IS NOT NULL FROM audit.erased_users")


@pytest.mark.once
def test_a_record_that_no_function_can_read_is_taken_away_if_it_has_the_user_as_a_word(shop: Warehouse) -> None:
    make(shop, TILL.replace("'card-' || (record #>> '{card,number}')", "record #>> '{card,number}'"))
    register(shop, "shapes.till_sale")
    shop.landing.orders(DAY, [sale(1), sale(2, at="no")], "till.ndjson")
    shop.run(DAY)
    shop.call("audit.erase_user", "7", "asked for it")
    assert "Bonn" not in raw_texts(shop)
    shop.call("warehouse.run_day", DAY)
    assert shop.rows("SELECT clean_count, rejected_count FROM staging.loads WHERE source = 'orders'") == [(1, 1)]


# -- the command line --------------------------------------------------------------------------------


@pytest.fixture
def told(shop: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`told(file, …)`: what `warehouse shape` prints for who runs days."""
    monkeypatch.setenv("WAREHOUSE_DSN", f"{shop.dsn} options='-c role=warehouse_runner'")

    def run(*arguments: str | Path) -> str:
        assert main(["shape", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.once
@needs_real_world
def test_shape_says_which_form_fits_and_its_insert_registers_it(shop: Warehouse, told: Callable[..., str]) -> None:
    forms = {
        "shopify_rest.json": "shapes.shopify_order", "shopify_graphql.json": "shapes.shopify_graphql_order",
        "woocommerce.json": "shapes.woocommerce_order", "magento2.json": "shapes.magento_order",
        "amazon_flat.txt": "shapes.amazon_order_line", "stripe_checkout.json": "shapes.stripe_checkout",
    }  # fmt: skip
    paths = {row.routine: row for row in shop.rows("SELECT * FROM shapes.shipped()")}
    for name, routine in forms.items():
        printed = told(REAL_WORLD / "shapes" / name)
        assert f": {routine}, by 100%" in printed
        shop.execute(printed[printed.index("INSERT INTO") :])
        made = shop.row("SELECT * FROM staging.shapes WHERE file_pattern = %s", name)
        said = paths[routine]
        assert (made.routine, made.records_path, made.rows_are, made.encoding, made.delimiter) == (
            routine, said.records_path, said.rows_are, said.encoding, said.delimiter,
        )  # fmt: skip


@pytest.mark.once
def test_shape_tries_a_function_of_ones_own_and_shows_what_fails(
    shop: Warehouse, told: Callable[..., str], tmp_path: Path
) -> None:
    file = tmp_path / "till.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in [sale(1), sale(2, at="noon")]))
    assert "No form that is shipped fits." in told(file)
    assert "there is no function shapes.till_sale(json) RETURNS json" in told(file, "--routine", "shapes.till_sale")
    make(shop)
    printed = told(file, "--routine", "shapes.till_sale")
    assert '"order_id":"1"' in printed
    assert 'nothing: shapes.till_sale fails (22P02): invalid input syntax for type numeric: "noon"' in printed
    assert "card.town" in printed
    assert shop.value("SELECT count(*) FROM staging.shapes") == 0
    harm = "shapes.till_sale(record) FROM (SELECT pg_sleep(9)) AS x --"
    assert "is not the name of a function of schema shapes" in told(file, "--routine", harm)
    empty = tmp_path / "empty.csv"
    empty.write_text("a,b\n")
    assert main(["shape", str(empty)]) == 1
    assert main(["shape", str(tmp_path / "missing.json")]) == 1


TILL_FILE = (
    "Filiale;Bon-Nr;Datum;Artikel;Menge;Preis\r\n"
    "Köln;10023;19.12.2025 09:15;4006;2;1,20\r\nKöln;10023;19.12.2025 09:15;4007;1;2,49\r\n"
)
TILL_ROW = """
    CREATE FUNCTION shapes.till_row(record json) RETURNS json LANGUAGE sql STABLE RETURN (
        SELECT json_build_object(
            'order_id', t."Bon-Nr", 'timestamp', to_timestamp(t."Datum", 'DD.MM.YYYY HH24:MI'), 'status', 'paid',
            'product_id', t."Artikel", 'quantity', shapes.decimal_comma(t."Menge"), 'price', shapes.decimal_comma(t."Preis"))
        FROM json_to_record(record) AS t ("Bon-Nr" text, "Datum" text, "Artikel" text, "Menge" text, "Preis" text))
"""


@pytest.mark.once
def test_shape_knows_rows_of_one_order_another_encoding_and_the_date_in_a_name(
    shop: Warehouse, told: Callable[..., str], tmp_path: Path
) -> None:
    """A till's export of which only the function is written by hand: the printed INSERT does the rest."""
    file = tmp_path / "kasse_20251219.csv"
    file.write_bytes(TILL_FILE.encode("latin-1"))
    assert "Filiale  string  Köln" in told(file)
    make(shop, TILL_ROW)
    printed = told(file, "--routine", "shapes.till_row", "--source", "orders")
    assert "Several records are of one order, 10023: each is a line of it." in printed
    statement = printed[printed.index("INSERT INTO") :]
    assert "'kasse_*.csv', NULL, 'lines', 'latin-1', ';', 'shapes.till_row'" in statement
    shop.execute(statement)
    shop.landing.put("orders", DAY, "kasse_20251220.csv", TILL_FILE.encode("latin-1"))
    shop.run(DAY)
    assert [(line.product_id, line.quantity * line.unit_price) for line in lines(shop)] == [
        ("4006", Decimal("2.40")), ("4007", Decimal("2.49")),
    ]  # fmt: skip


@pytest.mark.once
def test_shape_reads_a_file_as_a_load_does(
    shop: Warehouse, told: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it is packed in; and what no load takes is refused in the same words."""
    own = {"order_id": "O-1", "timestamp": f"{DAY}T10:00:00Z", "status": "paid"}
    row = ",".join(own) + "\n" + ",".join(own.values()) + "\n"
    bad_line = b'{"order_id": "O-0", "cut\n' + json.dumps(own).encode()
    for content in (
        json.dumps(own).encode("utf-16"), gzip.compress(json.dumps([own]).encode()), bad_line, row.encode("utf-8-sig"),
        f"sep=;\n{row.replace(',', ';')}".encode(), row.replace("\n", "\r").encode(), b"\n\n" + row.encode(),
        json.dumps({"note": "\0"}).encode() + json.dumps(own).encode(), json.dumps({"data": [own] * 30}).encode(),
    ):  # fmt: skip
        (tmp_path / "any").write_bytes(content)
        assert "It is in our own form of orders: it needs no shape." in told(tmp_path / "any"), content
    (tmp_path / "lines.ndjson").write_text("".join(json.dumps(own | {"product_id": one}) + "\n" for one in "AB"))
    assert "('lines', 'orders', 'lines.ndjson', NULL, 'lines', NULL, NULL, NULL);" in told(tmp_path / "lines.ndjson")
    (tmp_path / "empty.json").write_bytes(b'{"orders": []}')
    assert "There is no record in it." in told(tmp_path / "empty.json")
    for content, words in (
        (b"PK\x03\x04 xl/", "an Excel workbook"), (b"\x1f\x8bno", "does not unpack"), (b"", "an empty file"),
        (b"<html><title>Session expired</title>", "a web page: Session expired"), (b"[1, {", "no record"),
        (b"Sales of May\na,b\n1,2\n", "line 2: 2 fields; the header has 1"), (b"a,a\n1,2\n", "names 'a' twice"),
    ):  # fmt: skip
        (tmp_path / "any").write_bytes(content)
        assert main(["shape", str(tmp_path / "any")]) == 1
        assert words in capsys.readouterr().err


@pytest.mark.once
@pytest.mark.parametrize("end", [b"", b"]}"])
def test_shape_reads_the_beginning_of_a_document_of_any_size(
    shop: Warehouse, told: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr("report.shape.MOST_BYTES", 10_000)
    record = b'{"nr": 1, "of": [{"text": "a \\"]} b"}]}'
    (tmp_path / "export.json").write_bytes(
        b'{"page": 1, "tags": [{"a": 1}], "sales": [' + b", ".join([record] * 400) + end
    )
    printed = told(tmp_path / "export.json")
    assert "the first 20 records, which lie under sales" in printed
    assert "of[].text" in printed


# -- hostile records ---------------------------------------------------------------------------------

HOSTILE = [
    "17", "null", '"text"', "[]", "{}", '{"sent": 5}', '{"sent": {}}', '{"sent": []}', '{"sent": {"order_id": "H\\u0000"}}',
    '{"sent": {"order_id": "\\ud800"}}', '{"sent": {"order_id": {"a": 1}, "items": {"b": 2}}}', '{"sent": {"order_id": "H-1", "items": [1, null, []]}}',
    '{"sent": {"order_id": "H-2", "items": []}}', '{"sent": {"order_id": "H-3", "items": [{"shipping": "a lot"}]}}',
    '{"sent": {"order_id": "H-4", "user_id": ["U"], "user": 7, "timestamp": {}, "status": [], "currency": 1}}',
    '{"sent": {"order_id": "H-4", "user_id": ["V"]}}', '{"(own form)": 5}', '{"(own form)": {"order_id": "H-5"}}',
    '{"sent": ' + '{"a": ' * 3000 + "1" + "}" * 3000 + "}", '{"sent": {"order_id": "' + "x" * 70000 + '"}}', '{"note": "\\u0000", "sent": {}}',
]  # fmt: skip


@pytest.mark.parametrize("rows_are", ["orders", "lines"])
def test_no_record_ends_a_load_whatever_it_is(shop: Warehouse, rows_are: str) -> None:
    """Each is rejected, or is an order; nothing is lost, and a good one among them is in."""
    make(shop, "CREATE FUNCTION shapes.sent(record json) RETURNS json LANGUAGE sql IMMUTABLE RETURN record -> 'sent'")
    register(shop, "shapes.sent", rows_are=rows_are)
    good = json.dumps({"sent": order("G-1", DAY, price="9.99")})
    shop.landing.put("orders", DAY, "h.ndjson", "".join(f"{one}\n" for one in [good, *HOSTILE]))
    shop.run(DAY)
    assert [found.order_id for found in lines(shop)] == ["G-1"]
    counts = shop.row(
        "SELECT raw_count, delivered_count, clean_count, clean_count + duplicate_count + rejected_count AS sum"
        " FROM staging.loads WHERE source = 'orders'"
    )
    # One is too deep for raw.
    assert (counts.raw_count, counts.clean_count, counts.delivered_count) == (len(HOSTILE), 1, counts.sum)
    assert {row.line_number for row in rejected(shop)} == set(range(2, len(HOSTILE) + 2)) - {
        # Earlier reports of an order that comes again.
        row.line_number for row in shop.rows("SELECT 16 AS line_number") if rows_are == "orders"
    }  # fmt: skip
    shop.call("audit.erase_user", "U-1", "asked for it")
