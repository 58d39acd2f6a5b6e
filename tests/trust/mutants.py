"""Do the tests bite? Puts one fault at a time into the SQL of db/ and looks whether a test fails.

    make mutants COUNT=150                     150 mutants, of every kind and from every file
    make mutants ONLY=_compact_month           those whose id matches
    python -m tests.trust.mutants --list …     only say which

Each mutant is a copy of the project with one fault (tests/trust/mutation.py says of which kinds), and meets the
tests that run its routine (`make coverage` notes which), likeliest first, until one fails. What no test kills is
alive: it wants a test, or a line with its reason in mutants_alive.txt. Outcomes are added to .trust/mutants.jsonl,
so runs add up; a mutant that was killed there is not tried again.
"""

import argparse
import ast
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.trust import coverage
from tests.trust.mutation import KINDS, Mutant, mutants

PROJECT = Path(__file__).resolve().parents[2]
DATABASE_FILES = PROJECT / "db"
OUTCOMES = PROJECT / ".trust" / "mutants.jsonl"
ALIVE = Path(__file__).with_name("mutants_alive.txt")

# They compare documents with the catalog: any change of a table would do, which proves nothing.
NOT_ASKED = ("tests/test_readme.py", "tests/test_dag_", "tests/test_trust_mutants.py")
# Tests that a mutant meets first, and those that it meets only if these let it live; in seconds that they take alone.
FIRST_SECONDS, MORE_SECONDS = 30, 150
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


def copy(folder: Path) -> None:
    """Copy the project's files, as they are now, so that nothing of a mutant gets into it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    shared = PROJECT.parent / "shared"
    if shared.exists() and not (folder.parent / "shared").exists():
        (folder.parent / "shared").symlink_to(shared)


def put(mutant: Mutant, folder: Path) -> None:
    """Put the fault into a copy of the project: into its file, and into the first revision that holds it."""
    text = (DATABASE_FILES / mutant.path).read_text(encoding="utf-8")
    faulty = mutant.apply(text)
    (folder / "db" / mutant.path).write_text(faulty, encoding="utf-8")
    if mutant.path.startswith("schema/"):
        for revision in sorted((folder / "alembic" / "versions").glob("*.sql")):
            whole = (PROJECT / "alembic" / "versions" / revision.name).read_text(encoding="utf-8")
            if text.strip() in whole:
                revision.write_text(whole.replace(text.strip(), faulty.strip()), encoding="utf-8")
                return
        raise ValueError(f"no revision holds {mutant.path} as it is")


def take_out(mutant: Mutant, folder: Path) -> None:
    """Make the copy whole again."""
    shutil.copy2(DATABASE_FILES / mutant.path, folder / "db" / mutant.path)
    for revision in (PROJECT / "alembic" / "versions").glob("*.sql"):
        shutil.copy2(revision, folder / "alembic" / "versions" / revision.name)


def ask(names: Sequence[str], folder: Path, server: str, seconds: float) -> tuple[str, str]:
    """Run tests in a copy until one fails; return the outcome and the test that failed."""
    options = ["-x", "-q", f"--pg={server}", "--tb=line", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [sys.executable, "-B", "-m", "pytest", *options, *names],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "endless", ""
    if process.returncode == 0:
        return "alive", ""
    failed = re.search(r"^(FAILED|ERROR) (tests/\S+?::.*?)(?: - |$)", said, re.MULTILINE)
    if not failed or process.returncode != 1:
        return "broken", said[-2000:]
    refused = failed[1] == "ERROR" and re.search(r"MigrationError|DBAPIError|psycopg\.errors", said)
    return ("not installed" if refused else "killed"), failed[2]


def try_out(mutant: Mutant, tests: Tests, folder: Path, server: str) -> Outcome:
    """Return what becomes of a mutant."""
    started = time.monotonic()
    names = tests.of(mutant)
    costs = [tests.noted.seconds[name] for name in names]
    put(mutant, folder)
    asked, outcome, test = 0, "alive", ""
    try:
        for most in (FIRST_SECONDS, MORE_SECONDS):
            chosen, cost = [], 0.0
            while asked < len(names) and cost < most:
                chosen.append(names[asked])
                cost += costs[asked] + 0.1
                asked += 1
            if chosen:
                outcome, test = ask(chosen, folder, server, 40 + 3 * cost)
            if outcome != "alive":
                break
    finally:
        take_out(mutant, folder)
    if outcome == "killed":
        tests.kills[(mutant.path, test)] += 1
    return Outcome(mutant, outcome, test, asked, time.monotonic() - started)


# -- many --------------------------------------------------------------------------------------------


def outcomes() -> dict[str, dict[str, str]]:
    """Return what was noted before, by id; the last of an id counts."""
    if not OUTCOMES.exists():
        return {}
    return {line["id"]: line for line in map(json.loads, OUTCOMES.read_text(encoding="utf-8").splitlines())}


def try_all(chosen: Sequence[Mutant], tests: Tests, server: str, jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of each mutant as it is known, and note it."""
    OUTCOMES.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        folders = [Path(scratch) / f"copy{number}" for number in range(jobs)]
        for folder in folders:
            copy(folder)
        free = list(folders)

        def one(mutant: Mutant) -> Outcome:
            folder = free.pop()
            try:
                return try_out(mutant, tests, folder, server)
            finally:
                free.append(folder)

        with ThreadPoolExecutor(jobs) as pool:
            for done in as_completed([pool.submit(one, mutant) for mutant in chosen]):
                outcome = done.result()
                note = {
                    "id": outcome.mutant.id, "outcome": outcome.outcome, "test": outcome.test, "tests": outcome.tests,
                    "seconds": round(outcome.seconds, 1), "says": str(outcome.mutant),
                }  # fmt: skip
                with OUTCOMES.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(note, ensure_ascii=False) + "\n")
                yield outcome


def report(found: Sequence[Mutant]) -> list[str]:
    """Return lines that say what all runs noted of the mutants that there are now."""
    known, reasons, there = outcomes(), accepted(), {mutant.id: mutant for mutant in found}
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
    parser.add_argument("--pg", default="15")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="those too that were tried before")
    parser.add_argument("--list", action="store_true", help="try none, only say which")
    parser.add_argument("--report", action="store_true", help="try none, say what is noted")
    given = parser.parse_args()
    found = mutants(DATABASE_FILES)
    if given.report:
        print("\n".join(report(found)))
        return 0
    known = {} if given.again else outcomes()
    done = {name for name, line in known.items() if line["outcome"] not in ("alive", "broken")} | set(accepted())
    open_ones = [
        mutant for mutant in found
        if mutant.id not in done and re.search(given.only, mutant.id) and not re.search(given.but, mutant.id)
    ]  # fmt: skip
    chosen = draw(open_ones, given.count, given.seed)
    if given.list:
        print("\n".join(map(str, chosen)))
        return 0
    noted = coverage.read()
    if not noted.seconds:
        print("First `make coverage`: which tests run which routine is not noted yet.")
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests press Ctrl-C, also in a background job
    alive = 0
    for number, outcome in enumerate(try_all(chosen, Tests(noted), given.pg, given.jobs), 1):
        alive += outcome.outcome in ("alive", "broken")
        said = outcome.test if outcome.outcome == "killed" else f"after {outcome.tests} tests"
        print(f"{number:4} {outcome.outcome:13} {outcome.seconds:5.0f} s  {outcome.mutant}  {said}", flush=True)
    print("\n".join(report(found)))
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
