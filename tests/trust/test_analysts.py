"""What analysts make is theirs: no job with more rights evaluates it, waits for it, or takes it for something else."""

import io
import logging
import os
import re
import subprocess
from contextlib import closing, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from embedded.server import PROJECT, EmbeddedServer
from glue import cli
from glue.connection import connect
from ops import backup
from ops.migrate import upgrade
from report.explain import day_story
from report.status import status
from tests.conftest import Warehouse
from tests.rights import load
from trust.upgrades import RELEASES

FRIDAY = date(2025, 12, 19)
SCRATCH_ROLE = "taken_over"

# An analyst's table whose CHECK and whose cast to text take over whoever evaluates them.
TRAP = f"""
    CREATE FUNCTION marts.take_over() RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        IF current_user <> 'warehouse_analyst' THEN
            RAISE LOG 'TAKEN OVER: % as %', session_user, current_user;
            BEGIN
                CREATE ROLE {SCRATCH_ROLE} SUPERUSER;
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END IF;
        RETURN true;
    END $$;
    CREATE TABLE marts.bait (a text CHECK (marts.take_over()));
    INSERT INTO marts.bait VALUES ('x');
    CREATE FUNCTION marts.as_text(marts.bait) RETURNS text LANGUAGE sql AS $$ SELECT marts.take_over()::text $$;
    CREATE CAST (marts.bait AS text) WITH FUNCTION marts.as_text(marts.bait);
"""


def taken_over(warehouse: Warehouse, server: EmbeddedServer) -> list[str]:
    """Return who was taken over, by the server's log, in this database's test; and undo it."""
    found = [line.split("TAKEN OVER: ")[1] for line in server.log.read_text(errors="replace").splitlines()
             if "TAKEN OVER: " in line and "LOG:" in line]  # fmt: skip
    found += [f"role {row.rolname}" for row in warehouse.rows(
        "SELECT rolname FROM pg_roles WHERE rolname = %s", SCRATCH_ROLE)]  # fmt: skip
    warehouse.execute(f"DROP ROLE IF EXISTS {SCRATCH_ROLE}")
    return found


@pytest.mark.once
def test_a_restore_check_evaluates_nothing_that_an_analyst_made(
    warehouse: Warehouse, server: EmbeddedServer, tmp_path: Path
) -> None:
    """Not in our dumps, and not in one of the whole database, as the specification makes it and release 0.1.0 did."""
    load(warehouse)
    warehouse.connect("warehouse_analyst").execute(TRAP)
    backup.dump(warehouse.dsn, tmp_path)
    backup.check(warehouse.dsn, tmp_path)
    assert taken_over(warehouse, server) == []
    whole = tmp_path / "ecommerce_warehouse_29991231T000000Z.dump"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    pg_dump = [server.binaries() / "pg_dump", "-Fc", "-d", warehouse.dsn, "-f", whole]
    subprocess.run(pg_dump, env=environment, check=True, timeout=120)
    assert backup.check(warehouse.dsn, tmp_path).dump == whole
    assert taken_over(warehouse, server) == []


@pytest.mark.once
def test_a_name_that_looks_like_a_line_of_a_dumps_list_restores_nothing(
    warehouse: Warehouse, server: EmbeddedServer, tmp_path: Path
) -> None:
    """The list says what is restored, and analysts say what their tables are called."""
    analyst = warehouse.connect("warehouse_analyst")
    analyst.execute(TRAP)
    for separator in ("\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", ";"):
        name = sql.Identifier(f"x{separator}1; 1259 1 TABLE raw x")
        analyst.execute(sql.SQL("CREATE TABLE marts.{} (a text CHECK (marts.take_over()))").format(name))
        analyst.execute(sql.SQL("INSERT INTO marts.{} VALUES ('x')").format(name))
    whole = tmp_path / "ecommerce_warehouse_29991231T000000Z.dump"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    pg_dump = [server.binaries() / "pg_dump", "-Fc", "-d", warehouse.dsn, "-f", whole]
    subprocess.run(pg_dump, env=environment, check=True, timeout=120)
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS unrelated")
    chosen = backup._ours(warehouse.connection, whole)
    assert "routine_files" in chosen
    assert not [line for line in chosen.splitlines() if "marts" in line or "bait" in line or " x " in line]
    backup.check(warehouse.dsn, tmp_path)
    assert taken_over(warehouse, server) == []


