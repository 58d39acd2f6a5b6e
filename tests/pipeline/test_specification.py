"""Every SQL statement of the specification that is PostgreSQL runs as it is written, by the owner, one at a time.

The statements are taken from the file itself, so that none is forgotten when it changes.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from embedded.server import EmbeddedServer
from tests.conftest import Warehouse
from tests.shop import checksums, events, order, orders, product
from tests.specification import SPECIFICATION, TEXT, postgresql_statements, statements

pytestmark = pytest.mark.skipif(not TEXT, reason=f"the specification is not here: {SPECIFICATION}")

FRIDAY = date(2025, 12, 19)
DAYS = [FRIDAY - timedelta(2), FRIDAY - timedelta(1), FRIDAY]


@pytest.fixture
def loaded(warehouse: Warehouse) -> Iterator[Warehouse]:
    """A warehouse with three days, of which one has late orders and one was loaded twice."""
    for day in DAYS:
        late = [order(f"late-{day}", day - timedelta(1)), order("again", day, quantity=day.day)]
        warehouse.landing.orders(day, [*orders(120, day), *late])
        warehouse.landing.events(day, events(120, day))
        warehouse.landing.products(day, [product(f"P-{n}") for n in range(7)])
        warehouse.run(day)
    warehouse.call("warehouse.run_day", DAYS[1])
    return warehouse


def test_nothing_but_the_partition_example_is_left_out() -> None:
    assert len(statements()) - len(postgresql_statements()) == 1
    assert len(postgresql_statements()) >= 12
    words = ["CLUSTER warehouse.fact_orders", "CLUSTER warehouse.fact_events", "ANALYZE warehouse.fact_orders"]
    words += ["EXPLAIN ANALYZE", "CREATE MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW", "raw_json ->> 'order_id'"]
    for word in words:
        assert any(word in statement for statement in postgresql_statements()), word


def test_every_statement_runs_as_written_by_the_owner(loaded: Warehouse) -> None:
    before = checksums(loaded.connection)
    owner = loaded.connect("warehouse_owner")
    ran: dict[str, Any] = {}
    for statement in postgresql_statements():
        cursor = owner.execute(statement)  # type: ignore[arg-type]
        ran[statement] = cursor.fetchall() if cursor.description else None
    assert checksums(loaded.connection) == before

    def answer(words: str) -> Any:
        (found,) = [rows for statement, rows in ran.items() if words in statement]
        return found

    # raw counts orders, staging order lines, facts those of them in force: "again" came on three days.
    assert [tuple(row) for row in answer("as raw_count")] == [(366, 366, 364)]
    # The date filter is answered by the partitions that can hold such dates.
    plan = "\n".join(row[0] for row in answer("EXPLAIN ANALYZE"))
    assert "fact_orders" in plan
    assert owner.execute("SELECT sum(daily_revenue) FROM mv_daily_revenue").fetchone()[0] == loaded.value(
        "SELECT sum(revenue) FROM warehouse.fact_orders"
    )
    assert len(answer("raw_records_that_day")) == 366


def test_a_filter_on_date_id_reads_no_partition_that_cannot_hold_it(loaded: Warehouse) -> None:
    owner = loaded.connect("warehouse_owner")
    question = "EXPLAIN SELECT * FROM warehouse.fact_orders WHERE date_id BETWEEN {} AND {}"
    plan = "\n".join(row[0] for row in owner.execute(question.format(20251219, 20251231)))
    assert "fact_orders_p_2025_12_19" in plan
    assert "fact_orders_p_2025_12_18" not in plan
    assert "fact_orders_p_2025_12_17" not in plan


def test_the_alerts_find_what_they_are_for(loaded: Warehouse) -> None:
    today = loaded.value("SELECT (now() AT TIME ZONE 'UTC')::date")
    loaded.landing.orders(today, orders(5, today))
    loaded.landing.events(today, events(5, today))
    loaded.run(today)
    loaded.execute("UPDATE warehouse.daily_metrics SET runtime_seconds = 5401 WHERE run_date = %s", today)
    loaded.execute("UPDATE warehouse.daily_metrics SET dq_failed_count = 101 WHERE run_date = %s", FRIDAY)
    alerts = [statement for statement in postgresql_statements() if "FROM warehouse.daily_metrics" in statement]
    slow, failing, low = [loaded.rows(statement) for statement in alerts]
    assert [row.run_date for row in slow] == [today]
    assert [tuple(row) for row in failing] == [(FRIDAY, 101)]
    assert [tuple(row) for row in low] == [(today, 5)]


def test_the_backup_restores_to_a_warehouse_that_works(
    loaded: Warehouse, server: EmbeddedServer, tmp_path: Path
) -> None:
    (block,) = [b for b in re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL) if "pg_dump" in b]
    backup, restore = [line for line in block.splitlines() if line.startswith("pg_")]
    assert backup == "pg_dump -Fc ecommerce_warehouse > backup_$(date +%Y%m%d).dump"
    assert restore == "pg_restore -d ecommerce_warehouse backup_20251219.dump"

    info = loaded.connection.info
    restored = f"{info.dbname}_restored"
    environment = os.environ | {
        "PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user,
        "PATH": f"{server.binaries()}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip

    def shell(line: str) -> None:
        subprocess.run(["bash", "-ec", line], cwd=tmp_path, env=environment, check=True, timeout=120)

    shell(backup.replace("ecommerce_warehouse", f'"{info.dbname}"'))
    (dump,) = tmp_path.glob("backup_*.dump")
    name = sql.Identifier(restored)
    loaded.connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))
    try:
        shell(restore.replace("ecommerce_warehouse", f'"{restored}"').replace("backup_20251219.dump", dump.name))
        dsn = psycopg.conninfo.make_conninfo(loaded.dsn, dbname=restored)
        with psycopg.connect(dsn, autocommit=True) as connection:
            schemas = ["raw", "staging", "warehouse", "audit"]
            assert checksums(connection, schemas) == checksums(loaded.connection, schemas)
            before = checksums(connection)
            connection.execute("CALL warehouse.run_range('2025-12-01', '2025-12-31')")
            assert checksums(connection) == before
            with pytest.raises(psycopg.Error, match="immutable"):
                connection.execute("DELETE FROM raw.orders_json_p_2025_12")
    finally:
        loaded.connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
