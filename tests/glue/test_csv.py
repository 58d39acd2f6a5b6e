"""CSV deliveries: every line ends in raw as it was meant, or is rejected with its reason and place."""

import contextlib
import csv
import hashlib
import io
import itertools
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from glue import csv_records, records
from glue.connection import connect
from glue.csv_header import COLUMNS
from glue.csv_records import EventFile
from glue.extract import ExtractResult, extract
from glue.records import Rejected, Source
from tests.conftest import Warehouse

Load = Callable[[str, bytes], ExtractResult]

DAY = date(2025, 12, 19)
HEADER = b"event_id,event_type,event_ts\n"


@pytest.fixture
def load(warehouse: Warehouse) -> Iterator[Load]:
    """Deliver bytes as the only events file of the day, load them with the real glue, and return the result."""

    def load(name: str, data: bytes) -> ExtractResult:
        path = warehouse.landing.put("events", DAY, name, data)
        try:
            return extract("events", DAY, connection=connection, landing=str(warehouse.landing.folder))
        finally:
            path.unlink()

    with contextlib.closing(connect(warehouse.dsn)) as connection:
        yield load


@pytest.fixture
def names() -> Iterator[str]:
    """Names that were not used before."""
    return (f"{number}.csv" for number in itertools.count())


def in_raw(warehouse: Warehouse, name: str) -> list[tuple[Any, ...]]:
    """Return line number, the five columns and extra of what raw holds of a delivery."""
    return [
        tuple(row)
        for row in warehouse.rows(
            "SELECT e.line_number, e.event_id, e.user_id, e.product_id, e.event_type, e.event_ts, e.extra::text"
            " FROM raw.events_csv e JOIN raw.file_loads l USING (load_id)"
            " WHERE l.file_name = %s ORDER BY e.line_number",
            name,
        )
    ]


def rejected(warehouse: Warehouse, name: str) -> list[Any]:
    """Return the rejected records of a delivery."""
    return warehouse.rows(
        "SELECT r.* FROM raw.rejected_lines r JOIN raw.file_loads l USING (load_id)"
        " WHERE l.file_name = %s ORDER BY r.line_number",
        name,
    )


# -- what is fine --------------------------------------------------------------------------------------


def test_the_header_may_come_in_any_order_and_with_more_columns(warehouse: Warehouse, load: Load) -> None:
    load("e.csv", b'page, event_ts ,event_id,user_id,event_type,"re,f"\n/a,t1,E1,,view,x\n"",t2,E2,"",buy,"a ""b"""\n')
    assert in_raw(warehouse, "e.csv") == [
        (2, "E1", None, None, "view", "t1", '{"page": "/a", "re,f": "x"}'),
        (3, "E2", "", None, "buy", "t2", '{"page": "", "re,f": "a \\"b\\""}'),
    ]


def test_empty_is_null_unless_it_is_quoted(warehouse: Warehouse, load: Load) -> None:
    for name, data in (("quick.csv", b'E1,,\nE2,"",x\n'), ("careful.csv", b'E1,,\nE2,"",x\nE3,"\n",y\n')):
        load(name, HEADER + data)
        assert in_raw(warehouse, name)[:2] == [
            (2, "E1", None, None, None, None, None), (3, "E2", None, None, "", "x", None),
        ]  # fmt: skip


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_boms_line_ends_and_blank_lines_make_no_difference(warehouse: Warehouse, load: Load, end: bytes) -> None:
    lines = [b"event_id,event_type,event_ts", b"E1,view,t", b"", b'E2,"a,""b""' + end + b'c",t', b"E3,view,t"]
    load("e.csv", b"\xef\xbb\xbf" + end.join(lines))
    assert in_raw(warehouse, "e.csv") == [
        (2, "E1", None, None, "view", "t", None),
        (4, "E2", None, None, 'a,"b"' + end.decode() + "c", "t", None),
        (6, "E3", None, None, "view", "t", None),
    ]
    assert rejected(warehouse, "e.csv") == []


@pytest.mark.parametrize(
    "text",
    ["\\.", "\\N", "NULL", "\\", "a\\b", "a\n\\.\nb", "%s", "=1+1", "'; DROP TABLE raw.events_csv; --", "\x01\x02"],
)
def test_what_means_something_elsewhere_is_only_text_here(warehouse: Warehouse, load: Load, text: str) -> None:
    quoted = text.replace('"', '""')
    load("e.csv", f'event_id,event_type,event_ts\n"{quoted}",view,t\nE2,view,t\n'.encode())
    assert [row[1] for row in in_raw(warehouse, "e.csv")] == [text, "E2"]
    if "\n" not in text:
        load("bare.csv", f"event_id,event_type,event_ts\n{text},view,t\nE2,view,t\n".encode())
        assert [row[1] for row in in_raw(warehouse, "bare.csv")] == [text, "E2"]


