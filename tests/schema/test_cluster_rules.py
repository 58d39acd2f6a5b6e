"""What keeps the warehouse fit for a cluster (warehouse.distribute), proved without one.

Citus refuses some statements that PostgreSQL runs. `tests/cluster` tries all of them on a cluster; these rules keep the
refused ones out wherever the tests run.
"""

import re
from collections.abc import Iterator

import psycopg
import pytest

from embedded.server import PROJECT
from tests.conftest import Warehouse

PLANNED = r"warehouse\.(?:fact_orders|fact_events|dim_date|dim_user|dim_product|dim_product_history)\b"
FACTS = r"warehouse\.fact_(?:orders|events)\b"
# Frozen, and older than the rules: they run before a warehouse is distributed, or not at all.
LAST_FREE_REVISION = "0015"


def statements() -> Iterator[tuple[str, str]]:
    """Yield the SQL of the product, a statement at a time, without comments, each with its file's name."""
    files = [path for folder in ("procedures", "schema", "shapes") for path in (PROJECT / "db" / folder).rglob("*.sql")]
    files += [
        path
        for path in (PROJECT / "alembic" / "versions").glob("*.sql")
        if path.name.split("_")[0] > LAST_FREE_REVISION
    ]
    for path in sorted(files):
        for statement in re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8")).split(";"):
            yield path.name, " ".join(statement.split())


def outside_parentheses(text: str) -> str:
    """Return what of a statement's rest stands in no parentheses, up to the one that ends it."""
    depth, kept = 0, []
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
        if depth == 0:
            kept.append(character)
    return "".join(kept)


def refused(statement: str) -> list[str]:
    """Return why a cluster would refuse a statement."""
    found = []
    if re.search(r"\bMERGE\s+INTO\b", statement):
        found.append("MERGE: write INSERT … ON CONFLICT")
    for match in re.finditer(rf"\bUPDATE (?:ONLY )?{PLANNED}", statement):
        if re.search(r"(?<!DISTINCT )\bFROM\b", outside_parentheses(statement[match.end() :])):
            found.append("UPDATE … FROM: write INSERT … SELECT … ON CONFLICT DO UPDATE")
    for match in re.finditer(rf"\bDELETE FROM (?:ONLY )?{PLANNED}", statement):
        if re.search(r"\bUSING\b", outside_parentheses(statement[match.end() :])):
            found.append("DELETE … USING: write WHERE (key) IN (SELECT …)")
    if re.search(r"\bNOT EXISTS\b", statement) and re.search(rf"\b(?:FROM|JOIN) {FACTS}", statement):
        found.append("NOT EXISTS beside facts: write EXCEPT, or take the keys into a table first")
    for match in re.finditer(r"\bALTER TABLE\b", statement):
        clauses = outside_parentheses(statement[match.end() :].split("ALTER TABLE")[0])
        if len(re.findall(r"\b(?:ADD|DROP) CONSTRAINT\b", clauses)) and "," in clauses.split("'")[0]:
            found.append("ALTER TABLE with a constraint and something else: one constraint per ALTER")
    for match in re.finditer(rf"\bINSERT INTO {PLANNED}.*?\bON CONFLICT\b.*?\bDO UPDATE\b", statement):
        if re.search(r"\b(?:now|clock_timestamp|random|current_(?:date|time|timestamp))\b", statement[match.end() :]):
            found.append("DO UPDATE with what is not immutable: take it from excluded")
    if re.search(r"\bLANGUAGE sql\b.*\bAS \$", statement) and re.search(
        rf"\b(?:FROM|JOIN) {FACTS}|\b(?:INSERT INTO|UPDATE|DELETE FROM) {PLANNED}", statement.split("LANGUAGE sql")[1]
    ):
        found.append("a function in LANGUAGE sql: its parameters reach no shard; write it in PL/pgSQL")
    if re.search(rf"\bCREATE (?:CONSTRAINT )?TRIGGER\b.*\bON {PLANNED}", statement):
        found.append("a trigger on a fact or dimension")
    return found


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("MERGE INTO warehouse.dim_user u USING x ON true", "MERGE"),
        ("UPDATE warehouse.dim_user u SET city = x.city FROM pg_temp.x x WHERE x.user_id = u.user_id", "UPDATE"),
        ("DELETE FROM warehouse.dim_product_history h USING pg_temp.x x WHERE x.id = h.product_id", "DELETE"),
        ("SELECT 1 FROM warehouse.fact_orders f WHERE NOT EXISTS (SELECT FROM staging.x)", "NOT EXISTS"),
        ("ALTER TABLE %s DROP CONSTRAINT a, ADD CONSTRAINT a CHECK (b > 0)", "ALTER TABLE"),
        ("INSERT INTO warehouse.dim_user (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = now()", "DO UPDATE"),
        ("CREATE FUNCTION f(a text) LANGUAGE sql AS $f$ SELECT 1 FROM warehouse.fact_orders", "a function"),
        ("CREATE TRIGGER t BEFORE INSERT ON warehouse.fact_events EXECUTE FUNCTION f()", "a trigger"),
    ],
)
def test_the_rules_find_what_a_cluster_refuses(statement: str, reason: str) -> None:
    assert [found.startswith(reason) for found in refused(statement)] == [True]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE warehouse.dim_user u SET last_seen_at = (SELECT max(l.at) FROM warehouse.user_loads l)",
        "UPDATE warehouse.dim_user d SET last_seen_at = v_last WHERE d.last_seen_at IS DISTINCT FROM v_last",
        "DELETE FROM warehouse.dim_user u WHERE u.user_id IN (SELECT s.user_id FROM pg_temp.s USING (x))",
        "ALTER TABLE %s ADD CONSTRAINT a CHECK (b IN (1, 2))",
        "ALTER TABLE warehouse.fact_orders ADD COLUMN a text, ADD COLUMN b text",
        "INSERT INTO warehouse.dim_user (a) SELECT now() ON CONFLICT (a) DO UPDATE SET b = excluded.b",
    ],
)
def test_the_rules_let_pass_what_a_cluster_takes(statement: str) -> None:
    assert refused(statement) == []


