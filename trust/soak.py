"""A year of small days, with everything that goes wrong in one, held against a model of what should be there.

    python -m trust.soak --seed 1 --seeds 20 --days 365
    python -m trust.soak --help

Each seed is a shop of its own: orders and events that come late, again, or broken; files that are corrected, cut or
delivered once more; catalogues; code tables, rules, rates, settings and time zones that change; days that run alone, in
ranges and side by side; people who are erased; sessions that are ended and servers that are stopped at random moments;
compaction and retention. Every few days, and at the end, all tables are compared with trust/model.py. What is done
follows from the seed; the moment at which a session is ended does not, and must not matter.
"""

import argparse
import contextlib
import gzip
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from embedded.server import EmbeddedServer
from glue.connection import connect
from glue.extract import extract
from ops.migrate import upgrade
from tests.shop import Landing
from trust.model import BLOCKED, GONE, REFUSED, SOURCES, UNREADABLE, Model, Rejection, Rule
from trust.soak_shop import TILL_SHAPE, Shop, other_form, own_form

# fsync guards against the machine, which nothing here stops; all other promises of a COMMIT hold.
SERVER_SETTINGS = {
    "fsync": "off", "full_page_writes": "off", "shared_buffers": "128MB", "max_connections": "50",
    "log_min_duration_statement": "-1",
}  # fmt: skip
FIRST_DAYS = (date(2023, 1, 1), date(2024, 3, 1))  # a year from there has passed, and holds month ends of all kinds
STEPS = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product", "warehouse.reload_fact_orders",
    "warehouse.reload_fact_events", "warehouse.compute_daily_metrics",
)  # fmt: skip
# Half of the shops are where most are, the others far from it in both directions.
ZONES = ("UTC", "UTC", "UTC", "UTC", "America/Los_Angeles", "America/New_York", "Australia/Sydney", "Asia/Kathmandu")
RESTART_SECONDS = 60
CALL_SECONDS = 600  # a call that hangs is a finding, not a soak that never ends
SHOWN_ROWS = 8
ZONE_CHANGES = 0.005  # share of the days on which the time zone changes
ERASED_EVERY, FIRST_ERASED = 25, 8  # days
LAST_DAYS = 90  # that are run once more at the end


class Divergence(AssertionError):
    """The warehouse does not hold what the model says."""


# -- the soak ----------------------------------------------------------------------------------------