def test_a_header_alone_is_a_day_without_events(warehouse: Warehouse, load: Load) -> None:
    load("e.csv", HEADER)
    load("f.csv", HEADER.removesuffix(b"\n"))
    assert warehouse.rows("SELECT row_count, rejected_count, refused_reason FROM raw.file_loads") == [(0, 0, None)] * 2


# -- what is refused -------------------------------------------------------------------------------------


@pytest.mark.once  # read before a server sees it
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "an empty file, without even a header"),
        (b"event_id,event_ts\nE1,t\n", "the header has no column event_type; it has 'event_id', 'event_ts'"),
        (b"E1,view,t\n", "the header has no column event_id, event_type, event_ts; it has 'E1', 'view', 't'."
         " What it holds, and what to do: warehouse shape FILE"),
        (b"event_id,event_type,event_ts,event_id\n", "the header names 'event_id' twice"),
        (b"event_id,event_type,event_ts,x, x\n", "the header names 'x' twice"),
        (b'event_id,"event_type,event_ts\nE1,v,t\n', "the header does not parse: a quote is not closed (field 2)"),
        (b'event_id,event"_type,event_ts\n',
         "the header does not parse: a quote in a field that does not begin with one (field 2)"),
        (b"event_id,event_type,event_ts\rE1,v,t\r\nE2,v,t\n",
         "the header does not parse: a carriage return outside quotes (field 3)"),
        (b"event_id,event_type,event_ts,\xe4\n",
         "the header is not UTF-8: byte 0xe4 at byte 29 of the record"),
        (b"event_id;event_type\n",
         "the header has no column event_ts; it has 'event_id', 'event_type' (separated by ;)"),
        (b"event_id,event_type,event_ts" + b",x" * 1600, "the header has 1603 columns; 1600 are allowed"),
    ],
)  # fmt: skip
def test_a_header_that_will_not_do_refuses_the_file(warehouse: Warehouse, load: Load, data: bytes, reason: str) -> None:
    result = load("e.csv", data)
    assert [(delivery.outcome, delivery.reason) for delivery in result.deliveries] == [("refused", reason)]
    assert warehouse.row("SELECT row_count, rejected_count, refused_reason FROM raw.file_loads") == (0, 0, reason)
    assert in_raw(warehouse, "e.csv") == []


# -- what is rejected ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"E2,view", "2 fields; the header has 3"),
        (b"E2,view,t,x", "4 fields; the header has 3"),
        (b"E2,view,t,,x,", "6 fields; the header has 3"),
        (b'E2,"view,t', "a quote is not closed (field 2)"),
        (b'E2,vi"ew,t', "a quote in a field that does not begin with one (field 2)"),
        (b'E2,"vi"ew,t', "text after a closing quote (field 2)"),
        (b"E2,vi\rew,t", "a carriage return outside quotes (field 2)"),
        (b"E2,vi\xe4w,t", "not UTF-8: byte 0xe4 at byte 5 of the record"),
        (b"E2,\xed\xa0\x80,t", "not UTF-8: byte 0xed at byte 3 of the record"),
        (b"E2,vi\0w,t", "a NUL byte, which no text can hold"),
        (b" ", "1 fields; the header has 3"),
    ],
)
def test_a_bad_line_costs_only_itself(warehouse: Warehouse, load: Load, line: bytes, reason: str) -> None:
    before, after = b"E1,view,t\n", b'E3,view,t\nE4,"q""q",t\n'
    load("e.csv", HEADER + before + line + b"\n" + after)
    assert [(row[0], row[1]) for row in in_raw(warehouse, "e.csv")] == [(2, "E1"), (4, "E3"), (5, "E4")]
    (row,) = rejected(warehouse, "e.csv")
    assert (row.line_number, row.byte_offset, row.byte_count) == (3, len(HEADER + before), len(line))
    assert (row.raw_line, row.sha256, row.reason) == (line, hashlib.sha256(line).hexdigest(), reason)


