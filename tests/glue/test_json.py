"""JSON deliveries: what PostgreSQL's `json` takes is taken, byte for byte; the rest is accounted for."""

import contextlib
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from glue import records
from glue.connection import connect
from glue.errors import Refused
from glue.extract import ExtractResult, extract
from glue.json_document import LISTS
from glue.json_records import json_records
from glue.json_values import json_fault
from glue.records import BLANK, Record, Rejected, Source
from tests.conftest import Warehouse

Load = Callable[[str, bytes], ExtractResult]

DAY = date(2025, 12, 19)


def with_database(max_examples: int) -> settings:
    """Settings of a property that asks the database: one database serves all examples."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        print_blob=True,
    )


NASTY = [
    b"NaN", b"-Infinity", b"1e400", b"-0", b"01", b"1.", b".5", b"1e+", b"9" * 400, b"true", b"nul", b'"', b"\\",
    b'\\"', b"\\u0000", b"\\ud800", b"\\u12", b"\\x", b"\x00", b"\x01", b"\x1f", b"\x7f", b"\t", b"\r", b"\x0b",
    b"\x0c", b"\xa0",
    b"\xc2\xa0", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"[",
    b"]",
    b"{", b"}", b",", b":", b"/*x*/", b"'", b"\\.", b"{}", b"[]", b'{"a":1}', b'"a":',
]  # fmt: skip

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


def text_of(value: Any, ascii_only: bool, indent: int | None) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")


texts = st.builds(text_of, values, st.booleans(), st.sampled_from([None, 0, 1]))


@st.composite
def spoilt(draw: st.DrawFn, whole: st.SearchStrategy[bytes] = texts) -> bytes:
    """Return JSON with up to three pieces put in, taken out or written over."""
    data = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(data)))
        end = begin + draw(st.integers(0, 2))
        data = data[:begin] + draw(st.sampled_from(NASTY) | st.binary(max_size=2)) + data[end:]
    return data


arrays = st.lists(texts, max_size=5).map(lambda elements: b"[" + b" ,\n".join(elements) + b"]")
candidates = spoilt() | st.lists(st.sampled_from(NASTY), max_size=6).map(b"".join) | st.binary(max_size=12)


@pytest.fixture
def is_json(warehouse: Warehouse) -> Callable[[bytes], bool]:
    """What the server says: whether these bytes are a value of type `json`."""

    def ask(data: bytes) -> bool:
        try:
            with (
                warehouse.connection.cursor() as cursor,
                cursor.copy("COPY verdicts FROM STDIN (FORMAT binary)") as copy,
            ):
                copy.write(
                    b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1" + len(data).to_bytes(4, "big") + data + b"\xff\xff"
                )
        except psycopg.Error:
            return False
        return True

    warehouse.execute("CREATE TEMPORARY TABLE verdicts (data json)")
    return ask


@pytest.fixture
def load(warehouse: Warehouse) -> Iterator[Load]:
    """Deliver bytes as the only orders file of the day, load them with the real glue, and return the result."""

    def load(name: str, data: bytes) -> ExtractResult:
        path = warehouse.landing.put("orders", DAY, name, data)
        try:
            return extract("orders", DAY, connection=connection, landing=str(warehouse.landing.folder))
        finally:
            path.unlink()

    with contextlib.closing(connect(warehouse.dsn)) as connection:
        yield load


@pytest.fixture
def names() -> Iterator[str]:
    """Names that were not used before."""
    return (f"{number}.ndjson" for number in itertools.count())


def in_raw(warehouse: Warehouse, name: str) -> list[tuple[int, str]]:
    """Return number and text of what raw holds of a delivery."""
    return [
        (row.line_number, row.text)
        for row in warehouse.rows(
            "SELECT o.line_number, o.raw_json::text AS text"
            " FROM raw.orders_json o JOIN raw.file_loads l USING (load_id)"
            " WHERE l.file_name = %s ORDER BY o.line_number", name,
        )
    ]  # fmt: skip


def rejected(warehouse: Warehouse, name: str) -> list[Any]:
    return warehouse.rows(
        "SELECT r.* FROM raw.rejected_lines r JOIN raw.file_loads l USING (load_id)"
        " WHERE l.file_name = %s ORDER BY r.line_number", name,
    )  # fmt: skip


# -- lines -------------------------------------------------------------------------------------------


@with_database(500)
@given(data=candidates)
@example(data=b"9" * 5000)
@example(data=b"1" + b"0" * 400 + b"e1")
@example(data=b'{"a":1,"a":2}')
@example(data=b'"\\ud800"')
@example(data=b'"\\u0000"')
@example(data=b"")
def test_python_and_postgresql_agree_on_what_json_is(is_json: Callable[[bytes], bool], data: bytes) -> None:
    assert (json_fault(data) is None) == is_json(data)


@pytest.mark.once  # that Python and this server agree is asked above
@with_database(100)
@given(
    lines=st.lists(candidates.map(lambda data: data.replace(b"\n", b" ")), min_size=1, max_size=8), crlf=st.booleans()
)
@example(lines=[b'{"\xc2NaN\x91": null}'] * 2, crlf=False)
def test_a_line_is_in_raw_if_it_is_json_and_else_it_is_rejected(
    warehouse: Warehouse,
    load: Load,
    names: Iterator[str],
    is_json: Callable[[bytes], bool],
    lines: list[bytes],
    crlf: bool,
) -> None:
    name, end = next(names), b"\r\n" if crlf else b"\n"
    # Its é in UTF-8 says what the file is in: two bad lines that read well as Windows-1252 would refuse all of it.
    first = '{"first": "é"}'
    data = first.encode() + end + end.join(lines)
    load(name, data)
    expected_in, expected_out, place = [(1, first)], [], len(first.encode()) + len(end)
    for number, line in enumerate(data.split(b"\n")[1:], start=2):
        if (piece := line.removesuffix(b"\r")).strip(BLANK):
            if is_json(piece):
                expected_in.append((number, piece.decode()))
            else:
                expected_out.append((number, place, len(piece), hashlib.sha256(piece).hexdigest(), piece))
        place += len(line) + 1
    assert in_raw(warehouse, name) == expected_in
    found = [(r.line_number, r.byte_offset, r.byte_count, r.sha256, r.raw_line) for r in rejected(warehouse, name)]
    assert found == expected_out


def test_a_bad_line_among_many_costs_only_itself(warehouse: Warehouse, load: Load) -> None:
    lines = [b'{"order_id": "O-%d"}' % number for number in range(1, 30_001)]
    lines[20_000] = b'{"order_id": tru}'
    lines[20_500] = b"\xff"
    result = load("o.ndjson", b"\n".join(lines))
    assert (result.rows, result.rejected) == (29_998, 2)
    first, second = rejected(warehouse, "o.ndjson")
    assert (first.line_number, first.raw_line, first.reason) == (
        20_001,
        b'{"order_id": tru}',
        "not JSON: Expecting value at character 13",
    )
    assert (second.line_number, second.reason) == (20_501, "not UTF-8: byte 0xff at byte 0 of the record")


def test_what_python_does_not_judge_the_server_finds(
    warehouse: Warehouse, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue.json_values.JUDGED_BYTES", 0)
    lines = [b"%d" % number for number in range(100)]
    lines[17] = lines[60] = b"01"
    load("o.ndjson", b"\n".join(lines))
    assert [(row.line_number, row.raw_line) for row in rejected(warehouse, "o.ndjson")] == [(18, b"01"), (61, b"01")]
    assert all("PostgreSQL: " in row.reason for row in rejected(warehouse, "o.ndjson"))
    assert len(in_raw(warehouse, "o.ndjson")) == 98


@pytest.mark.once  # read before a server sees it
@pytest.mark.parametrize("name", ["o.ndjson", "o.json", "o.jsonl"])
@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused_and_an_empty_list_is_a_delivery_of_nothing(
    warehouse: Warehouse, load: Load, name: str, data: bytes
) -> None:
    assert load(name, data).of("refused") == [name]
    assert warehouse.value("SELECT refused_reason FROM raw.file_loads") == "an empty file; a day without any is []"
    assert load(name, b"[]").of("loaded") == [name]


# -- arrays ------------------------------------------------------------------------------------------


def split(data: bytes) -> tuple[str, list[Record], list[Rejected]] | str:
    """Return form, records and rejected records of a delivery, or why it is refused."""
    try:
        form, batches = json_records(Source(BytesIO(data)))
        found = list(batches)
    except Refused as refused:
        return str(refused)
    return form, [r for batch in found for r in batch.records], [r for batch in found for r in batch.rejected]


@pytest.mark.once
@settings(max_examples=250, deadline=None, print_blob=True)
@given(data=spoilt(arrays) | spoilt(), block=st.integers(3, 12))
@example(data=b'["a\\"b", {"c": "]"}]', block=3)
@example(data=b"[1,2]x", block=3)
def test_where_blocks_end_makes_no_difference(data: bytes, block: int) -> None:
    whole = split(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glue.records.BLOCK_BYTES", block)
        patch.setattr("glue.json_values.BLOCK_BYTES", block)
        pieces = split(data)
    assert pieces == whole


@pytest.mark.once  # that Python and this server agree is asked above
@with_database(120)
@given(data=spoilt(arrays))
@example(data=b"[]")
@example(data=b"[1]]")
@example(data=b"[1}")
@example(data=b"[,]")
@example(data=b"[1 2]")
@example(data=b'[{"a": [1}, 2]}]')
@example(data=b'[{"a":1},\n\\.\n,{"b":2}]')
@example(data=b'[{"a":\n\\.\n1}]')
def test_an_array_is_taken_if_it_is_json_from_end_to_end_and_else_refused(
    warehouse: Warehouse,
    load: Load,
    names: Iterator[str],
    is_json: Callable[[bytes], bool],
    data: bytes,
) -> None:
    name = next(names)
    if not data.lstrip(BLANK).startswith(b"["):
        data = b"[" + data
    result = load(name, data)
    if is_json(data):
        elements = (
            warehouse.rows(
                "SELECT ordinality, value::text FROM json_array_elements(%s::json) WITH ORDINALITY", data.decode()
            )
            if b"\\u" not in data
            else None
        )
        assert result.of("loaded") == [name]
        if elements is not None:
            assert in_raw(warehouse, name) == [(n, text) for n, text in elements]
    else:
        assert result.of("refused") == [name]
        assert in_raw(warehouse, name) == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"a": 1}, {"b": ', "not a JSON array: it ends too early (element 2, at byte 11)"),
        (b'[{"a": 1}, "b', "not a JSON array: a string is not closed (element 2, at byte 11)"),
        (b"[1, 2", "not a JSON array: it ends too early (element 2, at byte 4)"),
        (b"[1,", "not a JSON array: it ends too early (element 2, at byte 3)"),
        (b"[1, ]", "not a JSON array: a value is missing (element 2, at byte 4)"),
        (b"[1}", "not a JSON array: } instead of , or ] (element 1, at byte 2)"),
        (b"[1] [2]", "not a JSON array: text after its end, at byte 4"),
        (b"[1, tru]", "not a JSON array: element 2, at byte 4: not JSON: Expecting value at character 0"),
        (b"\xef\xbb\xbf[\xff]", "not a JSON array: element 1, at byte 4: not UTF-8: byte 0xff at byte 0 of the record"),
        (b"", "an empty file; a day without any is []"),
        (b"\xef\xbb\xbf \n", "an empty file; a day without any is []"),
        (b" \n\xef\xbb\xbf", None),
    ],
)
def test_a_refused_array_says_where(warehouse: Warehouse, load: Load, data: bytes, reason: str | None) -> None:
    result = load("o.json", data)
    assert [delivery.reason for delivery in result.deliveries] == [reason]
    assert warehouse.row("SELECT refused_reason, row_count, rejected_count FROM raw.file_loads")[0] == reason
    assert in_raw(warehouse, "o.json") == []


@pytest.mark.once
def test_a_refused_delivery_leaves_the_earlier_one_alone(warehouse: Warehouse, load: Load) -> None:
    load("o.json", b'[{"order_id": "O-1"}]')
    load("o.json", b'[{"order_id": "O-1"}, {"ord')
    assert in_raw(warehouse, "o.json") == [(1, '{"order_id": "O-1"}')]
    assert warehouse.rows("SELECT load_id FROM raw._deliveries_in_force('orders', %s)", DAY) == [(1,)]


def test_values_pass_through_unchanged(warehouse: Warehouse, load: Load) -> None:
    elements = [
        b'{"a": 1, "a": 2}', b'{"n": 1e400, "m": 0.10, "k": 100000000000000000000000000001}', b'"\\ud800 \\u0000"',
        b'{ "a" :\n 1 }', b"-0.0", "\"\u00e4\u2028\U0001f600\"".encode(), b"[[], [[]]]", b'"\x7f\\/"',
    ]  # fmt: skip
    load("o.json", b"\xef\xbb\xbf \r\n[ " + b"\t,\r\n".join(elements) + b" ]\n ")
    assert [text for _, text in in_raw(warehouse, "o.json")] == [element.decode() for element in elements]


# -- records that are too long or too deep ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["o.json", "o.ndjson"])
def test_a_record_deeper_than_512_is_rejected_and_one_of_512_is_not(
    warehouse: Warehouse, load: Load, name: str
) -> None:
    fine, deep = b"[" * 512 + b"]" * 512, b'{"a":' * 513 + b"1" + b"}" * 513
    data = b"[1, " + fine + b", " + deep + b", 4]" if name == "o.json" else b"1\n" + fine + b"\n" + deep + b"\n4\n"
    load(name, data)
    assert [number for number, _ in in_raw(warehouse, name)] == [1, 2, 4]
    (row,) = rejected(warehouse, name)
    assert (row.line_number, row.raw_line, row.reason) == (3, deep, "nested deeper than 512")


@pytest.mark.once
@pytest.mark.parametrize("name", ["o.json", "o.ndjson"])
def test_a_record_over_16_MiB_is_rejected_and_one_of_16_MiB_is_not(warehouse: Warehouse, load: Load, name: str) -> None:
    fine = b'"' + b"a" * (records.RECORD_BYTES - 2) + b'"'
    long = b'{"a": "' + b"b" * (3 * records.RECORD_BYTES) + b'"}'
    data = b"[1," + fine + b"," + long + b",4]" if name == "o.json" else b"1\n" + fine + b"\n" + long + b"\n4"
    load(name, data)
    assert warehouse.rows("SELECT line_number, octet_length(raw_json::text) FROM raw.orders_json ORDER BY 1") == [
        (1, 1), (2, records.RECORD_BYTES), (4, 1),
    ]  # fmt: skip
    (row,) = rejected(warehouse, name)
    assert (row.line_number, row.byte_offset, row.byte_count) == (3, data.index(long), len(long))
    assert (row.sha256, row.raw_line) == (hashlib.sha256(long).hexdigest(), long[: 64 << 10])
    assert row.reason == f"{len(long)} bytes long; a record may have 16777216"


@pytest.mark.once
@settings(max_examples=200, deadline=None, print_blob=True)
@given(
    elements=st.lists(texts.map(lambda text: text.strip(BLANK)), min_size=1, max_size=6),
    block=st.integers(3, 40), more=st.integers(0, 40), kept=st.integers(0, 20), array=st.booleans(),
)  # fmt: skip
def test_long_records_are_told_apart_wherever_blocks_end(
    elements: list[bytes], block: int, more: int, kept: int, array: bool
) -> None:
    if not array:
        elements = [element.replace(b"\n", b" ") for element in elements]
        # An object with a list under one of these names is a document around its records: {"body": []}.
        assume(not any(f'"{name}"'.encode() in elements[0].lower() for name in LISTS))
    limit = block + more
    data = b"[" + b",".join(elements) + b"]" if array else b"\n".join(elements)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("glue.records", "glue.json_values"):
            patch.setattr(f"{module}.BLOCK_BYTES", block)
            patch.setattr(f"{module}.RECORD_BYTES", limit)
            patch.setattr(f"{module}.KEPT_BYTES", kept)
        if not array and elements[0].startswith(b"["):
            return
        found = split(data)
    assert not isinstance(found, str)
    _, taken, out = found
    place, expected_in, expected_out = int(array), [], []
    for number, element in enumerate(elements, start=1):
        if len(element) <= limit:
            expected_in.append((number, place, element))
        else:
            digest = hashlib.sha256(element).hexdigest()
            expected_out.append((number, place, len(element), digest, element[:kept]))
        place += len(element) + 1
    assert taken == expected_in
    assert [tuple(one)[:5] for one in out] == expected_out


def test_a_hundred_thousand_open_brackets_do_no_harm(warehouse: Warehouse, load: Load) -> None:
    assert load("o.json", b"[" * 100_000).of("refused") == ["o.json"]
    result = load("p.ndjson", b'{"a": 1}\n{' + b"[" * 100_000 + b"\n")
    assert (result.rows, result.rejected) == (1, 1)
