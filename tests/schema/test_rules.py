"""What holds for every object of the warehouse, read from the catalog of a migrated database."""

import ast
import re
from datetime import date
from typing import Any

import pytest

from embedded.server import PROJECT
from ops.migrate import PROCEDURES
from ops.routines import REVISIONS, SHAPES, routine_files
from ops.statements import PRIVILEGES
from tests import shop
from tests.catalog import SCHEMAS
from tests.conftest import XDIST_GROUP, Warehouse
from tests.shop import Landing

SCHEMA_FILES = PROJECT / "db" / "schema"
IN_SCHEMAS = f"nspname IN ({', '.join(repr(name) for name in SCHEMAS)})"


def names(warehouse: Warehouse, query: str) -> list[str]:
    """Return the first column of a query over the product's objects, sorted."""
    return sorted(str(row[0]) for row in warehouse.rows(query))


def test_every_table_view_column_routine_type_and_sequence_has_a_comment(warehouse: Warehouse) -> None:
    missing = names(
        warehouse,
        f"""
        SELECT 'schema ' || nspname FROM pg_namespace AS n
        WHERE {IN_SCHEMAS} AND obj_description(n.oid, 'pg_namespace') IS NULL
        UNION ALL
        SELECT 'relation ' || c.oid::regclass FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE {IN_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'S', 'c', 'f') AND NOT relispartition
          AND coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type')) IS NULL
          -- The sequence of an identity column is a part of the column.
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'i' AND relkind = 'S')
        UNION ALL
        SELECT 'column ' || c.oid::regclass || '.' || attname FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = relnamespace
        JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        WHERE {IN_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND NOT relispartition
          AND col_description(c.oid, attnum) IS NULL
        UNION ALL
        SELECT 'routine ' || p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE {IN_SCHEMAS} AND obj_description(p.oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT 'type ' || t.oid::regtype FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace
        WHERE {IN_SCHEMAS} AND typtype IN ('d', 'e', 'r') AND obj_description(t.oid, 'pg_type') IS NULL
        UNION ALL
        SELECT 'role ' || rolname FROM pg_roles AS r
        WHERE rolname LIKE 'warehouse\\_%' AND shobj_description(r.oid, 'pg_authid') IS NULL
        """,
    )
    assert not missing, "without a comment:\n" + "\n".join(missing)


def test_every_function_pins_search_path_with_pg_temp_last(warehouse: Warehouse) -> None:
    """Without pg_temp in the list, temporary tables are found before everything else.

    Two kinds cannot: procedures that commit, and SQL functions that are there to be inlined. Of these every
    name was found in pg_catalog or by its schema when they were made (ops.migrate).
    """
    loose = names(
        warehouse,
        f"""
        SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE {IN_SCHEMAS} AND prokind <> 'a' AND NOT (prokind = 'p' AND NOT prosecdef)
          AND NOT (prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql') AND provolatile <> 'v'
                   AND NOT prosecdef AND proname LIKE '\\_%')
          -- What a body of SQL's own form names was found when it was made.
          AND NOT (prosqlbody IS NOT NULL AND NOT prosecdef)
          AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting
                          WHERE setting ~ '^search_path=' AND setting ~ 'pg_temp$')
        """,
    )
    assert not loose, "search_path not pinned (or pg_temp not last):\n" + "\n".join(loose)


def test_a_procedure_that_commits_has_neither_set_nor_security_definer(warehouse: Warehouse) -> None:
    # PostgreSQL would refuse the COMMIT, but only when it is reached.
    wrong = names(
        warehouse,
        f"""
        SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE {IN_SCHEMAS} AND prokind = 'p' AND (proconfig IS NOT NULL OR prosecdef)
          AND prosrc ~* '\\m(COMMIT|ROLLBACK|CALL)\\M'
        """,
    )
    assert not wrong


def test_what_pins_no_search_path_says_the_schema_of_everything_it_names(warehouse: Warehouse) -> None:
    """Calls them with an empty path would be best; here: no call and no table without a schema."""
    loose = []
    for signature, body in warehouse.rows(
        f"""
        SELECT p.oid::regprocedure::text, prosrc FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE {IN_SCHEMAS} AND prokind = 'p' AND proconfig IS NULL
        """
    ):
        code = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", " ", body, flags=re.DOTALL)
        pattern = r"\b(?:CALL|FROM|JOIN|INTO|UPDATE)\s+([a-z_][a-z_0-9]*)(?![\w.])(?=\s*[;(]|\s+(?:AS|SET|WHERE)\b)"
        loose += [f"{signature}: {found}" for found in re.findall(pattern, code) if not found.startswith("v_")]
    assert not loose


