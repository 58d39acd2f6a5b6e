"""Without room, connections, locks, time, client, network or API a day ends with an error in words; then it heals.

A short version of `make exhaustion`: see trust/exhaustion.py, docs/explanation/trust.md.
"""

from collections.abc import Iterator

import pytest

from tests.conftest import server_bindir
from trust.exhaustion import APIS, Siege, siege

# Together: they share a server of their own. Once: what ours make of an error does not depend on the version.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("exhaustion")]


@pytest.fixture(scope="module")
def under(pytestconfig: pytest.Config) -> Iterator[Siege]:
    """A server of its own, on a small disk of its own where that is allowed."""
    with siege(server_bindir(pytestconfig)) as made:
        yield made


def test_a_full_disk_is_an_error_and_what_was_begun_is_not_half_there(under: Siege) -> None:
    if under.no_disk:
        pytest.skip(under.no_disk)
    under.disk_full(300_000)
    under.wal_full()
    under.compare()
    assert under.faults == []


def test_a_day_without_connections_locks_or_time_heals(under: Siege) -> None:
    under.no_connections()
    under.no_locks(8)
    under.statement_timeout("staging.loads")  # the record of the failure would like to read it, too
    under.compare()
    assert under.faults == []


def test_a_copy_that_is_cut_off_leaves_nothing(under: Siege) -> None:
    under.cut(0.6)
    under.kill(0.4)
    under.compare()
    assert under.faults == []


def test_an_api_that_misbehaves_leaves_nothing_and_the_day_heals(under: Siege) -> None:
    # The others, and what is printed of each, are in tests/glue/test_products.py.
    for name in ("answers half a page", "never ends"):
        under.api(name, *APIS[name])
    under.compare()
    assert under.faults == []
