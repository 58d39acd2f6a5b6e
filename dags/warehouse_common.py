"""What both DAGs share: connections, the operator of a step, and telling people."""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import requests
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.sdk import Asset, BaseHook
from airflow.sdk.exceptions import AirflowFailException
from psycopg.conninfo import make_conninfo

from glue.connection import connect
from glue.errors import explain

log = logging.getLogger(__name__)

# Airflow connections, each a login of its own: adds to raw; calls the procedures and reads; owns everything; dumps, and
# may only read; makes scratch databases, and may nothing else; reads the views of the report.
LOADER = "warehouse_loader"
RUNNER = "warehouse_runner"
OWNER = "warehouse_owner"
BACKUP = "warehouse_backup"
RESTORE = "warehouse_restore"
REPORTER = "warehouse_reporter"

# Where the shop's day ends; the same as the setting time_zone of the warehouse.
TIME_ZONE = os.environ.get("WAREHOUSE_TIME_ZONE") or "UTC"
SHOP_ZONE = ZoneInfo(TIME_ZONE)

BLOCKED = "WH001"
# What another attempt can heal: lost connections, deadlocks and serialization, resources, a server that restarts,
# a lock that was not had, a swap that readers kept out. A day that the gate blocked is not among them.
HEALING_CLASSES = ("08", "40", "53", "57P")
HEALING_STATES = ("55P03", "WH006")

# A statement whose client is gone ends within this time, instead of committing minutes later.
CONNECTION_CHECK = "2s"
# dag/task/run/try in pg_stat_activity, which keeps 63 characters.
SESSION_NAME = (
    "{{ dag.dag_id.removeprefix('ecomm_warehouse_') }}/{{ ti.task_id }}/{{ run_id[:33] }}/{{ ti.try_number }}"
)
# A worker's machine that is gone is noticed by the server within a minute and a half.
KEEPALIVES = "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
# What a step relies on, whatever the login's defaults are; in options a blank is escaped.
SESSION_DEFAULTS = (
    r"-c default_transaction_isolation=read\ committed -c default_transaction_read_only=off"
    " -c default_transaction_deferrable=off -c timezone=UTC -c datestyle=ISO"
)
CHECK = f"-c client_connection_check_interval={CONNECTION_CHECK}"
SESSION_OPTIONS = f"{CHECK} {KEEPALIVES} -c application_name={SESSION_NAME} {SESSION_DEFAULTS}"
# The days of a backfill run side by side: as glue.connection.DAYS_SIDE_BY_SIDE.
SIDE_BY_SIDE = (
    "{{ '-c max_parallel_workers_per_gather=0 -c max_parallel_maintenance_workers=0'"
    " if dag_run.run_type == 'backfill' else '' }}"
)

WEBHOOK_SECONDS = 10
SHOWN_RULES = 10


def table(schema: str, name: str) -> Asset:
    """Return a table of the warehouse as an asset, for DAGs that wait for it."""
    return Asset(name=f"{schema}.{name}", uri=f"postgres://warehouse:5432/ecommerce_warehouse/{schema}/{name}")


def heals(error: psycopg.Error) -> bool:
    """Return whether another attempt may succeed. Without an SQLSTATE the server was not reached."""
    state = error.sqlstate
    return state is None or state.startswith(HEALING_CLASSES) or state in HEALING_STATES


class StepOperator(SQLExecuteQueryOperator):
    """Calls one public procedure for a day.

    An error is logged with SQLSTATE, DETAIL, HINT and the query to look with. What no other attempt can heal
    is not tried again.
    """

    def __init__(self, *, procedure: str, load_date: str, **arguments: Any) -> None:
        super().__init__(
            sql=f"CALL {procedure}(%(load_date)s::date)",
            parameters={"load_date": load_date},
            conn_id=RUNNER,
            # A procedure that commits cannot run in a transaction of ours.
            autocommit=True,
            hook_params={"enable_log_db_messages": True, "options": f"{SESSION_OPTIONS} {SIDE_BY_SIDE}"},
            do_xcom_push=False,
            **arguments,
        )

    def execute(self, context: Any) -> None:
        """Call it. Raises AirflowFailException when it is of no use to try again."""
        try:
            super().execute(context)
        except psycopg.Error as error:
            self.log.error("%s\nLook: %s", explain(error), _query(error, self.parameters))
            if heals(error):
                raise
            blocked = "blocked by the quality gate" if error.sqlstate == BLOCKED else "not tried again"
            raise AirflowFailException(f"{error.diag.message_primary} ({error.sqlstate}), {blocked}") from error


def _query(error: psycopg.Error, parameters: Any) -> str:
    """Return the query that shows what happened."""
    table = "dq_failures" if error.sqlstate == BLOCKED else "pipeline_steps"
    newest = f"(SELECT max(run_id) FROM audit.pipeline_runs WHERE run_date = '{parameters['load_date']}')"
    return f"SELECT * FROM audit.{table} WHERE run_id = {newest};"


def dsn(connection_id: str, session_name: str = "airflow") -> str:
    """Return the connection string of one of Airflow's connections, for glue."""
    found = BaseHook.get_connection(connection_id)
    options = {name: str(value) for name, value in found.extra_dejson.items() if value is not None}
    named = {
        "host": found.host, "port": found.port, "user": found.login, "password": found.password,
        "dbname": found.schema,
    }  # fmt: skip
    keywords = {name: str(value) for name, value in named.items() if value not in (None, "")} | options
    keywords["options"] = f"{keywords.get('options', '')} -c client_connection_check_interval={CONNECTION_CHECK}"
    return make_conninfo(**{**keywords, "options": keywords["options"].strip(), "application_name": session_name})


