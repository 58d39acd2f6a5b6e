"""Kills what runs a day, at every statement, and asks whether anything is lost, doubled or left behind.

    python -m trust.kills --count 500 --seed 1       500 kills: each statement at least once, if that is enough
    python -m trust.kills --all                      every statement, in every way (hours)

A kill: a database is copied from a prepared one; a client (glue, in a process of its own) runs a day in it, merges a
month or migrates it; at the chosen statement of the server's routines or of the client's it stops, and is killed:

    client    the client by SIGKILL; the server notices, and its session ends at this statement
    orphan    the client by SIGKILL; the server does not notice: the day is run again while the session goes on
    backend   the session by pg_terminate_backend
    crash     the session's process by SIGKILL: PostgreSQL ends all sessions and recovers
    server    the server by an immediate stop; it is started again

Then nothing may be left behind, and what is there keeps its promises; what died is told from what lives; the same
command ends as it would have ended; and then the warehouse is that of a run that nobody killed, table by table.
"""

import argparse
import contextlib
import itertools
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from embedded.server import EmbeddedServer
from ops import migrate
from tests import catalog
from tests.conftest import SYSTEM_BINARIES, _copy_database_properties
from tests.promises import RULES_OFF, broken_promises
from tests.shop import Landing, checksums
from trust import boundaries
from trust.clients import PATIENCE, Client, KillFailed, start
from trust.kill_scenarios import SCENARIOS, Scenario, Shop

KINDS = ("client", "orphan", "backend", "crash", "server")
CLIENT_KINDS = ("client", "backend", "crash", "server")
# An operating system that goes on loses nothing that was written, synced or not.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "log_min_messages": "log",
    "max_connections": "50",
}
# What tells of the runs there were and of when, not of the data.
OF_RUNS = (
    "audit.pipeline_runs",
    "audit.pipeline_steps",
    "audit.dq_results",
    "audit.gate_verdicts",
    "audit.routine_files",
    "audit.step_inputs",  # digests of versions, which count how often staging was made
    "audit.input_states",
    "raw.dropped_months",  # the partitions themselves are compared
    "audit.bad_records",  # compared without its ids
)


@dataclass(frozen=True)
class Place:
    """A place to stop at: the `number`-th statement of the server's routines, or exchange of the client's."""

    scenario: Scenario
    where: str  # server or client
    number: int
    name: str


# -- the lab -----------------------------------------------------------------------------------------


