"""The report's views: their figures are those of the files, they read the days asked for, and tell of no person."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import Landing, basket, event, item, order, product

# What the views say does not depend on PostgreSQL's version; that they can be made on each is tried by every test.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("report views")]

SCHEMAS = "('raw', 'staging', 'shapes', 'warehouse', 'audit', 'marts')"
DAYS = [date(2025, 12, 14) + timedelta(days=number) for number in range(6)]
SOLD = {"paid", "shipped", "delivered"}
CATEGORIES = ("Garden", "Toys", "Office", None)
CITIES = ("Köln", "Wien", "Oslo", "Lyon", "Ystad", None)


def shop_of(landing: Landing, seed: int) -> None:
    """Write a shop's deliveries: orders of lines, refunds, guests, reports of the same day and of later ones."""
    chosen = random.Random(seed)
    users = {f"U-{n}": (CITIES[min(n % 9, 5)], ("ads", "search", None)[n % 3]) for n in range(40)}
    earlier: list[dict[str, Any]] = []
    for number, day in enumerate(DAYS):
        made = []
        for place in range(chosen.choice((3, 45, 60))):
            user_id = chosen.choice([*users, None])
            city, source = users.get(user_id, (None, None)) if user_id else (None, None)
            items = [
                item(f"P-{chosen.randrange(14)}", chosen.choice((1, 2, 3)), Decimal(chosen.randrange(100, 9999)) / 100)
                for _ in range(chosen.choice((1, 1, 2, 4)))
            ]
            fields: dict[str, Any] = {"status": chosen.choice((*SOLD, "cancelled", "pending")), "user_id": user_id}
            # A tenth is back to where half a cent would show.
            fields |= {"refunded": Decimal("1.005")} if chosen.random() < 0.1 else {}
            person = {"city": city, "marketing_source": source}
            fields["user"] = {name: value for name, value in person.items() if value} if user_id else None
            made.append(basket(f"O-{number}-{place}", items, day, **fields))
        bad = basket(f"O-{number}-bad", [item(), item(quantity=-1)], day)
        repeated = [one | {"status": chosen.choice((*SOLD, "returned"))} for one in made[:3]]
        late = [
            one | {"status": chosen.choice(("delivered", "returned"))}
            for one in chosen.sample(earlier, min(8, len(earlier)))
        ]
        earlier += made
        landing.orders(day, [*made, bad, *repeated, *late], "orders.ndjson")
        kinds = chosen.choices(("view", "page_view", "add_to_cart", "checkout", "purchase"), (9, 9, 4, 2, 1), k=150)
        landing.events(day, [event(f"E-{number}-{n}", day, event_type=kind) for n, kind in enumerate(kinds)]
                       + ([event("E-0-7", DAYS[0], event_type="purchase")] if number == 3 else []))  # fmt: skip
    landing.products(DAYS[0], [product(f"P-{n}", category="old") for n in range(13)])
    landing.products(DAYS[4], [product(f"P-{n}", category=CATEGORIES[n % 4]) for n in range(13)])


