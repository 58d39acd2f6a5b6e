"""A warehouse that is loaded once for the tests of a file; each has a copy of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import Warehouse, copy_of, new_warehouse
from trust.upgrades import fill


@pytest.fixture(scope="module")
def filled_once(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """What trust.upgrades.fill() makes."""
    with new_warehouse(warehouse_template, tmp_path_factory.mktemp("filled")) as made:
        fill(made)
        yield made


@pytest.fixture
def filled(filled_once: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse with a compacted month, a corrected day, a day that was let through, and an erased person."""
    with copy_of(filled_once, tmp_path) as made:
        yield made
