"""What is killed, in which state: a shop of three days around the end of a month, made for all that can happen."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.shop import Landing, basket, event, events, item, order, orders, product
from trust import boundaries
from trust.clients import KillFailed, start

DAYS = [date(2025, 11, 28), date(2025, 11, 29), date(2025, 12, 2)]
DAY = DAYS[1]
CLOSED = date(2025, 12, 1)


@dataclass(frozen=True)
class Scenario:
    """What is killed: `prepare` makes the state before; `commands` run at once, each ends with its exit code."""

    name: str
    prepare: Callable[["Shop"], None]
    commands: tuple[tuple[str, ...], ...]
    codes: tuple[int, ...] = (0,)
    # Days that a kill may leave half loaded.
    half: tuple[date, ...] = (DAY,)
    base: str = "blank"
    is_migration: bool = False


@dataclass
class Shop:
    """A database in the making, and its landing zone."""

    lab: Any
    name: str
    landing: Landing

    def glue(self, *command: str, code: int = 0) -> None:
        client = start(command, self.environment(), self.lab.folder / "prepare.out", None)
        if client.wait() != code:
            raise KillFailed(f"{command} ended with {client.wait()}, not {code}:\n{client.said()}")

    def execute(self, statement: str, *parameters: Any) -> None:
        with self.lab.connect(self.name) as connection:
            connection.execute(statement.encode(), parameters or None)

    def environment(self) -> dict[str, str]:
        return {"WAREHOUSE_DSN": self.lab.server.dsn(self.name), "LANDING_URL": str(self.landing.folder)}


def neighbours(shop: Shop) -> None:
    """The days before and after are loaded. The day is delivered, and has orders and events of both."""
    before, day, after = DAYS
    landing = shop.landing
    landing.orders(before, [*orders(6, before), basket("O-move", [item("P-1"), item("P-8", 3)], before)])
    landing.events(before, [*events(6, before), event("E-move", before)])
    landing.products(before, [product(f"P-{n}") for n in range(7)])
    landing.orders(after, [*orders(4, after), order("O-later", day, status="shipped")], "orders.ndjson")
    landing.events(after, [*events(4, after), event("E-later", day)])
    shop.glue("run", str(before))
    shop.glue("run", str(after))
    deliver_day(shop)


def deliver_day(shop: Shop) -> None:
    """The day: some orders and events are of the days around it, some are bad, some come twice."""
    before, day, _ = DAYS
    landing = shop.landing
    lines = [
        *orders(8, day),
        order("O-move", before, status="shipped"),
        order("O-later", day),
        order("O-bad", day, status="?"),
    ]
    landing.orders(day, [*lines, order(f"O-{day}-1", day, user_id="U-new", city="Rome")])
    landing.put("orders", day, "more.ndjson", '{"order_id": "O-cut", \n{"order_id": "O-' + str(day) + '-x"}\n')
    landing.events(day, [*events(8, day), event("E-move", before), event("E-later", day), event("E-bad", "2099-01-01")])
    landing.products(day, [product(f"P-{n}", current_price=n + 1) for n in range(1, 8)])


def loaded(shop: Shop) -> None:
    """All three days are loaded; the day is delivered anew, otherwise nearly everywhere."""
    neighbours(shop)
    shop.glue("run", str(DAY))
    landing = shop.landing
    changed = [order(f"O-{DAY}-{n}", DAY, user_id=f"U-{n}", price=n, quantity=3) for n in range(3, 10)]
    landing.orders(DAY, [*changed, order("O-bad", DAY)])
    landing.put("orders", DAY, "more.ndjson", "{}\n")
    landing.events(DAY, [event(f"E-{DAY}-{n}", DAY, event_type="click", user_id="U-2") for n in range(3, 12)])
    landing.products(DAY, [product(f"P-{n}", brand="New") for n in range(4, 9)])


def loaded_slightly_changed(shop: Shop) -> None:
    """All three days are loaded; one order and one event of the day are delivered otherwise."""
    neighbours(shop)
    shop.glue("run", str(DAY))
    lines = [order(f"O-{DAY}-{n}", DAY, user_id=f"U-{n % 10}", product_id=f"P-{n % 7}") for n in range(1, 9)]
    shop.landing.orders(DAY, [*lines, order("O-move", DAYS[0], status="returned"), order("O-later", DAY)])
    shop.landing.events(DAY, [*events(8, DAY), event("E-move", DAYS[0], user_id="U-9"), event("E-later", DAY)])


def loaded_and_merged(shop: Shop) -> None:
    """As `loaded`, and the day's month is merged."""
    loaded(shop)
    shop.glue("compact", str(CLOSED))


def expired(shop: Shop) -> None:
    """All three days are loaded; the months are neither merged nor, where that is set, dropped."""
    neighbours(shop)
    shop.glue("run", str(DAY))
    shop.execute("UPDATE audit.settings SET value = '100' WHERE name = 'raw_keep_days'")


def blocked(shop: Shop) -> None:
    """The day is loaded; its delivery anew has too few orders for a rule."""
    loaded(shop)
    shop.execute("UPDATE audit.dq_rules SET enabled = true, min_value = 100 WHERE rule_name = 'orders_volume'")


def all_delivered_anew(shop: Shop) -> None:
    """As `loaded`, and the day after is delivered anew too, with orders and events of the day."""
    loaded(shop)
    after = DAYS[2]
    shop.landing.orders(after, [*orders(3, after, price=1), order(f"O-{DAY}-4", DAY)], "orders.ndjson")
    shop.landing.events(after, [*events(3, after), event(f"E-{DAY}-4", DAY)])


def empty(shop: Shop) -> None:
    """An empty database, to become a warehouse."""


def old_release(shop: Shop) -> None:
    """A warehouse with data as an older release would have left it: some routines are other ones, one is gone since."""
    neighbours(shop)
    shop.glue("run", str(DAY))
    with shop.lab.connect(shop.name) as connection:
        boundaries.stop_at_ddl(connection)
        connection.execute("SET ROLE warehouse_owner")
        connection.execute("CREATE FUNCTION audit.of_old() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        connection.execute(
            "INSERT INTO audit.routine_files (path, sha256, routines)"
            " VALUES ('audit/of_old.sql', repeat('0', 64), '{audit.of_old()}')"
        )
        connection.execute(
            "UPDATE audit.routine_files SET sha256 = repeat('0', 64)"
            " WHERE path IN (SELECT path FROM audit.routine_files WHERE path LIKE 'audit/%' ORDER BY path LIMIT 12)"
        )


RUN = ("run", str(DAY))
SCENARIOS = (
    Scenario("first load", neighbours, (RUN,)),
    Scenario("reload by swap", loaded, (RUN,)),
    Scenario("reload in place", loaded_slightly_changed, (RUN,)),
    Scenario("reload into a merged month", loaded_and_merged, (RUN,)),
    Scenario("blocked day", blocked, (RUN,), (3,)),
    Scenario("merge and retention", expired, (("compact", "2026-03-31"),), half=()),
    Scenario("two days", all_delivered_anew, (RUN, ("run", str(DAYS[2]))), (0, 0), half=(DAY, DAYS[2])),
    Scenario("a day and a merge", loaded, (RUN, ("compact", str(CLOSED))), (0, 0)),
    Scenario("the same day twice", loaded, (RUN, RUN), (0, 0)),
    Scenario("migration of nothing", empty, (("migrate",),), half=(), base="empty", is_migration=True),
    Scenario("migration of a warehouse", old_release, (("migrate",),), half=(), is_migration=True),
)
