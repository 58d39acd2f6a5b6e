"""A streaming replica for readers (docs/how-to/read-from-a-replica.md): BI reads there while days load."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pytest

from embedded.accounts import run_as, server_user
from embedded.server import EmbeddedServer
from ops.migrate import upgrade
from tests.conftest import TEST_SETTINGS, Warehouse, reachable_folder, server_bindir
from tests.promises import RULES_OFF
from tests.shop import Landing, checksums, event, order

# How WAL is replayed is PostgreSQL's own affair, the same in 15 to 18.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("replica")]
FIRST, SECOND, THIRD = date(2025, 12, 1), date(2025, 12, 2), date(2025, 12, 3)
PATIENCE_SECONDS = 60
SETTINGS = TEST_SETTINGS | {
    "shared_buffers": "64MB",
    "max_wal_senders": "4",
    "hot_standby_feedback": "on",
    # What is committed has been handed to the replica, or will be at once.
    "synchronous_commit": "on",
}
REVENUE = "SELECT load_date, sum(revenue) FROM warehouse.fact_orders GROUP BY load_date ORDER BY load_date"
# What docs/how-to/read-from-a-replica.md tells to look at.
BEHIND = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())"


@dataclass
class Replicated:
    """A warehouse, and its replica."""

    primary: Warehouse
    replica: EmbeddedServer

    def read(self, role: str | None = "warehouse_bi") -> psycopg.Connection[Any]:
        """Return a connection to the replica, in a transaction from its first statement on."""
        return psycopg.connect(
            self.replica.dsn(), options=f"-c role={role} -c default_transaction_isolation=repeatable\\ read"
        )

    def wait(self) -> None:
        """Wait until the replica has replayed what the primary has written."""
        reached = self.primary.value("SELECT pg_current_wal_flush_lsn()::text")
        self.wait_for(f"SELECT pg_last_wal_replay_lsn() >= '{reached}'")

    def wait_for(self, condition: str) -> None:
        """Wait until something is so on the replica."""
        until = time.monotonic() + PATIENCE_SECONDS
        with psycopg.connect(self.replica.dsn(), autocommit=True) as connection:
            while not connection.execute(condition).fetchone()[0]:  # type: ignore[arg-type, index]
                assert time.monotonic() < until, condition
                time.sleep(0.02)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the replica."""
        with psycopg.connect(self.replica.dsn(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
        self.wait_for(f"SELECT current_setting('{name}') = '{value}'")

    def load(self, day: date, quantity: int) -> None:
        """Deliver a day of forty orders, all of them other than before, and run it."""
        warehouse = self.primary
        warehouse.landing.orders(day, [order(f"O-{day}-{n}", day, quantity=quantity) for n in range(40)])
        warehouse.landing.events(day, [event(f"E-{day}-{n}", day) for n in range(40)])
        warehouse.run(day)


@pytest.fixture(scope="module")
def replicated(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    """A primary with one day, and a replica made of it by pg_basebackup."""
    folder = reachable_folder("replica")
    bindir = server_bindir(pytestconfig)
    primary = EmbeddedServer(folder / "primary", bindir=bindir, settings=SETTINGS)
    replica = EmbeddedServer(folder / "replica", bindir=bindir, settings=SETTINGS)
    backup = primary.binaries() / "pg_basebackup"
    if not backup.exists():
        pytest.skip(f"this server came without pg_basebackup: {backup}")
    primary.start()
    try:
        upgrade(primary.dsn())
        landing = Landing(tmp_path_factory.mktemp("replica"))
        warehouse = Warehouse(dsn=primary.dsn(), connection=None, landing=landing)  # type: ignore[arg-type]
        warehouse.connection = warehouse.connect()
        warehouse.execute(RULES_OFF)
        made = Replicated(warehouse, replica)
        made.load(FIRST, 1)
        user = server_user()
        replica.directory.mkdir(mode=0o700)
        if os.geteuid() != user.pw_uid:
            os.chown(replica.directory, user.pw_uid, user.pw_gid)
        told = run_as(
            user,
            [backup, "-h", str(primary.socket_directory), "-p", "5432", "-U", "postgres", "-D", replica.data,
             "--write-recovery-conf", "--checkpoint=fast", "--create-slot", "--slot=bi", "--no-sync"],
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        replica.start()
        yield made
        for connection in warehouse.opened:
            connection.close()
    finally:
        replica.stop()
        primary.stop()


def test_a_replica_holds_what_the_primary_holds_and_takes_no_change(replicated: Replicated) -> None:
    replicated.load(SECOND, 1)
    replicated.wait()
    with replicated.read(role="none") as connection:
        assert checksums(connection) == checksums(replicated.primary.connection)
    with replicated.read() as bi:
        assert bi.execute("SELECT count(*) FROM warehouse.sales").fetchone() == (80,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            bi.execute("CREATE TEMPORARY TABLE mine (id integer)")


def test_a_new_day_waits_for_no_reader_of_the_replica_and_ends_none(replicated: Replicated) -> None:
    replicated.set("max_standby_streaming_delay", "0")  # whoever is in the way is ended at once
    with replicated.read("none") as reader:
        before = reader.execute(REVENUE).fetchall()
        replicated.load(THIRD, 1)
        replicated.primary.execute("VACUUM warehouse.dim_user, warehouse.dim_product, warehouse.daily_metrics")
        replicated.wait()
        assert reader.execute(REVENUE).fetchall() == before
    with replicated.read("none") as reader:
        assert len(reader.execute(REVENUE).fetchall()) == len(before) + 1


def test_a_day_that_is_swapped_waits_for_a_reader_of_the_replica_as_long_as_it_may(replicated: Replicated) -> None:
    replicated.set("max_standby_streaming_delay", "-1")
    with replicated.read("none") as reader:
        before = reader.execute(REVENUE).fetchall()
        replicated.load(FIRST, 2)  # all rows changed: a swap, under a lock that the replica has to take, too
        replicated.wait_for(f"{BEHIND.replace('SELECT', 'SELECT 0 <')}")
        # The reader sees what it saw; the replica falls behind, for everybody; the primary waits for nobody.
        assert reader.execute(REVENUE).fetchall() == before
    replicated.wait()
    with replicated.read("none") as reader:
        assert reader.execute(REVENUE).fetchall() != before
        assert reader.execute(REVENUE).fetchall() == [tuple(row) for row in replicated.primary.rows(REVENUE)]


def test_a_reader_who_is_in_the_way_of_a_swap_for_too_long_is_told_so(replicated: Replicated) -> None:
    replicated.set("max_standby_streaming_delay", "0")
    ended = "SELECT confl_lock FROM pg_stat_database_conflicts WHERE datname = current_database()"
    with psycopg.connect(replicated.replica.dsn(), autocommit=True) as connection:
        was = connection.execute(ended).fetchone()[0]  # type: ignore[index]
    reader = replicated.read("none")
    reader.execute(REVENUE).fetchall()
    replicated.load(SECOND, 3)
    replicated.wait()
    # Asked again, a reader gets the new figures: BI tools do so when someone presses the button.
    with pytest.raises(psycopg.errors.SerializationFailure, match="conflict with recovery"):
        reader.execute(REVENUE).fetchall()
    reader.close()
    replicated.wait_for(f"{ended.replace('confl_lock', f'confl_lock > {was}')}")
    with replicated.read("none") as again:
        assert again.execute(REVENUE).fetchall() == [tuple(row) for row in replicated.primary.rows(REVENUE)]


def test_the_primary_says_how_far_each_replica_is(replicated: Replicated) -> None:
    replicated.set("max_standby_streaming_delay", "30s")
    replicated.wait()
    seen = replicated.primary.row(
        "SELECT s.slot_name, s.active, r.state"
        " FROM pg_replication_slots s JOIN pg_stat_replication r ON r.pid = s.active_pid"
    )
    assert tuple(seen) == ("bi", True, "streaming")
