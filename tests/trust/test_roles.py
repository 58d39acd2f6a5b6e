"""What each role may do with each object, line by line; and that nobody gets at more through what runs for them."""

import logging
import os
import re
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from embedded.server import PROJECT, EmbeddedServer
from ops import backup
from ops.migrate import PROCEDURES, MigrationError, upgrade
from tests.conftest import Warehouse
from tests.rights import EXPECTED, FRIDAY, load, matrix
from tests.shop import events, orders


def test_every_role_may_do_exactly_what_the_matrix_says(warehouse: Warehouse) -> None:
    load(warehouse)
    found, asked = matrix(warehouse)
    # The logins of the compose file come after it: tests/trust/test_adversary.py.
    assert found == EXPECTED.read_text().partition("\n\n")[0] + "\n"
    # Every partition, and every private routine: to nobody.
    assert asked > 150
    grants = "SELECT attrelid::regclass FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384"
    assert warehouse.rows(grants) == [], "on single columns"
    defaults = """
        SELECT pg_get_userbyid(defaclrole), defaclobjtype, defaclacl::text
        FROM pg_default_acl ORDER BY defaclnamespace"""
    assert warehouse.rows(defaults) == [
        ("warehouse_owner", "f", "{warehouse_owner=X/warehouse_owner}"),
        # A function that somebody makes in schema shapes is for those who evaluate it and try it.
        ("warehouse_owner", "f", "{" + ",".join(f"warehouse_{to}=X/warehouse_owner" for to in MAY_TRY) + "}"),
    ]


