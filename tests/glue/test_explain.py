"""`explain` and `status` tell the truth: every line of a day is accounted for, every report of an order is told."""

import contextlib
import io
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pytest_postgresql.executors.noop import NoopExecutor

from glue.cli import main
from tests import shop
from tests.conftest import Warehouse, copy_of, new_warehouse

# The command line, many times. The functions that it prints run on every version in tests/trust.
pytestmark = pytest.mark.once
DAY, NEXT = date(2025, 12, 19), date(2025, 12, 20)


class Said(NamedTuple):
    """What a command ends with, and says."""

    returncode: int
    stdout: str
    stderr: str


def glue(warehouse: Warehouse | str, *arguments: str) -> Said:
    """Run a command on a warehouse, in this process: to start another one takes longer than most commands."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.suppress(SystemExit),
    ):
        patch.setenv("WAREHOUSE_DSN", warehouse if isinstance(warehouse, str) else warehouse.dsn)
        code = 2  # of a wrong use, which ends in SystemExit
        code = main(arguments)
    return Said(code, out.getvalue(), err.getvalue())


def told(warehouse: Warehouse, *arguments: str) -> Any:
    """Return what a command says as JSON."""
    done = glue(warehouse, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Two days that ran: an order repeated, one reported again on the next day, one rejected."""
    late = shop.order("O-late", DAY)
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("loaded")) as made:
        made.landing.orders(
            DAY, [*shop.orders(4, DAY), shop.order("O-twice", DAY, status="new"),
                  shop.order("O-twice", DAY, quantity=3), late, shop.order("O-bad", DAY, quantity=-1)]
        )  # fmt: skip
        made.landing.events(DAY, shop.events(5, DAY))
        made.landing.orders(NEXT, [*shop.orders(4, NEXT), late | {"status": "shipped"}])
        made.landing.events(NEXT, shop.events(5, NEXT))
        made.run(DAY)
        made.run(NEXT)
        yield made