@dataclass
class Warehouse:
    """A database on a server of its own, which may be stopped at any moment."""

    server: EmbeddedServer
    dbname: str

    @property
    def dsn(self) -> str:
        """Where it is."""
        return self.server.dsn(self.dbname)

    def create(self) -> None:
        """Make and migrate it."""
        with psycopg.connect(self.server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(self.dbname)))
        upgrade(self.dsn)

    def drop(self) -> None:
        """Drop it."""
        with psycopg.connect(self.server.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.dbname)))

    def stop_at_once(self) -> None:
        """Stop the server as a crash would, and start it again: an immediate shutdown, then recovery."""
        os.kill(int((self.server.data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        deadline = time.monotonic() + RESTART_SECONDS
        while self.server.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.server.start()


@dataclass
class Soak:
    """One shop, day after day."""

    warehouse: Warehouse
    folder: Path
    seed: int
    days: int
    check_every: int = 30
    say: Callable[[str], None] = lambda line: None
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.zones = random.Random(self.seed + 3)
        self.zone = self.zones.choice(ZONES)
        self.shop = Shop(self.seed, ZoneInfo(self.zone))
        self.random = random.Random(self.seed + 1)
        self.moments = random.Random(self.seed + 2)  # when sessions are ended: drawn apart, for it follows no plan
        self.money = random.Random(f"{self.seed} money")  # apart, too: the rest of a seed's story stays as it was
        self.people = random.Random(f"{self.seed} people")
        self.landing = Landing(self.folder)
        span = (FIRST_DAYS[1] - FIRST_DAYS[0]).days
        self.first = FIRST_DAYS[0] + timedelta(self.random.randrange(span))
        self.open()
        self.connection.execute(TILL_SHAPE)
        codes = {(kind, spelling): value for kind, spelling, value in self.rows("TABLE staging.codes")}
        statuses = self.rows("SELECT status, counts_as_sale FROM warehouse.order_statuses")
        markers = [marker for (marker,) in self.rows("SELECT marker FROM staging.null_markers")]
        self.model = Model(codes, dict(statuses), markers)
        self.model.zone = ZoneInfo(self.zone)
        self.connection.execute("UPDATE audit.settings SET value = %s WHERE name = 'time_zone'", [self.zone])
        # Days run in any order here: what a critical rule says of other days would depend on it.
        self.connection.execute("UPDATE audit.dq_rules SET severity = 'warning' WHERE rule_name = 'products_shrink'")
        self.model.rules["products_shrink"].is_critical = False
        # What is unusual or gone, the days before say, as they stood then: tests/pipeline/test_unusual.py tries it.
        self.connection.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type IN ('unusual', 'drift')")
        self.pending: set[date] = set()  # delivered or changed, and not run since
        self.files: dict[tuple[str, date, str], list[Any]] = {}  # records of what was delivered, to be corrected
        self.raw_keep_days: int | None = None
        self.staging_keep_days: int | None = None
        self.run_seconds = 0.1  # that a run of a day takes, about
        self.journal: list[str] = []  # what was done, in words

    def open(self) -> None:
        """Open the connection for what is done one after the other."""
        self.connection = connect(self.warehouse.dsn)

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self.connection.cursor(row_factory=tuple_row).execute(statement, parameters or None).fetchall()  # type: ignore[arg-type]

    def chance(self, share: float) -> bool:
        """Return True in that share of the calls."""
        return self.random.random() < share

    def did(self, what: str, detail: object = "") -> None:
        """Count what was done, and remember it."""
        self.counts[what] += 1
        self.journal.append(f"{what} {detail}")

    # -- a year --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Live through all days, with comparisons on the way and at the end. Raises Divergence."""
        try:
            for number in range(self.days):
                day = self.first + timedelta(number)
                self.did("day", day)
                self.new_files(day)
                self.corrections(day)
                self.changes(day)
                self.run_what_is_pending()
                self.maintenance(day)
                if number % ERASED_EVERY == FIRST_ERASED:
                    self.erase_somebody()
                if number % self.check_every == self.check_every - 1:
                    self.catch_up()
                    self.compare()
                    self.say(f"seed {self.seed}: {_summary(self.counts)}")
            self.everything_again()
        finally:
            self.close()

    def everything_again(self) -> None:
        """Run the last months once more, so that today's settings reach them; then some days again: no row changes."""
        self.catch_up()
        last = self.first + timedelta(self.days - 1)
        self.run_range(max(self.first, last - timedelta(LAST_DAYS)), last, must_load=True)
        self.compare()
        before = self.fingerprints()
        self.run_range(max(self.first, last - timedelta(30)), last)
        self.expect("a range that nothing has changed, run again,", before, self.fingerprints())

    def fingerprints(self) -> dict[str, str]:
        """Return of each table a digest of its rows as they are: ids and times of change, too."""
        digest = "SELECT md5(string_agg(t::text, '' ORDER BY t::text COLLATE \"C\")) FROM {} AS t"
        return {table: self.rows(digest.format(table))[0][0] for table in COLUMNS}

    # -- deliveries ----------------------------------------------------------------------------------

    def new_files(self, day: date) -> None:
        """The day's own files come: usually one of each; none, several, or a catalogue."""
        for source, names in (("orders", Shop.ORDER_FILES), ("events", Shop.EVENT_FILES)):
            count = self.random.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3) if self.chance(0.3) else (1,))
            for name in self.random.sample(names, count):
                self.put(source, day, name, self.shop.records(source, day, 1 / max(count, 1)))
        if day.toordinal() % 7 == 0 and self.chance(0.9):
            self.put("products", day, self.random.choice(Shop.PRODUCT_FILES), self.shop.records("products", day))
        self.extract(day)

    def corrections(self, day: date) -> None:
        """Files of earlier days come again: corrected, shorter, longer, empty, as they were, or for the first time."""
        while self.chance(0.25):
            back = self.random.choice((1, 1, 1, 2, 3, 5, 8, 20, 40, 100, 200))
            earlier = max(self.first, day - timedelta(self.random.randint(0, back)))
            source = self.random.choice(("orders", "orders", "events", "events", "products"))
            known = sorted(name for (of, at, name) in self.files if (of, at) == (source, earlier))
            if not known or self.chance(0.2):
                name = self.random.choice(getattr(Shop, f"{source[:-1].upper()}_FILES"))
                self.put(source, earlier, name, self.shop.records(source, earlier, 0.5))
                self.did("late file")
            else:
                self.correct(source, earlier, self.random.choice(known))
            self.extract(earlier)

    def correct(self, source: str, day: date, name: str) -> None:
        """A file comes again, under its name."""
        records = list(self.files[source, day, name])
        kind = self.random.choice(("shrunk", "grown", "corrected", "empty", "shuffled", "older", "versions"))
        if kind == "shrunk":
            records = self.random.sample(records, len(records) // 2)
        elif kind == "grown":
            records += self.shop.records(source, day, 0.4)
        elif kind == "corrected" and records:
            fresh = self.shop.records(source, day, 0.4) or [None]
            for _ in range(3):
                records[self.random.randrange(len(records))] = self.random.choice(fresh)
            records = [record for record in records if record is not None or source == "orders"]
        elif kind == "versions" and source == "orders":
            # The same orders, which the source says to have changed at another time: who owns them may change.
            records = [
                record | {"updated_at": self.random.choice((None, self.shop.updated_at(day)))}
                if isinstance(record, dict) and self.chance(0.6) else record
                for record in records
            ]  # fmt: skip
        elif kind == "empty":
            records = []
        elif kind == "shuffled":
            self.random.shuffle(records)
        elif kind == "older":
            earlier = self.model.raw[source, day][name.removesuffix(".gz")]
            if earlier:
                self.write(source, day, name, other_form(name, self.random.choice(earlier).content))
                self.did("redelivery older")
                return
        self.put(source, day, name, records)
        self.did(f"redelivery {kind}")

    def put(self, source: str, day: date, name: str, records: list[Any]) -> None:
        """Put records into the landing zone, as a file of that name."""
        self.files[source, day, name] = records
        self.write(source, day, name, other_form(name, self.shop.file(source, name, records)))

    def write(self, source: str, day: date, name: str, content: bytes) -> None:
        """Put a file into the landing zone."""
        self.landing.put(source, day, name, content)
        self.did("file", f"{source} {day} {name}")

    def extract(self, day: date) -> None:
        """Extract what the landing zone holds of a day; now and then the session ends meanwhile: once more."""

        def extract_all(connection: psycopg.Connection[Any]) -> None:
            for source in sources:
                extract(source, day, connection=connection, landing=str(self.landing.folder), say=lambda line: None)

        sources = [source for source in SOURCES if self.landing.has(source, day)]
        if self.chance(0.02):
            self.interrupt([extract_all])
            self.did("crash of an extract", day)
        extract_all(self.connection)
        for source in sources:
            files = {path.name: path.read_bytes() for path in self.landing.path(source, day).iterdir()}
            own = {name: own_form(name, _unpacked(name, data)) for name, data in files.items()}
            self.model.deliver(source, day, {_plain(name): data for name, data in own.items()})
        self.pending.add(day)

    # -- code tables, rules, settings ----------------------------------------------------------------

    def changes(self, day: date) -> None:
        """Somebody changes a code, a rule, a setting, or what is a sale; it holds from each day's next run on."""
        if self.chance(0.06):
            kind, spellings = self.random.choice(
                (("order_status", Shop.UNKNOWN_STATUSES), ("event_type", Shop.UNKNOWN_TYPES + Shop.TYPES))
            )
            self.change_code(kind, self.random.choice(spellings).strip().lower())
            self.rerun_some(day)
        if self.chance(0.03):
            status = self.random.choice(sorted(self.model.statuses))
            self.model.statuses[status] = not self.model.statuses[status]
            self.connection.execute(
                "UPDATE warehouse.order_statuses SET counts_as_sale = %s WHERE status = %s",
                [self.model.statuses[status], status],
            )
            self.did("change of what is a sale", status)
            self.rerun_some(day)
        if self.chance(0.04):
            self.change_null_marker(self.random.choice(Shop.NULL_MARKERS))
            self.rerun_some(day)
        if self.chance(0.04):
            self.change_rule()
            self.rerun_some(day)
        if self.chance(0.06):
            self.change_setting()
            self.rerun_some(day)
        self.change_money(day)
        if self.zones.random() < ZONE_CHANGES:
            self.change_zone(day)

    def change_zone(self, day: date) -> None:
        """The shop's day becomes another: all days are run again. Now and then the session ends meanwhile."""
        self.zone = self.zones.choice(ZONES)
        expected = self.model.change_zone(ZoneInfo(self.zone))
        if self.zones.random() < 0.5:
            self.interrupt([lambda connection: connection.execute(_CALL_CHANGE_ZONE, [self.zone])])  # type: ignore[list-item,return-value]
            self.did("crash of a change of the time zone", self.zone)
        found = None
        try:
            self.connection.execute(_CALL_CHANGE_ZONE, [self.zone])
        except psycopg.Error as error:
            found = error.sqlstate
        self.expect(f"the change of the time zone to {self.zone}", expected, found)
        self.did("change of the time zone" if expected is None else "refusal of a change of the time zone", self.zone)
        self.zone = str(self.model.zone)
        self.shop.zone = self.model.zone
        if expected is None:
            self.pending |= set(self.model.days_in_raw(self.first, day))

    def rerun_some(self, day: date) -> None:
        """A few of the last days are run again."""
        for _ in range(self.random.randint(0, 3)):
            self.pending.add(max(self.first, day - timedelta(self.random.randint(0, 15))))

    def change_code(self, kind: str, spelling: str) -> None:
        """A spelling is mapped, mapped anew, or not mapped any more."""
        known = sorted({value for (of, _), value in self.model.codes.items() if of == kind})
        value = None if self.chance(0.4) else self.random.choice([*known, "no such status"])
        if value is None:
            self.connection.execute("DELETE FROM staging.codes WHERE (kind, source_value) = (%s, %s)", [kind, spelling])
            self.model.codes.pop((kind, spelling), None)
        else:
            self.connection.execute(
                "INSERT INTO staging.codes VALUES (%s, %s, %s) ON CONFLICT ON CONSTRAINT codes_pkey"
                " DO UPDATE SET canonical_value = excluded.canonical_value",
                [kind, spelling, value],
            )
            self.model.codes[kind, spelling] = value
        self.did("change of a code", f"{kind} {spelling}: {value}")

    def change_null_marker(self, spelling: str) -> None:
        """A spelling becomes a null marker, or is none any more."""
        marker = spelling.lower()
        if marker in self.model.null_markers:
            self.connection.execute("DELETE FROM staging.null_markers WHERE marker = %s", [marker])
        else:
            self.connection.execute("INSERT INTO staging.null_markers (marker) VALUES (%s)", [marker])
        self.model.null_markers ^= {marker}
        self.did("change of a null marker", marker)

    def change_rule(self) -> None:
        """A rule is switched, weakened or sharpened; or the shop has one of its own."""
        name = self.random.choice(("a price is below 700", "orders_rejected_share_max", "events_volume_low",
                                   "events_volume", "products_coverage"))  # fmt: skip
        if name not in self.model.rules:
            self.model.rules[name] = Rule(
                lambda model, day: sum(line.unit_price >= 700 for line in model.staging["orders", day].rows.values())
            )
            self.connection.execute(
                "INSERT INTO audit.dq_rules (rule_name, check_type, table_name, expression, severity, description)"
                " VALUES (%s, 'range', 'staging.orders_clean', 'unit_price < 700', 'critical', 'of the soak')", [name],
            )  # fmt: skip
        rule = self.model.rules[name]
        rule.is_enabled = self.chance(0.7)
        rule.is_critical = self.chance(0.5) and name not in ("products_coverage", "events_volume_low")
        if name == "orders_rejected_share_max":
            rule.high = Fraction(self.random.choice((5, 25, 60)), 100)
        self.connection.execute(
            "UPDATE audit.dq_rules SET enabled = %s, severity = %s, max_value = %s WHERE rule_name = %s",
            [rule.is_enabled, "critical" if rule.is_critical else "warning",
             None if rule.high is None else float(rule.high), name],
        )  # fmt: skip
        self.did("change of a rule", f"{name} {rule.is_enabled} {rule.is_critical} {rule.high}")

    def change_setting(self) -> None:
        """A setting changes: what is too old, how partitions are swapped, how long raw and staging are kept."""
        kind = self.random.choice(("oldest_order_days", "oldest_order_days", "in_place_percent", "swap_pause_ms",
                                   "raw_keep_days", "staging_keep_days", "partial_orders"))  # fmt: skip
        value: int | None
        if kind == "oldest_order_days":
            value = self.random.choice((30, 90, 400, 400, 400, 1000, None))
            self.model.oldest_order_days = value
        elif kind == "partial_orders":
            value = self.random.choice((0, 1, 1, None))
            self.model.is_partial = value == 1
        elif kind == "in_place_percent":
            value = self.random.choice((0, 20, 50, 100))
        elif kind == "swap_pause_ms":
            value = self.random.choice((0, 20, 250))
        elif kind == "raw_keep_days":
            value = self.raw_keep_days = self.random.choice((None, 200, 60))
        else:
            value = self.staging_keep_days = self.random.choice((None, 100, 35))
        self.connection.execute(
            "UPDATE audit.settings SET value = %s WHERE name = %s", [None if value is None else str(value), kind]
        )
        self.did("change of a setting", f"{kind} {value}")

    def change_money(self, day: date) -> None:
        """The warehouse gets a currency, or another; a rate is told, corrected or taken back; returns count or not."""
        named = self.shop.currencies
        if day == self.first:
            for currency in named:
                self.set_rate(currency, self.first - timedelta(800), self.money.choice(("0.9", "1.1437", "163.456")))
            if len(named) > 1:
                self.set_currency(named[0])
        kind = self.money.choices(("nothing", "currency", "returns", "rate"), (85, 2, 3, 10))[0]
        if kind == "nothing" or not (self.shop.takes_returns if kind == "returns" else named):
            return
        if kind == "currency":
            self.set_currency(self.money.choice((named[0], named[0], named[0], "JPY", None)))
        elif kind == "rate":
            self.change_rate(self.money.choice([*named, "EUR"]), day)
        else:
            self.model.takes_negative = not self.model.takes_negative
            value = "1" if self.model.takes_negative else self.money.choice((None, "0"))
            self.connection.execute("UPDATE audit.settings SET value = %s WHERE name = 'negative_lines'", [value])
            self.did("change of negative_lines", value)
        for _ in range(self.money.randint(0, 3)):
            self.pending.add(max(self.first, day - timedelta(self.money.randint(0, 15))))

    def set_currency(self, currency: str | None) -> None:
        """The warehouse gets a currency, or none."""
        self.model.currency = currency
        self.connection.execute("UPDATE audit.settings SET value = %s WHERE name = 'currency'", [currency])
        self.did("change of the currency", currency)

    def change_rate(self, currency: str, day: date) -> None:
        """A rate is told, corrected or taken back."""
        known = sorted(since for of, since in self.model.rates if of == currency)
        if known and self.money.random() < 0.2:
            since = self.money.choice(known)
            del self.model.rates[currency, since]
            self.connection.execute(
                "DELETE FROM warehouse.exchange_rates WHERE (currency, valid_from) = (%s, %s)", [currency, since]
            )
            self.did("a rate less", f"{currency} {since}")
            return
        since = day - timedelta(self.money.choice((-3, 0, 0, 0, 1, 5, 40, 395, 400, 401, 800)))
        self.set_rate(currency, since, self.money.choice(("0.9", "1", "1.00001", "0.0061", "163.4", "0.876543219")))

    def set_rate(self, currency: str, since: date, rate: str) -> None:
        """Write a rate."""
        self.model.rates[currency, since] = Decimal(rate)
        self.connection.execute(
            "INSERT INTO warehouse.exchange_rates VALUES (%s, %s, %s::numeric)"
            " ON CONFLICT ON CONSTRAINT exchange_rates_pkey DO UPDATE SET rate = excluded.rate",
            [currency, since, rate],
        )
        self.did("a rate", f"{currency} {since} {rate}")

    # -- runs ----------------------------------------------------------------------------------------

    def run_what_is_pending(self) -> None:
        """Run what there is to run, in one of many ways; or leave it for another day."""
        days = sorted(self.pending)
        way = self.random.choices(
            ("later", "each", "steps", "range", "side by side", "crash", "server stop"), (30, 12, 6, 12, 10, 12, 1)
        )[0]
        if not days or way == "later":
            return
        self.random.shuffle(days)
        if way == "range":
            days.sort()
            while days:
                first = days[0]
                last = max(day for day in days if day <= first + timedelta(4))
                self.run_range(first, last)
                days = [day for day in days if day > last]
        elif way in ("side by side", "server stop"):
            while days:
                together = _not_weeks_apart(days)[: self.random.choice((2, 3))]
                days = [day for day in days if day not in together]
                if self.chance(0.2):
                    together.append(together[0])
                self.run_side_by_side(together, is_stopped=way == "server stop")
                way = "side by side"
        else:
            for day in days:
                if way == "crash":
                    self.interrupt([lambda connection, day=day: connection.execute(_CALL_RUN_DAY, [day])])
                    self.did("crash of a run", day)
                    if self.chance(0.15):
                        self.corrections(day)
                    self.run_day(day, is_certain=False, must_load=True)
                elif way == "steps":
                    self.run_steps(day)
                else:
                    self.run_day(day)

    def catch_up(self) -> None:
        """Run all that is pending."""
        for day in sorted(self.pending):
            self.run_day(day)

    def run_day(self, day: date, *, is_certain: bool = True, must_load: bool = False) -> None:
        """Run a day. Blocked, it may be let through; after a crash it must: what a part of it loaded would stay."""
        self.did("run of a day", day)
        expected = self.model.run_day(day, is_certain=is_certain)
        started = time.monotonic()
        self.expect(f"run_day of {day}", expected, self.outcome(self.connection, _CALL_RUN_DAY, day))
        self.run_seconds += (time.monotonic() - started - self.run_seconds) / 10
        self.pending.discard(day)
        self.let_through(day, expected, must_load=must_load, is_certain=is_certain)

    def run_steps(self, day: date) -> None:
        """Run a day step by step, as the DAG does."""
        self.did("run by steps", day)
        expected = self.model.run_day(day)
        found = None
        for step in STEPS:
            found = self.outcome(self.connection, f"CALL {step}(%s)", day)
            if found:
                break
        self.expect(f"the steps of {day}", expected, found)
        self.pending.discard(day)
        self.let_through(day, expected)

    def let_through(self, day: date, outcome: str | None, *, must_load: bool = False, is_certain: bool = True) -> None:
        """Let a blocked day through, or not."""
        if outcome != BLOCKED:
            if outcome == GONE:
                self.did("refusal of a day whose raw is gone", day)
            return
        self.did("blocked day", day)
        if must_load or self.chance(0.5):
            self.connection.execute("CALL audit.allow_day(%s, %s)", [day, "the soak lets it through"])
            self.model.allow_day(day)
            self.did("day let through", day)
            self.run_day(day, is_certain=is_certain)

    def run_range(self, first: date, last: date, *, must_load: bool = False) -> None:
        """Run a range, and compare which of its days did not succeed."""
        self.did("run of a range", f"{first} {last}")
        days = self.model.days_in_raw(first, last)
        expected = {day.isoformat(): outcome for day in days if (outcome := self.model.run_day(day))}
        found: dict[str, str] = {}
        try:
            self.connection.execute("CALL warehouse.run_range(%s, %s)", [first, last])
        except psycopg.Error as error:
            if error.sqlstate != "WH009":
                raise
            found = dict(re.findall(r"^(\d{4}-\d\d-\d\d): .*\((\w{5})\)$", error.diag.message_detail or "", re.M))
        self.expect(f"the range from {first} to {last}", expected, found)
        self.counts["run of a day"] += len(days)
        self.pending.difference_update(days)
        for day in days:
            self.let_through(day, expected.get(day.isoformat()), must_load=must_load)

    def run_side_by_side(self, days: list[date], *, is_stopped: bool) -> None:
        """Run days at once, now and then beside a compaction; or stop the server meanwhile, and run them again."""
        self.did("server stop" if is_stopped else "runs side by side", " ".join(map(str, days)))
        found: dict[date, set[str | None]] = {day: set() for day in days}

        def run(connection: psycopg.Connection[Any], day: date) -> None:
            found[day].add(self.outcome(connection, _CALL_RUN_DAY, day))

        calls: list[Callable[[psycopg.Connection[Any]], None]] = [
            lambda connection, day=day: run(connection, day) for day in days
        ]
        if self.chance(0.15) and not self.staging_keep_days and not self.raw_keep_days:
            month = max(days).replace(day=1)
            calls.append(lambda connection: connection.execute(_CALL_COMPACT, [month]))  # type: ignore[arg-type,return-value]
        if is_stopped:
            self.interrupt(calls, stop_server=True)
        else:
            self.at_once(calls)
        expected: dict[date, str | None] = {}
        for day in sorted(set(days)):
            if is_stopped:
                self.run_day(day, is_certain=False, must_load=True)
                continue
            self.counts["run of a day"] += days.count(day)
            expected[day] = self.model.run_day(day, is_certain=False)
            for outcome in found[day]:
                self.expect(f"run_day of {day}, beside others", expected[day], outcome)
            self.pending.discard(day)
        # When the model has run all of them: a rule of one may know the catalogue of another.
        for day, outcome in expected.items():
            self.let_through(day, outcome)

    def maintenance(self, day: date) -> None:
        """Compact, and drop what retention says; now and then the session ends meanwhile, and it is done again."""
        if not (day.day == 3 or self.chance(0.02)):
            return
        self.catch_up()
        before = day.replace(day=1) if self.chance(0.7) else day
        if self.chance(0.3):
            self.interrupt([lambda connection: connection.execute(_CALL_COMPACT, [before])])  # type: ignore[list-item,return-value]
            self.did("crash of a compaction", before)
        self.connection.execute(_CALL_COMPACT, [before])
        self.model.retain(before, self.raw_keep_days, self.staging_keep_days)
        self.did("compaction", before)

    def erase_somebody(self) -> None:
        """A person asks to be forgotten; the shop goes on telling of them."""
        self.catch_up()
        pseudonyms = {user for (user,) in self.rows("SELECT user_id FROM warehouse.dim_user") if user[:7] == "erased-"}
        users = {user for (user,) in self.rows("SELECT user_id FROM warehouse.dim_user WHERE user_id <> '(guest)'")}
        # Who has a user_id that became a null marker since is refused: nobody knows whose its rows in raw are.
        markers = {user for user in users if user.lower() in self.model.null_markers}
        if not (people := sorted(users - pseudonyms - markers)):
            return
        person = self.people.choice(people)
        self.connection.execute("CALL audit.erase_user(%s, %s)", [person, "the soak asked for it"])
        (added,) = {user for (user,) in self.rows("SELECT user_id FROM warehouse.dim_user")} - users - {"(guest)"}
        self.model.erase(person, added)
        self.did("erasure", f"{person} {added}")

    # -- calls ---------------------------------------------------------------------------------------

    def outcome(self, connection: psycopg.Connection[Any], statement: str, day: date) -> str | None:
        """Return the SQLSTATE of the project that a CALL ends with; None if it succeeds. Raises any other."""
        try:
            connection.execute(statement, [day])
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith("WH"):
                raise
            return error.sqlstate
        return None

    def expect(self, what: str, expected: object, found: object) -> None:
        """Compare how something ended."""
        if expected != found:
            raise self.diverged(what, expected, found)

    def at_once(self, calls: Sequence[Callable[[psycopg.Connection[Any]], None]]) -> None:
        """Make calls at once, each in a session of its own. Raises the first failure."""
        failures = self._in_sessions(calls, lambda pids: None)
        if failures:
            raise failures[0]

    def interrupt(
        self, calls: Sequence[Callable[[psycopg.Connection[Any]], None]], *, stop_server: bool = False
    ) -> None:
        """Make calls at once, and end their sessions, or the server, at a random moment."""

        def end(pids: list[int]) -> None:
            time.sleep(self.moments.uniform(0, 1.2 * self.run_seconds))
            if stop_server:
                self.warehouse.stop_at_once()
            else:
                self.connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::integer[]) AS pid", [pids])

        for failure in self._in_sessions(calls, end):
            if not isinstance(failure, psycopg.OperationalError) and getattr(failure, "sqlstate", None) not in (
                BLOCKED, GONE
            ):  # fmt: skip
                raise failure
        if stop_server:
            self.close()
            self.open()

    def _in_sessions(
        self, calls: Sequence[Callable[[psycopg.Connection[Any]], Any]], meanwhile: Callable[[list[int]], None]
    ) -> list[BaseException]:
        """Make calls at once, each in a session of its own, and something meanwhile. Return what failed."""
        failures: list[BaseException] = []

        def make(call: Callable[[psycopg.Connection[Any]], Any], connection: psycopg.Connection[Any]) -> None:
            try:
                call(connection)
            except BaseException as failure:
                failures.append(failure)

        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(contextlib.closing(connect(self.warehouse.dsn))) for _ in calls]
            pids = [connection.info.backend_pid for connection in opened]
            threads = [
                threading.Thread(target=make, args=pair, daemon=True) for pair in zip(calls, opened, strict=True)
            ]
            for thread in threads:
                thread.start()
            meanwhile(pids)
            for thread in threads:
                thread.join(CALL_SECONDS)
                if thread.is_alive():
                    raise self.diverged("a call that does not end", "an end", self.rows(_ACTIVITY))
        return failures

    # -- the comparison ------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare every table with the model. Raises Divergence with the rows that differ."""
        self.did("comparison")
        model = self.model
        staged = {
            (source, day): staged.rows.values()
            for (source, day), staged in model.staging.items()
            if not staged.is_dropped
        }
        order_facts, orders_superseded = model.order_facts()
        event_facts, events_superseded = model.event_facts()
        expected: dict[str, Counter[Any]] = {
            "staging.orders_clean": Counter(
                (o.order_id, o.line_number, o.user_id, o.product_id, o.quantity, o.unit_price, *o.money, o.order_ts,
                 o.status, o.city, o.signup_date, o.marketing_source, o.updated_at, o.emptied, day)
                for (source, day), rows in staged.items() if source == "orders" for o in rows
            ),
            "staging.events_clean": Counter(
                (e.event_id, e.user_id, e.product_id, e.event_type, e.event_ts, day)
                for (source, day), rows in staged.items() if source == "events" for e in rows
            ),
            "staging.products_clean": Counter(
                (p.product_id, *p.attributes, day)
                for (source, day), rows in staged.items() if source == "products" for p in rows
            ),
            "staging.loads": Counter(
                (source, day, *staged.figures) for (source, day), staged in model.staging.items()
            ),
            "warehouse.fact_orders": order_facts,
            "warehouse.orders_superseded": orders_superseded,
            "warehouse.fact_events": event_facts,
            "warehouse.events_superseded": events_superseded,
            "warehouse.order_owners": model.owned_versions(),
            "warehouse.dim_user": model.users(),
            "warehouse.dim_product": model.products(),
            "warehouse.dim_product_history": model.product_history(),
            "warehouse.dim_date": Counter(
                (day.year * 10000 + day.month * 100 + day.day, day, day.isocalendar().week, day.isoweekday())
                for day in model.dates()
            ),
        }  # fmt: skip
        for table, wanted in expected.items():
            found = Counter(self.rows(f"SELECT {COLUMNS[table]} FROM {table}"))
            if found != wanted:
                raise self.diverged(table, wanted - found, found - wanted)
        self._compare_rejections()
        self._compare_metrics()
        for what, query in _NOTHING_LEFT.items():
            if left := self.rows(query):
                raise self.diverged(what, [], left)

    def _compare_rejections(self) -> None:
        found: Counter[Any] = Counter()
        counted: Counter[Any] = Counter()  # lines that have no row of their own
        for day, table, name, place, item, record_id, raw_id, reason, has_text, line_count in self.rows(_REJECTIONS):
            reasons = frozenset(reason.split("; "))
            if raw_id is None:
                reasons = frozenset([REFUSED if place is None else UNREADABLE])
            # Who was erased is taken out of what could not be read, too.
            if not (reason and (has_text or place is None or self.counts["erasure"])):
                raise self.diverged("audit.bad_records", "a reason, and the text", (day, table, name, place))
            if line_count > 1:
                counted[day, table, name] += line_count
                continue
            found[day, table, Rejection(name, place, item, record_id, reasons)] += 1
        wanted = self.model.rejections()
        rest: Counter[Any] = Counter()
        for (day, table, rejection), count in (wanted - found).items():
            rest[day, table, rejection.file_name] += count
        if found - wanted or rest != counted:
            raise self.diverged("audit.bad_records", wanted - found, found - wanted)

    def _compare_metrics(self) -> None:
        found = {row[0]: row[1:] for row in self.rows(f"SELECT {METRICS} FROM warehouse.daily_metrics")}
        wanted = {
            day: row if row[-1] is not None else (*row[:-1], found.get(day, (None,))[-1])
            for day, row in self.model.metrics().items()
        }
        if found != wanted:
            days = sorted(day for day in found.keys() | wanted.keys() if found.get(day) != wanted.get(day))
            raise self.diverged("warehouse.daily_metrics", {day: wanted.get(day) for day in days},
                                {day: found.get(day) for day in days})  # fmt: skip

    def diverged(self, what: str, expected: object, found: object) -> Divergence:
        """Return a Divergence that says what differs, and what was done last."""

        def shown(value: object) -> str:
            if isinstance(value, Counter | dict | list | set):
                rows = list(value.items() if isinstance(value, dict) else value)
                return "".join(f"\n    {row}" for row in rows[:SHOWN_ROWS]) + f"\n    ({len(rows)} in all)"
            return f" {value}"

        last = "".join(f"\n    {line}" for line in self.journal[-40:])
        return Divergence(
            f"seed {self.seed}, {what} differs\n  the model:{shown(expected)}\n  the warehouse:{shown(found)}"
            f"\n  what was done last:{last}"
        )


