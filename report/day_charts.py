"""Charts of days, from the rows of a question."""

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from report import charts
from report.ask import Row
from report.charts import Slot
from report.page import YEAR_FROM_DAYS, day_short, shown

ABOUT = "One column a day. The arrow keys walk along the days, Enter opens one."
MOST_SERIES = 8  # as many colours as there are

Says = Callable[[Row], str]


def beside_usual(identity: str, title: str, rows: Sequence[Row], says: Says) -> Markup:
    """Return a column per row, with the usual behind it; what is unusual and what is missing is marked."""
    newest = rows[-1]["run_date"] if rows else None
    return charts.columns(
        identity,
        title,
        ABOUT,
        [
            Slot(
                name(row["run_date"], newest),
                f"{day_short(row['run_date'], newest)}: {says(row)}",
                f"day/{row['run_date']}.html",
                [row["value"] if row["is_loaded"] else None],
                "out" if not row["is_loaded"] else "bad" if row["is_unusual"] else "",
                row["usual"],
                row["low"],
                row["high"],
            )
            for row in rows
        ],
    )


def stacked(
    identity: str, title: str, days: Sequence[Any], rows: Sequence[Row], says: Says
) -> tuple[Markup, list[str]]:
    """Return a stack per day of the rows that name a part of it, and the names in the order of their colours."""
    names = list(dict.fromkeys(str(row["name"]) for row in rows))
    place = {found: min(number, MOST_SERIES - 1) for number, found in enumerate(names)}
    heights: dict[Any, list[float]] = {day: [0.0] * min(len(names), MOST_SERIES) for day in days}
    texts: dict[Any, list[str]] = {day: [] for day in days}
    for row in rows:
        if row["run_date"] in heights and row["value"] is not None:
            heights[row["run_date"]][place[str(row["name"])]] += max(0.0, float(row["value"]))
            texts[row["run_date"]].append(f"{shown(row['name'], 40)} {says(row)}")
    slots = [
        Slot(
            name(day, days[-1]),
            "; ".join([day_short(day, days[-1]), *(texts[day] or ["nothing"])]),
            f"day/{day}.html",
            heights[day],
            "" if texts[day] else "out",
        )
        for day in days
    ]
    known = names if len(names) <= MOST_SERIES else [*names[: MOST_SERIES - 1], "others"]
    return charts.columns(identity, title, ABOUT, slots), known


def name(day: Any, newest: Any) -> str:
    """Return a day as it is called below a chart: 16 Dec, or long ago 16 Dec ’24."""
    return f"{day.day} {day:%b}" + (f" ’{day:%y}" if (newest - day).days > YEAR_FROM_DAYS else "")
