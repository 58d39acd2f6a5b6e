"""What a warehouse must hold, worked out a second time: from the bytes delivered, in plain Python.

An independent reading of the design, against which trust/soak.py holds the product. It shares no code with the
product, keeps everything in memory, and takes the slow, obvious way: facts and dimensions are worked out from all that
was ever loaded, whenever they are asked for.

It reads what the soak delivers: JSON without repeated keys, CSV whose quotes are closed.
"""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, localcontext
from fractions import Fraction
from statistics import median
from typing import Any

SOURCES = ("orders", "events", "products")
RAW_TABLES = {"orders": "raw.orders_json", "events": "raw.events_csv", "products": "raw.products_json"}
GUEST, NO_PRODUCT = "(guest)", "(none)"
REFUSED, UNREADABLE = "the whole file", "the record"  # reasons that glue words: only that there is one is compared
NO_ITEMS = object()  # in the place of an item, where `items` holds none
# Blanks of Unicode, and marks that nobody sees.
_FORMS = "\x85\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u3000\u3164\ufeff\uffa0"
_RUNS = ((0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F))
BLANKS = " \t\n\r\f\v" + _FORMS + "".join(chr(code) for first, last in _RUNS for code in range(first, last + 1))

CUSTOMERS = "conflict: this file reports the order for more than one customer"
OTHER_LINES = (
    "conflict: this file reports the order more than once with the same time, status and updated_at, but with other"
    " lines. A delivery with a row per line needs a shape (staging.shapes, rows_are 'lines')"
)

# What may be wrong with one line of an order and not with all, as the product puts it in order.
LINE_PROBLEMS = (
    "the item",
    "product_id",
    "quantity is missing",
    "quantity is not",
    "quantity is above",
    "price",
    "line_total",
    "discount",
    "tax",
    "the discounts",
)

BLOCKED, GONE = "WH001", "WH007"


class Number(str):
    """A JSON number, as it was written."""


# -- what a delivery says ----------------------------------------------------------------------------


@dataclass
class Delivery:
    """One delivery of a name: its records by their place in it; None if it is refused whole."""

    content: bytes
    records: list[tuple[int, Any]] | None  # UNREADABLE in the place of a record that raw cannot take
    is_gone: bool = False

    @property
    def raw_count(self) -> int:
        """Records that raw holds."""
        return sum(record is not UNREADABLE for _, record in self.records or ())


DESCRIBED = ("city", "signup_date", "marketing_source")
ERASED = "(erased)"  # in a record of a person who is erased
# Of a list in an object, its first record has most of these.
REQUIRED = {"orders": {"order_id", "timestamp", "status"}, "products": {"product_id"}}


def read(source: str, name: str, content: bytes) -> Delivery:
    """Return what a file delivers, as far as raw knows it. Of three records or more, one has to be readable."""
    records = _csv_records(content) if source == "events" else _json_records(source, content)
    if records and len(records) >= 3 and all(record is UNREADABLE for _, record in records):
        records = None
    return Delivery(content, records)


def name_order(name: str) -> list[tuple[int, int]]:
    """Return what orders names: their bytes, and runs of digits as numbers in the place of the digit 0."""
    parts = re.findall(rb"[0-9]+|[^0-9]", name.encode())
    return [(ord("0"), int(part)) if part.isdigit() else (part[0], 0) for part in parts]


def _json_records(source: str, content: bytes) -> list[tuple[int, Any]] | None:
    decoder = json.JSONDecoder(parse_int=Number, parse_float=Number)

    def parsed(data: bytes) -> Any:
        return json.loads(data.decode(), parse_int=Number, parse_float=Number)

    if not content.strip():
        return None
    if content.lstrip().startswith(b"["):
        try:
            return list(enumerate(parsed(content), 1))
        except ValueError:
            return None
    if content.startswith(b'{"page": 1,'):
        try:
            found = parsed(content)[source]
        except ValueError:
            return None
        first = set(found[0]) if found and isinstance(found[0], dict) else set()
        is_ours = not found or 2 * len(first & REQUIRED[source]) > len(REQUIRED[source])
        return list(enumerate(found, 1)) if is_ours else None
    if content.startswith(b"{\n") or b"}{" in content.split(b"\n")[0]:
        values, text, at = [], content.decode(), 0
        while at < len(text):
            try:
                value, at = decoder.raw_decode(text, at)
            except ValueError:
                return None  # it is cut
            values.append(value)
            at += len(text[at:]) - len(text[at:].lstrip())
        return list(enumerate(values, 1))
    records: list[tuple[int, Any]] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            try:
                records.append((number, parsed(line)))
            except ValueError:
                records.append((number, UNREADABLE))
    return records


def _csv_records(content: bytes) -> list[tuple[int, Any]] | None:
    if not content.strip():
        return None
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16") if is_utf16 else content.decode("utf-8-sig", "surrogateescape")
    text = re.sub("\r+\n", "\n", text)
    delimiter = next(sign for sign in ",;\t|" if sign in text.split("\n")[0] or sign == "|")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    if not {"event_id", "event_type", "event_ts"} <= set(header) or len(set(header)) < len(header):
        return None
    records: list[tuple[int, Any]] = []
    begins = reader.line_num + 1
    for fields in reader:
        if fields:
            is_text = not any("\udc80" <= character <= "\udcff" for value in fields for character in value)
            fits = len(fields) == len(header) and is_text
            records.append((begins, dict(zip(header, fields, strict=True)) if fits else UNREADABLE))
        begins = reader.line_num + 1
    return records


# -- values ------------------------------------------------------------------------------------------


