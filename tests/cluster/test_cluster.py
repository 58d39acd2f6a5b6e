"""The same procedures on a Citus cluster: whatever is done, it holds what one server holds.

    CITUS_BINDIR=/…/bin pytest --pg=citus tests/cluster
    CLUSTER_SEED=123 CLUSTER_TURNS=50 CITUS_BINDIR=… pytest --pg=citus tests/cluster      the same reloads, or more

A handful of orders, events and users, so that days contest them.
"""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from glue.run import Runner
from ops.migrate import upgrade
from tests.conftest import Warehouse
from tests.nodes import Cluster
from tests.promises import broken_promises
from tests.shop import checksums, event, order, product

SEED = int(os.environ.get("CLUSTER_SEED") or random.randrange(2**32))
TURNS = int(os.environ.get("CLUSTER_TURNS", "12"))
FIRST = date(2025, 11, 27)
DAYS = [FIRST + timedelta(days=number) for number in range(6)]  # into December

Make = Callable[[str], Warehouse]


def deliver(warehouse: Warehouse, day: date, chance: random.Random) -> None:
    """Write what a day delivers: orders and events that other days have, too, and late ones."""
    ids = chance.sample(range(1, 90), chance.randint(20, 60))
    warehouse.landing.orders(
        day,
        [
            order(
                f"O-{number}",
                day if chance.random() < 0.7 else DAYS[0],
                user_id=chance.choice(["U-1", "U-2", "U-3", None]),
                product_id=f"P-{number % 5}",
                quantity=chance.randint(1, 4),
                status=chance.choice(["paid", "shipped", "cancelled"]),
                city=chance.choice(["Berlin", "Paris", None]),
            )
            for number in ids
        ],
    )
    warehouse.landing.events(
        day,
        [
            event(f"E-{number}", day if chance.random() < 0.7 else DAYS[0], user_id=chance.choice(["U-1", "U-4", None]))
            for number in chance.sample(range(1, 150), chance.randint(30, 100))
        ],
    )
    if chance.random() < 0.5:
        warehouse.landing.products(
            day, [product(f"P-{number}", current_price=chance.randint(1, 5)) for number in chance.sample(range(5), 3)]
        )


def same(one: Warehouse, other: Warehouse) -> None:
    """Prove that both hold the same, and what must always hold."""
    assert broken_promises(other.connection) == {}
    assert checksums(one.connection) == checksums(other.connection)


