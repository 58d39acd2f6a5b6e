"""What a migration does differently on a Citus cluster (docs/how-to/scale-out.md); on one server, nothing."""

from typing import LiteralString

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
# Whether a role may connect to this database on every node, the coordinator included: it comes to itself, too.
MAY_CONNECT = """
    SELECT has_database_privilege(r.name, current_database(), 'CONNECT') AND bool_and(w.success AND w.result = 't')
    FROM (SELECT %s::text AS name) AS r, LATERAL run_command_on_workers(
        format('SELECT has_database_privilege(%%L, current_database(), ''CONNECT'')', r.name)) AS w
    GROUP BY r.name
"""
WORKERS = "SELECT count(*) FROM pg_catalog.pg_dist_node WHERE noderole = 'primary' AND groupid <> 0"
HAS_CITUS = "SELECT to_regclass('pg_catalog.pg_dist_node') IS NOT NULL"


def make_roles(connection: psycopg.Connection) -> None:
    """Make the roles on every node, each committed: a worker would not find those of a transaction that still runs.

    Where not everybody may connect to the database, those as whom the coordinator comes are let in.
    """
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
        if login == "LOGIN" and not _value(connection, MAY_CONNECT, role):
            database = sql.Identifier(connection.info.dbname)
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(role)))


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


def _value(connection: psycopg.Connection, query: LiteralString, *values: str) -> object:
    row = connection.execute(query, values or None).fetchone()
    return row[0] if row else None