@pytest.mark.once
def test_a_quote_that_is_never_closed_does_not_swallow_the_file(
    warehouse: Warehouse, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BLOCK_BYTES", 4096)
    monkeypatch.setattr(csv_records, "RECORD_BYTES", 16384)
    good = b"".join(b"E%d,view,t\n" % number for number in range(10_000))
    result = load("e.csv", HEADER + b'X,"view,t\n' + good)
    assert (result.rows, result.rejected) == (10_000, 1)
    assert rejected(warehouse, "e.csv")[0].raw_line == b'X,"view,t'


@pytest.mark.once
def test_a_record_over_16_MiB_is_rejected_on_one_line_or_on_many(warehouse: Warehouse, load: Load) -> None:
    size = records.RECORD_BYTES
    one_line = b"E2," + b"x" * size + b",t"
    quoted = b'E3,"' + (b"y" * 99 + b"\n") * (size // 100 + 1) + b'",t'
    fine = b'E5,"' + b"z" * (size // 2) + b'\n",t'
    load("e.csv", HEADER + b"E1,v,t\n" + one_line + b"\n" + quoted + b"\nE4,v,t\n" + fine + b"\nE6,v,t")
    assert [row[1] for row in in_raw(warehouse, "e.csv")] == ["E1", "E4", "E5", "E6"]
    first, second = rejected(warehouse, "e.csv")[:2]
    assert (first.line_number, first.byte_count, len(first.raw_line)) == (3, len(one_line), 64 << 10)
    assert first.sha256 == hashlib.sha256(one_line).hexdigest()
    assert second.line_number == 4


# -- what must hold always ---------------------------------------------------------------------------------

PIECES = [
    b"E1", b"view", b"2025-12-19", b",", b",", b",", b"\n", b"\n", b'"', b'"', b'""', b"\r\n", b"\r", b"\\.",
    b"\n\\.\n", b"\x00", b"\xff", b"\xc3\xa9", b" ", b"\\N", b"E1,view,t\n", b'"a,b",c,d\n', b"\xef\xbb\xbf",
]  # fmt: skip
bodies = st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join)
headers = st.sampled_from(
    [
        HEADER,
        b"event_ts,user_id,event_id,event_type\r\n",
        b"event_id,event_type,event_ts,x\n",
        b'"event_id",event_type,event_ts\n',
    ]
)


@settings(
    max_examples=150, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(header=headers, body=bodies)
@example(header=HEADER, body=b"E1,a\rb,c\n")
@example(header=HEADER, body=b"E1\r\nE2,v,t\r\n")
@example(header=HEADER, body=b"E1,v,t\rE2,v,t\n")
@example(header=HEADER, body=b'E1,"v",t\n\\.\nE2,v,t\n')
@example(header=HEADER, body=b'"\n\\.\n",v,t\nE2,v,t\n')
@example(header=HEADER, body=b'a"b,c"d,e,f\n')
@pytest.mark.long
def test_the_quick_way_ends_as_the_careful_way(
    warehouse: Warehouse, load: Load, names: Iterator[str], header: bytes, body: bytes
) -> None:
    quick, careful = next(names), next(names)
    load(quick, header + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventFile, "is_simple", lambda self, data: False)
        load(careful, header + body)
    assert in_raw(warehouse, quick) == in_raw(warehouse, careful)
    places = [
        [
            (r.line_number, r.byte_offset, r.byte_count, r.sha256, r.raw_line, r.reason)
            for r in rejected(warehouse, name)
        ]
        for name in (quick, careful)
    ]
    assert places[0] == places[1]


def parse(data: bytes) -> tuple[list[Any], list[Rejected]]:
    file = EventFile(Source(io.BytesIO(data)))
    batches = [part for batch in file.batches() for part in (file.parse(batch.quick) if batch.quick else [batch])]
    return [event for batch in batches for event in batch.events], [one for batch in batches for one in batch.rejected]


@pytest.mark.once
@settings(max_examples=250, deadline=None, print_blob=True)
@given(header=headers, body=bodies, block=st.integers(40, 80), more=st.integers(0, 40))
def test_where_blocks_end_makes_no_difference(header: bytes, body: bytes, block: int, more: int) -> None:
    whole = parse(header + body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", block)
        assert parse(header + body) == whole


@pytest.mark.once
@settings(max_examples=250, deadline=None, print_blob=True)
@given(header=headers, body=bodies)
def test_every_byte_belongs_to_an_event_or_to_a_rejected_line_or_to_a_blank_one(header: bytes, body: bytes) -> None:
    events, out = parse(header + body)
    rest = bytearray(header + body)
    for place, length in [(e[1], len(e[2])) for e in events] + [(r.offset, r.byte_count) for r in out]:
        assert place + length <= len(rest)
        assert b"#" not in rest[place : place + length]  # of one record only
        rest[place : place + length] = b"#" * length
    assert set(bytes(rest[len(header) :])) <= set(b"#\r\n")


fields = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]))


@pytest.mark.once
@settings(max_examples=200, deadline=None, print_blob=True)
@given(
    rows=st.lists(st.lists(fields, min_size=5, max_size=5)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), end=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_what_pythons_csv_module_writes_is_read_back(rows: list[list[str]], quoting: Any, end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    events, out = parse(text.getvalue().encode())
    assert out == []
    assert [[(value or b"").decode() for value in event[3][:5]] for event in events] == rows
