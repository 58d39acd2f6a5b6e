"""Tells the story of a day, or of an order: where every line went, and why."""

import json
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from glue.errors import GlueError
from glue.tables import console, print_table, shown, table

Rows = list[dict[str, Any]]

DAY = """
    SELECT m.run_date, m.status, m.revenue, m.net_revenue, m.dq_failed_count,
           m.raw_order_lines_count, m.staging_orders_count, m.duplicate_orders_count, m.rejected_orders_count,
           m.fact_orders_count, m.superseded_orders_count,
           m.raw_events_count, m.staging_events_count, m.duplicate_events_count, m.rejected_events_count,
           m.fact_events_count, m.superseded_events_count
    FROM warehouse.daily_metrics m
    WHERE m.run_date = %(day)s
"""
DELIVERIES = """
    SELECT l.source, l.file_name, l.row_count, l.rejected_count, l.ingested_at,
           CASE WHEN l.refused_reason IS NOT NULL THEN 'refused: ' || l.refused_reason
                WHEN l.load_id = max(l.load_id) FILTER (WHERE l.refused_reason IS NULL)
                                 OVER (PARTITION BY l.source, l.file_name) THEN 'in force'
                ELSE 'replaced by a later one' END AS state
    FROM raw.file_loads l
    WHERE l.run_date = %(day)s
    ORDER BY l.source, l.file_name, l.load_id
"""
REJECTED = """
    SELECT b.source_table, b.failure_reason, count(*) AS rows, min(b.failed_value) AS example,
           (array_agg(concat_ws(':', b.file_name, b.line_number) ORDER BY b.file_name, b.line_number))[1] AS first_at
    FROM audit.bad_records b
    WHERE b.run_date = %(day)s
    GROUP BY b.source_table, b.failure_reason
    ORDER BY rows DESC, b.source_table, b.failure_reason
"""
SUPERSEDED = """
    SELECT o.load_date AS by_day, count(DISTINCT s.order_id) AS orders, count(*) AS lines, sum(s.revenue) AS revenue
    FROM warehouse.orders_superseded s
    JOIN warehouse.order_owners o ON o.order_id = s.order_id
    WHERE s.load_date = %(day)s
    GROUP BY o.load_date
    ORDER BY o.load_date
"""
STATUSES = """
    SELECT f.status, s.counts_as_sale, count(DISTINCT f.order_id) AS orders, count(*) AS lines,
           sum(f.revenue) AS revenue
    FROM warehouse.fact_orders f
    JOIN warehouse.order_statuses s ON s.status = f.status
    WHERE f.load_date = %(day)s
    GROUP BY f.status, s.counts_as_sale
    ORDER BY revenue DESC
"""
# The newest run of the day that judged it.
RULES = """
    SELECT d.rule_name, d.severity, d.message, d.sample
    FROM audit.dq_failures d
    WHERE d.run_date = %(day)s AND d.run_id = (SELECT max(r.run_id) FROM audit.dq_results r WHERE r.run_date = %(day)s)
    ORDER BY d.severity, d.rule_name
"""
RUNS = """
    SELECT r.run_id, r.status, r.started_at, r.triggered_by, r.error
    FROM audit.pipeline_runs r WHERE r.run_date = %(day)s ORDER BY r.run_id
"""
OVERRIDES = """
    SELECT o.allowed_at, o.allowed_by, o.reason, o.used_by_run_id
    FROM audit.dq_overrides o WHERE o.run_date = %(day)s ORDER BY o.override_id
"""
SAME_WEEKDAYS = """
    SELECT m.run_date, m.status, m.raw_order_lines_count AS delivered, m.rejected_orders_count AS rejected,
           m.superseded_orders_count AS superseded, m.fact_orders_count AS facts, m.net_revenue
    FROM warehouse.daily_metrics m
    WHERE m.run_date = ANY (%(weekdays)s)
    ORDER BY m.run_date DESC
"""

