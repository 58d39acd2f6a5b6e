"""Finds deliveries in the landing zone and opens them, however they are compressed."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from glue.errors import GlueError
from glue.formats import unpacked, zstd
from glue.records import BLOCK_BYTES, Readable
from landing.zone import OUT_OF_THE_ZONE, LocalZone, is_upon_local, open_zone

# An ending, in any case, only says whether to read a file as JSON or as CSV.
JSON_SUFFIXES = (".json", ".ndjson", ".jsonl", ".ldjson")
CSV_SUFFIXES = (".csv", ".tsv")
SUFFIXES = (*JSON_SUFFIXES, *CSV_SUFFIXES)
COMPRESSIONS = (".gz", ".zst")
# What a catalogue of the products API is recorded as: a file of that name would pass for one.
API_CATALOGUE = "api.json"
# What writers leave behind, and what they have not finished.
NOT_DELIVERIES = (".tmp", ".part", ".crc")
# What Office leaves beside a file that is open.
OFFICE_LOCK = "~$"
_DIGITS = re.compile(rb"[0-9]+")

DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)


class Content:
    """The uncompressed bytes of a delivery, counted and hashed as they are read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self.byte_count = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts, missing = [], size
        while missing and (part := self._stream.read(missing)):
            self._sha256.update(part)
            parts.append(part)
            missing -= len(part)
        self.byte_count += size - missing
        return parts[0] if len(parts) == 1 else b"".join(parts)

    @property
    def sha256(self) -> str:
        """The hash of what was read so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def read_to_end(self) -> None:
        """Read what is left, for its hash and length."""
        while self.read(BLOCK_BYTES):
            pass


class RemoteFile:
    """A file of a remote file system. Each of these has errors of its own; from here they are OSErrors."""

    def __init__(self, file: Readable) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end."""
        with os_errors():
            return self._file.read(size)


@contextmanager
def os_errors() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Delivery:
    """A file of the landing zone. `name` is without `.gz` or `.zst`."""

    name: str
    path: str  # of a file of this machine: below the landing zone
    compression: str
    byte_count: int  # of the file, as it lies there
    file_system: Any = field(repr=False)  # of fsspec, or a LocalZone

    @contextmanager
    def open(self, *, compressed: bool = False) -> Iterator[Content]:
        """Open it for reading, decompressed unless `compressed`. Reading raises one of DAMAGE, or OSError."""
        with ExitStack() as stack:
            file: Any
            if isinstance(self.file_system, LocalZone):
                file = stack.enter_context(self.file_system.open(*self.path.split("/")))
            else:
                with os_errors():
                    opened = self.file_system.open(self.path, "rb", block_size=2 * BLOCK_BYTES)
                file = RemoteFile(stack.enter_context(opened))
            if not compressed:
                file, close = unpacked(file)
                stack.callback(close)
            yield Content(file)


@dataclass
class Found:
    """What lies in the folder of a source and day."""

    deliveries: list[Delivery] = field(default_factory=list)  # ordered by their names, see name_order
    ignored: list[str] = field(default_factory=list)  # names that are no deliveries of this source
    faults: list[str] = field(default_factory=list)  # what cannot be read, and what to do about it

    @property
    def byte_count(self) -> int:
        """Bytes of all deliveries, as they lie there."""
        return sum(delivery.byte_count for delivery in self.deliveries)


def is_csv(name: str) -> bool:
    """Return whether a delivery of that name is read as CSV; else it is read as JSON."""
    return not name.lower().endswith(JSON_SUFFIXES)


def name_order(name: str) -> tuple[bytes, str]:
    """Return what orders names: their bytes, but digits as numbers, `orders_9` before `orders_10` (raw.name_order)."""

    def number(found: re.Match[bytes]) -> bytes:
        digits = found[0].lstrip(b"0")
        return b"0%03d%b" % (len(digits), digits)

    return _DIGITS.sub(number, name.encode("utf-8", "surrogateescape")), name


