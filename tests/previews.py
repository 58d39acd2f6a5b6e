"""What a preview told and what a run then did, as two things to compare; and all that a preview must leave alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
# What we give a row, and when it was written; how long a run took.
NOT_TOLD = {"run_date", "created_at", "updated_at", "runtime_seconds", "rows_per_second"}
IDS = {f"{kind}_{what}_id" for kind in ("raw", "staging", "fact") for what in ("orders", "events", "products")}
MOST_PRODUCTS = 20


@dataclass(frozen=True)
class Table:
    """A table that a preview speaks of."""

    part: str
    name: str
    key: tuple[str, ...]
    groups: tuple[str, ...] = ()
    shown: bool = True


TABLES = (
    Table("staging", "staging.orders_clean", ("order_id", "line_number"), ("status", "product_id")),
    Table("staging", "staging.events_clean", ("event_id", "event_ts"), ("event_type", "product_id")),
    Table("staging", "staging.products_clean", ("product_id",)),
    Table("dimension", "warehouse.dim_date", ("date_id",)),
    Table("dimension", "warehouse.dim_user", ("user_id",), shown=False),
    Table("dimension", "warehouse.dim_product", ("product_id",)),
    Table("dimension", "warehouse.dim_product_history", ("product_id", "effective_from")),
    Table("facts", "warehouse.fact_orders", ("order_id", "line_number"), ("status", "product_id")),
    Table("facts", "warehouse.fact_events", ("event_id", "event_ts"), ("event_type", "product_id")),
    Table("superseded", "warehouse.orders_superseded", ("order_id", "line_number")),
    Table("superseded", "warehouse.events_superseded", ("event_id", "event_ts")),
)
Figures = Mapping[tuple[Any, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class Picture:
    """What the tables hold that a preview of a day speaks of."""

    tables: dict[str, list[Row]]
    metrics: dict[tuple[date, str], str | None]
    rejected: Counter[tuple[str, str]]
    verdict: str | None
    rules: dict[str, str]
    worked: dict[str, int]
    sales: set[str]


def picture(connection: psycopg.Connection[Any], day: date) -> Picture:
    """Take a picture."""

    def rows(query: str) -> list[Row]:
        return connection.cursor(row_factory=dict_row).execute(query, {"day": day}).fetchall()  # type: ignore[arg-type]

    metrics = {
        (row["run_date"], row["key"]): row["value"]
        for row in rows(
            "SELECT m.run_date, e.* FROM warehouse.daily_metrics m CROSS JOIN jsonb_each_text(to_jsonb(m)) e"
        )
        if row["key"] not in NOT_TOLD
    }
    verdict = rows("SELECT passed, run_id FROM audit.gate_verdicts WHERE run_date = %(day)s")
    results = rows(
        "SELECT rule_name, passed, message FROM audit.dq_results WHERE run_id ="
        " (SELECT run_id FROM audit.gate_verdicts WHERE run_date = %(day)s)"
    )
    rejected = rows(
        "SELECT source_table, left(failure_reason, 200) AS reason, sum(line_count)::int AS lines"
        " FROM audit.bad_records WHERE run_date = %(day)s GROUP BY 1, 2"
    )
    return Picture(
        {table.name: rows(f"SELECT * FROM {table.name}") for table in TABLES},
        metrics,
        Counter({(row["source_table"], row["reason"]): row["lines"] for row in rejected}),
        ("passed" if verdict[0]["passed"] else "blocked") if verdict else None,
        {row["rule_name"]: "passes" if row["passed"] else f"fails: {row['message']}" for row in results},
        {row["step"]: row["work_number"] for row in rows("SELECT * FROM audit.step_inputs WHERE run_date = %(day)s")},
        {row["status"] for row in rows("SELECT status FROM warehouse.order_statuses WHERE counts_as_sale")},
    )


def told(lines: Iterable[Any]) -> tuple[dict[str, str], Figures]:
    """Return what a preview said: {step: outcome}, and the lines by what they are about."""
    steps: dict[str, str] = {}
    figures: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for line in lines:
        about = (line.part, line.name, line.load_date, line.grouped_by, line.value)
        if line.part == "step":
            steps[line.name] = line.after
        elif line.part in ("verdict", "rule"):
            figures[line.part, line.name] = (line.before, line.after)
        elif line.part in ("metric", "rejected"):
            figures[about] = (line.before, line.after)
        else:
            figures[about] = (
                line.identical, line.changed, line.added, line.removed, line.revenue_before, line.revenue_after,
                line.net_revenue_before, line.net_revenue_after, line.keys,
            )  # fmt: skip
    return steps, figures


def happened(before: Picture, after: Picture, day: date, steps: Mapping[str, str]) -> Figures:
    """Return the lines that say what became of one picture, as a preview should have said them."""
    figures: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for table in TABLES:
        # A preview speaks of what the steps came to that it says would run.
        if table.name in WRITTEN_BY and WRITTEN_BY[table.name] not in steps:
            assert _plain(before.tables[table.name]) == _plain(after.tables[table.name])
            continue
        for about, figure in _compared(table, before, after, day).items():
            figures[table.part, table.name, *about] = figure
    for run_date, column in sorted(after.metrics.keys() | before.metrics.keys()):
        values = before.metrics.get((run_date, column)), after.metrics.get((run_date, column))
        if values[0] != values[1]:
            figures["metric", column, run_date, None, None] = values
    for source, reason in before.rejected.keys() | after.rejected.keys():
        counts = before.rejected[source, reason], after.rejected[source, reason]
        if counts[0] != counts[1]:
            figures["rejected", source, day, "reason", reason] = tuple(map(str, counts))
    if "check_quality" in steps and not steps["check_quality"].startswith("fails"):
        figures["verdict", "gate"] = before.verdict, after.verdict
        for name, verdict in after.rules.items():
            figures["rule", name] = before.rules.get(name), verdict
    return figures


WRITTEN_BY = {
    "warehouse.fact_orders": "reload_fact_orders", "warehouse.orders_superseded": "reload_fact_orders",
    "warehouse.fact_events": "reload_fact_events", "warehouse.events_superseded": "reload_fact_events",
    **{f"warehouse.{name}": "load_dim_date" for name in ("dim_date", "dim_user", "dim_product", "dim_product_history")},
}  # fmt: skip


def _plain(rows: Iterable[Row]) -> list[str]:
    return sorted(str(sorted(row.items())) for row in rows)


def _compared(table: Table, before: Picture, after: Picture, day: date) -> Figures:
    def by_key(rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
        return {(row.get("load_date"), *(row[k] for k in table.key)): row for row in rows}

    def said(row: Row | None) -> Row | None:
        return row and {name: value for name, value in row.items() if name not in NOT_TOLD | IDS}

    old, new = by_key(before.tables[table.name]), by_key(after.tables[table.name])
    groups: dict[tuple[Any, ...], list[tuple[str, Row | None, Row | None]]] = defaultdict(list)
    for key in old.keys() | new.keys():
        load_date, one, other = key[0], old.get(key), new.get(key)
        shown = "/".join(str(key[1 + n]) for n, name in enumerate(table.key) if name != "event_ts")
        groups[load_date, None, None].append((shown, one, other))
        if load_date != day:
            continue
        for column in table.groups:
            values = [row and row[column] for row in (one, other)]
            if one and other and values[0] == values[1]:
                groups[day, column, values[0]].append((shown, one, other))
            else:
                if one:
                    groups[day, column, values[0]].append((shown, one, None))
                if other:
                    groups[day, column, values[1]].append((shown, None, other))
    figures: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    differing: Counter[tuple[Any, ...]] = Counter()
    for about, pairs in groups.items():
        different = [pair for pair in pairs if said(pair[1]) != said(pair[2])]
        differing[about] = len(different)
        if table.part == "staging" and about[0] != day:
            assert not different
            continue
        if not different and (about[0] != day or about[1] == "product_id"):
            continue
        changed = [pair for pair in different if pair[1] and pair[2]]
        sums = [None] * 4
        if "refunded" in (pairs[0][1] or pairs[0][2] or {}):
            # Of other days only what moves is counted.
            counted = pairs if about[0] == day else different
            sums = [
                amount([row for pair in counted if (row := pair[n])], after.sales)  # type: ignore[misc]
                for amount in (_revenue, _net) for n in (1, 2)
            ]  # fmt: skip
        keys = sorted((pair[0] for pair in different), key=str.encode)[:5]
        figures[about] = (
            len(pairs) - len(different) if about[0] == day else None, len(changed),
            sum(pair[1] is None for pair in different), sum(pair[2] is None for pair in different), *sums,
            keys if keys and table.shown else None,
        )  # fmt: skip
    products = sorted(
        (about for about in figures if about[1] == "product_id"),
        key=lambda about: (-differing[about], str(about[2]).encode()),
    )
    for about in products[MOST_PRODUCTS:]:
        del figures[about]
    return figures


def _revenue(rows: Sequence[Row], sales: set[str]) -> Decimal | None:
    return sum((row["revenue"] for row in rows), Decimal(0)) if rows else None


def _net(rows: Sequence[Row], sales: set[str]) -> Decimal | None:
    sold = [row["revenue"] - (row["refunded"] or 0) for row in rows if row["status"] in sales]
    return sum(sold, Decimal(0)) if rows else None


def everything(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Return checksums of all rows of all tables, where sequences stand, and how much the catalog holds."""
    tables = connection.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('raw', 'staging', 'shapes', 'warehouse', 'audit') AND c.relkind IN ('r', 'p', 'S')"
    ).fetchall()
    catalogs: Sequence[str] = (
        "pg_class",
        "pg_attribute",
        "pg_proc",
        "pg_type",
        "pg_constraint",
        "pg_depend",
        "pg_trigger",
        "pg_index",
    )
    queries = [
        f"SELECT '{name}', md5(string_agg(md5(ROW(t.*)::text), '' ORDER BY md5(ROW(t.*)::text))) FROM {name} t"
        for (name,) in tables
    ] + [f"SELECT '{name}', count(*)::text FROM {name}" for name in catalogs]
    queries.append(
        "SELECT 'locks', count(*)::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND l.locktype = 'advisory'"
    )
    return dict(connection.execute(" UNION ALL ".join(queries)).fetchall())  # type: ignore[arg-type]