def test_dump_and_check_need_two_logins_that_may_nothing_else(warehouse: Warehouse, tmp_path: Path) -> None:
    """The one reads, the other makes a database of its own; neither may write in the warehouse."""
    load(warehouse)
    name = warehouse.connection.info.dbname
    reader, maker = f"reads_{name}", f"restores_{name}"
    warehouse.execute(f'CREATE ROLE "{reader}" LOGIN IN ROLE pg_read_all_data')
    warehouse.execute(f'CREATE ROLE "{maker}" LOGIN CREATEDB')
    try:
        as_reader = psycopg.conninfo.make_conninfo(warehouse.dsn, user=reader)
        as_maker = psycopg.conninfo.make_conninfo(warehouse.dsn, user=maker, dbname="postgres")
        backup.dump(as_reader, tmp_path)
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied to create database"):
            backup.check(as_reader, tmp_path)
        assert backup.check(as_reader, tmp_path, restore_dsn=as_maker).rows > 100
        for login, statement in [
            (reader, "UPDATE warehouse.dim_user SET city = 'x'"), (reader, "CREATE TABLE marts.x (a text)"),
            (maker, "SELECT FROM warehouse.dim_user"),
        ]:  # fmt: skip
            with psycopg.connect(warehouse.dsn, user=login) as connection, pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)  # type: ignore[arg-type]
    finally:
        for login in (reader, maker):
            warehouse.execute(f'DROP OWNED BY "{login}"')
            warehouse.execute(f'DROP ROLE "{login}"')


def test_the_scratch_database_of_a_restore_check_is_nobody_elses_to_connect_to(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse)
    backup.dump(warehouse.dsn, tmp_path)
    seen = []
    real = backup.contents

    def watched(connection: Any) -> Any:
        seen.append(connection.execute(
            "SELECT pg_catalog.has_database_privilege('warehouse_analyst', pg_catalog.current_database(), 'CONNECT')"
        ).fetchone())  # fmt: skip
        return real(connection)

    monkeypatch.setattr(backup, "contents", watched)
    backup.check(warehouse.dsn, tmp_path)
    assert seen[0] == (False,)


