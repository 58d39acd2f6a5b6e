"""Has every error been seen by a test? Compares what db/ and glue/ can raise with what a run of all tests raised.

What PostgreSQL raised is in the test server's log, with SQLSTATE and message; what glue raised is noted as it is
made. A run of all tests fails when something was not seen; a run of some says nothing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.errors import GlueError, Refused

PROJECT = Path(__file__).resolve().parents[1]
# What the server has to be told for its log to say enough.
SETTINGS = {"log_min_messages": "notice", "log_error_verbosity": "verbose"}


# -- PostgreSQL --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """One RAISE of a routine, or an SQLSTATE of our own."""

    place: str
    says: str
    pattern: re.Pattern[str]


RAISE = re.compile(r"RAISE (EXCEPTION|WARNING|NOTICE|INFO)\s+'((?:[^']|'')*)'([^;]*?(?:'(?:[^']|'')*'[^;]*?)*);")
LEVEL = {"EXCEPTION": "ERROR"}


def sites() -> Iterator[Site]:
    """Yield every RAISE with a message in db/, and every SQLSTATE of class WH; what raises again is left out."""
    codes = set()
    for path in sorted((PROJECT / "db").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(PROJECT).as_posix()
        for found in RAISE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            level, said, options = found[1], found[2].replace("''", "'"), found[3]
            code = re.search(r"ERRCODE = '(\w{5})'", options)
            sqlstate = code[1] if code else {"EXCEPTION": "P0001", "WARNING": "01000"}.get(level, "00000")
            pattern = f"{LEVEL.get(level, level)}:  {sqlstate}: {'.*'.join(map(re.escape, said.split('%')))}$"
            if not re.search(r"\w{4}", said.replace("%", "")):  # the message does not tell it: the place does
                routine, number = _place(text, found.start())
                pattern = rf"CONTEXT:  PL/pgSQL function {re.escape(routine)}\([^)]*\) line {number} at RAISE$"
            yield Site(f"{name}:{line}", f"{level} {said}", re.compile(pattern, re.MULTILINE))
        codes |= set(re.findall(r"'(WH\d\d\d)'", text))
    for code in sorted(codes):
        yield Site("db", f"SQLSTATE {code}", re.compile(f"ERROR:  {code}: "))


def _place(text: str, start: int) -> tuple[str, int]:
    """Return the routine that a place of a file belongs to, and the place's line in its body."""
    *_, body = re.finditer(r"(?:FUNCTION|PROCEDURE)\s+([\w.]+)\s*\(.*?\bAS \$\w*\$", text[:start], re.DOTALL)
    return body[1], text.count("\n", body.end(), start) + 1


def not_logged(log: str) -> list[str]:
    """Return the places whose error is not in a server's log."""
    return [f"{site.place}: {site.says}" for site in sites() if not site.pattern.search(log)]


# -- glue --------------------------------------------------------------------------------------------


def watch() -> set[str]:
    """Note from now on which errors of glue's own are made: the names of their classes."""
    seen: set[str] = set()

    def noting(made: Callable[..., None]) -> Callable[..., None]:
        def __init__(self: BaseException, *arguments: Any, **named: Any) -> None:
            seen.add(type(self).__name__)
            made(self, *arguments, **named)

        return __init__

    for kind in (GlueError, Refused):
        kind.__init__ = noting(kind.__init__)  # type: ignore[method-assign]
    return seen


def kinds() -> set[str]:
    """Return the names of glue's own errors."""
    bases = {"GlueError", "Refused"}
    rooms = (PROJECT / room for room in ("glue", "landing", "embedded", "demo", "report", "ops"))
    text = "\n".join(path.read_text(encoding="utf-8") for room in rooms for path in sorted(room.glob("*.py")))
    classes = re.findall(r"^class (\w+)\((\w+)\):", text, re.MULTILINE)
    while more := {name for name, base in classes if base in bases} - bases:
        bases |= more
    return bases


def not_made(seen: set[str]) -> list[str]:
    """Return the errors of glue's own that were not seen."""
    return [f"glue: {name}" for name in sorted(kinds() - seen)]