@pytest.mark.parametrize("key", ["order", "user"])
def test_a_cluster_holds_what_one_server_holds(
    key: str, cluster: Cluster, on_cluster: Make, on_one_server: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First loads, late rows, swaps, small reloads, compaction, a reload of a compacted day, an erasure."""
    print(f"CLUSTER_SEED={SEED}")
    pair = [on_cluster(f"spread_by_{key}"), on_one_server(f"whole_{key}")]
    placed = pair[0].rows("SELECT * FROM warehouse.distribute(4, %s)", key)
    assert {row.shards for row in placed if row.placed.startswith("shards by ")} == {4}

    for warehouse in pair:
        chance = random.Random(SEED)
        for day in DAYS[:4]:
            deliver(warehouse, day, chance)
            warehouse.run(day)
    same(*pair)
    # On the workers, and nowhere else.
    assert pair[0].value("SELECT bool_and(pg_relation_size(partition) = 0) FROM warehouse._partitions()"
                         " WHERE parent = 'warehouse.fact_orders'::regclass")  # fmt: skip

    for warehouse in pair:
        chance = random.Random(SEED + 1)
        for day in chance.choices(DAYS[:4], k=TURNS):
            deliver(warehouse, day, chance)
            warehouse.run(day)
    same(*pair)

    for warehouse in pair:
        chance = random.Random(SEED + 2)
        for day in DAYS[4:]:
            deliver(warehouse, day, chance)
        monkeypatch.setenv("LANDING_URL", str(warehouse.landing.folder))
        results = Runner(warehouse.dsn, lambda text: None).run(DAYS[4:], jobs=2)
        assert [result.outcome for result in results] == ["succeeded"] * 2
        warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
        warehouse.call("audit.erase_user", "U-1", "asked for it")
        deliver(warehouse, DAYS[1], chance)
        warehouse.run(DAYS[1])
    # The pseudonyms differ; nothing else does.
    for table in ("staging.orders_clean", "warehouse.fact_orders", "warehouse.fact_events"):
        held = (
            "SELECT load_date, count(*) AS lines, count(DISTINCT user_id) AS users"
            f" FROM {table} GROUP BY load_date ORDER BY load_date"
        )
        assert pair[0].rows(held) == pair[1].rows(held)
        left = f"SELECT count(*) FROM {table} WHERE user_id = 'U-1' AND load_date <> '{DAYS[1]}'"
        assert [warehouse.value(left) for warehouse in pair] == [0, 0]
    assert pair[0].value("SELECT count(*) FROM warehouse.sales") == pair[1].value(
        "SELECT count(*) FROM warehouse.sales"
    )
    for view in (
        "warehouse.orders",
        "warehouse.order_lines",
        "warehouse.events",
        "audit.lineage",
        "audit.day_statuses",
    ):
        assert pair[0].value(f"SELECT count(*) FROM {view}") == pair[1].value(f"SELECT count(*) FROM {view}"), view
    assert cluster.prepared(f"spread_by_{key}") == 0


@pytest.fixture(scope="module")
def loaded(on_cluster: Make, on_one_server: Make) -> tuple[Warehouse, Warehouse]:
    """A warehouse that was distributed after two days had been loaded, and one on one server with the same days."""
    pair = on_cluster("loaded"), on_one_server("loaded_whole")
    for warehouse in pair:
        chance = random.Random(SEED)
        for day in DAYS[:2]:
            deliver(warehouse, day, chance)
            warehouse.run(day)
    pair[0].rows("SELECT * FROM warehouse.distribute(4, 'order')")
    return pair


def test_a_loaded_warehouse_is_distributed_with_its_rows_once(loaded: tuple[Warehouse, Warehouse]) -> None:
    same(*loaded)
    placed = loaded[0].rows("SELECT * FROM warehouse.distribute()")
    assert {row.table_name.split(".")[1]: (row.placed, row.shards) for row in placed} == {
        "dim_date": ("a copy on every node", 1),
        "dim_product": ("a copy on every node", 1),
        "dim_product_history": ("a copy on every node", 1),
        "dim_user": ("a copy on every node", 1),
        "fact_events": ("shards by event_id", 4),
        "fact_orders": ("shards by order_id", 4),
    }
    assert placed == loaded[0].rows("SELECT * FROM warehouse.distribute(4, 'order')")
    for other in ("8, 'order'", "4, 'user'"):
        with pytest.raises(psycopg.Error, match="cannot distribute") as refusal:
            loaded[0].execute(f"SELECT * FROM warehouse.distribute({other})")
        assert refusal.value.sqlstate == "WH004"


def test_an_upgrade_reaches_the_workers(loaded: tuple[Warehouse, Warehouse]) -> None:
    """All routines anew, and DDL as a revision may have it; afterwards days load as before."""
    for warehouse in loaded:
        warehouse.execute("UPDATE audit.routine_files SET sha256 = 'older' WHERE path NOT LIKE 'alembic%'")
        upgrade(warehouse.dsn)
        warehouse.execute("ALTER TABLE warehouse.fact_orders ADD COLUMN note text")
        warehouse.execute("ALTER TABLE warehouse.fact_orders DROP COLUMN note")
        warehouse.execute("ALTER TABLE warehouse.fact_orders ADD CONSTRAINT whole CHECK (quantity = floor(quantity))")
        warehouse.execute("ALTER TABLE warehouse.dim_user ADD COLUMN note text")
        deliver(warehouse, DAYS[2], random.Random(SEED))
        deliver(warehouse, DAYS[1], random.Random(SEED + 1))
        warehouse.run(DAYS[2])
        warehouse.run(DAYS[1])
    same(*loaded)


def test_a_dump_restores_into_one_server(
    loaded: tuple[Warehouse, Warehouse], cluster: Cluster, program: Callable[..., bytes], tmp_path: Path
) -> None:
    held = checksums(loaded[0].connection)
    program(
        "pg_dump", "-Fc", "-n", "raw", "-n", "staging", "-n", "shapes", "-n", "warehouse", "-n", "audit",
        "-f", str(tmp_path / "dump"), "-d", loaded[0].dsn,
    )  # fmt: skip
    server = cluster.servers[0]
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    try:
        program("pg_restore", "-d", server.dsn("restored"), "--exit-on-error", str(tmp_path / "dump"))
        upgrade(server.dsn("restored"))
        with psycopg.connect(server.dsn("restored")) as connection:
            assert connection.execute("SELECT to_regclass('pg_dist_partition')").fetchone() == (None,)
            assert checksums(connection) == held
    finally:
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("DROP DATABASE restored WITH (FORCE)")


def test_people_read_and_run_with_their_own_logins(loaded: tuple[Warehouse, Warehouse]) -> None:
    spread = loaded[0]
    for role in ("runner", "analyst"):
        spread.execute(f"CREATE ROLE cluster_{role} LOGIN IN ROLE warehouse_{role}")
    try:
        with psycopg.connect(spread.dsn, user="cluster_runner", autocommit=True) as runner:
            runner.execute("CALL warehouse.run_day(%s)", [DAYS[1]])
        with psycopg.connect(spread.dsn, user="cluster_analyst", autocommit=True) as analyst:
            sold = analyst.execute("SELECT count(*) FROM warehouse.sales").fetchone()
            assert sold
            assert sold[0] > 0
            for statement in ("DELETE FROM warehouse.fact_orders", "SELECT count(*) FROM raw.orders_json"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    analyst.execute(statement)
    finally:
        for role in ("runner", "analyst"):
            spread.execute(f"DROP ROLE cluster_{role}")


def test_after_a_worker_was_killed_the_day_run_again_is_whole(
    loaded: tuple[Warehouse, Warehouse], cluster: Cluster
) -> None:
    """Killed at a random moment of the steps that change dimensions and facts."""
    print(f"CLUSTER_SEED={SEED}")
    chance = random.Random(SEED)
    spread, whole = loaded
    failed: set[str | None] = set()
    for number in range(int(os.environ.get("CLUSTER_KILLS", "2"))):
        for warehouse in loaded:
            deliver(warehouse, DAYS[1], random.Random(SEED + 10 + number))
            warehouse.deliver(DAYS[1])
        whole.call("warehouse.run_day", DAYS[1])
        victim = chance.choice([1, 2])
        killer = threading.Timer(chance.uniform(0, 3), cluster.kill, [victim])
        killer.start()
        try:
            spread.call("warehouse.run_day", DAYS[1])
        except psycopg.Error as error:
            failed.add(error.sqlstate)
        killer.join()
        cluster.servers[victim].start()
        spread.call("warehouse.run_day", DAYS[1])
        same(*loaded)
        while cluster.prepared("loaded"):
            spread.execute("SELECT recover_prepared_transactions()")
    # What Citus says of a worker that is not there.
    assert failed <= {"XX000", "08006", "08000", "08003", "57P01", "57P03"}


VIEWS = ("sales", "orders", "order_lines", "events", "days")


@pytest.fixture
def bi(loaded: tuple[Warehouse, Warehouse]) -> Iterator[psycopg.Connection[Any]]:
    """A login of a BI tool on the cluster."""
    spread = loaded[0]
    spread.execute("CREATE ROLE cluster_bi LOGIN IN ROLE warehouse_bi")
    try:
        with psycopg.connect(spread.dsn, user="cluster_bi", autocommit=True) as connection:
            yield connection
    finally:
        spread.execute("DROP ROLE cluster_bi")


def refused_facts(spread: Warehouse, session: psycopg.Connection[Any]) -> None:
    """Prove that a login reads no fact, and none of their partitions."""
    partition = spread.value(
        "SELECT partition::text FROM warehouse._partitions() WHERE parent = 'warehouse.fact_orders'::regclass LIMIT 1"
    )
    for statement in (
        "SELECT count(*) FROM warehouse.fact_orders",
        "SELECT attributes FROM warehouse.fact_events",
        f"SELECT count(*) FROM {partition}",
        "SELECT count(*) FROM audit.bad_records",
        "SELECT count(*) FROM staging.orders_clean",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(statement)


def test_a_bi_login_reads_the_views_and_no_facts_whatever_was_published_since(
    loaded: tuple[Warehouse, Warehouse], bi: psycopg.Connection[Any]
) -> None:
    spread, whole = loaded

    def same_figures() -> None:
        for view in VIEWS:
            counted = f"SELECT count(*) FROM warehouse.{view}"
            assert bi.execute(counted).fetchone() == (whole.value(counted),), view
        sold = "SELECT city, sum(net_revenue) FROM warehouse.sales GROUP BY city ORDER BY city"
        assert [tuple(row) for row in bi.execute(sold)] == [tuple(row) for row in whole.rows(sold)]
        assert bi.execute("SELECT * FROM warehouse.order_lines").rowcount > 0
        refused_facts(spread, bi)

    same_figures()
    for warehouse in loaded:
        # A day that is swapped, a first load, a month that is merged, and an upgrade that sets the rights anew.
        deliver(warehouse, DAYS[1], random.Random(SEED + 20))
        deliver(warehouse, DAYS[3], random.Random(SEED + 21))
        warehouse.run(DAYS[1])
        warehouse.run(DAYS[3])
        warehouse.call("warehouse.compact_partitions", date(2025, 12, 1))
        warehouse.execute("GRANT SELECT ON audit.bad_records TO warehouse_bi")
        upgrade(warehouse.dsn)
    refused_facts(spread, bi)
    assert spread.value("SELECT count(*) FROM warehouse._partitions() WHERE parent = 'warehouse.fact_orders'::regclass"
                        " AND grain = 'month'") == 1  # fmt: skip
    same_figures()


def test_shards_that_were_moved_get_their_rights_again(
    loaded: tuple[Warehouse, Warehouse], bi: psycopg.Connection[Any]
) -> None:
    spread = loaded[0]
    shard, host, other = spread.rows(
        "SELECT s.shardid, s.nodename, n.nodename AS other FROM citus_shards AS s JOIN pg_dist_node AS n"
        " ON n.groupid <> 0 AND n.nodename <> s.nodename"
        " WHERE s.table_name = 'warehouse.fact_orders'::regclass ORDER BY s.shardid LIMIT 1"
    )[0]
    spread.execute(f"SELECT citus_move_shard_placement({shard}, '{host}', 5432, '{other}', 5432, 'block_writes')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        bi.execute("SELECT count(*) FROM warehouse.sales")
    spread.rows("SELECT * FROM warehouse.distribute()")
    assert bi.execute("SELECT count(*) FROM warehouse.sales").fetchone() == (
        loaded[1].value("SELECT count(*) FROM warehouse.sales"),
    )
    refused_facts(spread, bi)


def test_a_personal_field_closes_the_facts_to_bi_logins_on_every_way(
    loaded: tuple[Warehouse, Warehouse], bi: psycopg.Connection[Any]
) -> None:
    """There are ways around the coordinator: what a shard holds that its view hides must be closed there."""
    spread = loaded[0]
    ways = (
        "SELECT bool_or(success) FROM run_command_on_workers('SELECT count(*) FROM warehouse.fact_orders')",
        "SELECT bool_or(success) FROM"
        " run_command_on_shards('warehouse.fact_orders', 'SELECT count(attributes) FROM %s')",
    )
    personal = ("INSERT INTO staging.fields (source, field, place, kind, on_fault, description)"
                " VALUES ('orders', 'message', 'order', 'text', 'empty', 'x')")  # fmt: skip
    gone = "DELETE FROM staging.fields WHERE field = 'message'"
    spread.execute(personal)
    try:
        spread.rows("SELECT * FROM warehouse.distribute()")  # does not open them
        for way in ways:
            assert bi.execute(way).fetchone() in [(False,), (None,)]  # type: ignore[arg-type]
        for view in ("sales", "orders", "order_lines"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bi.execute(f"SELECT count(*) FROM warehouse.{view}")
        for view in ("events", "days"):  # hide nothing
            bi.execute(f"SELECT count(*) FROM warehouse.{view}")
        assert spread.value("SELECT count(*) FROM warehouse.sales") > 0
    finally:
        spread.execute(gone)
    assert bi.execute("SELECT count(*) FROM warehouse.sales").rowcount == 1


def test_the_reports_login_makes_the_report_and_reads_no_facts(
    loaded: tuple[Warehouse, Warehouse], tmp_path: Path
) -> None:
    spread, whole = loaded
    spread.execute("CREATE ROLE cluster_reporter LOGIN IN ROLE warehouse_reporter")
    try:
        dsn = spread.dsn.replace("postgres@", "cluster_reporter@")
        made = subprocess.run(
            [sys.executable, "-m", "glue", "report", str(tmp_path / "report")],
            env=os.environ | {"WAREHOUSE_DSN": dsn}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert (tmp_path / "report" / "index.html").exists()
        with psycopg.connect(dsn, autocommit=True) as reporter:
            for kind in ("category", "city", "source"):
                asked = f"SELECT * FROM warehouse.daily_sales_by('{kind}', '{DAYS[0]}', '{DAYS[-1]}') ORDER BY 1, 2"
                assert [tuple(row) for row in reporter.execute(asked)] == [tuple(row) for row in whole.rows(asked)]
            refused_facts(spread, reporter)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reporter.execute("SELECT count(*) FROM warehouse.sales")
            ways = "SELECT bool_or(success) FROM run_command_on_workers('SELECT count(*) FROM warehouse.fact_orders')"
            assert reporter.execute(ways).fetchone() == (False,)
    finally:
        spread.execute("DROP ROLE cluster_reporter")


def test_where_not_everybody_may_connect_an_upgrade_lets_the_nodes_roles_in(
    loaded: tuple[Warehouse, Warehouse], cluster: Cluster
) -> None:
    spread, whole = loaded
    names = ("warehouse_owner", "warehouse_checker")
    spread.execute("REVOKE CONNECT ON DATABASE loaded FROM PUBLIC")
    try:
        upgrade(spread.dsn)
        for server in cluster.servers:
            with psycopg.connect(server.dsn("loaded")) as connection:
                for role in (*names, "warehouse_bi"):
                    may = connection.execute("SELECT has_database_privilege(%s, 'loaded', 'CONNECT')", [role])
                    assert may.fetchone() == (role in names,), role
        for warehouse in loaded:
            deliver(warehouse, DAYS[2], random.Random(SEED + 30))
            warehouse.run(DAYS[2])
        same(spread, whole)
    finally:
        spread.execute("GRANT CONNECT ON DATABASE loaded TO PUBLIC")
        spread.execute(f"REVOKE CONNECT ON DATABASE loaded FROM {', '.join(names)}")