CLEAN = """
    SELECT s.load_date, s.raw_orders_id, s.staging_orders_id, s.line_number, s.product_id, s.quantity, s.unit_price,
           s.revenue, s.status, s.user_id, s.order_ts, o.load_date AS owner
    FROM staging.orders_clean s
    LEFT JOIN warehouse.order_owners o ON o.order_id = s.order_id
    WHERE s.order_id = %(order)s
    ORDER BY s.load_date, s.line_number
"""
BAD_LINES = """
    SELECT b.run_date AS load_date, b.raw_id AS raw_orders_id, b.item_number AS line_number, b.failure_reason,
           b.failed_value
    FROM audit.bad_records b
    WHERE b.record_id = %(order)s AND b.source_table = 'raw.orders_json'
    ORDER BY b.run_date, b.bad_record_id
"""
FACTS = """
    SELECT f.staging_orders_id FROM warehouse.fact_orders f WHERE f.order_id = %(order)s
"""
# A text search first: only what holds the id is taken apart, and that here, since a text of PostgreSQL cannot hold
# all that its JSON can.
REPORTS = """
    SELECT r.run_date AS load_date, r.raw_orders_id, r.line_number AS file_line, l.file_name, r.ingested_at, l.load_id,
           r.raw_json::text AS record,
           l.load_id = max(l.load_id) OVER (PARTITION BY r.run_date, l.file_name) AS is_last
    FROM raw.orders_json r
    JOIN raw.file_loads l ON l.load_id = r.load_id
    WHERE (%(days)s::date[] IS NULL OR r.run_date = ANY (%(days)s))
      AND (strpos(r.raw_json::text, %(order)s) > 0 OR strpos(r.raw_json::text, %(escaped)s) > 0)
    ORDER BY r.run_date, l.file_name COLLATE "C", l.load_id, r.line_number
"""
IN_FORCE = """
    SELECT l.load_date, l.load_ids FROM staging.loads l WHERE l.source = 'orders' AND l.load_date = ANY (%(days)s)
"""


def day_story(connection: psycopg.Connection, day: date) -> dict[str, Any]:
    """Return where every delivered line of a day went. Raises GlueError when nothing is known of that day."""
    weekdays = [day - timedelta(days=7 * weeks) for weeks in range(1, 5)]
    with connection.cursor(row_factory=dict_row) as cursor:

        def rows(query: str) -> Rows:
            return cursor.execute(query, {"day": day, "weekdays": weekdays}).fetchall()

        story: dict[str, Any] = {
            "day": day, "metrics": next(iter(rows(DAY)), None), "deliveries": rows(DELIVERIES),
            "rejected": rows(REJECTED), "superseded": rows(SUPERSEDED), "statuses": rows(STATUSES),
            "failed_rules": rows(RULES), "runs": rows(RUNS), "overrides": rows(OVERRIDES),
            "same_weekdays": rows(SAME_WEEKDAYS),
        }  # fmt: skip
    if not story["deliveries"] and not story["runs"]:
        raise GlueError(f"nothing was ever delivered or run for {day}; python -m glue run {day}")
    return story