class Lab:
    """A server of its own, with a prepared database for every scenario."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.pipe = server.directory / "kills.pipe"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(self.pipe)
        self.pipe.chmod(0o666)
        self.told = os.open(self.pipe, os.O_RDWR | os.O_NONBLOCK)
        self.heard = b""
        self.ready: set[str] = set()
        self.places: dict[str, list[Place]] = {}
        self.before: dict[str, Any] = {}
        self.expected: dict[str, Any] = {}
        self.numbers = itertools.count(1)

    @contextlib.contextmanager
    def connect(self, database: str) -> Iterator[psycopg.Connection[Any]]:
        with contextlib.closing(psycopg.connect(self.server.dsn(database), autocommit=True)) as connection:
            yield connection

    def make(self, database: str, template: str) -> None:
        # Not page by page through the WAL: PostgreSQL would count 32 values of each sequence as logged that are
        # logged of the template only, and after a crash the copy would give them out again.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        with self.connect("postgres") as connection:
            connection.execute(statement.format(sql.Identifier(database), sql.Identifier(template)))
        with contextlib.closing(psycopg.connect(self.server.dsn(database))) as connection:
            _copy_database_properties(connection, template)

    def drop(self, database: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def set(self, database: str, **settings: str | None) -> None:
        """Set or, with None, reset what holds for new sessions of a database; stop_at is kills.stop_at."""
        with self.connect("postgres") as connection:
            for name, value in settings.items():
                setting = sql.Identifier("kills", name) if name == "stop_at" else sql.Identifier(name)
                change = sql.SQL("SET {} = {}" if value is not None else "RESET {}").format(
                    setting, *([sql.Literal(value)] if value is not None else [])
                )
                connection.execute(sql.SQL("ALTER DATABASE {} {}").format(sql.Identifier(database), change))

    def prepare(self, scenario: Scenario) -> Shop:
        """Make the state before a scenario, and find out its places to stop at and what should come of it."""
        if "blank" not in self.ready:
            self.make("empty", "template0")
            self.make("blank", "empty")
            migrate.upgrade(self.server.dsn("blank"))
            with self.connect("blank") as connection:
                boundaries.install(connection, self.pipe)
                connection.execute(RULES_OFF.encode())
            with self.connect("empty") as connection:
                boundaries.install(connection, self.pipe)
                boundaries.stop_at_ddl(connection)
            self.ready.add("blank")
        shop = Shop(self, f"before {scenario.name}", Landing(self.folder / scenario.name.replace(" ", "-")))
        if scenario.name not in self.ready:
            self.make(shop.name, scenario.base)
            scenario.prepare(shop)
            self._rehearse(scenario, shop)
            self.ready.add(scenario.name)
        return shop

    def _rehearse(self, scenario: Scenario, shop: Shop) -> None:
        """Run a scenario that nobody kills; each statement and each exchange tells of itself."""
        rehearsed = Shop(self, "rehearsal", shop.landing)
        self.make(rehearsed.name, shop.name)
        with self.connect(rehearsed.name) as connection:
            self.before[scenario.name] = self.structure(connection, scenario)
        self.set(rehearsed.name, stop_at="0")
        self.heard = b""
        clients = self.start(scenario, rehearsed, (0, self.pipe))
        while not self.listen(clients):
            pass
        for client, code in zip(clients, scenario.codes, strict=True):
            if client.wait() != code:
                raise KillFailed(f"{scenario.name} without any kill ended with {client.wait()}:\n{client.said()}")
        places = []
        for line in self.heard.decode().splitlines():
            _, where, number, name = line.split(" ", 3)
            # Exchanges are counted by each client for itself: only that of one can be stopped at.
            if where == "server" or len(clients) == 1:
                # In a migration one place sends many statements.
                name = f"{name} #{number}" if scenario.is_migration else name
                places.append(Place(scenario, where, int(number), name))
        self.places[scenario.name] = places
        self.set(rehearsed.name, stop_at=None)
        with self.connect(rehearsed.name) as connection:
            self.expected[scenario.name] = (
                self.structure(connection, scenario),
                self.contents(connection, scenario),
            )
        self.drop(rehearsed.name)

    def start(self, scenario: Scenario, shop: Shop, stop: tuple[int, Path] | None = None) -> list[Client]:
        return [
            start(command, shop.environment(), self.folder / f"{number}.out", stop)
            for number, command in enumerate(scenario.commands)
        ]

    def listen(self, clients: list[Client]) -> bool:
        """Hear what is told until something new is heard or all clients ended. Return whether they have."""
        poll = select.poll()
        poll.register(self.told, select.POLLIN)
        alive = [client for client in clients if client.exit_code is None]
        for client in alive:
            poll.register(client.ended, select.POLLIN)
        found = poll.poll(PATIENCE * 1000)
        if not found:
            for client in alive:
                client.kill()
            raise KillFailed("nothing happens any more:\n" + "\n".join(client.said() for client in clients))
        # What was told before the end is heard before it.
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self.told, 65536):
                self.heard += more
        for client in alive:
            if client.ended in [handle for handle, _ in found]:
                client.wait()
        return all(client.exit_code is not None for client in clients)

    # -- a kill --------------------------------------------------------------------------------------

    def kill(self, place: Place, kind: str) -> bool:
        """Kill at a place. Return whether it was reached. Raises KillFailed."""
        scenario = place.scenario
        shop = self.prepare(scenario)
        copy = Shop(self, f"kill {next(self.numbers)}", shop.landing)
        self.make(copy.name, shop.name)
        interval = "50ms" if kind == "client" else None
        stop_at = str(place.number) if place.where == "server" else None
        self.set(copy.name, stop_at=stop_at, client_connection_check_interval=interval)
        with contextlib.closing(psycopg.connect(self.server.dsn(copy.name), autocommit=True)) as keeper:
            keeper.execute("SELECT pg_advisory_lock(%s, %s)", boundaries.STAY)
            stop = (place.number, self.pipe) if place.where == "client" else None
            self.heard = b""
            clients = self.start(scenario, copy, stop)
            while not self.heard.endswith(b"\n"):
                if self.listen(clients):
                    self.drop(copy.name)
                    return False
            if place.where == "client":  # it tells first, and stops then
                os.waitid(os.P_PID, clients[0].pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            pid = int(self.heard.split()[0])
            self._living_is_seen(keeper, scenario, pid)
            self._strike(kind, place.where, pid, clients)
            if kind == "crash":
                wait_until(lambda: is_dead(keeper), "the server did not notice that a session's process was killed")
            if kind == "orphan":
                for client in clients:
                    client.wait()
                keeper.execute("SELECT pg_advisory_unlock(%s, %s)", boundaries.STAY)
            else:
                self._all_end(scenario, kind, clients)
        self.server.start()
        try:
            with self.connect(copy.name) as connection:
                if kind != "orphan":
                    self._settle(connection)
                    # The counter is beyond it; but it is among what a migration is compared by.
                    self.set(copy.name, stop_at=None, client_connection_check_interval=None)
                    self._look_after_kill(connection, scenario)
                    if kind != "client" and len(clients) == 1 and clients[0].exit_code != 1:
                        # What it lost was no more than a connection to close: it may say so only if all is done.
                        self._look_at_the_end(connection, scenario)
                clients = self.start(scenario, copy)
                for client, code in zip(clients, scenario.codes, strict=True):
                    if client.wait() != code:
                        raise KillFailed(f"run again: exit code {client.wait()}, not {code}:\n{client.said()}")
                self._settle(connection)
                self.set(copy.name, stop_at=None)
                self._look_at_the_end(connection, scenario)
        except psycopg.Error as error:
            raise KillFailed(f"{type(error).__name__}: {error}") from error
        self.drop(copy.name)
        return True

    def _strike(self, kind: str, where: str, pid: int, clients: list[Client]) -> None:
        if kind in ("client", "orphan"):
            for client in clients:
                client.kill()
        elif kind == "backend":
            with self.connect("postgres") as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        elif kind == "crash":
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                raise KillFailed(f"the session that stopped is gone: {self.heard!r}") from None
        else:
            postmaster = int((self.server.data / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGQUIT)  # as pg_ctl stop -m immediate does
            wait_until(lambda: not (self.server.data / "postmaster.pid").exists(), "the server did not stop")
        if where == "client":
            for client in clients:
                client.kill(signal.SIGCONT)

    def _all_end(self, scenario: Scenario, kind: str, clients: list[Client]) -> None:
        """Wait until the clients have ended: each says that it failed, and how, unless it was killed itself."""
        for client, code in zip(clients, scenario.codes, strict=True):
            ended = client.wait()
            if kind == "client":
                continue
            if (
                ended not in (1, code)
                or (ended == 1 and "error: " not in client.said())
                or "Traceback" in client.said()
            ):
                raise KillFailed(f"a client ended with {ended} and said:\n{client.said()}")

    def _settle(self, connection: psycopg.Connection[Any]) -> None:
        """Wait until there is no other session."""
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        wait_until(lambda: not connection.execute(others).fetchone()[0], "a session stays behind")

    def _living_is_seen(self, keeper: psycopg.Connection[Any], scenario: Scenario, pid: int) -> None:
        if scenario.name == "migration of nothing":
            return
        dead = keeper.execute(
            "SELECT step, backend_pid FROM audit.pipeline_steps s WHERE s.status = 'running' AND s.backend_pid = %s"
            " AND NOT audit.step_is_alive(s.step_id)", [pid],
        ).fetchall()  # fmt: skip
        if dead:
            raise KillFailed(f"a step that runs is taken for dead: {dead}")

    def _look_after_kill(self, connection: psycopg.Connection[Any], scenario: Scenario) -> None:
        """Nothing is left behind, promises hold, and what died is told from what lives."""
        found = self.structure(connection, scenario)
        before, after = self.before[scenario.name], self.expected[scenario.name][0]
        if scenario.is_migration:
            if found not in (before, after):
                raise KillFailed("neither old nor new:\n" + "\n".join(catalog.differences(found, after, ("it", "new"))))
        elif strange := found - before - after:
            raise KillFailed(f"left behind: {sorted(strange)}")
        if scenario.name == "migration of nothing" and found != after:
            return
        self._nothing_is_held(connection)
        alive = connection.execute(
            "SELECT step FROM audit.pipeline_steps s WHERE s.status = 'running' AND audit.step_is_alive(s.step_id)"
        ).fetchall()
        if alive:
            raise KillFailed(f"a step that died is taken for alive: {alive}")
        self._promises(connection, scenario.half)

    def _look_at_the_end(self, connection: psycopg.Connection[Any], scenario: Scenario) -> None:
        """All is as if nobody had killed anything."""
        structure, contents = self.expected[scenario.name]
        found = self.structure(connection, scenario)
        if found != structure:
            if scenario.is_migration:
                raise KillFailed("\n".join(catalog.differences(found, structure, ("found", "expected"))))
            raise KillFailed(f"only found: {sorted(found - structure)}; missing: {sorted(structure - found)}")
        self._nothing_is_held(connection)
        running = connection.execute(
            "SELECT 'run', run_id::text FROM audit.pipeline_runs WHERE status = 'running'"
            " UNION ALL SELECT step, status FROM audit.pipeline_steps WHERE status = 'running'"
        ).fetchall()
        if running:
            raise KillFailed(f"running for ever: {running}")
        self._promises(connection, scenario.half if scenario.codes == (3,) else ())
        now = self.contents(connection, scenario)
        if now != contents:
            differing = {t: (now.get(t), contents.get(t)) for t in now | contents if now.get(t) != contents.get(t)}
            raise KillFailed(f"other contents, found and expected: {differing}")

    def _nothing_is_held(self, connection: psycopg.Connection[Any]) -> None:
        for what, query in LEFT_BEHIND.items():
            if found := connection.execute(query.encode()).fetchall():
                raise KillFailed(f"{what}: {found}")

    def _promises(self, connection: psycopg.Connection[Any], half: Sequence[date]) -> None:
        if broken := broken_promises(connection, half):
            raise KillFailed(f"broken promises: {broken}")

    def structure(self, connection: psycopg.Connection[Any], scenario: Scenario) -> Any:
        """Return what tables there are: for a migration everything that a catalog says."""
        if scenario.is_migration:
            return catalog.read(connection)
        return set(connection.execute(RELATIONS, [boundaries.SCHEMAS]).fetchall())

    def contents(self, connection: psycopg.Connection[Any], scenario: Scenario) -> dict[str, str]:
        """Return checksums of all tables but those that tell of runs."""
        found = checksums(connection, boundaries.SCHEMAS)
        contents = {table: rows for table, rows in found.items() if table not in OF_RUNS}
        return contents | {"audit.bad_records": str(connection.execute(BAD_RECORDS).fetchall())}


BAD_RECORDS = b"""
SELECT run_date, source_table, file_name, line_number, item_number, record_id, failure_reason, failed_value,
       md5(raw_data), line_count