@pytest.fixture
def two_days(loaded: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A copy of them."""
    with copy_of(loaded, tmp_path) as copy:
        yield copy


def test_explain_accounts_for_every_line_of_a_day(two_days: Warehouse) -> None:
    story = told(two_days, "explain", f"{DAY}")
    counts = story["metrics"]
    assert counts["raw_order_lines_count"] == 8
    assert (counts["duplicate_orders_count"], counts["rejected_orders_count"]) == (1, 1)
    assert (counts["superseded_orders_count"], counts["fact_orders_count"]) == (1, 5)
    assert [(row["rows"], row["example"]) for row in story["rejected"]] == [(1, "-1")]
    assert [(row["by_day"], row["orders"]) for row in story["superseded"]] == [(f"{NEXT}", 1)]
    assert {row["state"] for row in story["deliveries"]} == {"in force"}
    shown = glue(two_days, "explain", f"{DAY}").stdout
    assert "quantity is not a number above 0" in shown


def test_explain_tells_every_report_of_an_order(two_days: Warehouse) -> None:
    outcomes = {
        order_id: [
            report.get("outcome") or [line["outcome"] for line in report["lines"]]
            for report in told(two_days, "explain", "order", order_id)["reports"]
        ]
        for order_id in ("O-twice", "O-late", "O-bad")
    }
    assert outcomes == {
        "O-twice": ["duplicate: a later report of the same day won", ["in fact_orders"]],
        "O-late": [[f"superseded by the report of {NEXT}"], ["in fact_orders"]],
        "O-bad": [["rejected: quantity is not a number above 0"]],
    }


def test_explain_tells_all_amounts_of_an_order_that_has_any(warehouse: Warehouse) -> None:
    """In the warehouse's currency and in its own; what no line has is no column."""
    warehouse.execute("UPDATE audit.settings SET value = 'EUR' WHERE name = 'currency'")
    warehouse.execute("INSERT INTO warehouse.exchange_rates VALUES ('USD', '2025-01-01', 0.9)")
    amounts = {"discount": 1, "tax": 2, "shipping": 10, "refunded": 4, "currency": "USD"}
    items = [shop.item("A", 1, 10), shop.item("B", 1, 30)]
    warehouse.landing.orders(DAY, [shop.basket("O-far", items, DAY, **amounts), shop.order("O-near", DAY)])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    (report,) = told(warehouse, "explain", "order", "O-far")["reports"]
    names = ("revenue", "discount", "tax", "shipping", "refunded", "currency", "revenue_in_currency")
    assert [tuple(str(line[name]) for name in names) for line in report["lines"]] == [
        ("8.775", "0.225", "0.45", "2.25", "0.9", "USD", "9.75"),
        ("26.325", "0.675", "1.35", "6.75", "2.7", "USD", "29.25"),
    ]
    said = glue(warehouse, "explain", "order", "O-far").stdout
    assert all(name in said for name in names)
    near = glue(warehouse, "explain", "order", "O-near").stdout
    assert [name for name in names if name in near] == ["revenue", "currency"]


def test_explain_says_in_a_sentence_why_a_weekday_is_low(warehouse: Warehouse) -> None:
    days = [DAY - timedelta(days=7 * weeks) for weeks in (2, 1, 0)]
    for day in days:
        made = shop.orders(10, day)
        if day == DAY:
            made = [order | ({"status": "authorised"} if number < 2 else {}) for number, order in enumerate(made)]
        warehouse.landing.orders(day, made)
        warehouse.landing.events(day, shop.events(5, day))
        warehouse.run(day)
    assert [
        (row["delivered"], row["rejected"], row["sold"]) for row in told(warehouse, "explain", f"{DAY}")["weekdays"]
    ] == [(10, 2, 8), (10, 0, 10), (10, 0, 10)]
    shown = glue(warehouse, "explain", f"{DAY}").stdout
    assert "Net revenue is 20% below usual, mostly due to 2 more lines rejected.\n" in shown
    # The next command to type has the value in it.
    assert "VALUES ('order_status', 'authorised', 'ONE OF warehouse.order_statuses')" in shown
    assert "about that of the Fridays before" in glue(warehouse, "explain", f"{days[1]}").stdout


def test_a_value_of_a_file_is_no_part_of_a_command_that_somebody_may_paste(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, [*shop.orders(9, DAY), shop.order("O-bad", DAY, status="x'); $(reboot) \";")])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    hint = next(line for line in glue(warehouse, "explain", f"{DAY}").stdout.splitlines() if "staging.codes (" in line)
    assert "reboot" not in hint
    assert "'ITS VALUE'" in hint


def test_advice_and_examples_are_made_of_the_faults_own_value(warehouse: Warehouse) -> None:
    """A line may have several faults: the value of one is no example of another."""
    wrong = {"timestamp": "soon", "status": "On-Hold"}
    warehouse.landing.orders(
        DAY, [*shop.orders(9, DAY), shop.order("O-1", DAY) | wrong, shop.order("O-2", DAY, quantity=0) | wrong]
    )
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    reasons = {
        row["failure_reason"].partition(",")[0]: (row["rows"], row["example"], row["first_at"])
        for row in told(warehouse, "explain", f"{DAY}")["rejected"]
    }
    place = next(f"{path.name}:10" for path in (warehouse.landing.folder / "orders" / f"{DAY}").iterdir())
    assert reasons == {
        "timestamp is not an ISO 8601 time": (2, "soon", place),
        "status is not in staging.codes": (2, "On-Hold", place),
        "quantity is not a number above 0": (1, "0", place.replace(":10", ":11")),
    }
    shown = glue(warehouse, "explain", f"{DAY}").stdout
    assert "VALUES ('order_status', 'on-hold', 'ONE OF warehouse.order_statuses')" in shown
    assert "'soon'" not in shown


def test_an_example_stands_where_the_story_says_it_stands(warehouse: Warehouse) -> None:
    bad = [shop.order(f"O-bad-{number}", DAY, price=price) for number, price in enumerate("yxy")]
    warehouse.landing.orders(DAY, [*bad, *shop.orders(9, DAY)])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    (row,) = told(warehouse, "explain", f"{DAY}")["rejected"]
    assert (row["rows"], row["example"], row["first_at"].partition(":")[2]) == (3, "y", "1")


def test_the_advice_about_a_status_is_one_that_works(warehouse: Warehouse) -> None:
    """A status that is in staging.codes already is not to be inserted again."""

    def advice() -> str:
        lines = glue(warehouse, "explain", f"{DAY}").stdout.splitlines()
        return next(line for line in lines if "status" in line and line.startswith("Next: "))

    def take(line: str, word: str) -> None:
        statement = line.split('-c "')[1].split('"')[0]
        warehouse.execute(statement.replace("ONE OF warehouse.order_statuses", word))

    warehouse.landing.orders(DAY, [*shop.orders(9, DAY), shop.order("O-1", DAY, status="On-Hold")])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    assert "INSERT INTO staging.codes" in advice()
    take(advice(), "waiting")
    # It is mapped to what is no status.
    assert "UPDATE staging.codes" in advice()
    take(advice(), "pending")
    assert advice() == f"Next: the status is mapped now: warehouse run {DAY}"
    warehouse.call("warehouse.run_day", DAY)
    assert "Next: " not in glue(warehouse, "explain", f"{DAY}").stdout


def test_a_day_that_is_blocked_after_it_was_loaded_keeps_its_facts_and_explain_says_so(two_days: Warehouse) -> None:
    two_days.landing.orders(NEXT, [shop.order(f"O-{number}", NEXT, price="9,99") for number in range(5)])
    two_days.deliver(NEXT)
    with pytest.raises(psycopg.Error, match="is blocked"):
        two_days.call("warehouse.run_day", NEXT)
    shown = glue(two_days, "explain", f"{NEXT}").stdout
    assert "The facts of orders are those of an earlier run: the day is blocked." in shown
    assert "clean lines of orders are not in the facts" not in shown
    assert f"{NEXT} is not loaded (blocked): warehouse explain {NEXT}" in glue(two_days, "status").stdout


def test_an_order_that_was_never_cleaned_is_found_without_a_search_of_all_of_raw(two_days: Warehouse) -> None:
    after = NEXT + timedelta(days=1)
    two_days.landing.orders(after, [shop.order("O-new", after), shop.order("O-late", after)])
    two_days.deliver(after)
    outcomes = {
        order_id: [report.get("outcome") for report in told(two_days, "explain", "order", order_id)["reports"]]
        for order_id in ("O-new", "O-late")
    }
    assert outcomes == {"O-new": ["not cleaned yet"], "O-late": [None, None, "not cleaned yet"]}
    # A delivery that was replaced is searched when nothing else knows the order.
    two_days.landing.orders(after, [shop.order("O-other", after)])
    two_days.landing.events(after, shop.events(5, after))
    two_days.run(after)
    reports = told(two_days, "explain", "order", "O-new")["reports"]
    assert [report["outcome"] for report in reports] == ["not in force: the file was delivered again"]

    for days, searched in (([], [after]), ([DAY], [DAY])):
        found = two_days.rows("SELECT run_date FROM audit._deliveries_to_search(%s::date[], 100)", days)
        assert [row.run_date for row in found] == searched


def test_what_is_not_there_is_an_error_that_says_so(warehouse: Warehouse) -> None:
    for arguments, message in (
        (("explain", "2001-01-01"), "nothing was ever delivered or run for 2001-01-01"),
        (("explain", "order", "O-none"), "no delivery in raw has an order"),
    ):
        done = glue(warehouse, *arguments)
        assert done.returncode == 1
        assert message in done.stderr
    assert glue(warehouse, "explain", "order").returncode == 2


def test_a_warehouse_that_nothing_was_run_in_says_what_to_do(warehouse: Warehouse) -> None:
    shown = glue(warehouse, "status")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Nothing has run yet" in shown.stdout
    assert "warehouse run DATE" in shown.stdout
    assert told(warehouse, "status")["runs"] == []
    health = {(row["measure"], row["days"]): row["value"] for row in told(warehouse, "status")["health"]}
    assert (health["runs", 7], health["records delivered", 30], health["runs succeeded", 7]) == (0, 0, None)
    assert glue(warehouse, "explain", f"{DAY}").returncode == 1
    assert glue(warehouse, "explain", "order", "O-1").returncode == 1


def test_a_database_that_is_no_warehouse_says_how_to_make_it_one(warehouse: Warehouse) -> None:
    empty = make_conninfo(warehouse.dsn, dbname="template1")
    for arguments in (("status",), ("explain", f"{DAY}"), ("explain", "order", "O-1"), ("run", f"{DAY}")):
        done = glue(empty, *arguments)
        assert done.returncode == 1
        assert "warehouse migrate" in done.stderr


def test_status_shows_a_blocked_day_with_its_reason_and_the_rates(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, shop.orders(4, DAY))
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    warehouse.landing.orders(NEXT, [shop.order("O-bad", NEXT, price="9,99")])
    warehouse.landing.events(NEXT, shop.events(5, NEXT))
    warehouse.deliver(NEXT)
    with pytest.raises(psycopg.Error, match="is blocked"):
        warehouse.call("warehouse.run_day", NEXT)

    found = told(warehouse, "status")
    assert [run["status"] for run in found["runs"]] == ["blocked", "succeeded"]
    assert [(step["step"], step["error_sqlstate"]) for step in found["runs"][0]["steps"]] == [
        ("check_quality", "WH001")
    ]
    rates = {(row["measure"], row["days"]): row["value"] for row in found["health"]}
    assert rates["runs", 7] == 2
    assert rates["runs blocked", 30] == 50
    assert rates["size of raw", None] > 0
    shown = glue(warehouse, "status").stdout
    assert "orders_rejected_share_max" in shown
    assert f"{NEXT} is not loaded (blocked)" in shown
    # What was mended is no news.
    warehouse.landing.orders(NEXT, shop.orders(4, NEXT))
    warehouse.run(NEXT)
    shown = glue(warehouse, "status").stdout
    assert "orders_rejected_share_max" not in shown
    assert "is not loaded" not in shown


def test_status_knows_a_run_whose_session_died_from_one_that_runs(warehouse: Warehouse) -> None:
    def statuses() -> list[str]:
        return [run["status"] for run in told(warehouse, "status")["runs"]]

    with psycopg.connect(warehouse.dsn, autocommit=True) as runner:
        warehouse.landing.orders(DAY, shop.orders(4, DAY))
        warehouse.deliver(DAY)
        step_id = runner.execute("SELECT s.step_id FROM audit._start_step('clean_orders', %s) AS s", (DAY,)).fetchone()
        assert step_id
        assert statuses() == ["running"]
    deadline = time.monotonic() + 60
    while statuses() == ["running"] and time.monotonic() < deadline:
        pass  # the server has not noticed yet
    assert statuses() == ["died"]
    assert "clean_orders died\n  the session that ran it ended; run the day again" in glue(warehouse, "status").stdout


def test_the_views_in_plain_words_sum_up_to_the_facts(two_days: Warehouse) -> None:
    facts = two_days.row(
        "SELECT count(*) AS lines, count(DISTINCT order_id) AS orders, sum(revenue) FROM warehouse.fact_orders"
    )
    analyst = two_days.connect("warehouse_analyst")
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


def test_the_story_of_a_day_is_told_in_psql_to_an_analyst_too(two_days: Warehouse) -> None:
    analyst = two_days.connect("warehouse_analyst")
    story = analyst.execute("SELECT section, place, told FROM audit.day_story(%s)", (DAY,)).fetchall()
    assert [row for row in story if row.section in ("day", "lines", "rejected", "superseded", "next")] == [
        ("day", 1, "Friday, 2025-12-19: succeeded; runs so far: 1"),
        (
            "lines",
            1,
            "orders: 8 delivered - 1 duplicate - 1 rejected = 6 clean - 1 superseded = 5 in the facts",
        ),
        (
            "lines",
            2,
            "events: 5 delivered - 0 duplicate - 0 rejected = 5 clean - 0 superseded = 5 in the facts",
        ),
        ("rejected", 1, "1 of orders: quantity is not a number above 0: -1; at orders.json:8"),
        ("superseded", 1, "by 2025-12-20: 1 orders, 1 lines, revenue 19.98"),
        (
            "next",
            1,
            "each rejected line as it was delivered: SELECT * FROM audit.bad_records WHERE run_date = '2025-12-19'",
        ),
    ]
    nothing = analyst.execute("SELECT told FROM audit.day_story('2001-01-01')").fetchall()
    assert nothing == [("nothing was ever delivered or run for 2001-01-01",)]


def test_an_analyst_is_told_the_story_of_an_order_and_nothing_of_its_person(warehouse: Warehouse) -> None:
    warehouse.landing.orders(DAY, [shop.order("O-1", DAY, user_id="U-secret", city="Secretville")])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    analyst = warehouse.connect("warehouse_analyst")
    (line,) = analyst.execute("SELECT * FROM audit.order_story('O-1')").fetchall()
    assert (line.load_date, line.file_line, line.status, line.outcome) == (DAY, 1, "paid", "in fact_orders")
    assert "secret" not in str(line).lower()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("SELECT * FROM raw.orders_json")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("SELECT * FROM audit._order_lines('O-1')")


def test_every_statement_of_the_advice_can_be_run_as_it_stands(warehouse: Warehouse) -> None:
    """Whatever a file has in it: a value is a literal, and each statement is one that the database takes."""
    warehouse.landing.orders(DAY, [shop.order(f"O-{number}", DAY, status="on hold") for number in range(3)])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.deliver(DAY)
    advice = "SELECT advice, statement, then_run FROM audit.day_advice(%s)"
    assert warehouse.rows(advice, DAY) == [("run the day", None, True)]
    with pytest.raises(psycopg.Error, match="is blocked"):
        warehouse.call("warehouse.run_day", DAY)
    found = warehouse.rows(advice, DAY)
    assert [row.advice for row in found] == [
        "deliver a corrected file under the same name, and run the day",
        "or let it through",
        "say what the status means",
        "each rejected line as it was delivered",
    ]
    for row in found:
        if row.statement:
            warehouse.execute(row.statement)
    assert warehouse.value("SELECT reason FROM audit.dq_overrides") == "why"
    assert warehouse.value("SELECT count(*) FROM staging.codes WHERE source_value = 'on hold'") == 1


def test_what_retention_dropped_is_told_from_what_is_left(two_days: Warehouse) -> None:
    before = {order: two_days.rows("SELECT * FROM audit.order_story(%s)", order) for order in ("O-late", "O-bad")}
    day_before = two_days.rows("SELECT * FROM audit.day_story(%s)", DAY)
    two_days.execute("UPDATE audit.settings SET value = '0' WHERE name IN ('raw_keep_days', 'staging_keep_days')")
    two_days.call("warehouse.compact_partitions", date(2026, 1, 1))
    assert two_days.value("SELECT count(*) FROM raw.orders_json") == 0
    assert two_days.value("SELECT count(*) FROM staging.orders_clean") == 0
    assert two_days.rows("SELECT * FROM audit.day_story(%s)", DAY) == day_before
    for order, lines in before.items():
        left = two_days.rows("SELECT * FROM audit.order_story(%s)", order)
        assert [(row.load_date, row.line_number, row.revenue, row.outcome) for row in left] == [
            (row.load_date, row.line_number, row.revenue, row.outcome) for row in lines
        ]
        assert f"Order {order}: reports: {len(lines)}" in glue(two_days, "explain", "order", order).stdout


def test_an_order_is_found_whatever_its_file_wrote_around_its_id(warehouse: Warehouse) -> None:
    """Escapes, blanks, numbers, and signs that no text of PostgreSQL can hold."""
    written = {
        "Ö-1": b'"\\u00d6-1", "status": "paid"',
        "O-😀": b'"O-\\ud83d\\ude00", "status": "paid"',
        "O-2": b'" O-2\\t", "status": "pa\\u0000id"',
        "O-3": b'"O-3", "status": "\\\\u0000 \\ud83d\\ude00 \\udc00"',
        "4": b'4, "status": ["paid"]',
        'O-"5': b'"O-\\"5", "status": 1.50',
        "Ä-6": '"Ä-6", "status": "new"'.encode(),
    }
    lines = b"".join(b'{"order_id": %s}\n' % fields for fields in written.values())
    warehouse.landing.put("orders", DAY, "orders.ndjson", lines)
    warehouse.deliver(DAY)
    found = {order: warehouse.row("SELECT * FROM audit.order_story(%s)", order).status for order in written}
    assert found == {
        "Ö-1": "paid", "O-😀": "paid", "O-2": "pa�id", "O-3": "\\u0000 😀 �", "4": None, 'O-"5': "1.50",
        "Ä-6": "new",
    }  # fmt: skip


def test_a_day_is_compared_with_the_usual_of_its_weekday_and_with_nothing_else(warehouse: Warehouse) -> None:
    """Of eight weeks before, one of them expected to be other: what is usual is the day in the middle."""
    days = [DAY - timedelta(days=7 * weeks) for weeks in (9, 4, 3, 1, 0)]
    for day, count in zip(days, (50, 8, 4, 3, 5), strict=True):
        warehouse.landing.orders(day, shop.orders(count, day))
        warehouse.landing.events(day, shop.events(5, day))
        warehouse.run(day)
    assert warehouse.value("SELECT audit.usual_days(%s)", DAY) == [DAY - timedelta(weeks=weeks) for weeks in (1, 3, 4)]
    compared = warehouse.rows("SELECT what, run_date, sold, in_words FROM audit.day_compared(%s)", DAY)
    assert [(row.what, row.sold) for row in compared] == [
        ("this day", 5), ("before", 3), ("before", 4), ("before", 8), ("usual", 4), ("difference", 1),
    ]  # fmt: skip
    assert compared[-1].in_words == "Net revenue is 25% above usual, mostly due to 1 more lines delivered."
    warehouse.execute("INSERT INTO audit.expected_days VALUES (%s, %s, 'sale')", days[3], days[3])
    assert warehouse.value("SELECT audit.usual_days(%s)", DAY) == [DAY - timedelta(weeks=weeks) for weeks in (3, 4)]
    usual = "SELECT sold FROM audit.day_compared(%s) WHERE what = 'usual'"
    assert warehouse.value(usual, DAY) == 6  # the mean of the two in the middle
    warehouse.execute("DELETE FROM audit.expected_days")
    (alone,) = warehouse.rows("SELECT what FROM audit.day_compared(%s)", days[0])
    assert alone.what == "this day"
    # Nothing is no yardstick.
    warehouse.execute("UPDATE warehouse.order_statuses SET counts_as_sale = false")
    for day in days[1:4]:
        warehouse.call("warehouse.run_day", day)
    warehouse.execute("UPDATE warehouse.order_statuses SET counts_as_sale = true")
    assert warehouse.rows("SELECT in_words FROM audit.day_compared(%s)", DAY)[-1].in_words == (
        "The Fridays before had no net revenue."
    )


def test_a_story_touches_the_partitions_of_its_days_and_no_others(two_days: Warehouse) -> None:
    """A lock per partition and index of a long history would be more than a server has."""
    for days in (30, 8, 2):
        day = DAY - timedelta(days=days)
        two_days.landing.orders(day, shop.orders(3, day))
        two_days.landing.events(day, shop.events(3, day))
        two_days.run(day)

    def touched(query: str) -> set[str]:
        with two_days.connection.transaction():
            two_days.execute(query)
            return {row.name for row in two_days.rows(
                "SELECT c.relname AS name FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE l.pid = pg_backend_pid() AND c.relispartition AND c.relkind = 'r'"
            )}  # fmt: skip

    facts = "fact_orders_p_2025_12_19"
    # The figures of days are kept beside the facts.
    assert touched(f"SELECT * FROM audit.day_story('{DAY}')") == set()
    assert touched("SELECT * FROM audit.order_story('O-twice')") == {
        facts, "orders_clean_p_2025_12_19", "orders_json_p_2025_12",
    }  # fmt: skip
    assert touched("SELECT * FROM audit.order_story('O-late')") == {
        "orders_clean_p_2025_12_19", "orders_clean_p_2025_12_20", "fact_orders_p_2025_12_20", "orders_json_p_2025_12",
    }  # fmt: skip


@pytest.mark.parametrize("is_dropped", [False, True])
def test_the_values_of_all_reasons_go_with_a_person_who_is_erased(warehouse: Warehouse, *, is_dropped: bool) -> None:
    faults = shop.order("O-1", DAY, user_id="U-secret", quantity=0, price='of "U-secret"')
    warehouse.landing.orders(DAY, [*shop.orders(9, DAY), faults, shop.order("O-2", DAY, quantity=0, price="x")])
    warehouse.landing.events(DAY, shop.events(5, DAY))
    warehouse.run(DAY)
    kept = "SELECT record_id, failed_values::text FROM audit.bad_records ORDER BY record_id"
    assert "secret" in warehouse.rows(kept)[0].failed_values
    if is_dropped:
        warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name IN ('raw_keep_days', 'staging_keep_days')")
        warehouse.call("warehouse.compact_partitions", date(2026, 1, 1))
    warehouse.call("audit.erase_user", "U-secret", "asked for it")
    first, second = warehouse.rows(kept)
    assert first.failed_values is None
    assert "price" in second.failed_values
    assert "secret" not in str(warehouse.rows("SELECT * FROM audit.bad_records"))
    assert "secret" not in str(warehouse.rows("SELECT * FROM audit.rejected_reasons"))
