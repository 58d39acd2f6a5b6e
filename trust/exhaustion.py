"""Takes away from a warehouse what it needs, a day at a time: disk, connections, locks, time, its client, its network,
its API; then gives it back and runs the day again.

    python -m trust.exhaustion --seed 1 --count 60        (make exhaustion SEED=1 COUNT=60)

Each time the command has to end with an error in words, without a traceback, and leave nothing half done; the next run
has to heal the day. In the end the warehouse equals one that was left alone, checksum by checksum. The server is one
of its own, on a small file system of its own.
"""

import argparse
import contextlib
import json
import os
import random
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg

from embedded.server import EmbeddedServer
from glue.errors import GlueError
from glue.extract import extract
from glue.products import ProductsApi
from tests.api import Answer, gives, serve
from tests.conftest import SYSTEM_BINARIES, TEST_SETTINGS, Warehouse, migrate, new_warehouse, reachable_folder
from tests.promises import RULES_OFF, broken_promises
from tests.shop import checksums, events, orders, product
from trust.command import Ended, command

PROJECT = Path(__file__).parents[1]
FIRST_DAY = date(2025, 3, 1)
DISK_BYTES = 400 << 20
PATIENCE = 120  # seconds for a state that has to come
SETTINGS = {
    **TEST_SETTINGS, "max_connections": "12", "shared_buffers": "32MB", "max_wal_size": "64MB", "min_wal_size": "32MB",
    "autovacuum": "off",
}  # fmt: skip


class NotAllowed(Exception):
    """This machine lets us mount no file system."""


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Yield a small file system of its own, in memory. Raises NotAllowed."""
    folder = reachable_folder("exhaustion")
    options = f"size={DISK_BYTES},mode=755"
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
        )
        reason = done.stderr.decode().strip() if done.returncode else ""
    except OSError as error:
        reason = str(error)
    if reason:
        folder.rmdir()
        raise NotAllowed(f"no file system of its own: {reason}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def left_free(disk: Path, size: int) -> Iterator[None]:
    """Leave that many bytes of a disk free."""

    def shrink() -> bool:
        # The server writes meanwhile: what was free when it was asked may be used when it is to be taken away.
        found = os.statvfs(disk)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        return _resize(disk, used + size)

    wait_for(shrink)
    try:
        yield
    finally:
        assert _resize(disk, DISK_BYTES)


def _resize(disk: Path, size: int) -> bool:
    """Give a disk another size; return whether that was possible."""
    done = subprocess.run(["mount", "-o", f"remount,size={size}", disk], capture_output=True, check=False)
    return done.returncode == 0


def wait_for(question: Callable[[], Any]) -> Any:
    """Ask until the answer is true; return it."""
    end = time.monotonic() + PATIENCE
    while not (answer := question()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
    return answer


# -- a network that breaks ---------------------------------------------------------------------------------


class Network(threading.Thread):
    """Carries bytes from a socket of its own to a server's, up to a number of bytes; then it cuts, or goes silent."""

    def __init__(self, server: Path, *, most: int | None = None, silent: bool = False) -> None:
        super().__init__(daemon=True)
        self.folder = Path(tempfile.mkdtemp(prefix="network-"))
        self.server = server / ".s.PGSQL.5432"
        self.most, self.silent = most, silent
        self.carried = 0
        self.broke = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._ends: list[socket.socket] = []

    def __enter__(self) -> "Network":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.join()
        for end in self._ends:
            end.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self) -> None:
        carriers = []
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(str(self.server))
                self._ends += [here, there]
                carriers.append(threading.Thread(target=self._carry, args=(here, there), daemon=True))
                carriers[-1].start()
        for carrier in carriers:
            carrier.join()

    def _carry(self, here: socket.socket, there: socket.socket) -> None:
        with selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(here, selectors.EVENT_READ, there)
            selector.register(there, selectors.EVENT_READ, here)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(1 << 12)  # type: ignore[union-attr]
                    if data and self.most is not None and self.carried + len(data) > self.most:
                        self.broke.set()
                        if self.silent:
                            return
                        data = b""
                    if not data:
                        for end in (here, there):
                            end.shutdown(socket.SHUT_RDWR)
                        return
                    key.data.sendall(data)
                    self.carried += len(data)


# -- what is under siege -----------------------------------------------------------------------------------