def find(landing: str, source: str, day: date, is_registered: Callable[[str], bool] = lambda name: False) -> Found:
    """Return the deliveries of a source and day; none when there is no folder.

    `landing` is a folder or an fsspec URL. `is_registered` says of a name (without `.gz` or `.zst`) that a shape knows
    it, whatever its ending. Raises GlueError when it cannot be read at all.
    """
    found = Found()
    try:
        file_system, root = open_zone(landing)
        if isinstance(file_system, LocalZone):
            folder = f"{source}/{day.isoformat()}"
            # Names are enough: a link that leads nowhere or to itself would end the whole listing.
            entries = [{"name": f"{folder}/{name}"} for name in file_system.names(source, day.isoformat())]
        elif is_upon_local(file_system):
            raise GlueError("a folder of this machine is named as it is, as in /srv/landing")
        else:
            folder = f"{root.rstrip('/')}/{source}/{day.isoformat()}"
            entries = file_system.ls(folder, detail=True)
    except Exception as error:  # each remote file system has errors of its own
        if isinstance(error, FileNotFoundError) and not _is_no_bucket(error):
            return found
        if isinstance(error, OSError) and error.strerror == OUT_OF_THE_ZONE:
            found.faults.append(f"{source} of {day}: its folder {OUT_OF_THE_ZONE}")
            return found
        reason = str(error) or type(error).__name__
        if login := urlsplit(landing).netloc.rpartition("@")[0]:
            reason = reason.replace(login, "***").replace(login.partition(":")[2] or login, "***")
        raise GlueError(f"LANDING_URL: cannot list the {source} of {day}: {reason}") from None

    named: dict[str, list[Delivery]] = {}
    for entry in sorted(entries, key=lambda entry: entry["name"]):
        path = entry["name"]
        file_name = path.rsplit("/", 1)[-1]
        if not file_name or path.rstrip("/") == folder or _is_no_delivery(file_name):
            continue
        compression = next((file_name[-len(end) :] for end in COMPRESSIONS if file_name.lower().endswith(end)), "")
        name = file_name.removesuffix(compression)
        if file_name.startswith(OFFICE_LOCK) or not (name.lower().endswith(SUFFIXES) or is_registered(name)):
            found.ignored.append(file_name)
        elif source == "products" and name == API_CATALOGUE:
            found.faults.append(f"{source} of {day}: {file_name} is what a catalogue of the API is called; rename it")
        else:
            byte_count, fault = _look(file_system, entry, file_name)
            if fault:
                found.faults.append(f"{source} of {day}: {fault}")
            else:
                named.setdefault(name, []).append(Delivery(name, path, compression, byte_count, file_system))
    for _, same in sorted(named.items(), key=lambda item: name_order(item[0])):
        if len(same) == 1:
            found.deliveries += same
        else:
            names = " and ".join(sorted(shown(one.name + one.compression) for one in same))
            found.faults.append(f"{source} of {day}: {names} are the same delivery twice; remove one")
    return found


def shown(name: str) -> str:
    """Return a file name as it can be printed: one line, nothing that a terminal acts upon."""
    return name if name.isprintable() else ascii(name)


def _is_no_bucket(error: FileNotFoundError) -> bool:
    """Return whether S3 says that there is no such bucket: that is no day without deliveries."""
    answer = getattr(error.__cause__, "response", {})
    return answer.get("Error", {}).get("Code") == "NoSuchBucket"


def _is_no_delivery(name: str) -> bool:
    return name.startswith((".", "_")) or name.endswith(NOT_DELIVERIES)


def _look(file_system: Any, entry: dict[str, Any], name: str) -> tuple[int, str | None]:
    """Return how large an entry of the landing zone is, and why it cannot be a delivery, or None."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return 0, f"{shown(name)}: a file name that is not UTF-8; rename it"
    if "\0" in name:
        return 0, f"{shown(name)}: a file name with a NUL; rename it"
    if not isinstance(file_system, LocalZone):
        return entry.get("size") or 0, None if entry["type"] == "file" else f"{shown(name)} is not a file"
    try:
        return file_system.byte_count(*entry["name"].split("/")), None
    except OSError as error:
        # What we say of it ourselves goes on after the name; what the system says stands behind a colon.
        between = " " if str(error.strerror).startswith(("is ", "became ")) else ": "
        return 0, f"{shown(name)}{between}{error.strerror}"
