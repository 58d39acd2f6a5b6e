"""Brings a database to this release: alembic's revisions, then the routines, in one transaction.

Revisions (`alembic/versions/`) are frozen and run once. Routines (`db/procedures/`) are text that is applied
again whenever it changed: `audit.routine_files` remembers what was applied, and which routines each file
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
import re
import time
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter
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
from glue.errors import GlueError

PROJECT = Path(__file__).resolve().parent.parent
SCHEMA = PROJECT / "db" / "schema"
PROCEDURES = PROJECT / "db" / "procedures"
PRIVILEGES = "privileges.sql"
OWNER = "warehouse_owner"
CHECKER = "warehouse_checker"
# What our files say of these is all that they may do with what our files make. Logins of your own are yours to grant.
GRANTEES = "PUBLIC, warehouse_loader, warehouse_runner, warehouse_checker, warehouse_analyst"
SCHEMAS = ("raw", "staging", "warehouse", "audit", "marts")

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

# Every name in our files says its schema; what is found only through a search path is a mistake.
NO_SEARCH_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"

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
                                     WHERE n.nspname IN ('raw', 'staging', 'warehouse', 'audit'))))
    ORDER BY a.pid
"""

# What is wrong with the path that the database gives every login: no path of its own, or a schema on it in which others
# than its owner, the database's and the warehouse's may make things.
UNSAFE_PATH = """
    SELECT array_remove(array_agg(
        CASE WHEN s.path IS NULL THEN 'no path is set'
             WHEN EXISTS (SELECT FROM pg_catalog.pg_namespace AS n,
                              aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
                          WHERE n.nspname = ANY (s.path) AND a.privilege_type = 'CREATE' AND a.grantee NOT IN (
                              SELECT r.oid FROM pg_catalog.pg_roles AS r
                              WHERE r.rolsuper OR r.oid = b.datdba
                                 OR r.rolname IN ('pg_database_owner', 'warehouse_owner')))
             THEN 'others make things in ' || array_to_string(s.path, ', ')
        END), NULL)
    FROM pg_catalog.pg_database AS b
    LEFT JOIN LATERAL (
        SELECT regexp_split_to_array(replace(substr(t.setting, 13), '"', ''), ',\\s*') AS path
        FROM pg_catalog.pg_db_role_setting AS d, unnest(d.setconfig) AS t (setting)
        WHERE d.setdatabase = b.oid AND d.setrole = 0 AND t.setting LIKE 'search_path=%'
    ) AS s ON true
    WHERE b.datname = current_database()
"""

