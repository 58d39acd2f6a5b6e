"""A warehouse that is loaded once for the tests of a file; each has a copy of its own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from tests.conftest import MIGRATED, Base, Warehouse, copied
from tests.shop import Landing
from trust.upgrades import fill


def template_of(dsn: str) -> Any:
    """Return a database to which nobody is connected, as copied() wants to know it."""
    info = psycopg.conninfo.conninfo_to_dict(dsn)
    return SimpleNamespace(
        host=info["host"], port=int(info.get("port", 5432)), user=info["user"], template_dbname=info["dbname"]
    )


@contextmanager
def opened(dsn: str, landing: Landing) -> Iterator[Warehouse]:
    """Yield a warehouse; its connections are closed afterwards."""
    made = Warehouse(dsn=dsn, connection=None, landing=landing)  # type: ignore[arg-type]
    made.connection = made.connect()
    try:
        yield made
    finally:
        for connection in made.opened:
            connection.close()


@contextmanager
def made_once(
    warehouse_template: NoopExecutor, migrated_server: Base, folder: Path, make: Callable[[Warehouse], None]
) -> Iterator[tuple[Any, Path]]:
    """Yield what `make` makes of an empty warehouse: a database to copy, and its landing zone."""
    is_copy = migrated_server.template_dbname == MIGRATED
    with copied(warehouse_template, properties_of=MIGRATED if is_copy else None) as dsn:
        with opened(dsn, Landing(folder)) as made:
            make(made)
        yield template_of(dsn), folder


@contextmanager
def copy_of(made: tuple[Any, Path], folder: Path) -> Iterator[Warehouse]:
    """Yield a copy of what was made once, with a copy of its landing zone in a folder."""
    template, landing = made
    shutil.copytree(landing, folder / "landing")
    with copied(template) as dsn, opened(dsn, Landing(folder / "landing")) as copy:
        yield copy


@pytest.fixture(scope="module")
def filled_once(
    warehouse_template: NoopExecutor, migrated_server: Base, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, Path]]:
    """What trust.upgrades.fill() makes: a database to copy, and its landing zone."""
    with made_once(warehouse_template, migrated_server, tmp_path_factory.mktemp("filled"), fill) as made:
        yield made


@pytest.fixture
def filled(filled_once: tuple[Any, Path], tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse with a compacted month, a corrected day, a day that was let through, and an erased person."""
    with copy_of(filled_once, tmp_path) as made:
        yield made
