"""A migrated database is what db/ says, however often, by however many, and after whatever went wrong."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from embedded.server import PROJECT, EmbeddedServer
from ops import migrate
from ops.migrate import MigrationError, upgrade
from ops.routines import in_order, routine_files
from ops.statements import PRIVILEGES
from tests import catalog
from tests.conftest import TEST_SETTINGS, Warehouse, reachable_folder
from tests.shop import checksums

SCHEMA = PROJECT / "db" / "schema"
VERSIONS = PROJECT / "alembic" / "versions"


@pytest.fixture
def empty(empty_database: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A connection to a database with nothing in it."""
    empty_database.autocommit = True
    return empty_database


@pytest.fixture
def procedures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of db/procedures that migrations use instead, for a test to change."""
    copy = tmp_path / "procedures"
    shutil.copytree(migrate.PROCEDURES, copy)
    monkeypatch.setattr(migrate, "PROCEDURES", copy)
    return copy


def dsn(connection: psycopg.Connection[Any]) -> str:
    """Return the connection string of a connection, as any psql understands it."""
    info = connection.info
    return make_conninfo(host=info.host, port=info.port, user=info.user, dbname=info.dbname)


def psql(server: EmbeddedServer, target: str, *arguments: str, text: str = "") -> None:
    """Run psql in one transaction; fail with what it says."""
    command = [server.binaries() / "psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", target, *arguments]
    result = subprocess.run(command, input=text, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr


def objects(connection: psycopg.Connection[Any]) -> set[str]:
    """Return the names of everything in the database that PostgreSQL did not make."""
    return {row[0] for row in connection.execute(
        "SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname !~ '^pg_|^information_schema' UNION ALL"
        " SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema|^public$'"
    )}  # fmt: skip


def test_a_migrated_database_is_what_the_files_say(
    warehouse: Warehouse, empty: psycopg.Connection[Any], server: EmbeddedServer
) -> None:
    psql(server, dsn(empty), "-f", str(SCHEMA / "install.sql"))
    found = routine_files(migrate.PROCEDURES)
    files = [found[name] for name in in_order(found)]
    text = "".join(f"{path.read_text()}\nRESET ROLE; SET ROLE warehouse_owner;\n" for path in files)
    psql(server, dsn(empty), text=f"SET check_function_bodies = off; SET ROLE warehouse_owner;\n{text}")

    found = catalog.differences(
        catalog.read(warehouse.connection), catalog.read(empty), ("alembic/", "db/")
    )  # fmt: skip
    assert not found, "migrated and installed databases differ:\n" + "\n".join(found)

    # Codes, rules, settings and statuses as shipped.
    shipped, installed = (checksums(each, catalog.SCHEMAS) for each in (warehouse.connection, empty))
    del shipped["audit.routine_files"], installed["audit.routine_files"]
    assert shipped == installed


def test_released_revisions_are_never_rewritten() -> None:
    released = (VERSIONS / "RELEASED").read_text().splitlines()
    assert released
    for line in released:
        digest, name = line.split()
        assert hashlib.sha256((VERSIONS / name).read_bytes()).hexdigest() == digest, f"{name} was released"


def test_every_revision_has_its_sql_and_a_plain_number() -> None:
    names = sorted(path.stem for path in VERSIONS.glob("*.py"))
    assert names == sorted(path.stem for path in VERSIONS.glob("*.sql"))
    assert [name[:4] for name in names] == migrate.revisions() == [f"{n:04}" for n in range(1, len(names) + 1)]


def test_migrating_again_changes_nothing(warehouse: Warehouse) -> None:
    versions = (
        "SELECT oid::regprocedure::text, xmin::text FROM pg_proc WHERE pronamespace::regnamespace::text = ANY (%s)"
    )
    schemas = list(catalog.SCHEMAS)
    before = catalog.read(warehouse.connection), warehouse.rows(versions, schemas)
    applied = warehouse.rows("TABLE audit.routine_files ORDER BY path")
    upgrade(warehouse.dsn)
    assert catalog.differences(before[0], catalog.read(warehouse.connection), ("before", "after")) == []
    assert warehouse.rows(versions, schemas) == before[1]
    assert warehouse.rows("TABLE audit.routine_files ORDER BY path") == applied


MIGRATE_MANY = """
import multiprocessing, sys
from ops.migrate import upgrade
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(8) as pool:
        pool.map(upgrade, sys.argv[1:], chunksize=1)