# What the login lacks to make the warehouse in an empty database, or to bring one that is there up to date, with the
# statement that gives it. Some of it is only known to be lacking where the roles are there already.
LACKING = f"""
    WITH facts AS (
        SELECT r.rolname, r.rolcreaterole, d.datname, pg_has_role(d.datdba, 'USAGE') AS is_owner,
               to_regnamespace('audit') IS NOT NULL AS is_made,
               has_table_privilege(to_regclass('public.alembic_version'), 'UPDATE') AS may_record,
               -- The owner of the database is public's, too, unless the database has come from PostgreSQL 14.
               p.nspowner <> to_regrole('pg_database_owner')
                   AND NOT pg_has_role(p.nspowner, 'USAGE') AS is_others_public,
               has_schema_privilege('public', p.oid, 'CREATE') AS is_open,
               to_regrole('warehouse_owner') IS NOT NULL
                   AND has_schema_privilege(to_regrole('warehouse_owner'), p.oid, 'CREATE') AS has_public
        FROM pg_catalog.pg_roles AS r, pg_catalog.pg_database AS d, pg_catalog.pg_namespace AS p
        WHERE r.rolname = current_user AND d.datname = current_database() AND p.nspname = 'public' AND NOT r.rolsuper
    ),
    needed (name, place) AS (VALUES ('warehouse_owner', 1), ('warehouse_loader', 2), ('warehouse_runner', 3),
                                    ('warehouse_checker', 4), ('warehouse_analyst', 5)),
    -- Who may make roles is on PostgreSQL 15 as good as the server's user: we ask for the roles, not for that right.
    missing (name, place) AS (
        SELECT n.name, n.place FROM needed AS n, facts AS f
        WHERE NOT f.rolcreaterole AND NOT f.is_made AND to_regrole(n.name) IS NULL
    )
    SELECT * FROM (
        SELECT 'the role ' || m.name, format('CREATE ROLE %I NOLOGIN;', m.name) FROM missing AS m ORDER BY m.place
    ) AS r
    UNION ALL
    SELECT 'membership in ' || m.name, format('GRANT %I TO %I;', m.name, f.rolname)
    FROM facts AS f, missing AS m WHERE m.name = 'warehouse_owner'
    UNION ALL
    SELECT 'the owner''s membership in ' || m.name, format('GRANT %I TO warehouse_owner;', m.name)
    FROM missing AS m WHERE m.name = 'warehouse_checker'
    UNION ALL
    SELECT 'the database', format('ALTER DATABASE %I OWNER TO %I;', f.datname, f.rolname)
    FROM facts AS f
    WHERE NOT f.is_owner AND NOT f.is_made
    UNION ALL
    SELECT 'membership in ' || n.name, format('GRANT %I TO %I;', n.name, f.rolname)
    FROM facts AS f, needed AS n
    WHERE n.name IN ('warehouse_owner', 'warehouse_checker') AND to_regrole(n.name) IS NOT NULL
      AND NOT pg_has_role(to_regrole(n.name), 'USAGE')
      -- Before PostgreSQL 16 who may make roles may grant them, too.
      AND NOT (f.rolcreaterole AND current_setting('server_version_num')::integer < 160000)
    UNION ALL
    SELECT 'the table of revisions',
           'GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO warehouse_owner;'
    FROM facts AS f
    WHERE f.is_made AND NOT f.may_record
    UNION ALL
    SELECT 'a public schema in which not everybody makes things', 'REVOKE CREATE ON SCHEMA public FROM PUBLIC;'
    FROM facts AS f
    WHERE f.is_others_public AND f.is_open
    UNION ALL
    SELECT 'a schema for what the owner names without one', 'GRANT USAGE, CREATE ON SCHEMA public TO warehouse_owner;'
    FROM facts AS f
    WHERE f.is_others_public AND (f.is_open OR NOT f.has_public) AND to_regrole('warehouse_owner') IS NOT NULL
    UNION ALL
    SELECT 'a search path on which only the owner makes things',
           format('ALTER DATABASE %I SET search_path = public;', f.datname)
    FROM facts AS f
    WHERE f.is_made AND NOT f.is_owner AND pg_catalog.array_length(({UNSAFE_PATH}), 1) > 0
"""

# What people granted on their own is theirs; what the files say is compared as it is, line by line.
RIGHTS = f"""
    SELECT c.kind, c.object, c.name, a.grantor, a.grantee, a.privilege_type, a.is_grantable
    FROM (
        SELECT 'schema', n.oid, n.nspname::text, coalesce(n.nspacl, acldefault('n', n.nspowner))
        FROM pg_catalog.pg_namespace AS n WHERE n.nspname IN {SCHEMAS}
        UNION ALL
        SELECT 'table', r.oid, r.oid::regclass::text,
               coalesce(r.relacl, acldefault(CASE WHEN r.relkind = 'S' THEN 's' ELSE 'r' END::"char", r.relowner))
        FROM pg_catalog.pg_class AS r
        WHERE r.relnamespace::regnamespace::text IN {SCHEMAS} AND r.relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT 'routine', p.oid, p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_catalog.pg_proc AS p WHERE p.pronamespace::regnamespace::text IN {SCHEMAS}
        UNION ALL
        SELECT 'new routines', d.defaclrole, d.defaclrole::regrole::text, d.defaclacl
        FROM pg_catalog.pg_default_acl AS d
        WHERE d.defaclrole = '{OWNER}'::regrole AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f'
    ) AS c (kind, object, name, acl)
    LEFT JOIN LATERAL aclexplode(c.acl) AS a ON true
"""
# Whose is what our files make, of what is there.
OWNERS = """
    SELECT o.kind, o.name,
           pg_get_userbyid(CASE o.kind
               WHEN 'schema' THEN (SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = o.name)
               WHEN 'routine' THEN (SELECT p.proowner FROM pg_catalog.pg_proc AS p
                                    WHERE p.oid = to_regprocedure(o.name))
               ELSE (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass(o.name))
           END)
    FROM unnest(%s::text[], %s::text[]) AS o (kind, name)
    WHERE CASE o.kind WHEN 'schema' THEN to_regnamespace(o.name) IS NOT NULL
                      WHEN 'routine' THEN to_regprocedure(o.name) IS NOT NULL
                      ELSE to_regclass(o.name) IS NOT NULL END
"""
OWN_ROUTINES = f"""
    SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace::regnamespace::text IN {SCHEMAS} AND p.proowner IN ('{OWNER}'::regrole, '{CHECKER}'::regrole)
"""
# Objects that our files make in a schema, whatever else they say.
MAKES = re.compile(r"^CREATE (TABLE|VIEW|SEQUENCE) ((?:raw|staging|warehouse|audit)\.\w+)", re.MULTILINE)


