"""Asks the database what the pages show: each question is a file of report/queries, and its text stands on the page."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

QUERIES = Path(__file__).parent / "queries"
Row = Mapping[str, Any]
# Questions whose rows are of several kinds: asked once for all, shown as for one.
KINDS = {"customers": ("city", "source"), "rejections": ("day", "all")}


class Answer(NamedTuple):
    """The rows of a question, and the SQL that was sent: whoever may read the views gets the same."""

    rows: Sequence[Row]
    sql: str


class Questions:
    """The questions of one report, all about the same days and the same moment."""

    def __init__(self, cursor: psycopg.ClientCursor[Row], days: int) -> None:
        self._cursor = cursor
        self._asked: dict[str, Sequence[Row]] = {}
        (self.scope,) = self._ask("scope", {"days": days}).rows
        self._days = {
            "first": self.scope["first_day"],
            "last": self.scope["last_day"],
            "last_loaded": self.scope["last_loaded"],
            "week": self.scope["week_first"],
            "month": self.scope["month_first"],
        }

    def ask(self, name: str) -> Answer:
        """Return the answer to a question about these days; no rows of a warehouse without any."""
        text = _text(name)
        if self.scope["last_day"] is None and "%(" in text:
            return Answer([], self._cursor.mogrify(text, self._days))
        return self._ask(name, self._days)

    def of_kind(self, name: str, kind: str) -> Answer:
        """Return the answer to a question of several kinds, about one of them."""
        rows = [row for row in self._of_all_kinds(name) if row["kind"] == kind]
        return Answer(rows, self._cursor.mogrify(_text(name), self._days | {"kinds": [kind]}))

    def by_day(self, name: str, kind: str | None = None) -> dict[date, Answer]:
        """Return the answers to a question whose rows have a run_date, by day: asked once, shown as for one day."""
        rows = self.of_kind(name, kind).rows if kind else self.ask(name).rows
        found = {day: list(group) for day, group in groupby(rows, key=lambda row: row["run_date"])}
        text, kinds = _text(name), {"kinds": [kind]} if kind else {}
        return {
            day: Answer(
                found.get(day, []), self._cursor.mogrify(text, self._days | kinds | {"first": day, "last": day})
            )
            for day in (row["run_date"] for row in self.states.rows)
        }

    def _of_all_kinds(self, name: str) -> Sequence[Row]:
        if name not in self._asked:
            known = self.scope["last_day"] is not None
            self._asked[name] = self._ask(name, self._days | {"kinds": [*KINDS[name]]}).rows if known else []
        return self._asked[name]

    def _ask(self, name: str, parameters: Mapping[str, Any]) -> Answer:
        sql = self._cursor.mogrify(_text(name), parameters)
        return Answer(self._cursor.execute(sql.encode()).fetchall(), sql)

    @cached_property
    def states(self) -> Answer:
        """One row per day, and how it stands."""
        return self.ask("day_states")


def _text(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8").strip()


@contextmanager
def questions(connection: psycopg.Connection, days: int) -> Iterator[Questions]:
    """Yield what can be asked of one moment of the warehouse, of at most `days` days. Raises psycopg.Error."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with psycopg.ClientCursor(connection, row_factory=dict_row) as cursor:
            yield Questions(cursor, days)
