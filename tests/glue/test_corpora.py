"""Every file of the corpora of hostile input, in every position, ends as rows in raw or as rejected with a reason.

The corpora are no part of the project: they lie beside it, and where they are missing these tests are skipped.
"""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from glue.extract import extract
from glue.records import BLANK, BOM
from tests.conftest import Warehouse

Load = Callable[[str, dict[str, bytes]], list["Ended"]]
IsJson = Callable[[bytes], bool]

DAY = date(2025, 12, 19)
CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
JSON_FILES = sorted((CORPORA / "json").rglob("*.json"))
CSV_FILES = sorted((CORPORA / "csv" / "csvs").glob("*.csv"))

pytestmark = pytest.mark.skipif(not JSON_FILES or not CSV_FILES, reason="there are no corpora beside the project")

HEADER = b"event_id,event_type,event_ts\n"
# What is no array and not read by lines: UTF-16 (without its mark it is refused), and an object over several lines.
NOT_LINES: dict[str, list[str]] = {
    "i_string_UTF-16LE_with_BOM": ['"é"'],
    "i_string_utf16BE_no_BOM": [],
    "y_object_with_newlines": ['{\n"a": "b"\n}'],
}


@pytest.fixture
def load(warehouse: Warehouse) -> Load:
    """Deliver files of a source by name, load them with the real glue, and return how each ended, in their order."""

    def load(source: str, files: dict[str, bytes]) -> list[Ended]:
        for name, data in files.items():
            warehouse.landing.put(source, DAY, name, data)
        result = extract(source, DAY, dsn=warehouse.dsn, landing=str(warehouse.landing.folder), say=len)
        return [Ended(warehouse, name, name in result.of("loaded")) for name in files]

    return load


@dataclass
class Ended:
    """How a delivery ended in raw."""

    warehouse: Any
    name: str
    loaded: bool

    def taken(self, table: str, *columns: str) -> list[Any]:
        """Return the texts of a column of its rows, in their order; of several columns, concatenated."""
        texts = ", ".join(f"{column}::text" for column in columns)
        rows = self.warehouse.rows(
            f"SELECT concat({texts}) AS text FROM raw.{table} JOIN raw.file_loads l USING (load_id)"
            " WHERE l.file_name = %s ORDER BY line_number",
            self.name,
        )
        return [row.text for row in rows]

    @property
    def rejected(self) -> list[bytes]:
        """Return what was rejected of it; each record has its reason."""
        rows = self.warehouse.rows(
            "SELECT raw_line, reason FROM raw.rejected_lines JOIN raw.file_loads l USING (load_id)"
            " WHERE l.file_name = %s ORDER BY line_number",
            self.name,
        )
        assert all(row.reason for row in rows)
        return [row.raw_line for row in rows]


@pytest.fixture
def is_json(warehouse: Warehouse) -> IsJson:
    """What the server says: whether these bytes are a value of type `json`, and not too deep for us."""

    def ask(data: bytes) -> bool:
        row = b"\0\1" + len(data).to_bytes(4, "big") + data
        try:
            with warehouse.connection.cursor() as cursor, cursor.copy("COPY verdicts FROM STDIN BINARY") as copy:
                copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + row + b"\xff\xff")
        except psycopg.Error:
            return False
        return True

    warehouse.execute("CREATE TEMPORARY TABLE verdicts (data json)")
    return ask


def test_what_the_corpus_says_must_be_taken_is_json_and_what_must_not_is_not(is_json: IsJson) -> None:
    found = {path.name: is_json(path.read_bytes().removeprefix(BOM)) for path in JSON_FILES}
    assert [name for name, verdict in found.items() if name.startswith("y_") and not verdict] == []
    assert [name for name, verdict in found.items() if name.startswith("n_") and verdict] == []


def each(paths: list[Path], suffix: str, wrap: Callable[[bytes], bytes]) -> dict[str, bytes]:
    return {f"{number:03} {path.stem}.{suffix}": wrap(path.read_bytes()) for number, path in enumerate(paths)}


def test_each_as_an_order_inside_an_array(load: Load, is_json: IsJson) -> None:
    files = each(JSON_FILES, "json", lambda data: b'[{"order_id": "before"},\n' + data + b',\n{"order_id": "after"}]')
    for path, ended in zip(JSON_FILES, load("orders", files), strict=True):
        data = path.read_bytes()
        if is_json(data):
            expected = ['{"order_id": "before"}', data.strip(BLANK).decode(), '{"order_id": "after"}']
            assert ended.taken("orders_json", "raw_json") == expected, path.name
        else:
            # `1, 2` is no value, but with what is around it here it makes an array.
            assert ended.loaded == is_json(files[ended.name]), path.name
            assert ended.loaded or ended.taken("orders_json", "raw_json") == [], path.name
        assert ended.rejected == [], path.name


