"""An adversary's walk: each login makes all that it may, our jobs run over it, and nobody may more than before.

The logins are those of the compose file, made by its own script on a server of their own.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from embedded.server import PROJECT, EmbeddedServer
from glue.connection import connect
from glue.extract import extract
from ops import backup
from ops.migrate import upgrade
from report.explain import day_story
from report.status import status
from tests import catalog
from tests.conftest import TEST_SETTINGS, Warehouse, reachable_folder
from tests.promises import RULES_OFF, broken_promises
from tests.rights import EXPECTED, matrix
from tests.shop import Landing, events, orders, product

# Together, and in their order: they share a server, and the walk comes after what is asked of it.
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("compose")]
FRIDAY = date(2025, 12, 19)
NOVEMBER = date(2025, 11, 28)
DATABASE = "ecommerce_warehouse"
SCRIPT = PROJECT / "docker" / "postgres" / "10-databases.sh"
LOGINS = ("analyst", "bi", "etl_loader", "etl_runner", "checker", "warehouse_backup", "warehouse_restore")
# The walk is one when more than so many attempts are let through: analysts make what they like in marts, others in
# their own session. Two can make nothing: what lets these through is that a GRANT of nothing is only a warning.
LET_THROUGH = {"analyst": 35, "bi": 0, "warehouse_backup": 2}
PLACES = ("marts", "public", "pg_temp", "raw", "staging", "warehouse", "audit")


@dataclass(frozen=True)
class Compose:
    """The databases and logins of the compose file, on a server of their own."""

    server: EmbeddedServer
    folder: Path

    def dsn(self, login: str, database: str = DATABASE) -> str:
        """Return the connection string of a login."""
        return make_conninfo(self.server.dsn(database), user=login)

    def connect(self, login: str) -> psycopg.Connection[Any]:
        """Return an autocommit connection of a login."""
        return psycopg.connect(self.dsn(login), autocommit=True, prepare_threshold=None)

    def sprung(self) -> list[str]:
        """Return what payloads noted in the server's log: who ran them, as whom."""
        text = self.server.log.read_text(encoding="utf-8", errors="replace")
        return sorted({line.split("SPRUNG ")[1] for line in text.splitlines() if "SPRUNG " in line and "LOG:" in line})


@contextmanager
def composed(server: EmbeddedServer, landing: Landing) -> Iterator[tuple[Compose, Warehouse]]:
    """Yield the compose file's databases, migrated and loaded by its own logins, and what a superuser sees of them."""
    folder = reachable_folder("compose")
    try:
        with EmbeddedServer(folder / "pg", bindir=server.binaries(), settings=TEST_SETTINGS) as fresh:
            with psycopg.connect(fresh.dsn("postgres"), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {DATABASE}")  # the embedded server's own
            words = SCRIPT.read_text().split("$")
            names = {word[: word.index('"')] for word in words if "_PASSWORD" in word}
            environment = {name: f"secret-{name}" for name in names} | {
                "POSTGRES_USER": "postgres", "PGHOST": str(fresh.socket_directory),
                "PATH": f"{fresh.binaries()}{os.pathsep}{os.environ['PATH']}",
            }  # fmt: skip
            subprocess.run(["bash", SCRIPT], env=environment, check=True, capture_output=True, timeout=60)
            with psycopg.connect(fresh.dsn("postgres"), autocommit=True) as connection:
                # For nobody to be granted, says README; somebody was.
                connection.execute("CREATE ROLE checker LOGIN IN ROLE warehouse_checker")
                connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO checker")
            made = Compose(fresh, folder)
            upgrade(made.dsn("warehouse_admin"))
            with made.connect("warehouse_admin") as admin:
                admin.execute(RULES_OFF)
            seen = Warehouse(dsn=made.dsn("postgres"), connection=None, landing=landing)  # type: ignore[arg-type]
            with closing(seen.connect()) as seen.connection:
                for day in (NOVEMBER, FRIDAY):
                    run_a_day(made, landing, day)
                yield made, seen
                for opened in seen.opened:
                    opened.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def compose(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Compose, Warehouse]]:
    """The databases as they were made; the last test that has them leaves in them what was made on its walk."""
    with composed(server, Landing(tmp_path_factory.mktemp("landing"))) as made:
        yield made


