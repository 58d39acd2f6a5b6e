"""How often the rules about unusual days alarm: a real shop's year and made ones, with days that are meant to be found.

    python -m trust.alarms        prints the table of docs/explanation/unusual-days.md

Each shop is a profile of days, as cleaning would have measured them (audit.day_profile); the shipped rules judge it.
A day counts from the first on that has enough days before it.
"""

import csv
import gzip
import math
import random
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from embedded.server import EmbeddedServer
from ops.migrate import upgrade

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail"
SEED = 20_251_219
FIRST = date(2025, 4, 7)
DAYS = 252
REAL = "Online Retail (UCI), real"
# Monday to Sunday.
SEASON = (0.9, 0.85, 0.9, 1.0, 1.15, 1.3, 0.9)
BLACK_FRIDAY = date(2025, 11, 28)
COLUMNS = ("shop", "days judged", "verdicts", "alarms", "days with an alarm", "meant", "meant and seen")

# A number of days is outside of its band; of what is rejected only more counts, as in the shipped rules.
ALARMS = """
    SELECT r.measure, u.run_date, u.value < u.low AND r.has_min OR u.value > u.high AS is_alarm
    FROM (SELECT regexp_replace(d.rule_name, '_unusual$', '') AS measure, d.min_value IS NOT NULL AS has_min
          FROM audit.dq_rules d WHERE d.check_type = 'unusual') AS r
    CROSS JOIN LATERAL audit.usual_values(r.measure, %s, %s) AS u
    WHERE u.z IS NOT NULL"""


@dataclass
class Profile:
    """What the days of a shop amount to; `meant` are the days that are to be found."""

    name: str
    rows: dict[tuple[date, str], tuple[float, float | None]] = field(default_factory=dict)
    meant: set[date] = field(default_factory=set)
    expected: list[tuple[date, date, str]] = field(default_factory=list)

    def add(self, day: date, of: dict[str, float] | None = None, **values: float) -> None:
        """Add measures of a day; `of` are the wholes of its shares."""
        for measure, value in values.items():
            self.rows[day, measure] = (value, (of or {}).get(measure))


@dataclass(frozen=True)
class Kind:
    """A shop that is made: orders of a usual day, growth a year, how far a day is from that by chance."""

    name: str
    orders: float
    growth: float = 1.0
    wild: float = 0.05
    season: tuple[float, ...] = SEASON
    sale: bool = False
    is_said: bool = False


KINDS = (
    Kind("weekly season, 1,000 orders a day", 1_000),
    Kind("doubles in a year, Black Friday", 1_000, growth=2, sale=True),
    Kind("the same, Black Friday in expected_days", 1_000, growth=2, sale=True, is_said=True),
    Kind("30 orders a day", 30, wild=0.1),
)


def made(kind: Kind) -> Profile:
    """Return a shop of a seed. Meant: a halved day, a day of many rejected lines, a halved week, Black Friday."""
    chance = random.Random(SEED)
    shop = Profile(kind.name)
    halved, broken, week = (FIRST + timedelta(days=n) for n in (100, 140, 180))
    shop.meant = {halved, broken, *(week + timedelta(days=n) for n in range(7))}
    sale = {BLACK_FRIDAY + timedelta(days=n): factor for n, factor in enumerate((3.5, 2.2, 2.0, 2.4))}
    if kind.is_said:
        shop.expected.append((min(sale), max(sale), "Black Friday"))
    elif kind.sale:
        shop.meant |= set(sale)

    def count(mean: float) -> int:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))

    def share(p: float, n: int) -> float:
        return min(max(chance.gauss(p, math.sqrt(p * (1 - p) / max(n, 1))), 0), 1)

    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        mean = kind.orders * kind.season[day.weekday()] * kind.growth ** (number / 365)
        mean *= math.exp(chance.gauss(0, kind.wild)) * (sale.get(day, 1) if kind.sale else 1)
        mean *= 0.5 if day == halved or week <= day < week + timedelta(days=7) else 1
        orders = count(mean)
        lines, events = count(orders * 2.2), count(mean * 15)
        baskets = sum(chance.lognormvariate(3.5, 0.7) for _ in range(min(orders, 200)))
        revenue = baskets * orders / max(min(orders, 200), 1)
        rejected = share(0.12 if day == broken else 0.01, lines)
        views = count(events * 0.3)
        shop.add(
            day,
            orders=orders, users_ordering=round(orders * 0.94), events=events,
            products_ordered=count(300 * (1 - math.exp(-lines / 300))), net_revenue=round(revenue, 2),
            basket=round(revenue / max(orders, 1), 2),
        )  # fmt: skip
        shares = {
            "orders_rejected": (rejected, lines),
            "orders_without_user": (share(0.15, orders), orders),
            "orders_without_city": (share(0.05, orders), orders),
            "orders_without_source": (share(0.2, orders), orders),
            "orders_after_18": (share(0.35, orders), orders),
            "conversion": (share(0.06, views), views),
            "events_rejected": (share(0.002, events), events),
            "events_without_user": (share(0.4, events), events),
            "events_without_product": (share(0.3, events), events),
        }
        shop.add(day, {name: whole for name, (_, whole) in shares.items()}, **{n: p for n, (p, _) in shares.items()})
    return shop


