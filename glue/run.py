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
from glue.landing import Found, find
from glue.load import Say
from glue.shape import forms_of

BLOCKED = "WH001"
CANCEL_SECONDS = 0.2
# Orders and events are most of a day, and go side by side.
STEPS_AT_ONCE = 2
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


class Turns:
    """Has tasks that run side by side say their lines one task after the other, as if they had run so."""

    def __init__(self, say: Say, tasks: int) -> None:
        self._say, self._lock, self._turn = say, threading.Lock(), 0
        # One more than there are: its turn comes when all have ended.
        self._kept: list[list[str]] = [[] for _ in range(tasks + 1)]
        self._has_ended = [False] * (tasks + 1)

    def say(self, task: int, line: str) -> None:
        """Say a line of a task, or keep it until all tasks before it have ended."""
        with self._lock:
            if task == self._turn:
                self._say(line)
            else:
                self._kept[task].append(line)

    def end(self, task: int) -> None:
        """Note that a task has ended, well or not: the next has its turn, once those before it have ended, too."""
        with self._lock:
            self._has_ended[task] = True
            while self._has_ended[self._turn]:
                self._turn += 1
                for line in self._kept[self._turn]:
                    self._say(line)


class Runner:
    """Runs days on a warehouse, some of them side by side, or some steps of one. `say` gets progress lines."""

    def __init__(self, dsn: str, say: Say) -> None:
        self.dsn = dsn
        self.say = say
        self._connections: set[psycopg.Connection] = set()  # that something runs on
        self._idle: list[psycopg.Connection] = []

    def run(self, days: Sequence[date], *, jobs: int | None = None, refresh: bool = False) -> list[DayResult]:
        """Run each of the days and return how they ended, in the order of the days; a bad one stops none.

        `jobs` days are run side by side (1 unless said), or, of a single one, as many of its steps (2 unless said). Of
        several days, those of which nothing was ever delivered are skipped, and their steps are not told. After
        Ctrl-C what runs is cancelled and rolled back, and KeyboardInterrupt raised.
        """
        is_range = len(days) > 1
        days_at_once, steps_at_once = (jobs or 1, 1) if is_range else (1, jobs or STEPS_AT_ONCE)

        def one(day: date, say: Say) -> DayResult:
            result = self._day(day, say, refresh=refresh, is_range=is_range, jobs=steps_at_once)
            say(str(result))
            return result

        self._settings = DAYS_SIDE_BY_SIDE if days_at_once > 1 else ""
        try:
            return self._at_once(days_at_once, [partial(one, day) for day in days], self.say)
        finally:
            while self._idle:
                self._idle.pop().close()

    def _at_once(self, jobs: int, tasks: Sequence[Callable[[Say], T]], say: Say) -> list[T]:
        """Do tasks side by side, `jobs` at a time; return what they return. What they say is said in their order.

        Raises what one raised, once all have ended.
        """
        if jobs == 1:
            return [task(say) for task in tasks]
        turns = Turns(say, len(tasks))

        def do(number: int) -> T:
            try:
                return tasks[number](partial(turns.say, number))
            finally:
                turns.end(number)

        # Threads are enough: nearly all of the work is the database's, and a thread that waits lets others go on.
        ours = set(self._connections)
        with ThreadPoolExecutor(jobs) as pool:
            try:
                return list(pool.map(do, range(len(tasks))))
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                while theirs := self._connections - ours:
                    for connection in theirs:
                        if not connection.closed:
                            connection.cancel_safe(timeout=1)
                    time.sleep(CANCEL_SECONDS)
                raise

    def _day(self, day: date, say: Say, *, refresh: bool, is_range: bool, jobs: int) -> DayResult:
        started = time.monotonic()
        outcome: Outcome = "succeeded"
        reason = summary = ""

        def tell(say: Say, notice: psycopg.errors.Diagnostic) -> None:
            text = " ".join(filter(None, (notice.message_primary, notice.message_detail, notice.message_hint)))
            if notice.severity_nonlocalized != "NOTICE":
                say(f"{notice.severity}: {text}")
            elif not is_range:
                say(text)

        def call(procedure: str, say: Say) -> None:
            with self._connected(partial(tell, say)) as connection:
                if jobs > 1:
                    # Before each step: a session that is used again has what was said for another.
                    is_smaller = smaller and procedure.endswith(smaller)
                    connection.execute(SHARE_OF_WORKERS.format(jobs=jobs) if is_smaller else ALL_WORKERS)
                connection.execute(f"CALL {procedure}(%s)", (day,))  # type: ignore[arg-type]

        def extract_and_clean(source: str, say: Say) -> str:
            fault = ""
            with self._connected(partial(tell, say)) as connection:
                try:
                    extract_step(connection, source, day, refresh=refresh, found=listed.get(source), say=say)
                except MissingSetting as error:
                    say(f"{source} {day}: skipped: {error}")
                except GlueError as error:  # it keeps no other source out
                    fault = str(error)
            if not fault or source in optional:
                call(f"staging.clean_{source}", say)
            return fault

        try:
            with self._connected(partial(tell, say)) as connection:
                if is_range and not _anything_delivered(connection, day):
                    return DayResult(day, "skipped", reason=f"nothing was delivered{place(landing_url())}")
                optional = {row[0] for row in connection.execute(OPTIONAL)}
                waves = connection.execute(WAVES).fetchall()
                connection.execute("CALL audit.open_run(%s)", (day,))
                listed = _sources_of_facts(connection, day) if jobs > 1 else {}
            smaller = min(listed, key=lambda source: listed[source].byte_count, default="")
            done = self._at_once(jobs, [partial(extract_and_clean, source) for source in SOURCES], say)
            faults = {source: fault for source, fault in zip(SOURCES, done, strict=True) if fault}
            reason = "\n".join(faults.values())
            # Without its orders or events a day's figures would be wrong; without its catalogue they are not:
            # a fact never waits for a dimension.
            if faults.keys() - optional:
                outcome = "failed"
            else:
                for (wave,) in waves:
                    self._at_once(jobs, [partial(call, procedure) for procedure in wave], say)
                with self._connected(partial(tell, say)) as connection:
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

        The server cannot: its own limit, statement_timeout, counts what the step waits for locks, too.
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


def _sources_of_facts(connection: psycopg.Connection, day: date) -> dict[str, Found]:
    """Return what of orders and events lies in the landing zone; nothing if it cannot be listed."""
    try:
        return {
            source: find(landing_url(), source, day, forms_of(connection, source)[1]) for source in ("orders", "events")
        }
    except GlueError:  # the extract finds that out, too, and says it of its run
        return {}


def _anything_delivered(connection: psycopg.Connection, day: date) -> bool:
    """Return whether the landing zone or raw has anything of a day."""
    found = (find(landing_url(), source, day) for source in SOURCES)
    known = "SELECT FROM raw.file_loads WHERE run_date = %s LIMIT 1"
    return any(one.deliveries or one.faults for one in found) or connection.execute(known, (day,)).rowcount > 0
