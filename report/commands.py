"""`warehouse status`, `explain`, `plan`, `preview`, `shape` and `report`."""

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path

from glue.command import DONE, Command, count, day
from glue.connection import connect
from glue.extract import SOURCES
from report import REPORT_DAYS


def _status(options: argparse.Namespace) -> int:
    from report.status import show, status  # rich takes a while to import

    with closing(connect()) as connection:
        found = status(connection, options.runs)
    if options.json:
        _print_json(found)
    else:
        show(found)
    return DONE


def _explain(options: argparse.Namespace) -> int:
    is_order = options.what == "order"
    if is_order == (options.order_id is None):
        options.parser.error("explain a DATE, or `order` and its ID")
    try:
        which = None if is_order else day(options.what)
    except argparse.ArgumentTypeError as error:
        options.parser.error(f"{error}; or: explain order ID")
    from report.explain import day_story, order_story, show_day, show_order

    with closing(connect()) as connection:
        story = day_story(connection, which) if which else order_story(connection, options.order_id)
    if options.json:
        _print_json(story)
    elif which:
        show_day(story)
    else:
        show_order(story)
    return DONE


def _preview(options: argparse.Namespace) -> int:
    from report.preview import preview, show_preview

    with closing(connect()) as connection:
        lines = preview(connection, options.day, options.files, _to_stderr if options.json else print)
    if options.json:
        _print_json(lines)
    else:
        show_preview(options.day, lines)
    return DONE


def _plan(options: argparse.Namespace) -> int:
    from report.plan import plan, show_plan

    if options.first and options.last and options.last < options.first:
        options.parser.error("--to is before --from")
    with closing(connect()) as connection:
        found = plan(connection, options.first, options.last)
    if options.json:
        _print_json(found)
    else:
        show_plan(found)
    return DONE


def _shape(options: argparse.Namespace) -> int:
    from report.shape import show_shape

    with closing(connect()) as connection:
        show_shape(connection, options.file, options.source, options.routine)
    return DONE


def _report(options: argparse.Namespace) -> int:
    from report.publish import publish
    from report.site import make

    with closing(connect()) as connection:
        files = make(connection, options.days)
    print(f"the report: {publish(files, options.out)}")
    return DONE


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


def _print_json(found: object) -> None:
    from report.tables import plain

    print(json.dumps(found, default=plain, indent=2))


AS_JSON = {"action": "store_true", "help": "all of it as JSON"}
COMMANDS = (
    Command(
        "status",
        "show the last runs, what failed and why, and how the pipeline does",
        "The rates over 7 and 30 days are those of the view audit.health.\n\n"
        "examples:\n"
        "  warehouse status --runs 30\n"
        "  warehouse status --json",
        {
            "--runs": {"type": count, "default": 10, "metavar": "N", "help": "how many runs (default: 10)"},
            "--json": AS_JSON,
        },
        _status,
    ),
    Command(
        "explain",
        "show where every line of a day went, or the whole story of an order",
        "A day stands beside the same weekdays before, with what makes the difference in net revenue at the end.\n\n"
        "examples:\n"
        "  warehouse explain 2025-12-19          deliveries, duplicates, rejections, rules, revenue by status\n"
        "  warehouse explain order O-1           each report of it, and what became of each line\n"
        "  warehouse explain 2025-12-19 --json",
        {
            "what": {"metavar": "DATE|order", "help": "a day as in 2025-12-19, or the word order"},
            "order_id": {"metavar": "ID", "nargs": "?", "help": "after `order`: the order's id"},
            "--json": AS_JSON,
        },
        _explain,
    ),
    Command(
        "plan",
        "show which steps of which days would work if they were run now, and why",
        "Of the days that raw holds, run one after the other. Files in the landing zone are seen once they are\n"
        "extracted. It changes nothing, and evaluates no rule.\n\n"
        "examples:\n"
        "  warehouse plan                                       all days, as after an upgrade\n"
        "  warehouse plan --from 2025-12-01 --to 2025-12-19\n"
        "  warehouse plan --json                                each step, with its reasons and estimates",
        {
            "--from": {
                "type": day,
                "dest": "first",
                "metavar": "DATE",
                "help": "default: the first day in raw",
            },
            "--to": {"type": day, "dest": "last", "metavar": "DATE", "help": "default: the last day in raw"},
            "--json": AS_JSON,
        },
        _plan,
    ),
    Command(
        "preview",
        "show what would change if a day ran now, and change nothing",
        "The steps of the day run on temporary tables, which are compared with what is there.\n"
        "Other days and readers go on.\n\n"
        "examples:\n"
        "  warehouse preview 2025-12-19                          after a new code, setting, rule or release\n"
        "  warehouse preview 2025-12-19 --files /srv/corrected   as if these had been delivered\n"
        "  warehouse preview 2025-12-19 --json",
        {
            "day": {"type": day, "metavar": "DATE"},
            "--files": {
                "type": Path,
                "metavar": "FOLDER",
                "help": "a folder like the landing zone, as in FOLDER/orders/2025-12-19/orders.json",
            },
            "--json": AS_JSON,
        },
        _preview,
    ),
    Command(
        "shape",
        "show what a file holds, which form fits, and what would come out of it",
        "A form of delivery that is not ours is a row of staging.shapes. This looks at the first records of a file on\n"
        "this machine, loads nothing, and prints the row's INSERT.\n\n"
        "examples:\n"
        "  warehouse shape export.json\n"
        "  warehouse shape till.ndjson --routine shapes.till_sale     what a function of your own makes of it",
        {
            "file": {"type": Path, "metavar": "FILE", "help": "a file of JSON or CSV, also .gz"},
            "--routine": {"metavar": "NAME", "help": "try this function of schema shapes, whatever fits"},
            "--source": {"choices": SOURCES, "help": "what the file is about, where that cannot be told"},
        },
        _shape,
    ),
    Command(
        "report",
        "make the pages that people open every morning",
        "A folder of pages without a server: open index.html in a browser. It is swapped at once, so that readers see\n"
        "the report before or this one. In a bucket the first page is written last. Nothing is taken away that no\n"
        "report made.\n\n"
        "examples:\n"
        "  warehouse report data/report\n"
        "  warehouse report s3://bucket/report --days 90",
        {
            "out": {
                "metavar": "OUT",
                "help": "a folder that is not there yet, or is a report; or a URL such as s3://…",
            },
            "--days": {
                "type": count,
                "default": REPORT_DAYS,
                "metavar": "N",
                "help": f"how many days, up to the newest (default: {REPORT_DAYS})",
            },
        },
        _report,
    ),
)