@pytest.fixture
def compose_of_its_own(server: EmbeddedServer, landing: Landing) -> Iterator[tuple[Compose, Warehouse]]:
    """The databases as they were made, for one test."""
    with composed(server, landing) as made:
        yield made


def run_a_day(compose: Compose, landing: Landing, day: date) -> None:
    """Load a day as the compose file does: extracts by the loader, steps by the runner."""
    landing.orders(day, orders(20, day))
    landing.events(day, events(20, day))
    landing.products(day, [product("P-1")])
    for source in ("orders", "events", "products"):
        extract(source, day, dsn=compose.dsn("etl_loader"), landing=str(landing.folder))
    with closing(connect(compose.dsn("etl_runner"))) as runner:
        runner.execute("CALL warehouse.run_day(%s)", (day,))


# Who may what on the server, whatever is in the database.
SERVER = """
    SELECT 'role', r.rolname::text, concat_ws(' ', r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
                                              r.rolreplication, r.rolbypassrls, r.rolinherit)
    FROM pg_roles r WHERE r.rolname !~ '^pg_'
    UNION ALL
    SELECT 'member', m.member::regrole || ' of ' || m.roleid::regrole, m.admin_option::text FROM pg_auth_members m
    UNION ALL
    SELECT 'setting', s.setdatabase || ' ' || s.setrole, array_to_string(s.setconfig, ', ')
    FROM pg_db_role_setting s WHERE s.setrole::regrole::text <> ALL (%s)
    UNION ALL
    SELECT 'database', d.datname::text, d.datdba::regrole || ' ' || coalesce(d.datacl::text, '')
    FROM pg_database d WHERE d.datdba::regrole::text <> 'warehouse_restore'
    UNION ALL
    SELECT 'file setting', f.name, f.setting FROM pg_file_settings f WHERE f.sourcefile LIKE '%%auto.conf'
    UNION ALL
    SELECT 'parameter', p.parname, p.paracl::text FROM pg_parameter_acl p
    UNION ALL
    SELECT 'extension', e.extname::text, e.extversion FROM pg_extension e
    UNION ALL
    SELECT 'language', l.lanname::text, l.lanacl::text FROM pg_language l
    UNION ALL
    SELECT 'event trigger', e.evtname::text, e.evtevent::text FROM pg_event_trigger e
    UNION ALL
    SELECT 'grant', p.oid::regprocedure::text, p.proacl::text FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL
"""


def rights(seen: Warehouse, *others: str) -> set[Any]:
    """Return what roles, databases and the server itself are set to. What a login sets for itself is its own affair."""
    return {tuple(row) for row in seen.rows(SERVER, [*LOGINS, *others])}


def ours(seen: Warehouse) -> catalog.Catalog:
    """Return the catalog of what the warehouse's own files make."""
    found = catalog.read(seen.connection)
    return {
        kind: {row for row in rows if "evil_" not in str(row) and not str(row[0]).startswith("marts.")}
        for kind, rows in found.items() if kind not in ("public", "extensions")
    }  # fmt: skip


def roles_matrix(seen: Warehouse) -> str:
    """Return the matrix of the roles without what was made on the walk."""
    return "\n".join(line for line in matrix(seen)[0].splitlines() if "evil_" not in line and " marts." not in line)


