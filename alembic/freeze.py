"""Writes the first draft of alembic/versions/0001_initial.sql from db/schema/install.sql.

    python alembic/freeze.py           write it
    python alembic/freeze.py --check   only say whether it is current (exit code 1 if not)

For use until the first release. A released revision is never rewritten, because databases out there have run
it: its checksum is in alembic/versions/RELEASED (`python alembic/freeze.py --release` adds those that are not
there yet; `python -m trust.upgrades` keeps a warehouse of that release for the tests), and this tool then
refuses. A change of the schema after that is a revision of its own, written by
hand beside the change in db/schema; the tests compare both from the catalog.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
INSTALL = PROJECT / "db" / "schema" / "install.sql"
VERSIONS = PROJECT / "alembic" / "versions"
INITIAL = VERSIONS / "0001_initial.sql"
RELEASED = VERSIONS / "RELEASED"

INCLUDE = re.compile(r"\\ir\s+'?([^'\s]+)'?\s*")
# What psql itself is told, and the transaction, which a migration has already.
NOT_SQL = re.compile(
    r"\\(set|echo|unset|pset|timing|qecho|warn|o)\b.*|(BEGIN|COMMIT|START TRANSACTION)\s*;\s*", re.IGNORECASE
)


def expand(path: Path) -> str:
    r"""Return the SQL of a psql script, with the files of its `\ir` lines in their places.

    Raises SystemExit at any other psql command.
    """
    parts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := INCLUDE.fullmatch(line):
            included = path.parent / found[1]
            if not included.exists():
                raise SystemExit(f"{path}:{number}: no such file: {included}")
            name = included.resolve().relative_to(INSTALL.parent)
            parts.append(f"-- {name} {'-' * max(2, 96 - len(str(name)))}\n\n{expand(included).strip()}\n")
        elif line.startswith("\\") and not NOT_SQL.fullmatch(line):
            raise SystemExit(f"{path}:{number}: this psql command cannot be frozen: {line}")
        elif not (path == INSTALL and (NOT_SQL.fullmatch(line) or line.startswith("--") or not line.strip())):
            parts.append(line)
    return "\n".join(parts) + "\n"


def frozen() -> str:
    """Return what 0001_initial.sql should be."""
    return f"-- Made by `make freeze` from db/schema/install.sql.\n\n{expand(INSTALL)}"


def released() -> dict[str, str]:
    """Return {file name: sha256} of the revisions that are released."""
    if not RELEASED.exists():
        return {}
    return {name: digest for digest, name in (line.split() for line in RELEASED.read_text().splitlines() if line)}


def digest(path: Path) -> str:
    """Return the hex sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Run the tool; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the file is not current")
    action.add_argument("--release", action="store_true", help="record the revisions as released, for good")
    arguments = parser.parse_args()
    if arguments.release:
        RELEASED.write_text("".join(f"{digest(path)}  {path.name}\n" for path in sorted(VERSIONS.glob("*.sql"))))
        return 0
    if INITIAL.name in released():
        print(f"{INITIAL.name} is released and never rewritten: write a revision (alembic revision -m …)")
        return 0 if arguments.check else 2
    text = frozen()
    if arguments.check:
        current = INITIAL.exists() and INITIAL.read_text(encoding="utf-8") == text
        print(f"{INITIAL.name} is {'current' if current else 'not what db/schema says: run make freeze'}")
        return 0 if current else 1
    INITIAL.write_text(text, encoding="utf-8")
    print(f"{INITIAL.relative_to(PROJECT)}: {text.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
