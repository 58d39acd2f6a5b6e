"""A Citus cluster of three servers on this machine: a coordinator and two workers, connected by Unix sockets.

`pytest --pg=citus tests/cluster` runs these tests where there is a server with the extension: in the folder
CITUS_BINDIR (that of initdb), or one of this machine's. Everywhere else they are skipped, and say why.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import namedtuple_row

from embedded.server import EmbeddedServer
from ops.migrate import upgrade
from tests.conftest import TEST_SETTINGS, Warehouse, citus_bindir, reachable_folder
from tests.nodes import Cluster
from tests.promises import RULES_OFF
from tests.shop import Landing

CLUSTER_SETTINGS = TEST_SETTINGS | {
    "shared_preload_libraries": "citus",
    "max_prepared_transactions": "100",
    "wal_level": "logical",
    "shared_buffers": "64MB",
    # A worker that was killed is back within this time, or the statement fails.
    "citus.node_connection_timeout": "10000",
    "citus.recover_2pc_interval": "1s",
    "citus.enable_statistics_collection": "off",
}


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """The cluster of this run."""
    if pytestconfig.getoption("--pg") != "citus":
        pytest.skip("a cluster is tried by: pytest --pg=citus tests/cluster")
    bindir = citus_bindir()
    if bindir is None:
        pytest.skip("no PostgreSQL server here has the extension citus; CITUS_BINDIR names its folder of initdb")
    folder = reachable_folder("cluster")
    servers = []
    for name in ("coordinator", "worker1", "worker2"):
        # Moving a shard, a node connects to itself.
        itself = {"citus.local_hostname": str(EmbeddedServer(folder / name).socket_directory)}
        servers.append(EmbeddedServer(folder / name, bindir=bindir, settings=CLUSTER_SETTINGS | itself))
    try:
        for server in servers:
            server.start()
        yield Cluster(servers, bindir)
    finally:
        for server in servers:
            server.stop()


def opened(dsn: str, folder: Path) -> Warehouse:
    """Return the handle of a warehouse, with its shares of rules off: days are small here."""
    made = Warehouse(dsn=dsn, connection=None, landing=Landing(folder))  # type: ignore[arg-type]
    made.connection = psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row, prepare_threshold=None)
    made.opened.append(made.connection)
    made.execute(RULES_OFF)
    return made


@pytest.fixture(scope="module")
def on_cluster(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Warehouse]]:
    """`on_cluster(name)`: an empty warehouse, migrated, not yet distributed."""
    made: dict[str, Warehouse] = {}

    def make(name: str) -> Warehouse:
        dsn = cluster.make(name)
        upgrade(dsn)
        made[name] = opened(dsn, tmp_path_factory.mktemp(name))
        return made[name]

    yield make
    for name, warehouse in made.items():
        for connection in warehouse.opened:
            connection.close()
        cluster.drop(name)


@pytest.fixture(scope="module")
def on_one_server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Warehouse]]:
    """`on_one_server(name)`: an empty warehouse in a database without Citus, on the coordinator's server."""
    made: dict[str, Warehouse] = {}

    def make(name: str) -> Warehouse:
        with psycopg.connect(cluster.servers[0].dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        dsn = cluster.servers[0].dsn(name)
        upgrade(dsn)
        made[name] = opened(dsn, tmp_path_factory.mktemp(name))
        return made[name]

    yield make
    for name, warehouse in made.items():
        for connection in warehouse.opened:
            connection.close()
        with psycopg.connect(cluster.servers[0].dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def program(cluster: Cluster) -> Callable[..., Any]:
    """`program("pg_dump", …)`: run one of the cluster's programs; return what it printed, as bytes."""

    def run(name: str, *arguments: str) -> bytes:
        return subprocess.run([cluster.bindir / name, *arguments], check=True, capture_output=True).stdout

    return run
