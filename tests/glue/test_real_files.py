"""What shops really send is read whatever it is packed in, or refused in words: cases beside the project, and our own.

The cases lie in ../shared/real_world, which is no part of the project; where they are missing their tests are skipped.
"""

import codecs
import gzip
import io
import json
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from glue.extract import ExtractResult, extract
from glue.formats import Form
from tests.conftest import Warehouse
from tests.promises import RULES_OFF
from tests.real_world import CASES, put_case
from tests.shop import event, order, product

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Case = Callable[[str], "Delivered"]
Load = Callable[..., "Delivered"]

DAY = date(2025, 12, 19)

# What a file is, is decided before the database is asked.
pytestmark = pytest.mark.once


class Delivered:
    """What became of a day's files."""

    def __init__(self, warehouse: Warehouse, day: date, results: list[ExtractResult]) -> None:
        self.warehouse, self.day, self.results = warehouse, day, results

    def of(self, outcome: str) -> list[str]:
        """Return the names of the files that were `loaded`, `unchanged` or `refused`."""
        return [name for result in self.results for name in result.of(outcome)]

    @property
    def reasons(self) -> dict[str, str]:
        """Return why files were refused, by name."""
        found = [one for result in self.results for one in result.deliveries if one.outcome == "refused"]
        return {one.name: one.reason or "" for one in found}

    @property
    def rejected(self) -> list[str]:
        """Return why records could not be taken."""
        return [
            row.reason
            for row in self.warehouse.rows("SELECT reason FROM raw.rejected_lines ORDER BY load_id, line_number")
        ]

    def clean(self, source: str) -> "Delivered":
        """Clean the day."""
        self.warehouse.call(f"staging.clean_{source}", self.day)
        return self

    def counts(self, source: str) -> tuple[int, int, int]:
        """Return clean, duplicate and rejected lines."""
        row = self.clean(source).warehouse.row(
            "SELECT clean_count, duplicate_count, rejected_count FROM staging.loads WHERE source = %s", source
        )
        return tuple(row)

    def ids(self, source: str) -> list[str]:
        """Return the ids that are clean, in their order."""
        self.clean(source)
        name = source.removesuffix("s") + "_id"
        return [row[0] for row in self.warehouse.rows(f"SELECT {name} FROM staging.{source}_clean ORDER BY {name}")]


@pytest.fixture
def case(warehouse: Warehouse) -> Case:
    """`case(name)`: deliver the files of a case beside the project, with the real glue."""

    def deliver(name: str) -> Delivered:
        if not CASES.exists():
            pytest.skip("../shared/real_world, what shops really send, is not beside the project")
        day = put_case(warehouse.landing, name)
        warehouse.execute(RULES_OFF)
        said: list[str] = []
        results = []
        for source in ("orders", "events", "products"):
            if warehouse.landing.has(source, day):
                results.append(
                    extract(source, day, dsn=warehouse.dsn, landing=str(warehouse.landing.folder), say=said.append)
                )
        delivered = Delivered(warehouse, day, results)
        warehouse.notices[:] = said
        return delivered

    return deliver