def text(value: Any) -> str | None:
    """Return a value as text, without the blanks around it; None if nothing is left."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).strip(BLANKS) or None


def number(value: str | None) -> Decimal | None:
    """Return a decimal number; None if it is none."""
    if value is None or len(value) > 40 or not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?", value):
        return None
    return Decimal(value)


def moment(value: str | None) -> datetime | None:
    """Return an ISO 8601 time or date; without an offset it is UTC. None if it is none."""
    if value is None or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?", value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


# -- cleaning ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrderLine:
    """A clean line of an order."""

    order_id: str
    line_number: int
    user_id: str | None
    product_id: str
    quantity: Decimal
    unit_price: Decimal
    order_ts: datetime
    status: str
    city: str | None
    signup_date: date | None
    marketing_source: str | None
    revenue: Decimal  # whatever the status, less discount; like all amounts but the last in the warehouse's currency
    discount: Decimal | None
    tax: Decimal | None
    shipping: Decimal | None
    refunded: Decimal | None
    currency: str | None
    revenue_in_currency: Decimal | None
    emptied: str | None  # what of it nobody can read, and which is left empty
    updated_at: datetime | None = None  # as the source says

    @property
    def key(self) -> tuple[str, int]:
        """What makes it one within a load."""
        return self.order_id, self.line_number

    @property
    def money(self) -> tuple[Any, ...]:
        """What stands between its price and its time in the facts."""
        return (
            self.revenue, self.discount, self.tax, self.shipping, self.refunded, self.currency,
            self.revenue_in_currency,
        )  # fmt: skip


@dataclass(frozen=True)
class Event:
    """A clean event."""

    event_id: str
    user_id: str | None
    product_id: str | None
    event_type: str
    event_ts: datetime

    @property
    def key(self) -> tuple[str, datetime]:
        """What makes it one, in all loads."""
        return self.event_id, self.event_ts


@dataclass(frozen=True)
class Product:
    """A product as a catalogue describes it."""

    product_id: str
    product_name: str | None
    category: str | None
    brand: str | None
    current_price: Decimal | None

    @property
    def key(self) -> str:
        """What makes it one within a catalogue."""
        return self.product_id

    @property
    def attributes(self) -> tuple[Any, ...]:
        """What makes a version."""
        return self.product_name, self.category, self.brand, self.current_price


@dataclass
class Line:
    """A line delivered: clean, or with what is wrong with it."""

    file_name: str
    place: int | None
    item: int | None = None
    identity: Any = None  # of the order, event or product that it reports; None if it cannot be told
    record_id: str | None = None
    problems: set[str] = field(default_factory=set)
    clean: Any = None
    updated_at: datetime | None = None  # of an order


@dataclass(frozen=True)
class Rejection:
    """A row of audit.bad_records."""

    file_name: str
    place: int | None
    item: int | None
    record_id: str | None
    reasons: frozenset[str]


@dataclass
class Staging:
    """What cleaning made of a source's deliveries of a day."""

    version: int = 0
    rows: dict[Any, Any] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    raw_count: int = 0
    delivered: int = 0
    duplicates: int = 0
    changed: int | None = None  # of the duplicates of orders, lines of reports with other lines than the last one
    is_dropped: bool = False  # by retention: the figures stay
    currencies: list[str] = field(default_factory=list)  # that its amounts are in

    @property
    def figures(self) -> tuple[int | None, ...]:
        """Records, lines, clean, duplicate, rejected, changed."""
        return self.raw_count, self.delivered, len(self.rows), self.duplicates, len(self.rejections), self.changed


@dataclass
class Loaded:
    """What of a day went through the gate last."""

    orders: dict[Any, OrderLine]
    events: dict[Any, Event]
    products: dict[Any, Product]
    sale_statuses: frozenset[str]


# -- rules -------------------------------------------------------------------------------------------


@dataclass
class Rule:
    """A quality rule: its measure gives failed rows, or with a bound a number for the day (None: it is silent)."""

    measure: Callable[["Model", date], Any]
    low: Fraction | None = None
    high: Fraction | None = None
    is_critical: bool = True
    is_enabled: bool = True

    def failed(self, model: "Model", day: date) -> int:
        """Return how many rows fail; 1 for a day that fails as a whole."""
        found = self.measure(model, day)
        if self.low is None and self.high is None:
            return int(found)
        if found is None:
            return 0
        return int((self.low is not None and found < self.low) or (self.high is not None and found > self.high))


def _count(source: str) -> Callable[["Model", date], Any]:
    return lambda model, day: Fraction(len(model.staging[source, day].rows))


def _rejected_share(source: str) -> Callable[["Model", date], Any]:
    def measure(model: "Model", day: date) -> Fraction | None:
        staged = model.staging.get((source, day), Staging())
        return Fraction(len(staged.rejections), staged.delivered) if staged.delivered else None

    return measure


def _changed_share(model: "Model", day: date) -> Fraction | None:
    staged = model.staging["orders", day]
    return Fraction(staged.changed or 0, staged.duplicates) if staged.duplicates else None


def _trend(source: str) -> Callable[["Model", date], Any]:
    def measure(model: "Model", day: date) -> Fraction | None:
        weeks = [model.staging.get((source, day - timedelta(7 * n))) for n in range(1, 5)]
        counts = [len(staged.rows) for staged in weeks if staged]
        usual = Fraction(median(counts)) if len(counts) == 4 else None
        return Fraction(len(model.staging[source, day].rows)) / usual if usual else None

    return measure


def _coverage(model: "Model", day: date) -> Fraction | None:
    lines = model.staging["orders", day].rows.values()
    known = {product for at, loaded in model.loaded.items() if at != day for product in loaded.products}
    known |= set(model.staging["products", day].rows) if ("products", day) in model.staging else set()
    return Fraction(sum(line.product_id not in known for line in lines), len(lines)) if lines else None


def _catalogue_age(model: "Model", day: date) -> Fraction | None:
    days = [at for (source, at), staged in model.staging.items() if source == "products" and staged.rows and at <= day]
    return Fraction((day - max(days)).days) if days else None


def _shrink(model: "Model", day: date) -> Fraction | None:
    days = sorted(at for source, at in model.staging if source == "products" and at <= day)
    if len(days) < 2 or days[-1] != day or not (before := len(model.staging["products", days[-2]].rows)):
        return None
    return 1 - Fraction(len(model.staging["products", day].rows), before)


def _unmapped(model: "Model", day: date) -> int:
    known = {canonical for (kind, _), canonical in model.codes.items() if kind == "event_type"}
    return sum(event.event_type not in known for event in model.staging["events", day].rows.values())


