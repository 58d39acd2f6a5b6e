"""`python -m bench compare` tells what two variants cost, and finds every row in which they differ."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bench.measure import PROJECT
from demo.shop import Shop
from tests.conftest import reachable_folder

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("bench compare")]
DAY = date(2025, 12, 18)  # the second day of three: on the third a till is broken
CALENDAR = Path("db") / "procedures" / "warehouse" / "_load_dim_date.sql"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with the deliveries of a small shop, and the servers of the runs."""
    made = reachable_folder("compare")
    list(Shop(date(2025, 12, 19), days=3).deliver(made / "landing"))
    yield made
    shutil.rmtree(made)


def compare(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Compare two variants on the shop's second day, a turn of each."""
    command = [sys.executable, "-m", "bench", "compare", "--rounds", "1", "--day", f"{DAY}", "--folder", folder,
               "--landing", folder / "landing", *arguments]  # fmt: skip
    return subprocess.run(list(map(str, command)), cwd=PROJECT, capture_output=True, text=True)


def test_a_checkout_beside_itself_arrives_at_the_same_rows_and_each_step_is_told(folder: Path) -> None:
    # A server of its own, sessions of its own, and the same rows.
    compared = compare(folder, "--other", PROJECT, "--other-setting", "wal_compression=on", "--steps",
                       "--other-pgoptions", "-c work_mem=8MB", "--results", folder / "results.json")  # fmt: skip
    assert compared.returncode == 0, compared.stderr + compared.stdout

    (kept,) = (part for name, part in json.loads((folder / "results.json").read_text()).items() if "compare" in name)
    assert "wal_compression=on -c work_mem=8MB" in kept["other"]
    assert kept["rows"]["warehouse.fact_events"] > 14_000
    assert kept["rows"]["warehouse.fact_orders"] > 1_000
    assert {name for name, rows in kept["rows"].items() if rows} >= {
        "audit.bad_records", "audit.dq_results", "audit.gate_verdicts", "raw.orders_json", "staging.orders_clean",
        "staging.events_clean", "warehouse.daily_metrics", "warehouse.dim_product", "warehouse.dim_product_history",
        "warehouse.dim_user", "warehouse.order_owners", "warehouse.orders_superseded", "warehouse.user_loads",
    }  # fmt: skip
    base, other = (kept["steps"][kept[name]] for name in ("base", "other"))
    assert base.keys() == other.keys() > {"extract_orders", "clean_orders", "reload_fact_events"}
    assert kept["ratios"]["cpu"]["ratio"] > 0
    assert kept["ratios"]["wal"]["ratio"] < 0.95, "its server was to compress the WAL"


def test_a_planted_difference_is_found_with_its_table_and_how_many_rows_differ(folder: Path) -> None:
    other = folder / "other"
    shutil.copytree(PROJECT, other, ignore=shutil.ignore_patterns(".*", "__pycache__", "data", "docs", "tests"))
    calendar = (other / CALENDAR).read_text()
    planted = calendar.replace(
        "to_char(d.date, 'FMMonth')",
        "CASE d.date WHEN '2025-12-24' THEN 'Advent' ELSE to_char(d.date, 'FMMonth') END",
    )
    assert planted != calendar
    (other / CALENDAR).write_text(planted)

    compared = compare(folder, "--other", other, "--jobs", "1")
    assert compared.returncode == 1, compared.stdout
    differences = r"^  ([a-z_.]+): (\d+) rows only in \S+(?: \+ changes)?, (\d+) only in other$"
    assert re.findall(differences, compared.stderr, re.M) == [("warehouse.dim_date", "1", "1")], compared.stderr
    assert "    columns that differ: month_name\n" in compared.stderr
    assert re.search(r"^    other: \(20251224,.*Advent", compared.stderr, re.M)
