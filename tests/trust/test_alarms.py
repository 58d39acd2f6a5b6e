"""The alarm rates that the docs tell are those of the rules as they are shipped."""

from pathlib import Path

import pytest

from tests.conftest import Warehouse
from trust import alarms

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "unusual-days.md"
# Some seconds each, and the same on every version: that the numbers are, test_unusual.py tries.
pytestmark = pytest.mark.once


@pytest.mark.parametrize("name", [alarms.REAL, *(kind.name for kind in alarms.KINDS)])
def test_the_page_tells_how_often_the_rules_alarm(warehouse: Warehouse, name: str) -> None:
    if name == alarms.REAL and not alarms.DATA.exists():
        pytest.skip(f"the data is not here: {alarms.DATA}")
    shop = alarms.shop(name)
    assert alarms.row(warehouse.connection, shop) in PAGE.read_text(encoding="utf-8").splitlines()
