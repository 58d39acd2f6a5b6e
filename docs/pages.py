"""Runs the commands of README.md and docs/ in a copy of the project, and compares what they print with what they say.

    python docs/pages.py                             run all pages; exit code 1 if one does not say what is printed
    python docs/pages.py docs/how-to/add-a-rule.md   run one page
    python docs/pages.py --write [PAGE …]            put what is printed into the pages

A command stands in a block marked `console`, after `$ `, and goes on in lines that start with `> `; what it prints
follows; a line `…` stands for any number of lines, and what is around it is written by hand. The commands of a page
are run one after the other, in one folder; what `export` and `unset` change holds for those that follow. A comment
above a block says more:

    <!-- exit 3 -->                              how its last command ends
    <!-- not run: why -->                        leaves it out
    <!-- on an empty server -->                  from here on, PGHOST and PGUSER name a PostgreSQL that had nothing
    <!-- here /srv/landing is data/landing -->   what stands in for what only the reader has

A page starts in a fresh copy of the project, or where another one ends: `<!-- goes on from tutorial.md -->`. It has the
server, too, that the other one ended with.
"""
# A command line prints.
# ruff: noqa: T201

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from embedded.server import DATABASE, SUPERUSER, EmbeddedServer  # noqa: E402

SHOWN_FOLDER = "/home/you/warehouse"
# What a copy does not need, and what must not be shared with it.
NOT_COPIED = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".airflow",
    ".bench",
    ".site*",
    ".warehouse",
    ".hypothesis",
    ".trust",
    ".*_cache",
    "__pycache__",
    "data",
    "bench",
    "releases",
    "node_modules",
)
COMMAND_SECONDS = 300

GOES_ON = re.compile(r"<!-- goes on from (?P<page>\S+) -->")
STANDS_IN = re.compile(r"<!-- here (?P<shown>\S+) is (?P<real>\S*) ?-->")
BLOCK = re.compile(
    r"(?:<!-- (?P<note>exit \d+|on an empty server|not run: [^\n]*) -->\n)?```console\n(?P<body>.*?)```\n", re.DOTALL
)
# What is different on every machine and every day.
VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?([+-]\d\d|Z)?( +[\d.,]+)*"), "<when, how long>"),
    (re.compile(r"[\d,]+(\.\d+)? (s|seconds|MB|GB|kB)\b|[\d,]+/s"), "<some>"),
    (re.compile(r"Applied \d+ of \d+ routine files"), "Applied <some>"),
    (re.compile(r"(check_quality .* in), \d+ rules"), r"\1, <some> rules"),
    # The demo's seconds, in the last column of a row of counts.
    (re.compile(r"(?m)^((?:\d{4}-\d\d-\d\d)?(?: +blocked)?(?: +[\d,]+){7}) +[\d,]+\.\d$"), r"\1 <some>"),
    (re.compile(r"-[-+]+-"), "---"),
    (re.compile(r"[─━═]+"), "─"),
    (re.compile(r"[ \t]+"), " "),
)
LEFT_OUT = "…"
# The only reasons for which a command is not run here, and who tries it otherwise.
NOT_RUN = {
    "the tests bring their own environment": "CI, which begins with it",
    "this is what runs the tests": "CI, which is it",
    "it needs an Airflow": "tests/dags, where Airflow is installed",
    "it needs Docker and a registry": "tests/ops reads the files; run-with-airflow.md says what was seen",
}
# Commands that are about those that follow.
OF_THE_SHELL = ("export ", "unset ")


@dataclass
class Command:
    """A command of the page, and what the page says that it prints."""

    line: int
    text: str
    expected: str
    exit_code: int = 0


@dataclass
class Block:
    """A block of commands; `start` and `end` are where its body lies in the page."""

    start: int
    end: int
    needs_server: bool = False
    commands: list[Command] = field(default_factory=list)


