"""The servers of a Citus cluster, for tests/cluster."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from embedded.server import EmbeddedServer


@dataclass
class Cluster:
    """Three servers; the first is the coordinator."""

    servers: list[EmbeddedServer]
    bindir: Path

    def make(self, name: str) -> str:
        """Make an empty database on every node, and of the first the coordinator of the others. Return its DSN."""
        for server in self.servers:
            with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            with psycopg.connect(server.dsn(name), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION citus")
        coordinator, *workers = self.servers
        with psycopg.connect(coordinator.dsn(name), autocommit=True) as connection:
            connection.execute("SELECT citus_set_coordinator_host(%s, 5432)", [str(coordinator.socket_directory)])
            for worker in workers:
                connection.execute("SELECT citus_add_node(%s, 5432)", [str(worker.socket_directory)])
        return coordinator.dsn(name)

    def drop(self, name: str) -> None:
        """Drop a database on every node."""
        for server in self.servers:
            with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def kill(self, number: int) -> None:
        """End a server as a failing machine would: without a word to anybody."""
        server = self.servers[number]
        pid = int((server.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        os.kill(pid, 9)
        while server.is_running() or Path("/proc", str(pid)).exists():
            time.sleep(0.05)

    def prepared(self, name: str) -> int:
        """Return the number of transactions that are prepared on any node, and neither committed nor rolled back."""
        count = 0
        for server in self.servers:
            with psycopg.connect(server.dsn(name), autocommit=True) as connection:
                row = connection.execute(
                    "SELECT count(*) FROM pg_prepared_xacts WHERE database = %s", [name]
                ).fetchone()
                count += row[0] if row else 0
        return count
