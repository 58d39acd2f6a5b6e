"""The same procedures on a Citus cluster: whatever is done, it holds what one server holds.

    CITUS_BINDIR=/…/bin pytest --pg=citus tests/cluster
    CLUSTER_SEED=123 CLUSTER_TURNS=50 CITUS_BINDIR=… pytest --pg=citus tests/cluster      the same reloads, or more

A handful of orders, events and users, so that days contest them.
"""

import os
import random
import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

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