def test_the_owner_owns_everything_and_public_may_call_nothing(warehouse: Warehouse) -> None:
    strangers = names(
        warehouse,
        f"""
        SELECT c.oid::regclass || ' of ' || pg_get_userbyid(relowner)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE {IN_SCHEMAS} AND pg_get_userbyid(relowner) <> 'warehouse_owner'
        UNION ALL
        SELECT p.oid::regprocedure || ' of ' || pg_get_userbyid(proowner)
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE {IN_SCHEMAS} AND pg_get_userbyid(proowner)
              NOT IN ('warehouse_owner', 'warehouse_checker', 'warehouse_shaper')
        """,
    )
    assert not strangers
    public = names(
        warehouse,
        f"""
        SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
        WHERE {IN_SCHEMAS} AND has_function_privilege('public', p.oid, 'EXECUTE')
        UNION ALL
        SELECT c.oid::regclass FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE {IN_SCHEMAS} AND relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('public', c.oid, 'SELECT')
        """.replace("p.oid::regprocedure FROM", "p.oid::regprocedure::text FROM").replace(
            "c.oid::regclass FROM", "c.oid::regclass::text FROM"
        ),
    )
    assert not public, "PUBLIC may:\n" + "\n".join(public)


def test_every_constraint_was_given_its_name(warehouse: Warehouse) -> None:
    text = "\n".join(path.read_text() for path in SCHEMA_FILES.rglob("*.sql"))
    found = names(
        warehouse,
        f"""
        SELECT k.conname FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = connamespace
        LEFT JOIN pg_class AS c ON c.oid = conrelid
        WHERE {IN_SCHEMAS} AND contype <> 'n' AND NOT coalesce(relispartition, false)
        """,
    )
    # A name that PostgreSQL made up stands in no file.
    assert [name for name in found if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_every_table_that_is_not_partitioned_has_a_primary_key(warehouse: Warehouse) -> None:
    """Partitioned ones are written in bulk: raw without a key, staging and facts with a unique index of their own."""
    without = names(
        warehouse,
        f"""
        SELECT c.oid::regclass FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
        WHERE {IN_SCHEMAS} AND relkind = 'r' AND NOT relispartition
          AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p')
        """,
    )
    assert without == []


def test_every_index_was_given_its_name(warehouse: Warehouse) -> None:
    text = "\n".join(path.read_text() for path in SCHEMA_FILES.rglob("*.sql"))
    found = names(
        warehouse,
        f"""
        SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = indexrelid
        JOIN pg_class AS t ON t.oid = indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE {IN_SCHEMAS} AND NOT t.relispartition
        """,
    )
    assert [name for name in found if not re.search(rf"\b{re.escape(name)}\b", text)] == []


def test_a_file_makes_the_routine_that_it_is_named_after_and_private_helpers(warehouse: Warehouse) -> None:
    wrong = []
    for path, routines in warehouse.rows("SELECT path, routines FROM audit.routine_files"):
        if path == PRIVILEGES or path.startswith(REVISIONS):
            continue
        made = {signature.split("(")[0] for signature in routines}
        main = path.removesuffix(".sql").replace("/", ".")
        # Small helpers that belong together may share a private file.
        wrong += [f"{path} does not make {main}"] if main not in made and "/_" not in path else []
        wrong += [f"{path} makes {name}" for name in made - {main} if not name.split(".")[1].startswith("_")]
    assert not wrong


def test_a_routine_that_another_file_calls_has_a_file_of_its_own() -> None:
    """So that an error's context names the file to open."""
    made = re.compile(r"^CREATE OR REPLACE (?:FUNCTION|PROCEDURE)\s+(\w+\.\w+)", re.MULTILINE)
    texts = {
        path: re.sub(r"--.*", "", path.read_text())
        for path in sorted([*PROCEDURES.glob("*/*.sql"), *SHAPES.glob("*.sql")])
    }
    wrong = [
        f"{name} is made by {path.name} and called by {other.name}"
        for path, text in texts.items()
        for name in made.findall(text)
        if name != f"{path.parent.name}.{path.stem}"
        for other, calls in texts.items()
        if other != path and re.search(rf"\b{re.escape(name)}\b", calls)
    ]
    assert not wrong


@pytest.mark.parametrize(("folder", "kind", "most"), [("db", "*.sql", 150), ("glue", "*.py", 300)])
def test_a_file_is_read_in_one_go(folder: str, kind: str, most: int) -> None:
    lines = {path: path.read_text().count("\n") for path in (PROJECT / folder).rglob(kind)}
    assert len(lines) > 10
    assert {path.name: count for path, count in lines.items() if count >= most} == {}


def test_glue_stays_small_and_says_of_each_file_why_it_is_there() -> None:
    """SQL thinks: what is not fetch, COPY, call or the command line has another room."""
    files = sorted((PROJECT / "glue").glob("*.py"))
    lines = {path.name: path.read_text().count("\n") for path in files}
    assert {name: count for name, count in lines.items() if count >= 300} == {}
    assert sum(lines.values()) < 4200
    told = (PROJECT / "CONTRIBUTING.md").read_text().partition("### What stays in glue/")[2].partition("\n## ")[0]
    assert [path.name for path in files if f"`{path.name}`" not in told] == []


def test_a_body_is_tagged_with_its_routines_name() -> None:
    """So that a stack trace and a grep agree."""
    wrong = []
    for path in sorted([*PROCEDURES.glob("*/*.sql"), *SHAPES.glob("*.sql")]):
        for name, tag in re.findall(
            r"CREATE OR REPLACE (?:FUNCTION|PROCEDURE)\s+\w+\.(\w+)\s*\(.*?\bAS\s+\$(\w*)\$",
            path.read_text(),
            re.DOTALL,
        ):
            if tag != name:
                wrong.append(f"{path.name}: {name} has the tag ${tag}$")
    assert not wrong


def test_a_routines_file_starts_with_what_it_is_for() -> None:
    silent = [name for name, path in routine_files(PROCEDURES).items() if not path.read_text().startswith("--")]
    assert not silent


def test_no_extension_is_needed(warehouse: Warehouse) -> None:
    assert names(warehouse, "SELECT extname FROM pg_extension") == ["plpgsql"]


# What plpgsql_check cannot know: (routine, statement and message), each with its reason.
ALLOWED = [
    # It does not see that an INOUT parameter of a composite type is one variable.
    (r"", r"^CALL too many attributes for target variables$"),
    (r"", r"composite OUT variable \"\w+\" is not single argument$"),
    # An empty array is written '{}'.
    (r"", r"target type is different type than source type"),
    # These try a COMMIT that cannot succeed, for what its error says.
    (
        r"^(audit\._run_step|audit\.erase_user|warehouse\.compact_partitions|warehouse\.change_time_zone)\(",
        r"^COMMIT cannot commit while a subtransaction is active",
    ),
    # The statements that these run are handed to them, made with format() by other private routines.
    (
        r"^audit\._(perform_step|evaluate)\(",
        r"^EXECUTE (cannot determinate a result of dynamic SQL|text type variable)",
    ),
    # One SELECT, and that is proved before; column names of raw.sources, which are the owner's.
    (r"^(audit\._parsed_rules|staging\.duplicate_count)\(", r"^EXECUTE text type variable is not sanitized"),
    (
        r"^warehouse\._(build_partition|constrain_partition|index_partition|distribute_tables|widen_unique_indexes|publish_day|swap_partitions|execute_or_give_up|give_rows|take_rows|place_facts)\(",
        r"text type variable is not sanitized",
    ),
    # Columns are those of the catalog; routines are shapes' own, by oid; queries are made by other private routines.
    (
        r"^(audit\._preview_(day|overlay|tables|take)|raw\._map_shaped|staging\._(apply_shape|fields_seen|map_records)|warehouse\._write_(event|order)_figures)\(",
        r"^EXECUTE (text type variable is not sanitized|the expression is not SQL injection safe)",
    ),
    # What these read is made in the session before: a preview, mapped records, an order that falls or moves.
    (
        r"^(audit\._?preview|raw\._forget_shaped\(|staging\._(apply_shape|find_fallen_orders|join_rows|map_records|mapped_\w+|reject_unmapped)\(|warehouse\._move_(customers|order_figures)\()",
        r"(relation \"pg_temp\.\w+\"|function pg_temp\.\w+\(\w+\)) does not exist$",
    ),
    # These speak with Citus, and only where it is.
    (
        r"^warehouse\.(distribute|_distribut|_spread_partition|_refuse_without_workers)",
        r"^EXECUTE (relation \"pg_dist_\w+\"|function create_\w+\(.*\)) does not exist",
    ),
    (r"^warehouse\._publish_day\(", r"cannot determinate a result of dynamic SQL|record \"v_dates\" is not assigned"),
]
DAY = date(2025, 12, 19)


def test_plpgsql_check_finds_nothing(warehouse: Warehouse, landing: Landing) -> None:
    if not warehouse.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'plpgsql_check'"):
        version = warehouse.connection.info.server_version // 10000
        pytest.skip(f"plpgsql_check is not installed for PostgreSQL {version} (postgresql-{version}-plpgsql-check)")
    warehouse.execute("CREATE EXTENSION plpgsql_check SCHEMA public")
    remember_temporary_tables(warehouse)
    landing.orders(DAY, shop.orders(120, DAY))
    landing.events(DAY, shop.events(120, DAY))
    landing.products(DAY, [shop.product()])
    warehouse.run(DAY)
    # Again with less, other, repeated and bad, so that every worker does all that it can do.
    bad = shop.order("O-bad", DAY, quantity=-1)
    landing.orders(DAY, [*shop.orders(110, DAY, status="shipped"), *shop.orders(1, DAY), bad])
    landing.events(DAY, [*shop.events(110, DAY, event_type="search"), *shop.events(1, DAY)])
    warehouse.run(DAY)
    warehouse.call("audit.erase_user", "U-1", "asked for it")
    make_temporary_tables(warehouse)
    found = [
        f"{row.routine}:{row.lineno} {row.level}: {row.statement}: {row.message} {row.detail or ''} {row.hint or ''}"
        for row in plpgsql_findings(warehouse)
        if not any(
            re.search(routine, row.routine) and re.search(text, f"{row.statement} {row.message}")
            for routine, text in ALLOWED
        )
    ]
    assert not found, "\n".join(found)


def remember_temporary_tables(warehouse: Warehouse) -> None:
    """Have the database note the columns of every temporary table that a routine makes from now on."""
    warehouse.execute(
        """
        CREATE TABLE public.temporary_columns (
            table_name text, column_name text, type text, UNIQUE (table_name, column_name));
        CREATE FUNCTION public.remember_temporary_tables() RETURNS event_trigger
        LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO public.temporary_columns
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
            FROM pg_event_trigger_ddl_commands() AS made
            JOIN pg_class AS c ON c.oid = made.objid AND c.relpersistence = 't' AND c.relkind = 'r'
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            ON CONFLICT DO NOTHING;
        END $$;
        CREATE EVENT TRIGGER remember_temporary_tables ON ddl_command_end
        EXECUTE FUNCTION public.remember_temporary_tables();
        """
    )


def make_temporary_tables(warehouse: Warehouse) -> None:
    """Make those tables here, empty, so that the statements that use them can be checked."""
    warehouse.execute("DROP EVENT TRIGGER remember_temporary_tables")
    for (statement,) in warehouse.rows(
        """
        SELECT format('CREATE TEMPORARY TABLE %I (%s)', table_name,
                      string_agg(format('%I %s', column_name, type), ', '))
        FROM public.temporary_columns GROUP BY table_name
        """
    ):
        warehouse.execute(statement)


def plpgsql_findings(warehouse: Warehouse) -> list[Any]:
    """Return what plpgsql_check says of every routine; of a trigger's function, for each of its tables."""
    return warehouse.rows(
        f"""
        SELECT p.oid::regprocedure::text AS routine, f.lineno, f.statement, f.message, f.detail, f.hint, f.level
        FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
        LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid AND NOT t.tgisinternal
        CROSS JOIN LATERAL public.plpgsql_check_function_tb(
            p.oid, coalesce(t.tgrelid, 0), performance_warnings => false, extra_warnings => true,
            security_warnings => true) AS f
        WHERE {IN_SCHEMAS} AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
          AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.tgrelid AND c.relispartition)
        ORDER BY 1, 2
        """
    )


def test_no_test_imports_another() -> None:
    """What tests share stands in modules beside them, so that a file can be moved or run by itself."""
    importing = []
    for path, tree in files_of_tests():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(part.startswith("test_") for module in modules for part in module.split(".")):
                importing.append(f"{path}:{node.lineno}")
    assert importing == []


def test_what_shares_a_group_says_so_of_its_whole_file() -> None:
    """Else its tests would not stay with one worker (tests/conftest.py)."""
    files = {path: path.read_text(encoding="utf-8") for path in sorted((PROJECT / "tests").glob("*/test_*.py"))}
    grouped = {
        path.name for path, text in files.items() if "mark.xdist_group(" in text and path.name != "test_rules.py"
    }
    assert grouped == {path.name for path, text in files.items() if XDIST_GROUP.search(text)}
    assert len(grouped) > 4


def test_fixtures_have_types_and_tests_say_them() -> None:
    functions = [
        (path, node) for path, tree in files_of_tests() for node in tree.body if isinstance(node, ast.FunctionDef)
    ]
    types = {
        (path if "conftest" not in path else "", node.name): ast.unparse(node.returns) if node.returns else ""
        for path, node in functions if any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    }  # fmt: skip
    assert [key for key, type_ in types.items() if not type_] == []
    untyped = []
    for path, node in functions:
        if node.name.startswith("test_") or (path, node.name) in types or ("", node.name) in types:
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                said = ast.unparse(argument.annotation) if argument.annotation else ""
                fixture = types.get((path, argument.arg), types.get(("", argument.arg), "Any"))
                if not said or (said == "Any" and fixture not in ("Any", "Iterator[Any]")):
                    untyped.append(f"{path}:{node.lineno}: {argument.arg}")
    assert untyped == []


def files_of_tests() -> list[tuple[str, ast.Module]]:
    """Return the files of tests/, parsed."""
    files = sorted((PROJECT / "tests").rglob("*.py"))
    return [(path.relative_to(PROJECT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in files]