@pytest.fixture
def load(warehouse: Warehouse) -> Load:
    """`load(source, name=content, …)`: deliver files of a source for a day, as `form` says; they go away again."""

    def deliver(source: str, files: dict[str, bytes], form: Form | None = None, day: date = DAY) -> Delivered:
        paths = [warehouse.landing.path(source, day) / name for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        warehouse.execute("DELETE FROM staging.shapes")
        if form:
            warehouse.execute(
                "INSERT INTO staging.shapes (shape, source, file_pattern, records_path, encoding, delimiter, quote,"
                " escape, routine) VALUES ('a form', %s, '?*', %s, %s, %s, %s, %s, %s)",
                source, form.records_path, form.encoding, form.delimiter, form.quote, form.escape,
                None if form.is_own else "shapes.shopify_order",
            )  # fmt: skip
        result = extract(source, day, dsn=warehouse.dsn, landing=str(warehouse.landing.folder), say=len)
        for path in paths:
            path.unlink()
        return Delivered(warehouse, day, [result])

    return deliver


def as_json(records: list[dict[str, Any]], separator: str = "\n", indent: int | None = None) -> bytes:
    return separator.join(json.dumps(one, default=str, indent=indent) for one in records).encode()


ORDERS = [order(f"O-{number}", DAY) for number in range(1, 4)]
EVENTS = [event(f"E-{number}", DAY) for number in range(1, 4)]
PRODUCTS = [product(f"P-{number}") for number in range(1, 4)]


# -- cases beside the project -------------------------------------------------------------------------


def test_times_as_numbers_are_rejected(case: Case) -> None:
    delivered = case("11_epoch_ms_events")
    assert delivered.counts("events") == (0, 0, 3)
    reasons = delivered.warehouse.rows("SELECT failure_reason FROM audit.bad_records")
    assert all("event_ts" in row.failure_reason for row in reasons)


def test_the_header_tells_what_separates_fields(case: Case) -> None:
    assert case("13_semicolon_csv").ids("events") == ["e1", "e2", "e3", "e4"]


def test_utf_16_is_read(case: Case) -> None:
    delivered = case("14_utf16_csv")
    assert delivered.counts("events") == (1, 2, 0)
    assert delivered.warehouse.value("SELECT user_id FROM staging.events_clean") == "ü1"
    assert delivered.ids("orders") == ["16-1"]


def test_objects_without_anything_between_are_read(case: Case) -> None:
    assert case("16_firehose_concat").ids("orders") == ["16-0", "16-1", "16-2"]


def test_objects_over_many_lines_are_read(case: Case) -> None:
    assert case("17_pretty_ndjson").ids("orders") == ["17-0", "17-1", "17-9"]


def test_the_first_bytes_say_how_a_file_is_packed(case: Case) -> None:
    delivered = case("30_packing")
    assert delivered.of("refused") == ["d2.json", "m.json", "s.ndjson"]
    assert "a zip archive" in delivered.reasons["d2.json"]
    assert "an empty file" in delivered.reasons["m.json"]
    assert "does not unpack" in delivered.reasons["s.ndjson"]
    assert len(delivered.ids("orders")) == 12
    assert delivered.of("loaded") == [
        "a.ndjson", "b.ndjson", "c.ndjson", "e.jsonl", "f.JSON", "g.json", "k (1).json", "n.ldjson", "p.bak.json",
        "part-00000-uuid.c000.snappy.json", "r.ndjson",
    ]  # fmt: skip
    ignored = [line for line in delivered.warehouse.notices if "is ignored" in line]
    names = ("d.zip", "h.json.bz2", "i.json.crdownload", "j.json.filepart", "o.json~", "~$l.json")
    assert [any(name in line for line in ignored) for name in names] == [True] * len(names)


def test_lines_may_end_in_carriage_returns(case: Case) -> None:
    delivered = case("32_cr_only")
    assert delivered.ids("events") == ["e1", "e2", "e3", "e4", "e5", "e6", "e8"]
    assert delivered.rejected == ["a carriage return outside quotes (field 4)"]


def test_headers_are_read_or_refused_in_words(case: Case) -> None:
    delivered = case("33_headers")
    assert delivered.ids("events") == ["a1", "b1", "c1", "e1", "f1", "g1", "h1", "i1", "l1"]
    assert {name: reason.rpartition("; it has ")[2] for name, reason in delivered.reasons.items()} == {
        "d_dup.csv": "the header names 'utm' twice",
        "j_spaces.csv": "'event id', 'event type', 'event ts': write event_id where it has 'event id', event_type where"
                        " it has 'event type', event_ts where it has 'event ts'",
        "k_prefixed.csv": "'events.event_id', 'events.event_type', 'events.event_ts': write event_id where it has"
                          " 'events.event_id', event_type where it has 'events.event_type', event_ts where it has"
                          " 'events.event_ts'",
        "m_title.csv": "'# Matomo export 2025-04-03': line 2 looks like the header; take out what stands before it",
        "n_doublebom.csv": "two byte order marks at its beginning; one is allowed: whatever wrote it added a second",
        "o_no_header.csv": "'o1', 'page_view', '2025-04-03T10:00:00Z': this looks like a record; the first line must"
                           " name the columns",
    }  # fmt: skip
    assert delivered.counts("events") == (9, 0, 6)


def test_a_name_with_a_greater_number_comes_later(case: Case) -> None:
    delivered = case("39_unpadded_pages").clean("orders")
    assert delivered.warehouse.value("SELECT status FROM staging.orders_clean WHERE order_id = '39-2'") == "cancelled"


def test_an_empty_list_in_an_object_is_a_delivery_of_nothing(case: Case) -> None:
    delivered = case("51_wrapped_empty")
    assert delivered.of("loaded") == ["o.json", "p.json"]
    assert delivered.counts("orders") == (0, 0, 0)


def test_an_empty_file_leaves_the_good_one_in_force(warehouse: Warehouse, case: Case, load: Load) -> None:
    day = date(2025, 8, 12)
    load("orders", {"shop.ndjson": as_json([order("57-1", day)])}, day=day)
    delivered = case("57_zero_byte_gz_two_files")
    assert delivered.of("refused") == ["shop.ndjson", "x.json", "y.ndjson"]
    assert delivered.ids("orders") == ["57-1", "57-9"]


def test_files_of_products_are_wrapped_in_any_way(case: Case) -> None:
    delivered = case("59_products_file_wrapped")
    assert delivered.of("refused") == []
    assert delivered.counts("products") == (1, 4, 0)


def test_events_come_as_json_and_tsv(case: Case) -> None:
    delivered = case("60_events_json")
    assert delivered.ids("events") == ["e1"]
    assert delivered.counts("events") == (1, 2, 0)
    ignored = [line for line in delivered.warehouse.notices if "is ignored" in line]
    assert ["e.csv.zip" in ignored[0], "e.parquet" in ignored[1]] == [True, True]


def test_utc_may_be_written_out(case: Case) -> None:
    assert case("75_bigquery_utc").ids("events") == ["e1", "e2"]


def test_a_page_of_another_systems_orders_is_one_refusal_that_says_where_they_lie(case: Case) -> None:
    delivered = case("01_shopify_rest_page")
    (reason,) = delivered.reasons.values()
    assert reason.startswith("one object: its list lies under `orders` (of id, admin_graphql_api_id, name, ")
    assert delivered.counts("orders") == (0, 0, 1)


# -- JSON ----------------------------------------------------------------------------------------------


def test_json_in_every_form_is_the_same_delivery(load: Load) -> None:
    whole = json.dumps(ORDERS, default=str)
    forms = {
        "lines.ndjson": as_json(ORDERS),
        "lines_cr.json": as_json(ORDERS, "\r"),
        "array.json": whole.encode(),
        "blanks.jsonl": as_json(ORDERS, " \t "),
        "nothing.LDJSON": as_json(ORDERS, ""),
        "pretty.ndjson": as_json(ORDERS, "\n", 4),
        "pretty_windows.ndjson": as_json(ORDERS, "\n", 4).replace(b"\n", b"\r\n"),
        "object.json": f'{{"count": 3, "orders": {whole}, "next": null}}'.encode(),
        "object_pretty.JSON": json.dumps({"data": ORDERS, "meta": {"a": [1]}}, default=str, indent=1).encode(),
        "deeper.json": json.dumps({"ok": True, "response": {"total": 3, "orders": ORDERS}}, default=str).encode(),
        "bom.json": b"\xef\xbb\xbf" + f'{{"results": {whole}}}'.encode(),
        "utf16.json": f'{{"results": {whole}}}'.encode("utf-16"),
        "utf16be.ndjson": codecs.BOM_UTF16_BE + as_json(ORDERS).decode().encode("utf-16-be"),
        "gz.json": gzip.compress(whole[:50].encode()) + gzip.compress(whole[50:].encode()),
        "zst.json.zst": zstd.compress(as_json(ORDERS, "")),
        "zst_without_ending.json": zstd.compress(whole.encode()),
    }
    delivered = load("orders", forms)
    assert delivered.reasons == {}
    assert delivered.rejected == []
    assert delivered.counts("orders") == (3, 3 * len(forms) - 3, 0)


@pytest.mark.parametrize("content", [b"[]", b'{"orders": [], "values": ["a"]}', b'{"data": {"items": []}, "page": 1}'])
def test_nothing_may_be_delivered(load: Load, content: bytes) -> None:
    assert load("orders", {"o.json": content}).of("loaded") == ["o.json"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"orders": [{"id": 1, "total": 2}]}',
         "one object: its list lies under `orders` (of id, total), which are no orders of our own form: those have"
         " order_id, timestamp, status"),
        (b'{"orders": [1, 2]}',
         "one object: its list lies under `orders` (of what are no objects), which are no orders of our own form: those"
         " have order_id, timestamp, status"),
        (b'{"data": {"orders": {"edges": [], "nodes": [{"node": {}}]}}}',
         "one object: its list lies under `data.orders.nodes` (of node)"),
        (b'{"orders": %s, "data": %s}', "lists of orders lie under `orders` and `data`: deliver one of them"),
        (b'{"orders": %s, "next": ', "not a JSON object: it ends too early"),
        (b'{"orders": %s}\n{"orders": []}', "several objects, each with a list under `orders`: deliver each in a file"),
        (b'{"orders": %s]', "not a JSON object: no , or } after a value"),
        (b'{"orders": [{"order_id": "1", "timestamp": "x", "status": tru}]}', "one object: its list lies under"),
        (b'{"orders": [{"order_id": 1, "status": 1}, {"a": tru}]}',
         "not a JSON object: element 2, at byte 42: not JSON: Expecting value at character 6"),
        (b'{"error": "Session expired"}', "an error instead of orders: Session expired"),
        (b'{"errors": [{"message": "throttled"}], "data": null}',
         'an error instead of orders: [{"message": "throttled"}]'),
        (b'{"orders": [], "error": {"code": 429}}', 'an error instead of orders: {"code": 429}'),
        (b'{"a": 1}{"b": ', "not JSON objects one after another: it ends too early (element 2, at byte 8)"),
        (b'{\n "order_id": "1",\n "status": "pa', "not JSON objects one after another: a string is not closed"),
        (b"order_id,timestamp,status\n1,2,3\n", "not JSON, but CSV with a header; give it a name that ends in .csv"),
        (b"<!DOCTYPE html>\n<html><head><title>Session&nbsp;expired\n</title></head></html>",
         "a web page: Session expired"),
        (b"<html><body><h1>502 <b>Bad</b> Gateway</h1></body></html>", "a web page: 502 Bad Gateway"),
        (b'<?xml version="1.0"?>\n<orders/>', "an XML document; deliver it as NDJSON or CSV"),
        (b"{'order_id': 1}\n" * 27,
         "none of its 27 records can be read; the first begins at byte 0 and is rejected because: not JSON: Expecting"),
        (b'{"order_id": 1},\n{"order_id": 2},\n{"order_id": 3},\n', "none of its 3 records can be read; "),
        (b"Unauthorized\n", "no JSON: it begins with 'Unauthorized'"),
        (b"callback(%s);", "no JSON: it begins with 'callback([{"),
        (b"\x8b\x05\x80[{}]\x03\n", "no JSON: nor any other text"),
        (b"not found, nor anything else\n", "no JSON: it begins with 'not found, nor anyth'"),
        (b")]}',\n%s", "a JSON array begins in line 2: take out what stands before it"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[\r\n{}]", "a JSON array begins in line 4"),
        (b"<orders>\n<order id='1'/>\n</orders>", "an XML document; deliver it as NDJSON or CSV"),
        (b"<Error><Code>AccessDenied</Code></Error>", "an XML document: AccessDenied"),
        (b"<!-- login -->\n<!-- 2 --><html><title>Sign in</title></html>", "a web page: Sign in"),
        (b"<h1>Bad &amp; Gateway</h1>", "a web page: Bad & Gateway"),
        (b'{"success": false, "message": "Expired", "orders": []}', "an error instead of orders: Expired"),
        (b'{"timestamp": "2025-12-19", "status": 500, "error": "Internal Server Error"}',
         "an error instead of orders: Internal Server Error"),
        (b'{"message": "Not Found", "status": 404}', "an error instead of orders: Not Found"),
        (b'{"code": 401, "msg": "invalid token", "data": null}', "an error instead of orders: {"),
        (b"PAR1\x15\x04", "a parquet file; deliver it as NDJSON or CSV"),
        (b"%PDF-1.7\n", "a PDF; deliver the data that it was printed from"),
        (gzip.compress(gzip.compress(b"[]", mtime=0), mtime=0), "compressed twice; compress it once"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an old Office file, perhaps an Excel workbook (.xls)"),
        ('[{"a": 1}]'.encode("utf-16-le"), "UTF-16 without a byte order mark; write it as UTF-8"),
        ('[{"a": 1}]'.encode("utf-16-be"), "UTF-16 without a byte order mark; write it as UTF-8"),
        ('[{"a": 1}]'.encode("utf-32"), "UTF-32; write it as UTF-8"),
        (b"\xff\xfe[\0]", "not UTF-16: truncated data, near byte 5"),
        (b"\xef\xbb\xbf\xef\xbb\xbf[]", "two byte order marks"),
        ('[{"city": "Köln"}]'.encode("latin-1"),
         "not a JSON array: element 1, at byte 1: not UTF-8: byte 0xf6 at byte 11 of the record; it looks like"),
    ],
)  # fmt: skip
def test_one_fault_is_one_refusal_that_names_the_cause(load: Load, content: bytes, reason: str) -> None:
    if b"%s" in content:
        content = content.replace(b"%s", json.dumps(ORDERS, default=str).encode())
    delivered = load("orders", {"o.json": content})
    assert delivered.rejected == []
    assert delivered.reasons["o.json"].startswith(reason)


