"""Makes deliveries from a seed, fast: numpy builds blocks of text as matrices of bytes.

    python -m bench.data FOLDER --day 2025-12-19 --orders 100000 --events 500000

Every value is a hash of (seed, day, number of the row, what it is): so an order that is reported again, or a file that
differs from another in one row of a hundred, comes out by asking for the same numbers again.

A day has, besides what is its own: orders that are reported again later in the file (0.5 %) or were placed up to thirty
days ago (1 %), repeated (0.3 %) and late (1 %) events, and dirt (about 0.3 %). Users and products are
drawn by Zipf's law. Order ids are in order, event ids are random UUIDs (`--ids uuid`, `--ids ordered`: all of a kind).
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

EPOCH = date(2020, 1, 1)
BLOCK_ROWS = 100_000
LATE_DAYS = 30
MOST_ITEMS = 5
SPARE_BYTES = 24  # room in a row for dirt that is longer than what it replaces

CITIES = ("Berlin", "Hamburg", "München", "Köln", "Wien", "Zürich", "Oslo", "Lyon", "Gdańsk", "Porto", "Cork")
MARKETING = ("ads", "search", "newsletter", "friends", "direct")
STATUSES = ("paid",) * 7 + ("shipped",) * 4 + ("Completed",) * 3 + ("pending", "canceled", "refunded")
LATER_STATUSES = ("shipped", "delivered", "delivered", "completed", "cancelled", "returned")
EVENT_TYPES = (
    ("page_view",) * 6 + ("view_item",) * 5 + ("search",) * 2 + ("add_to_cart",) * 2 + ("checkout", "purchase")
)
CATEGORIES = ("Kitchen", "Home", "Garden", "Office", "Toys", "Sport", "Books", "Music")
BRANDS = ("Acme", "Nordlys", "Kiebitz", "Tamarind", "Foxglove", "Quarry")

# What is replaced in the text of a row, and by what. Rows that `json` or COPY do not take come last.
UNKNOWN_STATUS = (b'"status": "', b'"status": "on-hold ')
ORDER_DIRT = (
    (b'"quantity": ', b'"quantity": -'),
    (b'"price": ', b'"price": "12,5", "was": '),
    (b'"product_id"', b'"sku"'),
    UNKNOWN_STATUS,
    (b'"timestamp": "', b'"timestamp": "about '),
)
EVENT_DIRT = ((b"T", b" at "), (b",20", b",29"))
UNREADABLE = {"orders": 0.00002, "events": 0.000005}
DIRTY = {"orders": 0.003, "events": 0.002}

Matrix = np.ndarray
Vector = np.ndarray


@dataclass(frozen=True)
class Shop:
    """A shop by its size: so many orders and events a day, of users and products that are in proportion."""

    orders: int
    events: int
    seed: int = 1
    ids: str = "mixed"

    @cached_property
    def users(self) -> int:
        return max(1_000, self.orders * 2 // 5)

    @cached_property
    def products(self) -> int:
        return min(max(500, self.orders // 50), 20_000)

    @cached_property
    def _user_shares(self) -> Vector:
        return _zipf(self.users, 0.8)

    @cached_property
    def _product_shares(self) -> Vector:
        return _zipf(self.products, 1.0)

    def noise(self, what: str, days: Vector, rows: Vector) -> Vector:
        """Return a number between 0 and 1 for each row: a hash (splitmix64) of seed, what, day and row."""
        return (self.bits(what, days, rows) >> np.uint64(11)).astype(np.float64) / float(1 << 53)

    def bits(self, what: str, days: Vector, rows: Vector) -> Vector:
        """Return 64 bits for each row."""
        seed = self.seed * 0x9E3779B97F4A7C15 % (1 << 64)
        salt = np.uint64(int.from_bytes(what.encode()[:8].ljust(8, b"."), "big") ^ seed)
        mixed = (days.astype(np.uint64) << np.uint64(40)) + rows.astype(np.uint64)
        for _ in range(2):
            mixed = (mixed ^ salt) + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed ^= mixed >> np.uint64(31)
        return mixed

    def pick_users(self, what: str, days: Vector, rows: Vector) -> Vector:
        """Return a user for each row: few come often, most seldom; every day some are new."""
        ranks = np.searchsorted(self._user_shares, self.noise(what, days, rows))
        return ranks + (days // 7) * (self.users // 200)

    def pick_products(self, what: str, days: Vector, rows: Vector) -> Vector:
        """Return a product for each row; numbers have nothing to do with how well a product sells."""
        ranks = np.searchsorted(self._product_shares, self.noise(what, days, rows))
        return ranks * 7919 % self.products

    def prices(self, products: Vector) -> Vector:
        """Return prices in cents."""
        return 99 + (products.astype(np.uint64) * np.uint64(2654435761) % np.uint64(30_000)).astype(np.int64)


# -- blocks of text ----------------------------------------------------------------------------------
#
# A row of a matrix is a row of the file; zero bytes are left out when it is written.


def _zipf(size: int, exponent: float) -> Vector:
    shares = np.cumsum(1 / (np.arange(size) + 10.0) ** exponent)
    return shares / shares[-1]


def _words(words: Iterable[str]) -> Matrix:
    encoded = [word.encode() for word in words]
    width = max(map(len, encoded))
    return np.frombuffer(b"".join(word.ljust(width, b"\0") for word in encoded), np.uint8).reshape(-1, width)


def _digits(numbers: Vector, width: int, *, padded: bool = True) -> Matrix:
    made = np.empty((len(numbers), width), np.uint8)
    left = numbers.astype(np.int64)
    for place in range(width - 1, -1, -1):
        made[:, place] = left % 10 + 48
        left //= 10
    if not padded:
        leading = np.cumsum(made[:, :-1] != 48, axis=1) == 0
        made[:, :-1][leading] = 0
    return made


def _uuids(high: Vector, low: Vector) -> Matrix:
    raw = np.stack([high, low], axis=1).byteswap().view(np.uint8)
    made = np.empty((len(high), 36), np.uint8)
    hexadecimal = np.frombuffer(b"0123456789abcdef", np.uint8)
    places = [place for place in range(36) if place not in (8, 13, 18, 23)]
    made[:, places[0::2]] = hexadecimal[raw >> 4]
    made[:, places[1::2]] = hexadecimal[raw & 15]
    made[:, [8, 13, 18, 23]] = ord("-")
    made[:, 14] = ord("4")
    return made


def _block(rows: int, *parts: bytes | Matrix) -> Matrix:
    """Put texts and columns side by side."""
    columns = []
    for part in parts:
        if isinstance(part, bytes):
            part = np.broadcast_to(np.frombuffer(part, np.uint8), (rows, len(part)))
        columns.append(part)
    return np.concatenate(columns, axis=1)


def _only(mask: Vector, block: Matrix) -> Matrix:
    """Return a block of which only the rows of a mask say anything."""
    return block * mask[:, None].astype(np.uint8)


def _times(shop: Shop, what: str, days: Vector, rows: Vector) -> Matrix:
    """Return times of day, more often in the evening."""
    seconds = (86_400 * shop.noise(what, days, rows) ** 0.6).astype(np.int64)
    return _block(
        len(rows), _dates(days), b"T", _digits(seconds // 3600, 2), b":", _digits(seconds // 60 % 60, 2), b":",
        _digits(seconds % 60, 2), b"Z",
    )  # fmt: skip


def _dates(days: Vector) -> Matrix:
    known, places = np.unique(days, return_inverse=True)
    return _words([f"{EPOCH + timedelta(days=int(day))}" for day in known])[places]


def _spoil(block: Matrix, dirty: dict[int, tuple[bytes, bytes] | None]) -> None:
    """Put dirt into rows of a block: a replacement, or None to cut the row in the middle."""
    for place, change in dirty.items():
        line = block[place]
        text = line[line != 0].tobytes()
        text = text.replace(*change, 1) if change else text[: len(text) // 2] + text[-1:]
        block[place] = 0
        block[place, : len(text)] = np.frombuffer(text, np.uint8)


# -- what a day delivers -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """Rows of a delivery: whose day they are of, their number there, and how often they were reported before."""

    days: Vector
    numbers: Vector
    versions: Vector


def _rows(shop: Shop, source: str, day: int, count: int) -> Rows:
    """Return which rows a day delivers: its own, late ones, and repeated ones at the end."""
    again, late = (count // 200, count // 100) if source == "orders" else (count * 3 // 1000, count // 100)
    own = count - again - late
    places = np.arange(late)
    back = 1 + (shop.noise(f"back{source}", np.full(late, day), places) ** 2 * LATE_DAYS).astype(np.int64)
    which = shop.noise(f"late{source}", np.full(late, day), places)
    # Orders come again with another status. Of late events four in five never came before.
    of_old = (which * own).astype(np.int64)
    if source == "events":
        of_old = np.where(places % 5 == 0, of_old, own + day % LATE_DAYS * late + places)
    repeated = (shop.noise(f"again{source}", np.full(again, day), np.arange(again)) * own).astype(np.int64)
    days = np.concatenate([np.full(own, day), day - back, np.full(again, day)])
    versions = np.concatenate([np.zeros(own, np.int64), np.ones(late, np.int64), np.ones(again, np.int64)])
    return Rows(days, np.concatenate([np.arange(own), of_old, repeated]), versions)


def _order_ids(shop: Shop, days: Vector, numbers: Vector) -> Matrix:
    if shop.ids == "uuid":
        return _uuids(shop.bits("oid1", days, numbers), shop.bits("oid2", days, numbers))
    return _block(len(days), b"SO-", _digits(days, 4), b"-", _digits(numbers, 7))


def _event_ids(shop: Shop, days: Vector, numbers: Vector) -> Matrix:
    if shop.ids == "ordered":
        return _block(len(days), b"EV-", _digits(days, 4), b"-", _digits(numbers, 8))
    return _uuids(shop.bits("eid1", days, numbers), shop.bits("eid2", days, numbers))


def _order_block(shop: Shop, rows: Rows, changed: float, end: bytes) -> Matrix:
    days, numbers = rows.days, rows.numbers
    count = len(days)

    def noise(what: str) -> Vector:
        return shop.noise(what, days, numbers)

    user = shop.pick_users("user", days, numbers)
    someone = noise("guest") > 0.03
    described = someone & (noise("attrs") > 0.1)
    # Seven orders of ten are one line; the others have up to five.
    items = np.where(noise("several") < 0.7, 1, 2 + (noise("items") ** 2 * (MOST_ITEMS - 1)).astype(np.int64))
    flat = items == 1
    other = noise("changed") < changed
    status = np.where(
        rows.versions == 0,
        (noise("status") * len(STATUSES)).astype(np.int64),
        len(STATUSES) + (shop.noise("later", days, numbers) * len(LATER_STATUSES)).astype(np.int64),
    )
    salted = np.zeros(count, np.int64)  # what is true of a user is the same in every order
    signup = np.full(count, 2_190) - (shop.noise("signup", salted, user) * 1_500).astype(np.int64)
    city = _words(CITIES)[(shop.noise("city", salted, user) * len(CITIES)).astype(np.int64)]
    source = _words(MARKETING)[(shop.noise("market", salted, user) * len(MARKETING)).astype(np.int64)]
    attributes = _block(
        count, b'"city": "', city, b'", "signup_date": "', _dates(signup), b'", "marketing_source": "', source, b'"'
    )

    def item(number: int) -> Matrix:
        product = shop.pick_products(f"item{number}", days, numbers)
        cents = shop.prices(product)
        quantity = 1 + (noise(f"qty{number}") ** 4 * 6).astype(np.int64) + (other if number == 0 else 0)
        return _block(
            count, b'"product_id": "P-', _digits(product, 5), b'", "quantity": ', _digits(quantity, 1), b', "price": ',
            _digits(cents // 100, 3, padded=False), b".", _digits(cents % 100, 2),
        )  # fmt: skip

    first = item(0)
    several = [
        _only(items > number, _block(count, b", {" if number else b"{", first if number == 0 else item(number), b"}"))
        for number in range(MOST_ITEMS)
    ]
    return _block(
        count,
        b'{"order_id": "', _order_ids(shop, days, numbers), b'", ',
        _only(someone, _block(count, b'"user_id": "U-', _digits(user, 7), b'", ')),
        _only(flat, _block(count, first, b", ")),
        b'"timestamp": "', _times(shop, "time", days, numbers), b'", ',
        b'"status": "', _words(STATUSES + LATER_STATUSES)[status], b'"',
        _only(flat & described, _block(count, b", ", attributes)),
        _only(~flat & described, _block(count, b', "user": {', attributes, b"}")),
        _only(~flat, _block(count, b', "items": [', *several, b"]")),
        b"}", end, np.zeros((count, SPARE_BYTES), np.uint8),
    )  # fmt: skip


def _event_block(shop: Shop, rows: Rows, changed: float, end: bytes) -> Matrix:
    days, numbers = rows.days, rows.numbers
    count = len(days)

    def noise(what: str) -> Vector:
        return shop.noise(what, days, numbers)

    kind = (noise("kind") * len(EVENT_TYPES)).astype(np.int64)
    someone = noise("anyone") > 0.3
    user = shop.pick_users("visitor", days, numbers)
    product = shop.pick_products("looked", days, numbers)
    product = np.where(noise("changed") < changed, (product + 1) % shop.products, product)
    something = np.array([word != "search" for word in EVENT_TYPES])[kind]
    return _block(
        count,
        _event_ids(shop, days, numbers), b",",
        _only(someone, _block(count, b"U-", _digits(user, 7))), b",",
        _only(something, _block(count, b"P-", _digits(product, 5))), b",",
        _words(EVENT_TYPES)[kind], b",", _times(shop, "at", days, numbers), end,
        np.zeros((count, SPARE_BYTES), np.uint8),
    )  # fmt: skip


EVENT_HEADER = b"event_id,user_id,product_id,event_type,event_ts\n"


def _blocks(shop: Shop, source: str, day: date, changed: float, kind: str, end: bytes) -> Iterator[Matrix]:
    """Yield a delivery in blocks. `kind`: all rows, `readable` ones (json and COPY take them), or `clean` ones.

    `refused`: as clean, and every order has a status that nobody knows.
    """
    number = (day - EPOCH).days
    rows = _rows(shop, source, number, shop.orders if source == "orders" else shop.events)
    make = _order_block if source == "orders" else _event_block
    dirt = ORDER_DIRT if source == "orders" else EVENT_DIRT
    for begin in range(0, len(rows.days), BLOCK_ROWS):
        part = Rows(*(values[begin : begin + BLOCK_ROWS] for values in (rows.days, rows.numbers, rows.versions)))
        block = make(shop, part, changed, end)
        chance = shop.noise(f"dirt{source}", np.full(len(block), number), np.arange(begin, begin + len(block)))
        unreadable = chance < UNREADABLE[source]
        dirty = (chance < DIRTY[source]) & ~unreadable
        which = np.flatnonzero(dirty)
        _spoil(block, {int(place): dirt[int(chance[place] * 1e9) % len(dirt)] for place in which})
        _spoil(block, dict.fromkeys(map(int, np.flatnonzero(unreadable))))
        if kind == "refused" and source == "orders":
            _spoil(block, {int(place): UNKNOWN_STATUS for place in np.flatnonzero(~dirty)})
        yield block[~((kind != "all") & unreadable | (kind in ("clean", "refused")) & dirty)]


def write(path: Path, shop: Shop, source: str, day: date, *, changed: float = 0, kind: str = "all") -> Path:
    """Write a delivery, beside its place and renamed when it is whole; one that is there stays. Return its path."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.tmp")
    is_array = path.suffix == ".json"
    with making.open("wb") as file:
        if source == "products":
            file.write(_catalogue(shop, day))
        else:
            file.write(b"[" if is_array else EVENT_HEADER if source == "events" else b"")
            # In an array one element that does not parse refuses the whole file.
            kind, end = ("readable", b",\n") if is_array else (kind, b"\n")
            for block in _blocks(shop, source, day, changed, kind, end):
                file.write(block[block != 0].tobytes())
            if is_array:
                file.seek(-2, 1)
                file.write(b"]\n")
    making.rename(path)
    return path


