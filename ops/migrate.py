"""Brings a database to this release: alembic's revisions, then the routines, in one transaction.

Revisions (`alembic/versions/`) are frozen and run once. Routines (`db/procedures/`, `db/shapes/`) are text that is
applied again whenever it changed: `audit.routine_files` remembers what was applied, and which routines each file
made, so that those which no file makes any more are dropped, and nobody else's. Rights are proved each time: they are
set as the files say in a subtransaction, which is rolled back when nothing came out other than it was. Any error rolls
back all of it.

A migration waits until the steps, loads and other migrations that run have ended, and those that come later wait for
it. It asks for the locks of tables only shortly, again and again, so that nobody's queries queue behind it. When it
has waited five minutes, or as long as the login's own lock_timeout says (PGOPTIONS='-c lock_timeout=30s'), it gives up
with nothing changed, and names the sessions that it waited for.
"""

import hashlib
import logging
import time
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from glue.connection import KEEPALIVES, SESSION
from glue.dsn import parse, why
from ops import cluster
from ops.rights import LACKING, prove_database, prove_rights, tell_analysts
from ops.routines import REVISIONS, apply_routines
from ops.statements import NO_SEARCH_PATH, OWNER, PROJECT, MigrationError, execute, run_sql, value

# What revisions import from here, released ones among them, stays here.
__all__ = ["OWNER", "MigrationError", "revisions", "run", "run_sql", "tell_analysts", "upgrade"]

PROCEDURES = PROJECT / "db" / "procedures"

OLDEST_SERVER = 150000
# The lock that warehouse._lock_warehouse_shared() takes, shared; with 0 as its second key.
IN_USE = "hashtext('ecommerce_warehouse in use')"
WAIT_SECONDS = 300.0
# How long readers may queue behind one attempt at a table's lock, and the pause in which they pass. Longer than
# deadlock_timeout: after that the server ends an autovacuum that is in the way.
TABLE_LOCK_SECONDS = 2.0
PAUSE_SECONDS = 0.5
# Roles belong to the whole server: two of its databases that are migrated at once meet there.
ATTEMPTS = 10

# Sessions that hold the warehouse, or a lock on any of its tables.
HOLDERS = f"""
    SELECT a.pid, a.usename, a.application_name, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 100)
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND EXISTS (
        SELECT FROM pg_catalog.pg_locks AS l
        LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
        WHERE l.pid = a.pid AND l.granted
          AND ((l.locktype = 'advisory' AND (l.classid::bigint, l.objid::bigint, l.objsubid)
                = ({IN_USE}::bigint & 4294967295, 0, 2))
               OR c.relnamespace IN (SELECT n.oid FROM pg_catalog.pg_namespace AS n
                                     WHERE n.nspname IN ('raw', 'staging', 'shapes', 'warehouse', 'audit'))))
    ORDER BY a.pid
"""

log = logging.getLogger("alembic.warehouse")


