"""A landing zone on S3 is read as a folder is: streamed, in every form and packing. Its credentials are never seen."""

import gzip
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from glue.errors import GlueError
from glue.extract import SOURCES, ExtractError, extract
from glue.landing import find
from glue.records import BLOCK_BYTES
from tests import shop
from tests.conftest import Warehouse
from tests.s3 import ACCESS_KEY, BUCKET, S3, SECRET_KEY, s3_server
from tests.shop import checksums

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# How bytes come from S3 is the same whatever they go to. Together: they share the S3 server.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("s3")]
DAY = date(2025, 12, 19)
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def s3_for_all() -> Iterator[S3]:
    """One server for all tests here."""
    with s3_server() as started:
        yield started


@pytest.fixture
def s3(s3_for_all: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The server with an empty bucket, and an environment that knows it."""
    server = s3_for_all
    listed = server.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    if listed:
        server.client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": found["Key"]} for found in listed]})
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def landed(s3: S3, source: str = "orders") -> Any:
    """Return what is found of the day."""
    return find(s3.environment["LANDING_URL"], source, DAY)


def fill(folder: shop.Landing) -> None:
    """Put every source, form and packing into a landing zone of files."""
    for packing, pack in {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}.items():
        name = packing.removeprefix(".") or "plain"
        folder.orders(DAY, shop.orders(60, DAY, first=1), f"{name}-array.json")
        folder.orders(DAY, shop.orders(60, DAY, first=61), f"{name}-lines.ndjson")
        folder.events(DAY, shop.events(300, DAY), f"{name}.csv")
        folder.products(DAY, [shop.product(f"P-{number}") for number in range(7)], f"{name}.json")
        for path in [path for path in folder.folder.rglob(f"{name}*") if packing and path.suffix != packing]:
            path.with_name(path.name + packing).write_bytes(pack(path.read_bytes()))
            path.unlink()


def test_a_bucket_is_loaded_as_the_same_folder_is(
    warehouse: Warehouse, s3: S3, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(warehouse.landing)
    s3.put_folder(warehouse.landing.folder)
    by_s3 = [extract(source, DAY, dsn=warehouse.dsn) for source in SOURCES]
    assert [(result.rows, result.rejected) for result in by_s3] == [(360, 0), (900, 0), (21, 0)]
    said = capsys.readouterr().out
    # What the folder delivers, under the same names, are the same bytes.
    by_folder = [extract(source, DAY, dsn=warehouse.dsn, landing=str(warehouse.landing.folder)) for source in SOURCES]
    names = [[delivery.name for delivery in result.deliveries] for result in by_s3]
    assert [result.of("unchanged") for result in by_folder] == names
    assert [len(of_source) for of_source in names] == [6, 3, 3]
    assert capsys.readouterr().out.count("the same bytes as before") == said.count(" rows, ") == 12


def test_a_day_of_a_bucket_is_the_day_of_the_same_folder(warehouse: Warehouse, s3: S3) -> None:
    fill(warehouse.landing)
    s3.put_folder(warehouse.landing.folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PRODUCTS_"))}
    done = subprocess.run(
        [sys.executable, "-m", "glue", "run", str(DAY)],
        cwd=PROJECT, env=environment | {"WAREHOUSE_DSN": warehouse.dsn}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    by_s3 = checksums(warehouse.connection, ("raw", "staging", "warehouse"))
    assert warehouse.value("SELECT count(*) FROM warehouse.fact_orders") == 120
    warehouse.run(DAY)
    assert checksums(warehouse.connection, ("raw", "staging", "warehouse")) == by_s3


def test_keys_that_are_no_deliveries_are_not_read_and_odd_ones_are_only_data(warehouse: Warehouse, s3: S3) -> None:
    taken = ["%s.json", "'; DROP TABLE x; --.json", "*.json", "[a].json", "a b.json", "s3:x.json", "ä.json"]
    for name in [*taken, ".a.json", "_b.json", "c.json.tmp", "d.json.part", "e.json.crc", "f.zip", "deep/g.json", ""]:
        s3.put(f"orders/{DAY}/{name}", b'[{"order_id": "O-1"}]')
    said: list[str] = []
    result = extract("orders", DAY, dsn=warehouse.dsn, say=said.append)
    assert result.of("loaded") == sorted(taken, key=str.encode)
    assert [line.split()[2] for line in said if "ignored" in line] == ["deep", "f.zip"]


def test_the_same_delivery_twice_and_one_that_is_spoilt_are_told_and_the_others_are_loaded(
    warehouse: Warehouse, s3: S3
) -> None:
    for name, content in {
        "a.json": b"[1]", "b.json": b"[1]", "b.json.gz": gzip.compress(b"[1]"),
        "c.ndjson.gz": gzip.compress(b"1\n" * 9)[:-3],
        "d.json.zst": b"\x28\xb5\x2f\xfdnonsense",
    }.items():  # fmt: skip
        s3.put(f"orders/{DAY}/{name}", content)
    with pytest.raises(ExtractError, match=r"b\.json and b\.json\.gz are the same delivery twice") as caught:
        extract("orders", DAY, dsn=warehouse.dsn)
    assert caught.value.result.of("loaded") == ["a.json"]
    assert caught.value.result.of("refused") == ["c.ndjson", "d.json"]


def test_an_object_is_streamed(s3: S3) -> None:
    size = 32 * BLOCK_BYTES
    s3.put(f"orders/{DAY}/o.ndjson", b"1\n" * (size // 2))
    (delivery,) = landed(s3).deliveries
    tracemalloc.start()
    try:
        with delivery.open() as content:
            content.read_to_end()
        assert tracemalloc.get_traced_memory()[1] < 16 * BLOCK_BYTES
    finally:
        tracemalloc.stop()
    assert content.byte_count == size


def test_an_empty_bucket_is_a_day_without_a_delivery_and_none_at_all_is_an_error(s3: S3) -> None:
    assert landed(s3).deliveries == []
    with pytest.raises(GlueError, match=r"LANDING_URL: cannot list the orders of 2025-12-19: .*bucket does not exist"):
        find("s3://no-such-bucket/landing", "orders", DAY)


def test_without_credentials_and_without_a_server_it_is_an_error_in_words(
    s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(GlueError, match="LANDING_URL: cannot list the orders of 2025-12-19: Could not connect"):
        landed(s3)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.endpoint)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    with pytest.raises(GlueError, match=r"LANDING_URL: cannot list .*: Unable to locate credentials"):
        landed(s3)


def test_an_object_that_is_gone_and_a_server_that_is_gone_are_named_and_the_others_are_loaded(
    warehouse: Warehouse, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.json", "b.json"):
        s3.put(f"orders/{DAY}/{name}", b"[1]")
    found = landed(s3)
    s3.client.delete_object(Bucket=BUCKET, Key=f"landing/orders/{DAY}/a.json")
    monkeypatch.setattr("glue.extract.find", lambda *_: found)
    with pytest.raises(ExtractError, match=r"^orders 2025-12-19: a\.json: ") as caught:
        extract("orders", DAY, dsn=warehouse.dsn)
    assert caught.value.result.of("loaded") == ["b.json"]

    # Errors of the library that are no OSErrors are told as one.
    class Gone:
        def read(self, size: int) -> bytes:
            raise RuntimeError("the server is gone")

    monkeypatch.setattr(found.deliveries[1].file_system, "open", lambda *_, **__: _Context(Gone()))
    with pytest.raises(ExtractError, match=r"b\.json: RuntimeError: the server is gone"):
        extract("orders", DAY, dsn=warehouse.dsn)


class _Context:
    def __init__(self, file: Any) -> None:
        self.file = file

    def __enter__(self) -> Any:
        return self.file

    def __exit__(self, *_: object) -> None:
        pass


def test_credentials_are_in_no_message_and_no_table(warehouse: Warehouse, s3: S3) -> None:
    s3.put(f"orders/{DAY}/a.json", b"[1")
    s3.put(f"orders/{DAY}/b.json.zst", b"nonsense")
    s3.put(f"events/{DAY}/e.csv", b"nothing,like,it\n1,2,3\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PRODUCTS_"))}
    environment["WAREHOUSE_DSN"] = warehouse.dsn
    said = ""
    for changes in (
        {},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"LANDING_URL": f"s3://{ACCESS_KEY}:{SECRET_KEY.replace('/', '%2F')}@{BUCKET}/landing"},
    ):
        done = subprocess.run(
            [sys.executable, "-m", "glue", "run", str(DAY)],
            cwd=PROJECT, env=environment | changes, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode in (1, 3)
        said += done.stdout + done.stderr
    assert "LANDING_URL: cannot list the orders" in said
    kept = warehouse.rows(
        "SELECT to_jsonb(s) FROM audit.pipeline_steps s UNION ALL SELECT to_jsonb(r) FROM audit.pipeline_runs r"
    )
    assert len(kept) > 3
    for secret in (SECRET_KEY, SECRET_KEY.replace("/", "%2F"), ACCESS_KEY):
        assert secret not in said
        assert secret not in json.dumps([row for (row,) in kept])
