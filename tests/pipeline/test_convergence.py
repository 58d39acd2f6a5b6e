"""Any order, any damage, the same warehouse: a state machine that delivers and runs, against one clean run.

    CONVERGENCE_SEED=123 pytest tests/pipeline/test_convergence.py        the same sequences again
    CONVERGENCE_EXAMPLES=200 CONVERGENCE_STEPS=40 pytest -s …    many more of them

A few days around the end of a month, a handful of orders, events, users and products: collisions are the rule. The
rules that look at other days (trends, coverage, age of the catalogue) or that block (volume, share of rejections) are
off: what they find depends, by design, on what was loaded when the day was judged, and a blocked day keeps its facts.
All other rules judge as shipped.
"""

import contextlib
import json
import os
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_postgresql.executors.noop import NoopExecutor

from glue.connection import connect
from glue.extract import extract
from tests.conftest import Warehouse, new_warehouse
from tests.promises import RULES_OFF, broken_promises
from tests.shop import Landing, checksums
from trust.model import read

EXAMPLES = int(os.environ.get("CONVERGENCE_EXAMPLES", "8"))
STEPS = int(os.environ.get("CONVERGENCE_STEPS", "20"))
SEED = int(os.environ.get("CONVERGENCE_SEED") or random.randrange(2**32))

DAYS = [date(2025, 11, 28), date(2025, 11, 29), date(2025, 11, 30), date(2025, 12, 1), date(2025, 12, 3)]
AFTER_NOVEMBER, AFTER_DECEMBER = date(2025, 12, 1), date(2026, 1, 1)
NAMES = {"orders": ("a.json", "b.ndjson"), "events": ("a.csv", "b.csv"), "products": ("a.json", "b.json")}
ZONES = ("America/Los_Angeles", "UTC", "Australia/Sydney")
STEPS_OF_A_DAY = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product", "warehouse.reload_fact_orders",
    "warehouse.reload_fact_events",
)  # fmt: skip
# -- what is delivered -------------------------------------------------------------------------------

days = st.sampled_from(DAYS)
times = st.sampled_from([f"{day}T{hour}:00Z" for day in DAYS for hour in ("00:00", "09:30", "23:59")])
users = st.sampled_from(["U-1", "U-1", "U-1", "U-2", "U-3", None])  # reports of one order for several are a conflict
products = st.sampled_from(["P-1", "P-2", "P-3", "P-4"])
attributes = st.sampled_from(
    [
        {},
        {"city": "Berlin"},
        {"city": "Paris", "signup_date": "2024-05-01"},
        {"marketing_source": "ads"},
        {"city": "Rome", "signup_date": "2024-06-01", "marketing_source": "mail"},
    ]
)
statuses = st.sampled_from(["paid", "paid", "Shipped", "cancelled", "nobody knows"])
items = st.fixed_dictionaries(
    {
        "product_id": products,
        "quantity": st.sampled_from([1, 2, 3, 0]),
        "price": st.sampled_from([1, 2.5, 0.05, 19.99, 10.10]),
    }
)
heads = st.fixed_dictionaries(
    {
        "order_id": st.sampled_from(["O-1", "O-2", "O-3", "O-4"]),
        "user_id": users,
        "timestamp": times,
        "status": statuses,
    },
    # When the source changed it: before, after or between the loads, a reason of rejection, or not said.
    optional={"updated_at": st.sampled_from([*(f"{day}T{hour}:00Z" for day in DAYS for hour in ("09", "21")), "soon"])},
)
orders = st.one_of(
    st.builds(lambda head, line, person: head | line | person, heads, items, attributes),
    st.builds(
        lambda head, lines, person: head | {"items": lines, "user": person},
        heads, st.lists(items, max_size=3), attributes,
    ),
)  # fmt: skip
events = st.builds(
    lambda *values: ",".join(value or "" for value in values),
    st.sampled_from(["E-1", "E-2", "E-3"]),
    st.sampled_from(["page_view", "View", "purchase", "stared at"]),
    st.sampled_from([f"{day}T11:00:00Z" for day in DAYS] + ["2025-11-29T23:30:00-02:00", "yesterday"]),
    users,
    st.one_of(products, st.none()),
)
catalogue_entries = st.fixed_dictionaries(
    {
        "product_id": products,
        "product_name": st.sampled_from(["Hammer", "Mallet"]),
        "current_price": st.sampled_from([1, 2.5, -1]),
    }
)
HEADER = "event_id,event_type,event_ts,user_id,product_id"


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, bytes, bool]:
    """Return source, name, content, and whether such a file is refused whole."""
    source = draw(st.sampled_from(["orders", "orders", "events", "events", "products"]))
    name = draw(st.sampled_from(NAMES[source]))
    if source == "events":
        records = draw(st.lists(events, max_size=5))
        lacks_time = draw(st.integers(0, 9)) == 0
        content = "\n".join([HEADER.replace("event_ts", "when") if lacks_time else HEADER, *records]) + "\n"
    else:
        records = [
            json.dumps(r) for r in draw(st.lists(orders if source == "orders" else catalogue_entries, max_size=4))
        ]
        if name.endswith(".ndjson"):
            if draw(st.integers(0, 4)) == 0:
                records.insert(0, '{"order_id": "O-1", "cut')
            content = "".join(f"{record}\n" for record in records)
        else:
            is_cut = draw(st.integers(0, 9)) == 0
            content = "[" + ",\n".join(records) + ("" if is_cut else "]")
    # An empty file is refused, too: the model knows.
    return source, name, content.encode(), read(source, name, content.encode()).records is None