def test_migrate_proves_the_rights_and_sets_them(
    warehouse: Warehouse, server: EmbeddedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where there is nothing else to do, as after `pg_restore --no-privileges`."""
    caplog.set_level(logging.INFO, "alembic")
    load(warehouse)
    made, name = tmp_path / "x.dump", f"{warehouse.connection.info.dbname}_bare"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    dump = [server.binaries() / "pg_dump", "-Fc", "-d", warehouse.dsn, "-f", made]
    subprocess.run(dump, env=environment, check=True, timeout=120)
    warehouse.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    dsn = make_conninfo(warehouse.dsn, dbname=name)
    restore = [server.binaries() / "pg_restore", "--no-privileges", "-d", dsn, made]
    try:
        subprocess.run(restore, env=environment, check=True, timeout=120)
        bare = Warehouse(dsn=dsn, connection=None, landing=warehouse.landing)  # type: ignore[arg-type]
        with closing(bare.connect()) as bare.connection:
            public = "SELECT count(*) FROM pg_proc WHERE has_function_privilege('public', oid, 'EXECUTE') AND proowner"
            assert bare.value(f"{public} = 'warehouse_owner'::regrole") > 100
            upgrade(dsn)
            assert matrix(bare)[0] == matrix(warehouse)[0]
            assert bare.value(f"{public} = 'warehouse_owner'::regrole") == 0
            assert "Set the rights of " in caplog.text
            owner = bare.connect("warehouse_owner")
            owner.execute("CREATE SCHEMA of_its_own; CREATE TABLE of_no_schema (); DROP SCHEMA of_its_own")
            owner.execute("DROP TABLE of_no_schema")
            # What is made later is nobody's, either.
            bare.connect("warehouse_owner").execute("CREATE FUNCTION audit.later() RETURNS int LANGUAGE sql RETURN 1")
            assert not bare.value("SELECT has_function_privilege('public', 'audit.later()', 'EXECUTE')")

            # Rights that somebody gave or took are as the files say again; those of other roles are their own affair.
            bare.execute("DROP FUNCTION audit.later()")
            for changed in (
                "GRANT UPDATE ON warehouse.dim_user TO warehouse_analyst", "GRANT SELECT ON raw.orders_json TO PUBLIC",
                "REVOKE SELECT ON warehouse.fact_orders FROM warehouse_analyst",
                "REVOKE USAGE ON SCHEMA audit FROM warehouse_runner", "GRANT CREATE ON SCHEMA raw TO warehouse_loader",
                "GRANT EXECUTE ON FUNCTION audit._erase_rest(text, audit.erased_users) TO warehouse_runner",
                "REVOKE EXECUTE ON PROCEDURE warehouse.run_day(date) FROM warehouse_runner",
                "GRANT SELECT ON audit.erased_users TO warehouse_analyst",
                "GRANT USAGE ON SEQUENCE raw.raw_orders_ids TO warehouse_analyst",
                "ALTER DEFAULT PRIVILEGES FOR ROLE warehouse_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
            ):  # fmt: skip
                bare.execute(changed)
                upgrade(dsn)
                assert matrix(bare)[0] == matrix(warehouse)[0], changed
            bare.execute("GRANT SELECT ON warehouse.dim_user TO pg_monitor")
            caplog.clear()
            upgrade(dsn)
            assert bare.value("SELECT has_table_privilege('pg_monitor', 'warehouse.dim_user', 'SELECT')")
            assert "Set the rights" not in caplog.text
            bare.execute("REVOKE SELECT ON warehouse.dim_user FROM pg_monitor")

            # And what belongs to somebody else is named.
            bare.execute("ALTER TABLE warehouse.dim_user OWNER TO pg_monitor")
            with pytest.raises(MigrationError, match=r"not warehouse_owner's: table warehouse.dim_user \(pg_monitor\)"):
                upgrade(dsn)
            bare.execute("ALTER TABLE warehouse.dim_user OWNER TO warehouse_owner")
            for opened in bare.opened:
                opened.close()
    finally:
        warehouse.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_no_role_is_more_than_it_seems(warehouse: Warehouse) -> None:
    attributes = """
        SELECT rolname FROM pg_roles WHERE rolname LIKE 'warehouse\\_%'
          AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)"""
    assert warehouse.rows(attributes) == []
    members = """
        SELECT member::regrole::text, roleid::regrole::text, admin_option FROM pg_auth_members
        WHERE member IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'warehouse\\_%') ORDER BY 2"""
    assert warehouse.rows(members) == [
        ("warehouse_owner", "warehouse_checker", False), ("warehouse_owner", "warehouse_shaper", False)
    ]  # fmt: skip
    # What runs with the rights of another is the owner's, but for those that parse and evaluate rules.
    definers = """
        SELECT pg_get_userbyid(proowner),
               array_agg(proname::text ORDER BY proname) FILTER (WHERE proowner::regrole::text <> 'warehouse_owner')
        FROM pg_proc
        WHERE prosecdef AND pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_|^information')
        GROUP BY 1 ORDER BY 1"""
    assert warehouse.rows(definers) == [
        ("warehouse_checker", ["_evaluate", "_parsed_rules"]),
        ("warehouse_owner", None),
        ("warehouse_shaper", ["_apply_shape"]),
    ]


MAY_TRY = ("runner", "analyst", "shaper")
CHANGES = ("UPDATE {} SET run_date = run_date", "DELETE FROM {}", "TRUNCATE {}")


def test_nobody_changes_raw_neither_by_its_parents_nor_by_its_partitions(warehouse: Warehouse) -> None:
    load(warehouse)
    tables = [row.name for row in warehouse.rows(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'raw'::regnamespace"
        " AND relkind IN ('r', 'p') AND relname NOT IN ('dropped_months', 'sources')"
    )]  # fmt: skip
    assert len(tables) == 9
    for role in (None, "warehouse_owner"):
        connection = warehouse.connect(role)
        for statement in [change.format(table) for table in tables for change in CHANGES]:
            with pytest.raises(psycopg.Error, match="immutable") as refused:
                connection.execute(statement)
            assert refused.value.sqlstate == "WH010", statement
    for role in ("warehouse_loader", "warehouse_runner", "warehouse_checker", "warehouse_shaper", "warehouse_analyst"):
        connection = warehouse.connect(role)
        for statement in [change.format(table) for table in tables for change in CHANGES]:
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)
    # Not even where an erasure opened it: that lets an UPDATE through, and is on record.
    owner = warehouse.connect("warehouse_owner")
    warehouse.execute("CALL audit.erase_user('U-1', 'asked for it')")
    owner.execute("BEGIN")
    owner.execute("SELECT raw._open_for_erasure(array_agg(digest)) FROM audit.erased_users")
    owner.execute("UPDATE raw.orders_json_p_2025_12 SET run_date = run_date")
    for change in CHANGES[1:]:
        with pytest.raises(psycopg.Error, match="immutable"), owner.transaction():
            owner.execute(change.format("raw.orders_json_p_2025_12"))
    owner.execute("ROLLBACK")


# -- attacks ------------------------------------------------------------------------------------------

PROCEDURES_OF_A_DAY = (
    "audit.open_run", "staging.clean_orders", "staging.clean_events", "staging.clean_products", "audit.check_quality",
    "warehouse.load_dim_date", "warehouse.load_dim_user", "warehouse.load_dim_product", "warehouse.reload_fact_orders",
    "warehouse.reload_fact_events", "warehouse.compute_daily_metrics", "warehouse.run_day",
)  # fmt: skip
# Every function and operator of PostgreSQL on types that we use, once more in somebody's schema, each one a trap.
TRAPS = r"""
    CREATE FUNCTION marts.sprung() RETURNS text LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'trap sprung as %', current_user USING ERRCODE = 'TRAP1'; END $$;
    DO $$
    DECLARE
        v_types CONSTANT regtype[] := ARRAY[
            'text', 'integer', 'bigint', 'numeric', 'date', 'timestamptz', 'interval', 'boolean', 'oid', 'regclass',
            'regproc', 'json', 'jsonb', 'bytea', 'double precision', 'text[]', 'uuid'];
        v_body  CONSTANT text := 'BEGIN PERFORM marts.sprung(); END';
        v_made  record;
    BEGIN
        FOR v_made IN
            SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS type
            FROM pg_proc p
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset
              AND p.provariadic = 0 AND p.proallargtypes IS NULL
              AND p.prorettype = ANY (v_types) AND p.proargtypes::oid[] <@ v_types::oid[]
              AND p.oid NOT IN (SELECT o.oprcode FROM pg_operator o)
        LOOP
            EXECUTE format('CREATE FUNCTION marts.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L',
                           v_made.proname, v_made.arguments, v_made.type, v_body);
        END LOOP;
        FOR v_made IN
            SELECT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS type,
                   'operator_' || o.oid AS name
            FROM pg_operator o
            WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b' AND o.oprcode <> 0
              AND o.oprleft = ANY (v_types) AND o.oprright = ANY (v_types) AND o.oprresult = ANY (v_types)
        LOOP
            EXECUTE format('CREATE FUNCTION marts.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L',
                           v_made.name, v_made.l, v_made.r, v_made.type, v_body);
            EXECUTE format('CREATE OPERATOR marts.%s (FUNCTION = marts.%I, LEFTARG = %s, RIGHTARG = %s)',
                           v_made.oprname, v_made.name, v_made.l, v_made.r);
        END LOOP;
    END $$;
