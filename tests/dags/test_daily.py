"""The daily DAG: its shape, its dates, and whole days of it on a real warehouse.

Needs Airflow (`make test-airflow`), no network and no Docker. Each run is a process of its own, with an
AIRFLOW_HOME of the test run's own on SQLite; the warehouse is reached as a loader and a runner, not as superuser.
"""

import http.server
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import shop
from tests.conftest import Warehouse
from tests.shop import Landing, checksums
from tests.steps import ORDER_OF_TASKS

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("airflow") is None, reason="Airflow is not installed here: make test-airflow"
)

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"
DAY = date(2025, 12, 19)
NOWHERE = "http://127.0.0.1:1/products"

EXTRACTS = {"extract_orders", "extract_events", "extract_products"}
# Runs whatever happened, and says nothing about how the run ended.
TEARDOWN = "end_of_day"
LOADED = dict.fromkeys([*ORDER_OF_TASKS, TEARDOWN], "success")
LOADS = {name for name in ORDER_OF_TASKS if name.startswith(("load_", "reload_", "compute_"))}

# Runs the DAG as `airflow dags test` does, or with `only` one task of it. Says how it ended in its last line.
RUN = """
import json, sys
from datetime import datetime
from importlib import import_module
ended = []
for wanted in json.loads(sys.argv[1]):
    whole = import_module(wanted.get("dag", "ecomm_warehouse_daily")).dag
    moment = lambda name: wanted.get(name) and datetime.fromisoformat(wanted[name])
    dag = whole.partial_subset(wanted["only"], include_upstream=False) if wanted.get("only") else whole
    for task in dag.tasks:
        task.retries = wanted.get("retries", task.retries)
    run = dag.test(logical_date=moment("logical_date"), run_after=moment("run_after"), run_conf=wanted.get("conf"))
    states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    ended.append({"state": str(run.state), "tasks": states})
print(json.dumps({"runs": ended}))
"""

FACTS = """
import json
from airflow.sdk import Asset
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction
from ecomm_warehouse_daily import dag
import pendulum
restriction = TimeRestriction(earliest=pendulum.datetime(2025, 12, 19, 2), latest=None, catchup=True)
timetable = coerce_to_core_timetable(dag.timetable)
info = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
print(json.dumps({
    "upstream": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
    "calls": {task.task_id: [task.sql, task.autocommit, task.hook_params] for task in dag.tasks
              if isinstance(task, SQLExecuteQueryOperator)},
    "groups": {name: [group.group_display_name, sorted(group.children)]
               for name, group in dag.task_group.get_task_group_dict().items() if name},
    "undocumented": [task.task_id for task in dag.tasks if not task.doc_md],
    "unlimited": [task.task_id for task in dag.tasks if not task.execution_timeout],
    "outlets": {task.task_id: [asset.name for asset in task.outlets] for task in dag.tasks},
    "dag": [dag.max_active_runs, dag.catchup, bool(dag.dagrun_timeout), bool(dag.doc_md), sorted(dag.tags)],
    "run_after": str(info.run_after), "logical_date": str(info.logical_date),
}))
"""

REPORT = """
import json
from ecomm_warehouse_report import dag
print(json.dumps({
    "assets": [asset.name for asset in dag.timetable.asset_condition.objects],
    "cron": dag.timetable.timetable.expression, "runs": dag.max_active_runs,
    "undocumented": [task.task_id for task in dag.tasks if not task.doc_md or not task.execution_timeout],
}))
"""


# Imports Airflow once, which takes longer than most runs; each program is run in a child of it. The child says how it
# ended by its exit code, and what it printed in a file.
PARENT = """
import json, os, sys, traceback
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import airflow.sdk.definitions.dag
import airflow.sdk.execution_time.supervisor
import airflow.api_fastapi.execution_api.app
import airflow.providers.common.sql.operators.sql
import airflow.providers.postgres.hooks.postgres
import airflow.serialization.encoders
for line in sys.stdin:
    wanted = json.loads(line)
    child = os.fork()
    if not child:
        output = os.open(wanted["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.update(wanted["environment"])
        sys.argv = ["-c", *wanted["arguments"]]
        ended = 0
        try:
            exec(wanted["program"], {"__name__": "__main__"})
        except BaseException:
            traceback.print_exc()
            ended = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
"""