@pytest.mark.parametrize(
    "record", [b'{"status": "failed", "timestamp": "2025-12-19"}', b'{"order_id": "1", "error": "no", "status": 500}',
               b'{"order_id": "1", "cut', b'"Unauthorized"', b"sorry", b"null  \x00"]
)  # fmt: skip
def test_a_bad_record_is_no_bad_file(load: Load, record: bytes) -> None:
    delivered = load("orders", {"o.json": record})
    assert delivered.reasons == {}
    assert delivered.counts("orders") == (0, 0, 1)


def test_empty_rows_of_a_spreadsheet_are_no_records(load: Load) -> None:
    head = b"order_id;timestamp;status;product_id;quantity;price\n"
    row = f"1;{DAY};paid;P;1;2\n".encode()
    delivered = load("orders", {"o.csv": head + b";;;;;\n" + row + b';;"";;;\n' + b";;;;;;;\r\n" * 5 + b" ;;;;;\n"})
    assert delivered.reasons == {}
    assert delivered.counts("orders") == (1, 0, 1)  # a blank is a value
    assert delivered.warehouse.value("SELECT line_number FROM audit.bad_records") == 10


def test_archives_and_workbooks_are_told_apart(load: Load) -> None:
    kinds = {
        "[Content_Types].xml": "an Excel workbook",
        "content.xml": "a LibreOffice document",
        "o.json": "a zip archive",
    }
    for number, (name, kind) in enumerate(kinds.items()):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, "[]")
        (reason,) = load("orders", {f"{number}.json": file.getvalue()}).reasons.values()
        assert reason.startswith(kind)