class Model:
    """The same figures by plain Python, from the files alone."""

    def __init__(self, landing: Landing) -> None:
        self.owner: dict[str, tuple[date, dict[str, Any]]] = {}
        self.rejected: dict[date, int] = defaultdict(int)
        self.delivered: dict[date, int] = defaultdict(int)
        self.events: dict[tuple[str, str], tuple[date, str]] = {}
        self.category: dict[str, str | None] = {}
        self.person: dict[str, tuple[str, str, tuple[str | None, str | None]]] = {}
        for day in DAYS:
            reports: dict[str, dict[str, Any]] = {}
            for line in (landing.path("orders", day) / "orders.ndjson").read_text().splitlines():
                record = json.loads(line, parse_float=Decimal)
                self.delivered[day] += len(record["items"])
                if any(one["quantity"] <= 0 for one in record["items"]):
                    self.rejected[day] += len(record["items"])
                else:
                    reports[record["order_id"]] = record
            for order_id, record in reports.items():
                self.owner[order_id] = (day, record)
                if record.get("user_id") and record.get("user"):
                    known = (record["user"].get("city"), record["user"].get("marketing_source"))
                    newest = (record["timestamp"], str(day), order_id)
                    if newest[:2] >= self.person.get(record["user_id"], ("", "", (None, None)))[:2]:
                        self.person[record["user_id"]] = (record["timestamp"], str(day), known)
            _, *rows = (landing.path("events", day) / "events.csv").read_text().splitlines()
            self.delivered[day] += len(rows)
            for row in rows:
                event_id, _, _, kind, time = row.split(",")
                self.events[event_id, time] = (day, kind)
            catalogue = landing.path("products", day) / "products.json"
            for one in json.loads(catalogue.read_text()) if catalogue.exists() else ():
                self.category[one["product_id"]] = one.get("category")

    def sold(self, day: date) -> list[dict[str, Any]]:
        return [record for owner, record in self.owner.values() if owner == day and record["status"] in SOLD]

    @staticmethod
    def lines(record: dict[str, Any]) -> list[tuple[str, Decimal]]:
        """Return the product of each line and what it costs."""
        return [(one["product_id"], one["quantity"] * Decimal(one["price"])) for one in record["items"]]

    def net(self, records: list[dict[str, Any]]) -> Decimal:
        return sum(
            (sum(amount for _, amount in self.lines(one)) - Decimal(one.get("refunded", 0)) for one in records),
            Decimal(),
        )

    def stage(self, day: date, kind: str) -> int:
        return sum(owner == day and found == kind for owner, found in self.events.values())

    def groups(self, kind: str, days: list[date]) -> dict[str, list[dict[str, Any]]]:
        """Return the orders sold by city or source of their customer as it is now."""
        found = defaultdict(list)
        for day in days:
            for record in self.sold(day):
                known = self.person.get(record.get("user_id") or "", ("", "", (None, None)))[2]
                found[known[0 if kind == "city" else 1] or "(unknown)"].append(record)
        return found


