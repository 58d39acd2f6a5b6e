"""Tables for people: as wide as the terminal, plain text with nothing cut off when there is none."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# Wide enough for every table of ours: what reads a pipe is not a screen.
PIPE_COLUMNS = 400
STYLES = {
    "succeeded": "green",
    "blocked": "yellow",
    "failed": "red",
    "died": "red",
    "running": "cyan",
    "critical": "red",
}


def console() -> Console:
    """Return a console for standard output."""
    is_terminal = sys.stdout.isatty()
    return Console(width=None if is_terminal else PIPE_COLUMNS, highlight=False, emoji=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, footer: Sequence[Any] = ()) -> Table:
    """Return a table; numbers are right-aligned, states are coloured. A column whose name ends in ` ` may wrap."""
    made = Table(title=title or None, box=SIMPLE_HEAD, show_edge=False)
    made.collapse_padding = True
    made.pad_edge = False
    made.show_footer = bool(footer)
    found = [list(row) for row in rows]
    for number, name in enumerate(columns):
        values = [row[number] for row in found if row[number] is not None]
        is_number = bool(values) and all(isinstance(value, int | float | Decimal) for value in values)
        total = readable(footer[number]) if footer else ""
        may_wrap = name.endswith(" ")
        lines = [line for text in (name, total, *map(readable, values)) for line in text.splitlines()]
        made.add_column(
            escape(name.strip()),
            justify="right" if is_number else "left",
            no_wrap=not may_wrap,
            overflow="fold",
            min_width=None if may_wrap else max((cell_len(line) for line in lines), default=0),
            footer=total,
        )
    for row in found:
        made.add_row(*(Text(readable(value), style=STYLES.get(str(value), "")) for value in row))
    return made


def print_table(out: Console, made: Table) -> None:
    """Print a table and an empty line. On a narrow screen its lines go on below: a number is never cut."""
    if made.title:
        # As a part of the table it would be folded to the table's width.
        out.print(Text(str(made.title), style="bold"))
        made.title = None
    needed = made.__rich_measure__(out, out.options.update(width=PIPE_COLUMNS)).minimum
    if needed > out.width:
        made.padding = 0
        needed = made.__rich_measure__(out, out.options.update(width=PIPE_COLUMNS)).minimum
    out.print(made, width=max(out.width, needed), crop=False, soft_wrap=needed > out.width)
    out.print()


def print_rows(
    out: Console, title: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str], columns: Sequence[str] = ()
) -> None:
    """Print rows of a query as a table, if there are any: the columns `names`, under these names or `columns`.

    A name that ends in a blank may wrap. Money has two decimals.
    """

    def value(row: Mapping[str, Any], name: str) -> Any:
        found = row.get(name)
        return round(found, 2) if name == "revenue" and found is not None else found

    if rows:
        made = [[value(row, name.strip()) for name in names] for row in rows]
        print_table(out, table(title, columns or [name.replace("_", " ") for name in names], made))


def readable(value: Any) -> str:
    """Return a value as people read it: 12,345, 9.99, nothing for NULL; nothing that a terminal acts upon."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(readable(one) for one in value)
    text = str(value)
    return text if text.isprintable() else "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def plain(value: Any) -> Any:
    """Return a value as JSON has it: dates and decimals as text and numbers, digit for digit where that matters."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