PAYLOAD = """
    CREATE FUNCTION {place}.evil_{login}() RETURNS integer LANGUAGE plpgsql VOLATILE AS $payload$
    DECLARE v_attempt text;
    BEGIN
        IF {caught} THEN
            RAISE LOG 'SPRUNG {login}: % as %', session_user, current_user;
        END IF;
        FOREACH v_attempt IN ARRAY ARRAY[
            'ALTER ROLE {login} SUPERUSER', 'ALTER ROLE {login} CREATEROLE', 'GRANT warehouse_owner TO {login}',
            'GRANT pg_execute_server_program TO {login}', 'COPY (SELECT 1) TO PROGRAM ''touch {canary}''',
            'GRANT SELECT ON ALL TABLES IN SCHEMA raw, audit TO {login}', 'ALTER SYSTEM SET work_mem = ''8MB''']
        LOOP
            BEGIN
                RESET ROLE;
                EXECUTE v_attempt;
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END LOOP;
        RETURN 1;
    END $payload$;
    CREATE FUNCTION {place}.evil_{login}_is(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM {place}.evil_{login}(); RETURN true; END $$;
    CREATE FUNCTION {place}.evil_{login}_row() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM {place}.evil_{login}(); RETURN NEW; END $$;
    CREATE FUNCTION {place}.evil_{login}_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM {place}.evil_{login}(); END $$
"""
# What may be made in a schema, with the payload in every place that PostgreSQL has for an expression.
IN_A_SCHEMA = (
    "CREATE TABLE {p}.evil_{l}_t (a integer DEFAULT {p}.evil_{l}(), b text CHECK ({p}.evil_{l}_is(b)))",
    "CREATE TABLE {p}.evil_{l}_g (a integer, b boolean GENERATED ALWAYS AS ({p}.evil_{l}_is(a)) STORED)",
    "CREATE INDEX evil_{l}_x ON {p}.evil_{l}_t (({p}.evil_{l}_is(b)))",
    "CREATE INDEX evil_{l}_w ON {p}.evil_{l}_t (a) WHERE {p}.evil_{l}_is(b)",
    "CREATE STATISTICS {p}.evil_{l}_s ON ({p}.evil_{l}_is(b)), a FROM {p}.evil_{l}_t",
    "CREATE TRIGGER evil_{l} BEFORE INSERT ON {p}.evil_{l}_t FOR EACH ROW EXECUTE FUNCTION {p}.evil_{l}_row()",
    "CREATE RULE evil_{l} AS ON INSERT TO {p}.evil_{l}_g DO ALSO SELECT {p}.evil_{l}()",
    "CREATE POLICY evil_{l} ON {p}.evil_{l}_t USING ({p}.evil_{l}_is(b)) WITH CHECK ({p}.evil_{l}_is(b))",
    "ALTER TABLE {p}.evil_{l}_t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {p}.evil_{l}_t FORCE ROW LEVEL SECURITY",
    "INSERT INTO {p}.evil_{l}_t (b) VALUES ('x')",
    "INSERT INTO {p}.evil_{l}_g (a) VALUES (1)",
    "CREATE VIEW {p}.evil_{l}_v AS SELECT {p}.evil_{l}() AS a",
    "CREATE MATERIALIZED VIEW {p}.evil_{l}_m AS SELECT {p}.evil_{l}() AS a",
    "CREATE DOMAIN {p}.evil_{l}_d AS text CHECK ({p}.evil_{l}_is(VALUE))",
    "CREATE TABLE {p}.evil_{l}_dt (a {p}.evil_{l}_d)",
    "INSERT INTO {p}.evil_{l}_dt VALUES ('x')",
    "CREATE TYPE {p}.evil_{l}_c AS (a text)",
    "CREATE TYPE {p}.evil_{l}_e AS ENUM ('a')",
    "CREATE TYPE {p}.evil_{l}_r AS RANGE (SUBTYPE = integer)",
    "CREATE FUNCTION {p}.evil_{l}_o({p}.evil_{l}_t) RETURNS text LANGUAGE sql AS $$ SELECT {p}.evil_{l}()::text $$",
    "CREATE CAST ({p}.evil_{l}_t AS text) WITH FUNCTION {p}.evil_{l}_o({p}.evil_{l}_t) AS IMPLICIT",
    "CREATE FUNCTION {p}.evil_{l}_i(date) RETURNS {p}.evil_{l}_c LANGUAGE sql AS"
    " $$ SELECT ROW({p}.evil_{l}()::text)::{p}.evil_{l}_c $$",
    "CREATE CAST (date AS {p}.evil_{l}_c) WITH FUNCTION {p}.evil_{l}_i(date) AS IMPLICIT",
    "CREATE FUNCTION {p}.evil_{l}_u(warehouse.dim_user) RETURNS text LANGUAGE sql AS $$ SELECT {p}.evil_{l}()::text $$",
    "CREATE CAST (warehouse.dim_user AS text) WITH FUNCTION {p}.evil_{l}_u(warehouse.dim_user) AS IMPLICIT",
    "CREATE CAST (warehouse.dim_user AS {p}.evil_{l}_c) WITH INOUT AS IMPLICIT",
    "CREATE FUNCTION {p}.date_trunc(text, date) RETURNS text LANGUAGE sql AS $$ SELECT {p}.evil_{l}()::text $$",
    "CREATE FUNCTION {p}.format(text, name) RETURNS text LANGUAGE sql AS $$ SELECT {p}.evil_{l}()::text $$",
    "CREATE FUNCTION {p}.pg_has_role(oid, unknown) RETURNS boolean LANGUAGE sql AS $$ SELECT {p}.evil_{l}() = 1 $$",
    "CREATE FUNCTION {p}.md5(warehouse.dim_user) RETURNS text LANGUAGE sql AS $$ SELECT {p}.evil_{l}()::text $$",
    "CREATE FUNCTION {p}.evil_{l}_eq(date, text) RETURNS boolean LANGUAGE sql AS $$ SELECT {p}.evil_{l}() = 1 $$",
    "CREATE OPERATOR {p}.= (FUNCTION = {p}.evil_{l}_eq, LEFTARG = date, RIGHTARG = text)",
    "CREATE OPERATOR CLASS {p}.evil_{l}_k DEFAULT FOR TYPE {p}.evil_{l}_c USING btree AS STORAGE {p}.evil_{l}_c",
    "CREATE AGGREGATE {p}.sum(text) (SFUNC = textcat, STYPE = text)",
    'CREATE COLLATION {p}.evil_{l}_col FROM "C"',
    "CREATE CONVERSION {p}.evil_{l}_con FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
    "CREATE TEXT SEARCH CONFIGURATION {p}.evil_{l}_ts (COPY = simple)",
    "CREATE FUNCTION {p}.evil_{l}_def() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT current_user::text $$",
    "CREATE FUNCTION {p}.evil_{l}_c1() RETURNS integer LANGUAGE c AS '/tmp/evil.so', 'evil'",
    "CREATE FUNCTION {p}.evil_{l}_c2(text) RETURNS integer LANGUAGE internal AS 'pg_read_file'",
    "CREATE TABLE {p}.evil_{l}_kid () INHERITS (warehouse.dim_user)",
    "CREATE TABLE {p}.evil_{l}_part PARTITION OF warehouse.fact_orders FOR VALUES IN ('2030-01-01')",
    "CREATE TABLE {p}.evil_{l}_fk (a text REFERENCES warehouse.dim_user)",
    "CREATE SEQUENCE {p}.evil_{l}_seq",
    "CREATE EVENT TRIGGER evil_{l} ON ddl_command_start EXECUTE FUNCTION {p}.evil_{l}_ddl()",
    "CREATE TRIGGER evil_{l} BEFORE INSERT ON warehouse.dim_user FOR EACH ROW EXECUTE FUNCTION {p}.evil_{l}_row()",
    "CREATE TRIGGER evil_{l} BEFORE INSERT ON audit.routine_files FOR EACH ROW EXECUTE FUNCTION {p}.evil_{l}_row()",
    "CREATE RULE evil_{l} AS ON INSERT TO staging.codes DO ALSO SELECT {p}.evil_{l}()",
    "CREATE POLICY evil_{l} ON warehouse.dim_user USING ({p}.evil_{l}_is(user_id))",
    "CREATE INDEX evil_{l}_ours ON warehouse.dim_user (({p}.evil_{l}_is(user_id)))",
    "ALTER TABLE warehouse.dim_user ALTER city SET DEFAULT {p}.evil_{l}()",
    "ALTER TABLE warehouse.dim_user ADD CHECK ({p}.evil_{l}_is(city))",
    "CREATE OR REPLACE VIEW warehouse.days AS SELECT {p}.evil_{l}()",
    "INSERT INTO audit.dq_rules (rule_name, check_type, expression, min_value, severity, description)"
    " VALUES ('evil_{p}', 'x', '{p}.evil_{l}()', 0, 'warning', 'x')",
)
# And what may be tried anywhere else.
ANYWHERE = (
    *(f"SET ROLE {role}" for role in ("postgres", "warehouse_owner", "warehouse_admin", "warehouse_runner",
                                      "warehouse_checker", "warehouse_loader", "pg_read_all_data")),
    "SET SESSION AUTHORIZATION postgres", "SET session_preload_libraries = 'evil'", "LOAD '/tmp/evil.so'",
    "ALTER SYSTEM SET archive_command = 'evil'", "ALTER DATABASE ecommerce_warehouse SET search_path = marts",
    "ALTER ROLE postgres SET search_path = marts", "ALTER ROLE ALL SET search_path = marts",
    "ALTER ROLE warehouse_admin IN DATABASE ecommerce_warehouse SET search_path = marts",
    "CREATE ROLE evil_role SUPERUSER", "CREATE ROLE evil_role", "CREATE USER evil_role IN ROLE warehouse_owner",
    *(f"ALTER ROLE {{l}} {right}" for right in ("SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS")),
    *(f"GRANT {role} TO {{l}}" for role in ("warehouse_owner", "warehouse_checker", "pg_execute_server_program",
                                            "pg_read_server_files", "pg_write_all_data", "postgres")),
    "GRANT SELECT ON ALL TABLES IN SCHEMA raw, audit TO {l}", "GRANT ALL ON SCHEMA warehouse TO {l}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner GRANT ALL ON TABLES TO {l}",
    "GRANT SET ON PARAMETER session_preload_libraries TO {l}",
    "ALTER SCHEMA warehouse OWNER TO {l}", "ALTER TABLE warehouse.dim_user OWNER TO {l}", "CREATE SCHEMA evil_{l}",
    "ALTER FUNCTION audit._evaluate(date, text, text) OWNER TO {l}", "REASSIGN OWNED BY warehouse_owner TO {l}",
    "DROP OWNED BY warehouse_runner", "UPDATE pg_catalog.pg_authid SET rolsuper = true",
    "INSERT INTO pg_catalog.pg_proc SELECT * FROM pg_catalog.pg_proc LIMIT 1",
    "COPY (SELECT 1) TO PROGRAM 'touch {c}'", "COPY (SELECT 1) TO '{c}'", "CREATE TEMPORARY TABLE evil_f (a text)",
    "COPY evil_f FROM '/etc/passwd'", "COPY evil_f FROM PROGRAM 'id'", "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')", "SELECT lo_import('/etc/passwd')", "SELECT lo_export(lo_create(0), '{c}')",
    "SELECT lo_from_bytea(0, 'evil')", "SELECT pg_file_write('{c}', 'x', false)", "SELECT pg_reload_conf()",
    "SELECT pg_create_logical_replication_slot('evil', 'pgoutput')", "SELECT pg_promote()",
    "SELECT query_to_xml('SELECT * FROM pg_authid', true, true, '')",
    "CREATE EXTENSION dblink", "CREATE EXTENSION file_fdw", "CREATE EXTENSION adminpack", "CREATE EXTENSION hstore",
    "CREATE EXTENSION postgres_fdw", "CREATE EXTENSION plpython3u", "CREATE LANGUAGE plperlu",
    "CREATE LANGUAGE evil_{l} HANDLER plpgsql_call_handler", "CREATE FOREIGN DATA WRAPPER evil_{l}",
    "CREATE ACCESS METHOD evil_{l} TYPE TABLE HANDLER heap_tableam_handler",
    "CREATE PUBLICATION evil_{l} FOR ALL TABLES", "CREATE SUBSCRIPTION evil_{l} CONNECTION '' PUBLICATION x",
    "CREATE TABLESPACE evil_{l} LOCATION '/tmp'", "CREATE SERVER evil_{l} FOREIGN DATA WRAPPER postgres_fdw",
    "CREATE TRANSFORM FOR text LANGUAGE plpgsql (FROM SQL WITH FUNCTION evil(internal))",
    "ALTER TYPE text OWNER TO {l}", "CREATE CAST (text AS date) WITH INOUT AS IMPLICIT",
    "SELECT audit._erase_rest('U-1', NULL)", "CALL audit.erase_user('U-1', 'x')",
    "SELECT warehouse._load_dim_user('2025-12-19')", "TRUNCATE raw.orders_json", "DELETE FROM audit.pipeline_runs",
)  # fmt: skip


