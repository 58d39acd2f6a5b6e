"""Dumps the warehouse, keeps the newest dumps, and proves that a dump can be restored.

    python -m ops.backup dump     a dump of today into BACKUP_DIR; the oldest go
    python -m ops.backup check    restore the newest dump into a scratch database, compare, and drop it

A dump holds the warehouse: raw, staging, shapes, warehouse and audit. What people made in other schemas (marts above
all) goes into a file beside it, NAME.others, if that can be had: a lock or a policy of theirs stops neither dump nor
check, and nothing that they made is ever evaluated here. A dump needs a login that may read (pg_read_all_data), no
more.

A restore is compared by counts and checksums of all rows of every table. What was loaded after the dump is a
difference, too: check right after the dump, as the DAG does, or when nothing runs. RESTORE_DSN is the login that makes
the scratch database (it needs CREATEDB, and nothing else); without it WAREHOUSE_DSN does both.
"""

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from embedded.binaries import installations
from glue.connection import connect, warehouse_dsn
from glue.dsn import parse
from glue.errors import GlueError, MissingSetting, explain
from glue.load import Say
from ops.programs import for_program

KEPT_DUMPS = 14
SCRATCH = "_restore_check"  # after the name of the original
SYSTEM_BINARIES = Path("/usr/lib/postgresql")
NAME = re.compile(r"ecommerce_warehouse_(\d{8}T\d{6})Z\.dump")

# What a dump holds and a restore check makes: what only the owner makes things in.
SCHEMAS = ("raw", "staging", "shapes", "warehouse", "audit")
# Of pg_restore's list: `7; 1259 16393 TABLE raw file_loads warehouse_owner`, and the schemas themselves.
OURS = re.compile(
    rf"\d+; \d+ \d+ (?:[A-Z ]+ (?:{'|'.join(SCHEMAS)}) |(?:SCHEMA -|[A-Z]+ - SCHEMA) (?:{'|'.join(SCHEMAS)}) )"
)
# How long what others made may keep us: the dump is complete by then.
OTHERS_SUFFIX = ".others"
OTHERS_LOCK_SECONDS = 5
OTHERS_SECONDS = 900

# Partitions count as their table: compaction moves rows between them, and changes none.
TABLES = f"""
    SELECT n.nspname, c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN {SCHEMAS}
    ORDER BY n.nspname, c.relname
"""
# The order of rows is not part of a table, so hashes are summed; two halves of md5 make a chance hit unlikely. A row is
# turned into text by PostgreSQL's own functions: `t::text` is a cast that whoever owns the type may have made.
CONTENTS = """
    SELECT pg_catalog.count(*),
           coalesce(pg_catalog.sum(('x' OPERATOR(pg_catalog.||) pg_catalog.substr(h.hash, 1, 15))::bit(60)::bigint), 0),
           coalesce(pg_catalog.sum(('x' OPERATOR(pg_catalog.||) pg_catalog.substr(h.hash, 17, 15))::bit(60)::bigint), 0)
    FROM {table} AS t
    CROSS JOIN LATERAL (SELECT pg_catalog.md5(pg_catalog.textin(pg_catalog.record_out(t))) AS hash) AS h
"""
# pg_restore 17 and newer set it on any server, and go on when an older one does not know it.
OF_NEWER_TOOLS = 'unrecognized configuration parameter "transaction_timeout"'

Contents = dict[str, tuple[int, ...]]


class BackupError(GlueError):
    """A dump cannot be made or restored, or does not hold what the original holds; the message says what."""


@dataclass(frozen=True)
class Checked:
    """A dump that was restored and found equal to the original."""

    dump: Path
    tables: int
    rows: int


def backup_folder() -> Path:
    """Return the folder of dumps. Raises MissingSetting without BACKUP_DIR."""
    if not (folder := os.environ.get("BACKUP_DIR")):
        raise MissingSetting("BACKUP_DIR is not set: the folder for dumps")
    return Path(folder)


def dumps(folder: Path) -> list[Path]:
    """Return the finished dumps of a folder, oldest first. Other files are none of ours."""
    return sorted(path for path in folder.glob("*.dump") if NAME.fullmatch(path.name))