def _foreign(model: "Model", day: date) -> int:
    staged = model.staging["orders", day]
    others = set(staged.currencies[1:])
    return sum(line.currency in others for line in staged.rows.values())


def _odd_prices(model: "Model", day: date) -> int:
    return sum(_places(line.unit_price) > 6 for line in model.staging["orders", day].rows.values())


def _emptied(model: "Model", day: date) -> int:
    return sum(line.emptied is not None for line in model.staging["orders", day].rows.values())


def _nobody(source: str, name: str) -> Callable[["Model", date], Any]:
    """Rows of a day of which none has it, from a hundred rows on: what the soak delivers calls nothing otherwise."""

    def measure(model: "Model", day: date) -> Fraction:
        rows = model.staging[source, day].rows.values()
        lacks = len(rows) >= 100 and all(getattr(row, name) is None for row in rows)
        return Fraction(len(rows) if lacks else 0)

    return measure


def shipped_rules() -> dict[str, Rule]:
    """Return the rules as shipped, without those that cleaning has settled before (uniqueness, range, sums)."""
    return {
        "orders_volume": Rule(_count("orders"), low=Fraction(1)),
        "events_volume": Rule(_count("events"), low=Fraction(1)),
        "orders_volume_low": Rule(_count("orders"), low=Fraction(100), is_critical=False),
        "events_volume_low": Rule(_count("events"), low=Fraction(100), is_critical=False),
        "orders_volume_trend": Rule(_trend("orders"), Fraction(3, 10), Fraction(3), is_critical=False),
        "events_volume_trend": Rule(_trend("events"), Fraction(3, 10), Fraction(3), is_critical=False),
        "orders_rejected_share": Rule(_rejected_share("orders"), high=Fraction(1, 20), is_critical=False),
        "events_rejected_share": Rule(_rejected_share("events"), high=Fraction(1, 20), is_critical=False),
        "orders_rejected_share_max": Rule(_rejected_share("orders"), high=Fraction(1, 4)),
        "events_rejected_share_max": Rule(_rejected_share("events"), high=Fraction(1, 4)),
        "orders_changed_share": Rule(_changed_share, high=Fraction(1, 20), is_critical=False),
        "products_rejected_share": Rule(_rejected_share("products"), high=Fraction(1, 20), is_critical=False),
        "products_rejected_share_max": Rule(_rejected_share("products"), high=Fraction(1, 4)),
        "products_shrink": Rule(_shrink, high=Fraction(1, 2)),
        "products_coverage": Rule(_coverage, high=Fraction(1, 20), is_critical=False),
        "products_age": Rule(_catalogue_age, high=Fraction(14), is_critical=False),
        "events_unmapped_types": Rule(_unmapped, is_critical=False),
        "orders_currencies": Rule(_foreign),
        "orders_prices": Rule(_odd_prices, is_critical=False),
        "orders_emptied_values": Rule(_emptied, is_critical=False),
        "orders_without_users": Rule(_nobody("orders", "user_id"), high=Fraction(0), is_critical=False),
        "events_without_users": Rule(_nobody("events", "user_id"), high=Fraction(0), is_critical=False),
        "events_without_products": Rule(_nobody("events", "product_id"), high=Fraction(0), is_critical=False),
    }


# -- the warehouse -----------------------------------------------------------------------------------