def walk(
    compose: Compose, login: str, caught: str, but: tuple[str, ...] = ()
) -> tuple[list[str], psycopg.Connection[Any]]:
    """Try everything as a login; return what was let through, and the session, which holds a lock on what it made."""
    canary = compose.folder / "canary"
    session = compose.connect(login)
    session.execute("SET default_transaction_read_only = off")  # a login of a BI tool has it on
    let_through = []

    def attempt(statement: str) -> None:
        with suppress(psycopg.Error):
            session.execute(statement)  # type: ignore[arg-type]
            let_through.append(statement)
        session.execute("RESET ROLE; RESET SESSION AUTHORIZATION")

    for place in PLACES:
        attempt(PAYLOAD.format(place=place, login=login, caught=caught, canary=canary))
        for statement in IN_A_SCHEMA:
            attempt(statement.format(p=place, l=login))
    for statement in [known for known in ANYWHERE if not (but and known.startswith(but))]:
        attempt(statement.format(l=login, c=canary))
    if not session.closed:
        session.execute("BEGIN")
        with suppress(psycopg.Error):
            session.execute(f"LOCK TABLE marts.evil_{login}_t IN ACCESS EXCLUSIVE MODE")
    return let_through, session


def run_our_jobs(compose: Compose, seen: Warehouse, folder: Path) -> None:
    """Do all that we do with more rights than an analyst, as compose's logins and as a superuser."""
    for number, login in enumerate(("warehouse_admin", "postgres")):
        with closing(connect(compose.dsn("warehouse_admin"))) as admin:
            admin.execute("UPDATE audit.routine_files SET sha256 = '' WHERE path NOT LIKE 'alembic/%'")
        upgrade(compose.dsn(login))
        run_a_day(compose, seen.landing, FRIDAY + timedelta(number))
        reader, maker = ("warehouse_backup", "warehouse_restore") if number == 0 else ("postgres", "postgres")
        dumps = folder / login
        backup.dump(compose.dsn(reader), dumps)
        backup.check(compose.dsn(reader), dumps, restore_dsn=compose.dsn(maker, "postgres"))
        # Compaction and ANALYZE as the DAG has them, an erasure as README has it.
        with closing(connect(compose.dsn(login))) as connection:
            connection.execute("CALL warehouse.compact_partitions('2025-12-01')")
            connection.execute("ANALYZE warehouse.dim_user")
            connection.execute(f"CALL audit.erase_user('U-{number + 1}', 'asked for it')")
            day_story(connection, FRIDAY)
            status(connection)
        with closing(psycopg.connect(compose.dsn(login), autocommit=True)) as typed:
            for statement in (
                "SELECT format('%s', name) FROM audit.settings",
                "SELECT date_trunc('month', current_date)",
                "SELECT count(*) FROM warehouse.dim_user WHERE created_at::date = '2025-12-19'",
            ):
                typed.execute(statement)  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.once