def test_no_statement_is_one_that_a_cluster_refuses() -> None:
    texts = list(statements())
    assert len(texts) > 1000
    assert [f"{name}: {reason}" for name, statement in texts for reason in refused(statement)] == []


@pytest.fixture
def planned(warehouse: Warehouse) -> dict[str, str | None]:
    """The tables that a cluster keeps on its workers, each with the column that tells its shard."""
    rows = warehouse.rows("SELECT relation::text, distribution_column FROM warehouse._placements('order')")
    return dict(rows)


def test_the_catalog_is_fit_for_a_cluster(warehouse: Warehouse, planned: dict[str, str | None]) -> None:
    assert set(planned) == {name for name in planned if re.fullmatch(PLANNED, name)}
    wrong = [
        f"unique index {index}: without {planned[table]}"
        for table, index, columns in warehouse.rows(
            """
            SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text,
                   ARRAY(SELECT a.attname::text FROM pg_attribute AS a
                         WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey))
            FROM pg_index AS i WHERE i.indrelid = ANY (%s::regclass[]) AND i.indisunique
            """,
            list(planned),
        )
        if planned[table] not in (None, *columns)
    ]
    wrong += [
        f"{kind} {name}"
        for kind, name in warehouse.rows(
            """
            SELECT 'trigger' AS kind, t.tgrelid::regclass || '.' || t.tgname AS name FROM pg_trigger AS t
            WHERE t.tgrelid = ANY (%(planned)s::regclass[]) AND NOT t.tgisinternal
            UNION ALL
            SELECT 'rule', r.ev_class::regclass || '.' || r.rulename FROM pg_rewrite AS r
            WHERE r.ev_class = ANY (%(planned)s::regclass[])
            UNION ALL
            SELECT 'identity or generated column', a.attrelid::regclass || '.' || a.attname FROM pg_attribute AS a
            WHERE a.attrelid = ANY (%(planned)s::regclass[]) AND (a.attidentity <> '' OR a.attgenerated <> '')
            UNION ALL
            SELECT 'sequence', d.objid::regclass::text FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
            WHERE c.relkind = 'S' AND d.refobjid = ANY (%(planned)s::regclass[])
            UNION ALL
            SELECT 'exclusion constraint', k.conname FROM pg_constraint AS k
            WHERE k.conrelid = ANY (%(planned)s::regclass[]) AND k.contype = 'x'
            """.replace("%(planned)s", f"'{{{','.join(planned)}}}'")
        )
    ]
    # Every node has a copy of a dimension. Shards are on one node each, and what stays on the coordinator on none else.
    wrong += [
        f"foreign key {name} from {table} to {referred}"
        for name, table, referred in warehouse.rows(
            """
            SELECT k.conname, k.conrelid::regclass::text, k.confrelid::regclass::text
            FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conparentid = 0
            """
        )
        if (table in planned or referred in planned)
        and not (table in planned and referred in planned and planned[referred] is None)
    ]
    assert wrong == []


def test_without_workers_nothing_is_distributed(warehouse: Warehouse) -> None:
    with pytest.raises(psycopg.Error, match="there is no worker to distribute to") as refusal:
        warehouse.rows("SELECT * FROM warehouse.distribute(32, 'order')")
    assert refusal.value.sqlstate == "WH021"
    for arguments in ("0, 'order'", "32, 'customer'"):
        with pytest.raises(psycopg.Error, match="cannot distribute") as refusal:
            warehouse.rows(f"SELECT * FROM warehouse.distribute({arguments})")
        assert refusal.value.sqlstate == "WH004"
    runner = warehouse.connect("warehouse_runner")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        runner.execute("SELECT * FROM warehouse.distribute()")


def test_by_user_the_column_is_in_both_facts(warehouse: Warehouse) -> None:
    assert warehouse.value(
        """
        SELECT count(*) FROM warehouse._placements('user') AS p
        JOIN pg_attribute AS a ON a.attrelid = p.relation AND a.attname = p.distribution_column AND a.attnotnull
        """
    ) == 2  # fmt: skip


def test_what_runs_on_the_workers_is_immutable(warehouse: Warehouse) -> None:
    """An INSERT … ON CONFLICT DO UPDATE on a dimension is run by every node; only this function is called in one."""
    assert warehouse.value("SELECT provolatile FROM pg_proc WHERE oid = 'warehouse._is_newer'::regproc") == "i"