class Model:
    """Raw, staging and what was loaded of each day; the tables follow from these."""

    def __init__(
        self, codes: Mapping[tuple[str, str], str], statuses: Mapping[str, bool], null_markers: Iterable[str]
    ) -> None:
        self.codes = dict(codes)
        self.null_markers = set(null_markers)
        self.statuses = dict(statuses)  # {status: whether it counts as a sale}
        self.rules = shipped_rules()
        self.oldest_order_days: int | None = 400
        self.currency: str | None = None  # of the warehouse
        self.rates: dict[tuple[str, date], Decimal] = {}  # {(currency, since when): what one of it is worth}
        self.takes_negative = False
        self.zone: tzinfo = UTC  # of the shop: where its day begins and ends
        self.is_partial = False  # setting partial_orders
        self.raw: dict[tuple[str, date], dict[str, list[Delivery]]] = defaultdict(lambda: defaultdict(list))
        self.staging: dict[tuple[str, date], Staging] = {}
        self.loaded: dict[date, Loaded] = {}
        self.calendar: set[int] = set()  # years
        self.status: dict[date, str] = {}
        self.allowed: set[tuple[date, tuple[int, ...]]] = set()
        self.failed_rows: dict[date, int | None] = {}  # None: it depends on what ran beside it
        self.erased: set[str] = set()  # user_ids of people who were erased
        self._versions = 0

    # -- what is done to it --------------------------------------------------------------------------

    def deliver(self, source: str, day: date, files: Mapping[str, bytes]) -> None:
        """A landing zone is extracted. The same bytes as those in force, or as those refused last, change nothing."""
        for name, content in files.items():
            earlier = self.raw[source, day][name]
            taken = [delivery for delivery in earlier if delivery.records is not None]
            known = {id(delivery): delivery for delivery in (*taken[-1:], *earlier[-1:])}.values()
            if not any(delivery.content == content and not delivery.is_gone for delivery in known):
                earlier.append(read(source, name, content))
                for user_id in sorted(self.erased):
                    self._take_out(earlier[-1], user_id, None)

    def erase(self, user_id: str, pseudonym: str) -> None:
        """A person is erased: their rows get the pseudonym, and nothing describes them. Later ones are a guest's."""
        for names in self.raw.values():
            for delivery in (delivery for deliveries in names.values() for delivery in deliveries):
                self._take_out(delivery, user_id, pseudonym)
        self.erased.add(user_id)
        tables = [staged.rows for staged in self.staging.values()]
        tables += [rows for loaded in self.loaded.values() for rows in (loaded.orders, loaded.events)]
        for rows in tables:
            for key, row in rows.items():
                if getattr(row, "user_id", None) == user_id:
                    nothing = dict.fromkeys(DESCRIBED) if isinstance(row, OrderLine) else {}
                    rows[key] = replace(row, user_id=pseudonym, **nothing)

    def _take_out(self, delivery: Delivery, user_id: str, pseudonym: str | None) -> None:
        def without(record: Any) -> Any:
            # Whether it is a null marker meanwhile, which may change again, makes no difference.
            said = record.get("user_id") if isinstance(record, dict) else None
            is_theirs = not isinstance(said, dict | list) and text(said) == user_id
            return record | {"user_id": pseudonym, ERASED: True} if is_theirs else record

        if delivery.records is not None:
            delivery.records = [(place, without(record)) for place, record in delivery.records]

    def run_day(self, day: date, *, is_certain: bool = True) -> str | None:
        """A day is run. Return the SQLSTATE that it ends with; None if it succeeds.

        Not `is_certain`: other days ran at the same time, or a part of it before; rules that look at other days
        may then find one thing or another.
        """
        for source in SOURCES:
            if not self._clean(source, day):
                self.status[day] = "failed"
                return GONE
        failed = {name: rule.failed(self, day) for name, rule in self.rules.items() if rule.is_enabled}
        self.failed_rows[day] = sum(failed.values()) if is_certain else None
        versions = self._staging_of(day)
        passed = not any(count and self.rules[name].is_critical for name, count in failed.items())
        passed = passed or (day, versions) in self.allowed
        if not passed:
            self.status[day] = "blocked"
            return BLOCKED
        products = self.staging.get(("products", day), Staging())
        self.loaded[day] = Loaded(
            orders=self.staging["orders", day].rows,
            events=self.staging["events", day].rows,
            products=products.rows,
            sale_statuses=frozenset(status for status, is_sale in self.statuses.items() if is_sale),
        )
        self.calendar |= set(range(self._oldest(day).year, day.year + 1))
        self.status[day] = "succeeded"
        return None

    def days_in_raw(self, first: date, last: date) -> list[date]:
        """Return the days that a range runs: those of which anything was ever delivered, refused files too."""
        return sorted({day for (_, day), names in self.raw.items() if first <= day <= last and any(names.values())})

    def allow_day(self, day: date) -> None:
        """The blocked staging of a day is let through: this one, and no other."""
        self.allowed.add((day, self._staging_of(day)))

    def change_zone(self, zone: tzinfo) -> str | None:
        """The shop's day becomes another: what follows from raw goes. Refused if the raw of a day is gone."""
        if zone == self.zone:
            return None
        if any(delivery.is_gone for key in self.staging for _, delivery in self.in_force(*key)):
            return GONE
        self.zone = zone
        for kept in (self.staging, self.loaded, self.status, self.failed_rows):
            kept.clear()
        return None

    def retain(self, before: date, raw_keep_days: int | None, staging_keep_days: int | None) -> None:
        """Compaction drops what is old enough: raw by the month; staging by the month, in an open month by the day."""
        for (_, day), names in self.raw.items():
            if raw_keep_days is not None and _end_of_month(day) <= before - timedelta(raw_keep_days):
                for delivery in (one for deliveries in names.values() for one in deliveries):
                    delivery.is_gone = bool(delivery.records)
        for (_, day), staged in self.staging.items():
            end = _end_of_month(day) if _end_of_month(day) <= before else day + timedelta(1)
            if staging_keep_days is not None and end <= before - timedelta(staging_keep_days):
                staged.is_dropped = bool(staged.rows)

    # -- cleaning ------------------------------------------------------------------------------------

    def in_force(self, source: str, day: date) -> list[tuple[str, Delivery]]:
        """Return of each name the last delivery that was taken, else the last one; in the order of the names."""
        names = self.raw.get((source, day), {})
        chosen = {}
        for name, deliveries in names.items():
            if deliveries:
                taken = [delivery for delivery in deliveries if delivery.records is not None]
                chosen[name] = (taken or deliveries)[-1]
        return sorted(chosen.items(), key=lambda pair: name_order(pair[0]))

    def _clean(self, source: str, day: date) -> bool:
        """Clean a source of a day. Return whether raw still holds it."""
        files = self.in_force(source, day)
        if any(delivery.is_gone for _, delivery in files):
            return False
        if source == "products" and not files:
            return True  # a day without a catalogue is not a day with an empty one
        made = Staging()
        lines: list[Line] = []
        for name, delivery in files:
            if delivery.records is None:
                made.rejections.append(Rejection(name, None, None, None, frozenset([REFUSED])))
            for place, record in delivery.records or ():
                if record is UNREADABLE:
                    made.rejections.append(Rejection(name, place, None, None, frozenset([UNREADABLE])))
                else:
                    lines.extend(self._lines(source, day, name, place, record))
            made.raw_count += delivery.raw_count
        made.delivered = len(lines) + len(made.rejections)

        # The last report wins, whole: by updated_at, then by the file's name, then by place.
        last: dict[Any, tuple[datetime, tuple[str, int | None]]] = {}
        for line in lines:
            version = line.updated_at or end_of(day, self.zone)
            if line.identity not in last or version >= last[line.identity][0]:
                last[line.identity] = version, (line.file_name, line.place)
        conflicts = _fall(lines, last, made, is_partial=self.is_partial) if source == "orders" else set()
        for line in lines:
            report = (line.file_name, line.place)
            if line.identity is not None and last[line.identity][1] != report and report not in conflicts:
                made.duplicates += 1
            elif line.problems:
                made.rejections.append(
                    Rejection(line.file_name, line.place, line.item, line.record_id, frozenset(line.problems))
                )
            else:
                made.rows[line.clean.key] = line.clean

        if source == "orders":
            named = {line.currency for line in made.rows.values() if line.currency is not None}
            made.currencies = [self.currency] if self.currency else sorted(named)
        old = self.staging.get((source, day), Staging())
        if old.version and (made.rows, made.figures, made.currencies) == (
            {} if old.is_dropped else old.rows, old.figures, old.currencies
        ):  # fmt: skip
            made.version = old.version
        else:
            self._versions += 1
            made.version = self._versions
        self.staging[source, day] = made
        return True

    def _lines(self, source: str, day: date, name: str, place: int, record: Any) -> Iterator[Line]:
        if source == "orders":
            yield from self._order_lines(day, name, place, record)
        elif source == "events":
            yield self._event_line(day, name, place, record)
        else:
            yield self._product_line(name, place, record)

    def _oldest(self, day: date) -> date:
        return day - timedelta(36525 if self.oldest_order_days is None else self.oldest_order_days)

    def _order_lines(self, day: date, name: str, place: int, record: Any) -> Iterator[Line]:
        unreadable = _not_an_object(record)
        if unreadable:
            yield Line(name, place, 1, problems=unreadable)
            return
        order_id, _ = self._identity(record.get("order_id"), "order_id")
        items = record.get("items")
        if items is None:
            yield self._order_line(day, Line(name, place, 1, order_id, order_id), record, record)
        elif not isinstance(items, list) or not items:
            yield self._order_line(day, Line(name, place, 1, order_id, order_id), record, NO_ITEMS)
        else:
            for item_number, item in enumerate(items, 1):
                yield self._order_line(day, Line(name, place, item_number, order_id, order_id), record, item)

    def _order_line(self, day: date, line: Line, order: dict[str, Any], item: Any) -> Line:
        """Judge one line of an order. `item` is the order itself in the flat shape."""
        problems = line.problems
        order_id, faults = self._identity(order.get("order_id"), "order_id", is_needed=True)
        problems |= faults
        user_id, faults = self._identity(order.get("user_id"), "user_id")
        problems |= faults

        product_id = quantity = price = None
        sums: dict[str, Fraction | None] = {}
        if item is NO_ITEMS:
            problems.add("items is not a list with at least one item")
        elif not isinstance(item, dict):
            problems.add("the item is not a JSON object")
        else:
            product_id, faults = self._identity(item.get("product_id"), "product_id", is_needed=True)
            problems |= faults
            quantity, price = text(item.get("quantity")), text(item.get("price"))
            found = number(quantity)
            if quantity is None:
                problems.add("quantity is missing")
            elif found is None or found == 0 or (found < 0 and not self.takes_negative):
                problems.add(f"quantity is not a number {'other than' if self.takes_negative else 'above'} 0")
            if found is not None and abs(found) > 2**31 - 1:
                problems.add("quantity is above 2,147,483,647")
            sums, faults = self._sums(order, item)
            problems |= faults

        placed = text(order.get("timestamp"))
        problems |= self._time_problems("timestamp", placed, day)
        updated = text(order.get("updated_at"))
        line.updated_at = moment(updated)
        if updated is not None and line.updated_at is None:
            problems.add("updated_at is not an ISO 8601 time")
        elif line.updated_at is not None and line.updated_at > end_of(day, self.zone) + timedelta(1):
            problems.add("updated_at is more than a day after the day of the delivery")
            line.updated_at = None
        spelling = text(order.get("status"))
        status = self.codes.get(("order_status", (spelling or "").lower()))
        if spelling is None:
            problems.add("status is missing")
        elif status not in self.statuses:
            problems.add("status is not in staging.codes, or its code is not in warehouse.order_statuses")

        at = moment(placed)
        currency, rate, faults = self._currency(order, day, at)
        problems |= faults | self._order_money_problems(order)

        # What only describes the customer costs no money: nobody can read it, and it is left empty.
        person = order.get("user")
        beside = person if isinstance(person, dict) else {}
        said, emptied = {}, []
        for name in DESCRIBED:
            value = order.get(name) if beside.get(name) is None else beside[name]
            said[name] = self._unless_null(text(value))
            is_odd = said[name] is not None and moment(said[name]) is None
            if is_odd if name == "signup_date" else isinstance(value, dict | list):
                said[name] = None
                emptied.append(name)
        if ERASED in order:
            said = dict.fromkeys(said)  # what nobody could read stays counted
        if person is not None and not isinstance(person, dict):
            emptied.append("user")

        if not problems:
            signup = moment(said["signup_date"])
            if item is not order:
                self._add_shares(sums, order, line.item)
            pieces, cost, off = Fraction(number(quantity)), sums.pop("cost"), sums["discount"] or 0
            total, one = number(text(item.get("line_total"))), number(price)
            each = Fraction(one) if total is None else cost / pieces
            if total is not None or rate is not None:
                each = _rounded(each * (rate or 1), max(6, 0 if total is None else _written_places(total)))
            home = {
                name: None if amount is None else amount * (rate or 1)
                for name, amount in {"revenue": cost - off, **sums}.items()
            }
            line.clean = OrderLine(
                order_id, line.item, user_id, product_id, number(quantity), _decimal(each),
                at, status, said["city"], signup and signup.date(), said["marketing_source"],
                **{name: None if amount is None else _decimal(amount) for name, amount in home.items()},
                currency=currency, revenue_in_currency=None if currency is None else _decimal(cost - off),
                emptied=",".join(emptied) or None, updated_at=line.updated_at,
            )  # fmt: skip
        return line

    def _sums(self, order: dict[str, Any], item: dict[str, Any]) -> tuple[dict[str, Fraction | None], set[str]]:
        """Return what a line costs and what it says of itself beside that, and what is wrong with it.

        Its shares of the order's amounts are not in it yet; in the flat shape there are none.
        """
        faults: set[str] = set()
        if text(item.get("line_total")) is None:
            faults |= {"price is missing"} if text(item.get("price")) is None else set()
            faults |= _money_problem(item, "price", is_signed=self.takes_negative)
        faults |= _money_problem(item, "line_total", is_signed=self.takes_negative)
        cost = _cost(item)
        is_return = self.takes_negative and cost is not None and cost < 0
        faults |= _money_problem(item, "discount", is_signed=is_return)
        faults |= _money_problem(item, "tax", is_signed=self.takes_negative)
        sums = {"cost": cost, **{name: _amount(item, name) for name in ("discount", "tax")}}
        sums |= {name: _amount(order, name) if item is order else None for name in ("shipping", "refunded")}
        off, spare = sums["discount"], Fraction(0)
        if item is not order and (shared := _amount(order, "discount")) is not None:
            digits = _digits(self._named_currency(order))
            share = _shares(shared, order["items"], digits)
            place = next(n for n, other in enumerate(order["items"]) if other is item)
            # Of half a cent, the last cent of a share may take more than there is.
            if cost is not None and ((cost - (off or 0)) * 10**digits).denominator != 1:
                spare = Fraction(1, 10**digits)
            off = (off or 0) + share[place]
        if cost is not None and off is not None and abs(off) > abs(cost) and (not spare or off - spare >= abs(cost)):
            faults.add("the discounts are more than the line costs")
        return sums, faults

    def _add_shares(self, sums: dict[str, Fraction | None], order: dict[str, Any], number_of_line: int) -> None:
        """What an order says of itself is its lines': to each its share."""
        digits = _digits(self._named_currency(order))
        for name in ("discount", "tax", "shipping", "refunded"):
            whole = _amount(order, name)
            if whole is not None:
                sums[name] = (sums[name] or 0) + _shares(whole, order["items"], digits)[number_of_line - 1]

    def _order_money_problems(self, order: dict[str, Any]) -> set[str]:
        """Return the first thing wrong with the amounts of a whole order; in the flat shape two are its line's."""
        names = ("discount", "tax", "shipping", "refunded")[2 if order.get("items") is None else 0 :]
        return next((faults for name in names if (faults := _money_problem(order, name))), set())

    def _named_currency(self, order: dict[str, Any]) -> str | None:
        named = text(order.get("currency"))
        return self.currency if named is None else _capitals(named)

    def _currency(
        self, order: dict[str, Any], day: date, at: datetime | None
    ) -> tuple[str | None, Fraction | None, set[str]]:
        """Return an order's currency, the rate of its day if it is another than the warehouse's, and what is wrong."""
        currency, rate, faults = self._named_currency(order), None, set()
        if currency is not None and not re.fullmatch("[A-Z0-9_-]{1,20}", currency):
            faults.add("currency is not the code of one")
        if self.currency is not None and currency != self.currency and at is not None:
            placed_on = at.astimezone(self.zone).date()
            held = {since: rate for (of, since), rate in self.rates.items() if of == currency and since <= placed_on}
            rate = Fraction(held[max(held)]) if held else None
            if rate is None and self._oldest(day) <= placed_on <= day:
                faults.add("currency has no rate in warehouse.exchange_rates for the day of the order")
        return currency, rate, faults

    def _event_line(self, day: date, name: str, place: int, record: dict[str, str]) -> Line:
        event_id, problems = self._identity(record.get("event_id"), "event_id", is_needed=True)
        user_id, faults = self._identity(record.get("user_id"), "user_id")
        problems |= faults
        product_id, faults = self._identity(record.get("product_id"), "product_id")
        problems |= faults
        spelling, happened = text(record.get("event_type")), text(record.get("event_ts"))
        if spelling is None:
            problems.add("event_type is missing")
        problems |= self._time_problems("event_ts", happened, day)
        at = moment(happened)
        line = Line(name, place, record_id=event_id, problems=problems)
        line.identity = (event_id, at) if event_id is not None and at is not None else None
        if not problems:
            kind = self.codes.get(("event_type", spelling.lower()), spelling.lower())
            line.clean = Event(event_id, user_id, product_id, kind, at)
        return line

    def _time_problems(self, name: str, value: str | None, day: date) -> set[str]:
        at = moment(value)
        if value is None:
            return {f"{name} is missing"}
        if at is None:
            return {f"{name} is not an ISO 8601 time{_since_1970(value)}"}
        if at.astimezone(self.zone).date() > day:
            return {f"{name} is after the day of the delivery"}
        if at.astimezone(self.zone).date() < self._oldest(day):
            return {f"{name} is older than oldest_order_days"}
        return set()

    def _product_line(self, name: str, place: int, record: Any) -> Line:
        unreadable = _not_an_object(record)
        if unreadable:
            return Line(name, place, problems=unreadable)
        product_id, problems = self._identity(record.get("product_id"), "product_id", is_needed=True)
        price = self._unless_null(text(record.get("current_price")))
        found = number(price)
        if price is not None and (found is None or found < 0):
            problems.add("current_price is not a number of at least 0")
        elif found is not None and found >= Decimal(10) ** 15:
            problems.add("current_price is not below 1e15")
        line = Line(name, place, identity=product_id, record_id=product_id, problems=problems)
        if not problems:
            described = (
                self._unless_null(text(record.get(column))) for column in ("product_name", "category", "brand")
            )
            line.clean = Product(product_id, *described, found)
        return line

    def _unless_null(self, value: str | None) -> str | None:
        return None if value is not None and _lower(value) in self.null_markers else value

    def _identity(self, value: Any, name: str, *, is_needed: bool = False) -> tuple[str | None, set[str]]:
        """Return an id, and what is wrong with it; one that is wrong, or a null marker, identifies nothing."""
        if isinstance(value, dict | list):
            return None, {f"{name} is not a plain value"}
        found = text(value)
        if found is None:
            return None, {f"{name} is missing"} if is_needed else set()
        if self._unless_null(found) is None:
            return None, {f"{name} is missing: its value is a null marker"} if is_needed else set()
        if len(found.encode()) > 512:
            return None, {f"{name} is longer than 512 bytes"}
        return found, set()

    def _staging_of(self, day: date) -> tuple[int, ...]:
        return tuple(self.staging.get((source, day), Staging()).version for source in SOURCES)

    # -- what the tables must hold -------------------------------------------------------------------

    def date_id(self, at: datetime) -> int:
        """Return the shop's day of a moment as dim_date counts it."""
        day = at.astimezone(self.zone)
        return day.year * 10000 + day.month * 100 + day.day

    def order_owners(self) -> dict[str, date]:
        """Return whose lines of each order are in force: by updated_at (or the end of the day), then by day."""
        ranks: dict[str, tuple[datetime, date]] = {}
        for day, loaded in self.loaded.items():
            for line in loaded.orders.values():
                rank = (line.updated_at or end_of(day, self.zone), day)
                ranks[line.order_id] = max(rank, ranks.get(line.order_id, rank))
        return {order_id: day for order_id, (_, day) in ranks.items()}

    def event_owners(self) -> dict[tuple[str, datetime], date]:
        """Return the last load of each event."""
        return {key: day for day in sorted(self.loaded) for key in self.loaded[day].events}

    def owned_versions(self) -> Counter[tuple[Any, ...]]:
        """Return the rows of order_owners: order, load and updated_at."""
        owners = self.order_owners()
        versions = {
            line.order_id: line.updated_at
            for day, loaded in self.loaded.items() for line in loaded.orders.values() if owners[line.order_id] == day
        }  # fmt: skip
        return Counter((order_id, day, versions[order_id]) for order_id, day in owners.items())

    def order_facts(self) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
        """Return the rows of fact_orders, and those that other loads superseded."""
        owners = self.order_owners()
        facts, superseded = Counter(), Counter()
        for day, loaded in self.loaded.items():
            for line in loaded.orders.values():
                row = (
                    line.order_id, line.line_number, line.user_id or GUEST, line.product_id,
                    self.date_id(line.order_ts), line.quantity, line.unit_price, *line.money, line.order_ts,
                    line.updated_at, line.status, day,
                )  # fmt: skip
                (facts if owners[line.order_id] == day else superseded)[row] += 1
        return facts, superseded

    def event_facts(self) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
        """Return the rows of fact_events, and those that later loads superseded."""
        owners = self.event_owners()
        facts, superseded = Counter(), Counter()
        for day, loaded in self.loaded.items():
            for event in loaded.events.values():
                row = (
                    event.event_id, event.user_id or GUEST, event.product_id or NO_PRODUCT,
                    self.date_id(event.event_ts), event.event_type, event.event_ts, day,
                )  # fmt: skip
                (facts if owners[event.key] == day else superseded)[row] += 1
        return facts, superseded

    def users(self) -> Counter[tuple[Any, ...]]:
        """Return dim_user: attributes of the last order that carries any, and when the user was seen."""
        seen: dict[str, list[datetime]] = defaultdict(list)
        described: dict[str, tuple[Any, ...]] = {}
        for day, loaded in self.loaded.items():
            for line in loaded.orders.values():
                seen[line.user_id or GUEST].append(line.order_ts)
                attributes = (line.city, line.signup_date, line.marketing_source)
                if line.user_id and any(value is not None for value in attributes):
                    told = (line.order_ts, day, line.order_id.encode(), attributes)
                    if line.user_id not in described or told[:3] > described[line.user_id][:3]:
                        described[line.user_id] = told
            for event in loaded.events.values():
                seen[event.user_id or GUEST].append(event.event_ts)
        seen[GUEST] = seen[GUEST] or [None]  # always there
        return Counter(
            (user, *described.get(user, (None,) * 3 + ((None,) * 3,))[3], min(times), max(times), user not in described)
            for user, times in seen.items()
        )

    def product_versions(self) -> dict[str, list[tuple[date, tuple[Any, ...]]]]:
        """Return of each product described when it changed, and to what. To be left out of a catalogue says nothing."""
        versions: dict[str, list[tuple[date, tuple[Any, ...]]]] = defaultdict(list)
        for day in sorted(self.loaded):
            for product in self.loaded[day].products.values():
                known = versions[product.product_id]
                if not known or known[-1][1] != product.attributes:
                    known.append((day, product.attributes))
        return versions

    def product_history(self) -> Counter[tuple[Any, ...]]:
        """Return dim_product_history."""
        rows = Counter()
        for product, versions in self.product_versions().items():
            ends = [since for since, _ in versions[1:]] + [None]
            for (since, attributes), until in zip(versions, ends, strict=True):
                rows[product, *attributes, since, until] += 1
        return rows

    def products(self) -> Counter[tuple[Any, ...]]:
        """Return dim_product: each product that was ever mentioned, as its last catalogue describes it."""
        versions = self.product_versions()
        mentioned = {NO_PRODUCT} | set(versions)
        for loaded in self.loaded.values():
            mentioned |= {line.product_id for line in loaded.orders.values()}
            mentioned |= {event.product_id or NO_PRODUCT for event in loaded.events.values()}
        rows = Counter()
        for product in mentioned:
            since, attributes = versions[product][-1] if product in versions else (None, (None,) * 4)
            rows[product, *attributes, since, since is None] += 1
        return rows

    def dates(self) -> set[date]:
        """Return the days of dim_date: whole years."""
        firsts = [date(year, 1, 1) for year in self.calendar]
        return {first + timedelta(n) for first in firsts for n in range((date(first.year + 1, 1, 1) - first).days)}

    def rejections(self) -> Counter[tuple[date, str, Rejection]]:
        """Return audit.bad_records."""
        return Counter(
            (day, RAW_TABLES[source], rejection)
            for (source, day), staged in self.staging.items()
            for rejection in staged.rejections
        )

    def metrics(self) -> dict[date, tuple[Any, ...]]:
        """Return daily_metrics; the last figure is dq_failed_count, None where it is not certain."""
        order_facts, superseded_orders = self.order_facts()
        event_facts, superseded_events = self.event_facts()
        counts = [_per_day(rows) for rows in (order_facts, event_facts, superseded_orders, superseded_events)]
        revenue: dict[date, Decimal] = defaultdict(Decimal)
        net_revenue: dict[date, Decimal] = defaultdict(Decimal)
        amounts: dict[date, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)  # discount, tax, shipping, refunded
        with localcontext(prec=400):  # to the last digit, as numeric has it
            for row in order_facts:
                day, status = row[-1], row[-2]
                revenue[day] += row[7]
                amounts[day] = [known + (more or 0) for known, more in zip(amounts[day], row[8:12], strict=True)]
                if status in self.loaded[day].sale_statuses:
                    net_revenue[day] += row[7] - (row[11] or 0)
        rows = {}
        for day, status in self.status.items():
            orders, events = (self.staging.get((source, day), Staging()).figures for source in ("orders", "events"))
            sales = sorted(self.loaded[day].sale_statuses) if day in self.loaded else []
            rows[day] = (
                status, orders[0], orders[1], events[1], orders[2], events[2], orders[3], events[3], orders[4],
                events[4], *(count[day] for count in counts), revenue[day], net_revenue[day], *amounts[day], sales,
                self.failed_rows.get(day, 0),
            )  # fmt: skip
        return rows