# Where audit.routine_files has the newest revision: alembic's own table is outside the schemas that a dump holds.
REVISIONS = "alembic/"

# Of a file of routines: what it makes, what it may call, and whether a body of it is bound when it is made.
MADE = re.compile(r"^CREATE(?: OR REPLACE)? (?:FUNCTION|PROCEDURE|VIEW) (\w+\.\w+)", re.MULTILINE)
CALLED = re.compile(r"\b(?:raw|staging|warehouse|audit)\.\w+")
BOUND = re.compile(r"^(?:BEGIN ATOMIC|RETURN )|^CREATE VIEW", re.MULTILINE)

log = logging.getLogger("alembic.warehouse")


class MigrationError(GlueError):
    """The database could not be migrated, and is as it was. The message names the file and line."""


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
        _execute(connection, NO_SEARCH_PATH)
        # Inside a transaction of ours alembic begins none: revisions and routines are all or nothing.
        context.configure(connection=connection, version_table_schema="public")
        changes = not context.get_context().opts.get("dont_mutate")
        if changes:
            waiting.take_warehouse(connection)
            _recall_revision(connection)
        before = context.get_context().get_current_heads()
        context.run_migrations()
        after = context.get_context().get_current_heads()
        if changes:
            apply_routines(connection, PROCEDURES, with_privileges=before != after)
        if changes and after and not before:
            # Every member of the owner may migrate, not only the login that did it first.
            _execute(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO {OWNER}")
        if changes and after:
            _note_revision(connection, context.script, after[0])
        if changes and after == tuple(context.script.get_heads()):
            _prove_database(connection)
            _prove_rights(connection)


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
        own = _value(connection, "SELECT setting::integer / 1000.0 FROM pg_settings WHERE name = 'lock_timeout'")
        self.seconds = float(own) or WAIT_SECONDS
        if not _value(connection, f"SELECT pg_try_advisory_xact_lock({IN_USE}, 0)"):
            self.tell()
            self._limit(connection, self.left())
            _execute(connection, f"SELECT pg_advisory_xact_lock({IN_USE}, 0)")
        # In an empty database nobody reads what could be kept from them; its roles are the server's, and slow to get.
        is_made = _value(connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL")
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
        _execute(connection, f"SET LOCAL lock_timeout = {int(seconds * 1000)}")

    def _holders(self) -> str:
        """Return who uses the warehouse now: pid, login, program and statement of each session."""
        with _connect(self.dsn) as connection:
            rows = connection.execute(HOLDERS).fetchall()
        return (
            "; ".join(f"pid {pid} ({login}, {program}): {query}" for pid, login, program, query in rows) or "(gone now)"
        )


def apply_routines(connection: Connection, folder: Path, *, with_privileges: bool = False) -> list[str]:
    """Apply the routine files whose text changed, and drop the routines that no file makes any more.

    The privileges file follows when anything was applied, or when `with_privileges`. Returns the paths of
    the files that were applied or are gone. Raises MigrationError.
    """
    if not _value(connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL"):
        return []  # before the first revision, or on the way back to it
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.sql")}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    rows = _execute(
        connection, f"SELECT path, sha256, routines FROM audit.routine_files WHERE path NOT LIKE '{REVISIONS}%%'"
    ).all()
    applied = {path: sha256 for path, sha256, _ in rows}
    owned = {path: set(routines) for path, _, routines in rows}

    changed = [name for name in in_order(files) if digests[name] != applied.get(name)]
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
    _drop(connection, sorted(before - {routine for routines in owned.values() for routine in routines}))
    return changed + gone


def in_order(files: dict[str, Path]) -> list[str]:
    """Return the names of routine files in an order in which they can be made, the privileges last.

    A body in SQL's own form (RETURN, BEGIN ATOMIC) is bound to what it calls when it is made: that comes before.
    """
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items()}
    makers = {routine: name for name, text in texts.items() for routine in MADE.findall(text)}
    graph = {
        name: {makers[called] for called in CALLED.findall(text) if called in makers} - {name}
        if BOUND.search(text)
        else set()
        for name, text in sorted(texts.items())
    }
    return sorted(TopologicalSorter(graph).static_order(), key=lambda name: name == PRIVILEGES)


def _recall_revision(connection: Connection) -> None:
    """Make alembic's table again in a database that was restored from a dump of the warehouse's schemas."""
    if _value(connection, "SELECT to_regclass('public.alembic_version') IS NOT NULL") or not _value(
        connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL"
    ):
        return
    path = _value(connection, f"SELECT path FROM audit.routine_files WHERE path LIKE '{REVISIONS}%%'")
    if not path:
        return
    _execute(
        connection,
        "CREATE TABLE public.alembic_version (version_num character varying(32) NOT NULL,"
        " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    )
    _execute(
        connection, "INSERT INTO public.alembic_version VALUES (%s)", (path.removeprefix(REVISIONS).split("_")[0],)
    )
    _execute(connection, f"GRANT SELECT, INSERT, UPDATE, DELETE ON public.alembic_version TO {OWNER}")
    log.info("Restored from a dump at %s", path)


def _note_revision(connection: Connection, script: ScriptDirectory, revision: str) -> None:
    """Keep the newest revision among the files that were applied, unless it is there."""
    file = Path(script.get_revision(revision).path).with_suffix(".sql")
    noted = (f"{REVISIONS}{file.name}", hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "")
    rows = _execute(connection, f"SELECT path, sha256 FROM audit.routine_files WHERE path LIKE '{REVISIONS}%%'").all()
    if [tuple(row) for row in rows] == [noted]:
        return
    _execute(connection, f"DELETE FROM audit.routine_files WHERE path LIKE '{REVISIONS}%%'")
    _execute(connection, "INSERT INTO audit.routine_files (path, sha256, routines) VALUES (%s, %s, '{}')", noted)


def tell_analysts(connection: Connection) -> None:
    """Say how logins of analysts get marts on their path, which the database gives nobody any more."""
    rows = _execute(
        connection,
        "SELECT format('ALTER ROLE %I IN DATABASE %I SET search_path = marts, public;', r.rolname, current_database())"
        " FROM pg_catalog.pg_roles AS r"
        " WHERE r.rolcanlogin AND NOT r.rolsuper AND pg_has_role(r.oid, 'warehouse_analyst', 'USAGE')"
        " AND NOT pg_has_role(r.oid, 'warehouse_owner', 'USAGE') ORDER BY r.rolname".replace("%", "%%"),
    ).all()
    if rows:
        log.info(
            "marts is on no login's path any more. For analysts who leave it out in their queries, as a superuser:"
        )
    for (statement,) in rows:
        log.info("  %s", statement)


def _prove_database(connection: Connection) -> None:
    """Give the database a path on which only its owner and the warehouse's make things, where it has none, and the
    warehouse's owner its place, as in a database that was restored without db/schema/roles.sql."""
    if _value(connection, "SELECT has_schema_privilege('public', 'public', 'CREATE')"):
        _execute(connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    if not _value(connection, f"SELECT has_schema_privilege('{OWNER}', 'public', 'CREATE')"):
        _execute(connection, f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}")
    name = _value(connection, "SELECT quote_ident(current_database())").replace("%", "%%")
    if not _value(connection, f"SELECT has_database_privilege('{OWNER}', current_database(), 'CREATE')"):
        _execute(connection, f"GRANT CREATE, TEMPORARY ON DATABASE {name} TO {OWNER}")
    if wrong := _value(connection, UNSAFE_PATH.replace("%", "%%")):
        _execute(connection, f"ALTER DATABASE {name} SET search_path = public")
        log.info("Set the database's search_path to public: %s", "; ".join(wrong))


def _prove_rights(connection: Connection) -> None:
    """Set what the files say of schemas, tables and routines, and keep it if anything was otherwise.

    Raises MigrationError when something of ours is somebody else's.
    """
    if not all(_value(connection, "SELECT to_regnamespace(%s) IS NOT NULL", (name,)) for name in SCHEMAS):
        run_sql(connection, SCHEMA / "schemas.sql", role=OWNER)  # a dump of the warehouse has no marts
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SCHEMA.rglob("*.sql")))
    objects = {("sequence" if kind == "SEQUENCE" else "table", name) for kind, name in MAKES.findall(text)}
    objects |= {("schema", name) for name in SCHEMAS}
    rows = _execute(connection, "SELECT unnest(routines) FROM audit.routine_files").all()
    objects |= {("routine", signature) for (signature,) in rows}
    kinds, names = zip(*sorted(objects), strict=True)
    owners = _execute(connection, OWNERS, (list(kinds), list(names))).all()
    if strange := [f"{kind} {name} ({owner})" for kind, name, owner in owners if owner not in (OWNER, CHECKER)]:
        raise MigrationError(
            f"{len(strange)} objects of the warehouse are not {OWNER}'s: {', '.join(strange[:3])}, …\n"
            f"HINT: restore with owners, as a superuser; or, for each of them: ALTER … OWNER TO {OWNER};"
        )
    before = _rights(connection)
    nested = connection.begin_nested()
    _execute(connection, f"SET LOCAL ROLE {OWNER}")
    for kind, name, owner in owners:
        # What is the checker's own stays its own.
        grantees = GRANTEES.replace(f"{CHECKER}, ", "") if owner == CHECKER else GRANTEES
        _execute(connection, f"REVOKE ALL ON {kind} {name} FROM {grantees}")
    _execute(connection, f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    # Those of the schema's files, and the owner's own: what is said of PUBLIC is of all of them.
    routines = {("routine", name) for (name,) in _execute(connection, OWN_ROUTINES).all()}
    made = sorted({(kind, name) for kind, name, _ in owners} | routines)
    for folder in (SCHEMA, PROCEDURES):
        run_sql(connection, folder / PRIVILEGES, role=OWNER, change=lambda text: _spelled_out(text, made))
    after = _rights(connection)
    if before == after:
        nested.rollback()
        return
    nested.commit()
    changed = sorted({name for _, _, name, *_ in before ^ after})
    log.info("Set the rights of %s: %s", len(changed), ", ".join(changed[:5]) + (", …" if len(changed) > 5 else ""))


def _spelled_out(text: str, objects: Sequence[tuple[str, str]]) -> str:
    """Return the text of a file of privileges with what our files make instead of all that is in a schema.

    Partitions are reached through their parents, and what people made there is not ours to grant.
    """

    def names(found: re.Match[str]) -> str:
        schemas = re.findall(r"\w+", found[2])
        kind = found[1].removesuffix("S").lower()
        return f"ON {found[1][:-1]} " + ", ".join(
            name for known, name in objects if known == kind and name.partition(".")[0] in schemas
        )  # fmt: skip

    return re.sub(r"ON ALL (TABLES|ROUTINES) IN SCHEMA ((?:\w+, )*\w+)", names, text)


def _rights(connection: Connection) -> set[tuple[Any, ...]]:
    """Return the rights on everything in our schemas, one a row."""
    return {tuple(row) for row in _execute(connection, RIGHTS.replace("%", "%%")).all()}


def run_sql(
    connection: Connection,
    path: Path,
    *,
    role: str | None = None,
    change: Callable[[str], str] = str,
) -> None:
    """Run a file of SQL statements in the open transaction, as `role` if given, with what `change` makes of its text.

    Raises MigrationError, with file and line.
    """
    text = change(path.read_text(encoding="utf-8"))
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


def _routines_made(connection: Connection) -> set[tuple[str, str]]:
    """Return (signature, row version) of the routines that this transaction made or replaced."""
    rows = _execute(
        connection,
        "SELECT oid::regprocedure::text, ctid::text FROM pg_proc WHERE xmin = pg_current_xact_id()::xid",
    )
    return {(signature, version) for signature, version in rows}


def _drop(connection: Connection, signatures: list[str]) -> None:
    """Drop routines that no file makes any more, unless they are gone: at once, since they may need each other."""
    found = [name for name in signatures if _value(connection, "SELECT to_regprocedure(%s) IS NOT NULL", (name,))]
    if not found:
        return
    names = ", ".join(found)
    log.info("Dropping %s: no file makes it any more", names)
    try:
        _execute(connection, f"DROP ROUTINE {names}")
    except DBAPIError as error:
        raise MigrationError(f"cannot drop {names}, which no file makes any more: {error.orig}") from error.orig


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
