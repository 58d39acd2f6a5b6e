"""Makes the pages of a report: questions to the database, charts, templates."""

from typing import Any

import psycopg

from report import dictionary
from report.ask import questions
from report.day import days
from report.page import environment
from report.pipeline import pipeline
from report.publish import INDEX
from report.shop import shop
from report.trust import trust


def make(connection: psycopg.Connection, day_count: int) -> dict[str, str]:
    """Return the files of a report of the newest days, by path: all of one moment. Raises psycopg.Error."""
    with questions(connection, day_count) as asked:
        templates = environment(asked.scope["last_day"])
        templates.globals["anchor"] = dictionary.anchor
        known = {row["run_date"] for row in asked.states.rows}

        def page(template: str, here: str, root: str = "", **given: Any) -> str:
            common = {"scope": asked.scope, "states": asked.states, "here": here, "root": root, "known_days": known}
            return templates.get_template(template).render(common | given)

        files = {f"day/{day}.html": page("day.html", "", "../", day=day, **given) for day, given in days(asked)}
        files["trust.html"] = page("trust.html", "Trust", **trust(asked))
        files["pipeline.html"] = page("pipeline.html", "Pipeline", **pipeline(asked))
        files["days.html"] = page("days.html", "Days")
        files["dictionary.html"] = page("dictionary.html", "Dictionary", **dictionary.dictionary(asked))
        files[INDEX] = page("shop.html", "Shop", **shop(asked))
    return files
