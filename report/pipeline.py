"""What the page on the pipeline shows: seconds, volumes, freshness, sizes."""

from itertools import groupby
from typing import Any

from report.ask import Questions, Row
from report.day_charts import beside_usual, stacked
from report.page import count, money, shown


def pipeline(asked: Questions) -> dict[str, Any]:
    """Return what pipeline.html is given."""
    seconds, volumes = asked.ask("step_seconds"), asked.ask("volumes")
    chart, names = stacked(
        "seconds-chart",
        "Seconds by step and day",
        [row["run_date"] for row in asked.states.rows],
        seconds.rows,
        lambda row: f"{money(row['value'], 2)} s",
    )
    sources = {name: list(rows) for name, rows in groupby(volumes.rows, key=lambda row: row["source"])}
    return {
        "seconds": seconds,
        "seconds_chart": chart,
        "seconds_names": names,
        "volumes": volumes,
        "sources": {
            name: (beside_usual(f"volume-{number}", f"Lines delivered: {shown(name)}", rows, _says), rows)
            for number, (name, rows) in enumerate(sources.items())
        },
        "freshness": asked.ask("freshness"),
        "health": asked.ask("health"),
        "sizes": asked.ask("sizes"),
    }


def _says(row: Row) -> str:
    said = f"{count(row['value'])} lines"
    if row["usual"] is not None:
        said += f"; usual {count(row['usual'])}"
    return said + ("; unusual" if row["is_unusual"] else "")
