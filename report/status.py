"""Shows what ran, what failed and why, and how well the pipeline does."""

from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.filesize import decimal as byte_size

from glue import COMMAND
from report.tables import console, print_rows, print_table, readable, table

RUNS = """
    SELECT r.*, coalesce(w.steps, '[]') AS steps
    FROM audit.last_runs(%(runs)s) r
    LEFT JOIN (
        SELECT s.run_id, json_agg(s) AS steps FROM audit.last_steps(%(runs)s) s WHERE s.went_wrong GROUP BY s.run_id
    ) AS w ON w.run_id = r.run_id
    ORDER BY r.run_id DESC
"""
# What BI does not show, or not all of.
NOT_LOADED = """
    SELECT d.load_date AS run_date, d.run_status AS status
    FROM warehouse.days d WHERE d.run_status <> 'succeeded' ORDER BY d.load_date
"""
HEALTH = "SELECT h.measure, h.days, h.value, h.unit FROM audit.health h"
MOST_DAYS = 10
# What a value of audit.health is followed by.
UNITS = {"%": " %", "seconds": " s", "rows per second": "/s"}


def status(connection: psycopg.Connection, runs: int = 10) -> dict[str, Any]:
    """Return the last runs, newest first, with their steps that did not succeed, all days whose last run did not
    succeed, and the rows of audit.health."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(RUNS, {"runs": runs}).fetchall()
        not_loaded = cursor.execute(NOT_LOADED).fetchall()
        return {"runs": found, "days_not_loaded": not_loaded, "health": cursor.execute(HEALTH).fetchall()}


def show(found: dict[str, Any]) -> None:
    """Print what status() returned."""
    out = console()
    if not found["runs"]:
        out.print(f"Nothing has run yet. A day of yours: {COMMAND} run DATE; a shop to look at: make demo.")
        return
    columns = ("run", "day", "status", "started (UTC)", "seconds", "lines", "lines/s", "by")
    names = ("run_id", "run_date", "status", "started_at", "seconds", "rows", "rows_per_second", "triggered_by")
    print_rows(out, "The last runs", found["runs"], names, columns)
    for run in found["runs"]:
        # What a later run of the day has mended is no news.
        for step in run["steps"] if run["is_last_of_day"] else []:
            code = f" ({step['error_sqlstate']})" if step["error_sqlstate"] else ""
            out.print(f"run {run['run_id']}, {run['run_date']}: {step['step']} {step['status']}{code}")
            lines = (step["error_message"] or "").splitlines()
            out.print("".join(f"  {readable(line)}\n" for line in lines), markup=False, soft_wrap=True)
    for row in found["days_not_loaded"][:MOST_DAYS]:
        day = row["run_date"]
        out.print(f"{day} is not loaded ({row['status']}): {COMMAND} explain {day}", markup=False)
    if found["days_not_loaded"]:
        more = len(found["days_not_loaded"]) - MOST_DAYS
        out.print(f"… and {more:,} days more: warehouse.days\n" if more > 0 else "", markup=False)
    print_table(
        out, table("How the pipeline does (audit.health)", ("", "7 days", "30 days"), _windows(found["health"]))
    )
    sizes = sorted((row for row in found["health"] if row["days"] is None), key=lambda row: -row["value"])
    if sizes:
        texts = (f"{row['measure'].removeprefix('size of ')} {byte_size(int(row['value']))}" for row in sizes)
        out.print("Size: " + ", ".join(texts), markup=False)


def _windows(health: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return a row per measure that has windows."""
    values = {(row["measure"], row["days"]): _amount(row) for row in health}
    measures = dict.fromkeys(row["measure"] for row in health if row["days"])
    return [(measure, values.get((measure, 7), ""), values.get((measure, 30), "")) for measure in measures]


def _amount(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "–"
    if row["unit"] == "bytes":
        return byte_size(int(row["value"]))
    return readable(row["value"]) + UNITS.get(row["unit"], "")
