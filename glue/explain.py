"""Tells the story of a day, or of an order: where every line went, and why."""

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from glue.errors import GlueError
from glue.tables import console, print_table, shown, table

Rows = list[dict[str, Any]]

# A day is compared with the same weekday of so many weeks before.
WEEKS = 4
# Money that differs by less is as usual.
USUAL_SHARE = Decimal("0.05")
# What becomes of a line from its delivery to its sale.
NAMES = ("delivered", "duplicate", "rejected", "superseded", "not_loaded", "no_sale", "sold")
LABELS = ("delivered", "- duplicate", "- rejected", "- superseded", "- not loaded", "- no sale", "= sold")

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
    SELECT substring(b.source_table FROM 'raw.([a-z]+)') AS source, b.failure_reason, sum(b.line_count)::bigint AS rows,
           min(b.failed_value) AS example,
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
# That weekday and the same ones before, so far as they are loaded: what each line became, down to what was sold.
WEEKDAYS = """
    WITH sold AS (
        SELECT f.load_date, count(*) AS lines
        FROM warehouse.fact_orders f
        JOIN warehouse.order_statuses s ON s.status = f.status AND s.counts_as_sale
        WHERE f.load_date = ANY (%(weekdays)s)
        GROUP BY f.load_date
    )
    SELECT m.run_date, m.raw_order_lines_count AS delivered, m.duplicate_orders_count AS duplicate,
           m.rejected_orders_count AS rejected, m.superseded_orders_count AS superseded,
           m.staging_orders_count - m.superseded_orders_count - m.fact_orders_count AS not_loaded,
           m.fact_orders_count - coalesce(s.lines, 0) AS no_sale, coalesce(s.lines, 0) AS sold, m.net_revenue
    FROM warehouse.daily_metrics m
    LEFT JOIN sold s ON s.load_date = m.run_date
    WHERE m.run_date = ANY (%(weekdays)s) AND (m.status = 'succeeded' OR m.run_date = %(day)s)
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
           b.failed_value, b.line_count
    FROM audit.bad_records b
    WHERE b.record_id = %(order)s AND b.source_table = 'raw.orders_json'
    ORDER BY b.run_date, b.bad_record_id
"""
FACTS = """
    SELECT f.staging_orders_id, f.load_date FROM warehouse.fact_orders f WHERE f.order_id = %(order)s
"""
# raw has no index that knows an order. Its deliveries of the days that know the order are searched, and those that
# cleaning has not read: a day that did not run yet and, if nothing else is known, what a later delivery replaced.
TO_SEARCH = """
    SELECT l.load_id, l.run_date, count(*) OVER () AS found
    FROM raw.file_loads l
    LEFT JOIN staging.loads s ON s.source = l.source AND s.load_date = l.run_date
    WHERE l.source = 'orders' AND l.row_count > 0
      AND (l.run_date = ANY (%(days)s::date[]) OR s.load_date IS NULL OR l.load_id > ALL (s.load_ids)
           OR (%(days)s::date[] = '{}' AND l.load_id <> ALL (s.load_ids)))
    ORDER BY l.run_date = ANY (%(days)s::date[]) DESC, l.load_id DESC
    LIMIT %(most)s
"""
MOST_DELIVERIES = 100
# What cleaning says of a status that nobody has mapped.
UNMAPPED = "status is not in staging.codes"
SAFE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}")
# What cleaning knows, and a text search for the others (JSON has many ways to write an id: it finds the usual ones).
# Only what is found is taken apart, and that here, since a text of PostgreSQL cannot hold all that its JSON can.
REPORTS = """
    SELECT r.run_date AS load_date, r.raw_orders_id, r.line_number AS file_line, l.file_name, r.ingested_at, l.load_id,
           r.raw_json::text AS record,
           NOT EXISTS (
               SELECT FROM raw.file_loads n
               WHERE n.run_date = l.run_date AND n.source = l.source AND n.file_name = l.file_name
                 AND n.load_id > l.load_id AND n.refused_reason IS NULL
           ) AS is_last
    FROM raw.orders_json r
    JOIN raw.file_loads l ON l.load_id = r.load_id
    WHERE r.run_date = ANY (%(days)s::date[]) AND r.load_id = ANY (%(load_ids)s::bigint[])
      AND (r.raw_orders_id = ANY (%(cleaned)s) OR strpos(r.raw_json::text, %(order)s) > 0
           OR strpos(r.raw_json::text, %(escaped)s) > 0)
    ORDER BY r.run_date, l.file_name COLLATE "C", l.load_id, r.line_number
"""
IN_FORCE = """
    SELECT l.load_date, l.load_ids FROM staging.loads l WHERE l.source = 'orders' AND l.load_date = ANY (%(days)s)
"""