@dataclass
class Airflow:
    """An Airflow of the test run's own, and the process that has it imported."""

    environment: dict[str, str]
    parent: subprocess.Popen[str]

    def python(self, program: str, *arguments: str, **environment: str) -> Any:
        """Run a program in a process of its own; return what its last line says, as JSON."""
        output = Path(self.environment["AIRFLOW_HOME"], "output")
        wanted = {"program": program, "arguments": arguments, "environment": environment, "output": str(output)}
        assert self.parent.stdin
        assert self.parent.stdout
        print(json.dumps(wanted), file=self.parent.stdin, flush=True)
        ended = self.parent.stdout.readline()
        log = output.read_text(encoding="utf-8")
        assert ended == "0\n", log[-8000:]
        return json.loads(log.splitlines()[-1]) | {"log": log}


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """An Airflow with a metadata database of its own, on SQLite."""
    home = tmp_path_factory.mktemp("airflow")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PG", "WAREHOUSE"))}
    environment = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": f"{PROJECT}{os.pathsep}{DAGS}",
    }
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        yield Airflow(environment, parent)
        assert parent.stdin
        parent.stdin.close()


@dataclass
class Receiver:
    """A webhook: what was sent to it."""

    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A local webhook."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


Runs = Callable[..., dict[str, Any]]