"""


def migrate_at_once(targets: list[str]) -> None:
    """Migrate the databases, each in a process of its own, all at the same time."""
    result = subprocess.run(
        [sys.executable, "-c", MIGRATE_MANY, *targets], cwd=PROJECT, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.once  # three at once migrate a new server on every version, below
def test_migrators_at_once_make_one_warehouse(empty: psycopg.Connection[Any], warehouse: Warehouse) -> None:
    migrate_at_once([dsn(empty)] * 6)
    assert catalog.differences(catalog.read(empty), catalog.read(warehouse.connection), ("at once", "one")) == []
    assert empty.execute("SELECT count(*) FROM public.alembic_version").fetchone() == (1,)


@pytest.mark.once
def test_databases_of_a_new_server_that_are_migrated_at_once_share_its_roles(server: EmbeddedServer) -> None:
    folder = reachable_folder("roles")
    try:
        with EmbeddedServer(folder / "pg", bindir=server.binaries(), settings=TEST_SETTINGS) as fresh:
            names = [f"shop_{n}" for n in range(3)]
            with psycopg.connect(fresh.dsn("postgres"), autocommit=True) as connection:
                for name in names:
                    connection.execute(f"CREATE DATABASE {name}")
            migrate_at_once([fresh.dsn(name) for name in names])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_broken_routine_rolls_back_everything_and_is_named(empty: psycopg.Connection[Any], procedures: Path) -> None:
    (procedures / "staging" / "zz_broken.sql").write_text(
        "-- Not SQL.\nCREATE OR REPLACE FUNCTION staging.zz_broken() RETURNS integer LANGUAGE plpgsql AS\n"
        "$zz_broken$\nBEGIN\n    RETRUN 1;\nEND\n$zz_broken$;\n"
    )
    before = objects(empty)
    with pytest.raises(MigrationError, match=r"staging/zz_broken\.sql:5: syntax error at or near \"RETRUN\" \(42601\)"):
        upgrade(dsn(empty))
    assert objects(empty) == before == set()


def test_a_broken_routine_leaves_a_running_warehouse_as_it_was(warehouse: Warehouse, procedures: Path) -> None:
    good = procedures / "audit" / "aa_good.sql"
    good.write_text("CREATE OR REPLACE FUNCTION audit.aa_good() RETURNS integer LANGUAGE sql AS 'SELECT 1';")
    (procedures / "staging" / "zz_broken.sql").write_text(
        "CREATE OR REPLACE FUNCTION staging.zz_broken() RETURNS integer LANGUAGE sql AS 'SELECT a FROM nowhere';"
    )
    before = catalog.read(warehouse.connection)
    with pytest.raises(MigrationError, match=r'zz_broken\.sql:1: relation "nowhere" does not exist'):
        upgrade(warehouse.dsn)
    assert catalog.differences(before, catalog.read(warehouse.connection), ("before", "after")) == []


def test_only_files_that_changed_are_applied_again_and_privileges_follow(
    warehouse: Warehouse, procedures: Path
) -> None:
    # Each upgrade is a transaction of its own, and now() its name.
    when = "SELECT path, applied_at FROM audit.routine_files"
    before = dict(warehouse.rows(when))
    changed = sorted(procedures.glob("*/*.sql"))[0]
    changed.write_text(changed.read_text() + "\n-- A word more.\n")
    upgrade(warehouse.dsn)
    after = dict(warehouse.rows(when))
    name = changed.relative_to(procedures).as_posix()
    expected = {name} | ({PRIVILEGES} if (procedures / PRIVILEGES).exists() else set())
    assert {path for path in after if after[path] != before.get(path)} == expected


def test_a_routine_whose_file_is_gone_is_dropped_and_nobody_elses(warehouse: Warehouse, procedures: Path) -> None:
    file = procedures / "audit" / "one_day.sql"
    file.write_text(
        "CREATE OR REPLACE FUNCTION audit.one_day(p_day date) RETURNS date LANGUAGE sql AS 'SELECT p_day';\n"
        "CREATE OR REPLACE FUNCTION audit._one_day_helper() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n"
    )
    upgrade(warehouse.dsn)
    before = catalog.read(warehouse.connection)["routines"]
    with warehouse.connect("warehouse_owner") as owner:
        owner.execute("CREATE FUNCTION audit.my_own(p_day date) RETURNS date LANGUAGE sql AS 'SELECT p_day'")
    file.unlink()
    upgrade(warehouse.dsn)
    after = catalog.read(warehouse.connection)["routines"]
    assert {row[0] for row in before - after} == {"audit.one_day(date)", "audit._one_day_helper()"}
    assert {row[0] for row in after - before} == {"audit.my_own(date)"}


def test_a_routine_with_new_parameters_replaces_the_old_one(warehouse: Warehouse, procedures: Path) -> None:
    file = procedures / "audit" / "one_day.sql"
    text = "CREATE OR REPLACE FUNCTION audit.one_day({}) RETURNS integer LANGUAGE sql AS 'SELECT 1';"
    file.write_text(text.format("p_day date"))
    upgrade(warehouse.dsn)
    file.write_text(text.format("p_day date, p_source text DEFAULT 'orders'"))
    upgrade(warehouse.dsn)
    found = warehouse.rows("SELECT oid::regprocedure::text FROM pg_proc WHERE proname = 'one_day'")
    assert found == [("audit.one_day(date,text)",)]


def test_a_routine_that_moves_to_another_file_stays(warehouse: Warehouse, procedures: Path) -> None:
    text = "CREATE OR REPLACE FUNCTION audit.one_day() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
    (procedures / "audit" / "a.sql").write_text(text)
    upgrade(warehouse.dsn)
    (procedures / "audit" / "a.sql").unlink()
    (procedures / "audit" / "one_day.sql").write_text(text)
    upgrade(warehouse.dsn)
    assert warehouse.value("SELECT audit.one_day()") == 1


def test_two_files_that_make_the_same_routine_are_refused(warehouse: Warehouse, procedures: Path) -> None:
    for name in ("a", "b"):
        (procedures / "audit" / f"{name}.sql").write_text(
            "CREATE OR REPLACE FUNCTION audit.twice() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        )
    with pytest.raises(MigrationError, match=r"both audit/a.sql and audit/b.sql make audit.twice\(\)"):
        upgrade(warehouse.dsn)


def test_another_encoding_is_refused_before_anything_is_made(server: EmbeddedServer) -> None:
    name = f"ascii_{os.getpid()}"
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc"
        )
        try:
            with pytest.raises(MigrationError, match="has encoding SQL_ASCII; the warehouse needs UTF8"):
                upgrade(server.dsn(name))
            with psycopg.connect(server.dsn(name)) as refused:
                assert objects(refused) == set()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_old_server_is_refused_by_version(empty: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "OLDEST_SERVER", 990000)
    with pytest.raises(MigrationError, match=r"the server is PostgreSQL \d+.*needs"):
        upgrade(dsn(empty))
    assert objects(empty) == set()


@pytest.fixture
def alembic_environment(empty: psycopg.Connection[Any]) -> dict[str, str]:
    """The environment of somebody who types alembic in the project's folder."""
    return {**os.environ, "WAREHOUSE_DSN": dsn(empty)}


