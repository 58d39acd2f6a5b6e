"""bench/README.md and the tables in bench/results say what was measured."""

import json

import pytest

from bench import report

pytestmark = pytest.mark.once


def test_the_page_and_its_tables_are_what_the_results_say() -> None:
    data = json.loads((report.RESULTS / "full.json").read_text())
    # A figure that somebody changed by hand, or a page that was not written anew after a run.
    assert report.README.read_text() == report.page(data, **report.beside(report.RESULTS))
    for name, text in report.raw_tables(data).items():
        assert (report.RESULTS / f"{name}.md").read_text() == text


def test_the_page_is_one_page() -> None:
    assert len(report.README.read_text().splitlines()) <= 150


def test_a_goal_that_is_missed_is_said_with_what_limits_it() -> None:
    data = json.loads((report.RESULTS / "full.json").read_text())
    missed = [goal for goal in report.goals(data) if not goal.is_met]
    assert all(goal.why for goal in missed), [goal.what for goal in missed if not goal.why]
