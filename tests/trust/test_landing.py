"""Who delivers may swap what lies in the landing zone at any moment: nothing outside is read, nothing waits."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from glue import landing
from glue.extract import ExtractError, extract
from glue.landing import find
from tests.conftest import Warehouse

# Files and links: no database is asked, or only whether it got something.
pytestmark = pytest.mark.once
DAY = date(2025, 12, 19)
SECRET = "s3cret of another: not JSON"


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """A landing zone with a delivery in it."""
    folder = tmp_path / "landing" / "orders" / f"{DAY}"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("[1]")
    return tmp_path / "landing"


def outside(zone: Path) -> Path:
    """Make the same path outside of the zone, with a secret in the file."""
    folder = zone.parent / "outside" / "orders" / f"{DAY}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.json").write_text(SECRET)
    return zone.parent / "outside"


def swap_for_link(zone: Path, part: str) -> None:
    """Put a link out of the zone in the place of a file or folder of it."""
    path = zone / part
    path.rename(zone.parent / "gone")
    path.symlink_to(outside(zone) / part)


PARTS = ("orders", f"orders/{DAY}", f"orders/{DAY}/a.json")


@pytest.mark.parametrize("part", PARTS)
def test_a_link_swapped_in_between_find_and_open_is_not_followed(zone: Path, part: str) -> None:
    (delivery,) = find(str(zone), "orders", DAY).deliveries
    swap_for_link(zone, part)
    with pytest.raises(OSError, match="link out of the landing zone"), delivery.open() as content:
        content.read(100)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("call", ["readlink", "stat"])
@pytest.mark.parametrize("protocol", ["", "file://", "local://"])
def test_a_link_swapped_in_between_a_look_and_the_open_is_not_followed(
    zone: Path, part: str, call: str, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivery,) = find(f"{protocol}{zone}", "orders", DAY).deliveries
    original: Callable[..., Any] = getattr(os, call)
    looked_at = Path(part).name

    def swaps(name: Any, **options: Any) -> Any:
        try:
            return original(name, **options)
        finally:
            if name == looked_at and options.get("dir_fd") is not None and not (zone / part).is_symlink():
                swap_for_link(zone, part)

    monkeypatch.setattr(os, call, swaps)
    try:
        with delivery.open() as content:
            read = content.read(100)
    except OSError:
        read = b""
    # A folder that was open already is the one that was looked at, whatever its name leads to now.
    assert read in (b"", b"[1]")
    assert (zone / part).is_symlink() or call == "stat"


def test_nothing_of_a_file_outside_reaches_raw(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    path = warehouse.landing.put("orders", DAY, "a.json", "[1]")
    zone = warehouse.landing.folder
    original = landing.Delivery.open

    def swapped(delivery: Any, **options: Any) -> Any:
        if not path.is_symlink():
            swap_for_link(zone, f"orders/{DAY}/a.json")
        return original(delivery, **options)

    monkeypatch.setattr(landing.Delivery, "open", swapped)
    with pytest.raises(ExtractError, match=r"a\.json: is a link out of the landing zone, which is not followed"):
        extract("orders", DAY, dsn=warehouse.dsn, landing=str(zone))
    for table in ("raw.file_loads", "raw.rejected_lines", "raw.orders_json"):
        assert warehouse.value(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("moment", ["after find", "after stat"])
def test_a_pipe_or_device_in_the_place_of_a_file_is_refused_and_not_waited_for(
    zone: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivery,) = find(str(zone), "orders", DAY).deliveries
    path = zone / PARTS[-1]
    original = os.stat

    def swap() -> None:
        path.unlink()
        os.mkfifo(path)

    def swaps(name: Any, **options: Any) -> Any:
        found = original(name, **options)
        if name == "a.json":
            swap()
        return found

    if moment == "after find":
        swap()
    else:
        monkeypatch.setattr(os, "stat", swaps)
    with pytest.raises(OSError, match="is not a file"), delivery.open() as content:
        content.read(1)


@pytest.mark.parametrize(
    ("target", "is_read"),
    [
        ("../2025-12-18/b.json", True),
        ("../../orders/2025-12-18/b.json", True),
        ("../../../landing/orders/2025-12-18/b.json", True),
        ("{zone}/orders/2025-12-18/b.json", True),
        ("{zone}/orders/2025-12-18/../2025-12-18/./b.json", True),
        ("{alias}/orders/2025-12-18/b.json", True),
        ("{zone}/../outside/orders/2025-12-19/a.json", False),
        ("../../../outside/orders/2025-12-19/a.json", False),
        ("../../../../../../../../../../../../etc/hostname", False),
        ("{outside}/orders/2025-12-19/a.json", False),
        ("{zone}x/a.json", False),
        ("/", False),
        ("//", False),
        ("..", False),
        ("link.json/x", False),
        ("/proc/self/fd/0", False),
        ("/dev/zero", False),
    ],
)
def test_a_link_is_read_only_where_it_stays_in_the_zone(zone: Path, target: str, is_read: bool) -> None:
    other = zone / "orders" / "2025-12-18"
    other.mkdir()
    (other / "b.json").write_text("[2]")
    outside(zone)
    (zone.parent / "alias").symlink_to(zone)
    link = zone / "orders" / f"{DAY}" / "link.json"
    link.symlink_to(target.format(zone=zone, outside=zone.parent / "outside", alias=zone.parent / "alias"))
    # The zone itself may be named by a link: that is whoever runs the warehouse.
    found = find(str(zone.parent / "alias"), "orders", DAY)
    assert [one.name for one in found.deliveries] == (["a.json", "link.json"] if is_read else ["a.json"])
    assert len(found.faults) == (0 if is_read else 1)
    if is_read:
        with found.deliveries[1].open() as content:
            assert content.read(100) == b"[2]"


@pytest.mark.parametrize("wrapper", ["simplecache::file://{zone}", "filecache::{zone}", "dir::file://{zone}"])
def test_the_local_file_system_behind_another_is_refused(zone: Path, wrapper: str) -> None:
    swap_for_link(zone, PARTS[-1])
    try:
        found = find(wrapper.format(zone=zone), "orders", DAY)
    except landing.GlueError:
        return
    assert found.deliveries == []