FROM audit.bad_records ORDER BY 1, 2, 3, 4, 5, 6, 7
"""
RELATIONS = b"""
SELECT c.oid::regclass::text, c.relkind::text, pg_get_expr(c.relpartbound, c.oid),
       (SELECT string_agg(k.conname || k.convalidated::text, ' ' ORDER BY k.conname)
        FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n')
FROM pg_class c WHERE c.relnamespace::regnamespace::text = ANY (%s) AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
"""
LEFT_BEHIND = {
    "locks": """
        SELECT l.pid, l.locktype, l.mode, l.relation::regclass::text, l.classid, l.objid FROM pg_locks l
        WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.pid IS DISTINCT FROM pg_backend_pid()
          AND l.pid NOT IN (SELECT pid FROM pg_stat_activity WHERE backend_type <> 'client backend')""",
    "temporary tables": "SELECT oid::regclass::text FROM pg_class WHERE relpersistence = 't'",
    "half partitions": """
        SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relnamespace::regnamespace::text IN ('raw', 'staging', 'warehouse') AND c.relkind = 'r'
          AND c.relname ~ '_p_[0-9]{4}_' AND NOT c.relispartition
        UNION ALL SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhdetachpending
        UNION ALL SELECT x.indexrelid::regclass::text FROM pg_index x WHERE NOT x.indisvalid AND NOT EXISTS (
            SELECT FROM pg_class c WHERE c.oid = x.indrelid AND c.relkind = 'p')""",
    "deliveries that raw does not hold": """
        SELECT l.load_id, l.source, l.row_count FROM raw.file_loads l
        CROSS JOIN LATERAL (
            SELECT (SELECT count(*) FROM raw.orders_json o WHERE o.load_id = l.load_id)
                 + (SELECT count(*) FROM raw.events_csv e WHERE e.load_id = l.load_id)
                 + (SELECT count(*) FROM raw.products_json p WHERE p.load_id = l.load_id) AS found) AS r
        WHERE l.row_count <> r.found
          AND NOT EXISTS (SELECT FROM raw.dropped_months d WHERE l.load_id <= d.last_load_id
                          AND d.run_month = date_trunc('month', l.run_date::timestamp)::date)""",
    "rows of no delivery": """
        SELECT load_id FROM raw.orders_json UNION SELECT load_id FROM raw.events_csv
        UNION SELECT load_id FROM raw.products_json UNION SELECT load_id FROM raw.rejected_lines
        EXCEPT SELECT load_id FROM raw.file_loads""",
}


def is_dead(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a session has ended."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def wait_until(question: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + PATIENCE
    while not question():
        if time.monotonic() > end:
            raise KillFailed(otherwise)
        time.sleep(0.01)


# -- choosing ----------------------------------------------------------------------------------------


def choose(places: Sequence[Place], chance: random.Random) -> Iterator[tuple[Place, str]]:
    """Yield all kills there can be, the scenarios in turn, each statement once before any comes again."""
    turns: dict[str, list[tuple[int, float, Place, str]]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    kills = [(p, kind) for p in places for kind in (KINDS if p.where == "server" else CLIENT_KINDS)]
    chance.shuffle(kills)
    for place, kind in kills:
        statement = (place.scenario.name, place.name)
        turns.setdefault(place.scenario.name, []).append((seen[statement], chance.random(), place, kind))
        seen[statement] += 1
    for turn in itertools.zip_longest(*(sorted(kills, key=lambda kill: kill[:2]) for kills in turns.values())):
        yield from (kill[2:] for kill in turn if kill)


@contextlib.contextmanager
def lab(bindir: Path | None = None, settings: dict[str, str] | None = None) -> Iterator[Lab]:
    """A lab on a server of its own, which is stopped and removed afterwards."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="kills-", dir=memory if os.access(memory, os.W_OK) else None))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "pg", bindir=bindir, settings=SETTINGS | (settings or {}))
    try:
        server.start()
        (folder / "work").mkdir()
        yield Lab(server, folder / "work")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m trust.kills", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=500, help="how many kills (default: 500)")
    parser.add_argument("--all", action="store_true", help="every statement in every way")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--pg", default="wheel", help="wheel, or a major of this machine, as in 15")
    parser.add_argument("--scenario", action="append", help="only this one (may be repeated)")
    parser.add_argument("--minutes", type=float, help="end after so long, with what there is")
    options = parser.parse_args()
    bindir = None if options.pg == "wheel" else Path(SYSTEM_BINARIES.format(options.pg))
    scenarios = [s for s in SCENARIOS if not options.scenario or s.name in options.scenario]
    print(f"SEED={options.seed} COUNT={'all' if options.all else options.count}", flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # and not before the server is stopped
    started = time.monotonic()
    done: Counter[tuple[str, str]] = Counter()
    statements: set[tuple[str, str]] = set()
    kills: set[tuple[str, str, str]] = set()
    missed, failed = 0, []
    with lab(bindir) as made:
        for scenario in scenarios:
            made.prepare(scenario)
            places = made.places[scenario.name]
            distinct = len({place.name for place in places})
            print(f"{scenario.name}: {len(places)} places to stop at, {distinct} statements", flush=True)
        every = [place for scenario in scenarios for place in made.places[scenario.name]]
        for number, (place, kind) in enumerate(choose(every, random.Random(options.seed)), 1):
            if (not options.all and number > options.count) or (
                options.minutes and time.monotonic() - started > options.minutes * 60
            ):
                break
            try:
                if made.kill(place, kind):
                    done[place.scenario.name, kind] += 1
                    statements.add((place.scenario.name, place.name))
                    kills.add((place.scenario.name, place.name, kind))
                else:
                    missed += 1
            except (KillFailed, psycopg.Error, OSError) as failure:
                failed.append(f"{place.scenario.name}, {kind} at {place.where} {place.number}, {place.name}: {failure}")
                print(f"FAILED {failed[-1]}", flush=True)
                made.server.start()
            if number % 50 == 0:
                print(f"{number} kills, {len(failed)} failed, {time.monotonic() - started:.0f} s", flush=True)
    for scenario in scenarios:
        print(f"{scenario.name}: " + ", ".join(f"{kind} {done[scenario.name, kind]}" for kind in KINDS))
    print(
        f"{sum(done.values())} kills survived at {len(statements)} statements ({len(kills)} statement × kind), "
        f"{missed} places not reached, {len(failed)} FAILED, {time.monotonic() - started:.0f} s, SEED={options.seed}"
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