"""


def test_what_an_analyst_puts_on_the_search_path_is_never_called(warehouse: Warehouse) -> None:
    """Analysts may make what they like in marts, and whoever wants may have it first on the path."""
    warehouse.connect("warehouse_analyst").execute(TRAPS)
    made = warehouse.value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'marts'::regnamespace")
    assert made > 500
    load(warehouse)
    for role in (None, "warehouse_runner"):
        session = warehouse.connect(role)
        # Even in front of pg_catalog, which nobody's path has by itself.
        session.execute("SET search_path = marts, pg_catalog")
        with pytest.raises(psycopg.Error, match="trap sprung"):
            session.execute("SELECT 1 = 2")
        for procedure in PROCEDURES_OF_A_DAY:
            session.execute(f"CALL {procedure}('{FRIDAY}')")
        session.execute(f"CALL warehouse.run_range('{FRIDAY}', '{FRIDAY}')")
        session.execute("CALL warehouse.compact_partitions('2026-01-01')")
    owner = warehouse.connect()
    owner.execute("SET search_path = marts, pg_catalog")
    owner.execute("CALL audit.erase_user('U-1', 'asked for it')")
    loader = warehouse.connect("warehouse_loader")
    loader.execute("SET search_path = marts, pg_catalog")
    loader.execute(f"SELECT raw.prepare_month('{FRIDAY}')")
    loader.execute(f"SELECT raw.open_load('orders', '{FRIDAY}', 'x.json', '{'1' * 64}')")
    loader.execute(f"SELECT raw.close_load(99, 'orders', '{FRIDAY}', 'x.json', '{'1' * 64}', 0, 0, 0, NULL)")
    loader.execute(f"SELECT raw.summarize_month('{FRIDAY}')")
    assert warehouse.value("SELECT status FROM warehouse.daily_metrics") == "succeeded"


def test_temporary_tables_that_a_caller_made_before_are_not_written_to(warehouse: Warehouse) -> None:
    """A table of the caller's, with a trigger of the caller's, would run it with the owner's rights."""
    load(warehouse)
    warehouse.execute("UPDATE audit.settings SET value = '0' WHERE name = 'skip_unchanged'")
    text = "\n".join(path.read_text() for path in PROCEDURES.rglob("*.sql"))
    names = sorted({*re.findall(r"CREATE TEMPORARY TABLE (\w+)", text), *re.findall(r"'pg_temp\.(\w+)'", text)})
    assert len(names) > 15
    runner = warehouse.connect("warehouse_runner")
    runner.execute("""
        CREATE TEMPORARY TABLE caught (who text);
        CREATE FUNCTION pg_temp.spring() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO pg_temp.caught VALUES (current_user); RETURN NULL; END $$""")
    for name in names:
        runner.execute(f"CREATE TEMPORARY TABLE {name} AS SELECT FROM generate_series(1, 2)")  # type: ignore[arg-type]
        runner.execute(f"CREATE TRIGGER spring BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON pg_temp.{name}"
                       " FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.spring()")  # type: ignore[arg-type]  # fmt: skip
    warehouse.landing.orders(FRIDAY, orders(10, FRIDAY, status="shipped"))
    warehouse.landing.events(FRIDAY, events(10, FRIDAY))
    warehouse.deliver(FRIDAY)
    refused = []
    for step in PROCEDURES_OF_A_DAY:
        try:
            runner.execute(f"CALL {step}('{FRIDAY}')")  # type: ignore[arg-type]
        except errors.DuplicateTable:
            refused.append(step)
    assert len(refused) > 5
    assert runner.execute("SELECT who FROM pg_temp.caught").fetchall() == []
    runner.execute(f"DROP TABLE pg_temp.{', pg_temp.'.join(names)}")  # type: ignore[arg-type]
    runner.execute(f"CALL warehouse.run_day('{FRIDAY}')")  # type: ignore[arg-type]
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_orders WHERE status = 'shipped'") == 10


