"""A reader who asks the same small questions all the time, and how long it had to wait.

python -m bench.readers DSN 20251218
"""

import json
import re
import signal
import subprocess
import sys
import time
from datetime import date
from types import TracebackType
from typing import Any, Self

import psycopg

from bench.measure import PROJECT, Server

NAME = "bench-reader"
QUERIES = (
    "SELECT count(*), sum(f.revenue) FROM warehouse.fact_orders f JOIN warehouse.dim_user u USING (user_id)"
    " WHERE f.date_id = {day} AND u.user_id = 'U-0000007'",
    "SELECT count(*) FROM warehouse.fact_events f JOIN warehouse.dim_product p USING (product_id)"
    " WHERE f.date_id = {day} AND f.user_id = 'U-0000007'",
    "SELECT count(*) FROM warehouse.daily_metrics",
)
PAUSE_SECONDS = 0.005
ACQUIRED = re.compile(rf" {NAME} LOG:  process \d+ acquired (\w+) on (.*?) after ([0-9.]+) ms")


class Reader:
    """A reader in a process of its own, while the context lasts."""

    def __init__(self, server: Server, dbname: str, day: date) -> None:
        self._server, self._dbname = server, dbname
        self._command = [sys.executable, "-m", "bench.readers", server.dsn(dbname), f"{day:%Y%m%d}"]

    def __enter__(self) -> Self:
        self._log_begin = self._server.log.stat().st_size
        self._process = subprocess.Popen(self._command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it asks by now
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.send_signal(signal.SIGINT)
        self._said, _ = self._process.communicate(timeout=60)

    def waits(self) -> dict[str, Any]:
        """Return how often it asked, its times in ms, and the longest wait for a lock in ms,"
        " as the server logged it."""
        with self._server.log.open("rb") as log:
            log.seek(self._log_begin)
            found = ACQUIRED.findall(log.read().decode(errors="replace"))
        waited = [float(milliseconds) for _, _, milliseconds in found]
        with self._server.connect(self._dbname) as connection:
            what = sorted({f"{mode} on {_relation(connection, where)}" for mode, where, _ in found})
        said = json.loads(self._said)
        return {
            **said,
            "lock_waits": len(waited),
            "longest_lock_wait_ms": round(max(waited, default=0), 1),
            "locks": what,
        }


def _relation(connection: psycopg.Connection, where: str) -> str:
    """Return the name of a relation that a log entry gives as a number."""
    number = re.match(r"relation (\d+) ", where)
    return connection.execute("SELECT %s::oid::regclass::text", [number[1]]).fetchone()[0] if number else where


def ask(dsn: str, day: str) -> None:
    """Ask until interrupted, then say how long it took."""
    times = []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are told to ignore it
    with psycopg.connect(dsn, autocommit=True, application_name=NAME) as connection:
        # The server logs every wait for a lock that is longer than this.
        connection.execute("SET log_lock_waits = on; SET deadlock_timeout = '1ms'; SET lock_timeout = 0")
        print("ready", flush=True)
        try:
            while True:
                for query in QUERIES:
                    began = time.perf_counter()
                    connection.execute(query.format(day=day)).fetchall()
                    times.append((time.perf_counter() - began) * 1000)
                time.sleep(PAUSE_SECONDS)
        except KeyboardInterrupt:
            times.sort()
            print(
                json.dumps(
                    {
                        "asked": len(times),
                        "median_ms": round(times[len(times) // 2], 2),
                        "p99_ms": round(times[len(times) * 99 // 100], 2),
                        "longest_ms": round(times[-1], 1),
                    }
                )
            )


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2])
