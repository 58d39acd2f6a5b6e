"""What staging.shapes says of a file before it is read. What its records mean is SQL's."""

from collections.abc import Callable
from functools import cache

import psycopg

from glue.csv_header import REQUIRED
from glue.formats import Form


def forms_of(connection: psycopg.Connection, source: str) -> tuple[Callable[[str], Form | None], Callable[[str], bool]]:
    """Return two functions of a file's name: its form if a shape fits, and whether one means it, whatever its ending.

    Both raise psycopg.Error. A file in our own form has none, but the advice of own_form.
    """

    @cache
    def found(name: str) -> tuple[Form, bool] | None:
        row = connection.execute("SELECT * FROM raw.shape_of(%s, %s)", (source, name)).fetchone()
        if not row:
            return None
        is_mapped, *told, is_named = row
        return Form(not is_mapped, *told), is_named

    return lambda name: (found(name) or (None,))[0], lambda name: (found(name) or (None, False))[1]


def own_form(connection: psycopg.Connection, source: str) -> Form:
    """Return the form of a file that no shape fits, with what to say of one that looks like another system's.

    Raises psycopg.Error.
    """
    known = connection.execute("SELECT * FROM raw.shape_advice(%s)", (source,)).fetchall()

    def advice(fields: list[str]) -> str:
        unknown = "" if set(REQUIRED[source]) & set(fields) else "What it holds, and what to do: warehouse shape FILE"
        return next((advice for needs, advice in known if set(needs) <= set(fields)), unknown)

    return Form(advice=advice)