def test_each_as_a_line(load: Load, is_json: IsJson) -> None:
    files = each(JSON_FILES, "ndjson", lambda data: b'{"order_id": "before"}\n' + data + b'\n{"order_id": "after"}')
    for path, ended in zip(JSON_FILES, load("orders", files), strict=True):
        lines = [line.removesuffix(b"\r") for line in path.read_bytes().split(b"\n") if line.strip(BLANK)]
        good, bad = [line for line in lines if is_json(line)], [line for line in lines if not is_json(line)]
        expected = [b'{"order_id": "before"}', *good, b'{"order_id": "after"}']
        assert ended.taken("orders_json", "raw_json") == [line.decode() for line in expected], path.name
        assert ended.rejected == [line[: 64 << 10] for line in bad], path.name


def test_each_as_a_catalogue(load: Load, is_json: IsJson) -> None:
    files = each(JSON_FILES, "json", lambda data: data)
    for path, ended in zip(JSON_FILES, load("products", files), strict=True):
        content = path.read_bytes().removeprefix(BOM)
        if path.stem in NOT_LINES:
            assert (ended.taken("products_json", "raw_json"), ended.rejected) == (NOT_LINES[path.stem], []), path.name
        elif not content.strip(BLANK):
            assert not ended.loaded, path.name
        elif content.lstrip(BLANK).startswith(b"["):
            assert ended.loaded == is_json(content), path.name
            assert ended.loaded or ended.taken("products_json", "raw_json") == [], path.name
        else:
            lines = [line for line in content.split(b"\n") if line.strip(BLANK)]
            good = [line.decode() for line in lines if is_json(line)]
            assert ended.taken("products_json", "raw_json") == good, path.name
            assert ended.rejected == [line for line in lines if not is_json(line)], path.name


def test_each_as_an_event_line(load: Load) -> None:
    paths = [*JSON_FILES, *CSV_FILES]
    files = each(paths, "csv", lambda data: HEADER + b"before,v,t\n" + data + b"\nafter,v,t\n")
    for path, ended in zip(paths, load("events", files), strict=True):
        found = ended.taken("events_csv", "event_id", "event_type", "event_ts")
        assert (found[0], found[-1]) == ("beforevt", "aftervt"), path.name
        # What was taken (without its commas) and what was rejected are together what was delivered.
        lines = [line.removesuffix(b"\r") for line in path.read_bytes().split(b"\n")]
        lost = ended.rejected
        kept = [line.replace(b",", b"") for line in lines if line and line[: 64 << 10] not in lost]
        if not any(b'"' in line for line in kept):
            assert [text.encode() for text in found[1:-1]] == kept, path.name


def test_each_as_a_quoted_field_of_an_event(load: Load) -> None:
    paths = [*JSON_FILES, *CSV_FILES]

    def quoted(data: bytes) -> bytes:
        return b'E2,"' + data.replace(b'"', b'""') + b'",t'

    files = each(paths, "csv", lambda data: HEADER + b"before,v,t\n" + quoted(data) + b"\nafter,v,t\n")
    for path, ended in zip(paths, load("events", files), strict=True):
        data = path.read_bytes()
        try:
            text = None if b"\0" in data else data.decode()
        except UnicodeDecodeError:
            text = None
        expected = ["v", "v"] if text is None else ["v", text, "v"]
        assert ended.taken("events_csv", "event_type") == expected, path.name
        assert ended.rejected == ([quoted(data)[: 64 << 10]] if text is None else []), path.name


@pytest.mark.parametrize("path", CSV_FILES, ids=lambda path: path.stem)
def test_csv_files_have_the_rows_that_their_corpus_expects(load: Load, path: Path) -> None:
    if path.stem == "location_coordinates":
        pytest.skip("it disagrees with its own expected rows, says the corpus")
    # Each record gets the columns in front that an event must have.
    lines = io.StringIO(path.read_bytes().decode(), newline="").readlines()
    reader, begins = csv.reader(lines), [0]
    begins += [reader.line_num for _ in reader]
    for number in begins[:-1]:
        lines[number] = ("event_id,event_type,event_ts," if number == 0 else f"E{number},v,t,") + lines[number]
    (ended,) = load("events", {"e.csv": "".join(lines).encode()})
    expected = json.loads((CORPORA / "csv" / "json" / f"{path.stem}.json").read_text(encoding="utf-8"))
    found = [json.loads(extra) for extra in ended.taken("events_csv", "extra")]
    assert [{name: value or "" for name, value in row.items()} for row in found] == expected
    assert ended.rejected == []
