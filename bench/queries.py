"""The analysts' queries: their times, the partitions that their plans read, and the indexes that they need."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

FILE = Path(__file__).with_suffix(".sql")
RUNS = 3
# All partitions' indexes count as that of their table.
INDEX_SCANS = """
    WITH RECURSIVE parents AS (
        SELECT c.oid AS index, c.oid AS top FROM pg_class c WHERE c.relkind IN ('i', 'I') AND NOT c.relispartition
        UNION ALL
        SELECT h.inhrelid, p.top FROM pg_inherits h JOIN parents p ON p.index = h.inhparent
    )
    -- A compacted month has an index of its own, by which a day in it is found.
    SELECT regexp_replace(t.relname, '_p_[0-9]{4}_[0-9]{2}_new_load_date_idx$', ': load_date in compacted months'),
           sum(coalesce(s.idx_scan, 0))::bigint
    FROM parents p JOIN pg_class t ON t.oid = p.top JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = p.index
    WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit') GROUP BY 1
"""
INDEX_NAMES = """
    SELECT c.relname, coalesce(t.relname, c.relname) FROM pg_class c
    LEFT JOIN pg_inherits h ON h.inhrelid = c.oid LEFT JOIN pg_class t ON t.oid = h.inhparent
        WHERE c.relkind IN ('i', 'I')
"""


class Query(NamedTuple):
    """A query of the file. `partitions`: how many of them it may read at most."""

    name: str
    text: str
    partitions: int | None


def load(connection: psycopg.Connection, known_on: date | None = None) -> Iterator[Query]:
    """Yield the queries with values that this warehouse knows: somebody's order of a day, or of forty days ago."""
    last = connection.execute("SELECT max(run_date) FROM warehouse.daily_metrics").fetchone()[0]
    values: dict[str, str] = {
        name: f"{day:%Y%m%d}"
        for name, day in {
            "day": last, "week_ago": last - timedelta(days=7), "month_ago": last - timedelta(days=30),
            "quarter_ago": last - timedelta(days=91), "year_ago": last - timedelta(days=365),
            "month_begin": last.replace(day=1), "month_begin_year_ago": last.replace(day=1) - timedelta(days=365),
        }.items()
    }  # fmt: skip
    known = connection.execute(
        "SELECT user_id, product_id, order_id FROM warehouse.fact_orders WHERE date_id = %s AND user_id <> '(guest)'"
        " ORDER BY order_id LIMIT 1", [_date_id(known_on or last - timedelta(days=40))],
    ).fetchone()  # fmt: skip
    values |= {name: f"'{value}'" for name, value in zip(("user", "product", "order"), known, strict=True)}
    for name, prunes, text in re.findall(r"-- name: (.*?)(?:; prunes (\d+))?\n(.*?);\n", FILE.read_text(), re.DOTALL):
        text = re.sub(r"(?<!:):([a-z_]+)", lambda found: values[found[1]], text)
        yield Query(name, text, int(prunes) if prunes else None)


def _date_id(day: date) -> int:
    return int(f"{day:%Y%m%d}")


def explain(connection: psycopg.Connection, query: Query) -> dict[str, Any]:
    """Run a query a few times and return its best time in ms, and what its plan reads."""
    parents = dict(connection.execute(INDEX_NAMES).fetchall())
    plans = [
        connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query.text}").fetchone()[0][0]
        for _ in range(RUNS)
    ]
    best = min(plans, key=lambda plan: plan["Execution Time"])
    nodes = list(_nodes(best["Plan"]))
    # What was pruned when the query began is not in the plan; what never ran was not read.
    read = {node["Relation Name"] for node in nodes if "Relation Name" in node and node.get("Actual Loops", 1)}
    partitions = {name for name in read if re.match(r"fact_(orders|events)_p_", name)}
    tables = {name.partition("_p_")[0] for name in partitions}
    of = connection.execute(
        "SELECT count(*) FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE p.relname = ANY (%s)",
        [sorted(tables)],
    ).fetchone()[0]
    return {
        "name": query.name,
        "ms": round(best["Execution Time"], 2),
        "planning_ms": round(best["Planning Time"], 2),
        "partitions": len(partitions),
        "of": of,
        "pruned": query.partitions is None or len(partitions) <= query.partitions,
        "indexes": sorted({parents[node["Index Name"]] for node in nodes if "Index Name" in node}),
    }


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def index_scans(connection: psycopg.Connection) -> dict[str, int]:
    """Return how often each index was used until now."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT pg_stat_clear_snapshot()")
    return dict(connection.execute(INDEX_SCANS).fetchall())


def unique_indexes(connection: psycopg.Connection) -> set[str]:
    """Return the indexes that hold a promise: they are needed even if no query uses them."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisunique"
    )
    return {name for (name,) in rows}
