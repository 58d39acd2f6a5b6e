"""Connections to the warehouse."""

import os
from collections.abc import Callable

import psycopg
from psycopg.conninfo import conninfo_to_dict

from glue import server
from glue.errors import GlueError

# What we rely on, whatever the defaults of login, database and server are. What has waited for a lock has to see what
# was committed meanwhile: an older snapshot would bring back a person who was erased.
SESSION = """
    SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET default_transaction_isolation = 'read committed';
    SET default_transaction_read_only = off; SET default_transaction_deferrable = off
"""
# Any of these says which server is meant; PGUSER, PGPASSWORD and the like only say how to log in there.
LIBPQ_TARGETS = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")


def warehouse_dsn() -> str:
    """Return the warehouse's connection string: WAREHOUSE_DSN, else libpq's PG* variables, else the embedded
    server's, which is started if need be. Raises server.ServerError when it does not start."""
    if dsn := os.environ.get("WAREHOUSE_DSN"):
        return dsn
    if any(os.environ.get(name) for name in LIBPQ_TARGETS):
        named = os.environ.get("PGDATABASE") or os.environ.get("PGSERVICE")
        return "" if named else f"dbname={server.DATABASE}"
    server.start()
    return server.dsn()


def connect(
    dsn: str | None = None,
    *,
    on_notice: Callable[[psycopg.errors.Diagnostic], None] | None = None,
) -> psycopg.Connection:
    """Return an autocommit connection in UTC and UTF-8, READ COMMITTED and read-write.

    `on_notice` gets what the server says meanwhile.

    Raises GlueError when the warehouse cannot be reached; its message has no password in it.
    """
    dsn = warehouse_dsn() if dsn is None else dsn
    try:
        settings = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # libpq's message quotes the string, password and all.
        raise GlueError("WAREHOUSE_DSN is not a connection string; try postgresql://user@host/database") from None
    fixed = {"client_encoding": "UTF8"}
    if not settings.get("application_name"):
        fixed["application_name"] = os.environ.get("PGAPPNAME") or "glue"
    try:
        connection = psycopg.connect(dsn, autocommit=True, prepare_threshold=None, **fixed)
    except psycopg.OperationalError as error:
        raise GlueError(f"cannot connect to the warehouse: {error}") from error
    # After the login: PGTZ and PGDATESTYLE would win over options.
    connection.execute(SESSION)
    if on_notice:
        connection.add_notice_handler(on_notice)
    return connection