@dataclass
class Outcome:
    """What a command really printed."""

    command: Command
    printed: str
    exit_code: int

    @property
    def is_as_written(self) -> bool:
        """Whether the page says so."""
        return says(self.command.expected, self.printed) and self.exit_code == self.command.exit_code


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page that are to be run."""
    for found in BLOCK.finditer(page):
        note = found["note"] or ""
        if note.startswith("not run"):
            assert note.removeprefix("not run: ") in NOT_RUN, note
            continue
        block = Block(*found.span("body"), needs_server=note == "on an empty server")
        line = page.count("\n", 0, block.start) + 1
        for number, text in enumerate(found["body"].splitlines(), line):
            if text.startswith("$ "):
                block.commands.append(Command(number, text[2:], ""))
            elif text.startswith(">") and not block.commands[-1].expected:
                block.commands[-1].text += "\n" + text[2:]
            else:
                block.commands[-1].expected += text + "\n"
        if note.startswith("exit"):
            block.commands[-1].exit_code = int(note.removeprefix("exit "))
        yield block


def comparable(text: str) -> str:
    """Return a text without what is different on every machine and every day."""
    for pattern, replacement in VARIES:
        text = pattern.sub(replacement, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def says(expected: str, printed: str) -> bool:
    """Return whether a text is what the page says, with `…` for any number of lines."""
    lines = comparable(expected).splitlines()
    pattern = "".join(r"(?:.*\n)*?" if line == LEFT_OUT else re.escape(line) + r"\n" for line in lines)
    text = comparable(printed)
    return re.fullmatch(pattern, text + "\n" if text else "") is not None


def pages() -> list[Path]:
    """Return the pages whose commands are run: all that have any."""
    found = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    return [page for page in found if any(blocks(page.read_text(encoding="utf-8")))]


def start_of(page: Path) -> Path | None:
    """Return the page that another one goes on from; None if it starts in a fresh copy."""
    found = GOES_ON.search(page.read_text(encoding="utf-8"))
    return (page.parent / found["page"]).resolve() if found else None


def copy_of_project(folder: Path) -> Path:
    """Return a fresh copy of the project in a folder, with the virtual environment that runs this."""
    project = folder / "warehouse"
    shutil.copytree(PROJECT, project, ignore=NOT_COPIED)
    environment = project / ".venv"
    environment.mkdir()
    # All but `installed`, by which make would take an environment without tests for one that has them.
    for name in ("bin", "lib", "pyvenv.cfg"):
        (environment / name).symlink_to(Path(sys.prefix) / name)
    (environment / "installed").touch()
    return project


def copy_of_copy(project: Path, folder: Path) -> Path:
    """Return a copy of a copy in which commands have run, with its stopped server and its deliveries."""
    copy = folder / "warehouse"
    # cp keeps owners: the server's files are those of a user of its own.
    subprocess.run(["cp", "--archive", project, copy], check=True)
    return copy


class OwnServers:
    """The servers that a page's commands find by PGHOST, one at a time, each in a folder of the copy of the project."""

    def __init__(self, project: Path, bindir: str | None) -> None:
        self.project = project
        self.bindir = Path(bindir) if bindir else None
        self.last: EmbeddedServer | None = None

    def __enter__(self) -> "OwnServers":
        self.count = len(list(self.project.glob("own-*")))
        if self.count:
            self._start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.last:
            self.last.stop()

    def start_an_empty_one(self) -> None:
        """Stop the last one, and start one that has nothing yet."""
        if self.last:
            self.last.stop()
        self.count += 1
        server = self._start()
        with contextlib.closing(psycopg.connect(server.dsn("postgres"), autocommit=True)) as connection:
            connection.execute(f"DROP DATABASE {DATABASE}")

    def _start(self) -> EmbeddedServer:
        self.last = EmbeddedServer(self.project / f"own-{self.count}", bindir=self.bindir, settings={"fsync": "off"})
        self.last.start()
        return self.last

    def environment(self, path: str) -> dict[str, str]:
        """Return the variables by which libpq and a shell find the server and its programs."""
        if not self.last:
            return {}
        found = {"PGHOST": str(self.last.socket_directory), "PGUSER": SUPERUSER}
        return found | {"PATH": f"{self.last.binaries()}{os.pathsep}{path}"}