def _catalogue(shop: Shop, day: date) -> bytes:
    """Return the catalogue of a day: nineteen of twenty products; each week a few prices are others."""
    week = (day - EPOCH).days // 7
    numbers = np.arange(shop.products)
    prices = shop.prices(numbers)
    made = []
    for number in range(shop.products):
        if number % 20 != 7:
            rise = 100 * sum((number + past) % 97 == 0 for past in range(max(week - 8, 0), week))
            made.append(
                {
                    "product_id": f"P-{number:05}",
                    "product_name": f"{BRANDS[number % 6]} {CATEGORIES[number % 8].lower()} no. {number}",
                    "category": CATEGORIES[number % 8],
                    "brand": BRANDS[number % 6],
                    "current_price": (int(prices[number]) + rise) / 100,
                }
            )
    return json.dumps(made).encode()


def main() -> None:
    """Write the deliveries of a range of days."""
    parser = argparse.ArgumentParser(prog="python -m bench.data", description="Makes deliveries from a seed.")
    parser.add_argument("folder", type=Path, help="a landing zone")
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="the (first) day")
    parser.add_argument("--days", type=int, default=1, help="how many days")
    parser.add_argument("--orders", type=int, required=True, help="orders a day")
    parser.add_argument("--events", type=int, required=True, help="events a day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ids", choices=("mixed", "uuid", "ordered"), default="mixed")
    parser.add_argument("--changed", type=float, default=0, help="share of rows that differ from the plain delivery")
    parser.add_argument("--kind", choices=("all", "readable", "clean", "refused"), default="all")
    parser.add_argument("--sources", nargs="+", default=["orders", "events", "products"])
    parser.add_argument("--array", action="store_true", help="orders as a JSON array")
    options = parser.parse_args()
    shop = Shop(options.orders, options.events, options.seed, options.ids)
    orders = "orders.json" if options.array else "orders.ndjson"
    names = {"orders": orders, "events": "events.csv", "products": "products.json"}
    for back in range(options.days):
        day = options.day + timedelta(days=back)
        for source in options.sources:
            # The catalogue comes on the first day and on Mondays; one that changed is not delivered again.
            if source != "products" or ((day.isoweekday() == 1 or back == 0) and not options.changed):
                path = options.folder / source / f"{day}" / names[source]
                write(path, shop, source, day, changed=options.changed, kind=options.kind)


if __name__ == "__main__":
    main()
