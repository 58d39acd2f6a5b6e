"""The command line: what it says, where, and with which exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from glue import cli
from glue.run import Turns
from tests import shop
from tests.conftest import Warehouse

# What is said and how a command ends is Python's and libpq's; what the steps do is tried on every version elsewhere.
pytestmark = pytest.mark.once

DAY = date(2025, 12, 19)
PROJECT = Path(__file__).resolve().parents[2]
Glue = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(warehouse: Warehouse) -> dict[str, str]:
    """An environment that knows the test's warehouse and landing zone, and nothing else of the sort."""
    ours = ("PG", "WAREHOUSE_", "LANDING_", "PRODUCTS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"WAREHOUSE_DSN": warehouse.dsn, "LANDING_URL": str(warehouse.landing.folder)}


@pytest.fixture
def glue(environment: dict[str, str]) -> Glue:
    """`glue(…)`: run `python -m glue …` and return what came of it."""

    def run(*arguments: object, **changes: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "glue", *map(str, arguments)]
        return subprocess.run(
            command, cwd=PROJECT, env=environment | changes, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def deliver_day(warehouse: Warehouse, day: date, count: int = 120) -> None:
    warehouse.landing.orders(day, shop.orders(count, day))
    warehouse.landing.events(day, shop.events(count, day))
    warehouse.landing.products(day, [shop.product(f"P-{number}") for number in range(7)])


# -- a day ---------------------------------------------------------------------------------------------------


def test_run_takes_a_day_from_its_files_to_its_metrics(warehouse: Warehouse, glue: Glue) -> None:
    deliver_day(warehouse, DAY)
    done = glue("run", DAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"orders {DAY}: orders.json: 120 rows, " in done.stdout
    assert f"clean_orders {DAY}: 120 in, 120 out" in done.stdout
    ended = done.stdout.splitlines()[-1]
    assert ended.startswith(f"{DAY} succeeded after ")
    assert ": 120 order lines and 120 events in the facts, 0 rejected, net revenue 2,397.60" in ended
    assert warehouse.row("SELECT status, fact_orders_count FROM warehouse.daily_metrics") == ("succeeded", 120)


def test_extract_says_what_became_of_each_file(warehouse: Warehouse, glue: Glue) -> None:
    warehouse.landing.put("orders", DAY, "a.ndjson", "1\ntru\n")
    warehouse.landing.put("orders", DAY, "b.json", "[1,")
    done = glue("extract", "orders", DAY)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"orders {DAY}: a.ndjson: 1 rows, 1 rejected, 6 bytes",
        f"orders {DAY}: b.json: REFUSED, nothing of it is loaded: "
        "not a JSON array: it ends too early (element 2, at byte 3)",
    ]
    assert glue("extract", "orders", DAY).stdout.count("the same bytes as before; nothing to do") == 2


def test_a_day_that_the_gate_blocks_ends_with_3_and_says_what_to_do(warehouse: Warehouse, glue: Glue) -> None:
    warehouse.landing.orders(DAY, shop.orders(10, DAY))
    done = glue("run", DAY)
    assert done.returncode == 3
    assert "(WH001)" in done.stderr
    assert "DETAIL: " in done.stderr
    assert "HINT: " in done.stderr
    assert "audit.allow_day" in done.stderr
    assert done.stderr.count(f"{DAY} is blocked") == 1
    assert f"Next: warehouse explain {DAY}" in done.stderr
    assert f"nothing was delivered in {warehouse.landing.folder}/events/{DAY}" in done.stdout


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_cannot_be_read_fails_the_day_before_it_is_judged_and_keeps_no_other_source_out(
    warehouse: Warehouse, glue: Glue, jobs: int
) -> None:
    deliver_day(warehouse, DAY)
    warehouse.landing.put("orders", DAY, "orders.json.gz", "[]")
    done = glue("run", DAY, "--jobs", jobs)
    assert done.returncode == 1
    fault = f"orders of {DAY}: orders.json and orders.json.gz are the same delivery twice; remove one"
    assert fault in done.stderr
    assert warehouse.row("SELECT status, error FROM audit.pipeline_runs") == ("failed", f"extract_orders: {fault}")
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "failed"
    steps = warehouse.rows("SELECT step, status, rows_out, error_sqlstate FROM audit.pipeline_steps ORDER BY step_id")
    in_order = [
        ("open_run", "succeeded", 0, None),
        ("extract_orders", "failed", 0, "58030"),
        ("extract_events", "succeeded", 120, None),
        ("clean_events", "succeeded", 120, None),
        ("extract_products", "succeeded", 7, None),
        ("clean_products", "succeeded", 7, None),
    ]
    assert (steps if jobs == 1 else sorted(steps)) == (in_order if jobs == 1 else sorted(in_order))

    # Mended, the day is run again, as a run of its own.
    (warehouse.landing.path("orders", DAY) / "orders.json.gz").unlink()
    assert glue("run", DAY, "--jobs", jobs).returncode == 0
    statuses = warehouse.rows("SELECT status FROM audit.pipeline_runs ORDER BY run_id")
    assert [status for (status,) in statuses] == ["failed", "succeeded"]
    assert warehouse.value("SELECT count(*) FROM audit.pipeline_steps WHERE step = 'open_run'") == 2
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"


def test_without_its_catalogue_a_day_is_loaded_and_the_failure_is_told(warehouse: Warehouse, glue: Glue) -> None:
    today = datetime.now(UTC).date()
    warehouse.landing.orders(today, shop.orders(120, today, timestamp=f"{today}T00:00:00Z"))
    warehouse.landing.events(today, shop.events(120, today, event_ts=f"{today}T00:00:00Z"))
    nobody = "http://127.0.0.1:1/products"
    done = glue("run", today, PRODUCTS_API_URL=nobody)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"{today} succeeded without its catalogue after ")
    assert nobody in done.stderr
    assert warehouse.row("SELECT status, fact_orders_count FROM warehouse.daily_metrics") == ("succeeded", 120)
    assert warehouse.row("SELECT status, error FROM audit.pipeline_runs") == ("succeeded", None)
    step = warehouse.row("SELECT * FROM audit.pipeline_steps WHERE status <> 'succeeded'")
    assert (step.step, step.status, step.error_sqlstate) == ("extract_products", "failed", "58030")
    assert nobody in step.error_message
    assert "extract_products failed (58030)" in glue("status").stdout

    # With one, the same products are known by name: what was loaded without waits for nothing.
    warehouse.landing.products(today, [shop.product(f"P-{number}") for number in range(7)])
    assert glue("run", today, PRODUCTS_API_URL=nobody).returncode == 0
    inferred = warehouse.rows("SELECT product_id FROM warehouse.dim_product WHERE is_inferred")
    assert inferred == [("(none)",)]


def test_a_range_goes_on_after_a_bad_day_and_names_it_at_the_end(warehouse: Warehouse, glue: Glue) -> None:
    days = [DAY + timedelta(days=number) for number in range(5)]
    for day in (days[0], days[4]):
        deliver_day(warehouse, day)
    warehouse.landing.orders(days[1], shop.orders(10, days[1]))
    warehouse.landing.put("orders", days[3], "x.json", "")
    warehouse.landing.put("orders", days[3], "x.json.gz", "")
    done = glue("run", "--from", days[0], "--to", days[4], "--jobs", 2)
    assert done.returncode == 1
    assert f"{days[2]} skipped: nothing was delivered in {warehouse.landing.folder}" in done.stdout
    assert "clean_orders" not in done.stdout  # of a range the steps are not told
    assert "5 days: 2 succeeded, 1 failed, 1 blocked, 1 skipped" in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [re.search(r"\d{4}-\d\d-\d\d", line)[0] for line in errors] == [f"{days[3]}", f"{days[1]}"]
    statuses = warehouse.rows("SELECT run_date, status FROM warehouse.daily_metrics ORDER BY 1")
    ended = {0: "succeeded", 1: "blocked", 3: "failed", 4: "succeeded"}
    assert statuses == [(days[number], status) for number, status in ended.items()]


def test_a_range_with_blocked_days_only_ends_with_3(warehouse: Warehouse, glue: Glue) -> None:
    warehouse.landing.orders(DAY, shop.orders(10, DAY))
    assert glue("run", "--from", DAY, "--to", DAY + timedelta(days=1)).returncode == 3


def test_without_its_url_the_products_api_is_an_error_only_for_who_needs_it(warehouse: Warehouse, glue: Glue) -> None:
    today = datetime.now(UTC).date()
    done = glue("extract", "products", today)
    assert done.returncode == 2
    assert done.stderr == "error: PRODUCTS_API_URL is not set: there is nobody to ask for a catalogue\n"
    warehouse.landing.orders(today, shop.orders(10, today))
    done = glue("run", today)
    assert f"products {today}: skipped: PRODUCTS_API_URL is not set" in done.stdout
    assert done.returncode == 3


# -- wrong use -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required"),
        (("frobnicate",), "invalid choice"),
        (("extract", "users", "2025-12-19"), "invalid choice: 'users'"),
        (("extract", "orders"), "required: DATE"),
        (("run",), "name a DATE, or both --from and --to"),
        (("run", "--from", "2025-12-19"), "name a DATE, or both --from and --to"),
        (("run", "2025-12-19", "--from", "2025-12-18", "--to", "2025-12-19"), "name a DATE, or both"),
        (("run", "--from", "2025-12-19", "--to", "2025-12-18"), "--from is after --to"),
        (("run", "2025-02-30"), "'2025-02-30' is no date like 2025-12-19"),
        (("run", "--from", "2025-12-18", "--to", "2025-12-19", "--jobs", "0"), "'0' is no number from 1 on"),
        (("db", "stop", "now"), "stop takes no arguments"),
    ],
)
def test_wrong_use_is_explained_and_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("command", [(), ("extract",), ("run",), ("status",), ("db",), ("migrate",)])
def test_help_teaches(capsys: pytest.CaptureFixture[str], command: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "usage: warehouse" in printed
    assert command in ((), ("status",), ("migrate",)) or "examples:\n  warehouse" in printed


def test_the_shell_gets_the_exit_code_of_wrong_use_and_of_help(glue: Glue) -> None:
    assert (glue("frobnicate").returncode, glue("--help").returncode) == (2, 0)


# -- the database ------------------------------------------------------------------------------------------------


def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(glue: Glue) -> None:
    for command in (("status",), ("run", DAY), ("extract", "orders", DAY), ("migrate",)):
        done = glue(*command, WAREHOUSE_DSN="postgresql://u:s3cret@127.0.0.1:1/x")
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert "s3cret" not in done.stderr + done.stdout
        assert "Traceback" not in done.stderr


def test_a_database_that_is_no_warehouse_is_told_how_to_become_one(
    glue: Glue, empty_database: Any, warehouse: Warehouse
) -> None:
    info = empty_database.info
    dsn = make_conninfo(host=info.host, port=info.port, user=info.user, dbname=info.dbname)
    warehouse.landing.put("orders", DAY, "o.json", "[]")
    for command in (("status",), ("extract", "orders", DAY)):
        done = glue(*command, WAREHOUSE_DSN=dsn)
        assert done.returncode == 1
        assert "HINT: Is this database a warehouse of this release? warehouse migrate" in done.stderr
    done = glue("migrate", WAREHOUSE_DSN=dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert glue("extract", "orders", DAY, WAREHOUSE_DSN=dsn).returncode == 0


def test_the_database_may_be_named_in_libpqs_way(warehouse: Warehouse, glue: Glue) -> None:
    info = warehouse.connection.info
    warehouse.landing.put("orders", DAY, "o.json", "[1]")
    names = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGDATABASE": info.dbname}
    assert glue("extract", "orders", DAY, WAREHOUSE_DSN="", **names).returncode == 0
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") == 1


def test_psql_comes_along_where_the_machine_has_none(warehouse: Warehouse, glue: Glue) -> None:
    done = glue("db", "psql", "-XAtc", "SELECT 1", PATH="/nowhere")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_psql_opens_the_warehouse_and_nobody_sees_the_password(warehouse: Warehouse, glue: Glue) -> None:
    dsn = make_conninfo(warehouse.dsn, password="s3cret")
    done = glue("db", "psql", "-XAtc", "SELECT count(*) FROM raw.orders_json", WAREHOUSE_DSN=dsn)
    assert (done.returncode, done.stdout) == (0, "0\n")
    done = glue("db", "psql", "-XAtc", r"\! tr '\0' ' ' </proc/$PPID/cmdline", WAREHOUSE_DSN=dsn)
    assert "psql" in done.stdout
    assert "s3cret" not in done.stdout


# -- Ctrl-C --------------------------------------------------------------------------------------------------------


def test_the_steps_of_a_day_side_by_side_come_to_the_same(warehouse: Warehouse, glue: Glue) -> None:
    deliver_day(warehouse, DAY)
    done = glue("run", DAY, "--jobs", 3)
    assert done.returncode == 0, done.stderr
    told = [line.split()[0] for line in done.stdout.splitlines()]
    sums = shop.checksums(warehouse.connection)
    steps = "SELECT step FROM audit.pipeline_steps WHERE run_id = (SELECT max(run_id) FROM audit.pipeline_runs)"
    first = {row.step for row in warehouse.rows(steps)}
    warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name = 'skip_unchanged'")
    done = glue("run", DAY, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert {row.step for row in warehouse.rows(steps)} == first
    assert shop.checksums(warehouse.connection) == sums
    # They are told in the same order.
    assert told == [line.split()[0] for line in done.stdout.splitlines()]
    assert told[:7] == ["open_run", "orders", "clean_orders", "events", "clean_events", "products", "clean_products"]
    # A blocked day and a file that cannot be read end as they do one after the other.
    next_day = DAY + timedelta(days=1)
    warehouse.landing.orders(next_day, shop.orders(10, next_day))
    assert glue("run", next_day, "--jobs", 3).returncode == 3
    (warehouse.landing.path("events", next_day) / "events.csv").mkdir(parents=True)
    assert glue("run", next_day, "--jobs", 3).returncode == 1


def test_what_is_done_side_by_side_is_told_in_order_and_all_of_it() -> None:
    told: list[str] = []
    turns = Turns(told.append, 3)
    turns.say(2, "third")
    turns.say(1, "second")
    turns.end(2)
    turns.say(0, "first")
    assert told == ["first"]
    turns.end(0)
    assert told == ["first", "second"]
    turns.say(1, "second again")
    turns.end(1)
    assert told == ["first", "second", "second again", "third"]


@pytest.mark.parametrize(
    ("events", "file", "allowed", "share", "smaller"),
    [
        (3000, "events.csv", "2", "0", "orders"),
        (3000, "events.csv", "5", "1", "orders"),
        (3000, "events.csv", "8", "2", "orders"),
        (0, "events.csv", "2", "0", "events"),
        (3000, "clicks.log", "2", "0", "orders"),  # of which only a shape knows that it is a delivery
    ],
)
def test_days_side_by_side_use_a_core_each_and_the_steps_of_a_day_s_smaller_source_their_share_of_the_workers(
    warehouse: Warehouse, glue: Glue, events: int, file: str, allowed: str, share: str, smaller: str
) -> None:
    warehouse.execute("INSERT INTO staging.shapes (shape, source, file_pattern) VALUES ('clicks', 'events', '*.log')")
    database = warehouse.value("SELECT quote_ident(current_database())")
    warehouse.execute(f"ALTER DATABASE {database} SET max_parallel_workers = {allowed}")
    warehouse.execute(f"ALTER DATABASE {database} SET max_parallel_workers_per_gather = 2")
    days = [DAY + timedelta(days=number) for number in range(3)]
    for day in days:
        deliver_day(warehouse, day)
        warehouse.landing.events(day, shop.events(events, day), file)
    warehouse.execute("UPDATE audit.dq_rules SET severity = 'warning'")  # of a day without events, too
    warehouse.execute("CREATE TABLE public.sessions (step text, pid integer, workers text, builders text)")
    warehouse.execute("GRANT INSERT ON public.sessions TO PUBLIC")
    warehouse.execute(
        "CREATE FUNCTION public.note_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO public.sessions VALUES (NEW.step, pg_backend_pid(),"
        " current_setting('max_parallel_workers_per_gather'), current_setting('max_parallel_maintenance_workers'));"
        " RETURN NEW; END $$"
    )
    warehouse.execute(
        "CREATE TRIGGER note_session BEFORE INSERT ON audit.pipeline_steps"
        " FOR EACH ROW EXECUTE FUNCTION public.note_session()"
    )
    found = (
        "SELECT count(DISTINCT pid) AS sessions, array_agg(DISTINCT workers) AS workers,"
        " array_agg(DISTINCT builders) AS builders FROM public.sessions"
    )
    builders = warehouse.value("SHOW max_parallel_maintenance_workers")

    assert glue("run", DAY).returncode == 0
    one_day = warehouse.row(found)
    assert one_day.builders == [builders]
    workers = dict(warehouse.rows("SELECT step, workers FROM public.sessions WHERE step !~ '^extract'"))
    shared = {f"clean_{smaller}", f"reload_fact_{smaller}"}
    assert shared < workers.keys()
    assert workers == {step: share if step in shared else "2" for step in workers}
    # A session is used again: each new one would compile all routines.
    assert one_day.sessions <= 2

    warehouse.execute("TRUNCATE public.sessions")
    assert glue("run", "--from", days[0], "--to", days[-1], "--jobs", 2).returncode == 0
    several = warehouse.row(found)
    assert [several.workers, several.builders] == [["0"], ["0"]]
    assert several.sessions <= 2

    warehouse.execute("TRUNCATE public.sessions")
    assert glue("run", DAY, "--refresh", "--jobs", 1).returncode == 0
    alone = warehouse.row(found)
    assert [alone.workers, alone.builders] == [["2"], [builders]]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_day_whose_landing_zone_cannot_be_listed_has_a_run_that_was_opened(
    warehouse: Warehouse, glue: Glue, tmp_path: Path, jobs: int
) -> None:
    done = glue("run", DAY, "--jobs", jobs, LANDING_URL=f"simplecache::file://{tmp_path}")
    assert (done.returncode, "LANDING_URL" in done.stderr) == (1, True), done.stderr
    assert warehouse.value("SELECT count(*) FROM audit.pipeline_runs") == 1


def test_a_session_that_ends_between_steps_is_replaced(warehouse: Warehouse, glue: Glue) -> None:
    deliver_day(warehouse, DAY)
    # Ends the session that has nothing to do while the gate judges in another.
    warehouse.execute("CREATE TABLE public.ended AS SELECT 0 AS pid WHERE false")
    warehouse.execute("GRANT SELECT, INSERT ON public.ended TO PUBLIC")
    warehouse.execute(
        "CREATE FUNCTION public.end_idle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        " IF NEW.step = 'check_quality' THEN"
        "  INSERT INTO public.ended SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database()"
        "   AND a.application_name = 'glue' AND a.state = 'idle' AND a.pid <> pg_backend_pid();"
        "  PERFORM pg_terminate_backend(e.pid, 10000) FROM public.ended e;"
        " END IF; RETURN NEW; END $$"
    )
    warehouse.execute(
        "CREATE TRIGGER end_idle BEFORE INSERT ON audit.pipeline_steps FOR EACH ROW EXECUTE FUNCTION public.end_idle()"
    )
    done = glue("run", DAY, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert warehouse.value("SELECT count(*) FROM public.ended") > 0


# So many records that a COPY of them is still busy when it is seen.
COPIED = 200_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", DAY),
        ("run", DAY, "--jobs", 1),
        ("run", "--from", DAY, "--to", DAY + timedelta(days=3), "--jobs", 2),
    ],
)
def test_ctrl_c_leaves_nothing_half_done_and_says_so(
    warehouse: Warehouse, environment: dict[str, str], glue: Glue, arguments: tuple[object, ...]
) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    for day in days:
        warehouse.landing.put("orders", day, "o.ndjson", b'{"order_id": "O-1"}\n' * COPIED)
    command = [sys.executable, "-m", "glue", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%%'"
        while not warehouse.value(busy):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "error: interrupted: what was not finished is rolled back; the same command goes on from here\n", out
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") % COPIED == 0
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 10
    while warehouse.value(others) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert warehouse.value(others) == 0
    assert glue("extract", "orders", DAY).returncode == 0


def test_a_step_that_is_interrupted_is_recorded_as_failed_and_heals(
    warehouse: Warehouse, environment: dict[str, str], glue: Glue
) -> None:
    deliver_day(warehouse, DAY)
    glue("extract", "orders", DAY)
    with warehouse.connect() as other:
        other.autocommit = False
        other.execute("LOCK TABLE raw.orders_json IN ACCESS EXCLUSIVE MODE")
        command = [sys.executable, "-m", "glue", "run", str(DAY)]
        nothing_new = environment | {"LANDING_URL": "nowhere"}
        with subprocess.Popen(
            command, cwd=PROJECT, env=nothing_new, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            # The step is recorded before its worker asks for the lock: a cancel in between would only find a dead step.
            waits = (
                "SELECT count(*) FROM pg_locks WHERE relation = 'raw.orders_json'::regclass AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            while not warehouse.value(waits):
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        # Ctrl-C waits a few seconds for the server's answer, no longer; on a busy machine the record comes after it.
        step = "SELECT status, error_sqlstate FROM audit.pipeline_steps WHERE step = 'clean_orders'"
        deadline = time.monotonic() + 30
        while warehouse.row(step).status == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
        other.rollback()
    assert warehouse.row(step) == ("failed", "57014")
    assert glue("run", DAY).returncode == 0


# -- status ----------------------------------------------------------------------------------------------------------


def test_status_shows_the_last_runs_and_what_failed_of_them(warehouse: Warehouse, glue: Glue) -> None:
    assert glue("status").returncode == 0
    deliver_day(warehouse, DAY)
    warehouse.landing.orders(DAY + timedelta(days=1), shop.orders(10, DAY + timedelta(days=1)))
    glue("run", "--from", DAY, "--to", DAY + timedelta(days=1))
    done = glue("status")
    assert done.returncode == 0
    assert "succeeded" in done.stdout
    assert "check_quality" in done.stdout
    assert json.loads(glue("status", "--json").stdout)