def upgrade(dsn: str, revision: str = "head") -> None:
    """Migrate the database `dsn` (any libpq connection string) to `revision` and apply the routines.

    Safe to repeat and to run many at a time. Raises MigrationError, or psycopg.Error when there is no connection, or
    no more.
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
    # Whatever the database's default is: what a migration reads after it has waited is what others left behind.
    engine = engine.execution_options(isolation_level="READ COMMITTED")
    waiting = _Waiting(dsn)
    attempt = 1
    while True:
        try:
            with engine.connect() as connection:
                _run_once(context, connection, waiting)
            return
        except (MigrationError, DBAPIError) as error:
            cause = error.__cause__ if isinstance(error, MigrationError) else error.orig
            if isinstance(cause, psycopg.errors.LockNotAvailable):
                waiting.go_on(cause)
            elif attempt < ATTEMPTS and _is_shared(cause):
                attempt += 1
                log.info("Trying again: %s", cause)
            elif isinstance(error, DBAPIError):
                raise cause from None  # SQLAlchemy's own quotes the statement, which says nothing of what went wrong
            else:
                raise


def _run_once(context: Any, connection: Connection, waiting: "_Waiting") -> None:
    with connection.begin():
        execute(connection, NO_SEARCH_PATH)
        # Inside a transaction of ours alembic begins none: revisions and routines are all or nothing.
        context.configure(connection=connection, version_table_schema="public")
        changes = not context.get_context().opts.get("dont_mutate")
        if changes:
            waiting.take_warehouse(connection)
            distributed = cluster.begin(connection)
            _recall_revision(connection)
        before = context.get_context().get_current_heads()
        context.run_migrations()
        after = context.get_context().get_current_heads()
        if changes:
            apply_routines(connection, PROCEDURES, with_privileges=before != after)
        if changes and after and not before:
            # Every member of the owner may migrate, not only the login that did it first.
            execute(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO {OWNER}")
        if changes and after:
            _note_revision(connection, context.script, after[0])
        if changes and after == tuple(context.script.get_heads()):
            prove_database(connection)
            prove_rights(connection, PROCEDURES)
        if changes:
            # Last: rights that were set anew are those of the coordinator.
            cluster.end(connection, distributed)


class _Waiting:
    """How long a migration waits, all its attempts together, and for whom."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.seconds = WAIT_SECONDS
        self.began = time.monotonic()
        self.told = False

    def take_warehouse(self, connection: Connection) -> None:
        """Wait until nothing that runs uses the warehouse, and keep others from it.

        Raises psycopg's LockNotAvailable, wrapped by SQLAlchemy, when the time is over.
        """
        own = value(connection, "SELECT setting::integer / 1000.0 FROM pg_settings WHERE name = 'lock_timeout'")
        self.seconds = float(own) or WAIT_SECONDS
        if not value(connection, f"SELECT pg_try_advisory_xact_lock({IN_USE}, 0)"):
            self.tell()
            self._limit(connection, self.left())
            execute(connection, f"SELECT pg_advisory_xact_lock({IN_USE}, 0)")
        # In an empty database nobody reads what could be kept from them; its roles are the server's, and slow to get.
        is_made = value(connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL")
        self._limit(connection, min(TABLE_LOCK_SECONDS, self.left()) if is_made else self.left())

    def go_on(self, cause: psycopg.Error) -> None:
        """Pause before the next attempt. Raises MigrationError when the time is over."""
        if self.left() <= PAUSE_SECONDS:
            raise MigrationError(
                f"the warehouse is in use; waited {self.seconds:g} s, nothing was changed: {self._holders()}\n"
                "HINT: run it again when these have ended, or wait longer: PGOPTIONS='-c lock_timeout=30min'"
            ) from cause
        self.tell()
        time.sleep(PAUSE_SECONDS)

    def left(self) -> float:
        """Return the seconds that are left, at least a hundredth: 0 would be for ever."""
        return max(self.seconds - (time.monotonic() - self.began), 0.01)

    def tell(self) -> None:
        """Say once that it waits, and for whom."""
        if not self.told:
            self.told = True
            log.info("Waiting up to %g s for %s", self.seconds, self._holders())

    def _limit(self, connection: Connection, seconds: float) -> None:
        execute(connection, f"SET LOCAL lock_timeout = {int(seconds * 1000)}")

    def _holders(self) -> str:
        """Return who uses the warehouse now: pid, login, program and statement of each session."""
        with _connect(self.dsn) as connection:
            rows = connection.execute(HOLDERS).fetchall()
        return (
            "; ".join(f"pid {pid} ({login}, {program}): {query}" for pid, login, program, query in rows) or "(gone now)"
        )


def _recall_revision(connection: Connection) -> None:
    """Make alembic's table again in a database that was restored from a dump of the warehouse's schemas."""
    if value(connection, "SELECT to_regclass('public.alembic_version') IS NOT NULL") or not value(
        connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL"
    ):
        return
    path = value(connection, f"SELECT path FROM audit.routine_files WHERE path LIKE '{REVISIONS}%%'")
    if not path:
        return
    execute(
        connection,
        "CREATE TABLE public.alembic_version (version_num character varying(32) NOT NULL,"
        " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    )
    execute(connection, "INSERT INTO public.alembic_version VALUES (%s)", (path.removeprefix(REVISIONS).split("_")[0],))
    execute(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO {OWNER}")
    log.info("Restored from a dump at %s", path)


def _note_revision(connection: Connection, script: ScriptDirectory, revision: str) -> None:
    """Keep the newest revision among the files that were applied, unless it is there."""
    file = Path(script.get_revision(revision).path).with_suffix(".sql")
    noted = (f"{REVISIONS}{file.name}", hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "")
    rows = execute(connection, f"SELECT path, sha256 FROM audit.routine_files WHERE path LIKE '{REVISIONS}%%'").all()
    if [tuple(row) for row in rows] == [noted]:
        return
    execute(connection, f"DELETE FROM audit.routine_files WHERE path LIKE '{REVISIONS}%%'")
    execute(connection, "INSERT INTO audit.routine_files (path, sha256, routines) VALUES (%s, %s, '{}')", noted)


def _connect(dsn: str) -> psycopg.Connection:
    # Statements are many and different: preparing them would only cost, and a pooler might not keep them.
    settings = parse(dsn)
    kept: dict[str, Any] = {name: value for name, value in KEEPALIVES.items() if name not in settings}
    try:
        connection = psycopg.connect(
            dsn, application_name="warehouse migrate", prepare_threshold=None, autocommit=True, **kept
        )
    except psycopg.OperationalError as error:
        raise MigrationError(f"cannot connect to the warehouse: {why(error, dsn)}") from None
    # Before anything is asked, by SQLAlchemy too.
    connection.execute(SESSION)
    connection.autocommit = False
    return connection


def _check_database(dsn: str) -> None:
    """Refuse a server or database that the warehouse cannot live in, or a login that may not migrate.

    Raises MigrationError.
    """
    with _connect(dsn) as connection:
        info = connection.info
        number, name, login = info.server_version, info.dbname, info.user
        version, encoding = info.parameter_status("server_version"), info.parameter_status("server_encoding")
        if number < OLDEST_SERVER:
            raise MigrationError(f"the server is PostgreSQL {version}; the warehouse needs 15 or newer")
        if encoding != "UTF8":
            raise MigrationError(
                f"database {name} has encoding {encoding}; the warehouse needs UTF8: "
                "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            )
        lacking = [f"{what}: {how}" for what, how in connection.execute(LACKING).fetchall()]
    if lacking:
        raise MigrationError(
            "\n".join([f"{login} may not migrate database {name}; a superuser may, or can give it:", *lacking])
        )
    with _connect(dsn) as connection:
        cluster.make_roles(connection)


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