def test_the_logins_of_the_compose_file_are_what_the_matrix_says(compose: tuple[Compose, Warehouse]) -> None:
    _, seen = compose
    found = seen.rows("""
        SELECT r.rolname AS name, concat_ws(', ',
                   CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                   CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
                   CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
                   (SELECT string_agg(m.roleid::regrole || CASE WHEN m.admin_option THEN ' ADMIN' ELSE '' END, ', ')
                    FROM pg_auth_members m WHERE m.member = r.oid),
                   (SELECT 'owns ' || string_agg(d.datname, ', ') FROM pg_database d WHERE d.datdba = r.oid)) AS rights
        FROM pg_roles r WHERE r.rolcanlogin AND r.rolname NOT IN ('postgres', 'checker') ORDER BY 1""")
    lines = [f"{'login':9} {row.name:40} {row.rights or '-'}" for row in found]
    assert "\n".join([*lines, ""]) == EXPECTED.read_text().partition("\n\n")[2]


def test_whatever_a_role_makes_no_job_runs_it_and_nobody_may_more_than_before(
    compose: tuple[Compose, Warehouse], tmp_path: Path
) -> None:
    made, seen = compose
    before = rights(seen), ours(seen), roles_matrix(seen)
    # Nobody may connect but by a grant of one's own.
    head, database, *lines = EXPECTED.read_text().partition("\n\n")[0].splitlines()
    database = database.replace("CT ", "T  ").replace("C ", "- ").removesuffix("C") + "-"
    assert before[2].splitlines() == [head, database, *lines]

    sessions = []
    for login in LOGINS:
        if login == "warehouse_restore":
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                made.connect(login)
            continue
        let_through, session = walk(made, login, f"session_user <> '{login}' OR current_user <> '{login}'")
        sessions.append(session)
        assert len(let_through) > LET_THROUGH.get(login, 10), (login, let_through)
        assert login != "bi" or let_through == ["GRANT ALL ON SCHEMA warehouse TO bi"]
    run_our_jobs(made, seen, tmp_path)
    for session in sessions:
        session.close()
    assert made.sprung() == []
    assert not (made.folder / "canary").exists()
    assert rights(seen) == before[0]
    assert catalog.differences(before[1], without_partitions(ours(seen), before[1]), ("before", "after")) == []
    assert roles_matrix(seen) == before[2]
    assert broken_promises(seen.connection) == {}