def test_a_list_of_any_size_in_an_object_is_read(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glue.json_records.HEAD_BYTES", 4096)
    orders = [order(f"O-{number}", DAY) for number in range(500)]
    text = json.dumps({"meta": {"shop": "x" * 1000}, "orders": orders, "more": "y" * 9000}, default=str)
    assert load("orders", {"o.json": text.encode()}).counts("orders") == (500, 0, 0)
    foreign = text.replace("order_id", "id").replace("status", "state")
    assert (
        load("orders", {"o.json": foreign.encode()})
        .reasons["o.json"]
        .startswith("one object: its list lies under `orders`")
    )


@pytest.mark.parametrize(
    "first", [b"{", b'{"order_id": "cut', b'{"order_id": 1}}', b'{"order_id": 1},', b'{"order_id": tru}']
)
def test_a_bad_first_line_costs_only_itself(load: Load, first: bytes) -> None:
    delivered = load("orders", {"o.ndjson": first + b"\n" + as_json(ORDERS)})
    assert (delivered.results[0].rows, delivered.results[0].rejected) == (3, 1)


# -- CSV -----------------------------------------------------------------------------------------------

HEAD = b"order_id,timestamp,status,product_id,quantity,price,city\n"


def test_orders_and_products_come_as_csv(warehouse: Warehouse, load: Load) -> None:
    delivered = load("orders", {
        "a.csv": HEAD + b'O-1,2025-12-19T10:00:00Z,paid,P-1,2,"9.50","K\xc3\xb6ln, am ""Rhein"""\n',
        "b.tsv": (HEAD + b"O-2,2025-12-19T10:00:00Z,PAID,P-1,1,5,\n").replace(b",", b"\t").upper(),
    })  # fmt: skip
    assert delivered.reasons == {}
    assert delivered.counts("orders") == (2, 0, 0)
    assert warehouse.value("SELECT sum(quantity * unit_price) FROM staging.orders_clean") == 24
    cities = warehouse.rows("SELECT raw_json ->> 'city' AS city FROM raw.orders_json ORDER BY load_id")
    assert cities[0].city == 'Köln, am "Rhein"'
    delivered = load("products", {"p.csv": b"Product_ID;current_price;Colour\r\nP-1;9.5;red\r\nP-2;;\r\n"})
    assert delivered.counts("products") == (2, 0, 0)
    assert warehouse.value("SELECT raw_json::text FROM raw.products_json LIMIT 1") == (
        '{"product_id": "P-1", "current_price": "9.5", "Colour": "red"}'
    )


def test_csv_of_another_form_is_refused_unless_a_shape_knows_it(warehouse: Warehouse, load: Load) -> None:
    content = "order-id\tsku\tship-city\n1\tA\tKöln\n".encode("latin-1")
    (reason,) = load("orders", {"o.tsv": content.replace(b"\xf6", b"o")}).reasons.values()
    assert reason == (
        "the header has no column order_id, timestamp, status, product_id, quantity, price; it has 'order-id', 'sku',"
        " 'ship-city' (separated by a tab): write order_id where it has 'order-id'"
    )
    load("orders", {"o.txt": content}, Form(is_own=False, encoding="latin-1"))
    assert (
        warehouse.value("SELECT raw_json::text FROM raw.orders_json")
        == '{"order-id": "1", "sku": "A", "ship-city": "Köln"}'
    )


def test_a_shape_may_say_the_dialect_and_where_records_lie(warehouse: Warehouse, load: Load) -> None:
    load("orders", {"a.csv": b"a~b\n'it\\'s~x'~2\n"}, Form(is_own=False, delimiter="~", quote="'", escape="\\"))
    load("orders", {"b.tsv": b'a\tb\n5" pipe\t"\n'}, Form(is_own=False, quote=""))
    load("orders", {"c.json": b'{"data": {"orders": {"edges": [{"node": 1}, {"node": 2}]}}, "x": []}'},
         Form(is_own=False, records_path="data.orders.edges"))  # fmt: skip
    load("orders", {"d.json": b'{"data": {"order": {"id": 1}}}'}, Form(is_own=False, records_path="data.order"))
    load("orders", {"e.json": b'{"id": 1,\n"items": [{"id": 2}]}'}, Form(is_own=False))
    load("orders", {"h.json": b'{"data": [{"id": 2}], "has_more": false}'}, Form(is_own=False))
    load("events", {"f.json": b'[{"name": "x", "at": {"n": 1.50}}]'}, Form(is_own=False))
    load("events", {"g.csv": b"name,at\nx,\n"}, Form(is_own=False))
    rows = warehouse.rows("SELECT raw_json::text AS text FROM raw.orders_json ORDER BY load_id, line_number")
    assert [row.text for row in rows] == [
        '{"a": "it\'s~x", "b": "2"}', '{"a": "5\\" pipe", "b": "\\""}', '{"node": 1}', '{"node": 2}', '{"id": 1}',
        '{"id": 1,\n"items": [{"id": 2}]}', '{"id": 2}',
    ]  # fmt: skip
    extras = warehouse.rows("SELECT event_id, extra::text AS text FROM raw.events_csv ORDER BY load_id")
    assert [tuple(row) for row in extras] == [
        (None, '{"name": "x", "at": {"n": 1.50}}'),
        (None, '{"name": "x", "at": null}'),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"event_id": 1}\n', "not CSV, but JSON; give it a name that ends in .json or .ndjson"),
        (b"event_id;when\n",
         "the header has no column event_type, event_ts; it has 'event_id', 'when' (separated by ;)"),
        (b"Event_ID,EVENT_ID,event_type,event_ts\n",
         "the header has no column event_id; it has 'Event_ID', 'EVENT_ID'"),
        (b"\n\n \n", "an empty file, without even a header"),
        (b"sep=;\n", "an empty file, without even a header"),
        (b"event_id,event_type,event_ts,Stra\xdfe\n",
         "the header is not UTF-8: byte 0xdf at byte 33 of the record; it looks like"),
    ],
)  # fmt: skip
def test_a_header_that_will_not_do_says_why(load: Load, content: bytes, reason: str) -> None:
    assert load("events", {"e.csv": content}).reasons["e.csv"].startswith(reason)