_CALL_RUN_DAY = "CALL warehouse.run_day(%s)"
_CALL_CHANGE_ZONE = "CALL warehouse.change_time_zone(%s)"
_CALL_COMPACT = "CALL warehouse.compact_partitions(%s)"
COLUMNS = {
    "staging.orders_clean": "order_id, line_number, user_id, product_id, quantity, unit_price, revenue, discount, tax,"
    " shipping, refunded, currency, revenue_in_currency, order_ts, status, city, signup_date, marketing_source,"
    " source_updated_at, array_to_string(emptied, ','), load_date",
    "staging.events_clean": "event_id, user_id, product_id, event_type, event_ts, load_date",
    "staging.products_clean": "product_id, product_name, category, brand, current_price, load_date",
    "staging.loads": "source, load_date, raw_count, delivered_count, clean_count, duplicate_count, rejected_count,"
    " changed_count",
    "warehouse.fact_orders": "order_id, line_number, user_id, product_id, date_id, quantity, unit_price, revenue,"
    " discount, tax, shipping, refunded, currency, revenue_in_currency, order_ts, source_updated_at, status, load_date",
    "warehouse.fact_events": "event_id, user_id, product_id, date_id, event_type, event_ts, load_date",
    "warehouse.order_owners": "order_id, load_date, source_updated_at",
    "warehouse.dim_user": "user_id, city, signup_date, marketing_source, first_seen_at, last_seen_at, is_inferred",
    "warehouse.dim_product": "product_id, product_name, category, brand, current_price, effective_from, is_inferred",
    "warehouse.dim_product_history": "product_id, product_name, category, brand, current_price, effective_from,"
    " effective_to",
    "warehouse.dim_date": "date_id, date, week, day_of_week",
}
COLUMNS["warehouse.orders_superseded"] = COLUMNS["warehouse.fact_orders"]
COLUMNS["warehouse.events_superseded"] = COLUMNS["warehouse.fact_events"]
METRICS = """
    run_date, status, raw_orders_count, raw_order_lines_count, raw_events_count, staging_orders_count,
    staging_events_count, duplicate_orders_count, duplicate_events_count, rejected_orders_count, rejected_events_count,
    fact_orders_count, fact_events_count, superseded_orders_count, superseded_events_count, revenue, net_revenue,
    discount, tax, shipping, refunded, sale_statuses, dq_failed_count"""
