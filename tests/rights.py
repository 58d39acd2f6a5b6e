"""What each role may do, asked of the catalog of a loaded warehouse."""

from datetime import date
from pathlib import Path

from psycopg.rows import tuple_row

from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.shop import events, orders, product

FRIDAY = date(2025, 12, 19)
# What is meant, for people to read; a change of it is a decision. The owner owns everything, and is not in it.
EXPECTED = Path(__file__).parent / "privileges.txt"
ROLES = ("loader", "runner", "checker", "shaper", "analyst", "reporter", "public")
WHO = "CASE r.name WHEN 'public' THEN 'public' ELSE 'warehouse_' || r.name END"
ALL_ROLES = f"unnest(ARRAY{list(ROLES)}) WITH ORDINALITY AS r (name, place)"
SCHEMAS = "('raw', 'staging', 'shapes', 'warehouse', 'audit', 'marts', 'public')"


def letters(test: str, subject: str, rights: str) -> str:
    """Return SQL for the first letters of the rights that a role has, as in `SELECT INSERT` to `SI`."""
    parts = [f"CASE WHEN {test}({WHO}, {subject}, '{right}') THEN '{right[0]}' ELSE '' END" for right in rights.split()]
    return " || ".join(parts)


# S, I, U, D as the rights begin; R and T are REFERENCES and TRIGGER, X is TRUNCATE of a table, CREATE in a database and
# UPDATE (setval) of a sequence.
TABLE_RIGHTS = (
    letters("has_table_privilege", "c.oid", "SELECT INSERT UPDATE DELETE REFERENCES TRIGGER")
    + f" || CASE WHEN has_table_privilege({WHO}, c.oid, 'TRUNCATE') THEN 'X' ELSE '' END"
)
GRANTED = f"""
    SELECT kind, object, array_agg(coalesce(nullif(granted, ''), '-') ORDER BY place)
    FROM (
        SELECT 'database' AS kind, 'this' AS object, d.oid, r.place,
               {letters("has_database_privilege", "d.oid", "CONNECT TEMPORARY")}
               || CASE WHEN has_database_privilege({WHO}, d.oid, 'CREATE') THEN 'X' ELSE '' END AS granted
        FROM pg_database AS d, {ALL_ROLES} WHERE d.datname = current_database()
        UNION ALL
        SELECT 'schema', n.nspname::text, n.oid, r.place, {letters("has_schema_privilege", "n.oid", "USAGE CREATE")}
        FROM pg_namespace AS n, {ALL_ROLES} WHERE n.nspname IN {SCHEMAS}
        UNION ALL
        SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass::text, c.oid, r.place,
               {TABLE_RIGHTS}
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, {ALL_ROLES}
        WHERE n.nspname IN {SCHEMAS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        UNION ALL
        SELECT 'sequence', c.oid::regclass::text, c.oid, r.place,
               {letters("has_sequence_privilege", "c.oid", "SELECT USAGE")}
               || CASE WHEN has_sequence_privilege({WHO}, c.oid, 'UPDATE') THEN 'X' ELSE '' END
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, {ALL_ROLES}
        WHERE n.nspname IN {SCHEMAS} AND c.relkind = 'S'
        UNION ALL
        SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::regproc::text, p.oid, r.place,
               {letters("has_function_privilege", "p.oid", "EXECUTE")}
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace, {ALL_ROLES} WHERE n.nspname IN {SCHEMAS}
        UNION ALL
        SELECT 'type', t.oid::regtype::text, t.oid, r.place, {letters("has_type_privilege", "t.oid", "USAGE")}
        FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
        LEFT JOIN pg_class AS c ON c.oid = t.typrelid, {ALL_ROLES}
        WHERE n.nspname IN {SCHEMAS} AND t.typelem = 0 AND coalesce(c.relkind, 'c') = 'c'
    ) AS g
    GROUP BY kind, object, oid
    ORDER BY array_position(
                 ARRAY['database', 'schema', 'table', 'view', 'sequence', 'type', 'procedure', 'function'], kind),
             object COLLATE "C"
"""


def matrix(warehouse: Warehouse) -> tuple[str, int]:
    """Return what each role may do, a line per object that any of them may use, and how many objects there are."""
    with warehouse.connect() as connection:
        cursor = connection.cursor(row_factory=tuple_row)
        cursor.execute("SET search_path = pg_catalog")
        rows = cursor.execute(GRANTED).fetchall()
    lines = [f"{kind:9} {name:40} {' '.join(f'{right:8}' for right in granted)}".rstrip()
             for kind, name, granted in rows if set(granted) != {"-"}]  # fmt: skip
    return "\n".join([f"{'':9} {'':40} {' '.join(f'{role:8}' for role in ROLES)}".rstrip(), *lines, ""]), len(rows)


def load(warehouse: Warehouse) -> None:
    """Load a day, so that there are partitions."""
    warehouse.execute(RULES_OFF)
    warehouse.landing.orders(FRIDAY, orders(20, FRIDAY))
    warehouse.landing.events(FRIDAY, events(20, FRIDAY))
    warehouse.landing.products(FRIDAY, [product("P-1")])
    warehouse.run(FRIDAY)