def run(page: str, project: Path, changes: Mapping[str, str]) -> Iterator[Outcome]:
    """Run the commands of a text in a project, yielding what each did; stop the embedded server at the end."""
    own = ("PG", "WAREHOUSE_", "LANDING_", "PRODUCTS_", "EMBEDDED_", "COLUMNS", "MAKE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environment |= {"PSQLRC": os.devnull, "PAGER": "cat", "PSQL_PAGER": "cat", "COLUMNS": "110", "NO_COLOR": "1"}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    # The `warehouse` of the environment belongs to the project that it was installed from; what it runs is the copy's.
    environment |= {"PYTHONPATH": str(project)} | changes
    # Compiled by the first command, for all that follow, in copies too.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    stand_ins = {found["shown"]: found["real"] for found in STANDS_IN.finditer(page)}
    try:
        with OwnServers(project, changes.get("EMBEDDED_PG_BINDIR")) as servers:
            environment |= servers.environment(environment["PATH"])
            for block in blocks(page):
                if block.needs_server:
                    servers.start_an_empty_one()
                    environment |= servers.environment(environment["PATH"])
                for command in block.commands:
                    is_of_the_shell = command.text.startswith(OF_THE_SHELL)
                    text = command.text
                    for shown, real in stand_ins.items():
                        text = text.replace(shown, real)
                    done = subprocess.run(
                        ["bash", "-c", text + ("\nenv -0" if is_of_the_shell else "")],
                        cwd=project,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        timeout=COMMAND_SECONDS,
                    )
                    if is_of_the_shell:
                        pairs = (pair.split("=", 1) for pair in done.stdout.split("\0") if "=" in pair)
                        environment = dict(pairs)
                        done.stdout = ""
                    printed = done.stdout.replace(str(project), SHOWN_FOLDER)
                    printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
                    yield Outcome(command, printed, done.returncode)
    finally:
        # The embedded server of the copy, not the one that PGHOST names.
        bindir = changes.get("EMBEDDED_PG_BINDIR")
        EmbeddedServer(project / ".warehouse", bindir=Path(bindir) if bindir else None).stop()


def rewritten(page: str, outcomes: list[Outcome]) -> str:
    """Return the page with what its commands really printed."""
    printed = {outcome.command.line: outcome.printed for outcome in outcomes}
    for block in reversed(list(blocks(page))):
        body = ""
        for command in block.commands:
            body += "$ " + command.text.replace("\n", "\n> ") + "\n"
            by_hand = LEFT_OUT in command.expected.splitlines()
            unchanged = by_hand or says(command.expected, printed[command.line])
            body += command.expected if unchanged else printed[command.line]
        body = body.replace("\n> \n", "\n>\n").rstrip("\n") + "\n"
        page = page[: block.start] + body + page[block.end :]
    return page


class Runs:
    """Runs pages, each in a copy of its own. What others go on from is run once, and kept."""

    def __init__(self, folder: Path, changes: Mapping[str, str]) -> None:
        self.folder = folder
        self.changes = changes
        self.kept: dict[Path, tuple[Path, list[Outcome]]] = {}
        self.made = 0

    def run(self, page: Path) -> list[Outcome]:
        """Run a page, and before it, in the same copy, what it goes on from; return what its own commands did."""
        if page in self.kept:
            return self.kept[page][1]
        return self._run(page, self._next())[1]

    def _next(self) -> Path:
        """Return a folder of a short name: the path of a server's socket is short, too."""
        self.made += 1
        return self.folder / str(self.made)

    def _run(self, page: Path, folder: Path) -> tuple[Path, list[Outcome]]:
        folder.mkdir()
        start = start_of(page)
        if start and start not in self.kept:
            self.kept[start] = self._run(start, self._next())
        project = copy_of_copy(self.kept[start][0], folder) if start else copy_of_project(folder)
        return project, list(run(page.read_text(encoding="utf-8"), project, self.changes))


def main() -> int:
    """Run the tool; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="default: all")
    parser.add_argument("--write", action="store_true", help="put what the commands print into the pages")
    options = parser.parse_args()
    count, bad = 0, 0
    with tempfile.TemporaryDirectory(prefix="warehouse-docs-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user has to reach it
        runs = Runs(folder, {name: value for name, value in os.environ.items() if name == "EMBEDDED_PG_BINDIR"})
        for page in [path.resolve() for path in options.pages] or pages():
            outcomes = runs.run(page)
            wrong = [outcome for outcome in outcomes if not outcome.is_as_written]
            for outcome in wrong:
                print(f"{page.relative_to(PROJECT)}:{outcome.command.line}: {outcome.command.text.splitlines()[0]}")
                print(f"  exit code {outcome.exit_code}, not {outcome.command.exit_code}; printed:")
                print("\n".join(f"  | {line}" for line in outcome.printed.splitlines()))
            failed = [outcome for outcome in wrong if outcome.exit_code != outcome.command.exit_code]
            if options.write and not failed:
                page.write_text(rewritten(page.read_text(encoding="utf-8"), outcomes), encoding="utf-8")
                wrong = [outcome for outcome in wrong if LEFT_OUT in outcome.command.expected.splitlines()]
            count, bad = count + len(outcomes), bad + len(wrong)
    print(f"{count} commands, {bad} not as the pages say")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