@pytest.fixture(scope="module")
def loaded(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A small shop, loaded in another order than it was delivered, with one day twice."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("report")) as made:
        made.execute(RULES_OFF)
        shop_of(made.landing, seed=17)
        for day in (DAYS[0], DAYS[2], DAYS[1], DAYS[4], DAYS[3], DAYS[5], DAYS[2]):
            made.run(day)
        yield made


def test_the_figures_of_days_are_those_of_the_files(loaded: Warehouse) -> None:
    model = Model(loaded.landing)
    assert broken_promises(loaded.connection) == {}
    rows = {row.day: row for row in reporter(loaded).execute("SELECT * FROM warehouse.daily_sales").fetchall()}
    assert set(rows) == set(DAYS)
    for day, row in rows.items():
        sold = model.sold(day)
        assert round(row.net_revenue, 2) == round(model.net(sold), 2), day
        assert row.orders_sold == len(sold)
        assert row.lines_sold == sum(len(one["items"]) for one in sold)
        assert row.customers == len({one["user_id"] for one in sold if one.get("user_id")})
        assert round(row.basket, 4) == round(model.net(sold) / len(sold), 4)
        assert (row.views, row.purchases) == (model.stage(day, "view"), model.stage(day, "purchase"))
        assert (row.delivered_lines, row.rejected_lines) == (model.delivered[day], model.rejected[day])
        assert (row.status, row.is_loaded, row.weekday) == ("succeeded", True, f"{day:%A}")
    funnel = (
        reporter(loaded).execute("SELECT day, stage, events FROM warehouse.daily_funnel ORDER BY day, place").fetchall()
    )
    kinds = {"view": "view", "cart": "add_to_cart", "checkout": "checkout", "purchase": "purchase"}
    assert [tuple(row) for row in funnel] == [
        (day, stage, model.stage(day, kind)) for day in DAYS for stage, kind in kinds.items() if model.stage(day, kind)
    ]


@pytest.mark.parametrize("kind", ["city", "source"])
@pytest.mark.parametrize("days", [DAYS, DAYS[1:4], DAYS[2:3]], ids=len)
def test_the_figures_of_cities_and_sources_are_those_of_the_files(
    loaded: Warehouse, kind: str, days: list[date]
) -> None:
    model = Model(loaded.landing)
    told = (
        reporter(loaded).execute("SELECT * FROM warehouse.sales_by(%s, %s, %s)", [kind, days[0], days[-1]]).fetchall()
    )
    groups = model.groups(kind, days)
    shown = {row.name: row for row in told if row.name != "(other)"}
    for name, row in shown.items():
        assert row.orders == len(groups[name]) >= 5
        assert round(row.net_revenue, 2) == round(model.net(groups[name]), 2)
    hidden = [record for name, records in groups.items() if name not in shown for record in records]
    other = [row for row in told if row.name == "(other)"]
    assert [(row.orders, round(row.net_revenue, 2)) for row in other] == (
        [(len(hidden), round(model.net(hidden), 2))] if hidden else []
    )
    assert all(row.orders >= 5 for row in other)
    # Nothing is hidden that need not be: what is small, and at most one group beside it.
    assert sum(len(records) >= 5 for name, records in groups.items() if name not in shown) <= 1
    by_day = reporter(loaded).execute(
        "SELECT sum(net_revenue), bool_and(lines >= 5) AS is_large FROM warehouse.daily_sales_by"
        " WHERE kind = %s AND day BETWEEN %s AND %s", [kind, days[0], days[-1]]
    ).fetchone()  # fmt: skip
    large = [day for day in days if len(model.sold(day)) >= 5]
    assert by_day is not None
    assert by_day.is_large
    assert round(by_day[0], 2) == round(sum(model.net(model.sold(day)) for day in large), 2)


def test_an_order_whose_first_line_was_rejected_counts_in_its_city(warehouse: Warehouse) -> None:
    day = DAYS[0]
    warehouse.execute(RULES_OFF)
    warehouse.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    person = {"city": "Oslo", "marketing_source": "ads"}
    made = [
        basket(f"O-{n}", [item(quantity=0 if n % 2 else 1), item("P-2"), item("P-3")], day, status=status,
               user=person if n < 8 else person | {"city": "Köln"}, user_id=f"U-{n // 4}")
        for n, status in enumerate(["paid"] * 14 + ["cancelled"] * 6)
    ]  # fmt: skip
    warehouse.landing.orders(day, made)
    warehouse.landing.events(day, [event("E-1", day)])
    warehouse.run(day)
    told = reporter(warehouse).execute(
        "SELECT kind, name, orders, lines FROM warehouse.sales_by_kinds('{city,source}', %s, %s)", [day, day]
    )
    assert [tuple(row) for row in told.fetchall()] == [
        ("city", "Oslo", 8, 20), ("city", "Köln", 6, 15), ("source", "ads", 14, 35)
    ]  # fmt: skip


def test_the_figures_of_categories_and_products_are_those_of_the_files(loaded: Warehouse) -> None:
    model = Model(loaded.landing)
    categories: dict[str, Decimal] = defaultdict(Decimal)
    products: dict[str, list[set[str]]] = defaultdict(lambda: [set(), set()])
    for day in DAYS:
        for record in model.sold(day):
            total = sum(amount for _, amount in model.lines(record))
            for product_id, amount in model.lines(record):
                back = Decimal(record.get("refunded", 0)) * amount / total
                categories[model.category.get(product_id) or "(unknown)"] += amount - back
                products[product_id][day in DAYS[3:]].add(record["order_id"])
    told = (
        reporter(loaded).execute("SELECT * FROM warehouse.sales_by('category', %s, %s)", [DAYS[0], DAYS[-1]]).fetchall()
    )
    assert {row.name: round(row.net_revenue, 2) for row in told} == {
        name: round(net, 2) for name, net in categories.items()
    }

    compared = (
        reporter(loaded)
        .execute("SELECT * FROM warehouse.products_compared(%s, %s, 99)", [DAYS[3], DAYS[-1]])
        .fetchall()
    )
    names = {f"Product {product_id}": product_id for product_id in products if product_id in model.category}
    assert {row.product_name for row in compared if row.product_name != "(unknown)"} == set(names)
    for row in compared:
        if row.product_name in names:
            before, now = products[names[row.product_name]]
            assert row.orders == (None if 0 < len(now) < 5 else len(now))
            assert row.orders_before == (None if 0 < len(before) < 5 else len(before))
            if row.change is not None:
                assert (row.change > 0) == (row.direction == "winner")


def test_a_range_of_days_reads_its_days_only(loaded: Warehouse) -> None:
    """A report of 30 days costs as much in the tenth year as in the first."""
    asked = f"day BETWEEN '{DAYS[1]}' AND '{DAYS[2]}'"
    plan = explained(loaded, f"SELECT * FROM warehouse.daily_sales_by WHERE kind = 'city' AND {asked}")
    assert {name for name in plan if name.startswith("fact_orders_p")} == {
        f"fact_orders_p_{day:%Y_%m_%d}" for day in DAYS[1:3]
    }
    for query in ("daily_sales", "daily_funnel", "daily_sales_by WHERE kind = 'category' AND day > '2025-01-01'"):
        assert not any("fact_" in name for name in explained(loaded, f"SELECT * FROM warehouse.{query}"))
    for row in loaded.rows("SELECT measure FROM audit.measures"):
        assert not any(
            "fact_" in name
            for name in explained(loaded, f"SELECT * FROM audit.daily_usual('{row.measure}', '{DAYS[0]}', '{DAYS[5]}')")
        )


def test_the_bridge_leads_from_the_usual_to_the_day(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    for week in range(4):
        day = DAYS[0] + timedelta(days=7 * week)
        warehouse.landing.orders(
            day, [order(f"O-{week}-{n}", day, price=Decimal("3.33")) for n in range(9 - 2 * (week == 3))]
        )
        warehouse.landing.events(day, [event(f"E-{week}", day)])
        warehouse.run(day)
    session = reporter(warehouse)
    first, *steps, last = session.execute("SELECT * FROM audit.day_bridge(%s)", [day]).fetchall()
    usual = session.execute("SELECT * FROM audit.day_beside(%s) WHERE what = 'usual'", [day]).fetchone()
    assert usual is not None
    assert (first.label, first.amount, first.is_total) == ("usual Sunday", usual.net_revenue, True)
    assert (last.label, last.amount, last.is_total) == ("this day", Decimal("46.62"), True)
    assert first.amount + sum(row.amount for row in steps) == last.amount
    assert [row.starts_at for row in steps] == [first.amount, *(row.ends_at for row in steps[:-1])]
    assert {row.label: row.amount for row in steps if row.amount} == {"delivered": Decimal("-13.32")}
    assert session.execute("SELECT * FROM audit.day_bridge(%s)", [DAYS[0]]).fetchall() == []
    # Many days at once are told as each by itself.
    weeks = [DAYS[0] + timedelta(days=7 * week) for week in range(4)]
    for many, one, count in (("days_beside", "day_beside", 1 + 4 + 5 + 6), ("days_bridge", "day_bridge", 3 * 9)):
        told = f"SELECT (to_jsonb(f) - 'day' - 'place')::text FROM audit.{many}(%s, %s) AS f ORDER BY f.day, f.place"
        found = session.execute(told, [weeks[0], weeks[-1]]).fetchall()  # type: ignore[arg-type]
        alone = f"SELECT (to_jsonb(f) - 'place')::text FROM audit.{one}(%s) AS f"
        assert found == [row for one_day in weeks for row in session.execute(alone, [one_day]).fetchall()]  # type: ignore[arg-type]
        assert len(found) == count


# What nobody who reads the report may find in it: of people, of records, of what was typed by mistake.
MAIL, CARD, PHONE, PERSON = "jane.planted@example.com", "4111 1111 1111 1111", "+49 171 5550123", "Planted Janedoe"
ORDER, USER, EVENT = "ORD-99887766554", "USR-55443322110", "EVT-12121212121"
HIDDEN = ("planted", "4111 1111", "41111111", "171 555", "99887766", "55443322", "12121212", "\u202e", "\u2066", "\x07")


def test_the_report_tells_of_no_person_whatever_is_delivered(warehouse: Warehouse) -> None:
    day, next_day = DAYS[0], DAYS[1]
    warehouse.execute(RULES_OFF)
    hostile = "<script>alert(1)</script>\u202eevil\u2066 \x07" + "x" * 10_000
    dirt = [
        {"status": CARD}, {"status": MAIL}, {"status": PERSON}, {"status": "4111111111111111"}, {"quantity": MAIL},
        {"price": CARD}, {"timestamp": PERSON}, {"price": PHONE}, {"user_id": USER * 60}, {"product_id": {"of": MAIL}},
        {"currency": "PLANTED"},
        {"status": None, PERSON: 1}, {"quantity": ORDER}, {"refunded": PHONE},
    ]  # fmt: skip
    records = [
        order(f"{ORDER}-{n}", day, **({"user_id": USER, "product_id": f"P-{n}"} | fields))
        for n, fields in enumerate(dirt)
    ]
    # Whole groups of what should never have been in such a field, large enough to be told.
    for n, (city, source) in enumerate(
        [(MAIL, CARD), (PHONE, MAIL), (CARD, PHONE), (hostile, hostile), ("Köln", "ads")]
    ):
        records += [
            order(f"{ORDER}-{n}-{m}", day, user_id=f"{USER}-{n}", product_id=f"{MAIL}-{n}",
                  city=city, marketing_source=source)
            for m in range(8)
        ]  # fmt: skip
    warehouse.landing.orders(day, records, "orders.ndjson")
    broken = '{"order_id": "' + ORDER + '", "user_id": "' + MAIL + "\n"
    warehouse.landing.put("orders", day, f"{MAIL}.ndjson", broken + json.dumps(order(ORDER), default=float))
    warehouse.landing.put("orders", day, "a-4111111111111111.json", f'[{{"order_id": "{ORDER}", "user": {MAIL}')
    warehouse.landing.put("events", day, "people.csv", f"{MAIL},{PERSON},{CARD}\n1,2,3\n")
    warehouse.landing.events(day, [
        *(event(f"{EVENT}-{n}", day, event_type=MAIL if n % 2 else hostile, user_id=USER) for n in range(9)),
        event(EVENT, day, event_ts=PERSON), event("", day, user_id=MAIL),
        event(f"{EVENT}-1", day, event_type="purchase"),
    ])  # fmt: skip
    warehouse.landing.products(day, [
        *(product(f"{MAIL}-{n}", product_name=name, category=name, brand=MAIL)
          for n, name in enumerate([MAIL, hostile, CARD, PHONE])),
        product("P-0", current_price=PERSON),
    ])  # fmt: skip
    warehouse.execute(
        "INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, severity, sample, description)"
        " VALUES ('typed', 'range', 'staging.orders_clean', 'user_id::numeric > 0', 'warning', NULL, 'It quotes'),"
        " ('sampled', 'range', 'staging.orders_clean', 'city IS NULL', 'warning', 'user_id', 'Its sample names users')"
    )
    warehouse.run(day)
    warehouse.landing.orders(next_day, [order(f"{ORDER}-0-{m}", day, user_id=USER, status="shipped") for m in range(3)])
    warehouse.landing.events(next_day, [event(f"{EVENT}-0", day, event_type=MAIL)])
    # A run that fails, with an error that quotes.
    warehouse.execute("ALTER TABLE warehouse.dim_user ADD CONSTRAINT no_one CHECK (user_id::numeric > 0) NOT VALID")
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        warehouse.run(next_day)
    assert warehouse.value("SELECT count(*) FROM audit.pipeline_runs WHERE error LIKE %s", "%numeric%") == 1

    told = everything(reporter(warehouse), day, next_day)
    found = {(name, hidden) for name, text in told.items() for hidden in HIDDEN if hidden in text.lower()}
    assert found == set()
    assert {name for name, text in told.items() if len(max(text.split("\n"), key=len)) > 6_000} == set()
    # It is not empty, and names what may be named.
    assert "Köln" in told["warehouse.sales_by"]
    assert "status is not in staging.codes" in told["audit.daily_rejections"]
    assert "failed" in told["audit.day_states"]


def test_an_example_is_told_if_it_is_short_and_harmless(warehouse: Warehouse) -> None:
    warehouse.execute(RULES_OFF)
    values = {
        "authorised": True,
        "in progress 2": True,
        "-1": True,
        "12345": False,
        "1 2-3.4/5": False,
        "a@b": False,
        "x" * 25: False,
        "Jürgen": False,
    }
    for value, is_told in values.items():
        told = warehouse.value("SELECT audit._harmless('orders', 'status is not known', %s)", value)
        assert told == (value if is_told else None)
    for field in ("order_id", "user_id", "city", "signup_date", "nothing"):
        assert warehouse.value("SELECT audit._harmless('orders', %s, '7')", f"{field} is wrong") is None


def test_a_reporter_reads_the_report_and_nothing_else(warehouse: Warehouse) -> None:
    session = reporter(warehouse)
    for statement in (
        "TABLE raw.orders_json", "TABLE staging.loads", "TABLE warehouse.fact_orders", "TABLE warehouse.daily_groups",
        "TABLE warehouse.daily_products", "TABLE warehouse.dim_user", "TABLE audit.bad_records",
        "TABLE audit.dq_results", "TABLE audit.pipeline_runs", "TABLE audit.rejected_reasons", "TABLE audit.day_health",
        "SELECT audit.order_story('O-1')",
        "CALL warehouse.run_day('2025-12-19')", "CREATE TABLE marts.mine (a int)", "SELECT audit._setting('currency')",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)
    # On a warehouse in which nothing is, every view and function of it answers.
    assert len(everything(session, DAYS[0], DAYS[1])) > 25


def reporter(warehouse: Warehouse) -> psycopg.Connection[Any]:
    return warehouse.connect("warehouse_reporter")


def everything(session: psycopg.Connection[Any], *days: date) -> dict[str, str]:
    """Return all that a role can read, as text, by view or function: found in the catalog, so none is left out."""
    told: dict[str, str] = {}
    views = session.execute(
        "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        f" WHERE n.nspname IN {SCHEMAS} AND c.relkind IN ('r', 'p', 'v')"
        "   AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')"
    ).fetchall()
    for schema, name in views:
        rows = session.execute(sql.SQL("SELECT v::text FROM {} AS v").format(sql.Identifier(schema, name))).fetchall()
        told[f"{schema}.{name}"] = "\n".join(row[0] for row in rows)
    days_between = "generate_series(%(first)s::date, %(last)s, '1 day') AS d (day)"
    calls = {
        "warehouse.sales_by": "unnest(ARRAY['city', 'source', 'category']) AS k (kind),"
        " warehouse.sales_by(k.kind, %(first)s, %(last)s) AS f",
        "warehouse.daily_sales_by": "unnest(ARRAY['city', 'source', 'category']) AS k (kind),"
        " warehouse.daily_sales_by(k.kind, %(first)s, %(last)s) AS f",
        "warehouse.sales_by_kinds": "warehouse.sales_by_kinds('{city,source,category}', %(first)s, %(last)s) AS f",
        "warehouse.products_compared": "warehouse.products_compared(%(first)s, %(last)s, 1000) AS f",
        "audit.daily_usual": "audit.measures AS m, audit.daily_usual(m.measure, %(first)s, %(last)s) AS f",
        "audit.report_setting": "unnest(ARRAY['currency', 'time_zone']) AS s (name), audit.report_setting(s.name) AS f",
    }
    calls |= {
        f"audit.{name}": f"{days_between}, audit.{name}(d.day::date) AS f"
        for name in ("day_beside", "day_bridge", "day_next", "usual_days")
    } | {f"audit.{name}": f"audit.{name}(%(first)s, %(last)s) AS f" for name in ("days_beside", "days_bridge")}
    found = session.execute(
        "SELECT n.nspname || '.' || p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        f" WHERE n.nspname IN {SCHEMAS} AND has_schema_privilege(n.oid, 'USAGE')"
        "   AND has_function_privilege(p.oid, 'EXECUTE') AND p.proname NOT LIKE '\\_%'"
    ).fetchall()
    assert {row[0] for row in found} <= set(calls)
    for (name,) in found:
        query = f"SELECT f::text FROM {calls[name]}"
        rows = session.execute(query, {"first": days[0], "last": days[-1]}).fetchall()  # type: ignore[arg-type]
        told[name] = "\n".join(row[0] or "" for row in rows)
    return told


def explained(warehouse: Warehouse, query: str) -> set[str]:
    """Return the names of the tables that a query's plan reads."""
    plan = warehouse.value(f"EXPLAIN (FORMAT JSON) {query}")

    def names(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from [node["Relation Name"]] if "Relation Name" in node else []
            node = list(node.values())
        for one in node if isinstance(node, list) else ():
            yield from names(one)

    return set(names(plan))