def day_story(connection: psycopg.Connection, day: date) -> dict[str, Any]:
    """Return where every delivered line of a day went. Raises GlueError when nothing is known of that day."""
    weekdays = [day - timedelta(days=7 * weeks) for weeks in range(WEEKS + 1)]
    with connection.cursor(row_factory=dict_row) as cursor:

        def rows(query: str) -> Rows:
            return cursor.execute(query, {"day": day, "weekdays": weekdays}).fetchall()

        story: dict[str, Any] = {
            "day": day, "metrics": next(iter(rows(DAY)), None), "deliveries": rows(DELIVERIES),
            "rejected": rows(REJECTED), "superseded": rows(SUPERSEDED), "statuses": rows(STATUSES),
            "failed_rules": rows(RULES), "runs": rows(RUNS), "overrides": rows(OVERRIDES),
            "weekdays": rows(WEEKDAYS),
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
        facts = cursor.execute(FACTS, given).fetchall()
        in_facts = {row["staging_orders_id"] for row in facts}
        days = sorted({row["load_date"] for row in clean + bad + facts})
        searched = cursor.execute(TO_SEARCH, {"days": days, "most": MOST_DELIVERIES}).fetchall()
        where = {"days": [row["run_date"] for row in searched], "load_ids": [row["load_id"] for row in searched]}
        cleaned = {row["raw_orders_id"] for row in clean + bad}
        found = cursor.execute(REPORTS, given | where | {"cleaned": list(cleaned)}).fetchall()
        for report in found:
            report["id"], report["status"] = _id_and_status(report["record"])
        reports = [one for one in found if one.pop("id") == order_id or one["raw_orders_id"] in cleaned]
        known = sorted({report["load_date"] for report in reports})
        in_force = {row["load_date"]: row["load_ids"] for row in cursor.execute(IN_FORCE, {"days": known})}
    if not reports and not clean and not bad:
        count = searched[0]["found"] if searched else 0
        raise GlueError(
            f"no delivery in raw has an order {shown(order_id)!r}; ids are compared to the letter"
            + (f" (of {count:,} deliveries that were not cleaned, the newest {len(searched)} were searched)"
               if count > len(searched) else "")
        )  # fmt: skip
    for report in reports:
        raw_id = report["raw_orders_id"]
        report["lines"] = [
            line | {"outcome": _outcome(line, in_facts)} for line in clean if line["raw_orders_id"] == raw_id
        ] + [line | {"outcome": _rejected(line)} for line in bad if line["raw_orders_id"] == raw_id]
        if not report["lines"]:
            loads = in_force.get(report["load_date"])
            report["outcome"] = (
                "not cleaned yet" if loads is None
                else "duplicate: a later report of the same day won" if report["load_id"] in loads
                else "not in force: the file was delivered again" if not report["is_last"]
                else f"not cleaned yet: run {report['load_date']} again"
            )  # fmt: skip
    return {"order_id": order_id, "reports": reports}


def _id_and_status(record: str) -> tuple[str | None, str | None]:
    """Return order_id and status of a record as cleaning reads them; None for what is no plain value."""
    try:
        # Numbers as they are written: a float would change them, and an int may be too long for Python.
        found = json.loads(record, parse_int=str, parse_float=str)
    except ValueError:
        return None, None
    values = [found.get(name) if isinstance(found, dict) else None for name in ("order_id", "status")]
    texts = [str(value).lower() if isinstance(value, bool) else value for value in values]
    order_id, status = (text.strip(" \t\n\r\f\v") if isinstance(text, str) else None for text in texts)
    return order_id, status


def _rejected(line: dict[str, Any]) -> str:
    more = f" (with {line['line_count'] - 1:,} lines after it)" if line["line_count"] > 1 else ""
    return f"rejected: {line['failure_reason']}{more}"


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
            source = line[0].partition(" ")[0]
            if state != "succeeded" and line[6]:
                out.print(f"The facts of {source} are those of an earlier run: the day is {state}.\n")
            elif missing:
                out.print(f"{missing:,} clean lines of {source} are not in the facts: the day is {state}.\n")
    columns = ("rows", "source", "failure_reason ", "example ", "first_at")
    _print(out, "Rejected (audit.bad_records)", story["rejected"], columns)
    columns = ("by_day", "orders", "lines", "revenue")
    _print(out, "Superseded: orders that a later day reported again", story["superseded"], columns)
    columns = ("status", "counts_as_sale", "orders", "lines", "revenue")
    _print(out, "Revenue of the day's facts by status", story["statuses"], columns)
    _print(out, "Rules that failed", story["failed_rules"], ("rule_name", "severity", "message ", "sample "))
    _print(out, "Let through", story["overrides"], ("allowed_at", "allowed_by", "reason "))
    _show_weekdays(out, story)
    if story["runs"] and story["runs"][-1]["error"]:
        out.print(f"The last run ended with: {shown(story['runs'][-1]['error'])}", markup=False, soft_wrap=True)
    for hint in _hints(story):
        out.print(f"Next: {hint}", markup=False, soft_wrap=True)


def _show_weekdays(out: Console, story: dict[str, Any]) -> None:
    """Print the day beside the same weekdays before, and in a sentence what makes the difference."""
    today = next((row for row in story["weekdays"] if row["run_date"] == story["day"]), None)
    before = [row for row in story["weekdays"] if row is not today]
    if not today or not before:
        return
    usual = {name: sum(row[name] for row in before) / Decimal(len(before)) for name in (*NAMES, "net_revenue")}
    days = [today, *before, usual]
    rows = [(label, *(round(day[name]) for day in days)) for name, label in zip(NAMES, LABELS, strict=True)]
    rows.append(("net revenue", *(round(day["net_revenue"], 2) for day in days)))
    rows.append(("per line sold", *(round(day["net_revenue"] / (day["sold"] or 1), 2) for day in days)))
    columns = ("", *(f"{row['run_date']}" for row in (today, *before)), "usual", "difference")
    title = f"Compared with the {story['day']:%A}s before, order lines"
    print_table(out, table(title, columns, ((*row, row[1] - row[-1]) for row in rows)))
    out.print(_difference(story["day"], today, usual), markup=False, soft_wrap=True)


def _difference(day: date, today: dict[str, Any], usual: dict[str, Decimal]) -> str:
    """Return in a sentence how the money of a day differs from the usual, and what most of it is."""
    change = today["net_revenue"] - usual["net_revenue"]
    if not usual["net_revenue"] or abs(change) < usual["net_revenue"] * USUAL_SHARE:
        return f"Net revenue is about that of the {day:%A}s before."
    told = f"Net revenue is {abs(change) / usual['net_revenue']:.0%} {'above' if change > 0 else 'below'} the usual"
    by_lines = (today["sold"] - usual["sold"]) * usual["net_revenue"] / (usual["sold"] or 1)
    if abs(change - by_lines) > abs(by_lines):
        return f"{told}: what was sold cost {'more' if change > 0 else 'less'}, or there was a price that is wrong."
    # What adds most lines to those sold, or takes most away: fewer delivered are as bad as more rejected.
    added = {name: (today[name] - usual[name]) * (1 if name == "delivered" else -1) for name in NAMES[:-1]}
    name = (max if change > 0 else min)(added, key=lambda name: added[name])
    count = today[name] - round(usual[name])
    what = {"not_loaded": "not loaded", "no_sale": "with a status that is no sale"}.get(name, name)
    return f"{told}, most of it by {abs(count):,} {'more' if count > 0 else 'fewer'} lines {what}."


def _hints(story: dict[str, Any]) -> list[str]:
    """Return the next commands that make sense for a day."""
    day = story["day"]
    state = story["metrics"]["status"] if story["metrics"] else None
    if state is None:
        return [f"python -m glue run {day}"]
    hints = []
    if state == "blocked":
        hints += [
            f"deliver a corrected file under the same name, then: python -m glue run {day}",
            f"""or let it through: python -m glue db psql -c "CALL audit.allow_day('{day}', 'why')", then run it""",
        ]
    unmapped = next((row for row in story["rejected"] if UNMAPPED in row["failure_reason"]), None)
    if unmapped:
        # A value from a file is only shown as a part of a command if no shell and no SQL can take it for anything else.
        value = unmapped["example"].lower() if SAFE_VALUE.fullmatch(unmapped["example"] or "") else "ITS VALUE"
        code = f"('order_status', '{value}', 'ONE OF warehouse.order_statuses')"
        insert = f"INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES {code}"
        hints.append(f'say what the status means: python -m glue db psql -c "{insert}", then: python -m glue run {day}')
    if story["rejected"]:
        query = f"SELECT * FROM audit.bad_records WHERE run_date = '{day}'"
        hints.append(f'each rejected line as it was delivered: python -m glue db psql -c "{query}"')
    return hints


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
            values = (_cell(line, name) for name in ("line_number", "product_id", "quantity", "revenue"))
            rows.append((*head, *values, line["outcome"]))
            head = (None, None, None)
    columns = ("delivered", "where", "status there", "line", "product", "quantity", "revenue", "what became of it ")
    print_table(out, table("", columns, rows))


def _print(out: Console, title: str, rows: Rows, names: tuple[str, ...]) -> None:
    """Print rows as a table, if there are any; a name that ends in a blank may wrap."""
    if rows:
        columns = tuple(name.replace("_", " ") for name in names)
        print_table(out, table(title, columns, ([_cell(row, name.strip()) for name in names] for row in rows)))


def _cell(row: dict[str, Any], name: str) -> Any:
    """Return a value of a row, money with two decimals."""
    value = row.get(name)
    return round(value, 2) if name == "revenue" and value is not None else value
