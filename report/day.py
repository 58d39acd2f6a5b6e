"""What the pages of single days show: from the usual to the day, where its lines went, what to do."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from report import charts
from report.ask import Answer, Questions

# Each has rows with a run_date.
QUESTIONS = (
    "day_bridge", "day_beside", "day_next", "day_lines", "day_deliveries", "day_statuses", "day_rules",
    "day_superseded", "let_through",
)  # fmt: skip


def days(asked: Questions) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each day, and what day.html is given for it."""
    found = {name: asked.by_day(name) for name in QUESTIONS}
    found["rejections"] = asked.by_day("rejections", "day")
    rows = asked.states.rows
    for number, state in enumerate(rows):
        day = state["run_date"]
        given: dict[str, Any] = {name: by_day[day] for name, by_day in found.items()}
        yield (
            day,
            given
            | {
                "state": state,
                "before": rows[number - 1]["run_date"] if number else None,
                "after": rows[number + 1]["run_date"] if number + 1 < len(rows) else None,
                "bars": bridge(given["day_bridge"]),
            },
        )


def bridge(answer: Answer) -> list[Markup]:
    """Return the bar of each row of a waterfall."""
    ends = [float(row[name]) for row in answer.rows for name in ("starts_at", "ends_at")]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    return [
        charts.bar(
            float(row["starts_at"]),
            float(row["ends_at"]),
            low,
            high,
            "s0" if row["is_total"] else "down" if row["amount"] < 0 else "up",
        )
        for row in answer.rows
    ]
