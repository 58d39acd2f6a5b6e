"""Finds the list of records inside an object, however long it is: `{"orders": [...], "next": ...}`.

Without a shape that says where it lies, it is the only list under one of the usual names whose objects have our own
fields. What else is there is not guessed at: it is refused in words that say where the records seem to lie.
"""

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from glue.errors import Refused
from glue.formats import Form
from glue.json_values import Walk, extent
from glue.page_signs import STATES, plain, truth, whole
from glue.records import BLANK, JUDGED_BYTES, Batch, Rejected, Source

# The fields that a record of ours cannot do without, whatever its lines are.
REQUIRED = {
    "orders": ("order_id", "timestamp", "status"),
    "events": ("event_id", "event_type", "event_ts"),
    "products": ("product_id",),
}
# Names under which a list may lie, or an object in which one of them lies.
LISTS = {
    "data", "result", "results", "response", "payload", "body", "content", "_embedded", "export", "edges", "orders",
    "order", "events", "event", "products", "product", "items", "record", "records", "row", "rows", "list", "value",
    "values", "contents", "entries", "elements", "nodes", "docs", "documents", "hits", "catalogue", "catalog",
}  # fmt: skip
ERRORS = ("error", "errors", "fault", "exception", "errormessage", "errormsg", "err", "errorcode", "errcode", "errno")
NO_ERROR = ("none", "null", "no", "ok", "false", "0", "success", "no error")
BAD_STATES = ("error", "fail", "failed", "failure")
SUCCESS = ("success", "ok", "issuccess", "succeeded", "successful", "issuccessful")
MOST_NAMES = 20
DEEPEST = 5


@dataclass
class _Seen:
    """A list under a usual name: what its first element has."""

    path: str
    fields: list[str] = field(default_factory=list)
    is_empty: bool = False


class Document:
    """One object. `batches` are the records of the list in it; `is_taken` says whether there was one."""

    def __init__(self, source: Source, of: str, form: Form) -> None:
        self.of, self.form = of, form
        self.walk = Walk(source, "a JSON object")
        self.seen: list[_Seen] = []
        self.taken: str | None = None  # the path of the list that was taken
        self.path = (form.records_path or "").split(".") if form.records_path else None

    @property
    def is_taken(self) -> bool:
        """Whether its list was found; or only empty ones, or an empty one of the source's name: nothing delivered."""
        empty = [one.path.rpartition(".")[2] for one in self.seen if one.is_empty]
        return self.taken is not None or self.of in empty or 0 < len(empty) == len(self.seen)

    def batches(self) -> Iterator[Batch]:
        """Yield the records in it. Raises Refused when it is not whole, or has more than one list of them."""
        self.walk.at += 1
        yield from self._members(())
        self.walk.nothing_follows()

    def must_have_records(self) -> Iterator[Batch]:
        """Yield nothing. Raises Refused unless there were records."""
        if not self.is_taken:
            self.must_be_no_other_form()
            raise Refused(f"one JSON object, in which no list of {self.of} lies")
        yield from ()

    def must_be_no_error(self, head: bytes) -> None:
        """Raise Refused if this object, which is `head`, says that it is an error and no answer."""
        if self.form.is_own and (words := error_of(head, self.of)):
            raise Refused(f"an error instead of {self.of}: {words}")

    def must_be_no_other_form(self) -> None:
        """Raise Refused if there are lists in it, but none of ours."""
        if self.form.is_own and (lists := [one for one in self.seen if not one.is_empty]):
            raise Refused(self._not_ours(lists))

    def _not_ours(self, lists: list[_Seen]) -> str:
        words = [f"`{one.path}` (of {_names(one.fields) if one.fields else 'what are no objects'})" for one in lists]
        what = f"one object: its list lies under {' and '.join(words)}, which are no {self.of} of our own form"
        advice = self.form.advice(lists[0].fields)
        return f"{what}: those have {', '.join(REQUIRED[self.of])}. {advice}".rstrip(". ")

    def _members(self, inside: tuple[str, ...]) -> Iterator[Batch]:
        """Yield the records in the members of an object whose opening bracket the walk has passed."""
        walk, separator = self.walk, b","
        number = 0
        while separator == b",":
            number += 1
            walk.number = number
            key = walk.key()
            if key is None:
                if number > 1:
                    raise walk.refused("a value is missing")
                return
            here = (*inside, _text(key))
            value = walk.begins()
            if value == b"[" and self._is_list(here):
                yield from self._list(here)
                separator = self._end()
            elif value == b"{" and self._is_holder(here):
                walk.at += 1
                yield from self._members(here)
                separator = self._end()
            elif value == b"{" and self.path == list(here):
                record, separator = walk.careful(b"}")
                self.taken = ".".join(here)
                if isinstance(record, Rejected):
                    yield Batch([], [record])
                elif record:
                    yield Batch([record], [])
            elif value == b"}":
                raise walk.refused("a value is missing")
            else:
                _, separator = walk.careful(b"}")

    def _is_list(self, here: tuple[str, ...]) -> bool:
        if self.path:
            return self.path == list(here)
        return here[-1].lower() in _names_of_lists(self.of, self.form) and (self.form.is_own or len(here) == 1)

    def _is_holder(self, here: tuple[str, ...]) -> bool:
        if self.path:
            return self.path[: len(here)] == list(here) and len(here) < len(self.path)
        return here[-1].lower() in LISTS and len(here) < DEEPEST and self.form.is_own

    def _list(self, here: tuple[str, ...]) -> Iterator[Batch]:
        """Yield the elements of a list that the walk is at, if they are records of ours; else remember it."""
        seen = self._look(".".join(here))
        self.seen.append(seen)
        is_ours = 2 * len(set(REQUIRED[self.of]) & set(seen.fields)) > len(REQUIRED[self.of])
        is_ours = is_ours or (not self.form.is_own and bool(seen.fields))
        if seen.is_empty or not (self.path or is_ours):
            self.walk.at += 1
            for _ in self.walk.elements():
                pass
            return
        if self.taken:
            raise Refused(f"lists of {self.of} lie under `{self.taken}` and `{seen.path}`: deliver one of them")
        self.taken = seen.path
        self.walk.at += 1
        yield from self.walk.elements()

    def _look(self, path: str) -> _Seen:
        """Return what a list begins with, without going on."""
        ahead = self.walk.begins(JUDGED_BYTES)[1:]
        first = ahead.lstrip(BLANK)
        if first.startswith(b"]"):
            return _Seen(path, is_empty=True)
        end = extent(first, 0) if first.startswith(b"{") else None
        return _Seen(path, fields_of(first[:end]) if end else [])

    def _end(self) -> bytes:
        """Go past what ends a member, and return it. Raises Refused."""
        token = self.walk.begins()
        if token not in (b",", b"}"):
            raise self.walk.refused("no , or } after a value" if token else "it ends too early")
        self.walk.at += 1
        return token