def test_a_rule_gets_no_further_than_reading_staging_and_warehouse(warehouse: Warehouse) -> None:
    """Rules are the owner's to write; but what is pasted into one does not become the owner."""
    load(warehouse)
    attempts = {
        "raw": "(SELECT count(*) FROM raw.orders_json)",
        "audit": "(SELECT count(*) FROM audit.erased_users)",
        "write": "(WITH x AS (DELETE FROM staging.codes RETURNING 1) SELECT count(*) FROM x)",
        "role": "(SELECT 1 FROM set_config('role', 'warehouse_owner', true))",
        "read-only": "(SELECT 1 FROM set_config('transaction_read_only', 'off', true))",
        "file": "(SELECT length(pg_read_file('/etc/passwd')))",
        "sequence": "nextval('staging.staging_versions')",
        "routine": "(SELECT 1 FROM warehouse._lock_publishing('warehouse.dim_user'))",
        "another": "1) FROM staging.loads; DELETE FROM staging.loads; SELECT (1",
    }
    for name, expression in attempts.items():
        warehouse.execute(
            "INSERT INTO audit.dq_rules (rule_name, check_type, expression, min_value, severity, description)"
            " VALUES (%s, 'x', %s, 0, 'warning', 'x')", name, expression,
        )  # fmt: skip
    before = warehouse.value("SELECT last_value FROM staging.staging_versions")
    warehouse.call("audit.check_quality", FRIDAY)
    verdicts = dict(warehouse.rows("SELECT rule_name, message FROM audit.dq_failures WHERE rule_name = ANY (%s)",
                                   list(attempts)))  # fmt: skip
    assert verdicts.keys() == attempts.keys()
    assert all(message.startswith("the rule cannot be evaluated: ") for message in verdicts.values()), verdicts
    assert warehouse.value("SELECT last_value FROM staging.staging_versions") == before
    assert warehouse.value("SELECT count(*) FROM staging.loads") == 3


# -- secrets ------------------------------------------------------------------------------------------


def test_no_password_is_in_an_argument_an_output_or_an_error(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Of pg_dump and pg_restore, whose arguments everybody on the machine can read, and of a migration."""
    secret = "s3cret-4711"
    dsn = make_conninfo(warehouse.dsn, password=secret)
    real = backup._binary
    seen = tmp_path / "arguments"

    def watched(program: str, major: int) -> Path:
        """Return a program that notes its arguments and whether it has the password, and does what it should."""
        script = tmp_path / program
        script.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "{program} $*" >> {seen}\n'
            f'[ "$PGPASSWORD" = {secret} ] && echo "{program} can log in" >> {seen}\n'
            f'exec {real(program, major)} "$@"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return script

    monkeypatch.setattr(backup, "_binary", watched)
    backup.dump(dsn, tmp_path / "dumps")
    backup.check(dsn, tmp_path / "dumps")
    upgrade(dsn)
    noted = seen.read_text()
    assert "pg_dump can log in" in noted
    assert "pg_restore can log in" in noted
    told = noted.replace(f"= {secret}", "") + capsys.readouterr().out + caplog.text

    nowhere = make_conninfo("", host="127.0.0.1", port="1", dbname="x", user="me", password=secret)
    address = f"postgresql://me:{secret}@127.0.0.1:1/x?nonsense=1"
    for command, wrong in [
        ("glue migrate", nowhere), ("alembic.config upgrade head", address), ("ops.backup dump", nowhere),
        ("ops.backup dump", f"nonsense {secret}"),
    ]:  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= {"WAREHOUSE_DSN": wrong, "BACKUP_DIR": str(tmp_path), "LANDING_URL": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", *command.split()], cwd=PROJECT, env=environment, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        assert done.returncode != 0
        told += f"{command}: {done.stdout}{done.stderr}"
    assert secret not in told, told
