"""Brings a database to this release: alembic's revisions, then the routines, in one transaction.

Revisions (`alembic/versions/`) are frozen and run once. Routines (`db/procedures/`) are text that is applied
again whenever it changed: `audit.routine_files` remembers what was applied, and which routines each file
made, so that those which no file makes any more are dropped, and nobody else's. Any error rolls back all of it.
"""

import hashlib
import logging
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from glue.errors import GlueError

PROJECT = Path(__file__).resolve().parent.parent
PROCEDURES = PROJECT / "db" / "procedures"
PRIVILEGES = "privileges.sql"
OWNER = "warehouse_owner"

OLDEST_SERVER = 150000
# Any number, as long as nobody else in this database uses it: "warehouse" on a telephone's keys.
MIGRATION_LOCK = 927347873
# Roles belong to the whole server: two of its databases that are migrated at once meet there.
ATTEMPTS = 10

# Every name in our files says its schema; what is found only through a search path is a mistake.
NO_SEARCH_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"

log = logging.getLogger("alembic.warehouse")


class MigrationError(GlueError):
    """The database could not be migrated, and is as it was. The message names the file and line."""


def upgrade(dsn: str, revision: str = "head") -> None:
    """Migrate the database `dsn` (any libpq connection string) to `revision` and apply the routines.

    Safe to repeat and to run many at a time. Raises MigrationError, or psycopg.Error without a connection.
    """
    config = Config(PROJECT / "alembic.ini")
    config.attributes["dsn"] = dsn
    command.upgrade(config, revision)


def revisions() -> list[str]:
    """Return the revisions of this release, oldest first."""
    script = ScriptDirectory.from_config(Config(PROJECT / "alembic.ini"))
    return [found.revision for found in script.walk_revisions()][::-1]


def run(context: Any, dsn: str) -> None:
    """Do what the current alembic command asks for. Called by alembic/env.py, with alembic's context."""
    _check_database(dsn)
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(dsn), poolclass=NullPool)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                _run_once(context, connection)
            return
        except (MigrationError, DBAPIError) as error:
            cause = error.__cause__ if isinstance(error, MigrationError) else error.orig
            if attempt == ATTEMPTS or not _is_shared(cause):
                raise
            log.info("Trying again: %s", cause)