def dump(dsn: str, folder: Path, *, keep: int = KEPT_DUMPS, say: Say = print) -> Path:
    """Dump the warehouse into a folder and remove all but the newest `keep` dumps; return the new one.

    A dump gets its name when it is complete, and is for its owner's eyes only. Raises BackupError, OSError.
    """
    if keep < 1:
        raise BackupError(f"keep {keep} dumps? At least the new one has to stay")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"ecommerce_warehouse_{datetime.now(UTC):%Y%m%dT%H%M%S}Z.dump"
    _remove_abandoned(folder, say)
    with _written(target) as (part, handle):
        schemas = [f"--schema={name}" for name in SCHEMAS]
        _run("pg_dump", dsn, "--format=custom", *schemas, f"--file={part}", descriptors=(handle,))
    say(f"{target}: {target.stat().st_size:,} bytes")
    _dump_others(dsn, target.with_suffix(OTHERS_SUFFIX), say)
    for old in dumps(folder)[:-keep]:
        old.unlink()
        old.with_suffix(OTHERS_SUFFIX).unlink(missing_ok=True)
        say(f"{old}: removed, the newest {keep} stay")
    return target


@contextmanager
def _written(target: Path) -> Iterator[tuple[Path, int]]:
    """Give an empty file to write `target` in, and its locked descriptor: the file gets its name when it is complete.

    The descriptor is for who writes, which may live longer than we do: as long as it is open, nobody removes the file.
    """
    part = target.with_name(f"{target.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield part, handle
        part.rename(target)
    finally:
        os.close(handle)
        part.unlink(missing_ok=True)


def _remove_abandoned(folder: Path, say: Say) -> None:
    """Remove what dumps that were killed have left: unfinished ones that nobody writes any more."""
    for part in sorted(folder.glob("*.part")):
        if not NAME.fullmatch(f"{part.name.partition('.')[0]}.dump"):
            continue
        with suppress(OSError):  # somebody writes it, or it is not ours
            handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
                say(f"{part}: removed, its dump was never finished")
            finally:
                os.close(handle)


def _dump_others(dsn: str, target: Path, say: Say) -> None:
    """Dump what people made in other schemas, if it can be had: it is theirs to lock, and theirs to hide."""
    try:
        with _written(target) as (part, handle):
            _run(
                "pg_dump", dsn, "--format=custom", *(f"--exclude-schema={name}" for name in SCHEMAS), "--no-blobs",
                f"--lock-wait-timeout={OTHERS_LOCK_SECONDS}s", f"--file={part}",
                descriptors=(handle,), seconds=OTHERS_SECONDS,
            )  # fmt: skip
    except BackupError as error:
        say(f"not dumped: what people made outside the warehouse's schemas. {error}")


def check(dsn: str, folder: Path, *, restore_dsn: str | None = None, say: Say = print) -> Checked:
    """Restore the newest dump into a scratch database and compare it with the original.

    `dsn` reads the original. `restore_dsn` (default: the same) makes the scratch database on the same server, and needs
    CREATEDB; as a superuser the owners and grants are restored, too. The scratch database is nobody else's to connect
    to, and is dropped, whatever happens. Of a dump that holds more than the warehouse, only the warehouse is restored.
    Raises BackupError when anything differs, naming each table.
    """
    restore_dsn = restore_dsn or dsn
    found = dumps(folder)
    if not found:
        raise BackupError(f"no dump in {folder}: python -m ops.backup dump")
    newest = found[-1]
    with closing(connect(dsn)) as connection, closing(connect(restore_dsn)) as maker:
        scratch_name = f"{connection.info.dbname[: 63 - len(SCRATCH)]}{SCRATCH}"
        scratch_dsn = make_conninfo(restore_dsn, dbname=scratch_name)
        name = sql.Identifier(scratch_name)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
        maker.execute(drop)
        maker.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))
        try:
            maker.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            say(f"{newest}: restoring into {scratch_name}")
            # Who is no superuser cannot give tables to others; contents are what is compared.
            superuser = maker.execute("SELECT pg_catalog.current_setting('is_superuser')").fetchone()
            mine = () if superuser == ("on",) else ("--no-owner", "--no-privileges")
            with TemporaryDirectory() as place:
                (chosen := Path(place) / "list").write_text(_ours(maker, newest), encoding="utf-8")
                # Cold months have a tablespace; the scratch database needs none, and its login may make nothing there.
                _run("pg_restore", scratch_dsn, "--no-tablespaces", *mine, f"--use-list={chosen}", str(newest))
            with closing(connect(scratch_dsn)) as scratch:
                restored = contents(scratch)
            original = contents(connection)
        finally:
            maker.execute(drop)
    differences = [
        f"{table}: {_shown(original.get(table))} in the original, {_shown(restored.get(table))} in the dump"
        for table in sorted(original.keys() | restored.keys())
        if original.get(table) != restored.get(table)
    ]
    if differences:
        raise BackupError("\n".join([f"{newest} is not what the warehouse holds:", *differences]))
    checked = Checked(newest, len(original), sum(rows for rows, *_ in original.values()))
    say(f"{newest}: restored, {checked.tables:,} tables with {checked.rows:,} rows are equal")
    return checked


