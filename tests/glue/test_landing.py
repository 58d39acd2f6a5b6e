"""The landing zone: which files are deliveries, in which order, and that one is loaded whole or not at all."""

import gzip
import hashlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from glue.connection import connect
from glue.errors import GlueError
from glue.extract import ExtractError, ExtractResult, extract
from glue.landing import find
from tests.conftest import Warehouse

Load = Callable[..., ExtractResult]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAY = date(2025, 12, 19)


@pytest.fixture
def load(warehouse: Warehouse) -> Load:
    """`load(source)`: extract what the landing zone holds of the day; what it says is in `load.said`."""

    def load(source: str = "orders", **options: Any) -> ExtractResult:
        return extract(source, DAY, dsn=warehouse.dsn, landing=str(warehouse.landing.folder), **options)

    return load


def loads(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    """Return name, rows and refusal of every delivery, in the order of their arrival."""
    return [
        tuple(row)
        for row in warehouse.rows("SELECT file_name, row_count, refused_reason FROM raw.file_loads ORDER BY load_id")
    ]


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.once  # read before a server sees it
def test_deliveries_come_in_the_order_of_their_names_bytes(warehouse: Warehouse, load: Load) -> None:
    for name in ("b.json", "B.json", "a.ndjson", "\u00e4.json", "\U0001f600.json", "\uffee.json"):
        warehouse.landing.put("orders", DAY, name, "[]")
    load()
    names = [name for name, _, _ in loads(warehouse)]
    assert names == ["B.json", "a.ndjson", "b.json", "\u00e4.json", "\uffee.json", "\U0001f600.json"]
    assert names == sorted(names, key=str.encode)


@pytest.mark.once
def test_files_that_are_not_finished_are_no_deliveries_and_others_are_named(warehouse: Warehouse, load: Load) -> None:
    for name in (".a.json", "_b.json", "c.json.tmp", "d.json.part", "e.json.crc", "f.json.gz.part", "g.zip", "h.json~"):
        warehouse.landing.put("orders", DAY, name, "[1]")
    warehouse.landing.put("orders", DAY, "~$i.json", "[1]")
    said: list[str] = []
    result = load(say=said.append)
    assert result.deliveries == ()
    assert [line.split()[2] for line in said if "ignored" in line] == ["g.zip", "h.json~", "~$i.json"]


@pytest.mark.once
def test_a_day_without_a_folder_is_a_day_without_a_delivery(warehouse: Warehouse, load: Load) -> None:
    assert load().deliveries == ()
    assert loads(warehouse) == []


@pytest.mark.once
@pytest.mark.parametrize(
    "name",
    ["'; DROP TABLE raw.file_loads; --.json", '"x".json', "%s.json", "{x}.json", "a\nb.json", "a\x1b[2Jb.json",
     "$(id).json", "*.json", "[a].json", "~.json", "a::b.json", "s3:x.json", "\\.json", " .json", "-x.json",
     "x" * 250 + ".json"],
)  # fmt: skip
def test_an_odd_file_name_is_only_data(
    warehouse: Warehouse, load: Load, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    warehouse.landing.put("orders", DAY, name, '[{"order_id": "O-1"}]')
    load()
    assert loads(warehouse) == [(name, 1, None)]
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.removesuffix("\n").isprintable()


@pytest.mark.once
def test_a_name_that_is_not_utf_8_is_an_error_and_the_others_are_loaded(warehouse: Warehouse, load: Load) -> None:
    path = warehouse.landing.put("orders", DAY, "a.json", "[1]")
    with open(os.fsencode(path.parent) + b"/\xff.json", "wb") as file:  # noqa: PTH123
        file.write(b"[1]")
    with pytest.raises(ExtractError, match="file name that is not UTF-8") as caught:
        load()
    assert caught.value.result.of("loaded") == ["a.json"]


@pytest.mark.once
def test_a_link_out_of_the_landing_zone_is_not_followed_and_one_inside_is(
    warehouse: Warehouse, load: Load, tmp_path: Path
) -> None:
    inside = warehouse.landing.put("orders", DAY, "a.json", "[1]")
    (inside.parent / "b.json").symlink_to("a.json")
    (tmp_path / "secret.json").write_text("[2]")
    (inside.parent / "c.json").symlink_to(tmp_path / "secret.json")
    (inside.parent / "d.json").symlink_to("../../../secret.json")
    (inside.parent / "e.json").symlink_to("nowhere")
    with pytest.raises(ExtractError) as caught:
        load()
    assert str(caught.value).splitlines() == [
        "orders of 2025-12-19: c.json is a link out of the landing zone, which is not followed",
        "orders of 2025-12-19: d.json is a link out of the landing zone, which is not followed",
        "orders of 2025-12-19: e.json: No such file or directory",
    ]
    assert loads(warehouse) == [("a.json", 1, None), ("b.json", 1, None)]


@pytest.mark.once
def test_a_days_folder_that_leads_out_of_the_landing_zone_is_not_followed(
    warehouse: Warehouse, load: Load, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.json").write_text("[1]")
    warehouse.landing.path("orders", DAY).parent.mkdir(parents=True)
    warehouse.landing.path("orders", DAY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ExtractError, match="link out of the landing zone"):
        load()
    assert loads(warehouse) == []


@pytest.mark.once
def test_a_link_to_itself_costs_only_itself(warehouse: Warehouse, load: Load) -> None:
    warehouse.landing.orders(DAY, [{"order_id": "O-1"}], "a.json")
    (warehouse.landing.path("orders", DAY) / "loop.json").symlink_to("loop.json")
    with pytest.raises(ExtractError, match=r"loop\.json") as raised:
        load()
    assert raised.value.result.of("loaded") == ["a.json"]


@pytest.mark.once
def test_a_file_that_would_pass_for_the_apis_catalogue_is_named(warehouse: Warehouse, load: Load) -> None:
    for name in ("api.json", "products.json"):
        warehouse.landing.products(DAY, [{"product_id": "P-1"}], name)
    with pytest.raises(ExtractError, match=r"api\.json is what a catalogue of the API is called; rename it"):
        load("products")
    assert loads(warehouse) == [("products.json", 1, None)]


@pytest.mark.once
def test_pipes_and_folders_are_named_and_not_read(warehouse: Warehouse, load: Load) -> None:
    folder = warehouse.landing.put("orders", DAY, "a.json", "[1]").parent
    os.mkfifo(folder / "b.json")
    (folder / "c.json").mkdir()
    with pytest.raises(ExtractError) as caught:
        load()
    assert str(caught.value).splitlines() == [
        "orders of 2025-12-19: b.json is not a file",
        "orders of 2025-12-19: c.json is not a file",
    ]
    assert loads(warehouse) == [("a.json", 1, None)]


@pytest.mark.once
def test_the_same_delivery_twice_in_different_packings_is_an_error(warehouse: Warehouse, load: Load) -> None:
    for name in ("a.json", "b.json", "b.json.gz", "c.json"):
        warehouse.landing.put("orders", DAY, name, "[1]")
    with pytest.raises(ExtractError) as caught:
        load()
    assert str(caught.value) == "orders of 2025-12-19: b.json and b.json.gz are the same delivery twice; remove one"
    assert [name for name, _, _ in loads(warehouse)] == ["a.json", "c.json"]


@pytest.mark.once
def test_a_landing_zone_that_cannot_be_listed_is_an_error() -> None:
    with pytest.raises(GlueError, match="LANDING_URL: cannot list the orders of 2025-12-19"):
        find("nonsense://bucket/x", "orders", DAY)


@pytest.mark.once
def test_any_file_system_of_fsspec_is_a_landing_zone(warehouse: Warehouse) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe(f"/shop/orders/{DAY}/o.ndjson.gz", gzip.compress(b'{"order_id": "O-1"}\n'))
    memory.pipe(f"/shop/orders/{DAY}/.hidden.json", b"[1]")
    result = extract("orders", DAY, dsn=warehouse.dsn, landing="memory://shop")
    assert (result.of("loaded"), result.rows) == (["o.ndjson"], 1)


# -- packings --------------------------------------------------------------------------------------------


@pytest.mark.once
def test_a_delivery_is_the_same_whatever_it_is_packed_in(warehouse: Warehouse, load: Load) -> None:
    data = b'[{"order_id": "O-1"}]'
    outcomes = []
    for name, content in [("a.json", data), ("a.json.gz", data), ("a.json.zst", zstd.compress(data)),
                          ("a.json.zst", zstd.compress(data[:9]) + zstd.compress(data[9:]))]:  # fmt: skip
        path = warehouse.landing.put("orders", DAY, name, content)
        outcomes.append(load().deliveries[0].outcome)
        path.unlink()
    assert outcomes == ["loaded", "unchanged", "unchanged", "unchanged"]
    row = warehouse.row("SELECT file_name, sha256, byte_count FROM raw.file_loads")
    assert row == ("a.json", hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.once
@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_a_packed_file_that_is_cut_short_or_spoilt_is_refused_once(
    warehouse: Warehouse, load: Load, packing: str
) -> None:
    data = b"".join(b'{"order_id": "%032x"}\n' % random.getrandbits(128) for _ in range(1000))
    whole = gzip.compress(data) if packing == "gz" else zstd.compress(data)
    for name, content in [("a", whole[:-20]), ("b", whole[:5]), ("d", whole + b"rubbish")]:
        path = warehouse.landing.put("orders", DAY, f"{name}.ndjson", "")
        path.rename(path.with_name(f"{name}.ndjson.{packing}"))
        path.with_name(f"{name}.ndjson.{packing}").write_bytes(content)
    first, second = load(), load()
    assert first.of("refused") == ["a.ndjson", "b.ndjson", "d.ndjson"]
    assert second.of("unchanged") == first.of("refused")
    assert all("it does not unpack after" in (reason or "") for _, _, reason in loads(warehouse))
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") == 0


@pytest.mark.once
def test_a_zstd_window_larger_than_our_memory_is_refused(warehouse: Warehouse, load: Load) -> None:
    data = b'{"order_id": "O-1"}\n'
    options = {zstd.CompressionParameter.window_log: 30, zstd.CompressionParameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(data) + compressor.flush()
    warehouse.landing.put("orders", DAY, "a.ndjson.zst", packed)
    assert load().of("refused") == ["a.ndjson"]


MEGABYTE = 1 << 20
# A process that loads a small file takes 45 MB, with a longest record 80; whoever held one of these files takes more.
BOUND = 110 * MEGABYTE


# What is measured is the memory of a Python process.
@pytest.mark.once
@pytest.mark.parametrize(
    ("source", "name", "head", "filler", "tail"),
    [
        ("orders", "one_long_string.json", b'[{"a": 1}, "', b"x", b'", {"b": 2}]'),
        ("orders", "one_long_line.ndjson", b'{"a": 1}\n"', b"x", b'"\n{"b": 2}'),
        ("orders", "one_long_element.json", b"[1, [", b"1,", b"1], 2]"),
        ("orders", "blanks.json", b"[1,", b" ", b"2]"),
        ("orders", "blank_lines.ndjson", b"1\n", b"\n", b"2"),
        ("events", "one_long_line.csv", b'event_id,event_type,event_ts\nE1,v,t\nE2,"', b"x", b'",t\nE3,v,t\n'),
        ("events", "blank_lines.csv", b"event_id,event_type,event_ts\nE1,v,t\n", b"\n", b"E3,v,t\n"),
    ],
)
def test_a_bomb_is_loaded_in_bounded_memory(
    warehouse: Warehouse, source: str, name: str, head: bytes, filler: bytes, tail: bytes
) -> None:
    with gzip.open(warehouse.landing.put(source, DAY, f"{name}.gz", ""), "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(80):
            file.write(filler * (MEGABYTE // len(filler)))
        file.write(tail)
    rows, peak = load_elsewhere(warehouse, source)
    assert rows == 2
    assert peak < BOUND


@pytest.mark.once
@pytest.mark.parametrize(
    ("source", "name", "head", "record", "tail", "count"),
    [
        ("orders", "a.json", b"[", b"1,", b"1]", 200_000),
        ("orders", "a.ndjson", b"", b"1\n", b"1", 200_000),
        ("orders", "bad.ndjson", b"", b"a\n", b"1", 100_000),
        ("events", "a.csv", b"event_id,event_type,event_ts\n", b",,\n", b",,", 300_000),
        ("events", "bad.csv", b"event_id,event_type,event_ts\n", b"a\n", b",,", 100_000),
    ],
)
def test_many_tiny_records_are_loaded_in_bounded_memory(
    warehouse: Warehouse, source: str, name: str, head: bytes, record: bytes, tail: bytes, count: int
) -> None:
    warehouse.landing.put(source, DAY, name, head + record * count + tail)
    rows, peak = load_elsewhere(warehouse, source)
    assert rows == (1 if name.startswith("bad") else count + 1)
    # In one batch the good ones would take 130 MB, the bad ones 190.
    assert peak < (150 * MEGABYTE if name.startswith("bad") else BOUND)


def load_elsewhere(warehouse: Warehouse, source: str) -> tuple[int, int]:
    """Load what the landing zone has, in a process of its own; return the rows and that process's peak memory."""
    folder = str(warehouse.landing.folder)
    # Not getrusage: what it says of a new process begins with the peak of the one that started it.
    program = (
        "from pathlib import Path; from datetime import date; from glue.extract import extract\n"
        f"result = extract({source!r}, date(2025, 12, 19), dsn={warehouse.dsn!r}, landing={folder!r}, say=len)\n"
        "status = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())\n"
        "print(result.rows, int(status['VmHWM'].split()[0]) * 1024)"
    )
    project = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=project, check=False)
    assert done.returncode == 0, done.stderr
    rows, peak = done.stdout.split()
    return int(rows), int(peak)


# -- whole or not at all -----------------------------------------------------------------------------------


def test_the_same_bytes_again_change_nothing_and_others_take_their_place(warehouse: Warehouse, load: Load) -> None:
    for content, outcome in [("[1]", "loaded"), ("[1]", "unchanged"), ("[1, 2]", "loaded"), ("[1", "refused"),
                             ("[1", "unchanged"), ("[1, 2]", "unchanged"), ("[1]", "loaded")]:  # fmt: skip
        warehouse.landing.put("orders", DAY, "a.json", content)
        assert load().deliveries[0].outcome == outcome
    assert [rows for _, rows, _ in loads(warehouse)] == [1, 2, 0, 1]


@pytest.mark.once
def test_a_file_that_changes_while_it_is_read_is_an_error_and_nothing_of_it_is_loaded(
    warehouse: Warehouse, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue import load as module

    path = warehouse.landing.put("orders", DAY, "a.json", "[1]")
    original = module._fingerprint

    def written_meanwhile(delivery: Any) -> Any:
        found = original(delivery)
        path.write_text("[1, 2")
        return found

    monkeypatch.setattr(module, "_fingerprint", written_meanwhile)
    with pytest.raises(ExtractError, match=r"a\.json changed while it was read"):
        load()
    assert loads(warehouse) == []
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") == 0


@pytest.mark.once
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_loaded(warehouse: Warehouse, load: Load) -> None:
    if os.geteuid() == 0:
        pytest.skip("root can read every file")
    warehouse.landing.put("orders", DAY, "a.json", "[1]").chmod(0)
    warehouse.landing.put("orders", DAY, "b.json", "[1]")
    with pytest.raises(ExtractError, match=r"a\.json: Permission denied"):
        load()
    assert loads(warehouse) == [("b.json", 1, None)]


def test_a_connection_lost_in_the_middle_leaves_nothing(warehouse: Warehouse, load: Load) -> None:
    warehouse.landing.put("orders", DAY, "a.ndjson", b'{"order_id": "O-1"}\n' * 1_000_000)
    stopped = threading.Event()

    def kill_when_it_copies() -> None:
        while not stopped.wait(0.01):
            warehouse.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND query LIKE 'COPY%%' AND pid <> pg_backend_pid()"
            )

    killer = threading.Thread(target=kill_when_it_copies)
    killer.start()
    try:
        with pytest.raises(psycopg.Error):
            load()
    finally:
        stopped.set()
        killer.join()
    assert loads(warehouse) == []
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") == 0
    assert load().rows == 1_000_000


def test_two_that_load_the_same_day_at_once_load_it_once(warehouse: Warehouse, load: Load) -> None:
    warehouse.landing.put("orders", DAY, "a.ndjson", b'{"order_id": "O-1"}\n' * 100_000)
    results: list[ExtractResult] = []
    threads = [threading.Thread(target=lambda: results.append(load())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.deliveries[0].outcome for result in results) == ["loaded"] + ["unchanged"] * 3
    assert warehouse.value("SELECT count(*) FROM raw.orders_json") == 100_000


def test_the_loader_role_is_enough(warehouse: Warehouse) -> None:
    warehouse.landing.put("orders", DAY, "a.json", "[1, tru]")
    warehouse.landing.put("orders", DAY, "b.ndjson", "1\ntru")
    warehouse.landing.put("events", DAY, "e.csv", "event_id,event_type,event_ts\nE1,v,t\nE2\n")
    warehouse.landing.put("products", DAY, "p.json", "[1]")
    dsn = psycopg.conninfo.make_conninfo(warehouse.dsn, options="-c role=warehouse_loader")
    results = [
        extract(source, DAY, dsn=dsn, landing=str(warehouse.landing.folder))
        for source in ("orders", "events", "products")
    ]
    assert [(result.rows, result.rejected) for result in results] == [(1, 1), (1, 1), (1, 0)]
    assert warehouse.value("SELECT sum(row_count) FROM raw.file_loads") == 3


def test_what_is_loaded_does_not_depend_on_the_environment(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGTZ", "Pacific/Kiritimati")
    warehouse.landing.put("events", DAY, "e.csv", "event_id,event_type,event_ts\nE-\u00e4,v,t\n")
    extract("events", DAY, dsn=warehouse.dsn, landing=str(warehouse.landing.folder))
    assert warehouse.row("SELECT event_id, run_date FROM raw.events_csv") == ("E-\u00e4", DAY)
    with connect(warehouse.dsn) as connection:
        assert connection.execute("SHOW TimeZone").fetchone() == ("UTC",)


@pytest.mark.once
def test_a_password_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    for dsn in ("postgresql://u:s3cret@localhost:1/x", "host=localhost port=1 password=s3cret", "nonsense s3cret"):
        with pytest.raises(GlueError) as caught:
            connect(dsn)
        assert "s3cret" not in str(caught.value)
