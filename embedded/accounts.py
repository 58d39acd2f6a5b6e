"""As whom the embedded server runs, and what is done as that user: never as root in a folder of another's."""

import contextlib
import os
import pwd
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.errors import ServerError


def server_user() -> pwd.struct_passwd:
    """Return as whom PostgreSQL runs: the current user, or an unprivileged one instead of root."""
    if os.geteuid() != 0:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(os.geteuid())
        raise ServerError(f"user id {os.geteuid()} has no line in /etc/passwd, which PostgreSQL insists on: add it")
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServerError("PostgreSQL does not run as root, and there is no user postgres or nobody: add one")


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def switch(user: pwd.struct_passwd) -> dict[str, Any]:
    """Return subprocess's options to run as a user: none when that is who we are."""
    if os.geteuid() == user.pw_uid:
        return {"umask": 0o077}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "umask": 0o077}


def run_as(
    user: pwd.struct_passwd,
    command: Sequence[str | Path],
    *,
    cwd: Path = Path("/"),
    env: Mapping[str, str] | None = None,
    text: str | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd, env=env, input=text or "", capture_output=True, text=True, errors="replace", **switch(user),
    )  # fmt: skip


def append_as(user: pwd.struct_passwd, path: Path, text: str) -> None:
    """Append to a file as the server's user: as root, in a folder of another's, a link would lead anywhere.

    Raises OSError.
    """
    result = run_as(user, ["/bin/sh", "-c", 'cat >> "$1"', "sh", path], text=text)
    if result.returncode != 0:
        raise OSError(result.stderr.strip())


def copy_as(user: pwd.struct_passwd, folders: Sequence[Path], root: Path, target: Path) -> None:
    """Copy folders below `root`, which only we can read, to below `target`, as the server's user.

    Leaves out what a server does not need. Raises OSError.
    """

    def needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(member.name).parts
        return None if {"include", "pgxs", "pkgconfig"} & set(parts) or member.name.endswith(".a") else member

    command = ["/bin/sh", "-c", 'mkdir -p -- "$1" && tar -x -o -f - -C "$1"', "sh", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", **switch(user)) as extract:
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


def can_enter(path: Path, user: pwd.struct_passwd) -> bool:
    """Return whether the user can enter a folder; asked of the system, which knows ACLs and mounts too."""
    return run_as(user, ["/bin/sh", "-c", 'cd -- "$1"', "sh", path]).returncode == 0