@pytest.mark.once
@pytest.mark.parametrize("login", ["superuser", "reader"])
def test_a_lock_or_a_policy_of_an_analyst_stops_no_backup_no_check_and_no_status(
    warehouse: Warehouse, tmp_path: Path, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse)
    monkeypatch.setattr(backup, "OTHERS_LOCK_SECONDS", 1)
    dsn = warehouse.dsn
    reader = f"reads_{warehouse.connection.info.dbname}"
    if login == "reader":
        warehouse.execute(f'CREATE ROLE "{reader}" LOGIN IN ROLE pg_read_all_data')
        dsn = psycopg.conninfo.make_conninfo(dsn, user=reader)
    said: list[str] = []
    try:
        analyst = warehouse.connect("warehouse_analyst")
        analyst.execute("CREATE TABLE marts.mine AS SELECT * FROM warehouse.dim_user")
        analyst.execute("ALTER TABLE marts.mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        analyst.execute("CREATE MATERIALIZED VIEW marts.held AS SELECT 1 AS a")
        made = backup.dump(dsn, tmp_path, say=said.append)
        # A superuser reads it, others do not: that is no reason for the warehouse to have no dump.
        assert made.with_suffix(".others").exists() == (login == "superuser")
        analyst.execute("BEGIN")
        analyst.execute("LOCK TABLE marts.mine IN ACCESS EXCLUSIVE MODE")
        made.unlink()
        made = backup.dump(dsn, tmp_path, say=said.append)
        assert any(line.startswith("not dumped: what people made") for line in said)
        assert backup.check(dsn, tmp_path, restore_dsn=warehouse.dsn).dump == made
        with closing(connect(warehouse.dsn)) as connection:
            connection.execute("SET statement_timeout = '30s'")
            sizes = {row["measure"]: row["value"] for row in status(connection)["health"]}
            assert sizes["size of marts"] >= 0
            day_story(connection, FRIDAY)
        upgrade(warehouse.dsn)
        analyst.execute("ROLLBACK")
        assert not list(tmp_path.glob("*.part"))
    finally:
        if login == "reader":
            warehouse.execute(f'DROP ROLE "{reader}"')


def test_what_people_made_is_in_a_file_of_its_own_and_goes_with_its_dump(
    warehouse: Warehouse, server: EmbeddedServer, tmp_path: Path
) -> None:
    warehouse.connect("warehouse_analyst").execute("CREATE VIEW marts.mine AS SELECT count(*) FROM warehouse.dim_user")
    old = tmp_path / "ecommerce_warehouse_20251201T040000Z.dump"
    for path in (old, old.with_suffix(".others")):
        path.write_bytes(b"")
    made = backup.dump(warehouse.dsn, tmp_path, keep=1)
    others = made.with_suffix(".others")
    assert sorted(tmp_path.iterdir()) == [made, others]
    assert others.stat().st_mode & 0o077 == 0

    def entries(path: Path) -> str:
        return subprocess.run([server.binaries() / "pg_restore", "--list", path], capture_output=True, text=True,
                              check=True).stdout  # fmt: skip

    assert " VIEW marts mine " in entries(others)
    assert "warehouse_analyst" not in re.sub(r"ACL .*", "", entries(made))
    assert " marts " not in entries(made)
    assert " TABLE raw " not in entries(others)


# -- names ---------------------------------------------------------------------------------------------

PAIRS = ("text", "name", "integer", "bigint", "numeric", "date", "timestamptz", "jsonb", "marts.any_of_these")
TYPES = ("text", "name", "integer", "bigint", "numeric", "date", "timestamp", "timestamptz", "interval", "oid", "jsonb",
         "regclass", "boolean", "marts.any_of_these")  # fmt: skip
OPERATORS = ("=", "<>", "<", ">", "<=", ">=", "||", "+", "-", "*", "/", "~", "~~", "~~*", "!~", "->", "->>", "@>", "&&")
# Each name with argument types that PostgreSQL has no such function for: a closer match than its own, if they fit. And
# a type of the analyst's that everything is cast to by itself.
CLOSER = """
    CREATE FUNCTION marts.sprung() RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'trap sprung as %', current_user USING ERRCODE = 'TRAP1'; END $$;
    CREATE TYPE marts.any_of_these AS (a text);
    DO $$
    DECLARE
        v_types CONSTANT text[] := {types};
        v_pairs CONSTANT text[] := {pairs};
        v_body  CONSTANT text := 'BEGIN PERFORM marts.sprung(); END';
        v_made  record;
    BEGIN
        FOR v_made IN SELECT t FROM unnest(v_types) AS t WHERE t <> 'marts.any_of_these' LOOP
            EXECUTE format('CREATE FUNCTION marts.any_of(%s) RETURNS marts.any_of_these LANGUAGE plpgsql AS %L',
                           v_made.t, v_body);
            EXECUTE format('CREATE CAST (%1$s AS marts.any_of_these) WITH FUNCTION marts.any_of(%1$s) AS IMPLICIT',
                           v_made.t);
        END LOOP;
        FOR v_made IN
            SELECT n.name, a.arguments
            FROM unnest({names}::text[]) AS n (name)
            CROSS JOIN (SELECT t AS arguments FROM unnest(v_types) AS t
                        UNION ALL SELECT t || ', ' || u FROM unnest(v_pairs) AS t, unnest(v_pairs) AS u
                        UNION ALL SELECT 'text, text, ' || t FROM unnest(v_types) AS t) AS a
            WHERE NOT EXISTS (
                SELECT FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = n.name
                AND to_regprocedure(format('pg_catalog.%I(%s)', n.name, a.arguments)) = p.oid)
        LOOP
            EXECUTE format('CREATE FUNCTION marts.%I(%s) RETURNS text LANGUAGE plpgsql AS %L',
                           v_made.name, v_made.arguments, v_body);
        END LOOP;
        FOR v_made IN
            SELECT o AS name, l, r, 'op_' || row_number() OVER () AS function
            FROM unnest({operators}::text[]) AS o, unnest(v_pairs) AS l, unnest(v_pairs) AS r
            WHERE to_regoperator(format('pg_catalog.%s (%s, %s)', o, l, r)) IS NULL
        LOOP
            EXECUTE format('CREATE FUNCTION marts.%I(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L',
                           v_made.function, v_made.l, v_made.r, v_body);
            EXECUTE format('CREATE OPERATOR marts.%s (FUNCTION = marts.%I, LEFTARG = %s, RIGHTARG = %s)',
                           v_made.name, v_made.function, v_made.l, v_made.r);
        END LOOP;
    END $$
"""
# Where commands, hints, views, rules, statements of ours and of the DAGs, and documents name functions.
ROOMS = ("glue/*.py", "report/*.py", "ops/*.py", "demo/*.py")
TEXTS = ("db/**/*.sql", *ROOMS, "dags/*.py", "docs/*.md", "README.md", "docker/*.py", "alembic/versions/*.py")


def names_in_use(warehouse: Warehouse) -> list[str]:
    """Return the functions of PostgreSQL that our texts name."""
    words = set()
    for pattern in TEXTS:
        for path in PROJECT.glob(pattern):
            words |= set(re.findall(r"\b([a-z_0-9]+)\s*\(", path.read_text(encoding="utf-8")))
    return [row.proname for row in warehouse.rows(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
        " AND proname = ANY (%s) AND prokind IN ('f', 'a', 'w') ORDER BY 1", sorted(words),
    )]  # fmt: skip


def array(values: Any) -> str:
    """Return an array of texts in SQL."""
    return "ARRAY[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


def commands() -> list[str]:
    """Return the statements that our hints and documents offer, with values in the places of their parameters."""
    found = set()
    for pattern in ("db/procedures/**/*.sql", *ROOMS, "docs/*.md", "README.md"):
        for path in PROJECT.glob(pattern):
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".sql":
                text = "\n".join(re.findall(r"HINT = (?:format\()?'((?:[^']|'')*)'", text)).replace("''", "'")
            if path.suffix == ".py":
                text = "\n".join(line for line in text.splitlines() if "db psql" in line or "HINT" in line)
            for said in re.findall(r"\b((?:CALL (?:audit|raw|staging|warehouse)\.|SELECT |TABLE )[^;`\"\n]+)", text):
                filled = re.sub(r"%(1\$)?L", "'2025-12-19'", said)
                filled = filled.replace("…", "1").replace("%s", "1").replace("{day}", "2025-12-19").replace("\\'", "'")
                found.add(re.sub(r"\bdate\)$", "'2025-12-19')", filled))
    return sorted(found)


@pytest.mark.long
@pytest.mark.once
def test_no_command_of_ours_finds_a_closer_match_of_an_analysts(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(warehouse)
    names = names_in_use(warehouse)
    assert {"date_trunc", "format", "to_char", "sum", "count", "round", "now"} - set(names) == set()
    analyst = warehouse.connect("warehouse_analyst")
    analyst.execute(
        CLOSER.format(types=array(TYPES), pairs=array(PAIRS), names=array(names), operators=array(OPERATORS))
    )
    made = warehouse.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'marts'::regnamespace")
    assert made > 8000

    # Whoever has marts on the path runs what is there.
    mine = warehouse.connect("warehouse_analyst")
    mine.execute("SET search_path = marts, public")
    with pytest.raises(psycopg.Error, match="trap sprung as warehouse_analyst"):
        mine.execute("SELECT date_trunc('month', current_date)")

    # What we offer to type holds for any path; what anybody types himself, for that which the database gives.
    ran = 0
    for path in ("SET search_path = marts, public", "RESET search_path"):
        for role in (None, "warehouse_owner"):
            session = warehouse.connect(role)
            session.execute(path)  # type: ignore[arg-type]
            session.execute("SET statement_timeout = '20s'")
            for command in commands():
                state = "00000"
                try:
                    session.execute(command)  # type: ignore[arg-type]
                except psycopg.Error as error:
                    state = error.sqlstate or ""
                assert state != "TRAP1", (path, command)
                ran += state == "00000" or state.startswith("WH")
            session.close()
    assert ran > 60
    for role in (None, "warehouse_owner", "warehouse_runner", "warehouse_loader", "warehouse_checker"):
        warehouse.connect(role).execute("SELECT date_trunc('month', current_date), format('%s', 'x'::name)")

    # Each view, each rule, each command of ours, with the path that a login of release 0.1.0 brings along.
    views = [row.name for row in warehouse.rows(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'v'"
        " AND relnamespace IN ('warehouse'::regnamespace, 'audit'::regnamespace)")]  # fmt: skip
    old = psycopg.conninfo.make_conninfo(warehouse.dsn, options="-c search_path=marts,public")
    with psycopg.connect(old, autocommit=True) as session:
        for view in views:
            session.execute(f"SELECT * FROM {view}")  # type: ignore[arg-type]
        session.execute("UPDATE audit.dq_rules SET enabled = true")
        session.execute("UPDATE audit.settings SET value = '0' WHERE name = 'skip_unchanged'")
        session.execute(f"CALL audit.check_quality('{FRIDAY}')")  # type: ignore[arg-type]
    backup.dump(old, tmp_path)
    backup.check(old, tmp_path)
    warehouse.execute("UPDATE audit.routine_files SET sha256 = '' WHERE path NOT LIKE 'alembic/%'")
    upgrade(old)
    monkeypatch.setenv("WAREHOUSE_DSN", old)
    monkeypatch.setenv("LANDING_URL", str(warehouse.landing.folder))
    for arguments in (["run", f"{FRIDAY}"], ["status"], ["explain", f"{FRIDAY}"], ["explain", "order", "O-1"]):
        out = io.StringIO()
        with redirect_stdout(out):
            cli.main(arguments)
        assert "trap sprung" not in out.getvalue()
    failed = "SELECT error_message FROM audit.pipeline_steps WHERE error_message LIKE '%%trap%%'"
    assert warehouse.rows(failed.replace("%%", "%")) == []
    assert warehouse.rows("SELECT message FROM audit.dq_results WHERE message LIKE '%cannot be evaluated%'") == []


def test_on_the_path_of_the_database_only_the_owner_makes_things(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.dsn) as fresh:
        assert fresh.execute("SHOW search_path").fetchone() == ("public",)
    for role in ("loader", "runner", "checker", "analyst"):
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied for schema public"):
            warehouse.connect(f"warehouse_{role}").execute("CREATE TABLE mine (a text)")
    warehouse.connect("warehouse_owner").execute("CREATE MATERIALIZED VIEW mine AS SELECT 1 AS a")
    # What an analyst's login is given, as docs/explanation/trust.md says.
    analyst = warehouse.connect("warehouse_analyst")
    analyst.execute("SET search_path = marts, public")
    analyst.execute("CREATE MATERIALIZED VIEW mv_daily_revenue AS SELECT sum(revenue) FROM warehouse.fact_orders")
    assert warehouse.value("SELECT to_regclass('marts.mv_daily_revenue') IS NOT NULL")


@pytest.mark.once
def test_an_upgrade_of_release_0_1_0_takes_marts_off_the_path_and_says_what_analysts_do(
    warehouse: Warehouse, server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alembic")
    name, login = f"{warehouse.connection.info.dbname}_0001", f"anna_{warehouse.connection.info.dbname}"
    warehouse.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    warehouse.execute(f'CREATE ROLE "{login}" LOGIN IN ROLE warehouse_analyst')
    try:
        dsn = psycopg.conninfo.make_conninfo(warehouse.dsn, dbname=name)
        restore = [server.binaries() / "pg_restore", "-d", dsn, RELEASES / "0001.dump"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        subprocess.run(restore, env=environment, check=True, timeout=120)
        warehouse.execute(f'ALTER DATABASE "{name}" SET search_path = marts, public')
        upgrade(dsn)
        with psycopg.connect(dsn) as fresh:
            assert fresh.execute("SHOW search_path").fetchone() == ("public",)
        statement = f"ALTER ROLE {login} IN DATABASE {name} SET search_path = marts, public;"
        assert statement in [line.strip() for line in caplog.messages]
        warehouse.execute(statement)
        with psycopg.connect(dsn, user=login) as anna:
            anna.execute("CREATE MATERIALIZED VIEW mv_daily_revenue AS SELECT sum(revenue) FROM warehouse.fact_orders")
            assert anna.execute("SELECT to_regclass('marts.mv_daily_revenue') IS NOT NULL").fetchone() == (True,)
    finally:
        warehouse.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        warehouse.execute(f'DROP ROLE "{login}"')


@pytest.mark.once
def test_migrate_closes_a_path_that_somebody_opened(warehouse: Warehouse) -> None:
    """As a database of PostgreSQL 14 is, and as release 0.1.0 left it."""
    name = warehouse.connection.info.dbname
    for opened in (
        f'ALTER DATABASE "{name}" SET search_path = marts, public', f'ALTER DATABASE "{name}" RESET search_path',
        f'ALTER DATABASE "{name}" SET search_path = "$user", "marts"', "GRANT CREATE ON SCHEMA public TO PUBLIC",
    ):  # fmt: skip
        warehouse.execute(opened)
        upgrade(warehouse.dsn)
        with psycopg.connect(warehouse.dsn) as fresh:
            assert fresh.execute("SHOW search_path").fetchone() == ("public",), opened
        assert not warehouse.value("SELECT has_schema_privilege('warehouse_analyst', 'public', 'CREATE')")
    # One of one's own that is safe stays.
    warehouse.execute(f'ALTER DATABASE "{name}" SET search_path = warehouse, public')
    upgrade(warehouse.dsn)
    with psycopg.connect(warehouse.dsn) as fresh:
        assert fresh.execute("SHOW search_path").fetchone() == ("warehouse, public",)
