"""The command line: `warehouse …`."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

import psycopg

import demo.commands
import ops.commands
import report.commands
from glue.command import DONE, FAILED, INTERRUPTED, WAS_BLOCKED, WRONG_USE, Command, complain, count, day
from glue.connection import warehouse_dsn
from glue.errors import GlueError, MissingSetting, explain
from glue.extract import SOURCES, extract
from glue.run import BLOCKED, Outcome, Runner

EXAMPLES = """\
examples:
  warehouse migrate                                    make or update the warehouse
  warehouse run 2025-12-19                             a day, from its files to its metrics
  warehouse run --from 2025-12-01 --to 2025-12-19 --jobs 2
  warehouse extract orders 2025-12-19                  only bring files into raw
  warehouse status                                     what ran, and what failed
  warehouse plan                                       what a run would do now, and why
  warehouse explain 2025-12-19                         why the numbers of a day are what they are
  warehouse explain order O-1                          what became of an order
  warehouse preview 2025-12-19                         what would change if a day ran now
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
        complain("interrupted: what was not finished is rolled back; the same command goes on from here")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough (… | head); Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED  # a run may not be through
    except (psycopg.Error, GlueError, OSError) as error:
        complain(explain(error))
        if isinstance(error, MissingSetting):
            return WRONG_USE
        return WAS_BLOCKED if getattr(error, "sqlstate", None) == BLOCKED else FAILED


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
    for name, summary, details, named, run in (
        *COMMANDS,
        *report.commands.COMMANDS,
        *demo.commands.COMMANDS,
        *ops.commands.COMMANDS,
    ):
        command = commands.add_parser(
            name, help=summary, description=summary, epilog=details, formatter_class=formatter
        )
        for argument, settings in named.items():
            command.add_argument(argument, **settings)
        command.set_defaults(command=run, parser=command)
    return made


def _extract(options: argparse.Namespace) -> int:
    extract(options.source, options.day, refresh=options.refresh)
    return DONE


def _run(options: argparse.Namespace) -> int:
    if options.day and not options.first and not options.last:
        days = [options.day]
    elif options.first and options.last and not options.day:
        if options.first > options.last:
            options.parser.error("--from is after --to")
        days = [options.first + timedelta(days=number) for number in range((options.last - options.first).days + 1)]
    else:
        options.parser.error("name a DATE, or both --from and --to")
    results = Runner(warehouse_dsn(), print).run(days, jobs=options.jobs, refresh=options.refresh)

    ended = {outcome: [result for result in results if result.outcome == outcome] for outcome in get_args(Outcome)}
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
        complain("\n  ".join(lines))
    return FAILED if ended["failed"] or incomplete else WAS_BLOCKED if ended["blocked"] else DONE


COMMANDS = (
    Command(
        "extract",
        "bring the files of a source and day into raw",
        "Files lie in LANDING_URL/SOURCE/DATE/. The same bytes again change nothing; other bytes under a known\n"
        "name take the place of the earlier ones. A file that cannot be taken is refused and recorded.\n\n"
        "The catalogue is asked of PRODUCTS_API_URL only for today or yesterday (the shop's: setting\n"
        "time_zone), when there is no file and raw has no catalogue of that day: it knows only today's prices.\n\n"
        "examples:\n"
        "  warehouse extract events 2025-12-19\n"
        "  warehouse extract products 2025-12-19 --refresh",
        {
            "source": {"choices": SOURCES},
            "day": {"type": day, "metavar": "DATE", "help": "the day of the data, as in 2025-12-19"},
            "--refresh": {"action": "store_true", "help": "products: ask the API in any case"},
        },
        _extract,
    ),
    Command(
        "run",
        "run a day, or a range of days: extract, clean, check, load, metrics",
        "Files lie in LANDING_URL/SOURCE/DATE/. A day may be run again at any time.\n"
        "A range goes on after a bad day and names it at the end; days of which nothing was delivered are skipped,\n"
        "and the single steps are not told. Days side by side use a core each; a day alone may use all. Lines\n"
        "are printed in the order of days and steps, whichever is done first.\n\n"
        "examples:\n"
        "  warehouse run 2025-12-19\n"
        "  warehouse run --from 2025-12-01 --to 2025-12-19 --jobs 2    days side by side\n"
        "  warehouse run 2025-12-19 --jobs 1                              its steps one after the other",
        {
            "day": {"type": day, "metavar": "DATE", "nargs": "?", "help": "the day of the data, as in 2025-12-19"},
            "--from": {"dest": "first", "type": day, "metavar": "DATE", "help": "first day of a range"},
            "--to": {"dest": "last", "type": day, "metavar": "DATE", "help": "last day of a range, included"},
            "--jobs": {
                "type": count,
                "metavar": "N",
                "help": "days side by side (default: 1), or, of one day, steps (default: 2)",
            },
            "--refresh": {"action": "store_true", "help": "ask the products API in any case"},
        },
        _run,
    ),
)
