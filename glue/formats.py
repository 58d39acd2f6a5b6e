"""What a delivery is: its first bytes say, whatever its name ends in. What is no text of ours is refused in words."""

import codecs
import gzip
import html
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glue.errors import Refused
from glue.records import BLANK, BOM, Readable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Of a file, to say what it is. Not a block: what it is must not depend on where blocks end.
HEAD_BYTES = 1 << 20
# zstd's window is memory that we need: `zstd --long` asks for 128 MiB, which is more than we have.
ZSTD_WINDOW_LOG = 26
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # a frame of zstd that is skipped, before those that are not
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

# What no reader of ours takes, and what to do about it.
REFUSED = (
    (GZIP, "compressed twice; compress it once"),
    (ZSTD, "compressed twice; compress it once"),
    (b"PK\x05\x06", "an empty zip archive; deliver what belongs into it, compressed by gzip or not at all"),
    (b"PK\x07\x08", "a zip archive in parts; deliver what is in it, compressed by gzip or not at all"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file, perhaps an Excel workbook (.xls); save it as CSV UTF-8"),
    (b"PAR1", "a parquet file; deliver it as NDJSON or CSV"),
    (b"Obj\x01", "an Avro file; deliver it as NDJSON or CSV"),
    (b"ARROW1", "an Arrow file; deliver it as NDJSON or CSV"),
    (b"BZh", "compressed by bzip2; compress it by gzip or zstd"),
    (b"\xfd7zXZ\0", "compressed by xz; compress it by gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; compress it by gzip or zstd"),
    (b"Rar!", "a rar archive; compress it by gzip or zstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4; compress it by gzip or zstd"),
    (b"\xff\x06\0\0sNaPpY", "compressed by snappy; compress it by gzip or zstd"),
    (b"%PDF", "a PDF; deliver the data that it was printed from"),
    (b"SQLite format 3\0", "an SQLite database; deliver it as NDJSON or CSV"),
    (b"\xff\xfe\0\0", "UTF-32; write it as UTF-8"),
    (b"\0\0\xfe\xff", "UTF-32; write it as UTF-8"),
)
_COMMENTS = re.compile(rb"(?:<!--.*?-->[ \t\r\n]*+)++", re.DOTALL)
_MARKUP = re.compile(
    rb"<(?:((?:!doctype\s+html|html|head|body|h1|p|div|pre|center|title|script|form)\b)|\?xml\b"
    # An element in which, or after which, another begins or ends.
    rb"|([a-z][a-z0-9_.:-]*)(?:\s[^<>]*)?>[^<>]{0,1000}<[/!a-z])",
    re.IGNORECASE,
)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title|<h1[^>]*>(.*?)</h1", re.IGNORECASE | re.DOTALL)
# Bytes that are letters in Windows-1252 and Latin-1 and stand in words, and what else is usual in texts there.
_LETTERS = rb"[\xc0-\xcf\xd1-\xd6\xd8-\xdd\xdf-\xef\xf1-\xf6\xf8-\xfd]"
_LETTER = re.compile(rb"(?<=[A-Za-z])" + _LETTERS + b"|" + _LETTERS + rb"(?=[A-Za-z])")
_NO_WINDOWS_TEXT = re.compile(rb"[\x81\x83\x86-\x90\x95\x98\x9d\x9e\xa4\xa6\xac\xad\xaf\xd0\xd7\xde\xf0\xf7\xfe\xff]")
WINDOWS = "it looks like Windows-1252 (Latin-1): write it as UTF-8, or register a shape that says its encoding"


@dataclass(frozen=True)
class Form:
    """What is known of a file beforehand, from its shape: what is None, the file itself tells."""

    is_own: bool = True  # its records have our own fields; else what they have goes into raw, for a function to map
    records_path: str | None = None  # where the records lie in a document: names, with dots between
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None  # "": nothing is quoted
    escape: str | None = None
    # What may be said of records that are not in our own form, from the names of the first one's fields.
    advice: Callable[[list[str]], str] = lambda fields: ""


OWN = Form()


class Ahead:
    """A stream of which some bytes were read already."""

    def __init__(self, ahead: bytes, stream: Readable) -> None:
        self._ahead, self._stream = ahead, stream

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        if not self._ahead:
            return self._stream.read(size)
        part, self._ahead = self._ahead[:size], self._ahead[size:]
        return part


class _Recoded:
    """A stream of another encoding, as UTF-8. Raises Refused at what that encoding does not have."""

    def __init__(self, stream: Readable, encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._read = 0

    def read(self, size: int) -> bytes:
        """Return some bytes; none at the end."""
        while True:
            block = self._stream.read(size)
            try:
                text = self._decoder.decode(block, final=not block).encode()
            except UnicodeError as error:
                at = getattr(error, "start", 0)
                raise Refused(
                    f"not {self._encoding}: {getattr(error, 'reason', error)}, near byte {self._read + at}"
                ) from None
            self._read += len(block)
            if text or not block:
                return text


class _Returns:
    """A stream whose lines end in a carriage return, as old Macs end them: here each becomes a newline."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Return some bytes; none at the end."""
        return self._stream.read(size).replace(b"\r", b"\n")


def unpacked(file: Readable) -> tuple[Any, Callable[[], None]]:
    """Return the stream of what a file holds, decompressed if its first bytes say so, and how to close it."""
    head = read_fully(file, len(ZSTD))
    stream: Any = Ahead(head, file)
    if head.startswith(GZIP):
        stream = gzip.GzipFile(fileobj=stream)
    elif head == ZSTD or _SKIPPABLE.fullmatch(head):
        stream = zstd.ZstdFile(stream, options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})
    else:
        return stream, lambda: None
    return stream, stream.close


def read_fully(stream: Readable, size: int) -> bytes:
    """Return `size` bytes, fewer only at the end."""
    parts, missing = [], size
    while missing > 0 and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def as_utf8(stream: Readable, form: Form, *, is_csv: bool) -> Readable:
    """Return a delivery's bytes as UTF-8. Raises Refused when its first bytes are of something that we do not read."""
    head = read_fully(stream, HEAD_BYTES)
    empty = "an empty file, without even a header" if is_csv else "an empty file; a day without any is []"
    if not head:
        raise Refused(empty)
    if fault := foreign(head, is_told=form.encoding is not None):
        raise Refused(fault)
    stream = Ahead(head, stream)
    encoding = form.encoding
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "UTF-16"
    if encoding:
        try:
            "".encode(encoding)
            is_other = codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig", "ascii")
        except LookupError:
            raise Refused(f"its shape says {encoding}, which is no encoding of text that Python knows") from None
        if is_other:
            stream = _Recoded(stream, encoding)
            head = read_fully(stream, HEAD_BYTES)
            stream = Ahead(head, stream)
    text = head.removeprefix(BOM)
    if text.startswith(BOM):
        raise Refused("two byte order marks at its beginning; one is allowed: whatever wrote it added a second")
    if not text.strip(BLANK):
        if len(head) < HEAD_BYTES:
            raise Refused(empty)
    elif fault := markup(text.lstrip(BLANK)):
        raise Refused(fault)
    if is_csv and b"\r" in head and b"\n" not in head:
        stream = _Returns(stream)
    return stream


def foreign(head: bytes, *, is_told: bool) -> str | None:
    """Return what the first bytes say a file is, if it is nothing that we read; `is_told`: its encoding is known."""
    for begin, what in REFUSED:
        if head.startswith(begin):
            return what
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head or b"[Content_Types].xml" in head[:200]:
            return "an Excel workbook; save it as CSV UTF-8"
        if b"content.xml" in head or b"opendocument" in head:
            return "a LibreOffice document; save it as CSV UTF-8"
        return "a zip archive; deliver what is in it, compressed by gzip or not at all"
    if head[257:262] == b"ustar":
        return "a tar archive; deliver what is in it, file by file"
    pairs = head[: min(8, len(head) // 2 * 2)]
    zeros = [all(pairs[at::2]) and not any(pairs[1 - at :: 2]) for at in (0, 1)]
    if len(pairs) >= 4 and any(zeros) and not is_told:
        return "UTF-16 without a byte order mark; write it as UTF-8"
    return None


def markup(text: bytes) -> str | None:
    """Return what a page or document says, if a text is one."""
    if comments := _COMMENTS.match(text):
        text = text[comments.end() :]
    if not (found := _MARKUP.match(text)):
        return None
    if not found[1]:
        is_error = found[2] is not None and found[2].lower() in (b"error", b"errors", b"fault", b"exception")
        return f"an XML document{_words(text[:1000])}" if is_error else "an XML document; deliver it as NDJSON or CSV"
    title = _TITLE.search(text)
    return f"a web page{_words((title[1] or title[2] or b'') if title else b'')}"


def _words(text: bytes) -> str:
    """Return what stands between tags, as it can be printed."""
    words = re.sub(rb"<[^>]*>", b" ", text).decode("utf-8", "replace")
    shown = " ".join(html.unescape(words).split())[:100]
    return "".join(sign if sign.isprintable() else "?" for sign in f": {shown}") if shown else ""


def looks_like_windows(data: bytes) -> bool:
    """Return whether bytes that are not UTF-8 read well as Windows-1252: its letters stand in words."""
    return _LETTER.search(data) is not None and _NO_WINDOWS_TEXT.search(data) is None