def test_a_file_in_windows_1252_is_one_refusal_and_a_bad_line_among_good_ones_is_not(load: Load) -> None:
    head = b"event_id,event_type,event_ts,city\n"
    rows = [f"E-{number},view,2025-12-19T10:00:00Z,".encode() for number in range(150)]
    german = [row + (b"M\xfcnchen" if number % 10 == 0 else b"Bonn") for number, row in enumerate(rows)]
    one = [row + (b"M\xfcnchen" if number == 7 else b"Bonn") for number, row in enumerate(rows)]
    mixed = [row + (b"M\xfcnchen" if number == 7 else "Köln".encode()) for number, row in enumerate(rows)]
    files = {name: head + b"\n".join(lines) for name, lines in (("a.csv", german), ("b.csv", one), ("c.csv", mixed))}
    files["d.ndjson"] = as_json([event("E-1", DAY, city="x"), event("E-2", DAY, city="x")]).replace(
        b'"x"', b'"K\xf6ln"'
    )
    delivered = load("events", files)
    assert {name: reason.partition(";")[0] for name, reason in delivered.reasons.items()} == {
        "a.csv": "not UTF-8: 15 of its 150 records are not", "d.ndjson": "not UTF-8: 2 of its 2 records are not",
    }  # fmt: skip
    assert delivered.rejected == ["not UTF-8: byte 0xfc at byte 31 of the record"] * 2
    (again,) = load("events", {"a.csv": files["a.csv"]}, Form(encoding="windows-1252")).results
    assert (again.rows, again.rejected) == (150, 0)  # the same bytes, read in another way