def _run_once(context: Any, connection: Connection) -> None:
    with connection.begin():
        _execute(connection, f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        _execute(connection, NO_SEARCH_PATH)
        # Inside a transaction of ours alembic begins none: revisions and routines are all or nothing.
        context.configure(connection=connection, version_table_schema="public")
        before = context.get_context().get_current_heads()
        context.run_migrations()
        after = context.get_context().get_current_heads()
        if not context.get_context().opts.get("dont_mutate"):
            apply_routines(connection, PROCEDURES, with_privileges=before != after)


def apply_routines(connection: Connection, folder: Path, *, with_privileges: bool = False) -> list[str]:
    """Apply the routine files whose text changed, and drop the routines that no file makes any more.

    The privileges file follows when anything was applied, or when `with_privileges`. Returns the paths of
    the files that were applied or are gone. Raises MigrationError.
    """
    if not _value(connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL"):
        return []  # before the first revision, or on the way back to it
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.sql")}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    rows = _execute(connection, "SELECT path, sha256, routines FROM audit.routine_files").all()
    applied = {path: sha256 for path, sha256, _ in rows}
    owned = {path: set(routines) for path, _, routines in rows}

    changed = sorted((name for name in files if digests[name] != applied.get(name)), key=_order)
    gone = sorted(name for name in applied if name not in files)
    if not changed and not gone and not with_privileges:
        return []
    if PRIVILEGES in files and PRIVILEGES not in changed:
        changed.append(PRIVILEGES)

    before = {routine for name in changed + gone for routine in owned.get(name, ())}
    # Twice: first unseen, so that no file has to come before what it calls; then every body is checked.
    _execute(connection, "SET LOCAL check_function_bodies = off")
    for name in changed:
        if name != PRIVILEGES:
            run_sql(connection, files[name], role=OWNER)
    _execute(connection, "SET LOCAL check_function_bodies = on")
    makers: dict[str, str] = {}
    seen = _routines_made(connection)
    for name in changed:
        run_sql(connection, files[name], role=OWNER)
        now = _routines_made(connection)
        # Granting on a routine changes its row too, and makes nothing.
        made = {signature for signature, _ in now - seen} if name != PRIVILEGES else set()
        seen = now
        for signature in made:
            other = makers.setdefault(signature, name)
            if other != name:
                raise MigrationError(f"both {other} and {name} make {signature}: keep one")
        owned[name] = made
        _execute(
            connection,
            "INSERT INTO audit.routine_files (path, sha256, routines) VALUES (%s, %s, %s)"
            " ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, routines = excluded.routines,"
            " applied_at = now()",
            (name, digests[name], sorted(made)),
        )
    log.info("Applied %s of %s routine files", len(changed), len(files))
    for name in gone:
        del owned[name]
        _execute(connection, "DELETE FROM audit.routine_files WHERE path = %s", (name,))
    for signature in sorted(before - {routine for routines in owned.values() for routine in routines}):
        _drop(connection, signature)
    return changed + gone


def run_sql(connection: Connection, path: Path, *, role: str | None = None) -> None:
    """Run a file of SQL statements in the open transaction, as `role` if given.

    Raises MigrationError, with file and line.
    """
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        return
    if role:
        _execute(connection, f"SET LOCAL ROLE {role}")
    try:
        # Without parameters psycopg uses the simple protocol, which takes many statements at a time.
        connection.exec_driver_sql(text, execution_options={"no_parameters": True})
    except DBAPIError as error:
        raise MigrationError(_explain(error.orig, text, path)) from error.orig
    # A file may have set either for itself.
    _execute(connection, "RESET ROLE")
    _execute(connection, NO_SEARCH_PATH)


def _order(name: str) -> tuple[bool, str]:
    """Sort by schema and name, the privileges last."""
    return name == PRIVILEGES, name


def _routines_made(connection: Connection) -> set[tuple[str, str]]:
    """Return (signature, row version) of the routines that this transaction made or replaced."""
    rows = _execute(
        connection,
        "SELECT oid::regprocedure::text, ctid::text FROM pg_proc WHERE xmin = pg_current_xact_id()::xid",
    )
    return {(signature, version) for signature, version in rows}


def _drop(connection: Connection, signature: str) -> None:
    """Drop a routine that no file makes any more, unless it is gone already."""
    if _value(connection, "SELECT to_regprocedure(%s) IS NULL", (signature,)):
        return
    log.info("Dropping %s: no file makes it any more", signature)
    try:
        _execute(connection, f"DROP ROUTINE {signature}")
    except DBAPIError as error:
        raise MigrationError(f"cannot drop {signature}, which no file makes any more: {error.orig}") from error.orig


def _connect(dsn: str) -> psycopg.Connection:
    # Statements are many and different: preparing them would only cost, and a pooler might not keep them.
    return psycopg.connect(dsn, application_name="warehouse migrate", prepare_threshold=None)


def _check_database(dsn: str) -> None:
    """Refuse a server or database that the warehouse cannot live in. Raises MigrationError."""
    with _connect(dsn) as connection:
        info = connection.info
        number, name = info.server_version, info.dbname
        version, encoding = info.parameter_status("server_version"), info.parameter_status("server_encoding")
    if number < OLDEST_SERVER:
        raise MigrationError(f"the server is PostgreSQL {version}; the warehouse needs 15 or newer")
    if encoding != "UTF8":
        raise MigrationError(
            f"database {name} has encoding {encoding}; the warehouse needs UTF8: "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def _execute(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    return connection.exec_driver_sql(statement, parameters)


def _value(connection: Connection, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
    return _execute(connection, statement, parameters).scalar()


def _is_shared(error: BaseException | None) -> bool:
    """Return whether an error comes from the catalogs that all databases of a server share, or from a deadlock."""
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return True
    if isinstance(error, psycopg.errors.UniqueViolation):  # both create the same role
        return (error.diag.table_name or "").startswith("pg_auth")
    if isinstance(error, psycopg.errors.DuplicateObject):
        return (error.diag.message_primary or "").startswith("role ")
    if isinstance(error, psycopg.errors.InternalError_):  # both grant the same role
        return error.diag.message_primary == "tuple concurrently updated"
    return False


def _explain(error: BaseException | None, text: str, path: Path) -> str:
    """Build the message of a failed file: place, what PostgreSQL said, and its detail, hint and context."""
    shown = path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
    if not isinstance(error, psycopg.Error):
        return f"{shown}: {error}"
    diag = error.diag
    line = text.count("\n", 0, int(diag.statement_position) - 1) + 1 if diag.statement_position else None
    place = f"{shown}:{line}" if line else str(shown)
    parts = [f"{place}: {diag.message_primary or error} ({diag.sqlstate})"]
    for name, value in [("DETAIL", diag.message_detail), ("HINT", diag.message_hint), ("CONTEXT", diag.context)]:
        if value:
            parts.append(f"{name}: {value}")
    return "\n".join(parts)
