"""Files of a landing zone, opened so that whoever delivers cannot make us open anything else."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

OUT_OF_THE_ZONE = "is a link out of the landing zone, which is not followed"
BUFFER_BYTES = 2 << 20
# As many links on one path as Linux follows.
MOST_LINKS = 40
# To pass through a folder needs no right to list it.
PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalZone:
    """A landing zone on this machine, in which whoever delivers may change what lies there at any moment.

    A check of a path says nothing about what is opened by it later. So no path is opened: from the zone's own
    folder each part is opened by its name in the folder before it, never through a link. Links are read and walked
    in the same way, and cannot leave the zone. What was opened is checked, not what its name was.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def names(self, *folders: str) -> list[str]:
        """Return the names in a folder of the zone. Raises OSError."""
        with self._place(folders) as (parent, name):
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            try:
                return os.listdir(handle)  # noqa: PTH208 - by descriptor, which Path has no way for
            finally:
                os.close(handle)

    def open(self, *parts: str) -> IO[bytes]:
        """Open a file of the zone. Raises OSError: for a link that leads out, and for what is no file, too."""
        with self._place(parts) as (parent, name):
            _must_be_a_file(os.stat(name, dir_fd=parent, follow_symlinks=False))
            # A pipe in its place would make us wait for a writer, a terminal would become ours.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            handle = os.open(name, flags, dir_fd=parent)
            try:
                _must_be_a_file(os.fstat(handle))
                return os.fdopen(handle, "rb", buffering=BUFFER_BYTES)
            except BaseException:
                os.close(handle)
                raise

    def byte_count(self, *parts: str) -> int:
        """Return how large a file is, without opening it. Raises OSError if it cannot be opened as one."""
        with self._place(parts) as (parent, name):
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            _must_be_a_file(found)
            return found.st_size

    @contextmanager
    def _place(self, parts: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Yield the folder, open meanwhile, and the name in it of what a path in the zone leads to. Raises OSError."""
        with ExitStack() as stack:
            yield self._walk(stack, parts)

    def _walk(self, stack: ExitStack, parts: Sequence[str]) -> tuple[int, str]:
        """Return the folder (open until `stack` ends) and the name of what a path in the zone leads to."""

        def enter(name: str, parent: int | None) -> int:
            handle = os.open(name, PASS if parent is not None else PASS & ~os.O_NOFOLLOW, dir_fd=parent)
            stack.callback(os.close, handle)
            return handle

        folders = [enter(self._root, None)]
        ahead = list(reversed(parts))
        links = 0
        while ahead:
            name = ahead.pop()
            if name in ("", "."):
                continue
            if name == ".." and len(folders) > 1:
                folders.pop()
                continue
            if name == "..":
                # Up out of the zone, and perhaps back into it.
                ahead = self._inside(folders[0], [*Path(self._root).resolve().parent.parts[1:], *reversed(ahead)])
                continue
            target = None
            with suppress(OSError):  # no link: EINVAL; not there: what comes next says so
                target = os.readlink(name, dir_fd=folders[-1])
            if target is not None:
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, "is a link to itself")
                ahead += reversed(target.split("/"))
                if target.startswith("/"):
                    ahead = self._inside(folders[0], list(reversed(ahead)))
                    del folders[1:]
            elif any(part not in ("", ".") for part in ahead):
                folders.append(enter(name, folders[-1]))
            else:
                return folders[-1], name
        return folders[-1], "."

    def _inside(self, zone: int, parts: list[str]) -> list[str]:
        """Return, backwards, what of an absolute path comes after the zone's folder. Raises OSError if nothing does."""
        wanted = os.fstat(zone)
        for end in range(len(parts), 0, -1):
            with suppress(OSError):
                if os.path.samestat(Path("/", *parts[:end]).stat(), wanted):
                    return list(reversed(parts[end:]))
        raise OSError(errno.ELOOP, OUT_OF_THE_ZONE)


def _must_be_a_file(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "became a link while it was looked at")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is not a file")


def open_zone(landing: str) -> tuple[Any, str]:
    """Return a landing zone's file system, a LocalZone if it is of this machine, and the zone's root in it."""
    # A folder's plain path, as nearly everywhere, needs no fsspec, which takes a while to import.
    if ":" not in landing:
        return LocalZone(str(Path(landing).expanduser().absolute())), ""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    file_system, root = fsspec.url_to_fs(landing, use_listings_cache=False, skip_instance_cache=True)
    return (LocalZone(root), "") if isinstance(file_system, LocalFileSystem) else (file_system, root)


def is_upon_local(file_system: Any) -> bool:
    """Return whether a file system only passes on what it is asked to the local one, which follows links."""
    from fsspec.implementations.local import LocalFileSystem

    while below := getattr(file_system, "fs", None):
        if isinstance(below, LocalFileSystem):
            return not hasattr(file_system, "fo")  # an archive is one file of it
        file_system = below
    return False
