"""Connections to the warehouse."""

import os
from contextlib import suppress
from typing import Any

import psycopg

from glue.dsn import parse, why
from glue.errors import GlueError

# What we rely on, whatever the defaults of login, database and server are. What has waited for a lock has to see what
# was committed meanwhile: an older snapshot would bring back a person who was erased. Every name that we use says its
# schema: whoever may make things in a schema of the path could make a closer match than PostgreSQL's own.
SESSION = """
    SET search_path = pg_catalog, pg_temp;
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off; SET default_transaction_deferrable = off
"""
# Any of these says which server is meant; PGUSER, PGPASSWORD and the like only say how to log in there.
LIBPQ_TARGETS = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")

# Days that run side by side keep the cores busy by themselves: to share a step out among processes costs more, and is
# no sooner done.
DAYS_SIDE_BY_SIDE = "SET max_parallel_workers_per_gather = 0; SET max_parallel_maintenance_workers = 0"
# Of the steps of one day those of its smaller source have their share of the workers that the server allows: rows that
# one process hands to another cost more than they save while the cores are busy. The larger source is at it for longer,
# and may use whatever is idle meanwhile. An index is built by as many as the server allows: few rows are handed over.
ALL_WORKERS = "RESET max_parallel_workers_per_gather"
SHARE_OF_WORKERS = """
    SELECT pg_catalog.set_config('max_parallel_workers_per_gather', least(
        pg_catalog.current_setting('max_parallel_workers_per_gather')::integer,
        greatest(pg_catalog.current_setting('max_parallel_workers')::integer / {jobs} - 1, 0))::text, false)
"""

# A network that is gone is noticed within a minute and a half, by us and by the server. What the connection string says
# goes before. For sockets of this machine they mean nothing.
KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 3}
# The same for the server, which would wait for hours for the rest of a COPY; and a statement whose client is gone ends
# within this time, instead of committing minutes later.
SERVER_SETTINGS = {f"tcp_{name}": f"{value}" for name, value in KEEPALIVES.items()}
SERVER_SETTINGS["client_connection_check_interval"] = "2s"


def warehouse_dsn() -> str:
    """Return the warehouse's connection string: WAREHOUSE_DSN, else libpq's PG* variables, else the embedded
    server's, which is started if need be. Raises server.ServerError when it does not start."""
    if dsn := os.environ.get("WAREHOUSE_DSN"):
        return dsn
    from embedded import server  # nobody else needs it, and it takes a while to import

    if any(os.environ.get(name) for name in LIBPQ_TARGETS):
        named = os.environ.get("PGDATABASE") or os.environ.get("PGSERVICE")
        return "" if named else f"dbname={server.DATABASE}"
    server.start()
    return server.dsn()


def connect(dsn: str | None = None, *, settings: str = "") -> psycopg.Connection:
    """Return an autocommit connection in UTC and UTF-8, READ COMMITTED and read-write.

    `settings` is SQL for sessions that work side by side. Raises GlueError, which tells no password.
    """
    dsn = warehouse_dsn() if dsn is None else dsn
    said = parse(dsn)
    fixed: dict[str, Any] = {"client_encoding": "UTF8"}
    fixed |= {name: value for name, value in KEEPALIVES.items() if name not in said}
    if not said.get("application_name"):
        fixed["application_name"] = os.environ.get("PGAPPNAME") or "glue"
    try:
        connection = psycopg.connect(dsn, autocommit=True, prepare_threshold=None, **fixed)
    except psycopg.OperationalError as error:
        # Not as its cause: a traceback would print libpq's own words.
        raise GlueError(f"cannot connect to the warehouse: {why(error, dsn)}") from None
    # After the login: PGTZ and PGDATESTYLE would win over options.
    connection.execute(SESSION)
    if settings:
        connection.execute(settings)
    for name, value in SERVER_SETTINGS.items():
        with suppress(psycopg.errors.InvalidParameterValue):  # a server whose system cannot do it
            connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
    return connection
