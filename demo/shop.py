"""A small shop made of a seed: what it delivers in thirty days, and the dirt that was put in, counted."""

import gzip
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

SEED = 20_251_219
ORDERS_A_DAY = 1_000
EVENTS_A_DAY = 15_000
PRODUCTS = 300
USERS = 4_000
# On the blocked day a till writes prices with a comma: this share of the day's orders.
BROKEN_TILL_SHARE = 0.4
# On the low Tuesday a payment provider reports these orders with a status of its own.
AUTHORISED = range(500, 680)

CITIES = ("Berlin", "Hamburg", "München", "Köln", "Wien", "Zürich", "Oslo", "Lyon", "Gdańsk", "Porto")
MARKETING = ("ads", "search", "newsletter", "friends", "direct")
BRANDS = ("Acme", "Nordlys", "Kiebitz", "Tamarind", "Foxglove", "Quarry")
THINGS = {
    "Kitchen": ("Mug", "Pan", "Kettle", "Bowl", "Whisk"),
    "Home": ("Candle", "Lamp", "Rug", "Vase", "Clock"),
    "Garden": ("Spade", "Hose", "Planter", "Rake", "Bench"),
    "Office": ("Notebook", "Pen", "Stapler", "Folder", "Chair"),
    "Toys": ("Kite", "Puzzle", "Robot", "Ball", "Train"),
}
SIZES = ("small", "large", "blue", "green", "oak", "steel", "wool", "clay", "tin", "jute", "cork", "felt")
STATUSES = ("paid",) * 6 + ("shipped",) * 3 + ("Completed",) * 3 + ("pending", "canceled", "refunded")
LATER_STATUSES = ("shipped", "delivered", "delivered", "completed", "cancelled", "returned")
EVENT_TYPES = (
    ("page_view",) * 6 + ("view_item",) * 5 + ("search",) * 2 + ("add_to_cart",) * 2 + ("checkout", "purchase")
)
# More is bought towards the weekend: items of an order, at most, from Monday on.
MOST_ITEMS = (3, 3, 3, 4, 5, 6, 5)


@dataclass(frozen=True)
class Kind:
    """A kind of dirt. `reason` is what audit.bad_records says of it, None if such a line is not rejected."""

    name: str
    reason: str | None


NEGATIVE = Kind("a negative quantity", "quantity is not a number above 0")
NO_PRICE = Kind("no price", "price is missing")
COMMA_PRICE = Kind("a price with a comma (the blocked day)", "price is not a number of at least 0")
ON_HOLD = Kind("a status that nobody has mapped", "status is not in staging.codes%")
NO_PRODUCT = Kind("an order line without a product", "product_id is missing")
NO_TIME = Kind("an order time that is none", "timestamp is not an ISO 8601 time")
FUTURE = Kind("an order from tomorrow", "timestamp is after the day of the delivery")
OTHER_LINE = Kind("a good line of an order with a bad one", "line % of the order is rejected: %")
BROKEN_JSON = Kind("a line of JSON cut short", "not JSON%")
NO_EVENT_ID = Kind("an event without an id", "event_id is missing")
NO_EVENT_TIME = Kind("an event time that is none", "event_ts is not an ISO 8601 time")
FIELDS = Kind("a CSV line with a field too many", "%fields; the header has%")
NOT_UTF8 = Kind("a CSV line that is not UTF-8", "%UTF-8%")
WRONG_HEADER = Kind("a CSV file with other columns, refused whole", "%column%")


