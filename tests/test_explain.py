"""`explain` and `status` tell the truth: every line of a day is accounted for, every report of an order is told."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from tests import shop
from tests.conftest import Warehouse

PROJECT = Path(__file__).resolve().parent.parent
DAY, NEXT = date(2025, 12, 19), date(2025, 12, 20)


def glue(warehouse: Warehouse, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on a warehouse."""
    environment = os.environ | {"WAREHOUSE_DSN": warehouse.dsn, "PYTHONPATH": str(PROJECT), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "glue", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def told(warehouse: Warehouse, *arguments: str) -> Any:
    """Return what a command says as JSON."""
    done = glue(warehouse, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def two_days(warehouse: Warehouse) -> None:
    """Run two days: an order repeated, one reported again on the next day, one rejected."""
    landing = warehouse.landing
    late = shop.order("O-late", DAY)
    landing.orders(
        DAY, [*shop.orders(4, DAY), shop.order("O-twice", DAY), shop.order("O-twice", DAY, quantity=3), late,
              shop.order("O-bad", DAY, quantity=-1)]
    )  # fmt: skip
    landing.events(DAY, shop.events(5, DAY))
    landing.orders(NEXT, [*shop.orders(4, NEXT), late | {"status": "shipped"}])
    landing.events(NEXT, shop.events(5, NEXT))
    warehouse.run(DAY)
    warehouse.run(NEXT)


def test_explain_accounts_for_every_line_of_a_day(warehouse: Warehouse) -> None:
    two_days(warehouse)
    story = told(warehouse, "explain", f"{DAY}")
    counts = story["metrics"]
    assert counts["raw_order_lines_count"] == 8
    assert (counts["duplicate_orders_count"], counts["rejected_orders_count"]) == (1, 1)
    assert (counts["superseded_orders_count"], counts["fact_orders_count"]) == (1, 5)
    assert [(row["rows"], row["example"]) for row in story["rejected"]] == [(1, "-1")]
    assert [(row["by_day"], row["orders"]) for row in story["superseded"]] == [(f"{NEXT}", 1)]
    assert {row["state"] for row in story["deliveries"]} == {"in force"}
    shown = glue(warehouse, "explain", f"{DAY}").stdout
    assert "quantity is not a whole number above 0" in shown


def test_explain_tells_every_report_of_an_order(warehouse: Warehouse) -> None:
    two_days(warehouse)
    outcomes = {
        order_id: [
            report.get("outcome") or [line["outcome"] for line in report["lines"]]
            for report in told(warehouse, "explain", "order", order_id)["reports"]
        ]
        for order_id in ("O-twice", "O-late", "O-bad")
    }
    assert outcomes == {
        "O-twice": ["duplicate: a later report of the same day won", ["in fact_orders"]],
        "O-late": [[f"superseded by the report of {NEXT}"], ["in fact_orders"]],
        "O-bad": [["rejected: quantity is not a whole number above 0"]],
    }


def test_what_is_not_there_is_an_error_that_says_so(warehouse: Warehouse) -> None:
    for arguments, message in (
        (("explain", "2001-01-01"), "nothing was ever delivered or run for 2001-01-01"),
        (("explain", "order", "O-none"), "no delivery in raw has an order"),
    ):
        done = glue(warehouse, *arguments)
        assert done.returncode == 1
        assert message in done.stderr
    assert glue(warehouse, "explain", "order").returncode == 2


def test_status_shows_a_blocked_day_with_its_reason_and_the_rates(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, shop.orders(4, DAY))
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    warehouse.landing.orders(NEXT, [shop.order("O-bad", NEXT, price="9,99")])
    warehouse.landing.events(NEXT, shop.events(5, NEXT))
    warehouse.deliver(NEXT)
    assert glue(warehouse, "db", "psql", "-c", f"CALL warehouse.run_day('{NEXT}')").returncode == 1

    found = told(warehouse, "status")
    assert [run["status"] for run in found["runs"]] == ["blocked", "succeeded"]
    assert [(step["step"], step["error_sqlstate"]) for step in found["runs"][0]["steps"]] == [
        ("check_quality", "WH001")
    ]
    rates = {(row["measure"], row["days"]): row["value"] for row in found["health"]}
    assert rates["runs", 7] == 2
    assert rates["runs blocked", 30] == 50
    assert rates["size of raw", None] > 0
    assert "orders_rejected_share_max" in glue(warehouse, "status").stdout


def test_the_views_in_plain_words_sum_up_to_the_facts(warehouse: Warehouse) -> None:
    two_days(warehouse)
    facts = warehouse.row(
        "SELECT count(*) AS lines, count(DISTINCT order_id) AS orders, sum(revenue) FROM warehouse.fact_orders"
    )
    analyst = warehouse.connect("warehouse_analyst")
    lines = analyst.execute(
        "SELECT count(*) AS lines, count(DISTINCT order_id) AS orders, sum(revenue) FROM warehouse.order_lines"
    ).fetchone()
    orders = analyst.execute(
        "SELECT sum(lines) AS lines, count(*) AS orders, sum(revenue) FROM warehouse.orders"
    ).fetchone()
    days = analyst.execute("SELECT sum(revenue) FROM warehouse.days").fetchone()
    assert tuple(lines) == tuple(orders) == tuple(facts)
    assert days[0] == facts[2]
    assert analyst.execute("SELECT count(*) FROM warehouse.events").fetchone()[0] == 10
