"""Do the tests bite? Puts one fault at a time into the SQL of db/ and looks whether a test fails.

    make mutants COUNT=150                     150 mutants, of every kind and from every file
    make mutants ONLY=_compact_month           those whose id matches
    python -m trust.mutants --list …     only say which

Each mutant is a copy of the project with one fault (trust/mutation.py says of which kinds), and meets the
tests that run its routine (`make coverage` notes which), likeliest first, until one fails. What no test kills is
alive: it wants a test, or a line with its reason in mutants_alive.txt. Outcomes are added to .trust/mutants.jsonl,
so runs add up; a mutant that was killed there is not tried again.
"""

import argparse
import ast
import contextlib
import importlib
import io
import json
import math
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from embedded.server import EmbeddedServer
from trust import coverage
from trust.mutation import KINDS, Mutant, mutants

PROJECT = Path(__file__).resolve().parents[1]
DATABASE_FILES = PROJECT / "db"
OUTCOMES = PROJECT / ".trust" / "mutants.jsonl"
ALIVE = Path(__file__).with_name("mutants_alive.txt")

# They compare documents with the catalog: any change of a table would do, which proves nothing.
NOT_ASKED = ("tests/docs/", "tests/dags/", "tests/trust/test_mutants.py")
# A mutant meets so much of its tests at first, and of the rest if these let it live: by seconds that they take alone.
FIRST_SECONDS = 3
# A test that is not done after this time will never be: on a machine that does nothing else.
QUIET_SECONDS = 30
# Passes where there is no fault: makes the migrated database that mutants of routines are made from.
WARM_UP = "tests/schema/test_rules.py::test_no_extension_is_needed"
# Kinds that are many and say little are drawn less often.
SELDOM = {"not-null": 4, "pin": 4, "number": 3, "search-path": 2, "definer": 2, "assignment": 2}


# -- which mutants -----------------------------------------------------------------------------------


def accepted() -> dict[str, str]:
    """Return {id: reason} of the mutants that are known to live."""
    lines = [line for line in ALIVE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split(maxsplit=1) for line in lines)


