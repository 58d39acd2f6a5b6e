"""What the page on trust shows: rules day by day, what was rejected, what was let through."""

from collections.abc import Sequence
from typing import Any

from report import charts
from report.ask import Questions, Row
from report.charts import Cell
from report.page import day_short


def trust(asked: Questions) -> dict[str, Any]:
    """Return what trust.html is given."""
    verdicts, rules, reasons = asked.ask("rule_days"), asked.ask("rules"), asked.of_kind("rejections", "all")
    days = [row["run_date"] for row in asked.states.rows]
    by_rule: dict[str, dict[Any, Row]] = {}
    for row in verdicts.rows:
        by_rule.setdefault(row["rule_name"], {})[row["run_date"]] = row
    known = [row["rule_name"] for row in rules.rows]
    strips = {
        rule: charts.strip([_cell(by_rule[rule].get(day), days[-1]) for day in days])
        for rule in [*known, *(rule for rule in by_rule if rule not in known)]
        if rule in by_rule
    }
    values: dict[Any, list[Any]] = {}
    for row in asked.ask("rule_values").rows:
        values.setdefault(row["rule_name"], []).append(row["value"])
    return {
        "verdicts": verdicts,
        "failed": [row for row in verdicts.rows if not row["passed"]],
        "strips": strips,
        "broken": [rule for rule in strips if any(not row["passed"] for row in by_rule[rule].values())],
        "rules": rules,
        "values": values,
        "reasons": reasons,
        "of_reason": [_by_day(row, days) for row in reasons.rows],
        "let_through": asked.ask("let_through"),
    }


def _by_day(row: Row, days: Sequence[Any]) -> list[int]:
    """Return how many lines a reason rejected on each day."""
    found = dict(zip(row["on_days"], row["rows_by_day"], strict=True))
    return [found.get(day, 0) for day in days]


def _cell(row: Row | None, newest: Any) -> Cell:
    if row is None:
        return Cell("")
    if row["passed"]:
        return Cell("ok")
    day = row["run_date"]
    return Cell(
        row["severity"], f"{day_short(day, newest)}: {row['rule_name']}; {row['in_words']}", f"day/{day}.html#rules"
    )