def _per_day(rows: Iterable[tuple[Any, ...]]) -> Counter[date]:
    return Counter(row[-1] for row in rows)


def end_of(day: date, zone: tzinfo) -> datetime:
    """Return the moment at which a day of the shop ends."""
    after = day + timedelta(1)
    return datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)


def _fall(lines: Iterable[Line], last: Mapping[Any, Any], made: Staging, *, is_partial: bool) -> set[Any]:
    """Give lines of orders that are rejected whole their reasons, count what changed, return reports in conflict."""
    # {(order, file): {report: lines}}
    reports: dict[Any, dict[Any, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        key = ("no order", line.file_name, line.place) if line.identity is None else (line.identity, line.file_name)
        reports[key][line.file_name, line.place].append(line)

    def content(report: list[Line]) -> Counter[Any]:
        told = (line.clean for line in report)
        return Counter(
            c and (c.product_id, c.quantity, c.unit_price, c.revenue, c.tax, c.shipping, c.refunded, c.currency)
            for c in told
        )

    conflicts = set()
    for group in reports.values():
        told = [(report, clean[0]) for report in group.values() if (clean := [n.clean for n in report if n.clean])]
        versions: dict[Any, list[Counter[Any]]] = defaultdict(list)
        for report, head in told:
            versions[head.order_ts, head.status, head.updated_at].append(content(report))
        if len({head.user_id for _, head in told if head.user_id is not None}) > 1:
            reason = CUSTOMERS
        elif any(one != same[0] for same in versions.values() for one in same):
            reason = OTHER_LINES
        else:
            continue
        conflicts |= set(group)
        for line in (line for report in group.values() for line in report):
            line.problems.add(reason)
    counting = {
        identity: content(reports[identity, place[0]][place])
        for identity, (_, place) in last.items() if identity is not None
    }  # fmt: skip
    made.changed = 0
    for group in reports.values():
        for place, report in group.items():
            identity = report[0].identity
            if place not in conflicts and identity is not None and content(report) != counting[identity]:
                made.changed += len(report)
            bad = next((line for line in report if line.problems), None)
            if bad and place not in conflicts and not is_partial and not all(line.problems for line in report):
                first = min(bad.problems, key=lambda reason: [reason.startswith(n) for n in LINE_PROBLEMS].index(True))
                for line in report:
                    if not line.problems:
                        line.problems.add(f"line {bad.item} of the order is rejected: {first}")
    return conflicts


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(31)).replace(day=1)


def _not_an_object(record: Any) -> set[str]:
    if not isinstance(record, dict):
        return {"the record is not a JSON object"}
    if any("\0" in value or any("\ud800" <= c <= "\udfff" for c in value) for value in _strings(record)):
        return {"the record holds \\u0000 or half a surrogate pair, which no text can hold"}
    return set()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)


