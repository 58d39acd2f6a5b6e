"""Applies the files of db/procedures and db/shapes that changed, and drops the routines that no file makes any more."""

import hashlib
import logging
import re
from graphlib import TopologicalSorter
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ops.statements import OWNER, PRIVILEGES, PROJECT, MigrationError, execute, run_sql, value

# Where audit.routine_files has the newest revision: alembic's own table is outside the schemas that a dump holds.
REVISIONS = "alembic/"
# Its files make functions of the schema of that name.
SHAPES = PROJECT / "db" / "shapes"

# Of a file of routines: what it makes, what it may call, and whether a body of it is bound when it is made.
MADE = re.compile(r"^CREATE(?: OR REPLACE)? (?:FUNCTION|PROCEDURE|VIEW) (\w+\.\w+)", re.MULTILINE)
CALLED = re.compile(r"\b(?:raw|staging|shapes|warehouse|audit)\.\w+")
BOUND = re.compile(r"^(?:BEGIN ATOMIC|RETURN )|^CREATE VIEW", re.MULTILINE)
# The routines that commands of this transaction after one of them made or replaced, and by which command each.
ROUTINES_MADE = """
    SELECT oid::regprocedure::text, cmin::text::bigint FROM pg_proc
    WHERE xmin = pg_current_xact_id()::xid AND cmin::text::bigint > %s
"""

log = logging.getLogger("alembic.warehouse")


def apply_routines(connection: Connection, folder: Path, *, with_privileges: bool = False) -> list[str]:
    """Apply the routine files whose text changed, and drop the routines that no file makes any more.

    The privileges file follows when anything was applied, or when `with_privileges`. Returns the paths of
    the files that were applied or are gone. Raises MigrationError.
    """
    if not value(connection, "SELECT to_regclass('audit.routine_files') IS NOT NULL"):
        return []  # before the first revision, or on the way back to it
    files = routine_files(folder)
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    rows = execute(
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
    execute(connection, "SET LOCAL check_function_bodies = off")
    for name in changed:
        if name != PRIVILEGES:
            run_sql(connection, files[name], role=OWNER)
    execute(connection, "SET LOCAL check_function_bodies = on")
    makers: dict[str, str] = {}
    last = _last_command(connection)
    for name in changed:
        run_sql(connection, files[name], role=OWNER)
        rows = execute(connection, ROUTINES_MADE, (last,)).all()
        last = max([last, *(command for _, command in rows)])
        # Granting on a routine changes its row too, and makes nothing.
        made = {signature for signature, _ in rows} if name != PRIVILEGES else set()
        for signature in made:
            other = makers.setdefault(signature, name)
            if other != name:
                raise MigrationError(f"both {other} and {name} make {signature}: keep one")
        owned[name] = made
    noted = [(name, digests[name], sorted(owned[name])) for name in changed]
    connection.exec_driver_sql(
        "INSERT INTO audit.routine_files (path, sha256, routines) VALUES (%s, %s, %s)"
        " ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, routines = excluded.routines,"
        " applied_at = now()",
        noted,
    )
    log.info("Applied %s of %s routine files", len(changed), len(files))
    for name in gone:
        del owned[name]
        execute(connection, "DELETE FROM audit.routine_files WHERE path = %s", (name,))
    _drop(connection, sorted(before - {routine for routines in owned.values() for routine in routines}))
    return changed + gone


def routine_files(folder: Path) -> dict[str, Path]:
    """Return the files of routines by `schema/name.sql`: those of a folder of procedures, and those of shapes."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.sql")}
    return files | {f"{SHAPES.name}/{path.name}": path for path in SHAPES.glob("*.sql")}


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


def _last_command(connection: Connection) -> int:
    """Return the number of the last command of this transaction that made or replaced a routine, -1 without one."""
    found: int = value(
        connection,
        "SELECT coalesce(max(cmin::text::bigint), -1) FROM pg_proc WHERE xmin = pg_current_xact_id()::xid",
    )
    return found


def _drop(connection: Connection, signatures: list[str]) -> None:
    """Drop routines that no file makes any more, unless they are gone: at once, since they may need each other."""
    found = [name for name in signatures if value(connection, "SELECT to_regprocedure(%s) IS NOT NULL", (name,))]
    if not found:
        return
    names = ", ".join(found)
    log.info("Dropping %s: no file makes it any more", names)
    try:
        execute(connection, f"DROP ROUTINE {names}")
    except DBAPIError as error:
        raise MigrationError(f"cannot drop {names}, which no file makes any more: {error.orig}") from error.orig
