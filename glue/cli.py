"""The command line: `warehouse …`."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import psycopg

from embedded import server
from glue import database
from glue.connection import connect, warehouse_dsn
from glue.errors import GlueError, MissingSetting, explain
from glue.extract import SOURCES, extract
from glue.run import BLOCKED, Runner

DONE, FAILED, WRONG_USE, WAS_BLOCKED, INTERRUPTED = 0, 1, 2, 3, 130

EXAMPLES = """\
examples:
  warehouse migrate                                    make or update the warehouse
  warehouse run 2025-12-19                             a day, from its files to its metrics
  warehouse run --from 2025-12-01 --to 2025-12-19 --jobs 2
  warehouse extract orders 2025-12-19                  only bring files into raw
  warehouse status                                     what ran, and what failed
  warehouse explain 2025-12-19                         why the numbers of a day are what they are
  warehouse explain order O-1                          what became of an order
  warehouse db psql -c 'TABLE warehouse.daily_metrics'

environment:
  WAREHOUSE_DSN        which database; else libpq's PGHOST, PGDATABASE, …; else the embedded server
  LANDING_URL          where files are delivered, a folder or s3://… (default: data/landing)
  PRODUCTS_API_URL     whom to ask for the catalogue; PRODUCTS_API_TOKEN if it wants a token

exit codes: 0 done, 1 failed, 2 wrong use, 3 blocked by the quality gate, 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. Errors go to standard error, progress to standard output."""
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # Progress is for now, in a pipe too; and a letter that a terminal does not have is no reason to fail.
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    # What it says of a connection that is given up after Ctrl-C helps nobody.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        return options.command(options)
    except KeyboardInterrupt:
        _complain("interrupted: what was not finished is rolled back; the same command goes on from here")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough (… | head); Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED  # a run may not be through
    except MissingSetting as error:
        _complain(str(error))
        return WRONG_USE
    except psycopg.Error as error:
        _complain(explain(error))
        return WAS_BLOCKED if error.sqlstate == BLOCKED else FAILED
    except (GlueError, server.ServerError, OSError) as error:
        _complain(explain(error))
        return FAILED


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands: what --help and docs/reference/commands.md say comes from it."""
    formatter = argparse.RawDescriptionHelpFormatter
    made = argparse.ArgumentParser(
        prog="warehouse",
        description="Brings deliveries into the warehouse and runs its days.",
        epilog=EXAMPLES,
        formatter_class=formatter,
    )
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, summary: str, details: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=summary, epilog=details, formatter_class=formatter)

    command = add(
        "extract",
        "bring the files of a source and day into raw",
        "Files lie in LANDING_URL/SOURCE/DATE/. The same bytes again change nothing; other bytes under a known\n"
        "name take the place of the earlier ones. A file that cannot be taken is refused and recorded.\n\n"
        "The catalogue is asked of PRODUCTS_API_URL only for today or yesterday (UTC), when there is no file and\n"
        "raw has no catalogue of that day: the API knows only today's prices.\n\n"
        "examples:\n"
        "  warehouse extract events 2025-12-19\n"
        "  warehouse extract products 2025-12-19 --refresh",
    )
    command.add_argument("source", choices=SOURCES)
    command.add_argument("day", type=_day, metavar="DATE", help="the day of the data, as in 2025-12-19")
    command.add_argument("--refresh", action="store_true", help="products: ask the API in any case")
    command.set_defaults(command=_extract)

    command = add(
        "run",
        "run a day, or a range of days: extract, clean, check, load, metrics",
        "Files lie in LANDING_URL/SOURCE/DATE/. A day may be run again at any time.\n"
        "A range goes on after a bad day and names it at the end; days of which nothing was delivered are skipped,\n"
        "and the single steps are not told.\n\n"
        "examples:\n"
        "  warehouse run 2025-12-19\n"
        "  warehouse run --from 2025-12-01 --to 2025-12-19 --jobs 2    days side by side\n"
        "  warehouse run 2025-12-19 --jobs 2                              steps of a large day side by side",
    )
    command.add_argument("day", type=_day, metavar="DATE", nargs="?", help="the day of the data, as in 2025-12-19")
    command.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day of a range")
    command.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day of a range, included")
    command.add_argument(
        "--jobs", type=_jobs, default=1, metavar="N", help="days, or steps of one day, side by side (default: 1)"
    )
    command.add_argument("--refresh", action="store_true", help="ask the products API in any case")
    command.set_defaults(command=_run, parser=command)

    command = add(
        "status",
        "show the last runs, what failed and why, and how the pipeline does",
        "The rates over 7 and 30 days are those of the view audit.health.\n\n"
        "examples:\n"
        "  warehouse status --runs 30\n"
        "  warehouse status --json",
    )
    command.add_argument("--runs", type=_jobs, default=10, metavar="N", help="how many runs (default: 10)")
    command.add_argument("--json", action="store_true", help="all of it as JSON")
    command.set_defaults(command=_status)

    command = add(
        "explain",
        "show where every line of a day went, or the whole story of an order",
        "A day stands beside the same weekdays before, with what makes the difference in net revenue at the end.\n\n"
        "examples:\n"
        "  warehouse explain 2025-12-19          deliveries, duplicates, rejections, rules, revenue by status\n"
        "  warehouse explain order O-1           each report of it, and what became of each line\n"
        "  warehouse explain 2025-12-19 --json",
    )
    command.add_argument("what", metavar="DATE|order", help="a day as in 2025-12-19, or the word order")
    command.add_argument("order_id", metavar="ID", nargs="?", help="after `order`: the order's id")
    command.add_argument("--json", action="store_true", help="all of it as JSON")
    command.set_defaults(command=_explain, parser=command)

    command = add(
        "demo",
        "run thirty days of a seeded shop, and show what came of them",
        "The demo has a database of its own on the embedded server (warehouse_demo) and the folder data/demo;\n"
        "both are made anew each time. The same --end gives the same shop.\n\n"
        "examples:\n"
        "  warehouse demo\n"
        "  warehouse demo --end 2025-12-19 --days 10",
    )
    command.add_argument("--end", type=_day, metavar="DATE", help="the last day (default: today, UTC)")
    command.add_argument("--days", type=_jobs, default=30, metavar="N", help="how many days (default: 30)")
    command.add_argument("--jobs", type=_jobs, default=2, metavar="N", help="days to run side by side (default: 2)")
    command.set_defaults(command=_demo)

    command = add(
        "db",
        "start, stop or look into the embedded server",
        "psql opens the warehouse, wherever it is; the others are about the embedded server. dsn prints what\n"
        "WAREHOUSE_DSN may be set to, for another database of that server than the warehouse if you name one.\n\n"
        "examples:\n"
        "  warehouse db start\n"
        "  export WAREHOUSE_DSN=$(warehouse db dsn warehouse_demo)\n"
        "  warehouse db psql -c 'SELECT * FROM warehouse.daily_metrics'",
    )
    command.add_argument("action", choices=("start", "stop", "psql", "dsn"))
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="psql: its arguments; dsn: a database")
    command.set_defaults(command=database.run, parser=command)

    command = add("migrate", "make the warehouse in an empty database, or update it to this release")
    command.set_defaults(command=_migrate)
    return made


