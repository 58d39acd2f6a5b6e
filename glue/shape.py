"""What staging.shapes says of a file before it is read. What its records mean is SQL's."""

from typing import NamedTuple

import psycopg


class Shape(NamedTuple):
    """How a file is to be read; None: as the file tells. `is_mapped`: its fields may have any names."""

    name: str | None = None
    records_path: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    is_mapped: bool = False


def shape_of(connection: psycopg.Connection, source: str, file_name: str) -> Shape:
    """Return the shape of a delivery by its name. Raises psycopg.Error."""
    found = connection.execute("SELECT * FROM raw.shape_of(%s, %s)", (source, file_name)).fetchone()
    return Shape(*found) if found else Shape()