@dataclass
class Shop:
    """The shop: its prices and its customers change from day to day. `planted` counts the dirt."""

    last: date
    days: int = 30
    seed: int = SEED
    planted: Counter[Kind] = field(default_factory=Counter)
    repeated_orders: int = 0
    late_orders: int = 0
    repeated_events: int = 0
    late_events: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._products = [self._product(number) for number in range(1, PRODUCTS + 1)]
        self._users = [self._user(number) for number in range(1, USERS + 1)]
        self._recent: list[dict[str, Any]] = []
        self._late: list[str] = []

    @property
    def first(self) -> date:
        """The first day."""
        return self.last - timedelta(days=self.days - 1)

    @property
    def blocked_day(self) -> date:
        """The day on which a till is broken."""
        return self.first + timedelta(days=min(self.days - 1, self.days * 2 // 3))

    @property
    def low_tuesday(self) -> date | None:
        """The last Tuesday, of those with two before it, on which a payment provider has a status of its own."""
        days = (self.last - timedelta(days=number) for number in range(1, self.days - 14))
        return next((day for day in days if day.weekday() == 1 and day != self.blocked_day), None)

    def deliver(self, folder: Path) -> Iterator[date]:
        """Write the deliveries of all days into an empty landing zone, yielding each day when it is written.

        The catalogue comes on the first day and every seventh as a file; the last day's is for the API.
        """
        for source in ("orders", "events", "products"):
            shutil.rmtree(folder / source, ignore_errors=True)
        for number in range(self.days):
            day = self.first + timedelta(days=number)
            if (number and number % 7 == 0) or day == self.last:
                self._change_prices()
            if number % 7 == 0 and day != self.last:
                _write(folder / "products" / f"{day}" / "products.json", self.catalogue())
            _write(
                folder / "orders" / f"{day}" / f"orders.ndjson{'.gz' if number % 2 else ''}", self._orders(number, day)
            )
            _write(folder / "events" / f"{day}" / "events.csv", self._events(number, day))
            if number == 9:
                self.planted[WRONG_HEADER] += 1
                _write(folder / "events" / f"{day}" / "events-app.csv", b"id,kind,at\n1,tap,2025-01-01\n")
            yield day

    def catalogue(self) -> bytes:
        """Return the catalogue as it is now, a JSON array."""
        return json.dumps(self._products, default=float).encode()

    def _product(self, number: int) -> dict[str, Any]:
        category, things = list(THINGS.items())[number % len(THINGS)]
        thing = things[number // len(THINGS) % len(things)]
        price = Decimal(self._random.randint(300, 9_900)) / 100
        return {
            "product_id": f"P-{number:04}",
            "product_name": f"{thing}, {SIZES[number // 25 % len(SIZES)]}",
            "category": category,
            "brand": self._random.choice(BRANDS),
            "current_price": price,
        }

    def _user(self, number: int) -> dict[str, Any]:
        chosen = self._random
        signup = self.first - timedelta(days=chosen.randint(0, 900))
        user = {"city": chosen.choice(CITIES), "signup_date": f"{signup}", "marketing_source": chosen.choice(MARKETING)}
        return {"user_id": f"U-{number:05}", "user": user}

    def _change_prices(self) -> None:
        for product in self._random.sample(self._products, PRODUCTS // 50):
            factor = Decimal(self._random.choice(("0.85", "0.95", "1.10", "1.20")))
            product["current_price"] = (product["current_price"] * factor).quantize(Decimal("0.01"))

    def _orders(self, number: int, day: date) -> bytes:
        chosen = self._random
        lines = []
        orders = []
        for count in range(ORDERS_A_DAY):
            # Some customers come often, most seldom.
            user = self._users[int(USERS * chosen.random() ** 2)]
            products = chosen.sample(self._products, chosen.randint(1, MOST_ITEMS[day.weekday()]))
            orders.append(
                {
                    "order_id": f"O-{number:02}-{count:04}",
                    **(user if chosen.random() > 0.04 else {}),
                    "timestamp": _time(day, chosen),
                    "status": chosen.choice(STATUSES),
                    "items": [
                        {
                            "product_id": product["product_id"],
                            "quantity": chosen.choice((1, 1, 1, 2, 2, 3)),
                            "price": product["current_price"],
                        }
                        for product in products
                    ],
                }
            )
        clean = self._spoil(number, day, orders)
        lines += [json.dumps(order, default=float) for order in orders]
        if number % 3 == 0:
            self.planted[BROKEN_JSON] += 1
            lines.insert(500, '{"order_id": "O-cut", "items": [{"product_id": "P-00')
        # The same order reported again, later the same day, and on the day after.
        repeated = chosen.sample(clean, 20)
        self.repeated_orders += len(repeated)
        lines += [json.dumps(order | {"status": "paid"}, default=float) for order in repeated]
        late = chosen.sample(self._recent, min(50, len(self._recent)))
        self.late_orders += len(late)
        lines += [json.dumps(order | {"status": chosen.choice(LATER_STATUSES)}, default=float) for order in late]
        # What the blocked day holds is in no fact until somebody lets it through: it is not reported again.
        self._recent = [] if day == self.blocked_day else clean
        return ("\n".join(lines) + "\n").encode()

    def _spoil(self, number: int, day: date, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Put the day's dirt into its orders. Return those without any."""
        spoiled: dict[Kind, list[int]] = {NEGATIVE: [10, 20], NO_PRICE: [30], ON_HOLD: [40]}
        if number % 2:
            spoiled |= {NO_TIME: [50], FUTURE: [60], NO_PRODUCT: [70]}
        for kind, places in spoiled.items():
            for place in places:
                order = orders[place]
                item = order["items"][0]
                if kind is NEGATIVE:
                    item["quantity"] = -item["quantity"]
                elif kind is NO_PRICE:
                    del item["price"]
                elif kind is NO_PRODUCT:
                    del item["product_id"]
                elif kind is ON_HOLD:
                    order["status"] = "on-hold"
                elif kind is NO_TIME:
                    order["timestamp"] = "yesterday noon"
                else:
                    order["timestamp"] = f"{day + timedelta(days=1)}T00:10:00Z"
                whole = kind in (ON_HOLD, NO_TIME, FUTURE)
                self.planted[kind] += len(order["items"]) if whole else 1
                if not whole and len(order["items"]) > 1:
                    self.planted[OTHER_LINE] += len(order["items"]) - 1
        bad = {place for places in spoiled.values() for place in places}
        if day == self.low_tuesday:
            bad |= set(AUTHORISED)
            for place in AUTHORISED:
                orders[place]["status"] = "authorised"
                self.planted[ON_HOLD] += len(orders[place]["items"])
        if day == self.blocked_day:
            broken = range(100, 100 + int(ORDERS_A_DAY * BROKEN_TILL_SHARE))
            bad |= set(broken)
            for place in broken:
                for item in orders[place]["items"]:
                    item["price"] = f"{item['price']:.2f}".replace(".", ",")
                    self.planted[COMMA_PRICE] += 1
        return [order for place, order in enumerate(orders) if place not in bad]

    def _events(self, number: int, day: date) -> bytes:
        chosen = self._random
        rows = []
        for count in range(EVENTS_A_DAY):
            kind = EVENT_TYPES[int(chosen.random() * len(EVENT_TYPES))]
            user = self._users[int(USERS * chosen.random() ** 2)]["user_id"] if chosen.random() > 0.3 else ""
            product = "" if kind == "search" else f"P-{1 + int(PRODUCTS * chosen.random()):04}"
            rows.append(f"E-{number:02}-{count:05},{kind},{_time(day, chosen)},{user},{product}")
        repeated = rows[200:230]
        self.repeated_events += len(repeated)
        self.late_events += len(self._late)
        late, self._late = self._late, rows[300:320]
        rows[100] = rows[100].partition(",")[2].join((",", ""))
        self.planted[NO_EVENT_ID] += 1
        rows[101] = f"E-{number:02}-00101,search,soon,,"
        self.planted[NO_EVENT_TIME] += 1
        rows[102] += ",one too many"
        rows[103] += ",one too many"
        self.planted[FIELDS] += 2
        lines = ["event_id,event_type,event_ts,user_id,product_id", *rows, *repeated, *late]
        data = ("\n".join(lines) + "\n").encode()
        if number % 2:
            self.planted[NOT_UTF8] += 1
            data += b"E-latin1,search,%b,U-m\xfcller,\n" % _time(day, chosen).encode()
        return data


def _time(day: date, chosen: random.Random) -> str:
    """Return a time of a day, more often in the evening."""
    second = int(86_399 * chosen.random() ** 0.6)
    return f"{datetime(day.year, day.month, day.day) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}Z"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)
