"""What a migration does differently on a Citus cluster (docs/how-to/scale-out.md); on one server, nothing."""

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from ops.statements import execute, value

# Those that read or write facts, and whose members do: the coordinator logs in to the workers as them.
ROLES = {
    "warehouse_owner": "LOGIN",
    "warehouse_checker": "LOGIN",
    "warehouse_loader": "NOLOGIN",
    "warehouse_runner": "NOLOGIN",
    "warehouse_shaper": "NOLOGIN",
    "warehouse_analyst": "NOLOGIN",
    "warehouse_bi": "NOLOGIN",
    "warehouse_reporter": "NOLOGIN",
}
WORKERS = "SELECT count(*) FROM pg_catalog.pg_dist_node WHERE noderole = 'primary' AND groupid <> 0"
HAS_CITUS = "SELECT to_regclass('pg_catalog.pg_dist_node') IS NOT NULL"


def make_roles(connection: psycopg.Connection) -> None:
    """Make the roles on every node, each committed: a worker would not find those of a transaction that still runs."""
    if not _value(connection, HAS_CITUS) or not _value(connection, WORKERS):
        return
    connection.commit()
    connection.autocommit = True
    for role, login in ROLES.items():
        found = connection.execute("SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = %s", [role]).fetchone()
        if not found:
            connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), sql.SQL(login)))
        elif login == "LOGIN" and not found[0]:
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(role)))


def begin(connection: Connection) -> bool:
    """Tell Citus what of this migration is for the workers. Return whether the facts are distributed."""
    if not value(connection, HAS_CITUS):
        return False
    distributed = bool(
        value(
            connection,
            "SELECT count(*) FROM pg_catalog.pg_dist_partition"
            " WHERE logicalrelid = to_regclass('warehouse.fact_orders')",
        )
    )
    # Before, all is the coordinator's. After, what changes a distributed table is for all nodes, and routines are not.
    execute(
        connection,
        "SET LOCAL citus.create_object_propagation = deferred"
        if distributed
        else "SET LOCAL citus.enable_ddl_propagation = off",
    )
    return distributed


def end(connection: Connection, distributed: bool) -> None:
    """Hand the workers what is new."""
    if distributed:
        execute(connection, "SELECT FROM warehouse.distribute()")


def _value(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
