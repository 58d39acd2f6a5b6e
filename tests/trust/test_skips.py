"""A run that skips what is unchanged ends as one that works: the same tables, and the same verdicts.

SKIPS_SEED=123 SKIPS_CHANGES=40 pytest tests/trust/test_skips.py       other changes, and more of them
"""

import os
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from tests.conftest import Warehouse
from tests.shop import checksums, event, events, order, orders, product

SEED = int(os.environ.get("SKIPS_SEED", "5"))
FIRST = date(2025, 11, 27)  # in two months
DAYS = [FIRST + timedelta(number) for number in range(6)]
CHANGES = int(os.environ.get("SKIPS_CHANGES", "4"))

KINDS = ("orders", "events", "catalogue", "catalogue", "rule", "rule", "theirs", "code", "status", "setting",
         "retention")  # fmt: skip

VERDICTS = """
    SELECT rule_name, passed, failed_count, checked_count, observed, message, sample
    FROM audit.dq_results WHERE run_id = (SELECT max(run_id) FROM audit.pipeline_runs WHERE run_date = %s)
    ORDER BY rule_name"""
REJECTED = "SELECT run_date, source_table, record_id, failure_reason FROM audit.bad_records ORDER BY 1, 2, 3, 4"

# Rules of a shop's own, by what they read besides the day.
RULES = {
    "other orders": "(SELECT count(*) FROM staging.orders_clean WHERE load_date < $1)",
    "other days": "(SELECT count(*) FROM staging.loads WHERE load_date <> $1)",
    "facts of the day": "(SELECT count(*) FROM warehouse.fact_orders WHERE load_date = $1)",
    "facts of all days": "(SELECT sum(revenue) FROM warehouse.fact_orders)",
    "metrics": "(SELECT sum(fact_events_count) FROM warehouse.daily_metrics)",
    "a view": "(SELECT count(*) FROM warehouse.sales)",
    "users": "(SELECT count(*) FROM warehouse.dim_user WHERE NOT is_inferred)",
    "products": "(SELECT count(*) FROM warehouse.dim_product WHERE NOT is_inferred)",
    "the calendar": "(SELECT count(*) FROM warehouse.dim_date)",
    "a table of theirs": "(SELECT sum(number) FROM public.theirs)",
    "a function of theirs": "public.number_of_theirs()",
    "codes": "(SELECT count(*) FROM staging.codes)",
    "sales": "(SELECT count(*) FROM warehouse.order_statuses WHERE counts_as_sale)",
}
THEIRS = """
    CREATE TABLE public.theirs (number bigint NOT NULL);
    INSERT INTO public.theirs VALUES (1);
    GRANT SELECT ON public.theirs TO warehouse_checker;
    CREATE FUNCTION public.number_of_theirs() RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT sum(number)::bigint FROM public.theirs'
"""