@pytest.fixture
def run_dag(airflow: Airflow, warehouse: Warehouse, landing: Landing, receiver: Receiver) -> Runs:
    """`run_dag(logical_date=…, run_after=…, conf=…, only=…, environment=…)`: how a run on the warehouse ended."""
    info = warehouse.connection.info
    environment = {"LANDING_URL": str(landing.folder), "ALERT_WEBHOOK_URL": receiver.url, "PRODUCTS_API_URL": NOWHERE}
    for role in ("loader", "runner", "reporter"):
        warehouse.execute(
            f"DO $$ BEGIN CREATE ROLE airflow_{role} LOGIN IN ROLE warehouse_{role};"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        environment[f"AIRFLOW_CONN_WAREHOUSE_{role.upper()}"] = json.dumps(
            {
                "conn_type": "postgres", "host": info.host, "port": info.port, "login": f"airflow_{role}",
                "schema": info.dbname,
            }
        )  # fmt: skip

    def run(*several: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        changed = environment | wanted.pop("environment", {})
        ended = airflow.python(RUN, json.dumps(several or [wanted], default=str), **changed)
        return ended if several else ended["runs"][0] | {"log": ended["log"]}

    return run


def deliver_day(landing: Landing, day: date, *, products: bool = True) -> None:
    """Put a day's files where the extracts look for them."""
    landing.orders(day, shop.orders(150, day))
    landing.events(day, shop.events(300, day))
    if products:
        landing.products(day, [shop.product(f"P-{number}") for number in range(7)])


def at_two(day: date) -> datetime:
    """Return the logical date of a day, as the timetable has it."""
    return datetime(day.year, day.month, day.day, 2, tzinfo=UTC)


# -- pages ----------------------------------------------------------------------------------------


def test_the_backfill_of_the_pages_has_a_run_of_each_day(airflow: Airflow) -> None:
    """The command as it stands there but for its first day (what a day is takes long), with --dry-run."""
    texts = [page.read_text(encoding="utf-8") for page in sorted((PROJECT / "docs" / "how-to").glob("*.md"))]
    commands = {found.replace("\n> ", "\n") for text in texts for found in COMMAND.findall(text)}
    assert len(commands) == 1
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    backfill, replaced = re.subn(r"--from-date 2025-01-01\b", "--from-date 2025-12-10", commands.pop())
    assert replaced
    for command in ("airflow dags reserialize", f"{backfill} --dry-run"):
        done = subprocess.run(
            ["bash", "-c", command],
            env=airflow.environment | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    days = re.findall(r"\| (2025-\d\d-\d\d) 02:00:00", done.stdout)
    assert (days[0], days[-1], len(set(days))) == ("2025-12-10", "2025-12-19", 10)


COMMAND = re.compile(r"^\$ (airflow (?:[^\n]*\\\n> )*[^\n]*)$", re.MULTILINE)

# -- shape -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def facts(airflow: Airflow) -> dict[str, Any]:
    """What the DAG file says, without any database."""
    return airflow.python(FACTS)


def test_the_fourteen_tasks_run_in_the_order_of_the_specification(facts: dict[str, Any]) -> None:
    tasks = {name: set(upstream) for name, upstream in facts["upstream"].items()}
    assert tasks.pop(TEARDOWN) == {"compute_daily_metrics"}
    assert tasks == ORDER_OF_TASKS


def test_every_task_but_the_extracts_is_one_call_that_a_killed_client_does_not_leave_behind(
    facts: dict[str, Any],
) -> None:
    assert set(facts["calls"]) == set(ORDER_OF_TASKS) - EXTRACTS
    for name, (statement, autocommit, hook) in facts["calls"].items():
        assert statement.partition("(")[0].split(".")[1] == name
        assert autocommit
        assert hook["enable_log_db_messages"]
        assert "client_connection_check_interval=2s" in hook["options"]
        assert "application_name=" in hook["options"]
        assert "max_parallel_workers_per_gather=0" in hook["options"]  # of a backfill: see the template


def test_groups_read_like_the_specification_s_picture(facts: dict[str, Any]) -> None:
    names = ["Extract", "Transform", "Quality", "Load dimensions", "Load facts", "Metrics"]
    assert [name for name, _ in facts["groups"].values()] == names
    assert set(facts["groups"]["extract"][1]) == EXTRACTS


def test_everything_is_documented_limited_and_tagged(facts: dict[str, Any]) -> None:
    assert not facts["undocumented"]
    assert not facts["unlimited"]
    assert facts["dag"] == [5, False, True, True, ["daily", "warehouse"]]
    assert facts["outlets"]["reload_fact_orders"] == ["warehouse.fact_orders"]
    assert facts["outlets"][TEARDOWN] == ["warehouse.daily_metrics"]
    assert [name for name, outlets in facts["outlets"].items() if "warehouse.daily_metrics" in outlets] == [TEARDOWN]


def test_the_run_at_two_on_the_20th_has_the_19th_as_its_logical_date(facts: dict[str, Any]) -> None:
    assert facts["run_after"] == "2025-12-20 02:00:00+00:00"
    assert facts["logical_date"] == "2025-12-19 02:00:00+00:00"


@pytest.mark.parametrize(
    ("day", "newest", "asked"),
    [
        ("2025-12-22", "2025-12-15", True),  # a Monday
        ("2025-12-23", "2025-12-22", False),  # a Tuesday, and Monday's is there
        ("2025-12-23", "2025-12-15", True),  # a Tuesday after a Monday that failed
        ("2025-12-23", "2025-12-16", False),  # a week old, not older
        ("2025-12-23", None, True),  # there never was one
    ],
)
def test_the_catalogue_is_asked_for_weekly_and_when_it_is_missing(
    airflow: Airflow, day: str, newest: str | None, asked: bool
) -> None:
    program = (
        "import json, sys; from datetime import date, timedelta; from ecomm_warehouse_daily import needs_catalogue\n"
        "day, newest = (date.fromisoformat(text) if text else None for text in sys.argv[1:])\n"
        "print(json.dumps({'run': needs_catalogue(day, day + timedelta(days=1), newest),"
        " 'backfill': needs_catalogue(day, day + timedelta(days=2), newest)}))"
    )
    answer = airflow.python(program, day, newest or "")
    assert (answer["run"] is None) == asked
    assert "today's prices" in answer["backfill"]


# -- dates -------------------------------------------------------------------------------------------

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
KINDS_OF_RUNS = [
    {"logical_date": at_two(date(2025, 12, 11))},
    {"run_after": "2025-12-13T09:30:00+00:00"},  # by hand, without a date
    {"run_after": "2025-12-14T00:00:00+00:00"},  # the same, at midnight
    {"logical_date": at_two(date(2025, 11, 1)), "conf": {"load_date": "2025-12-14"}},
    {"run_after": "2025-12-25T09:30:00+00:00", "conf": {"load_date": "2025-12-15"}},
]


def test_each_kind_of_run_loads_exactly_the_day_it_should(run_dag: Runs, warehouse: Warehouse) -> None:
    ended = run_dag(*({"only": "open_run"} | kind for kind in KINDS_OF_RUNS))
    assert {run["state"] for run in ended["runs"]} == {"success"}
    days = [f"{day}" for (day,) in warehouse.rows("SELECT run_date FROM audit.pipeline_runs ORDER BY run_id")]
    assert days == ["2025-12-11", "2025-12-12", "2025-12-13", "2025-12-14", "2025-12-15"]


# -- days --------------------------------------------------------------------------------------------


def test_a_day_of_the_dag_is_the_day_that_glue_runs(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, receiver: Receiver
) -> None:
    deliver_day(landing, DAY)
    ended = run_dag(logical_date=at_two(DAY))
    assert ended["state"] == "success"
    assert ended["tasks"] == LOADED
    assert "reload_fact_orders 2025-12-19: 150 in, 150 out" in ended["log"]  # the procedure's own notice
    assert receiver.messages == []
    by_airflow = checksums(warehouse.connection, ("raw", "staging", "warehouse"))

    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "succeeded"
    triggered_by = warehouse.value("SELECT triggered_by FROM audit.pipeline_runs")
    assert triggered_by.startswith("airflow_runner daily/open_run/manual__")
    assert triggered_by.endswith("/1")

    # Another run of the same, by glue: nothing changes.
    warehouse.run(DAY)
    assert checksums(warehouse.connection, ("raw", "staging", "warehouse")) == by_airflow


def test_a_day_without_a_catalogue_skips_it_and_few_orders_are_an_alert(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, receiver: Receiver
) -> None:
    deliver_day(landing, DAY, products=False)
    warehouse.execute("UPDATE audit.settings SET value = '151' WHERE name = 'alert_raw_orders'")
    ended = run_dag(logical_date=at_two(DAY))
    assert ended["state"] == "success"
    assert ended["tasks"] == LOADED | {"extract_products": "skipped"}
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_orders") == 150
    (message,) = receiver.messages
    assert message["status"] == "alert"
    assert "on 2025-12-19 150 orders were delivered, fewer than 151" in message["text"]


def test_a_day_that_the_gate_blocks_loads_nothing_and_says_why(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, receiver: Receiver
) -> None:
    deliver_day(landing, DAY)
    landing.remove("orders", DAY, "orders.json")  # the volume rule blocks a day without orders
    ended = run_dag(logical_date=at_two(DAY))
    assert ended["state"] == "failed"
    assert ended["tasks"]["check_quality"] == "failed"
    assert {name for name, state in ended["tasks"].items() if state == "upstream_failed"} == LOADS
    # Who waits for the day is told, and the run is a failed one all the same.
    assert ended["tasks"][TEARDOWN] == "success"
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "blocked"
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_events") == 0
    for shown in ("(WH001)", "HINT: Look: SELECT * FROM audit.dq_failures", "audit.allow_day"):
        assert shown in ended["log"]

    (message,) = receiver.messages
    failed = warehouse.rows("SELECT rule_name FROM audit.dq_failures ORDER BY severity, rule_name")
    assert failed
    assert [rule["rule"] for rule in message["rules"]] == [rule for (rule,) in failed]
    assert (message["status"], message["day"], message["step"], message["sqlstate"]) == (
        "blocked", str(DAY), "check_quality", "WH001",
    )  # fmt: skip
    assert message["text"].startswith("ecomm_warehouse_daily 2025-12-19: blocked at check_quality (WH001)")
    assert {alert["alert"] for alert in message["alerts"]} >= {"low volume"}


def test_an_api_that_is_down_keeps_no_day_out_and_is_told(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, receiver: Receiver
) -> None:
    deliver_day(landing, YESTERDAY, products=False)
    ended = run_dag(logical_date=at_two(YESTERDAY), retries=0)
    assert ended["state"] == "success"
    assert ended["tasks"] == LOADED | {"extract_products": "failed"}
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_orders") == 150
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "succeeded"
    step = warehouse.row("SELECT step, error_sqlstate, error_message FROM audit.pipeline_steps WHERE status = 'failed'")
    assert (step.step, step.error_sqlstate) == ("extract_products", "58030")
    assert NOWHERE in step.error_message
    (message,) = receiver.messages
    assert (message["status"], message["day"], message["step"], message["sqlstate"], message["reason"]) == (
        "alert", str(YESTERDAY), "extract_products", "58030", step.error_message,
    )  # fmt: skip
    assert message["text"].startswith(f"ecomm_warehouse_daily {YESTERDAY}: alert at extract_products (58030)")

    # Once a catalogue is there, the same day knows its products by name.
    landing.products(YESTERDAY, [shop.product(f"P-{number}") for number in range(7)])
    receiver.messages.clear()
    assert run_dag(logical_date=at_two(YESTERDAY))["tasks"] == LOADED
    assert receiver.messages == []
    assert warehouse.rows("SELECT product_id FROM warehouse.dim_product WHERE is_inferred") == [("(none)",)]


def test_a_day_for_which_there_is_nobody_to_ask_is_loaded_without_a_word(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, receiver: Receiver
) -> None:
    deliver_day(landing, YESTERDAY, products=False)
    ended = run_dag(logical_date=at_two(YESTERDAY), environment={"PRODUCTS_API_URL": ""})
    assert ended["tasks"] == LOADED | {"extract_products": "skipped"}
    assert warehouse.value("SELECT status FROM audit.pipeline_runs") == "succeeded"
    assert warehouse.rows("SELECT * FROM audit.pipeline_steps WHERE status <> 'succeeded'") == []
    assert receiver.messages == []


def test_a_file_that_cannot_be_read_fails_the_run_in_airflow_and_in_the_record(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, receiver: Receiver
) -> None:
    deliver_day(landing, DAY)
    landing.put("orders", DAY, "orders.json.gz", "[]")
    ended = run_dag(logical_date=at_two(DAY), retries=0)
    assert ended["state"] == "failed"
    assert {name for name, state in ended["tasks"].items() if state == "failed"} == {"extract_orders"}
    assert {name for name, state in ended["tasks"].items() if state == "upstream_failed"} == {
        "clean_orders", "check_quality", *LOADS,
    }  # fmt: skip
    fault = f"orders of {DAY}: orders.json and orders.json.gz are the same delivery twice; remove one"
    # Whatever ended well after it: events and products were extracted and cleaned.
    run = warehouse.row("SELECT status, error FROM audit.pipeline_runs")
    assert run == ("failed", f"extract_orders: {fault}")
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "failed"
    (message,) = receiver.messages
    assert (message["status"], message["step"], message["sqlstate"], message["reason"]) == (
        "failed", "extract_orders", "58030", fault,
    )  # fmt: skip


# -- the report --------------------------------------------------------------------------------------


def test_the_report_waits_for_the_end_of_a_day_and_for_the_clock(airflow: Airflow) -> None:
    facts = airflow.python(REPORT)
    assert facts["assets"] == ["warehouse.daily_metrics"]
    assert (facts["cron"], facts["runs"], facts["undocumented"]) == ("0 3,5,7 * * *", 1, [])


def test_the_report_is_made_by_a_login_that_reads_its_views_and_tells_of_a_blocked_day(
    run_dag: Runs, warehouse: Warehouse, landing: Landing, tmp_path: Path
) -> None:
    landing.events(DAY, shop.events(300, DAY))  # no orders: the volume rule blocks the day
    with pytest.raises(psycopg.Error):
        warehouse.run(DAY)
    out = tmp_path / "report" / "site"
    runs = [{"dag": "ecomm_warehouse_report"}, {"dag": "ecomm_warehouse_report"}]
    ended = run_dag(*runs, environment={"REPORT_URL": str(out)})
    assert [run["tasks"] for run in ended["runs"]] == [{"make_report": "success"}] * 2
    assert "blocked" in (out / "index.html").read_text(encoding="utf-8")
    assert (out / "day" / f"{DAY}.html").exists()


def test_without_a_place_the_report_is_skipped(run_dag: Runs) -> None:
    ended = run_dag(dag="ecomm_warehouse_report", environment={"REPORT_URL": ""})
    assert ended["tasks"] == {"make_report": "skipped"}
