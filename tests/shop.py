"""A small shop for tests: its files, its records with sensible defaults, and fingerprints of a warehouse."""

import csv
import gzip
import io
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

EVENT_COLUMNS = ("event_id", "user_id", "product_id", "event_type", "event_ts")


# -- records -----------------------------------------------------------------------------------------


def order(order_id: str = "O-1", day: date | str = "2025-12-19", **fields: Any) -> dict[str, Any]:
    """Return an order of one line, placed at ten o'clock of the day; `fields` win, None takes a field away."""
    made = {
        "order_id": order_id, "user_id": "U-1", "product_id": "P-1", "quantity": 2, "price": Decimal("9.99"),
        "timestamp": f"{day}T10:00:00Z", "status": "paid",
        "city": "Berlin", "signup_date": "2024-05-01", "marketing_source": "ads",
    }  # fmt: skip
    return _without_none(made | fields)


def basket(
    order_id: str, items: Sequence[Mapping[str, Any]], day: date | str = "2025-12-19", **fields: Any
) -> dict[str, Any]:
    """Return an order in the shape with items."""
    made = {
        "order_id": order_id, "user_id": "U-1", "timestamp": f"{day}T10:00:00Z", "status": "paid",
        "user": {"city": "Berlin", "signup_date": "2024-05-01", "marketing_source": "ads"},
        "items": [dict(item) for item in items],
    }  # fmt: skip
    return _without_none(made | fields)


def item(product_id: str = "P-1", quantity: Any = 1, price: Any = Decimal("9.99"), **fields: Any) -> dict[str, Any]:
    """Return an item of a basket."""
    return _without_none({"product_id": product_id, "quantity": quantity, "price": price} | fields)


def event(event_id: str = "E-1", day: date | str = "2025-12-19", **fields: Any) -> dict[str, Any]:
    """Return a page view at eleven o'clock of the day."""
    made = {
        "event_id": event_id, "user_id": "U-1", "product_id": "P-1", "event_type": "page_view",
        "event_ts": f"{day}T11:00:00Z",
    }  # fmt: skip
    return _without_none(made | fields)


def product(product_id: str = "P-1", **fields: Any) -> dict[str, Any]:
    """Return a product of a catalogue."""
    made = {
        "product_id": product_id, "product_name": f"Product {product_id}", "category": "Tools", "brand": "Acme",
        "current_price": Decimal("9.99"),
    }  # fmt: skip
    return _without_none(made | fields)


def orders(count: int, day: date | str = "2025-12-19", *, first: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """Return `count` orders of the day, numbered from `first`, by ten users for seven products."""
    return [
        order(f"O-{day}-{n}", day, **({"user_id": f"U-{n % 10}", "product_id": f"P-{n % 7}"} | fields))
        for n in range(first, first + count)
    ]


def events(count: int, day: date | str = "2025-12-19", *, first: int = 1, **fields: Any) -> list[dict[str, Any]]:
    """Return `count` events of the day, numbered from `first`, by ten users on seven products."""
    kinds = itertools.cycle(["page_view", "add_to_cart", "purchase"])
    return [
        event(
            f"E-{day}-{n}", day,
            **({"user_id": f"U-{n % 10}", "product_id": f"P-{n % 7}", "event_type": kind} | fields),
        )
        for n, kind in zip(range(first, first + count), kinds, strict=False)
    ]  # fmt: skip


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


# -- files -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landing:
    """Writes deliveries into a landing zone. A name that ends in .gz is compressed."""

    folder: Path

    def orders(self, day: date | str, records: Iterable[Mapping[str, Any]], name: str = "orders.json") -> Path:
        """Write orders: one per line for a name with .ndjson, else a JSON array."""
        return self.put("orders", day, name, _json(records, name))

    def products(self, day: date | str, records: Iterable[Mapping[str, Any]], name: str = "products.json") -> Path:
        """Write a catalogue."""
        return self.put("products", day, name, _json(records, name))

    def events(
        self, day: date | str, records: Iterable[Mapping[str, Any]], name: str = "events.csv",
        columns: Sequence[str] = EVENT_COLUMNS,
    ) -> Path:  # fmt: skip
        """Write events as CSV with a header; a field that a record does not have is empty."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, restval="")
        writer.writeheader()
        writer.writerows(records)
        return self.put("events", day, name, text.getvalue())

    def put(self, source: str, day: date | str, name: str, content: str | bytes) -> Path:
        """Write a delivery with exactly this content, in place of one of that name."""
        path = self.path(source, day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        return path

    def remove(self, source: str, day: date | str, name: str) -> None:
        """Take a delivery away."""
        (self.path(source, day) / name).unlink()

    def has(self, source: str, day: date | str) -> bool:
        """Return whether there is any file of that source and day."""
        folder = self.path(source, day)
        return folder.exists() and any(folder.iterdir())

    def path(self, source: str, day: date | str) -> Path:
        """Return the folder of a source and day."""
        return self.folder / source / str(day)


def _json(records: Iterable[Mapping[str, Any]], name: str) -> str:
    texts = [_text(record) for record in records]
    if ".ndjson" in name:
        return "".join(f"{text}\n" for text in texts)
    return "[" + ",\n ".join(texts) + "]\n"


def _text(value: Any) -> str:
    """Return a value as JSON; a Decimal as a number, digit for digit."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))}: {_text(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False, default=str)


# -- fingerprints ------------------------------------------------------------------------------------

# Run times and audit columns; what derives from surrogate ids or from how often something was run.
NOT_COMPARED = ("created_at", "updated_at", "ingested_at", "runtime_seconds", "rows_per_second", "staging_version",
                "digest", "work_number", "worked_at")  # fmt: skip
SURROGATE = "(raw|staging|fact)_[a-z]+_id|load_ids?|.*_run_id|run_id|version_id|.*_version"


def checksums(connection: psycopg.Connection[Any], schemas: Sequence[str] = ("staging", "warehouse")) -> dict[str, str]:
    """Return {table: count and md5} of the rows of every table, in no particular order of rows.

    Left out are surrogate ids, audit columns and run times; partitions count as their table. Two warehouses
    that hold the same have the same checksums, however they came to it.
    """
    cursor = connection.cursor(row_factory=tuple_row)
    tables = cursor.execute(
        """
        SELECT n.nspname, c.relname, pg_catalog.array_agg(a.attname::text ORDER BY a.attname)
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND a.attname <> ALL (%s) AND a.attname !~ %s
        GROUP BY n.nspname, c.relname
        ORDER BY n.nspname, c.relname
        """,
        [list(schemas), list(NOT_COMPARED), f"^({SURROGATE})$"],
    ).fetchall()
    result = {}
    for schema, table, columns in tables:
        row = sql.SQL("ROW({})::text").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
        statement = sql.SQL(
            "SELECT count(*), md5(coalesce(string_agg(md5({row}), '' ORDER BY md5({row}) COLLATE \"C\"), ''))"
            " FROM {table}"
        ).format(row=row, table=sql.Identifier(schema, table))
        count, digest = cursor.execute(statement).fetchone()  # type: ignore[misc]
        result[f"{schema}.{table}"] = f"{count} {digest}"
    return result