def test_events_as_json_are_those_of_csv(warehouse: Warehouse, load: Load) -> None:
    records = [
        {"event_id": 7, "event_type": "view", "event_ts": "2025-12-19T10:00:00Z", "user_id": None, "n": 1.50, "s": "ä"},
        {
            "event_id": "E-2",
            "event_type": "view",
            "event_ts": "2025-12-19T10:00:00Z",
            "user_id": "U",
            "product_id": True,
        },
        {"event_id": {"a": [1]}, "event_type": "view", "event_ts": "2025-12-19T10:00:00Z"},
    ]
    load(
        "events",
        {"e.ndjson": as_json(records) + b'\n7\n{"event_id": "\\u0000"}\n{"event_id": "\\ud800"}\n{"event_id": tru}'},
    )
    rows = warehouse.rows("SELECT event_id, user_id, product_id, extra::text FROM raw.events_csv ORDER BY line_number")
    assert [tuple(row) for row in rows] == [
        ("7", None, None, '{"n": 1.5,"s": "\\u00e4"}'), ("E-2", "U", "true", None), ('{"a": [1]}', None, None, None),
        (None, None, None, '{"record":7}'),
    ]  # fmt: skip
    reasons = warehouse.rows("SELECT reason FROM raw.rejected_lines ORDER BY line_number")
    assert [row.reason for row in reasons] == [
        "a NUL character, which no text can hold", "half of a surrogate pair, which no text can hold",
        "not JSON: Expecting value at character 13",
    ]  # fmt: skip


