"""Runs days: brings their deliveries into raw, then has the database do the rest."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Literal, TypeVar

import psycopg

from glue.connection import ALL_WORKERS, DAYS_SIDE_BY_SIDE, SHARE_OF_WORKERS, connect
from glue.errors import GlueError, MissingSetting, explain
from glue.extract import SOURCES, extract_step, landing_url, place
from glue.landing import find
from glue.load import Say

BLOCKED = "WH001"
CANCEL_SECONDS = 0.2
# When a run looks whether its rules take too long: a short one never does.
FIRST_LOOK_SECONDS = 5.0
NEXT_LOOK_SECONDS = 60.0

# What of a day can go side by side once its sources are cleaned; and the sources that a day is loaded without.
WAVES = """
    SELECT array_agg(s.procedure ORDER BY s.position)
    FROM audit.steps AS s
    WHERE s.wave > (SELECT max(c.wave) FROM audit.steps AS c WHERE c.source IS NOT NULL)
    GROUP BY s.wave ORDER BY s.wave
"""
OPTIONAL = "SELECT source FROM raw.sources WHERE is_optional"

T = TypeVar("T")
Outcome = Literal["succeeded", "failed", "blocked", "skipped"]


@dataclass(frozen=True)
class DayResult:
    """How a day ended, what came of it if it succeeded, and what went wrong: it may succeed without its catalogue."""

    day: date
    outcome: Outcome
    seconds: float = 0.0
    reason: str = ""
    summary: str = ""

    def __str__(self) -> str:
        if self.outcome == "skipped":
            return f"{self.day} skipped: {self.reason}"
        lacking = " without its catalogue" if self.outcome == "succeeded" and self.reason else ""
        ended = f"{self.day} {self.outcome}{lacking} after {self.seconds:.1f} s"
        return ended + (f": {self.summary}" if self.summary else "")


class Runner:
    """Runs days on a warehouse, `jobs` of them side by side, or as many steps of one. `say` gets progress lines."""

    def __init__(self, dsn: str, say: Say) -> None:
        self.dsn = dsn
        self.say = say
        self._connections: set[psycopg.Connection] = set()  # that something runs on
        self._idle: list[psycopg.Connection] = []

    def run(self, days: Sequence[date], *, jobs: int = 1, refresh: bool = False) -> list[DayResult]:
        """Run each of the days and return how they ended, in the order of the days; a bad one stops none.

        Of several days, those of which nothing was ever delivered are skipped, and their steps are not told. After
        Ctrl-C what runs is cancelled and rolled back, and KeyboardInterrupt raised.
        """
        is_range = len(days) > 1

        def one(day: date) -> DayResult:
            result = self._day(day, refresh=refresh, is_range=is_range, jobs=1 if is_range else jobs)
            self.say(str(result))
            return result

        self._settings = DAYS_SIDE_BY_SIDE if is_range and jobs > 1 else ""
        try:
            if is_range and jobs > 1:
                return self._at_once(jobs, [partial(one, day) for day in days])
            return [one(day) for day in days]
        finally:
            while self._idle:
                self._idle.pop().close()

    def _at_once(self, jobs: int, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Do tasks side by side; return what they return. Raises what one raised, once all have ended."""
        # Threads are enough: nearly all of the work is the database's, and a thread that waits lets others go on.
        ours = set(self._connections)
        with ThreadPoolExecutor(jobs) as pool:
            try:
                return list(pool.map(lambda task: task(), tasks))
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                while theirs := self._connections - ours:
                    for connection in theirs:
                        if not connection.closed:
                            connection.cancel_safe(timeout=1)
                    time.sleep(CANCEL_SECONDS)
                raise

    def _day(self, day: date, *, refresh: bool, is_range: bool, jobs: int) -> DayResult:
        started = time.monotonic()
        outcome: Outcome = "succeeded"
        reason = summary = ""

        def notice(notice: psycopg.errors.Diagnostic) -> None:
            text = " ".join(filter(None, (notice.message_primary, notice.message_detail, notice.message_hint)))
            if notice.severity_nonlocalized != "NOTICE":
                self.say(f"{notice.severity}: {text}")
            elif not is_range:
                self.say(text)

        def call(procedure: str) -> None:
            with self._connected(notice) as connection:
                share_workers(connection, procedure)
                connection.execute(f"CALL {procedure}(%s)", (day,))  # type: ignore[arg-type]

        def share_workers(connection: psycopg.Connection, step: str) -> None:
            # Before each step: a session that is used again has what was said for another.
            is_smaller = smaller and step.endswith(smaller)
            connection.execute(SHARE_OF_WORKERS.format(jobs=jobs) if is_smaller else ALL_WORKERS)

        def extract_and_clean(source: str) -> dict[str, str]:
            with self._connected(notice) as connection:
                faults = self._extract(connection, [source], day, refresh=refresh)
                if not faults.keys() - optional:
                    share_workers(connection, f"clean_{source}")
                    connection.execute(f"CALL staging.clean_{source}(%s)", (day,))  # type: ignore[arg-type]
                return faults

        try:
            smaller = _smaller_source(day) if jobs > 1 else ""
            with self._connected(notice) as connection:
                if is_range and not _anything_delivered(connection, day):
                    return DayResult(day, "skipped", reason=f"nothing was delivered{place(landing_url())}")
                optional = {row[0] for row in connection.execute(OPTIONAL)}
                waves = connection.execute(WAVES).fetchall() if jobs > 1 else []
                connection.execute("CALL audit.open_run(%s)", (day,))
                if jobs == 1:
                    faults = self._extract(connection, SOURCES, day, refresh=refresh)
            if jobs > 1:
                done = self._at_once(jobs, [partial(extract_and_clean, source) for source in SOURCES])
                faults = {source: fault for found in done for source, fault in found.items()}
            reason = "\n".join(faults.values())
            # Without its orders or events a day's figures would be wrong; without its catalogue they are not:
            # a fact never waits for a dimension.
            if faults.keys() - optional:
                outcome = "failed"
            else:
                for (wave,) in waves:
                    self._at_once(jobs, [partial(call, procedure) for procedure in wave])
                with self._connected(notice) as connection:
                    if jobs == 1:
                        connection.execute("CALL warehouse.run_day(%s)", (day,))
                    (summary,) = connection.execute("SELECT audit.day_in_words(%s)", (day,)).fetchone() or ("",)
        except psycopg.Error as error:
            outcome = "blocked" if error.sqlstate == BLOCKED else "failed"
            reason = "\n".join(filter(None, (reason, explain(error))))
        except (GlueError, OSError) as error:
            outcome, reason = "failed", explain(error)
        return DayResult(day, outcome, time.monotonic() - started, reason, summary)

    @contextmanager
    def _connected(self, notice: Callable[[psycopg.errors.Diagnostic], None]) -> Iterator[psycopg.Connection]:
        """Yield a connection, so that Ctrl-C can cancel what runs on it. After an error it is closed: others see so."""
        connection = self._lease()
        connection.add_notice_handler(notice)
        self._connections.add(connection)
        ended = threading.Event()
        threading.Thread(target=self._limit_rules, args=(connection, ended), daemon=True).start()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        finally:
            ended.set()
            self._connections.discard(connection)
        connection.remove_notice_handler(notice)
        self._idle.append(connection)

    def _lease(self) -> psycopg.Connection:
        """Return a connection that is idle and alive, or a new one: whose session has to compile each routine anew."""
        with suppress(IndexError, psycopg.OperationalError):
            connection = self._idle.pop()
            connection.execute("SELECT")
            return connection
        return connect(self.dsn, settings=self._settings)

    def _limit_rules(self, connection: psycopg.Connection, ended: threading.Event) -> None:
        """Cancel what runs on a connection when it judges a day for longer than the setting rule_limit_s.

        The server cannot: its own limit, statement_timeout, counts from the CALL of the whole day.
        """
        pid, wait = connection.info.backend_pid, FIRST_LOOK_SECONDS
        while not ended.wait(wait):
            with suppress(psycopg.Error, GlueError), closing(connect(self.dsn)) as other:
                found = other.execute("SELECT seconds, is_exceeded FROM audit.rule_limit(%s)", (pid,)).fetchone()
                limit, is_exceeded = found or (None, False)
                wait = NEXT_LOOK_SECONDS if limit is None else max(min(limit / 4, NEXT_LOOK_SECONDS), 0.2)
                if is_exceeded:
                    self.say(f"the quality gate takes longer than {limit} s (setting rule_limit_s): it is cancelled")
                    connection.cancel_safe(timeout=CANCEL_SECONDS * 10)

    def _extract(
        self, connection: psycopg.Connection, sources: Sequence[str], day: date, *, refresh: bool
    ) -> dict[str, str]:
        """Extract sources of a day; return {source: what went wrong}. One that fails keeps no other out."""
        faults = {}
        for source in sources:
            try:
                extract_step(connection, source, day, refresh=refresh, say=self.say)
            except MissingSetting as error:
                self.say(f"{source} {day}: skipped: {error}")
            except GlueError as error:
                faults[source] = str(error)
        return faults


def _smaller_source(day: date) -> str:
    """Return of which of a day's sources of facts there are fewer bytes in the landing zone."""

    def byte_count(source: str) -> int:
        return sum(one.byte_count for one in find(landing_url(), source, day).deliveries)

    try:
        return min(("orders", "events"), key=byte_count)
    except GlueError:  # the extract finds that out, too, and says it of its run
        return ""


def _anything_delivered(connection: psycopg.Connection, day: date) -> bool:
    """Return whether the landing zone or raw has anything of a day."""
    found = (find(landing_url(), source, day) for source in SOURCES)
    known = "SELECT FROM raw.file_loads WHERE run_date = %s LIMIT 1"
    return any(one.deliveries or one.faults for one in found) or connection.execute(known, (day,)).rowcount > 0