def online_retail() -> Profile:
    """Return the profile of Online Retail, straight from its file, as cleaning would measure it."""
    shop = Profile(REAL)
    # 74,215 jars were ordered and cancelled on the first of these, 80,995 paper birds on the second.
    shop.meant = {date(2011, 1, 18), date(2011, 12, 9)}
    with gzip.open(DATA / "orders.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for text, group in groupby(csv.DictReader(file), key=lambda row: row["timestamp"][:10]):
            rows, day = list(group), date.fromisoformat(text)
            # An order with a line that is refused is refused whole.
            bad = {r["order_id"] for r in rows if float(r["quantity"]) <= 0 or float(r["price"]) < 0}
            bad |= {r["order_id"] for r in rows if r["status"] == "adjustment"}
            clean = [r for r in rows if r["order_id"] not in bad]
            if not clean:
                continue
            sold = [r for r in clean if r["status"] == "completed"]
            firsts = list({r["order_id"]: r for r in reversed(clean)}.values())
            revenue = sum(float(r["quantity"]) * float(r["price"]) for r in sold)
            n = len(firsts)
            shop.add(
                day,
                {"orders_rejected": len(rows), "orders_without_user": n, "orders_after_18": n},
                orders=n, users_ordering=len({r["user_id"] for r in clean if r["user_id"]}),
                products_ordered=len({r["product_id"] for r in clean}), net_revenue=round(revenue, 2),
                basket=round(revenue / max(len({r["order_id"] for r in sold}), 1), 2),
                orders_rejected=(len(rows) - len(clean)) / len(rows),
                orders_without_user=sum(not r["user_id"] for r in firsts) / n,
                orders_after_18=sum(r["timestamp"][11:13] >= "18" for r in firsts) / n,
            )  # fmt: skip
    return shop


def shop(name: str) -> Profile:
    """Return a shop by its name."""
    kind = next((kind for kind in KINDS if kind.name == name), None)
    return made(kind) if kind else online_retail()


def judged(connection: psycopg.Connection[Any], profile: Profile) -> tuple[dict[date, list[str]], int]:
    """Return which measures alarm on which day, and how many verdicts there were; nothing stays in the database."""
    first, last = min(day for day, _ in profile.rows), max(day for day, _ in profile.rows)
    with connection.transaction(force_rollback=True), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("DELETE FROM audit.day_profile; DELETE FROM audit.expected_days")
        cursor.execute("SELECT measure, kind FROM audit.measures")
        kinds = dict(cursor.fetchall())
        with cursor.copy("COPY audit.day_profile (run_date, measure, kind, value, of) FROM STDIN") as copy:
            for (day, measure), (value, of) in profile.rows.items():
                copy.write_row((day, measure, kinds[measure], round(value, 9), of))
        cursor.execute("ANALYZE audit.day_profile")
        for expected in profile.expected:
            cursor.execute("INSERT INTO audit.expected_days VALUES (%s, %s, %s)", expected)
        found: dict[date, list[str]] = defaultdict(list)
        verdicts = cursor.execute(ALARMS, (first, last)).fetchall()
    for measure, day, is_alarm in verdicts:
        found[day] += [measure] if is_alarm else []
    return found, len(verdicts)


def row(connection: psycopg.Connection[Any], profile: Profile) -> str:
    """Return the line of the table for a profile."""
    days, verdicts = judged(connection, profile)
    alarms = {day for day, measures in days.items() if measures}
    cells = (profile.name, len(days), f"{verdicts:,}", sum(map(len, days.values())), len(alarms), len(profile.meant),
             len(profile.meant & alarms))  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            dsn = server.dsn("postgres")
            upgrade(dsn)
            with psycopg.connect(dsn) as connection:
                print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
                for name in (*([REAL] if DATA.exists() else []), *(kind.name for kind in KINDS)):
                    print(row(connection, shop(name)))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