def draw(found: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Choose mutants, in turn from each kind and within a kind from each file."""
    chance = random.Random(seed)
    queues: dict[str, list[Mutant]] = {}
    for kind in KINDS:
        by_file: dict[str, list[Mutant]] = defaultdict(list)
        for mutant in found:
            if mutant.kind == kind:
                by_file[mutant.path].append(mutant)
        files = sorted(by_file)
        for path in files:
            chance.shuffle(by_file[path])
        queue = []
        while files:
            chance.shuffle(files)
            queue += [by_file[path].pop() for path in files]
            files = [path for path in sorted(by_file) if by_file[path]]
        queues[kind] = queue
    drawn: list[Mutant] = []
    turn = 0
    while len(drawn) < count and any(queues.values()):
        for kind, queue in queues.items():
            if queue and turn % SELDOM.get(kind, 1) == 0 and len(drawn) < count:
                drawn.append(queue.pop(0))
        turn += 1
    return drawn


# -- which tests -------------------------------------------------------------------------------------

WORD = re.compile(r"[A-Za-z_]\w{2,}")


class Tests:
    """The tests, what they say and what they run."""

    def __init__(self, noted: coverage.Noted) -> None:
        self.noted = noted
        self.names = [name for name in noted.seconds if not name.startswith(NOT_ASKED)]
        self.kills: Counter[tuple[str, str]] = Counter()

    @cached_property
    def words(self) -> dict[str, set[str]]:
        """The words of each test's function, and of the helpers of its file that it names."""
        sources: dict[str, dict[str, str]] = {}
        for path in {name.split("::")[0] for name in self.names}:
            text = (PROJECT / path).read_text(encoding="utf-8")
            nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
            sources[path] = {node.name: ast.get_source_segment(text, node) or "" for node in nodes}
        result = {}
        for name in self.names:
            path, _, function = name.partition("::")
            functions = sources[path]
            said = functions.get(function.split("[")[0], "") + function
            helpers = [text for helper, text in functions.items() if re.search(rf"\b{helper}\(", said)]
            result[name] = {word for text in [said, *helpers] for word in WORD.findall(text)}
        return result

    @cached_property
    def rarity(self) -> dict[str, float]:
        """How much a word tells."""
        times = Counter(word for words in self.words.values() for word in words)
        return {word: math.log(len(self.names) / count) for word, count in times.items()}

    def of(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the mutant's routine, likeliest to notice first."""
        text = (DATABASE_FILES / mutant.path).read_text(encoding="utf-8")
        routines = list(re.finditer(r"CREATE OR REPLACE (?:FUNCTION|PROCEDURE)\s+([\w.]+)", text))
        before = [found[1] for found in routines if found.start() <= mutant.start]
        touching = self.noted.routines.get(before[-1], set()) if before else set()
        # A table, or a routine that is inlined: any test may notice.
        candidates = [name for name in self.names if name in touching] or self.names
        lines = text.splitlines()
        around = "\n".join(lines[max(0, mutant.line - 3) : mutant.line + 2])
        asked = set(WORD.findall(f"{around} {mutant.old} {' '.join(before[-1:])} {Path(mutant.path).stem}"))

        def worth(name: str) -> float:
            said = sum(self.rarity.get(word, 0) for word in asked & self.words[name])
            return (said + 20 * self.kills[(mutant.path, name)]) / math.sqrt(0.3 + self.noted.seconds[name])

        return sorted(candidates, key=worth, reverse=True)


# -- one mutant --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed (by a test), not installed, endless, alive, or broken (the harness is)."""

    mutant: Mutant
    outcome: str
    test: str
    tests: int
    seconds: float


@dataclass
class Workplace:
    """A copy of the project in `folder`, and a test server that stays, beside it."""

    folder: Path
    postgres: str
    sound: set[str] = field(default_factory=set)  # tests that pass without a fault

    @property
    def server(self) -> Path:
        return self.folder.parent / f"{self.folder.name}-server"

    def copy(self) -> None:
        """Copy the project's files, as they are now, so that nothing of a mutant gets into it."""
        ignored = shutil.ignore_patterns(".*", "__pycache__", "data")
        shutil.copytree(PROJECT, self.folder, ignore=ignored)
        shared = PROJECT.parent / "shared"
        if shared.exists():
            with contextlib.suppress(FileExistsError):  # it is beside all copies, and the first makes it
                (self.folder.parent / "shared").symlink_to(shared)

    @contextlib.contextmanager
    def holding(self, mutant: Mutant) -> Iterator[None]:
        """Put a fault into the copy, into its file and the revision that holds this; take it out again."""
        text = (DATABASE_FILES / mutant.path).read_text(encoding="utf-8")
        faulty = mutant.apply(text)
        places = [(DATABASE_FILES / mutant.path, faulty)]
        if mutant.path.startswith("schema/"):
            for revision in sorted((PROJECT / "alembic" / "versions").glob("*.sql")):
                whole = revision.read_text(encoding="utf-8")
                if text.strip() in whole:
                    places.append((revision, whole.replace(text.strip(), faulty.strip())))
            assert len(places) == 2, f"no revision holds {mutant.path} as it is"
        try:
            for path, content in places:
                (self.folder / path.relative_to(PROJECT)).write_text(content, encoding="utf-8")
            yield
        finally:
            for path, _ in places:
                shutil.copy2(path, self.folder / path.relative_to(PROJECT))

    def ask(self, names: Sequence[str], *, afresh: bool = False) -> tuple[str, str]:
        """Run tests until one fails; return the outcome and the test that failed. `afresh`: on a server of its own."""
        options = ["-x", "-q", f"--pg={self.postgres}", "--tb=line", "-p", "no:cacheprovider"]
        if not afresh:
            self.server.mkdir(mode=0o755, exist_ok=True)
            options.append(f"--server={self.server}")
        with tempfile.TemporaryFile("w+") as said:
            child = os.fork()
            if child == 0:
                _be_pytest(self.folder, [*options, *names], said.fileno())
            ended, length, since = (0, 0), 0, time.monotonic()
            while not ended[0]:
                time.sleep(0.02)
                ended = os.waitpid(child, os.WNOHANG)
                if length != (now := os.fstat(said.fileno()).st_size):
                    length, since = now, time.monotonic()
                # On a busy machine everything takes longer.
                busy = min(4, max(1, os.getloadavg()[0] / (os.cpu_count() or 1)))
                if time.monotonic() - since > QUIET_SECONDS * busy:
                    os.killpg(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    self.leave()  # what hangs there is not worth looking for
                    return "endless", ""
            said.seek(0)
            text = said.read()
        code = os.waitstatus_to_exitcode(ended[1])
        if code == 0:
            return "alive", ""
        # Of a test that fails, and whose fixtures then find the same, the failure is what counts.
        wanted = (r"^(FAILED) (tests/\S+?::.*?)(?: - |$)", r"^(ERROR) (tests/\S+?::.*?)(?: - |$)")
        failed = next(filter(None, (re.search(one, text, re.MULTILINE) for one in wanted)), None)
        if not failed or code != 1:
            return "broken", text[-2000:]
        refused = failed[1] == "ERROR" and re.search(r"MigrationError|DBAPIError|psycopg\.errors", text)
        return ("not installed" if refused else "killed"), failed[2]

    def leave(self) -> None:
        """Stop and remove the server."""
        if self.server.exists():
            EmbeddedServer(self.server).stop()
            shutil.rmtree(self.server, ignore_errors=True)

    def is_sound(self, test: str) -> bool:
        """Return whether a test passes where there is no fault."""
        if test not in self.sound and self.ask([test])[0] == "alive":
            self.sound.add(test)
        return test in self.sound


# Loaded once, before each child is forked: that is most of what starting pytest costs.
LOADED = ("alembic.command", "hypothesis", "psycopg", "pytest", "pytest_postgresql.plugin",
          "sqlalchemy.dialects.postgresql.psycopg", "xdist.plugin")  # fmt: skip


def _be_pytest(folder: Path, arguments: Sequence[str], output: int) -> None:
    """In a forked child: run pytest in a folder, with the folder's own glue and tests; never return."""
    code = 3
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
        sys.path[:] = [str(folder) if path in ("", str(PROJECT)) else path for path in sys.path]
        for name in [name for name in sys.modules if name.split(".")[0] in ("glue", "tests")]:
            del sys.modules[name]
        import pytest

        code = int(pytest.main(list(arguments)))
    finally:
        os._exit(code)


def try_out(mutant: Mutant, tests: Tests, place: Workplace, more_seconds: float) -> Outcome:
    """Return what becomes of a mutant."""
    started = time.monotonic()
    if not place.server.exists() and not place.is_sound(WARM_UP):
        return Outcome(mutant, "broken", f"fails without a fault: {WARM_UP}", 1, 0)
    names = tests.of(mutant)
    # Tables, and privileges that a migrated database has already: only a database of its own is without them.
    afresh = mutant.path.startswith("schema/") or mutant.kind == "grant"
    asked, outcome, test = 0, "alive", ""
    for most in (FIRST_SECONDS, more_seconds):
        chosen, cost = [], 0.0
        while asked < len(names) and cost < most:
            chosen.append(names[asked])
            cost += tests.noted.seconds[names[asked]] + 0.1
            asked += 1
        if chosen:
            with place.holding(mutant):
                outcome, test = place.ask(chosen, afresh=afresh)
        if outcome != "alive":
            break
    if outcome == "killed":
        if place.is_sound(test):
            tests.kills[(mutant.path, test)] += 1
        else:
            outcome, test = "broken", f"fails without a fault too: {test}"
    return Outcome(mutant, outcome, test, asked, time.monotonic() - started)


# -- many --------------------------------------------------------------------------------------------


def outcomes(file: Path) -> dict[str, dict[str, str]]:
    """Return what was noted before, by id; the last of an id counts."""
    if not file.exists():
        return {}
    return {line["id"]: line for line in map(json.loads, file.read_text(encoding="utf-8").splitlines())}


def note(outcome: Outcome, file: Path) -> None:
    """Add an outcome to what is noted."""
    line = {
        "id": outcome.mutant.id, "outcome": outcome.outcome, "test": outcome.test, "tests": outcome.tests,
        "seconds": round(outcome.seconds, 1), "says": str(outcome.mutant),
    }  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(line, ensure_ascii=False) + "\n")


def try_all(
    chosen: Sequence[Mutant], noted: coverage.Noted, postgres: str, jobs: int, more_seconds: float
) -> Iterator[Outcome]:
    """Yield the outcome of each mutant as it is known."""
    for name in LOADED:
        importlib.import_module(name)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=memory if memory.exists() else None) as scratch:
        Path(scratch).chmod(0o755)
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(
            jobs, mp_context=fork, initializer=_begin, initargs=(scratch, noted, postgres)
        ) as pool:
            try:
                for done in as_completed([pool.submit(_one, mutant, more_seconds) for mutant in chosen]):
                    yield done.result()
            finally:
                pool.shutdown(cancel_futures=True)
                for server in Path(scratch).glob("*-server"):
                    EmbeddedServer(server).stop()


# What a process of the pool works with.
_mine: dict[str, Any] = {}


def _begin(scratch: str, noted: coverage.Noted, postgres: str) -> None:
    """Begin a process of the pool: with a copy, and a server whose database has no fault."""
    place = Workplace(Path(scratch) / f"copy{os.getpid()}", postgres)
    place.copy()
    _mine.update(place=place, tests=Tests(noted))


def _one(mutant: Mutant, more_seconds: float) -> Outcome:
    """Try a mutant in a process of the pool."""
    return try_out(mutant, _mine["tests"], _mine["place"], more_seconds)


def report(found: Sequence[Mutant], file: Path) -> list[str]:
    """Return lines that say what all runs noted of the mutants that there are now."""
    known, reasons, there = outcomes(file), accepted(), {mutant.id: mutant for mutant in found}
    noted = {name: line for name, line in known.items() if name in there}
    living = [name for name, line in noted.items() if line["outcome"] == "alive" and name not in reasons]
    lines = []
    for kind, said in KINDS.items():
        of_kind = [line["outcome"] for name, line in noted.items() if there[name].kind == kind]
        if of_kind:
            dead = sum(outcome in ("killed", "not installed", "endless") for outcome in of_kind)
            lines.append(f"{kind:12} {dead:4} of {len(of_kind):4} dead   {said}")
    counts = Counter(line["outcome"] for line in noted.values())
    with_reason = sum(line["outcome"] == "alive" and name in reasons for name, line in noted.items())
    lines += [f"alive, without a reason: {there[name]}" for name in living]
    lines += [f"the harness failed: {name}: {one['test']}" for name, one in noted.items() if one["outcome"] == "broken"]
    lines.append(
        f"{len(noted)} mutants of {len(found)}: {counts['killed']} killed by a test, {counts['not installed']} did not"
        f" install, {counts['endless']} never ended, {with_reason} alive with a reason, {len(living)} without one"
    )
    return lines


def main() -> int:
    """Run the tool; return the exit code: 1 if a mutant lives without a reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1, help="which mutants are drawn")
    parser.add_argument("--only", default="", help="a regular expression that ids have to match")
    parser.add_argument("--but", default="^$", help="a regular expression that ids must not match")
    parser.add_argument("--ask", nargs="+", metavar="TEST", help="these tests, not those that run the routine")
    parser.add_argument("--pg", default="15")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--more", type=float, default=120, help="seconds of tests for a mutant that outlives the first")
    parser.add_argument("--again", action="store_true", help="those too that were tried before")
    parser.add_argument("--outcomes", type=Path, default=OUTCOMES, help="the file that outcomes are added to")
    parser.add_argument("--list", action="store_true", help="try none, only say which")
    parser.add_argument("--report", action="store_true", help="try none, say what is noted")
    given = parser.parse_args()
    found = mutants(DATABASE_FILES)
    if given.report:
        print("\n".join(report(found, given.outcomes)))
        return 0
    known = {} if given.again else outcomes(given.outcomes)
    done = {name for name, line in known.items() if line["outcome"] not in ("alive", "broken")} | set(accepted())
    open_ones = [
        mutant for mutant in found
        if mutant.id not in done and re.search(given.only, mutant.id) and not re.search(given.but, mutant.id)
    ]  # fmt: skip
    chosen = draw(open_ones, given.count, given.seed)
    if given.list:
        print("\n".join(map(str, chosen)))
        return 0
    noted = coverage.Noted(dict.fromkeys(given.ask, 1.0)) if given.ask else coverage.read()
    if not noted.seconds:
        print("First `make coverage`: which tests run which routine is not noted yet.")
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests press Ctrl-C, also in a background job
    alive = 0
    for number, outcome in enumerate(try_all(chosen, noted, given.pg, given.jobs, given.more), 1):
        note(outcome, given.outcomes)
        alive += outcome.outcome in ("alive", "broken")
        said = outcome.test if outcome.outcome == "killed" else f"after {outcome.tests} tests"
        print(f"{number:4} {outcome.outcome:13} {outcome.seconds:5.0f} s  {outcome.mutant}  {said}", flush=True)
    print("\n".join(report(found, given.outcomes)))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