# -- telling people ----------------------------------------------------------------------------------

# The last to go wrong of the steps whose last attempt went wrong; a missing catalogue ends no run.
BAD_STEP = """
    SELECT s.step, s.status, s.error_sqlstate, s.error_message
    FROM (
        SELECT DISTINCT ON (t.step) t.step_id, t.step, t.status, t.error_sqlstate, t.error_message
        FROM audit.pipeline_steps t
        WHERE t.run_id = (SELECT max(r.run_id) FROM audit.pipeline_runs r WHERE r.run_date = %s)
        ORDER BY t.step, t.step_id DESC
    ) AS s
    WHERE s.status IN ('failed', 'blocked')
    ORDER BY s.step = 'extract_products', s.step_id DESC
    LIMIT 1
"""
FAILED_RULES = """
    SELECT f.rule_name, f.severity, f.message
    FROM audit.dq_failures f
    WHERE f.run_id = (SELECT max(r.run_id) FROM audit.pipeline_runs r WHERE r.run_date = %s)
    ORDER BY f.severity, f.rule_name
"""
ALERTS = "SELECT a.alert, a.message FROM audit.alerts a WHERE a.run_date = %s ORDER BY a.alert"


def tell_of_failure(context: Mapping[str, Any]) -> None:
    """Callback of a failed run: what failed and why, to the log and the webhook."""
    _tell(context, failed=True)


def tell_of_alerts(context: Mapping[str, Any]) -> None:
    """Callback of a run that succeeded: its alerts, and the catalogue that it lacks, to the log and the webhook."""
    _tell(context, failed=False)


def day_of(context: Mapping[str, Any]) -> date | None:
    """Return the day that a run is about, as the tasks' template does; None if Airflow does not say."""
    run = context.get("dag_run")
    if run is None:
        return None
    if wanted := (run.conf or {}).get("load_date"):
        return date.fromisoformat(wanted)
    return run.logical_date.date() if run.logical_date else run.run_after.date() - timedelta(days=1)


def _tell(context: Mapping[str, Any], *, failed: bool) -> None:
    day = day_of(context) if "load_date" in context["dag"].params else None
    message: dict[str, Any] = {"dag": context["dag"].dag_id, "run": context["run_id"], "day": day and day.isoformat()}
    try:
        if day:
            message |= _findings(day)
    except Exception as error:
        # Somebody has to hear of the failure above all when the warehouse does not answer.
        message["reason"] = f"the warehouse cannot be asked why: {explain(error)}"
    if not failed and not message.get("alerts") and not message.get("step"):
        return
    message["status"] = ("blocked" if message.get("status") == "blocked" else "failed") if failed else "alert"
    if failed and not message.get("step"):
        # A warehouse that was out of reach has no record of it: Airflow knows which task it was.
        ti = context.get("ti")
        message["step"] = ti.task_id if ti else None
        message.setdefault("reason", context.get("reason") or "see the task's log")
    message["text"] = _text(message)
    log.warning("%s", message["text"])
    send(message)


def _findings(day: date) -> dict[str, Any]:
    """Return what the warehouse says of the newest run of a day."""
    with closing(connect(dsn(RUNNER, "airflow callback"))) as connection:
        bad_step = connection.execute(BAD_STEP, (day,)).fetchone()
        rules = connection.execute(FAILED_RULES, (day,)).fetchall()
        alerts = connection.execute(ALERTS, (day,)).fetchall()
    found: dict[str, Any] = {
        "rules": [{"rule": rule, "severity": severity, "message": text} for rule, severity, text in rules],
        "alerts": [{"alert": alert, "message": text} for alert, text in alerts],
    }
    if bad_step:
        step, status, sqlstate, reason = bad_step
        found |= {"step": step, "status": status, "sqlstate": sqlstate, "reason": reason}
    return found


def _text(message: Mapping[str, Any]) -> str:
    """Return a message in words, as Slack shows it."""
    lines = [f"{message['dag']} {message['day'] or message['run']}: {message['status']}"]
    if message["status"] != "alert" or message.get("step"):
        state = f" ({message['sqlstate']})" if message.get("sqlstate") else ""
        lines[0] += f" at {message.get('step') or 'an unknown task'}{state}"
        lines.append(str(message.get("reason")))
        rules: Sequence[Mapping[str, str]] = message.get("rules", ())
        lines += [f"• {rule['rule']} ({rule['severity']}): {rule['message']}" for rule in rules[:SHOWN_RULES]]
        if len(rules) > SHOWN_RULES:
            lines.append(f"• and {len(rules) - SHOWN_RULES} more")
    lines += [f"• {alert['alert']}: {alert['message']}" for alert in message.get("alerts", ())]
    return "\n".join(lines)


def send(message: Mapping[str, Any]) -> None:
    """POST a message to ALERT_WEBHOOK_URL, if there is one. A webhook that does not answer is logged, no more."""
    url = os.environ.get("ALERT_WEBHOOK_URL")
    if not url:
        return
    try:
        requests.post(url, json=message, timeout=WEBHOOK_SECONDS).raise_for_status()
    except requests.RequestException as error:
        # The URL is a secret, and requests' messages quote it.
        answer = f"status {error.response.status_code}" if error.response is not None else type(error).__name__
        log.error("the alert was not delivered to ALERT_WEBHOOK_URL: %s", answer)