# -- names and rules -----------------------------------------------------------------------------------


def test_digits_in_names_are_numbers_wherever_the_name_decides(warehouse: Warehouse, load: Load) -> None:
    names = [
        "a1",
        "a01",
        "a2b",
        "a2B",
        "a10",
        "a9_10",
        "a9_9",
        "",
        "10",
        "9",
        "a",
        "b",
        "_",
        "A",
        "a1.",
        "0",
        "00",
        "a0",
    ]
    found = warehouse.rows(
        'SELECT n FROM unnest(%s::text[]) AS n ORDER BY raw.name_order(n) COLLATE "C", n COLLATE "C"', names
    )
    from glue.landing import name_order

    assert [row.n for row in found] == sorted(names, key=name_order)
    assert sorted(["o_10", "o_9"], key=name_order) == ["o_9", "o_10"]
    for source, records in (("events", EVENTS), ("products", PRODUCTS)):
        field = "event_type" if source == "events" else "brand"
        files = {f"x_{n}.json": json.dumps([records[0] | {field: f"of_{n}"}], default=str).encode() for n in (10, 9)}
        load(source, files).clean(source)
        assert warehouse.value(f"SELECT {field} FROM staging.{source}_clean") == "of_10"


def test_a_catalogue_of_rejected_or_missing_products_is_blocked_and_told(warehouse: Warehouse) -> None:
    warehouse.execute("UPDATE audit.dq_rules SET enabled = rule_name LIKE 'products_%'")
    days = [date(2025, 12, number) for number in (15, 16, 17)]
    many = [product(f"P-{number}") for number in range(20)]
    bad = [product(f"P-{number}", current_price=-1) for number in range(6)]
    for day, records in zip(days, (many, many[:9], [*bad, *many[6:]]), strict=True):
        warehouse.landing.products(day, records)
        warehouse.deliver(day)
    warehouse.call("warehouse.run_day", days[0])
    for day, rule in zip(days[1:], ("products_shrink", "products_rejected_share_max"), strict=True):
        with pytest.raises(Exception, match=rule):
            warehouse.call("warehouse.run_day", day)
    assert ", 0 rejected and 6 of the catalogue, net" in warehouse.value("SELECT audit.day_in_words(%s)", days[2])
    warehouse.call("audit.allow_day", days[2], "the prices come tomorrow")
    warehouse.call("warehouse.run_day", days[2])