# -- the machine -------------------------------------------------------------------------------------


class Shop(RuleBasedStateMachine):
    """Deliveries and runs in any order; what is in force is kept here, for the clean run at the end."""

    template: Any
    folder: Path
    steps_taken = 0

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.warehouse = self.stack.enter_context(new_warehouse(self.template, self.folder))
        self.warehouse.execute(RULES_OFF)
        self.glue = self.stack.enter_context(contextlib.closing(connect(self.warehouse.dsn)))
        self.in_force: dict[tuple[str, date, str], tuple[bytes, bool]] = {}
        self.delivered: dict[tuple[str, date, str], list[tuple[bytes, bool]]] = {}
        self.touched: set[date] = set()  # delivered or run
        self.stale: set[date] = set()  # delivered, not run since
        self.half: set[date] = set()  # some steps run, not all
        self.zone = "UTC"
        self.is_broken = False
        self.partial_orders: str | None = None

    @initialize(value=st.sampled_from([None, "1"]))
    def a_setting(self, value: str | None) -> None:
        """Good lines of an order with a bad one count, or not."""
        self.partial_orders = value
        self.warehouse.execute("UPDATE audit.settings SET value = %s WHERE name = 'partial_orders'", value)

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Remember a failure: the comparison at the end would only hide it."""
        self.is_broken = True
        try:
            yield
        except Exception as failure:
            say_at_once(failure)
            raise
        self.is_broken = False
        Shop.steps_taken += 1

    def deliver(self, source: str, day: date, name: str, content: bytes, is_refused: bool) -> None:
        key = (source, day, name)
        self.delivered.setdefault(key, []).append((content, is_refused))
        if not is_refused or self.in_force.get(key, (b"", True))[1]:
            if self.in_force.get(key) != (content, is_refused):
                self.stale.add(day)
            self.in_force[key] = (content, is_refused)
        self.touched.add(day)
        deliver(self.warehouse.landing, self.glue, source, day, name, content)

    def ran(self, *ran: date) -> None:
        self.touched.update(ran)
        self.stale.difference_update(ran)
        self.half.difference_update(ran)

    @rule(day=days, file=files(), run=st.booleans())
    def a_delivery(self, day: date, file: tuple[str, str, bytes, bool], run: bool) -> None:
        """A file comes, often under a name that came before; then the day is run, or not yet."""
        with self.acting():
            source, name, content, is_refused = file
            self.deliver(source, day, name, content, is_refused)
            if run:
                self.warehouse.call("warehouse.run_day", day)
                self.ran(day)

    @precondition(lambda self: self.delivered)
    @rule(data=st.data(), run=st.booleans())
    def an_old_delivery_again(self, data: st.DataObject, run: bool) -> None:
        """What came before under a name comes once more: a correction is taken back, or nothing changes."""
        key = data.draw(st.sampled_from(sorted(self.delivered)))
        content, is_refused = data.draw(st.sampled_from(self.delivered[key]))
        with self.acting():
            self.deliver(*key, content, is_refused)
            if run:
                self.warehouse.call("warehouse.run_day", key[1])
                self.ran(key[1])

    @rule(day=days)
    def a_run(self, day: date) -> None:
        """A day is run, whether it changed or not, delivered or not."""
        with self.acting():
            self.warehouse.call("warehouse.run_day", day)
            self.ran(day)

    @rule(day=days, count=st.integers(1, len(STEPS_OF_A_DAY)))
    def a_run_that_stops(self, day: date, count: int) -> None:
        """The first steps of a day, and then nothing more, as after a crash."""
        with self.acting():
            self.touched.add(day)
            self.half.add(day)
            for step in STEPS_OF_A_DAY[:count]:
                self.warehouse.call(step, day)

    @rule(day=days, after=st.sampled_from([0, 20, 50, 90, 140]), how=st.sampled_from(["terminate", "cancel"]))
    def a_run_that_is_killed(self, day: date, after: int, how: str) -> None:
        """A session ends somewhere in a run, or its statement does."""
        with self.acting():
            self.touched.add(day)
            self.half.add(day)
            with contextlib.closing(connect(self.warehouse.dsn)) as victim:
                pid = victim.info.backend_pid
                kill = threading.Timer(after / 1000, self.warehouse.execute, [f"SELECT pg_{how}_backend(%s)", pid])
                kill.start()
                with contextlib.suppress(psycopg.OperationalError):  # the two ends, and only these
                    victim.execute("CALL warehouse.run_day(%s)", [day])
                kill.join()
                with contextlib.suppress(psycopg.OperationalError):
                    victim.execute("SELECT 1")  # a cancel that came too late

    @rule(pair=st.lists(days, min_size=2, max_size=3), compact=st.booleans())
    def runs_side_by_side(self, pair: list[date], compact: bool) -> None:
        """Days are run at once, now and then the same day twice, or beside a compaction."""
        with self.acting():
            calls = [("warehouse.run_day", day) for day in pair]
            if compact:
                calls.append(("warehouse.compact_partitions", AFTER_NOVEMBER))
            self.side_by_side(calls)
            self.ran(*pair)

    @rule(before=st.sampled_from([AFTER_NOVEMBER, AFTER_NOVEMBER, AFTER_DECEMBER]))
    def a_compaction(self, before: date) -> None:
        """Closed months are merged."""
        with self.acting():
            self.warehouse.call("warehouse.compact_partitions", before)

    @rule(zone=st.sampled_from(ZONES), stages=st.sampled_from([0, 0, 1, 3]))
    def a_change_of_the_time_zone(self, zone: str, stages: int) -> None:
        """The shop's day is another one; now and then a change is interrupted first. All days have to be run again."""
        with self.acting():
            stage: str | None = "begin"
            for _ in range(stages):
                stage = stage and self.warehouse.value("SELECT warehouse._change_zone_next(%s, %s)", ZONES[0], stage)
            # With few partitions three stages are all of it: then there are two changes, there and back.
            is_changed = zone != self.zone or (stages > 0 and ZONES[0] != self.zone)
            self.warehouse.call("warehouse.change_time_zone", zone)
            if is_changed:
                self.stale |= self.touched
                self.half.clear()
            self.zone = zone

    @invariant()
    def every_promise_is_kept(self) -> None:
        """No order counts twice, and nothing is lost."""
        if not self.is_broken:
            broken = broken_promises(self.warehouse.connection, self.half)
            self.is_broken = bool(broken)
            if broken:
                say_at_once(broken)
            assert not broken

    def side_by_side(self, calls: list[tuple[str, date]]) -> None:
        """Make the calls at once, each in a session of its own."""
        failures: list[BaseException] = []
        barrier = threading.Barrier(len(calls))

        def call(procedure: str, day: date) -> None:
            try:
                with contextlib.closing(connect(self.warehouse.dsn)) as connection:
                    barrier.wait(30)
                    connection.execute(f"CALL {procedure}(%s)", [day])
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=call, args=arguments) for arguments in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            note(
                "\n".join(f"{failure} {getattr(getattr(failure, 'diag', None), 'context', '')}" for failure in failures)
            )
            raise failures[0]

    def teardown(self) -> None:
        """Run what is left to run, the last day first; then compare with one clean run."""
        try:
            if not self.is_broken:
                for day in sorted(self.stale | self.half, reverse=True):
                    self.warehouse.call("warehouse.run_day", day)
                    self.ran(day)
                assert not broken_promises(self.warehouse.connection)
                expected = self.clean_run()
                found = checksums(self.warehouse.connection)
                differing = {table: rows for table, rows in found.items() if rows != expected[table]}
                if differing:
                    say_at_once(differing)
                assert not differing
        finally:
            self.stack.close()

    def clean_run(self) -> dict[str, str]:
        """Return the checksums of a fresh warehouse after one run in date order over the deliveries in force."""
        with new_warehouse(self.template, self.folder) as clean:
            clean.execute(RULES_OFF)
            clean.execute("UPDATE audit.settings SET value = %s WHERE name = 'time_zone'", self.zone)
            clean.execute("UPDATE audit.settings SET value = %s WHERE name = 'partial_orders'", self.partial_orders)
            with contextlib.closing(connect(clean.dsn)) as glue:
                for (source, day, name), (content, _) in sorted(self.in_force.items()):
                    deliver(clean.landing, glue, source, day, name, content)
            for day in sorted(self.touched):
                clean.call("warehouse.run_day", day)
            return checksums(clean.connection)