@dataclass
class Siege:
    """A server on a small disk, a warehouse that is attacked, and one that is left alone."""

    server: EmbeddedServer
    disk: Path
    no_disk: str  # why there is none, if there is none
    warehouse: Warehouse
    untouched: Warehouse
    day: date = FIRST_DAY
    compared: date = FIRST_DAY
    faults: list[str] = field(default_factory=list)
    survived: list[str] = field(default_factory=list)

    def put(self) -> None:
        """Deliver the next day to both: files, and a catalogue now and then."""
        self.day += timedelta(days=1)
        for one in (self.warehouse, self.untouched):
            one.landing.orders(self.day, orders(300, self.day), "orders.ndjson")
            one.landing.events(self.day, events(600, self.day))
            one.landing.products(self.day, [product(f"P-{n}", brand=str(self.day)) for n in range(30)])

    def run(self, dsn: str | None = None) -> Ended:
        """Run the day."""
        return command(dsn or self.warehouse.dsn, self.warehouse.landing.folder, "run", str(self.day))

    def attack(
        self, name: str, breaking: AbstractContextManager[Any], expected: str, run: Callable[..., Ended]
    ) -> None:
        """Run a day that cannot succeed; then look at what is left of it, and run it again."""
        with breaking as broken:
            ended = run(broken)
        if ended.code == 0 and not expected:
            pass  # there was room enough
        elif ended.code != 1 or "Traceback" in ended.said or not re.search(expected or "error: ", ended.said):
            self.faults.append(f"{name}: ended with {ended.code}: {ended.said[-1000:]}")
        self.server.start()
        for one in (self.warehouse, self.untouched):  # the server may have been down
            one.connection.close()
            one.connection = one.connect()
        # A server notices that its client is gone when it next writes or reads.
        wait_for(lambda: not self.warehouse.rows("SELECT FROM pg_stat_activity WHERE application_name = 'glue'"))
        self.nothing_half_done(name)
        ended = self.run()
        if ended.code != 0:
            self.faults.append(f"{name}: the next run ended with {ended.code}: {ended.said[-1000:]}")
        self.survived.append(name)

    def nothing_half_done(self, name: str) -> None:
        """Note what a run that died has left behind."""
        rows = self.warehouse.rows
        half = rows(
            """
            SELECT l.file_name, l.row_count, r.rows FROM raw.file_loads l
            FULL JOIN (
                SELECT load_id, count(*) AS rows FROM (
                    SELECT load_id FROM raw.orders_json UNION ALL SELECT load_id FROM raw.events_csv
                    UNION ALL SELECT load_id FROM raw.products_json) AS a GROUP BY load_id
            ) AS r USING (load_id)
            WHERE l.row_count IS DISTINCT FROM r.rows
            """
        )
        self.faults += [f"{name}: a delivery is half loaded: {row}" for row in half]
        left = rows("SELECT oid::regclass::text AS name FROM pg_class WHERE relpersistence = 't'")
        left += rows("SELECT locktype AS name FROM pg_locks WHERE locktype = 'advisory'")
        left += rows(
            "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relname ~ '_p_[0-9_]+' AND NOT c.relispartition AND c.relkind = 'r'"
            " AND n.nspname IN ('raw', 'staging', 'warehouse')"
        )
        self.faults += [f"{name}: left behind: {row.name}" for row in left]
        for promise, found in broken_promises(self.warehouse.connection, half=[self.day]).items():
            self.faults.append(f"{name}: a promise is broken: {promise}: {found[:3]}")

    def compare(self) -> None:
        """Run all days in the warehouse that is left alone, and note what is different."""
        days = ("--from", str(self.compared), "--to", str(self.day))
        ended = command(self.untouched.dsn, self.untouched.landing.folder, "run", *days)
        assert ended.code == 0, ended.said
        self.compared = self.day
        found, wanted = (
            checksums(one.connection, ["raw", "staging", "warehouse"]) for one in (self.warehouse, self.untouched)
        )
        self.faults += [
            f"{name}: {found[name]}, untouched {wanted[name]}" for name in wanted if found[name] != wanted[name]
        ]
        for promise, rows in broken_promises(self.warehouse.connection).items():
            self.faults.append(f"a promise is broken: {promise}: {rows[:3]}")

    # -- the attacks -----------------------------------------------------------------------------------

    def disk_full(self, free: int, *, expected: str = r"\(53100\)|connection") -> None:
        """So many bytes are left; in the end PostgreSQL may have given up for want of its log."""
        self.put()
        self.attack(f"disk full, {free} bytes free", left_free(self.disk, free), expected, lambda _: self.run())

    def wal_full(self) -> None:
        """There is no room for the log: PostgreSQL gives up, and cannot come back before there is some."""

        @contextlib.contextmanager
        def breaking() -> Iterator[None]:
            with left_free(self.disk, 0), contextlib.suppress(psycopg.Error):
                for _ in range(100):  # until the segments that are there are used up
                    self.warehouse.execute("SELECT pg_logical_emit_message(false, 'x', 'x'), pg_switch_wal()")
                raise AssertionError("the log never filled up")
            with left_free(self.disk, 0):
                yield

        self.put()
        self.attack("disk full, no room for the log", breaking(), "error: ", lambda _: self.run())

    def no_connections(self) -> None:
        """Every connection is taken."""

        @contextlib.contextmanager
        def breaking() -> Iterator[None]:
            with ExitStack() as stack:
                with contextlib.suppress(psycopg.OperationalError):
                    while True:
                        stack.enter_context(contextlib.closing(psycopg.connect(self.warehouse.dsn)))
                yield

        self.put()
        self.attack("max_connections", breaking(), "too many clients already", lambda _: self.run())

    def no_locks(self, free: int) -> None:
        """The lock table has room for so many more."""

        @contextlib.contextmanager
        def breaking() -> Iterator[None]:
            with contextlib.closing(psycopg.connect(self.warehouse.dsn, autocommit=True)) as connection:
                taken = 0
                with contextlib.suppress(psycopg.errors.OutOfMemory):
                    while True:
                        connection.execute("SELECT pg_advisory_lock(42, %s)", (taken,))
                        taken += 1
                for number in range(min(free, taken)):
                    connection.execute("SELECT pg_advisory_unlock(42, %s)", (number,))
                yield

        self.put()
        self.attack(f"lock table, {free} left", breaking(), "out of shared memory", lambda _: self.run())

    def statement_timeout(self, table: str) -> None:
        """Somebody holds a table for longer than a statement may take."""

        @contextlib.contextmanager
        def breaking() -> Iterator[str]:
            with contextlib.closing(psycopg.connect(self.warehouse.dsn)) as connection:
                connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
                yield psycopg.conninfo.make_conninfo(self.warehouse.dsn, options="-c statement_timeout=1s")

        self.put()
        self.attack(
            f"statement_timeout on {table}", breaking(), "canceling statement due to statement timeout", self.run
        )

    def network(self, most: int) -> Network:
        return Network(self.server.socket_directory, most=most)

    def cut(self, share: float) -> None:
        """The network is cut when this share of a run's bytes went through."""
        self.put()
        most = int(self.bytes_of_a_run * share)

        def run(network: Network) -> Ended:
            ended = self.run(psycopg.conninfo.make_conninfo(self.warehouse.dsn, host=str(network.folder)))
            if not network.broke.is_set():
                self.faults.append(f"network cut after {most} bytes: it never was")
            return ended

        self.attack(f"network cut after {most} bytes", self.network(most), "error: |failed", run)

    def kill(self, share: float) -> None:
        """The client is killed when this share of a run's bytes went through, in the middle of what it does."""
        self.put()
        most = int(self.bytes_of_a_run * share)

        def run(network: Network) -> Ended:
            environment = os.environ | {
                "WAREHOUSE_DSN": psycopg.conninfo.make_conninfo(self.warehouse.dsn, host=str(network.folder)),
                "LANDING_URL": str(self.warehouse.landing.folder),
            }
            arguments = [sys.executable, "-m", "glue", "run", str(self.day)]
            with subprocess.Popen(arguments, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL) as process:
                broke = network.broke.wait(PATIENCE)
                process.kill()
            if not broke or process.returncode != -signal.SIGKILL:
                self.faults.append(f"client killed after {most} bytes: it was not")
            return Ended(1, "", "error: killed")

        network = Network(self.server.socket_directory, most=most, silent=True)
        self.attack(f"client killed after {most} bytes", network, "error: ", run)

    @property
    def bytes_of_a_run(self) -> int:
        """How many bytes go through the network when a day like the others is run."""
        if not self._bytes:
            with Network(self.server.socket_directory) as network:
                ended = self.run(psycopg.conninfo.make_conninfo(self.warehouse.dsn, host=str(network.folder)))
            assert ended.code == 0, ended.said
            self._bytes = network.carried
            self.put()
        return self._bytes

    _bytes: int = 0

    def api(self, name: str, answer: Answer, expected: str) -> None:
        """The API answers like this, then as it should."""
        self.put()
        for one in (self.warehouse, self.untouched):
            one.landing.remove("products", self.day, "products.json")
        catalogue = [product(f"P-{n}", brand=f"API of {self.day}") for n in range(30)]

        def fetch(one: Warehouse, url: str) -> Ended:
            impatient = ProductsApi(
                url,
                connect_seconds=5,
                read_seconds=0.3,
                whole_seconds=20,
                first_wait_seconds=0.01,
                attempts=2,
                most_pages=20,
            )
            said: list[str] = []
            try:
                landing = str(one.landing.folder)
                extract(
                    "products", self.day, dsn=one.dsn, landing=landing, api=impatient, refresh=True, say=said.append
                )
            except GlueError as error:
                return Ended(1, "\n".join(said), f"error: {error}")
            return Ended(0, "\n".join(said), "")

        with contextlib.contextmanager(serve)() as api:
            api.at("/products", answer)
            self.attack(
                f"API that {name}", contextlib.nullcontext(), expected, lambda _: fetch(self.warehouse, api.url)
            )
            api.at("/products", gives(json.dumps(catalogue, default=str).encode()))
            for one in (self.warehouse, self.untouched):
                ended = fetch(one, api.url)
                assert ended.code == 0, ended.said
        ended = self.run()
        assert ended.code == 0, ended.said


