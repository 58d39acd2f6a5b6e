"""Has every error been seen by a test? Compares what db/ and glue/ can raise with what a run of all tests raised.

What PostgreSQL raised is in the test server's log, with SQLSTATE and message; what glue raised is noted as it is
made. A run of all tests fails when something was not seen; a run of some says nothing.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.errors import GlueError, Refused

PROJECT = Path(__file__).resolve().parents[2]
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


def watch() -> set[tuple[str, int]]:
    """Note from now on where glue's own errors are made: (file, line) of the frames that lead there."""
    seen: set[tuple[str, int]] = set()

    def noting(made: Callable[..., None]) -> Callable[..., None]:
        def __init__(self: BaseException, *arguments: Any, **named: Any) -> None:
            frame = sys._getframe(1)
            for _ in range(4):
                if frame is None:
                    break
                seen.add((frame.f_code.co_filename, frame.f_lineno))
                frame = frame.f_back  # type: ignore[assignment]
            made(self, *arguments, **named)

        return __init__

    for kind in (GlueError, Refused):
        kind.__init__ = noting(kind.__init__)  # type: ignore[method-assign]
    return seen


def kinds() -> set[str]:
    """Return the names of glue's own errors."""
    found, names = True, {"GlueError", "Refused"}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted((PROJECT / "glue").glob("*.py"))]
    while found:
        found = False
        for node in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            if node.name not in names and any(isinstance(base, ast.Name) and base.id in names for base in node.bases):
                names.add(node.name)
                found = True
    return names


def not_made(seen: set[tuple[str, int]]) -> list[str]:
    """Return the statements of glue that raise an error of its own, and were not seen to."""
    own, missing = kinds(), []
    lines_of: dict[str, set[int]] = {}
    for file, line in seen:
        lines_of.setdefault(file, set()).add(line)
    for path in sorted((PROJECT / "glue").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            called = node.exc.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            # self.error(…) and self.refused(…) make one.
            if name not in own | {"error", "refused"}:
                continue
            place = f"{path.relative_to(PROJECT).as_posix()}:{node.lineno}"
            if not lines_of.get(str(path), set()) & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
                missing.append(f"{place}: {(ast.get_source_segment(text, node) or '').splitlines()[0]}")
    return missing
