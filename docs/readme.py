"""Runs the commands of README.md in a copy of the project, and compares what they print with what it says.

    python docs/readme.py            run them; exit code 1 if the README does not say what they print
    python docs/readme.py --write    put what they print into the README

A command stands in a block marked `console`, after `$ `, and goes on in lines that start with `> `; what it prints
follows; a line `…` stands for any number of lines, and what is around it is written by hand. The commands of a page
are run one after the other, in one folder; what `export` and `unset` change holds for those that follow. A comment
above a block says more: `<!-- exit 3 -->` is how its last command ends, `<!-- not run: why -->` leaves it out.
"""
# A command line prints.
# ruff: noqa: T201

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
README = PROJECT / "README.md"
SHOWN_FOLDER = "/home/you/warehouse"
# What a copy does not need, and what must not be shared with it.
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".warehouse", ".hypothesis", ".*_cache", "__pycache__", "data", "bench", "node_modules"
)
COMMAND_SECONDS = 300

BLOCK = re.compile(r"(?:<!-- (?P<note>exit \d+|not run: [^\n]*) -->\n)?```console\n(?P<body>.*?)```\n", re.DOTALL)
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
            continue
        block = Block(*found.span("body"))
        line = page.count("\n", 0, block.start) + 1
        for number, text in enumerate(found["body"].splitlines(), line):
            if text.startswith("$ "):
                block.commands.append(Command(number, text[2:], ""))
            elif text.startswith(">") and not block.commands[-1].expected:
                block.commands[-1].text += "\n" + text[2:]
            else:
                block.commands[-1].expected += text + "\n"
        if note:
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


def run(page: str, project: Path, changes: Mapping[str, str]) -> Iterator[Outcome]:
    """Run the commands of a page in a project, yielding what each did; the embedded server is stopped at the end."""
    own = ("PG", "WAREHOUSE_", "LANDING_", "PRODUCTS_", "EMBEDDED_", "COLUMNS", "MAKE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environment |= {"PSQLRC": os.devnull, "PAGER": "cat", "PSQL_PAGER": "cat", "COLUMNS": "110", "NO_COLOR": "1"}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    environment |= changes
    try:
        for block in blocks(page):
            for command in block.commands:
                is_of_the_shell = command.text.startswith(OF_THE_SHELL)
                done = subprocess.run(
                    ["bash", "-c", command.text + ("\nenv -0" if is_of_the_shell else "")],
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
        subprocess.run([sys.executable, "-m", "glue", "db", "stop"], cwd=project, env=environment, capture_output=True)


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


def main() -> int:
    """Run the tool; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put what the commands print into the README")
    options = parser.parse_args()
    page = README.read_text(encoding="utf-8")
    wrong = []
    with tempfile.TemporaryDirectory(prefix="warehouse-readme-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's user has to reach it
        changes = {name: value for name, value in os.environ.items() if name == "EMBEDDED_PG_BINDIR"}
        outcomes = []
        for outcome in run(page, copy_of_project(Path(folder)), changes):
            outcomes.append(outcome)
            if not outcome.is_as_written:
                wrong.append(outcome)
                print(f"README.md:{outcome.command.line}: {outcome.command.text.splitlines()[0]}")
                print(f"  exit code {outcome.exit_code}, not {outcome.command.exit_code}; printed:")
                print("\n".join(f"  | {line}" for line in outcome.printed.splitlines()))
    failed = [outcome for outcome in wrong if outcome.exit_code != outcome.command.exit_code]
    if options.write and not failed:
        README.write_text(rewritten(page, outcomes), encoding="utf-8")
        wrong = [outcome for outcome in wrong if LEFT_OUT in outcome.command.expected.splitlines()]
    print(f"{len(outcomes)} commands, {len(wrong)} not as the README says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
