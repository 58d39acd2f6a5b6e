"""Prints the story of a day, or of an order, as the database tells it: audit.day_story, audit.order_story."""

import shlex
from datetime import date
from itertools import groupby
from typing import Any

import psycopg
from psycopg.rows import dict_row

from glue import COMMAND
from glue.errors import GlueError
from report.tables import console, print_rows, print_table, readable, table

# The sections of audit.day_story, each as a table.
SECTIONS = {
    "health": "SELECT h.* FROM audit.day_health h WHERE h.run_date = %s",
    "metrics": "SELECT m.* FROM warehouse.daily_metrics m WHERE m.run_date = %s",
    "deliveries": "SELECT d.* FROM audit.day_deliveries d WHERE d.run_date = %s ORDER BY source, file_name, load_id",
    "lines": "SELECT l.* FROM audit.day_lines l WHERE l.run_date = %s ORDER BY source DESC",
    "rejected": "SELECT r.* FROM audit.rejected_reasons r WHERE r.run_date = %s"
    " ORDER BY rows DESC, source, failure_reason",
    "superseded": "SELECT s.* FROM audit.day_superseded s WHERE s.run_date = %s ORDER BY by_day",
    "statuses": "SELECT s.* FROM audit.day_statuses s WHERE s.run_date = %s ORDER BY revenue DESC, status",
    "failed_rules": "SELECT v.* FROM audit.last_verdicts v WHERE v.run_date = %s AND NOT v.passed"
    " ORDER BY severity, rule_name",
    "overrides": "SELECT o.* FROM audit.dq_overrides o WHERE o.run_date = %s ORDER BY override_id",
    "compared": "SELECT c.* FROM audit.day_compared(%s) c",
    "advice": "SELECT a.* FROM audit.day_advice(%s) a ORDER BY a.place",
}
# Tables of which the columns are printed as they are called; a name that ends in a blank may wrap.
PRINTED = {
    "deliveries": ("Deliveries", ("source", "file_name", "row_count", "rejected_count", "state ")),
    "rejected": (
        "Rejected (audit.bad_records)",
        ("rows", "source", "failure_reason ", "example ", "first_at", "rows_with_others"),
    ),
    "superseded": ("Superseded: orders whose report of another day counts", ("by_day", "orders", "lines", "revenue")),
    "statuses": (
        "Revenue of the day's facts by status",
        ("status", "counts_as_sale", "orders", "lines", "revenue"),
    ),
    "failed_rules": ("Rules that failed", ("rule_name", "severity", "message ", "sample ")),
    "overrides": ("Let through", ("allowed_at", "allowed_by", "reason ")),
}
# Of an order's lines, shown where any has it; revenue_in_currency where it is not the revenue.
MONEY = ("discount", "tax", "shipping", "refunded", "currency", "revenue_in_currency")
LINES = ("delivered", "duplicate", "rejected", "clean", "superseded", "in_facts")
LINES_COLUMNS = ("", "delivered", "- duplicate", "- rejected", "= clean", "- superseded", "= in facts")
UNITS = {"orders": "orders (lines)", "events": "events"}
WEEKS_SHOWN = 4
FLOW = {
    "delivered": "delivered",
    "duplicate": "- duplicate",
    "rejected": "- rejected",
    "superseded": "- superseded",
    "not_loaded": "- not loaded",
    "no_sale": "- no sale",
    "sold": "= sold",
    "net_revenue": "net revenue",
    "per_line_sold": "per line sold",
}


def day_story(connection: psycopg.Connection, day: date) -> dict[str, Any]:
    """Return where every delivered line of a day went. Raises GlueError when nothing is known of that day."""
    with connection.cursor(row_factory=dict_row) as cursor:
        story: dict[str, Any] = {name: cursor.execute(query, (day,)).fetchall() for name, query in SECTIONS.items()}  # type: ignore[arg-type]
    if not story["health"]:
        raise GlueError(f"nothing was ever delivered or run for {day}; {COMMAND} run {day}")
    (story["health"],) = story["health"]
    story["metrics"] = next(iter(story["metrics"]), None)
    story["weekdays"] = [row for row in story["compared"] if row["run_date"]]
    return {"day": day} | story


