"""A server that knows nothing of us: what a login needs to migrate there, and a dump that is restored on it."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from embedded.server import PROJECT, EmbeddedServer
from ops import backup
from ops.migrate import MigrationError, upgrade
from tests import catalog
from tests.conftest import TEST_SETTINGS, Warehouse, reachable_folder
from tests.promises import RULES_OFF, broken_promises
from tests.shop import Landing, checksums, events, order, orders
from tests.specification import postgresql_statements
from trust.upgrades import DAYS, FRIDAY, SUNDAY, put

# Together: they share a second server.
pytestmark = pytest.mark.xdist_group("new server")
SCHEMAS = ["raw", "staging", "shapes", "warehouse", "audit"]


@pytest.fixture(scope="module")
def second_server(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A second server of the same version."""
    folder = reachable_folder("new")
    try:
        with EmbeddedServer(folder / "pg", bindir=server.binaries(), settings=TEST_SETTINGS) as fresh:
            yield fresh
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_server(second_server: EmbeddedServer) -> EmbeddedServer:
    """A server with nothing on it: no database and no role."""
    with psycopg.connect(second_server.dsn("postgres"), autocommit=True) as connection:
        for query in (
            "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database"
            " WHERE datname <> 'postgres' AND NOT datistemplate",
            "SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname <> current_user AND oid >= 16384"
            " ORDER BY rolname LIKE 'warehouse%' DESC",  # others granted them
        ):
            for (statement,) in connection.execute(query).fetchall():
                connection.execute(statement)
    return second_server