# -- money -------------------------------------------------------------------------------------------

PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def _digits(currency: str | None) -> int:
    """Return the decimal places of a currency (ISO 4217)."""
    return next((places for places, codes in PLACES.items() if currency in codes.split()), 2)


def _capitals(value: str) -> str:
    """Return a text with a to z in upper case, and no other letter changed."""
    return "".join(sign.upper() if "a" <= sign <= "z" else sign for sign in value)


def _decimal(value: Fraction) -> Decimal:
    """Return a number whose decimal places end."""
    with localcontext() as context:
        context.prec = 400
        return Decimal(value.numerator) / Decimal(value.denominator)


def _written_places(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def _places(value: Decimal) -> int:
    """Return how many decimal places a number needs."""
    places = 0
    while (Fraction(value) * 10**places).denominator != 1:
        places += 1
    return places


def _rounded(value: Fraction, places: int) -> Fraction:
    """Round half away from zero."""
    parts = abs(value) * 10**places
    whole = (2 * parts.numerator + parts.denominator) // (2 * parts.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**places)


def _amount(said: Any, name: str) -> Fraction | None:
    found = number(text(said.get(name))) if isinstance(said, dict) else None
    return None if found is None else Fraction(found)


def _money_problem(said: dict[str, Any], name: str, *, is_signed: bool = False) -> set[str]:
    value = text(said.get(name))
    if value is None:
        return set()
    found = number(value)
    if found is None or (found < 0 and not is_signed):
        return {f"{name} is not a number" + ("" if is_signed else " of at least 0")}
    return {f"{name} is not below 1e15"} if abs(found) >= 10**15 else set()


def _cost(item: Any) -> Fraction | None:
    """Return what a line costs before any discount: the source's own sum, else pieces times price."""
    total, pieces, price = (_amount(item, name) for name in ("line_total", "quantity", "price"))
    return total if total is not None else None if pieces is None or price is None else pieces * price


def _shares(whole: Fraction, items: Sequence[Any], digits: int) -> list[Fraction]:
    """Share an amount by what items cost, in whole smallest parts; what is left goes where most of one was cut off."""
    digits = max(digits, _places(_decimal(whole)))
    costs = [max(Fraction(0), (_cost(item) or 0) - (_amount(item, "discount") or 0)) for item in items]
    costs = costs if any(costs) else [Fraction(1)] * len(items)
    due = [whole * 10**digits * cost / sum(costs) for cost in costs]
    parts = [int(one) for one in due]
    waiting = sorted(range(len(due)), key=lambda n: (parts[n] - due[n], n))
    for n in waiting[: max(0, int(whole * 10**digits) - sum(parts))]:
        parts[n] += 1
    return [Fraction(part, 10**digits) for part in parts]


def _lower(value: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in value)


def _since_1970(value: str) -> str:
    """Return what to say of a number that looks like a time since 1970."""
    units = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}
    found = re.fullmatch(r"([1-9][0-9]*)(\.[0-9]+)?", value) if len(value) <= 40 else None
    unit = units.get(len(found[1])) if found else None
    return f": it looks like {unit} since 1970" if unit else ""
