"""Shows what ran, what failed and why, and how well the pipeline does."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

from glue.landing import byte_size
from glue.tables import console, print_table, shown, table

# A step whose session is gone ran into nothing: its record is set right when the step is called again.
RUNS = """
    SELECT r.run_id, r.run_date,
           CASE WHEN r.status = 'running' AND d.has_died THEN 'died' ELSE r.status END AS status,
           r.started_at, round(t.seconds, 1) AS seconds, r.triggered_by,
           m.rows_in AS rows, round(m.rows_in / nullif(t.seconds, 0)) AS rows_per_second
    FROM audit.pipeline_runs r
    CROSS JOIN LATERAL (SELECT EXTRACT(epoch FROM r.ended_at - r.started_at) AS seconds) AS t
    LEFT JOIN LATERAL (
        SELECT max(s.rows_in) AS rows_in FROM audit.pipeline_steps s
        WHERE s.run_id = r.run_id AND s.step = 'compute_daily_metrics' AND s.status = 'succeeded'
    ) AS m ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_and(NOT audit.step_is_alive(s.step_id)), false) AS has_died
        FROM audit.pipeline_steps s WHERE s.run_id = r.run_id AND s.status = 'running'
    ) AS d
    ORDER BY r.run_id DESC
    LIMIT %s
"""
# A step that was called again and went well is no news.
BAD_STEPS = """
    SELECT DISTINCT ON (s.run_id, s.step) s.run_id, s.step, s.error_sqlstate,
           CASE WHEN s.status = 'running' AND NOT audit.step_is_alive(s.step_id) THEN 'died' ELSE s.status END
               AS status,
           CASE WHEN s.status = 'running' THEN 'the session that ran it ended; run the day again'
                ELSE s.error_message END AS error_message
    FROM audit.pipeline_steps s
    WHERE s.run_id = ANY (%s)
    ORDER BY s.run_id, s.step, s.step_id DESC
"""
# What BI does not show, or not all of.
NOT_LOADED = "SELECT m.run_date, m.status FROM warehouse.daily_metrics m WHERE m.status <> 'succeeded' ORDER BY 1"
HEALTH = "SELECT h.measure, h.days, h.value, h.unit FROM audit.health h"
MOST_DAYS = 10
# What a value of audit.health is followed by.
UNITS = {"%": " %", "seconds": " s", "rows per second": "/s"}


def status(connection: psycopg.Connection, runs: int = 10) -> dict[str, Any]:
    """Return the last runs, newest first, with their steps that did not succeed, all days whose last run did not
    succeed, and the rows of audit.health."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(RUNS, (runs,)).fetchall()
        bad: dict[int, list[dict[str, Any]]] = {}
        for step in cursor.execute(BAD_STEPS, ([run["run_id"] for run in found],)):
            if step["status"] in ("failed", "blocked", "died"):
                bad.setdefault(step["run_id"], []).append(step)
        for run in found:
            run["steps"] = bad.get(run["run_id"], [])
        not_loaded = cursor.execute(NOT_LOADED).fetchall()
        return {"runs": found, "days_not_loaded": not_loaded, "health": cursor.execute(HEALTH).fetchall()}


def show(found: dict[str, Any]) -> None:
    """Print what status() returned."""
    out = console()
    if not found["runs"]:
        out.print("Nothing has run yet. A day of yours: python -m glue run DATE; a shop to look at: make demo.")
        return
    columns = ("run", "day", "status", "started (UTC)", "seconds", "lines", "lines/s", "by")
    names = ("run_id", "run_date", "status", "started_at", "seconds", "rows", "rows_per_second", "triggered_by")
    print_table(out, table("The last runs", columns, ([run[name] for name in names] for run in found["runs"])))
    mended = set()
    for run in found["runs"]:
        # What a later run of the day has mended is no news.
        steps = [] if run["run_date"] in mended else run["steps"]
        mended.add(run["run_date"])
        for step in steps:
            code = f" ({step['error_sqlstate']})" if step["error_sqlstate"] else ""
            out.print(f"run {run['run_id']}, {run['run_date']}: {step['step']} {step['status']}{code}")
            lines = (step["error_message"] or "").splitlines()
            out.print("".join(f"  {shown(line)}\n" for line in lines), markup=False, soft_wrap=True)
    for row in found["days_not_loaded"][:MOST_DAYS]:
        day = row["run_date"]
        out.print(f"{day} is not loaded ({row['status']}): python -m glue explain {day}", markup=False)
    if found["days_not_loaded"]:
        more = len(found["days_not_loaded"]) - MOST_DAYS
        out.print(f"… and {more:,} days more: warehouse.days\n" if more > 0 else "", markup=False)
    print_table(
        out, table("How the pipeline does (audit.health)", ("", "7 days", "30 days"), _windows(found["health"]))
    )
    sizes = sorted((row for row in found["health"] if row["days"] is None), key=lambda row: -row["value"])
    if sizes:
        texts = (f"{row['measure'].removeprefix('size of ')} {byte_size(row['value'])}" for row in sizes)
        out.print("Size: " + ", ".join(texts), markup=False)


def _windows(health: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return a row per measure that has windows."""
    values = {(row["measure"], row["days"]): _amount(row) for row in health}
    measures = dict.fromkeys(row["measure"] for row in health if row["days"])
    return [(measure, values.get((measure, 7), ""), values.get((measure, 30), "")) for measure in measures]


def _amount(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "–"
    return byte_size(row["value"]) if row["unit"] == "bytes" else shown(row["value"]) + UNITS.get(row["unit"], "")