def order_story(connection: psycopg.Connection, order_id: str) -> dict[str, Any]:
    """Return every report of an order, and what became of each line. Raises psycopg.Error when there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("SELECT s.* FROM audit.order_story(%s) s", (order_id,)).fetchall()
    names = ("line_number", "product_id", "quantity", "revenue", "outcome", *MONEY)
    reports = []
    for _, group in groupby(found, key=lambda row: row["report"]):
        rows = list(group)
        report = {name: value for name, value in rows[0].items() if name not in names}
        report["lines"] = [{name: row[name] for name in names} for row in rows if row["line_number"] is not None]
        reports.append(report if report["lines"] else report | {"outcome": rows[0]["outcome"]})
    return {"order_id": order_id, "reports": reports}


def show_day(story: dict[str, Any]) -> None:
    """Print what day_story() returned."""
    out = console()
    health = story["health"]
    out.print(f"{health['weekday']}, {story['day']}: {health['state']}; runs so far: {health['runs']}\n", markup=False)
    for name, (title, names) in PRINTED.items():
        # A column that is mostly empty goes where it is all empty.
        full = [one for one in names if one != "rows_with_others" or any(row[one] for row in story[name])]
        print_rows(out, title, story[name], full)
        if name == "deliveries":
            lines = [row | {"unit": UNITS[row["source"]]} for row in story["lines"]]
            print_rows(out, "Where every delivered line went", lines, ("unit", *LINES), LINES_COLUMNS)
            for note in (row["note"] for row in lines if row["note"]):
                out.print(f"{note}\n")
    if len(story["compared"]) > 1:
        # This day, the newest of those before, the usual of all of them, the difference.
        shown = [*story["compared"][: 1 + WEEKS_SHOWN], *story["compared"][1 + WEEKS_SHOWN :][-2:]]
        columns = ("", *(str(row["run_date"] or row["what"]) for row in shown))
        rows = [(label, *(row[name] for row in shown)) for name, label in FLOW.items()]
        title = f"Compared with the {health['weekday']}s before, order lines"
        print_table(out, table(title, columns, rows))
        out.print(story["compared"][-1]["in_words"], markup=False, soft_wrap=True)
    if health["last_error"]:
        out.print(f"The last run ended with: {readable(health['last_error'])}", markup=False, soft_wrap=True)
    for row in story["advice"]:
        commands = [f"{COMMAND} db psql -c {_quoted(row['statement'])}"] if row["statement"] else []
        commands += [f"{COMMAND} run {story['day']}"] if row["then_run"] else []
        out.print(f"Next: {row['advice']}: {', then: '.join(commands)}", markup=False, soft_wrap=True)


def show_order(story: dict[str, Any]) -> None:
    """Print what order_story() returned."""
    out = console()
    out.print(f"Order {readable(story['order_id'])}: reports: {len(story['reports'])}\n", markup=False)
    rows: list[dict[str, Any]] = []
    for report in story["reports"]:
        place = ":".join(str(part) for part in (report["file_name"], report["file_line"]) if part is not None)
        # What holds for all lines of a report is said once.
        first, *others = report["lines"] or [report]
        head = {"load_date": report["load_date"], "place": place, "status": report["status"]}
        rows += [first | head, *others]
    beside = {"revenue_in_currency": "revenue"}
    money = tuple(name for name in MONEY if any(row.get(name) not in (None, row.get(beside.get(name))) for row in rows))
    names = ("load_date", "place", "status", "line_number", "product_id", "quantity", "revenue", *money, "outcome")
    columns = (
        "delivered",
        "where",
        "status there",
        "line",
        "product",
        "quantity",
        "revenue",
        *money,
        "what became of it ",
    )
    print_rows(out, "", rows, names, columns)


def _quoted(text: str) -> str:
    """Return a text as one word of a shell: in double quotes where these keep it as it is, which people read best."""
    return shlex.quote(text) if set(text) & set('"$`\\!\n') else f'"{text}"'
