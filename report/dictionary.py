"""What the dictionary shows: tables, columns, what stands beside them, and the star as a picture."""

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from report.ask import Answer, Questions, Row
from report.page import slug

# The picture: what stands where, in columns from left to right.
STAR = (("dim_date", "dim_user"), ("fact_orders", "fact_events"), ("dim_product", "order_statuses"))
# What is equal without a foreign key.
EQUALITIES = (("fact_orders", "order_statuses"),)
WIDTH, HEIGHT, BOX, TALL = 640, 190, 160, 44


def dictionary(asked: Questions) -> dict[str, Any]:
    """Return what dictionary.html is given."""
    tables, columns, keys, lineage = (asked.ask(name) for name in ("tables", "columns", "keys", "lineage"))
    known = {(row["schema_name"], row["table_name"]) for row in tables.rows}
    of_table: dict[tuple[str, str], list[Row]] = {}
    for row in columns.rows:
        of_table.setdefault((row["schema_name"], row["table_name"]), []).append(row)
    return {
        "tables": tables,
        "columns": columns,
        "keys": keys,
        "lineage": lineage,
        "of_table": of_table,
        "primary": _primary(keys.rows),
        "near": _neighbours(known, keys, lineage),
        "steps": asked.ask("steps"),
        "star": star(keys.rows, known),
    }


def anchor(schema: str, name: str) -> str:
    """Return where in the page a table stands."""
    return f"{slug(schema)}-{slug(name)}"


def _primary(keys: Iterable[Row]) -> dict[tuple[str, str], set[str]]:
    return {
        (row["schema_name"], row["table_name"]): set(row["columns"] or ()) for row in keys if row["kind"] == "primary"
    }


def _neighbours(
    known: set[tuple[str, str]], keys: Answer, lineage: Answer
) -> dict[tuple[str, str], dict[str, list[Any]]]:
    """Return what each table refers to, is referred to by, reads, and is read by."""
    near: dict[tuple[str, str], dict[str, list[Any]]] = {}

    def note(place: tuple[str, str], how: str, other: tuple[str, str]) -> None:
        found = near.setdefault(place, {}).setdefault(how, [])
        if other not in found:
            found.append(other)

    for row in keys.rows:
        if row["kind"] == "foreign":
            here, there = (row["schema_name"], row["table_name"]), (row["refers_to_schema"], row["refers_to_table"])
            note(here, "refers to", there)
            note(there, "referred to by", here)
    for row in lineage.rows:
        here, there = (row["schema_name"], row["object_name"]), (row["reads_schema"], row["reads_object"])
        note(here, "reads", there)
        note(there, "read by", here)
    return {place: found for place, found in near.items() if place in known}


def star(keys: Sequence[Row], known: set[tuple[str, str]]) -> Markup:
    """Return the facts and their dimensions as a picture; every box leads to its table."""
    places = {
        name: (column * (WIDTH - BOX) / 2, (row + 0.5) * HEIGHT / len(names) - TALL / 2)
        for column, names in enumerate(STAR)
        for row, name in enumerate(names)
        if ("warehouse", name) in known
    }
    joins = {
        (row["table_name"], row["refers_to_table"]): ""
        for row in keys
        if row["kind"] == "foreign" and row["schema_name"] == row["refers_to_schema"] == "warehouse"
    } | dict.fromkeys(EQUALITIES, "equal")
    lines = [
        _line(places[here], places[there], kind)
        for (here, there), kind in joins.items()
        if here in places and there in places
    ]
    boxes = [
        f'<a href="#{anchor("warehouse", name)}"><rect class="{"fact" if name.startswith("fact") else ""}"'
        f' x="{x + 1:.0f}" y="{y:.0f}" width="{BOX - 2}" height="{TALL}" rx="6"/>'
        f'<text x="{x + BOX / 2:.0f}" y="{y + TALL / 2 + 4:.0f}" text-anchor="middle">{escape(name)}</text></a>'
        for name, (x, y) in places.items()
    ]
    return Markup(
        f'<svg class="er" width="{WIDTH}" height="{HEIGHT}" role="group" aria-label="The star: facts in the middle">'
        f"{''.join([*lines, *boxes])}</svg>"
    )


def _line(here: tuple[float, float], there: tuple[float, float], kind: str) -> str:
    (x1, y1), (x2, y2) = here, there
    start, end = (x1, x2 + BOX) if x2 < x1 else (x1 + BOX, x2)
    middle = (start + end) / 2
    y1, y2 = y1 + TALL / 2, y2 + TALL / 2
    curve = f"M{start:.0f} {y1:.0f}C{middle:.0f} {y1:.0f} {middle:.0f} {y2:.0f} {end:.0f} {y2:.0f}"
    return f'<path class="{kind}" d="{curve}"/>'
