"""A PostgreSQL server of our own with the settings that we ship, and what work on it costs."""

import contextlib
import os
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import psycopg
from psycopg import sql

from embedded.server import EmbeddedServer
from ops.migrate import upgrade

PROJECT = Path(__file__).resolve().parent.parent
SYSTEM_BINARIES = "/usr/lib/postgresql/{}/bin"
TICKS = os.sysconf("SC_CLK_TCK")
NANOSECONDS = 1e9
# Work that goes on behind: not part of a step, and told apart.
BEHIND = re.compile(r"checkpointer|background writer|walwriter|autovacuum|archiver|logger|logical replication launcher")
WATCH_SECONDS = 0.1


class BenchError(Exception):
    """Something that was to be measured went wrong."""


@dataclass(frozen=True)
class Cost:
    """What a step costs. Seconds, bytes; `behind` is what checkpointer, WAL writer and autovacuum did meanwhile."""

    wall: float = 0
    client: float = 0
    server: float = 0
    behind: float = 0
    wal: int = 0
    temporary: int = 0
    rss: int = 0

    @property
    def cpu(self) -> float:
        """Seconds of CPU of client and backends."""
        return self.client + self.server

    def __add__(self, other: "Cost") -> "Cost":
        summed = [getattr(self, field.name) + getattr(other, field.name) for field in fields(self)[:-1]]
        return Cost(*summed, max(self.rss, other.rss))

    def as_dict(self) -> dict[str, float]:
        """Return it for a JSON file."""
        return {field.name: round(getattr(self, field.name), 4) for field in fields(self)} | {"cpu": round(self.cpu, 4)}


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(statistics.median(getattr(cost, field.name) for cost in costs) for field in fields(Cost)))


class Server:
    """The server that is measured."""

    def __init__(self, folder: Path, *, pg: str = "wheel", settings: Mapping[str, str] | None = None) -> None:
        bindir = None if pg == "wheel" else Path(SYSTEM_BINARIES.format(pg))
        self._server = EmbeddedServer(folder, bindir=bindir, settings=settings)
        self._watched: dict[int, float] = {}
        self._gone = 0.0

    def __enter__(self) -> "Server":
        self._server.start()
        self.pid = int((self._server.data / "postmaster.pid").read_text().split()[0])
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopping.set()
        self._watcher.join()
        self._server.stop()

    @property
    def log(self) -> Path:
        """The server's log."""
        return self._server.log

    def dsn(self, dbname: str = "postgres") -> str:
        """Return how a database is reached."""
        return self._server.dsn(dbname)

    def version(self) -> str:
        """Return the server's version."""
        with self.connect() as connection:
            return connection.execute("SHOW server_version").fetchone()[0]

    def connect(self, dbname: str = "postgres") -> psycopg.Connection:
        """Return an autocommit connection in UTC."""
        return psycopg.connect(self.dsn(dbname), autocommit=True, options="-c timezone=UTC")

    @contextlib.contextmanager
    def database(self, name: str, template: str = "template0", *, keep: bool = False) -> Iterator[str]:
        """Make a database, and drop it at the end unless it is to be kept."""
        with self.connect() as connection:
            self._drop(connection, name)
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        try:
            yield name
        finally:
            if not keep:
                with self.connect() as connection:
                    self._drop(connection, name)

    def _drop(self, connection: psycopg.Connection, name: str) -> None:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def warehouse(self, name: str = "bench_warehouse", *, keep: bool = False) -> Iterator[str]:
        """Make an empty, migrated warehouse."""
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'bench_template'").fetchone()
        if not known:
            with self.database("bench_template", keep=True):
                upgrade(self.dsn("bench_template"))
        with self.database(name, "bench_template", keep=keep):
            yield name

    def forget_template(self) -> None:
        """Have the next warehouse migrated anew: the product may have changed since the last run."""
        with self.connect() as connection:
            self._drop(connection, "bench_template")

    # -- CPU -------------------------------------------------------------------------------------

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds of all backends until now, and those of the processes behind."""
        whole = behind = 0.0
        for pid, seconds, name in self._children():
            whole += seconds
            if BEHIND.search(name):
                behind += seconds
                self._watched[pid] = seconds
        # What has ended (backends, parallel workers) was waited for by the postmaster.
        stat = _stat(self.pid)
        whole += sum(map(int, stat[11:15])) / TICKS
        return whole - behind - self._gone, behind + self._gone

    def _children(self) -> Iterator[tuple[int, float, str]]:
        for pid in map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()):
            with contextlib.suppress(OSError):
                on_cpu = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / NANOSECONDS
                yield pid, on_cpu, Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")

    def _watch(self) -> None:
        """Keep in mind what autovacuum's workers did until they ended."""
        while not self._stopping.wait(WATCH_SECONDS):
            alive = set()
            for pid, seconds, name in self._children():
                alive.add(pid)
                if BEHIND.search(name):
                    self._watched[pid] = seconds
            for pid in set(self._watched) - alive:
                self._gone += self._watched.pop(pid)

    # -- measuring -------------------------------------------------------------------------------

    def measure(self, dbname: str, work: Callable[[], "Cost | None"]) -> Cost:
        """Return what work costs on a database. What it returns is what its own processes used."""
        with self.connect(dbname) as watching:
            own = _own_cpu()
            cpu, behind = self.cpu()
            wal, temporary = self._written(watching)
            began = time.perf_counter()
            of_processes = work() or Cost()
            wall = time.perf_counter() - began
            cpu_after, behind_after = self.cpu()
            own_after = _own_cpu()
            wal_after, temporary_after = self._written(watching)
        return Cost(
            wall,
            of_processes.client or own_after - own,
            cpu_after - cpu,
            behind_after - behind,
            wal_after - wal,
            temporary_after - temporary,
            of_processes.rss,
        )

    def _written(self, connection: psycopg.Connection) -> tuple[int, int]:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        return connection.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,"
            " (SELECT sum(temp_bytes)::bigint FROM pg_stat_database)"
        ).fetchone()

    def settle(self) -> None:
        """Have what was written before written out, so that nobody pays for it later."""
        with self.connect() as connection:
            connection.execute("CHECKPOINT")


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = PROJECT
) -> tuple[Cost, str]:
    """Run a program and return what it cost as a client, and what it said. Raises BenchError."""
    # Where Python is told not to keep what it compiles, as in containers, each start would pay for all of it.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})}
    with subprocess.Popen(
        [os.fspath(part) for part in command], cwd=cwd, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{said[-3000:]}")
    return Cost(client=used.ru_utime + used.ru_stime, rss=used.ru_maxrss * 1024), said


def python(*arguments: str | Path, env: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run a module of ours: a process of its own, so that its memory and CPU are its own."""
    return run([sys.executable, *arguments], env=env)
