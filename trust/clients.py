"""Commands of glue in processes of their own, which can be made to stop before any exchange with the server."""

import contextlib
import io
import itertools
import os
import select
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from embedded.server import PROJECT
from glue.cli import main as glue
from glue.connection import connect
from glue.errors import GlueError

# How long anything may take before it counts as stuck; nothing waits longer than it has to.
PATIENCE = 120


class KillFailed(AssertionError):
    """What a kill broke."""


@dataclass
class Client:
    """A command in a process of its own."""

    pid: int
    output: Path
    exit_code: int | None = None
    ended: int = field(init=False)

    def __post_init__(self) -> None:
        self.ended = os.pidfd_open(self.pid)

    def kill(self, how: int = signal.SIGKILL) -> None:
        if self.exit_code is None:
            signal.pidfd_send_signal(self.ended, how)

    def wait(self) -> int:
        """Return the exit code; that of a signal is negative."""
        if self.exit_code is None:
            readable, _, _ = select.select([self.ended], [], [], PATIENCE)
            if not readable:
                self.kill()
                os.waitpid(self.pid, 0)
                raise KillFailed(f"a client did not end within {PATIENCE} s:\n{self.said()}")
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.ended)
        return self.exit_code

    def said(self) -> str:
        return self.output.read_text(errors="replace")


def start(command: Sequence[str], environment: dict[str, str], output: Path, stop: tuple[int, Path] | None) -> Client:
    """Run a command of glue's, or `compact`, in a process of its own; `stop` is what count_exchanges gets."""
    pid = os.fork()
    if pid:
        return Client(pid, output)
    code = 99
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout = sys.stderr = io.TextIOWrapper(io.FileIO(1, "w"), line_buffering=True)
        os.environ.update(environment)
        if stop:
            count_exchanges(*stop)
        code = compact(command[1]) if command[0] == "compact" else glue(command)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        # Nothing of the parent's is to be closed here.
        os._exit(code)


def compact(before: str) -> int:
    """Merge the months before a date, as the maintenance DAG does."""
    try:
        with contextlib.closing(connect()) as connection:
            connection.execute("CALL warehouse.compact_partitions(%s)", [before])
    except (psycopg.Error, GlueError) as error:
        print(f"error: {error}")
        return 1
    return 0


def count_exchanges(stop_at: int, pipe: Path) -> None:
    """Make this process stop itself before its `stop_at`-th exchange with the server; with 0 it tells of each."""
    real = psycopg.Connection.wait
    numbers = itertools.count(1)

    def wait(self: Any, *arguments: Any, **options: Any) -> Any:
        number = next(numbers)
        if stop_at in (0, number):
            frames = [f for f in traceback.extract_stack() if f.filename.startswith(f"{PROJECT}/glue/")]
            place = f"{Path(frames[-1].filename).relative_to(PROJECT)}:{frames[-1].lineno}" if frames else "client"
            with pipe.open("w") as told:
                told.write(f"{self.pgconn.backend_pid} client {number} {place}\n")
        if number == stop_at:
            os.kill(os.getpid(), signal.SIGSTOP)
        return real(self, *arguments, **options)

    psycopg.Connection.wait = wait  # type: ignore[method-assign]