def _extract(options: argparse.Namespace) -> int:
    extract(options.source, options.day, refresh=options.refresh)
    return DONE


def _run(options: argparse.Namespace) -> int:
    if options.day and not options.first and not options.last:
        days = [options.day]
    elif options.first and options.last and not options.day:
        count = (options.last - options.first).days + 1
        if count < 1:
            options.parser.error("--from is after --to")
        days = [options.first + timedelta(days=number) for number in range(count)]
    else:
        options.parser.error("name a DATE, or both --from and --to")
    results = Runner(warehouse_dsn(), print).run(days, jobs=options.jobs, refresh=options.refresh)

    ended = {
        outcome: [result for result in results if result.outcome == outcome]
        for outcome in ("succeeded", "failed", "blocked", "skipped")
    }
    if len(days) > 1:
        print(f"{len(days)} days: " + ", ".join(f"{len(found)} {outcome}" for outcome, found in ended.items()))
    incomplete = [result for result in ended["succeeded"] if result.reason]
    for result in ended["failed"] + ended["blocked"] + incomplete:
        lines = result.reason.splitlines()
        if f"{result.day}" not in lines[0]:
            lines[0] = f"{result.day}: {lines[0]}"
        if result.outcome == "blocked":
            lines.append(f"Next: warehouse explain {result.day}")
        elif result.outcome == "succeeded":
            lines.append("The day is loaded, without its catalogue: run it again when there is one.")
        _complain("\n  ".join(lines))
    return FAILED if ended["failed"] or incomplete else WAS_BLOCKED if ended["blocked"] else DONE


def _status(options: argparse.Namespace) -> int:
    from glue.status import show, status  # rich takes a while to import

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
        day = None if is_order else _day(options.what)
    except argparse.ArgumentTypeError as error:
        options.parser.error(f"{error}; or: explain order ID")
    from glue.explain import day_story, order_story, show_day, show_order

    with closing(connect()) as connection:
        story = day_story(connection, day) if day else order_story(connection, options.order_id)
    if options.json:
        _print_json(story)
    elif day:
        show_day(story)
    else:
        show_order(story)
    return DONE


def _print_json(found: object) -> None:
    from glue.tables import plain

    print(json.dumps(found, default=plain, indent=2))


def _demo(options: argparse.Namespace) -> int:
    from demo.demo import demo  # rich takes a while to import

    end = options.end or datetime.now(UTC).date()
    return DONE if demo(end, days=options.days, jobs=options.jobs) else FAILED


def _migrate(options: argparse.Namespace) -> int:
    # Only this command needs alembic and SQLAlchemy, which take half a second to import.
    from ops.migrate import MigrationError, upgrade

    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logging.getLogger("alembic").setLevel(logging.INFO)
    # What alembic says of itself each time is nothing about this database.
    said = logging.getLogger("alembic.runtime.migration")
    said.addFilter(lambda record: not str(record.msg).startswith(("Context impl", "Will assume")))
    try:
        upgrade(warehouse_dsn())
    except MigrationError as error:
        _complain(str(error))
        return FAILED
    print("the warehouse is up to date")
    return DONE


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2025-12-19") from None


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _complain(text: str) -> None:
    sys.stdout.flush()
    print(f"error: {text}", file=sys.stderr)
