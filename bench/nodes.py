"""What the nodes of a Citus cluster take off each other: one server, a coordinator with one worker, and with two.

    python -m bench.nodes --bindir /…/bin --orders 30000 --events 150000

All servers are on this machine, so times say little: what counts is the CPU of each node. Needs a server with the
extension citus; its folder of initdb is --bindir. docs/explanation/scale.md reads bench/results/nodes.json.
"""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench import queries
from bench.measure import PROJECT, Cost, Server, python
from embedded.server import EmbeddedServer
from ops.migrate import upgrade

DATABASE = "bench_nodes"
SETTINGS = {
    "shared_preload_libraries": "citus",
    "max_prepared_transactions": "100",
    "citus.enable_statistics_collection": "off",
    # Every task gets its turn on two cores, without waiting to see whether more connections are worth it.
    "citus.executor_slow_start_interval": "10ms",
}
TIMES_ASKED = 3


class Node(Server):
    """A server of a cluster, or the only one."""

    def __init__(self, folder: Path, bindir: Path, settings: dict[str, str]) -> None:
        super().__init__(folder)
        self._server = EmbeddedServer(folder, bindir=bindir, settings=settings)

    @property
    def address(self) -> str:
        """Where the other nodes find it."""
        return str(self._server.socket_directory)


def make(nodes: list[Node], shards: int) -> str:
    """Make the warehouse on one server, or on a coordinator and its workers. Return its DSN."""
    coordinator, *workers = nodes
    for node in nodes:
        with node.connect() as connection:
            connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
        if workers:
            with node.connect(DATABASE) as connection:
                connection.execute("CREATE EXTENSION citus")
    with coordinator.connect(DATABASE) as connection:
        if workers:
            connection.execute("SELECT citus_set_coordinator_host(%s, 5432)", [coordinator.address])
        for worker in workers:
            connection.execute("SELECT citus_add_node(%s, 5432)", [worker.address])
    upgrade(coordinator.dsn(DATABASE))
    with coordinator.connect(DATABASE) as connection:
        # Days that are made for measuring are no shop's: no rule may block them.
        connection.execute("UPDATE audit.dq_rules SET severity = 'warning' WHERE severity = 'critical'")
        if workers:
            connection.execute("SELECT warehouse.distribute(%s, 'order')", [shards])
    return coordinator.dsn(DATABASE)


def costs(nodes: list[Node], work: Callable[[], Cost | None]) -> dict[str, Any]:
    """Return the seconds of CPU of the client and of each node, and the time it took."""
    before = [node.cpu()[0] for node in nodes[1:]]
    cost = nodes[0].measure(DATABASE, work)
    workers = [node.cpu()[0] - was for node, was in zip(nodes[1:], before, strict=True)]
    return {"wall": cost.wall, "client": cost.client, "coordinator": cost.server, "workers": workers}


def run_day(dsn: str, landing: Path, day: date) -> Callable[[], Cost]:
    """Return the work of running a day."""
    env = {"WAREHOUSE_DSN": dsn, "LANDING_URL": str(landing), "PRODUCTS_API_URL": ""}
    return lambda: python("-m", "glue", "run", f"{day}", env=env)[0]


def ask(connection: psycopg.Connection, text: str) -> Callable[[], None]:
    """Return the work of asking a question a few times."""

    def work() -> None:
        for _ in range(TIMES_ASKED):
            connection.execute(text).fetchall()

    return work


def plan(connection: psycopg.Connection, text: str) -> dict[str, int]:
    """Return how many tasks a plan hands to workers, and how many steps above them stay with the coordinator."""
    lines = [line for (line,) in connection.execute(f"EXPLAIN (COSTS OFF) {text}").fetchall()]
    tasks = [int(line.split(":")[1]) for line in lines if line.strip().startswith("Task Count:")]
    top = next((place for place, line in enumerate(lines) if "Custom Scan (Citus" in line), len(lines))
    return {"tasks": sum(tasks), "subplans": sum("Distributed Subplan" in line for line in lines), "above": top}


def measure(nodes: list[Node], options: argparse.Namespace, landings: dict[str, Path]) -> dict[str, Any]:
    """Load days, change the last one, and ask what analysts ask."""
    dsn = make(nodes, options.shards)
    days = [options.day + timedelta(days=number) for number in range(options.days)]
    measured: dict[str, Any] = {"loads": [costs(nodes, run_day(dsn, landings["plain"], day)) for day in days]}
    measured["reload"] = costs(nodes, run_day(dsn, landings["changed"], days[-1]))
    for node in nodes:
        node.settle()
    with nodes[0].connect(DATABASE) as connection:
        connection.execute("ANALYZE")
        measured["queries"] = {}
        for query in queries.load(connection, known_on=days[0]):
            ask(connection, query.text)()
            measured["queries"][query.name] = costs(nodes, ask(connection, query.text)) | {
                "plan": plan(connection, query.text)
            }
        facts = "SELECT (SELECT count(*) FROM warehouse.fact_orders), (SELECT count(*) FROM warehouse.fact_events)," \
                " (SELECT sum(revenue)::text FROM warehouse.fact_orders)"  # fmt: skip
        measured["facts"] = connection.execute(facts).fetchone()
    return measured


@contextlib.contextmanager
def started(folder: Path, bindir: Path, workers: int) -> Iterator[list[Node]]:
    """Start the servers, and stop them at the end."""
    with contextlib.ExitStack() as stack:
        names = ["coordinator", *(f"worker{number}" for number in range(1, workers + 1))]
        yield [stack.enter_context(Node(folder / name, bindir, SETTINGS if workers else {})) for name in names]


def main() -> None:
    """Measure all three, prove that they hold the same, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.nodes", description=__doc__.splitlines()[0])
    parser.add_argument("--bindir", type=Path, required=True, help="initdb's folder of a server with citus")
    parser.add_argument("--orders", type=int, default=30_000, help="orders a day (default: %(default)s)")
    parser.add_argument("--events", type=int, default=150_000, help="events a day (default: %(default)s)")
    parser.add_argument("--days", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--shards", type=int, default=4, help="shards of a partition (default: %(default)s)")
    parser.add_argument("--day", type=date.fromisoformat, default=date(2025, 12, 2), help="the first day")
    parser.add_argument("--folder", type=Path, help="where the servers live; an empty folder of their own")
    options = parser.parse_args()
    landings = {}
    results = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        folder.chmod(0o755)
        sizes = ("--orders", f"{options.orders}", "--events", f"{options.events}", "--day", f"{options.day}")
        for name, changed in (("plain", "0"), ("changed", "1")):
            landings[name] = folder / name
            python("-m", "bench.data", landings[name], *sizes, "--days", f"{options.days}", "--changed", changed)
        for workers in range(3):
            with started(folder / f"nodes{workers}", options.bindir, workers) as nodes:
                results[f"1+{workers}" if workers else "1"] = measure(nodes, options, landings)
                print(f"{workers} workers: done", flush=True)
    if len({tuple(one["facts"]) for one in results.values()}) != 1:
        raise SystemExit(f"they do not hold the same: {[one['facts'] for one in results.values()]}")
    target = PROJECT / "bench" / "results" / "nodes.json"
    chosen = {name: getattr(options, name) for name in ("orders", "events", "days", "shards")}
    target.write_text(json.dumps({"options": chosen, "results": results}, indent=1, default=str) + "\n")
    print(f"{target}")


if __name__ == "__main__":
    main()