def stalls(request: Any) -> None:
    """Say nothing for a while."""
    time.sleep(1)


def half_a_page(request: Any) -> None:
    """Promise more than there comes."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'[{"product_id": "P-1"}, {"prod')
    request.close_connection = True


def never_ends(request: Any) -> None:
    """Name another page each time."""
    page = int(request.path.rpartition("=")[2]) if "=" in request.path else 0
    gives({"products": [{"product_id": f"P-{page}"}], "next": f"/products?page={page + 1}"})(request)


REPEATS = gives({"products": [{"product_id": "P-1"}], "next": "/products?page=1"})
APIS = {
    "stalls": (stalls, "it took too long, 2 times"),
    "answers half a page": (half_a_page, "no whole answer"),
    "repeats a page": (REPEATS, "the same page as before"),
    "never ends": (never_ends, "its pages do not end"),
}


@contextlib.contextmanager
def siege(bindir: Path | None) -> Iterator[Siege]:
    """Yield a siege on the PostgreSQL of this folder, else on the wheel's. Without a disk of its own where that is not
    allowed: `no_disk` says why."""
    with ExitStack() as stack:
        no_disk = ""
        try:
            disk = stack.enter_context(small_disk())
        except NotAllowed as error:
            no_disk = str(error)
            disk = reachable_folder("exhaustion")
            stack.callback(shutil.rmtree, disk, ignore_errors=True)
        server = stack.enter_context(EmbeddedServer(disk / "server", bindir=bindir, settings=SETTINGS))
        template = SimpleNamespace(
            host=str(server.socket_directory), port=5432, user="postgres", template_dbname="template"
        )
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        migrate(host=template.host, port=template.port, user=template.user, dbname="template")
        landing = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        warehouse, untouched = (stack.enter_context(new_warehouse(template, landing)) for _ in range(2))
        for one in (warehouse, untouched):
            one.execute(RULES_OFF)
        yield Siege(server, disk, no_disk, warehouse, untouched)


def main() -> int:
    """Attack as often as asked; print what was survived, and faults. Return 0 if there is no fault."""
    parser = argparse.ArgumentParser(
        prog="python -m trust.exhaustion", description=(__doc__ or "").partition("\n\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed attacks in the same places")
    parser.add_argument("--count", type=int, default=60, help="attacks")
    parser.add_argument("--pg", default="wheel", help="wheel, or a PostgreSQL major of this machine")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with siege(None if options.pg == "wheel" else Path(SYSTEM_BINARIES.format(options.pg))) as under:
        if under.no_disk:
            print(f"without a full disk: {under.no_disk}")
        full: list[Callable[[], None]] = [
            lambda: under.disk_full(dice.randrange(3 << 20), expected=""),
            lambda: under.disk_full(dice.randrange(200 << 10)),
            under.wal_full,
        ]
        attacks: list[Callable[[], None]] = [
            *([] if under.no_disk else full),
            under.no_connections,
            lambda: under.no_locks(dice.randrange(40)),
            lambda: under.statement_timeout(dice.choice(TABLES)),
            lambda: under.cut(dice.random()),
            lambda: under.kill(dice.random()),
            lambda: under.api(*next((name, *what) for name, what in [dice.choice(list(APIS.items()))])),
        ]
        for number in range(options.count):
            attacks[number % len(attacks)]()
            print(f"{number + 1}: {under.survived[-1]}, {len(under.faults)} faults", flush=True)
        under.compare()
    for fault in under.faults:
        print(fault)
    print(f"seed {options.seed}, PostgreSQL {options.pg}: {len(under.survived)} attacks, {len(under.faults)} faults")
    return 1 if under.faults else 0


TABLES = (
    "raw.file_loads", "raw.orders_json", "staging.codes", "staging.loads", "warehouse.dim_user",
    "warehouse.order_owners", "warehouse.daily_metrics", "audit.settings",
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
