"""The tools that ask whether the tests bite: mutants, and the errors that no test has seen."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from trust import mutants, raises
from trust.mutation import KINDS, of_file
from trust.mutation import mutants as made_of

# Texts of db/; and the harness, whose tests are run on the version that it is told.
pytestmark = pytest.mark.once


def test_there_are_mutants_of_every_kind_and_each_has_an_id_of_its_own() -> None:
    found = made_of(mutants.DATABASE_FILES)
    assert {mutant.kind for mutant in found} == set(KINDS)
    assert len({mutant.id for mutant in found}) == len(found) > 1000
    for mutant in found:
        text = (mutants.DATABASE_FILES / mutant.path).read_text(encoding="utf-8")
        assert mutant.apply(text) != text


@pytest.mark.parametrize(
    ("sql", "faults"),
    [
        ("FROM a WHERE b AND c < 5", {"true AND c < 5", "b AND true", "b AND c <= 5", "b AND c > 5", "b AND c < 6"}),
        ("FROM a WHERE b = 1 OR c", {"b <> 1 OR c", "false OR c", "b = 1 OR false", "b = 2 OR c"}),
        ("FROM a WHERE b BETWEEN c AND d AND e", {"true AND e", "b BETWEEN c AND d AND true"}),
        ("FROM a WHERE NOT b IS DISTINCT FROM c", {"true", "b IS DISTINCT FROM c", "NOT b IS NOT DISTINCT FROM c"}),
    ],
)  # fmt: skip
def test_a_condition_has_a_fault_for_each_of_its_parts(sql: str, faults: set[str]) -> None:
    assert {mutant.apply(sql).split("WHERE ")[1] for mutant in of_file("schema/x.sql", sql)} == faults


def test_an_id_stays_while_other_lines_of_its_file_change() -> None:
    path = mutants.DATABASE_FILES / "procedures" / "audit" / "allow_day.sql"
    text = path.read_text(encoding="utf-8")
    before = {mutant.id for mutant in of_file("procedures/audit/allow_day.sql", text)}
    assert before == {mutant.id for mutant in of_file("procedures/audit/allow_day.sql", f"-- one line more\n\n{text}")}


def test_whoever_lets_a_mutant_live_says_why() -> None:
    for name, reason in mutants.accepted().items():
        assert len(reason.split()) >= 4, f"{name}: {reason}"


def test_whoever_lets_a_mutant_live_names_one_that_exists() -> None:
    """A routine that moves or is rewritten has other mutants: whether these live is another question."""
    stale = set(mutants.accepted()) - {mutant.id for mutant in made_of(mutants.DATABASE_FILES)}
    assert not stale, "try what took their place (python -m trust.mutants --only ROUTINE), and note it or drop the line"


def test_a_mutant_is_killed_by_the_test_of_what_it_breaks(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """One that needs no reason for letting a day through."""
    needs_reason = "staging._trimmed(p_reason) IS NULL"
    (mutant,) = (one for one in made_of(mutants.DATABASE_FILES) if (one.kind, one.old) == ("predicate", needs_reason))
    harmless = "tests/pipeline/test_gate_rules.py::test_what_is_not_blocked_cannot_be_let_through"
    deadly = "tests/pipeline/test_gate_rules.py::test_nothing_is_let_through_without_a_day_and_a_reason[day0-]"
    done = subprocess.run(
        [
            sys.executable, "-m", "trust.mutants", f"--only=^{mutant.id}$", f"--outcomes={tmp_path}/outcomes",
            "--jobs=1", f"--pg={pytestconfig.getoption('--pg')}", "--ask", harmless, deadly,
        ],
        cwd=mutants.PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(rf"\s+1 killed .*{re.escape(deadly)}\n", done.stdout), done.stdout


def test_what_no_log_holds_was_not_seen() -> None:
    names = raises.not_logged("")
    assert len(names) > 40
    assert "db: SQLSTATE WH001" in names
    seen = "ERROR:  WH004: warehouse._lock_month_shared is not a step\nLOCATION:  exec_stmt_raise, pl_exec.c:3911\n"
    assert [name for name in names if name not in raises.not_logged(seen)] == [
        next(name for name in names if "is not a step" in name), "db: SQLSTATE WH004"
    ]  # fmt: skip


def test_what_glue_raised_is_noted_by_its_class() -> None:
    assert raises.not_made(set()) == [f"glue: {name}" for name in sorted(raises.kinds())]
    assert {"GlueError", "Refused", "ExtractError", "MigrationError", "CatalogueError"} <= raises.kinds()
    assert "glue: BackupError" not in raises.not_made({"BackupError"})
