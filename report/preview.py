"""Prints what would change if a day ran now, as the database tells it: audit.preview."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from glue import COMMAND
from glue.extract import SOURCES, extract
from glue.landing import find
from glue.shape import forms_of
from report.tables import console, print_rows, readable

Lines = list[dict[str, Any]]
COUNTS = ("identical", "changed", "added", "removed")
MONEY = ("revenue_before", "revenue_after", "net_revenue_before", "net_revenue_after")
# What is counted row by row, as the table of each part is called.
COUNTED = {
    "staging": "Staging",
    "dimension": "Users and products",
    "facts": "Facts",
    "superseded": "Superseded: rows whose report of another day counts",
}


def preview(
    connection: psycopg.Connection, day: date, files: Path | None = None, say: Callable[[str], None] = print
) -> Lines:
    """Return what would change if a day ran now; with `files`, as if these deliveries had come first.

    `files` is a folder like the landing zone. All of it is rolled back. Raises GlueError, ExtractError or OSError for
    a file that cannot be read, psycopg.Error.
    """
    connection.add_notice_handler(lambda notice: say(notice.message_primary or ""))
    with connection.transaction(force_rollback=True):
        for source in SOURCES if files else ():
            _, is_named = forms_of(connection, source)
            found = find(str(files), source, day, is_named)
            # Without a file the catalogue would be asked of the products API.
            if found.deliveries or found.faults or found.ignored:
                extract(source, day, connection=connection, landing=str(files), say=say)
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute("SELECT p.* FROM audit.preview(%s) AS p", (day,)).fetchall()


def show_preview(day: date, lines: Lines) -> None:
    """Print what preview() returned."""
    out = console()
    steps = [line for line in lines if line["part"] == "step"]
    differing = [line for line in lines if _differs(line)]
    if not differing:
        out.print(f"A run of {day} would change nothing.", markup=False)
        return
    out.print(f"If {day} ran now; nothing has been changed.\n", markup=False)
    print_rows(out, "Steps", steps, ("name", "after "), ("step", "would be "))
    verdicts = [line for line in lines if line["part"] == "verdict"]
    rules = [line for line in differing if line["part"] == "rule"]
    print_rows(
        out,
        "The quality gate",
        verdicts + rules,
        ("name", "before ", "after ", "keys "),
        ("rule", "now ", "then ", "examples "),
    )
    for part, title in COUNTED.items():
        rows = [_named(line) for line in differing if line["part"] == part]
        if any(line["load_date"] not in (None, day) for line in rows):
            names = ("name", "load_date", "of", *COUNTS, "keys ")
        else:
            names = ("name", "of", *COUNTS, "keys ")
        print_rows(out, title, rows, names, [name.removesuffix("_date") for name in names])
        sums = [line for line in rows if any(line[name] is not None for name in MONEY)]
        if part == "facts":
            print_rows(
                out,
                "Revenue of these facts",
                sums,
                ("load_date", "of", *MONEY),
                ("day", "of", *(n.replace("_", " ") for n in MONEY)),
            )
    rejected = [line for line in differing if line["part"] == "rejected"]
    print_rows(
        out, "Rejected lines", rejected, ("name", "value ", "before", "after"), ("source", "reason ", "now", "then")
    )
    metrics = [line for line in differing if line["part"] == "metric"]
    print_rows(
        out,
        "warehouse.daily_metrics",
        metrics,
        ("load_date", "name", "before", "after"),
        ("day", "figure", "now", "then"),
    )
    ended = steps[-1]["after"] if steps else ""
    if ended == "blocked" or ended.startswith("fails"):
        out.print(f"The run would end there: {readable(ended)}.", markup=False, soft_wrap=True)
    out.print(f"Next: {COMMAND} run {day}", markup=False)


def _differs(line: dict[str, Any]) -> bool:
    """Return whether a line tells of a change; a rule that fails is told, too."""
    if line["part"] == "step":
        return line["after"] not in ("works", "nothing to do")
    if line["part"] in COUNTED:
        return any(line[name] for name in COUNTS[1:])
    if line["part"] == "rule" and not line["after"].startswith("passes"):
        return True
    return line["before"] != line["after"]


def _named(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line with what it counts in words: all rows, or those of a status, type or product."""
    group = (line["grouped_by"] or "all").removesuffix("_id").replace("_", " ")
    return line | {"name": line["name"].partition(".")[2], "of": f"{group} {line['value'] or ''}".strip()}
