"""Which routines each test runs, and which PL/pgSQL statements no test runs.

    make coverage       run the tests under the profiler of plpgsql_check (PostgreSQL 15), and report

As a plugin of pytest (`-p trust.coverage --coverage=FOLDER`) it asks the database of each test, before it is
dropped: what ran there. Without the extension it notes the routines only.

Under the profiler a few tests fail: after an EXECUTE it works out the statement's text once more, which overwrites
ROW_COUNT, so that a rerun seems to have changed rows. What ran has run all the same.
"""

import argparse
import contextlib
import json
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / ".trust" / "coverage"
SCHEMAS = "('raw', 'staging', 'warehouse', 'audit')"
# What the server has to be told. A profile outlives its session only in a preloaded library's shared memory.
SETTINGS = {"track_functions": "all"}
PROFILER = {
    "shared_preload_libraries": "plpgsql_check",
    "plpgsql_check.profiler": "on",
    "plpgsql_check.profiler_max_shared_chunks": "50000",
}

# Not what a statement of ours does: an empty ELSE, the block that is the body.
NOT_COUNTED = ("statement block",)


# -- the plugin --------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --coverage."""
    parser.addoption("--coverage", type=Path, help="the folder to note in what each test runs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Remember how long the test took."""
    report = yield
    if call.when == "call":
        item.stash[_seconds] = call.duration
    return report


_seconds = pytest.StashKey[float]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Before its database goes: note what the test ran there."""
    folder = item.config.getoption("--coverage")
    if folder and _seconds in item.stash:
        # Its own warehouse, and what that is a copy of: a fault that keeps it from loading fails the test, too.
        warehouses = [value for value in getattr(item, "funcargs", {}).values() if hasattr(value, "opened")]
        seen: dict[str, dict[str, Any]] = {"routines": {}, "statements": {}}
        for harvested in map(harvest, {warehouse.dsn: warehouse for warehouse in warehouses}.values()):
            seen["routines"] |= harvested["routines"]
            for signature, statements in harvested["statements"].items():
                seen["statements"].setdefault(signature, []).extend(statements)
        worker = getattr(item.config, "workerinput", {}).get("workerid", "alone")
        line = {"test": item.nodeid, "seconds": round(item.stash[_seconds], 3)} | seen
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{worker}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
    return (yield)


def harvest(warehouse: Any) -> dict[str, Any]:
    """Return {routines: calls by signature, statements: executed ones by signature} of a test's database."""
    for connection in warehouse.opened:
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT pg_stat_force_next_flush()")
    with psycopg.connect(warehouse.dsn, autocommit=True) as connection:
        routines = dict(
            connection.execute(
                f"SELECT funcid::regprocedure::text, calls FROM pg_stat_user_functions WHERE schemaname IN {SCHEMAS}"
            ).fetchall()
        )
        statements: dict[str, list[list[Any]]] = {}
        if connection.execute("SHOW shared_preload_libraries").fetchone() == ("plpgsql_check",):
            connection.execute("SET plpgsql_check.profiler = off")
            connection.execute("CREATE EXTENSION IF NOT EXISTS plpgsql_check SCHEMA public")
            for signature, identifier, line, name, runs in connection.execute(
                f"""
                SELECT p.oid::regprocedure::text, s.stmtid, s.lineno, s.stmtname, s.exec_stmts
                FROM pg_proc AS p
                JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname IN {SCHEMAS}
                JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
                CROSS JOIN LATERAL public.plpgsql_profiler_function_statements_tb(p.oid) AS s
                """
            ).fetchall():
                statements.setdefault(signature, []).append([identifier, line, name, runs or 0])
            connection.execute(
                f"""
                SELECT public.plpgsql_profiler_reset(p.oid)
                FROM pg_proc AS p
                JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname IN {SCHEMAS}
                """
            )
    return {"routines": routines, "statements": statements}


# -- what was noted ----------------------------------------------------------------------------------


@dataclass
class Noted:
    """What a run of the tests noted."""

    seconds: dict[str, float] = field(default_factory=dict)
    routines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by name: the tests
    statements: dict[tuple[str, int], list[Any]] = field(default_factory=dict)  # [line, name, runs]


def read(folder: Path = FOLDER) -> Noted:
    """Read what a run noted in a folder; empty if there was none."""
    noted = Noted()
    for path in folder.glob("*.jsonl"):
        for line in map(json.loads, path.read_text().splitlines()):
            noted.seconds[line["test"]] = line["seconds"]
            for signature in line["routines"]:
                noted.routines[signature.split("(")[0]].add(line["test"])
            for signature, statements in line["statements"].items():
                for identifier, number, name, runs in statements:
                    noted.statements.setdefault((signature, identifier), [number, name, 0])[2] += runs
    return noted


def run(folder: Path, server: str, workers: int, arguments: Iterable[str]) -> None:
    """Run the tests with the plugin."""
    for old in folder.glob("*.jsonl"):
        old.unlink()
    profiler = PROFILER if server == "15" else {}
    settings = [f"--setting={name}={value}" for name, value in (SETTINGS | profiler).items()]
    subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", f"--pg={server}", "-n", str(workers), "-p", "trust.coverage",
            f"--coverage={folder}", *settings, *arguments,
        ],
        cwd=PROJECT,
    )  # fmt: skip


def report(noted: Noted) -> list[str]:
    """Return lines of the report: the routines with statements that did not run, and the sum."""
    by_routine: dict[str, list[list[Any]]] = defaultdict(list)
    for (signature, _), statement in noted.statements.items():
        if statement[1] not in NOT_COUNTED:
            by_routine[signature].append(statement)
    lines, all_of, all_run = [], 0, 0
    for signature, statements in sorted(by_routine.items()):
        missing = sorted((number, name) for number, name, runs in statements if not runs)
        all_of += len(statements)
        all_run += len(statements) - len(missing)
        if missing:
            places = ", ".join(f"{number} {name}" for number, name in missing)
            lines.append(f"{signature.split('(')[0]}: {len(missing)} of {len(statements)} did not run: line {places}")
    if all_of:
        lines.append(
            f"{all_run} of {all_of} PL/pgSQL statements of {len(by_routine)} routines ran: {all_run / all_of:.1%}"
        )
    return lines


def main() -> int:
    """Run the tool; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--pg", default="15", help="15 for statements; another server notes the routines only")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--read", action="store_true", help="run nothing, report what is noted")
    parser.add_argument("arguments", nargs="*", help="for pytest")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests press Ctrl-C, also in a background job
    if not given.read:
        run(given.folder, given.pg, given.workers, given.arguments)
    lines = report(read(given.folder))
    print("\n".join(lines))
    return 0 if lines else 1


if __name__ == "__main__":
    sys.exit(main())
