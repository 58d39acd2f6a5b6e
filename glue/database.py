"""`warehouse db`: starts and stops the embedded server, and opens psql on the warehouse, wherever it is."""

import argparse
import os
import shutil
from collections.abc import Sequence

from embedded import server
from glue.connection import warehouse_dsn
from glue.dsn import for_program


def run(options: argparse.Namespace) -> int:
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
    return 0


def _psql(arguments: Sequence[str]) -> None:
    """Become psql. What it should connect to is in its environment: everybody can read its arguments."""
    program = shutil.which("psql") or str(server.binaries() / "psql")
    with for_program(warehouse_dsn()) as (environment, _):
        # By its own path: it looks for itself, and would do so in PATH.
        os.execve(program, [program, *arguments], environment)
