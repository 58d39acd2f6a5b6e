"""Makes events of JSON records: their fields as texts, as those of a CSV line, and all else they have in `extra`."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from glue.csv_header import COLUMNS
from glue.csv_records import BATCH_EVENTS, Event, EventBatch
from glue.errors import Refused
from glue.json_values import json_fault, json_members
from glue.records import Batch, Record, Rejected, Source, reject

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_PLAIN = frozenset((str, type(None)))


def events_of(batches: Iterator[Batch], *, is_own: bool) -> Iterator[EventBatch]:
    """Yield the events of JSON records. Those of another form are kept whole in `extra`, for what maps them."""
    for records, rejected in batches:
        if not records:
            yield EventBatch(None, [], rejected)
        for at in range(0, len(records), BATCH_EVENTS):
            events, unfit = [], list(rejected) if at == 0 else []
            for record in records[at : at + BATCH_EVENTS]:
                made = _event(record) if is_own else _kept(record)
                if isinstance(made, Rejected):
                    unfit.append(made)
                else:
                    events.append(made)
            yield EventBatch(None, events, unfit)


def _kept(record: Record) -> Event | Rejected:
    fault = json_fault(record[2])
    return reject(record, fault) if fault else (*record, [None] * len(COLUMNS) + [record[2]])


def _event(record: Record) -> Event | Rejected:
    """Return an event. A record that is JSON, but no object, has no field: cleaning says so."""
    data = record[2]
    if fault := json_fault(data):
        return reject(record, fault)
    try:
        found: Any = json.loads(data)
        if not isinstance(found, dict):
            return (*record, [*[None] * len(COLUMNS), b'{"record":' + data + b"}"])
        if all(type(value) in _PLAIN for value in found.values()):
            extra = {name: value for name, value in found.items() if name not in COLUMNS}
            texts = [found.get(name) for name in COLUMNS]
            return _checked(record, texts, _to_json(extra).encode() if extra else None)
        return _from_members(record)
    except UnicodeEncodeError:
        return reject(record, "half of a surrogate pair, which no text can hold")
    except (Refused, ValueError, RecursionError) as error:
        return reject(record, f"not JSON: {error}")


def _from_members(record: Record) -> Event | Rejected:
    """Do the same with values that are no texts: numbers and the like stay as they are written."""
    known: dict[str, bytes] = {}
    extra: list[bytes] = []
    for batch in json_members(Source(BytesIO(record[2]), 1)):
        for _, _, member in batch.records:
            key, value = _parted(member)
            if key in COLUMNS:
                known[key] = value
            else:
                extra.append(member)
    texts = [_text(known.get(name, b"null")) for name in COLUMNS]
    return _checked(record, texts, b"{" + b",".join(extra) + b"}" if extra else None)


def _parted(member: bytes) -> tuple[str, bytes]:
    """Return the name and the value of a member."""
    text = member.decode()
    name, end = json.decoder.scanstring(text, 1)
    return name, text[end:].lstrip(" \t\r\n:").encode()


def _text(value: bytes) -> str | None:
    if value == b"null":
        return None
    return str(json.loads(value)) if value.startswith(b'"') else value.decode()


def _checked(record: Record, texts: list[str | None], extra: bytes | None) -> Event | Rejected:
    if any(text and "\0" in text for text in texts):
        return reject(record, "a NUL character, which no text can hold")
    return (*record, [*(None if text is None else text.encode() for text in texts), extra])
