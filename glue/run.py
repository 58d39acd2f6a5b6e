"""Runs days: brings their deliveries into raw, then has the database do the rest."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Literal

import psycopg

from glue.connection import connect
from glue.errors import GlueError, MissingSetting, explain
from glue.extract import SOURCES, extract_into, landing_url
from glue.landing import find
from glue.load import Say

BLOCKED = "WH001"
CANCEL_SECONDS = 0.2

Outcome = Literal["succeeded", "failed", "blocked", "skipped"]


@dataclass(frozen=True)
class DayResult:
    """How a day ended, and why if it did not succeed."""

    day: date
    outcome: Outcome
    seconds: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        ended = f"{self.day} {self.outcome} after {self.seconds:.1f} s"
        return "\n  ".join([ended, *self.reason.splitlines()])


class Runner:
    """Runs days on a warehouse, several side by side if wanted. `say` gets progress lines."""

    def __init__(self, dsn: str, say: Say) -> None:
        self.dsn = dsn
        self.say = say
        self._connections: set[psycopg.Connection] = set()

    def run(self, days: Sequence[date], *, jobs: int = 1, refresh: bool = False) -> list[DayResult]:
        """Run each of the days and return how they ended, in the order of the days; a bad one stops none.

        Of several days, those of which nothing was ever delivered are skipped. After Ctrl-C what runs is
        cancelled and rolled back, and KeyboardInterrupt raised.
        """

        def one(day: date) -> DayResult:
            result = self._day(day, refresh=refresh, skip_empty=len(days) > 1)
            self.say(str(result).partition("\n")[0])
            return result

        if jobs == 1:
            return [one(day) for day in days]
        # Threads are enough: nearly all of the work is the database's, and a thread that waits lets others go on.
        with ThreadPoolExecutor(jobs) as pool:
            try:
                return list(pool.map(one, days))
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                while self._connections:
                    for connection in list(self._connections):
                        if not connection.closed:
                            connection.cancel_safe(timeout=1)
                    time.sleep(CANCEL_SECONDS)
                raise

    def _day(self, day: date, *, refresh: bool, skip_empty: bool) -> DayResult:
        started = time.monotonic()
        outcome: Outcome = "succeeded"
        reason = ""
        try:
            with closing(connect(self.dsn, on_notice=self._notice)) as connection:
                self._connections.add(connection)
                try:
                    if skip_empty and not _anything_delivered(connection, day):
                        return DayResult(day, "skipped", reason="nothing was delivered")
                    faults = self._extract(connection, day, refresh=refresh)
                    if faults:
                        outcome, reason = "failed", "\n".join(faults)
                    else:
                        connection.execute("CALL warehouse.run_day(%s)", (day,))
                finally:
                    self._connections.discard(connection)
        except psycopg.Error as error:
            outcome = "blocked" if error.sqlstate == BLOCKED else "failed"
            reason = explain(error)
        except (GlueError, OSError) as error:
            outcome, reason = "failed", explain(error)
        return DayResult(day, outcome, time.monotonic() - started, reason)

    def _extract(self, connection: psycopg.Connection, day: date, *, refresh: bool) -> list[str]:
        """Extract all sources of a day; return what went wrong. One that fails does not keep the others out."""
        faults = []
        for source in SOURCES:
            try:
                extract_into(connection, source, day, refresh=refresh, say=self.say)
            except MissingSetting as error:
                self.say(f"{source} {day}: skipped: {error}")
            except GlueError as error:
                faults.append(str(error))
        return faults

    def _notice(self, notice: psycopg.errors.Diagnostic) -> None:
        text = " ".join(filter(None, (notice.message_primary, notice.message_detail, notice.message_hint)))
        self.say(text if notice.severity_nonlocalized == "NOTICE" else f"{notice.severity}: {text}")


def _anything_delivered(connection: psycopg.Connection, day: date) -> bool:
    """Return whether the landing zone or raw has anything of a day."""
    for source in SOURCES:
        found = find(landing_url(), source, day)
        if found.deliveries or found.faults:
            return True
    known = connection.execute("SELECT 1 FROM raw.file_loads WHERE run_date = %s LIMIT 1", (day,))
    return known.fetchone() is not None