def say_at_once(failure: object) -> None:
    """Print a failure when it is found: making its sequence shorter can take minutes."""
    print(f"\n{failure!r}"[:4000], flush=True)


def deliver(landing: Landing, connection: Any, source: str, day: date, name: str, content: bytes) -> None:
    """Put a file into the landing zone, and let glue extract what lies there."""
    landing.put(source, day, name, content)
    extract(source, day, connection=connection, landing=str(landing.folder), say=lambda line: None)


@pytest.mark.once  # of the rules, which are the same on every version
@pytest.mark.long
def test_any_order_and_any_damage_end_in_the_same_warehouse(warehouse_template: NoopExecutor, tmp_path: Path) -> None:
    """Acceptance line 1 of convergence."""
    print(f"CONVERGENCE_SEED={SEED} CONVERGENCE_EXAMPLES={EXAMPLES} CONVERGENCE_STEPS={STEPS}")
    Shop.template, Shop.folder, Shop.steps_taken = warehouse_template, tmp_path, 0
    run_state_machine_as_test(
        seed(SEED)(Shop),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink][: 1 if os.environ.get("CONVERGENCE_SHRINK") == "0" else 2],
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{Shop.steps_taken} steps")


COMPARED = {
    "warehouse.dim_user", "warehouse.user_loads", "warehouse.dim_product", "warehouse.dim_product_history",
    "warehouse.product_loads", "warehouse.order_owners", "warehouse.orders_superseded", "warehouse.late_events",
    "warehouse.events_superseded", "warehouse.unseen_members", "warehouse.daily_metrics", "warehouse.fact_orders",
    "warehouse.fact_events", "staging.orders_clean", "staging.events_clean", "staging.products_clean", "staging.loads",
}  # fmt: skip


def test_the_comparison_covers_what_days_make(warehouse: Warehouse) -> None:
    """A comparison that left a table out would compare nothing."""
    assert set(checksums(warehouse.connection)) >= COMPARED