def order_story(connection: psycopg.Connection, order_id: str) -> dict[str, Any]:
    """Return every report of an order, and what became of each of its lines. Raises GlueError when there is none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        given = {"order": order_id, "escaped": json.dumps(order_id)[1:-1]}
        clean = cursor.execute(CLEAN, given).fetchall()
        bad = cursor.execute(BAD_LINES, given).fetchall()
        in_facts = {row["staging_orders_id"] for row in cursor.execute(FACTS, given)}
        # The days that have a line of it; an order of which nothing was cleaned yet may be anywhere in raw.
        days = sorted({row["load_date"] for row in clean + bad}) or None
        found = cursor.execute(REPORTS, given | {"days": days}).fetchall()
        reports = [report for report in found if _order_id(report["record"]) == order_id]
        known = sorted({report["load_date"] for report in reports})
        in_force = {row["load_date"]: row["load_ids"] for row in cursor.execute(IN_FORCE, {"days": known})}
    if not reports and not clean and not bad:
        raise GlueError(f"no delivery in raw has an order {shown(order_id)!r}; ids are compared to the letter")
    for report in reports:
        raw_id = report["raw_orders_id"]
        report["status"] = json.loads(report["record"]).get("status")
        report["lines"] = [
            line | {"outcome": _outcome(line, in_facts)} for line in clean if line["raw_orders_id"] == raw_id
        ] + [
            line | {"outcome": f"rejected: {line['failure_reason']}"} for line in bad if line["raw_orders_id"] == raw_id
        ]
        if not report["lines"]:
            loads = in_force.get(report["load_date"])
            report["outcome"] = (
                "not cleaned yet" if loads is None
                else "duplicate: a later report of the same day won" if report["load_id"] in loads
                else "not in force: the file was delivered again" if not report["is_last"]
                else f"not cleaned yet: run {report['load_date']} again"
            )  # fmt: skip
    return {"order_id": order_id, "reports": reports}


def _order_id(record: str) -> str | None:
    """Return the order_id of a record, as cleaning reads it."""
    try:
        found = json.loads(record)
    except ValueError:
        return None
    value = found.get("order_id") if isinstance(found, dict) else None
    return None if value is None else str(value).strip(" \t\n\r\f\v")


def _outcome(line: dict[str, Any], in_facts: set[int]) -> str:
    if line["staging_orders_id"] in in_facts:
        return "in fact_orders"
    if line["owner"] and line["owner"] > line["load_date"]:
        return f"superseded by the report of {line['owner']}"
    return "clean, not loaded: is the day blocked? python -m glue explain " + str(line["load_date"])


def show_day(story: dict[str, Any]) -> None:
    """Print what day_story() returned."""
    out = console()
    day, metrics = story["day"], story["metrics"]
    state = metrics["status"] if metrics else "not run yet"
    out.print(f"{day:%A}, {day}: {state}; runs so far: {len(story['runs'])}\n", markup=False)
    _print(out, "Deliveries", story["deliveries"], ("source", "file_name", "row_count", "rejected_count", "state "))
    if metrics:
        lines = []
        for source, raw in (("orders", "raw_order_lines_count"), ("events", "raw_events_count")):
            names = (
                raw,
                *(f"{kind}_{source}_count" for kind in ("duplicate", "rejected", "staging", "superseded", "fact")),
            )
            lines.append((f"{source} (lines)" if source == "orders" else source, *(metrics[name] for name in names)))
        columns = ("", "delivered", "- duplicate", "- rejected", "= clean", "- superseded", "= in facts")
        print_table(out, table("Where every delivered line went", columns, lines))
        for line in lines:
            missing = line[4] - line[5] - line[6]
            if missing:
                source = line[0].partition(" ")[0]
                out.print(f"{missing:,} clean lines of {source} are not in the facts: the day is {state}.\n")
    _print(out, "Rejected (audit.bad_records)", story["rejected"], ("rows", "failure_reason ", "example ", "first_at"))
    columns = ("by_day", "orders", "lines", "revenue")
    _print(out, "Superseded: orders that a later day reported again", story["superseded"], columns)
    columns = ("status", "counts_as_sale", "orders", "lines", "revenue")
    _print(out, "Revenue of the day's facts by status", story["statuses"], columns)
    _print(out, "Rules that failed", story["failed_rules"], ("rule_name", "severity", "message ", "sample "))
    _print(out, "Let through", story["overrides"], ("allowed_at", "allowed_by", "reason "))
    if metrics and story["same_weekdays"]:
        columns = ("run_date", "status", "delivered", "rejected", "superseded", "facts", "net_revenue")
        own = {"delivered": metrics["raw_order_lines_count"], "rejected": metrics["rejected_orders_count"]}
        own |= {"superseded": metrics["superseded_orders_count"], "facts": metrics["fact_orders_count"]}
        _print(out, f"The {day:%A}s before, order lines", [metrics | own, *story["same_weekdays"]], columns)
    if story["runs"] and story["runs"][-1]["error"]:
        out.print(f"The last run ended with: {shown(story['runs'][-1]['error'])}", markup=False, soft_wrap=True)
    for hint in _hints(story):
        out.print(f"Next: {hint}", markup=False, soft_wrap=True)


def _hints(story: dict[str, Any]) -> list[str]:
    """Return the next commands that make sense for a day."""
    day = story["day"]
    state = story["metrics"]["status"] if story["metrics"] else None
    if state is None:
        return [f"python -m glue run {day}"]
    if state == "blocked":
        return [
            f"deliver a corrected file under the same name, then: python -m glue run {day}",
            f"""or let it through: python -m glue db psql -c "CALL audit.allow_day('{day}', 'why')", then run it""",
        ]
    if story["rejected"]:
        query = f"SELECT * FROM audit.bad_records WHERE run_date = '{day}'"
        return [f'each rejected line as it was delivered: python -m glue db psql -c "{query}"']
    return []


def show_order(story: dict[str, Any]) -> None:
    """Print what order_story() returned."""
    out = console()
    out.print(f"Order {shown(story['order_id'])}: reports: {len(story['reports'])}\n", markup=False)
    rows = []
    for report in story["reports"]:
        place = f"{report['file_name']}:{report['file_line']}"
        head = (report["load_date"], place, report["status"])
        if not report["lines"]:
            rows.append((*head, None, None, None, None, report["outcome"]))
        for line in report["lines"]:
            values = (line.get(name) for name in ("line_number", "product_id", "quantity", "revenue"))
            rows.append((*head, *values, line["outcome"]))
            head = (None, None, None)
    columns = ("delivered", "where", "status there", "line", "product", "quantity", "revenue", "what became of it ")
    print_table(out, table("", columns, rows))


def _print(out: Console, title: str, rows: Rows, names: tuple[str, ...]) -> None:
    """Print rows as a table, if there are any; a name that ends in a blank may wrap."""
    if rows:
        columns = tuple(name.replace("_", " ") for name in names)
        print_table(out, table(title, columns, ([row[name.strip()] for name in names] for row in rows)))
