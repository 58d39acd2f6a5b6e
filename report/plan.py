"""Prints what a run would do now, as the database plans it: audit.plan."""

from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from glue import COMMAND
from report.tables import console, print_table, readable, table

# Days of which the same is planned are one row; each reason stands once.
PLAN = """
    WITH steps AS MATERIALIZED (
        SELECT p.*, s.position FROM audit.plan(%(first)s, %(last)s) AS p JOIN audit.steps AS s USING (step)
    ),
    days AS (
        SELECT s.run_date, sum(s.rows) AS rows, sum(s.seconds) AS seconds,
               coalesce(array_agg(s.step ORDER BY s.position) FILTER (WHERE s.state = 'works'), '{}') AS works,
               coalesce(array_agg(s.step ORDER BY s.position) FILTER (WHERE s.state = 'may_work'), '{}') AS may_work,
               coalesce(array_agg(s.step ORDER BY s.position) FILTER (WHERE s.state = 'skips'), '{}') AS skips,
               coalesce(array_agg(s.step ORDER BY s.position) FILTER (WHERE s.state = 'fails'), '{}') AS fails,
               coalesce(array_agg(s.step ORDER BY s.position) FILTER (WHERE s.state = 'not_reached'), '{}')
                   AS not_reached
        FROM steps AS s GROUP BY s.run_date
    ),
    alike AS (
        SELECT count(*) AS days, min(d.run_date) AS first, max(d.run_date) AS last, d.works, d.may_work, d.skips,
               d.fails, d.not_reached, sum(d.rows) AS rows, sum(d.seconds) AS seconds
        FROM days AS d GROUP BY d.works, d.may_work, d.skips, d.fails, d.not_reached
    ),
    reasons AS (
        SELECT r.reason, count(*) AS steps, count(DISTINCT s.run_date) AS days, min(s.run_date) AS first,
               max(s.run_date) AS last
        FROM steps AS s CROSS JOIN LATERAL unnest(s.reasons) AS r (reason) GROUP BY r.reason
    )
    SELECT (SELECT count(*) FROM days) AS days, (SELECT min(d.run_date) FROM days AS d) AS first,
           (SELECT max(d.run_date) FROM days AS d) AS last,
           (SELECT count(*) FILTER (WHERE s.state = 'works') FROM steps AS s) AS works,
           (SELECT count(*) FILTER (WHERE s.state = 'may_work') FROM steps AS s) AS may_work,
           (SELECT count(*) FILTER (WHERE s.state = 'skips') FROM steps AS s) AS skips,
           (SELECT count(*) FILTER (WHERE s.state IN ('fails', 'not_reached')) FROM steps AS s) AS not_done,
           (SELECT sum(s.seconds) FILTER (WHERE s.state = 'works') FROM steps AS s) AS seconds,
           (SELECT sum(s.seconds) FILTER (WHERE s.state = 'may_work') FROM steps AS s) AS more_seconds,
           (SELECT count(*) FILTER (WHERE s.state IN ('works', 'may_work') AND s.seconds IS NULL) FROM steps AS s)
               AS not_estimated,
           (SELECT coalesce(json_agg(a ORDER BY a.days DESC, a.first), '[]') FROM alike AS a) AS alike,
           (SELECT coalesce(json_agg(r ORDER BY r.steps DESC, r.first, r.reason COLLATE "C"), '[]') FROM reasons AS r)
               AS reasons,
           (SELECT coalesce(json_agg(s ORDER BY s.run_date, s.position), '[]') FROM steps AS s) AS steps
"""
MOST_ROWS = 20
STATES = {
    "works": "work",
    "may_work": "may work",
    "skips": "do nothing",
    "fails": "fail",
    "not_reached": "not reached",
}


def plan(connection: psycopg.Connection, first: date | None, last: date | None) -> dict[str, Any]:
    """Return what a run would do: counts, days of which the same is planned together, reasons, and each step."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(PLAN, {"first": first, "last": last}).fetchone() or {}


def show_plan(found: dict[str, Any]) -> None:
    """Print what plan() returned."""
    out = console()
    if not found["days"]:
        out.print(f"Raw holds nothing of these days. Bring files in: {COMMAND} extract orders DATE")
        return
    over = f"{found['first']}" + (f" to {found['last']}" if found["days"] > 1 else "")
    counts = (
        (found["works"], "work"),
        (found["may_work"], "may work"),
        (found["skips"], "do nothing"),
        (found["not_done"], "fail or are not reached"),
    )
    said = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    out.print(f"A run of {_days(found['days'])}, {over}: of its steps {said}.", markup=False, soft_wrap=True)
    if found["works"] or found["may_work"]:
        out.print(_time(found), markup=False, soft_wrap=True)
    out.print()
    rows = [(row["days"], _over(row), row["steps"], row["reason"]) for row in found["reasons"]]
    if rows:
        print_table(out, table("Why", ("days", "which", "steps", "reason "), rows[:MOST_ROWS]))
    if len(rows) > MOST_ROWS:
        out.print(f"… and {len(rows) - MOST_ROWS:,} reasons more: SELECT * FROM audit.plan()\n", markup=False)
    alike = [row for row in found["alike"] if len(row["skips"]) < sum(len(row[state]) for state in STATES)]
    for row in alike[:MOST_ROWS]:
        time = "" if row["seconds"] is None else f", about {row['seconds']:,.1f} s"
        out.print(f"{_days(row['days'])}, {_over(row)}: {row['rows'] or 0:,} rows{time}", markup=False, soft_wrap=True)
        for state, what in STATES.items():
            if row[state]:
                out.print(f"  {what:<12} {', '.join(row[state])}", markup=False, soft_wrap=True)
    if len(alike) > MOST_ROWS:
        out.print(f"… and {len(alike) - MOST_ROWS:,} more: SELECT * FROM audit.plan()", markup=False)


def _time(found: dict[str, Any]) -> str:
    parts = [f"about {found['seconds']:,.1f} s"] if found["seconds"] is not None else []
    if found["more_seconds"] is not None:
        parts.append(f"up to {found['more_seconds']:,.1f} s more for those that may work")
    if found["not_estimated"]:
        parts.append(f"no estimate for {found['not_estimated']:,} steps: none like them has worked yet")
    return "Estimated from the time that steps took before: " + ", ".join(parts) + "."


def _over(row: dict[str, Any]) -> str:
    return readable(row["first"]) + (f" … {row['last']}" if row["last"] != row["first"] else "")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