class Copied:
    """A shop whose every run is done a second time, in a copy in which nothing is skipped."""

    def __init__(self, warehouse: Warehouse, seed: int) -> None:
        self.warehouse = warehouse
        self.random = random.Random(seed)
        self.number = 0
        self.skipped = 0
        self.ended_well = True
        self.journal: list[str] = []
        warehouse.execute(THEIRS)
        warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE rule_name LIKE '%volume_low'")

    def ended(self, connection: psycopg.Connection[Any], call: str, day: date) -> dict[str, Any]:
        """Run a day, or a step of it; return how that ended, and all that the warehouse holds then."""
        outcome = None
        try:
            connection.execute(f"CALL {call}(%s)", (day,))  # type: ignore[arg-type]
        except psycopg.Error as error:
            outcome = error.sqlstate
        cursor = connection.cursor(row_factory=tuple_row)
        rows = cursor.execute(VERDICTS, (day,)).fetchall()
        verdicts = {name: row for name, *row in rows}
        return {
            "outcome": outcome,
            "verdicts": verdicts,
            "rejected": cursor.execute(REJECTED).fetchall(),
            "tables": checksums(connection),
        }

    def run(self, day: date, call: str = "warehouse.run_day") -> str | None:
        """Run a day as it is, and in a copy where every step works; both end the same."""
        self.journal.append(f"run {day}")
        original = self.warehouse.connection.info.dbname
        self.number += 1
        name = f"{original}_copy_{self.number}"
        maintenance = make_conninfo(self.warehouse.dsn, dbname="postgres")
        self.warehouse.connection.close()
        with psycopg.connect(maintenance, autocommit=True) as server:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(original)
                )
            )
            try:
                with psycopg.connect(make_conninfo(self.warehouse.dsn, dbname=name), autocommit=True) as copy:
                    copy.execute("SET timezone = 'UTC'")
                    copy.execute("UPDATE audit.settings SET value = '0' WHERE name = 'skip_unchanged'")
                    worked = self.ended(copy, call, day)
            finally:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        self.warehouse.connection = self.warehouse.connect()
        before = self.warehouse.value("SELECT coalesce(max(work_number), 0) FROM audit.step_inputs")
        found = self.ended(self.warehouse.connection, call, day)
        said = "SELECT count(*) FROM audit.step_inputs WHERE work_number > %s"
        self.skipped += 10 - self.warehouse.value(said, before) if found["outcome"] is None else 0
        worked["tables"].pop("audit.settings", None)
        assert found == worked, "\n".join([f"SKIPS_SEED={SEED}", *self.journal])
        outcome: str | None = found["outcome"]
        self.ended_well = outcome is None
        return outcome

    # -- what changes ----------------------------------------------------------------------------------

    def deliver_orders(self, day: date) -> None:
        """Orders come: of the day, late ones, and some that another day has, too."""
        count = self.random.randint(3, 12)
        made = orders(count, day, product_id=f"P-{self.random.randint(1, 4)}")
        late = day - timedelta(self.random.randint(1, 3))
        made.append(order(f"O-{late}-1", late, quantity=self.random.randint(0, 3), status="odd"))
        self.warehouse.landing.orders(day, made)

    def deliver_events(self, day: date) -> None:
        """Events come, one of them late."""
        late = event(f"E-{day - timedelta(1)}-1", day - timedelta(1))
        self.warehouse.landing.events(day, [*events(self.random.randint(2, 9), day), late])

    def deliver_products(self, day: date) -> None:
        """A catalogue comes."""
        chosen = self.random.sample(["P-1", "P-2", "P-3", "P-4"], self.random.randint(1, 3))
        self.warehouse.landing.products(day, [product(name) for name in chosen])

    def change(self, what: str) -> None:
        """Somebody changes a table of ours, or of theirs."""
        execute, chosen = self.warehouse.execute, self.random.choice
        if what == "rule":
            name = chosen(sorted(RULES))
            execute(
                "INSERT INTO audit.dq_rules (rule_name, check_type, expression, max_value, severity, description)"
                " VALUES (%s, 'own', %s, %s, %s, '') ON CONFLICT ON CONSTRAINT dq_rules_pkey"
                " DO UPDATE SET enabled = NOT dq_rules.enabled",
                name, RULES[name], chosen((5, 50, 5000)), chosen(("critical", "warning", "warning")),
            )  # fmt: skip
        elif what == "theirs":
            execute("INSERT INTO public.theirs VALUES (%s)", self.random.randint(1, 9))
        elif what == "code":
            execute("INSERT INTO staging.codes VALUES ('order_status', 'odd', 'paid') ON CONFLICT ON CONSTRAINT"
                    " codes_pkey DO UPDATE SET canonical_value = %s", chosen(("paid", "failed")))  # fmt: skip
        elif what == "status":
            execute("UPDATE warehouse.order_statuses SET counts_as_sale = NOT counts_as_sale WHERE status = 'paid'")
        elif what == "setting":
            execute("UPDATE audit.settings SET value = %s WHERE name = 'oldest_order_days'", chosen(("2", "400")))
        elif what == "retention":
            execute("UPDATE audit.settings SET value = %s WHERE name = 'staging_keep_days'", chosen(("3", None)))
            self.warehouse.call("warehouse.compact_partitions", chosen(DAYS) + timedelta(4))


@pytest.mark.once  # what a step compares is the same on every version
@pytest.mark.long
def test_a_run_that_skips_ends_as_one_that_works(warehouse: Warehouse) -> None:
    """After changes of all that steps read, of this day and others, in any order."""
    shop = Copied(warehouse, SEED)
    deliveries: dict[str, Callable[[date], None]] = {
        "orders": shop.deliver_orders, "events": shop.deliver_events, "catalogue": shop.deliver_products,
    }  # fmt: skip
    shop.change("rule")
    shop.change("rule")
    for day in shop.random.sample(DAYS, 3):
        shop.deliver_orders(day)
        shop.deliver_events(day)
        warehouse.run(day)
    for what in [*shop.random.sample(KINDS, len(KINDS)), *shop.random.choices(KINDS, k=CHANGES)]:
        # What a step skips by is tried best on a day that has been run, and of which nothing else changes meanwhile.
        if shop.ended_well:
            warehouse.call("warehouse.run_day", day)
        changed = day if shop.random.random() < 0.4 else shop.random.choice(DAYS)
        shop.journal.append(f"{what} {changed}")
        if what in deliveries:
            deliveries[what](changed)
            warehouse.deliver(changed)
            if shop.random.random() < 0.5:
                for source in ("orders", "events", "products"):
                    warehouse.call(f"staging.clean_{source}", changed)
        else:
            shop.change(what)
        if shop.run(day) == "WH001":
            warehouse.execute("CALL audit.allow_day(%s, 'let through')", day)
            shop.run(day)
        if shop.random.random() < 0.3:
            day = changed
            shop.run(day)
    assert shop.skipped > 20, "nearly every step works: this tries nothing"