def without_partitions(found: catalog.Catalog, before: catalog.Catalog) -> catalog.Catalog:
    """Leave out what days, compaction and erasure add and take away."""
    return {kind: {row for row in rows if row in before[kind] or "_p_20" not in str(row)} | {
        row for row in before[kind] if "_p_20" in str(row)} for kind, rows in found.items()}  # fmt: skip


@pytest.mark.once  # the compose file has a version of its own
def test_the_admin_of_the_compose_file_is_the_owner_and_no_more(
    compose_of_its_own: tuple[Compose, Warehouse], tmp_path: Path
) -> None:
    """What the owner makes in the warehouse, runners run. What reads or restores it for the backups does not."""
    made, seen = compose_of_its_own
    before = rights(seen, "warehouse_admin")
    # What is its own to spoil it does not spoil here.
    own = ("REASSIGN", "ALTER SCHEMA", "ALTER TABLE warehouse", "ALTER FUNCTION", "DROP OWNED", "CALL audit.erase_user")
    caught = "current_user IN ('postgres', 'warehouse_backup')"
    let_through, session = walk(made, "warehouse_admin", caught, own)
    session.close()
    assert len(let_through) > 150
    upgrade(made.dsn("warehouse_admin"))
    with suppress(backup.BackupError):  # a policy is not evaluated: it is an error
        backup.dump(made.dsn("warehouse_backup"), tmp_path)
        restore = made.dsn("warehouse_restore", "postgres")
        backup.check(made.dsn("warehouse_backup"), tmp_path, restore_dsn=restore)
    assert made.sprung() == []
    assert not (made.folder / "canary").exists()
    # Of the warehouse's database it may set the path; a migration took that back. Extensions that PostgreSQL trusts.
    more = {row for row in rights(seen, "warehouse_admin") - before if tuple(row)[:2] != ("extension", "hstore")}
    assert more == set()
    # Airflow's database is none of its business, nor of those who back up.
    for login in ("warehouse_admin", "warehouse_backup", "warehouse_restore", "analyst"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(made.dsn(login, "airflow"))