_REJECTIONS = """
    SELECT run_date, source_table, file_name, line_number, item_number, record_id, raw_id, failure_reason,
           raw_data IS NOT NULL, line_count
    FROM audit.bad_records"""
_ACTIVITY = "SELECT pid, state, wait_event, query FROM pg_stat_activity WHERE datname = current_database()"
_NOTHING_LEFT = {
    "what runs when nothing does": "SELECT run_id, 'run' FROM audit.pipeline_runs WHERE status = 'running'"
    " UNION ALL SELECT run_id, step FROM audit.pipeline_steps WHERE status = 'running'",
    "a partition that belongs to no table": """
        SELECT c.oid::regclass::text FROM pg_class AS c
        WHERE c.relnamespace IN ('raw'::regnamespace, 'staging'::regnamespace, 'warehouse'::regnamespace)
          AND c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '_p_[0-9]{4}'""",
    "a temporary table": "SELECT oid::regclass::text FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'",
}


def _plain(name: str) -> str:
    return name.removesuffix(".gz")


def _unpacked(name: str, data: bytes) -> bytes:
    return gzip.decompress(data) if name.endswith(".gz") else data


def _not_weeks_apart(days: Sequence[date]) -> list[date]:
    """Return days of which none is whole weeks from another: trends of a day look at the same weekday."""
    chosen: list[date] = []
    for day in days:
        if all((day - other).days % 7 for other in chosen):
            chosen.append(day)
    return chosen


