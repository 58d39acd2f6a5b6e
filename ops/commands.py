"""`warehouse db`, about the embedded server and psql, and `warehouse migrate`."""

import argparse
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import closing, suppress

import psycopg

from glue import COMMAND
from glue.command import DONE, FAILED, Command, complain
from glue.connection import connect, warehouse_dsn
from ops.programs import for_program


def _db(options: argparse.Namespace) -> int:
    from embedded import server

    most = {"psql": None, "dsn": 1}.get(options.action, 0)
    if most is not None and len(options.arguments) > most:
        options.parser.error(f"{options.action} takes {'one database' if most else 'no arguments'}")
    if options.action == "start":
        server.start()
        print(f"the embedded server runs: {server.dsn()}")
    elif options.action == "stop":
        print("the embedded server is stopped" if server.stop() else "the embedded server did not run")
    elif options.action == "dsn":
        print(server.dsn(*options.arguments))
    else:
        _psql(options.arguments)
    return DONE


def _psql(arguments: Sequence[str]) -> None:
    """Become psql. What it should connect to is in its environment: everybody can read its arguments."""
    from embedded import server

    program = shutil.which("psql") or str(server.binaries() / "psql")
    with for_program(warehouse_dsn()) as (environment, _):
        # By its own path: it looks for itself, and would do so in PATH.
        os.execve(program, [program, *arguments], environment)


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
        complain(str(error))
        return FAILED
    print("the warehouse is up to date")
    # A login that may migrate need not be able to read.
    with suppress(psycopg.Error), closing(connect()) as connection:
        if connection.execute("SELECT FROM raw.file_loads LIMIT 1").rowcount:
            print(f"what the next runs would do, and what that would cost: {COMMAND} plan")
    return DONE


COMMANDS = (
    Command(
        "db",
        "start, stop or look into the embedded server",
        "psql opens the warehouse, wherever it is; the others are about the embedded server. dsn prints what\n"
        "WAREHOUSE_DSN may be set to, for another database of that server than the warehouse if you name one.\n\n"
        "examples:\n"
        "  warehouse db start\n"
        "  export WAREHOUSE_DSN=$(warehouse db dsn warehouse_demo)\n"
        "  warehouse db psql -c 'SELECT * FROM warehouse.daily_metrics'",
        {
            "action": {"choices": ("start", "stop", "psql", "dsn")},
            "arguments": {"nargs": argparse.REMAINDER, "help": "psql: its arguments; dsn: a database"},
        },
        _db,
    ),
    Command("migrate", "make the warehouse in an empty database, or update it to this release", "", {}, _migrate),
)