def contents(connection: psycopg.Connection) -> Contents:
    """Return {table: rows and checksums} of every table of a warehouse, in one snapshot."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # A policy is an error, and not evaluated.
        connection.execute("SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = off")
        tables = connection.execute(TABLES).fetchall()
        return {
            f"{schema}.{table}": connection.execute(
                sql.SQL(CONTENTS).format(table=sql.Identifier(schema, table))
            ).fetchone()
            or ()
            for schema, table in tables
        }


def _shown(found: tuple[int, ...] | None) -> str:
    return "nothing" if found is None else f"{found[0]:,} rows ({int(found[1]) % 2**32:08x})"


def _ours(connection: psycopg.Connection, dump_file: Path) -> str:
    """Return the lines of a dump's list that are of the warehouse's schemas: casts, languages and marts are not."""
    program = _binary("pg_restore", connection.info.server_version // 10_000)
    done = subprocess.run(
        [str(program), "--list", str(dump_file)], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode != 0:
        raise BackupError(f"{dump_file} cannot be read: {done.stderr.strip()}")
    return "".join(f"{line}\n" for line in done.stdout.split("\n") if OURS.match(line))


def _run(
    program: str, dsn: str, *arguments: str, descriptors: Sequence[int] = (), seconds: float | None = None
) -> None:
    """Run pg_dump or pg_restore. What it connects to is in its environment: everybody can read its arguments."""
    with closing(connect(dsn)) as connection:
        major = connection.info.server_version // 10_000
    # pg_restore prints SQL when it is not told a database.
    database = [f"--dbname={parse(dsn).get('dbname', '')}"] if program == "pg_restore" else []
    try:
        with for_program(dsn) as (environment, inherited):
            done = subprocess.run(
                [str(_binary(program, major)), "--no-password", *database, *arguments],
                env=environment,
                pass_fds=(*inherited, *descriptors),
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=seconds,
            )
    except subprocess.TimeoutExpired:
        raise BackupError(f"{program} was ended after {seconds:g} s") from None
    errors = [line for line in done.stderr.splitlines() if " error: " in line]
    if done.returncode != 0 and not (errors and all(OF_NEWER_TOOLS in line for line in errors)):
        raise BackupError(f"{program} failed: {done.stderr.strip() or f'exit code {done.returncode}'}")


def _binary(program: str, major: int) -> Path:
    """Return the program of the server's own major if it is here, else of one that is not older."""
    folders = [SYSTEM_BINARIES / str(major) / "bin"]
    if found := shutil.which(program):
        folders.append(Path(found).parent)
    folders += [bindir for _, bindir in installations(None)]
    newer = []
    for folder in folders:
        path = folder / program
        if not path.exists():
            continue
        text = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout
        version = int(match[1]) if (match := re.search(r"(\d+)\.", text)) else 0
        if version == major:
            return path
        if version > major:
            newer.append((version, path))
    if not newer:
        raise BackupError(f"no {program} of PostgreSQL {major} or newer here: apt install postgresql-client-{major}")
    return min(newer)[1]


def main() -> int:
    """Run `dump` or `check` on the warehouse of the environment; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.backup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("dump", "check"))
    parser.add_argument("--keep", type=int, default=KEPT_DUMPS, metavar="N", help="dumps that stay (default: 14)")
    options = parser.parse_args()
    try:
        if options.action == "dump":
            dump(warehouse_dsn(), backup_folder(), keep=options.keep)
        else:
            check(warehouse_dsn(), backup_folder(), restore_dsn=os.environ.get("RESTORE_DSN"))
    except MissingSetting as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (GlueError, psycopg.Error, OSError) as error:
        print(f"error: {explain(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