# -- the command -------------------------------------------------------------------------------------


@contextlib.contextmanager
def own_server(bindir: Path | None = None, folder: Path | None = None) -> Iterator[EmbeddedServer]:
    """Yield a server of our own, which may be stopped as we like; it is removed afterwards."""
    memory = Path("/dev/shm")
    within = folder or (memory if os.access(memory, os.W_OK) else None)
    made = Path(tempfile.mkdtemp(prefix="soak-", dir=within))
    made.chmod(0o755)
    server = EmbeddedServer(made / "server", bindir=bindir, settings=SERVER_SETTINGS)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(made, ignore_errors=True)


def soak(server: EmbeddedServer, seed: int, days: int, check_every: int, say: Callable[[str], None]) -> Counter[str]:
    """Live through one seed's days in a database of its own. Return what was done. Raises Divergence."""
    warehouse = Warehouse(server, f"soak_{seed}")
    warehouse.create()
    with tempfile.TemporaryDirectory(dir=server.directory.parent) as folder:
        run = Soak(warehouse, Path(folder), seed, days, check_every, say)
        run.run()
    warehouse.drop()
    return run.counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run seeds one after the other; stop at the first that diverges."""
    parser = argparse.ArgumentParser(prog="python -m trust.soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (20)")
    parser.add_argument("--days", type=int, default=365, help="days of each (365)")
    parser.add_argument("--check-every", type=int, default=30, help="days between comparisons with the model (30)")
    parser.add_argument("--pg", help="a major of this machine, as in 15; without it the newest of the wheel")
    chosen = parser.parse_args(arguments)
    bindir = Path(f"/usr/lib/postgresql/{chosen.pg}/bin") if chosen.pg else None
    total: Counter[str] = Counter()
    with own_server(bindir) as server:
        for seed in range(chosen.seed, chosen.seed + chosen.seeds):
            started = time.monotonic()
            try:
                counts = soak(
                    server, seed, chosen.days, chosen.check_every, lambda line: print(f"  {line}", flush=True)
                )
            except Divergence as divergence:
                print(divergence, flush=True)
                print(f"again: python -m trust.soak --seed {seed} --seeds 1 --days {chosen.days}"
                      f" --check-every {chosen.check_every}{f' --pg {chosen.pg}' if chosen.pg else ''}")  # fmt: skip
                return 1
            total += counts
            print(f"seed {seed}: {_summary(counts)}, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{chosen.seeds} seeds: {_summary(total)}")
    print("\n".join(f"  {count:>8,} {what}" for what, count in sorted(total.items())))
    return 0


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _summary(counts: Counter[str]) -> str:
    crashes = sum(count for what, count in counts.items() if what.startswith("crash") or what == "server stop")
    return (
        f"{counts['day']:,} days, {counts['file']:,} files,"
        f" {counts['run of a day'] + counts['run by steps']:,} runs of a day, "
        f"{crashes:,} crashes ({counts['server stop']:,} of the server), {counts['comparison']:,} comparisons"
    )


if __name__ == "__main__":
    sys.exit(main())