def lists_and_fields(head: bytes, of: str, form: Form) -> tuple[list[str], list[str]]:
    """Return the names in an object under which records may lie, and those of our own fields that it has itself.

    Of an object that does not end in `head` only what is in it is looked at.
    """
    lists, fields = [], []
    names = _names_of_lists(of, form)
    own = REQUIRED[of] if form.is_own and not form.records_path else ()
    for name, value in _members_of(head):
        is_list = value.startswith(b"[") or (value.startswith(b"{") and (form.is_own or form.records_path is not None))
        if is_list and (name if form.records_path else name.lower()) in names:
            lists.append(name)
        elif name in own:
            fields.append(name)
    return lists, fields


def _names_of_lists(of: str, form: Form) -> Set[str]:
    """Return the names under which a list may lie: of another form, whose records have lists of their own, only few."""
    if form.records_path:
        return {form.records_path.split(".")[0]}
    return LISTS if form.is_own else {of, "data", "results"}


def _members_of(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the names in an object and the beginning of their values, as far as it is whole."""
    at = 1
    while (at := _skip(head, at, BLANK + b",")) < len(head) and head[at : at + 1] == b'"':
        if not (end := extent(head, at)):
            return
        name = _text(head[at:end])
        at = _skip(head, end, BLANK + b":")
        yield name, head[at : at + KEPT_OF_A_VALUE]
        if head[at : at + 1] in (b"{", b"[", b'"'):
            if not (end := extent(head, at)):
                return
            at = end
        else:
            while at < len(head) and head[at : at + 1] not in b",}":
                at += 1


KEPT_OF_A_VALUE = 1000


def _skip(text: bytes, at: int, signs: bytes) -> int:
    while at < len(text) and text[at] in signs:
        at += 1
    return at


def error_of(head: bytes, of: str) -> str | None:
    """Return what an object says that is an error message and no record; None if it is none."""
    found: dict[str, Any] = {}
    try:
        found = json.loads(head)
    except (ValueError, RecursionError):
        return None
    names = set(REQUIRED[of]) & found.keys() if isinstance(found, dict) else set(REQUIRED[of])
    # An error may have a time and a status, too, but that is a number.
    if REQUIRED[of][0] in names or (len(names) > 1 and not isinstance(found["status"], int)):
        return None
    return error_in(found)


def error_in(said: dict[str, Any], depth: int = 0) -> str | None:
    """Return what an answer says that is an error, whatever its status was; None if it is none."""
    named = {plain(name): value for name, value in said.items()}
    for name in ERRORS:
        error = named.get(name)
        if error and str(error).strip().lower() not in NO_ERROR:
            return shown_text(error if isinstance(error, str) else json.dumps(error))
    code = next((named[name] for name in ("statuscode", "httpstatus", "status") if name in named), None)
    if code is None and ("message" in named or "msg" in named):
        code = named.get("code")
    is_bad = any(truth(named.get(name)) is False for name in SUCCESS)
    is_bad = is_bad or any(str(named.get(name)).lower() in BAD_STATES for name in STATES)
    is_bad = is_bad or 400 <= (whole(code) or 0) < 600
    if is_bad:
        return shown_text(
            str(named.get("message") or json.dumps({name: said[name] for name in said if name != "data"}))
        )
    inside = (value for name, value in named.items() if name in ("meta", "metadata", "response", "status"))
    return next(filter(None, (error_in(one, 1) for one in inside if not depth and isinstance(one, dict))), None)


def shown_text(text: str) -> str:
    """Return the beginning of a text as it can be printed."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])


def fields_of(record: bytes) -> list[str]:
    """Return the names of a record's fields; none if it is no object."""
    try:
        value = json.loads(record)
    except (ValueError, RecursionError):
        return []
    return list(value) if isinstance(value, dict) else []


def _text(key: bytes) -> str:
    try:
        return str(json.loads(key))
    except ValueError:
        return key.decode("utf-8", "replace")


def _names(fields: list[str]) -> str:
    text = ", ".join(shown_text(name)[:40] for name in fields[:MOST_NAMES])
    return f"{text}, …" if len(fields) > MOST_NAMES else text