def run_as(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


def lacking(dsn: str) -> tuple[str, list[str]]:
    """Migrate, expect a refusal, and return its first line and the statements that it asks a superuser to run."""
    with pytest.raises(MigrationError) as refused:
        upgrade(dsn)
    first, *rest = str(refused.value).splitlines()
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'raw'").fetchone()
        assert found == (0,), "something was made"
    return first, [line.split(": ", 1)[1] for line in rest]


@pytest.mark.once
def test_who_is_no_superuser_is_told_what_is_needed_and_with_it_migrates(
    new_server: EmbeddedServer, landing: Landing
) -> None:
    """The first database of a server, a second one beside it, and an update by a colleague."""
    postgres = new_server.dsn("postgres")
    run_as(postgres, "CREATE ROLE migrator LOGIN", "CREATE ROLE colleague LOGIN", "CREATE DATABASE one")
    one = make_conninfo(new_server.dsn("one"), user="migrator")
    first, statements = lacking(one)
    assert first.startswith("migrator may not migrate database one; a superuser may, or can give it:")
    # The roles, not the right to make any.
    roles = [
        f"CREATE ROLE warehouse_{name} NOLOGIN;"
        for name in ("owner", "loader", "runner", "checker", "shaper", "analyst", "bi", "reporter")
    ]
    member = ["GRANT warehouse_owner TO migrator;", "GRANT warehouse_checker TO warehouse_owner;"]
    member += ["GRANT warehouse_shaper TO warehouse_owner;"]
    assert statements == [*roles, *member, "ALTER DATABASE one OWNER TO migrator;"]
    run_as(postgres, *statements)
    upgrade(one)
    shop = Warehouse(dsn=one, connection=None, landing=landing)  # type: ignore[arg-type]
    with contextlib.closing(shop.connect()) as shop.connection:
        shop.execute(RULES_OFF)
        landing.orders(FRIDAY, orders(5, FRIDAY))
        landing.events(FRIDAY, events(5, FRIDAY))
        shop.run(FRIDAY)
        assert shop.value("SELECT count(*) FROM warehouse.fact_orders") == 5

    # The roles are there now, and somebody else's to grant.
    run_as(postgres, "CREATE DATABASE two OWNER colleague")
    two = make_conninfo(new_server.dsn("two"), user="colleague")
    _, statements = lacking(two)
    assert statements == [
        "GRANT warehouse_owner TO colleague;",
        "GRANT warehouse_checker TO colleague;",
        "GRANT warehouse_shaper TO colleague;",
    ]
    run_as(postgres, statements[0])
    upgrade(two)  # of the owner's roles it is a member with it

    # An update of the first database needs nothing but the owner's role.
    run_as(new_server.dsn("one"), "UPDATE audit.routine_files SET sha256 = '' WHERE path = 'raw/open_load.sql'")
    upgrade(make_conninfo(one, user="colleague"))
    run_as(postgres, "CREATE ROLE stranger LOGIN")
    with pytest.raises(MigrationError, match="stranger may not migrate database one") as refused:
        upgrade(make_conninfo(one, user="stranger"))
    assert "GRANT warehouse_owner TO stranger;" in str(refused.value)


def test_a_public_schema_that_everybody_may_make_things_in_is_no_place_to_migrate_to(
    new_server: EmbeddedServer,
) -> None:
    """As in a database that has come from PostgreSQL 14: its owner cannot mend it, and is told so."""
    postgres, old = new_server.dsn("postgres"), new_server.dsn("old")
    run_as(postgres, "CREATE ROLE migrator LOGIN", "CREATE DATABASE old OWNER migrator")
    run_as(old, "ALTER SCHEMA public OWNER TO postgres", "GRANT CREATE ON SCHEMA public TO PUBLIC")
    run_as(postgres, *lacking(make_conninfo(old, user="migrator"))[1][:-1])
    _, statements = lacking(make_conninfo(old, user="migrator"))
    assert statements == [
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;", "GRANT USAGE, CREATE ON SCHEMA public TO warehouse_owner;"
    ]  # fmt: skip
    run_as(old, *statements)
    upgrade(make_conninfo(old, user="migrator"))
    # Later, too: a path is the database's owner's to mend.
    run_as(old, "ALTER DATABASE old OWNER TO postgres", "ALTER DATABASE old SET search_path = marts, public")
    with pytest.raises(MigrationError, match="ALTER DATABASE old SET search_path = public;"):
        upgrade(make_conninfo(old, user="migrator"))


def tool(server: EmbeddedServer, name: str, *arguments: str | Path) -> None:
    """Run a program of PostgreSQL; fail with what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        [server.binaries() / name, *arguments], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def as_dumped(found: catalog.Catalog) -> catalog.Catalog:
    """Leave out what a dump writes in other words.

    Brackets of conditions, whether a foreign key is inherited, and the number behind a NOT NULL's name: PostgreSQL 18
    gives one to the second table of a schema that has the name, and a restore makes tables in another order.
    """
    constraints = {
        (
            re.sub("_not_null[0-9]+$", "_not_null", name),
            kind,
            definition.replace("(", "").replace(")", ""),
            *(rest[:3] if kind == "f" else rest),
        )
        for name, kind, definition, *rest in found["constraints"]
    }
    return found | {"constraints": constraints}


# What a version dumps is the same with or without what else is there.
@pytest.mark.parametrize(
    "kind",
    ["of the whole database", pytest.param("of its schemas only", marks=pytest.mark.once), "of the warehouse"],
)
def test_a_dump_restored_on_an_empty_server_is_the_same_warehouse_and_goes_on(
    filled: Warehouse, new_server: EmbeddedServer, tmp_path: Path, kind: str
) -> None:
    made = tmp_path / "backup.dump"
    if kind == "of the warehouse":
        made = backup.dump(filled.dsn, tmp_path)
    else:
        tool(new_server, "pg_dump", "-Fc", "-d", filled.dsn, "-f", made)

    # As docs/explanation/trust.md says it.
    dsn = new_server.dsn("ecommerce_warehouse")
    run_as(new_server.dsn("postgres"), "CREATE DATABASE ecommerce_warehouse TEMPLATE template0 ENCODING 'UTF8'")
    tool(new_server, "psql", "-X", "-1", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", PROJECT / "db/schema/roles.sql")
    chosen: list[str] = []
    if kind == "of its schemas only":  # leaves alone what analysts made
        schemas = PROJECT / "db/schema/schemas.sql"
        tool(new_server, "psql", "-X", "-1", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", schemas)
        chosen = [f"--schema={name}" for name in SCHEMAS]
    tool(new_server, "pg_restore", "--exit-on-error", *chosen, "-d", dsn, made)
    if kind != "of the whole database":  # marts, which revision it is, and the rights on schemas
        upgrade(dsn)

    restored = Warehouse(dsn=dsn, connection=None, landing=filled.landing)  # type: ignore[arg-type]
    restored.connection = restored.connect()
    try:
        with psycopg.connect(filled.dsn) as one, psycopg.connect(dsn) as other:
            assert backup.contents(one) == backup.contents(other)
        found = as_dumped(catalog.read(filled.connection)), as_dumped(catalog.read(restored.connection))
        assert catalog.differences(*found, ("original", "restored")) == []
        upgrade(dsn)
        assert checksums(restored.connection, SCHEMAS) == checksums(filled.connection, SCHEMAS)

        # The next day, and an old one again, by those who do it every day.
        put(filled, FRIDAY + timedelta(3))
        put(filled, FRIDAY)
        for each in (filled, restored):
            for day in (FRIDAY + timedelta(3), FRIDAY):
                each.deliver(day)
                each.connect("warehouse_runner").execute("CALL warehouse.run_day(%s)", [day])
        assert checksums(restored.connection) == checksums(filled.connection)
        assert broken_promises(restored.connection) == {}
        for role, refused in [("warehouse_analyst", "raw.orders_json"), ("warehouse_loader", "warehouse.fact_orders")]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                restored.connect(role).execute(f"SELECT FROM {refused}")
        with pytest.raises(psycopg.Error, match="immutable"):
            restored.execute("DELETE FROM raw.orders_json_p_2025_12")
        # Who was erased before the dump stays erased.
        restored.landing.orders(FRIDAY, [order("back", FRIDAY, user_id="U-3")])
        restored.run(FRIDAY)
        assert restored.value("SELECT user_id FROM warehouse.fact_orders WHERE order_id = 'back'") == "(guest)"

        # The specification's own statements, by the owner; where it is not here there are none.
        owner = restored.connect("warehouse_owner")
        for statement in postgresql_statements():
            owner.execute(statement)  # type: ignore[arg-type]
    finally:
        for connection in restored.opened:
            connection.close()


@pytest.mark.once
def test_the_last_resort_raw_alone_makes_the_same_warehouse_again(
    filled: Warehouse, new_server: EmbeddedServer, tmp_path: Path
) -> None:
    """Raw, copied table by table into an empty warehouse, and run_range: the same rows with the same ids."""
    made = tmp_path / "raw.dump"
    tool(new_server, "pg_dump", "-Fc", "--schema=raw", "--exclude-table-data=raw.sources", "-d", filled.dsn, "-f", made)
    run_as(new_server.dsn("postgres"), "CREATE DATABASE rebuilt TEMPLATE template0 ENCODING 'UTF8'")
    dsn = new_server.dsn("rebuilt")
    upgrade(dsn)
    rebuilt = Warehouse(dsn=dsn, connection=None, landing=filled.landing)  # type: ignore[arg-type]
    rebuilt.connection = rebuilt.connect()
    try:
        rebuilt.execute(RULES_OFF)
        rebuilt.execute("UPDATE audit.dq_rules SET enabled = true WHERE rule_name = 'events_volume'")
        # As docs/explanation/trust.md says it.
        for (month,) in filled.rows("SELECT DISTINCT date_trunc('month', run_date)::date FROM raw.file_loads"):
            rebuilt.execute("SELECT raw.prepare_month(%s)", month)
        tool(new_server, "pg_restore", "--exit-on-error", "--data-only", "-d", dsn, made)
        with pytest.raises(psycopg.Error, match="1 of 4 days did not succeed"):
            rebuilt.call("warehouse.run_range", DAYS[0], SUNDAY)
        # What people decided is not in raw: audit.dq_overrides of the lost warehouse, if there is a copy of it.
        for day, reason in filled.rows("SELECT run_date, reason FROM audit.dq_overrides"):
            rebuilt.call("audit.allow_day", day, reason)
            rebuilt.call("warehouse.run_day", day)
        assert checksums(rebuilt.connection) == checksums(filled.connection)
        assert broken_promises(rebuilt.connection) == {}
        for ids in ("fact_orders_id FROM warehouse.fact_orders", "fact_events_id FROM warehouse.fact_events"):
            query = f"SELECT {ids} ORDER BY 1"
            assert rebuilt.rows(query) == filled.rows(query)
    finally:
        for connection in rebuilt.opened:
            connection.close()