@pytest.mark.once  # a command line
def test_the_alembic_command_works_from_the_project_folder(
    empty: psycopg.Connection[Any], alembic_environment: dict[str, str]
) -> None:
    for arguments, expected in [(("upgrade", "head"), ""), (("current",), migrate.revisions()[-1])]:
        result = subprocess.run(
            [sys.executable, "-m", "alembic.config", *arguments],
            cwd=PROJECT, env=alembic_environment, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert expected in result.stdout
    assert "raw.orders_json" in objects(empty)


def test_an_upgrade_whose_session_is_ended_says_so_in_postgresqls_words(warehouse: Warehouse) -> None:
    waits = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"  # others migrate beside
        " AND application_name = 'warehouse migrate' AND wait_event_type = 'Lock'"
    )
    with warehouse.connect() as other:
        other.execute(f"SELECT pg_advisory_lock_shared({migrate.IN_USE}, 0)")

        def end_it() -> None:
            deadline = time.monotonic() + 60
            # In one statement: between two it may wake for a moment, and wait again.
            while not warehouse.value(f"SELECT count(pg_terminate_backend(pid)) FROM ({waits}) AS w"):
                assert time.monotonic() < deadline
                time.sleep(0.02)

        ending = threading.Thread(target=end_it)
        ending.start()
        with pytest.raises(psycopg.errors.AdminShutdown):
            upgrade(warehouse.dsn)
        ending.join()
