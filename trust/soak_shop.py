"""What the shop of the soak delivers: orders, events and catalogues, some of them late, repeated or broken."""

import csv
import io
import json
import random
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

# Half of the shops send one currency; some name none, some several.
CURRENCIES: tuple[tuple[str, ...], ...] = ((), ("EUR",), ("USD",), ("EUR", "USD", "JPY", "KWD"))

# The file of a till, whose records are in another form: our own, under `sent`.
TILL = "till.ndjson"
TILL_SHAPE = f"""
    SET ROLE warehouse_owner;
    CREATE FUNCTION shapes.soak_sale(record json) RETURNS json LANGUAGE sql IMMUTABLE RETURN record -> 'sent';
    RESET ROLE;
    INSERT INTO staging.shapes (shape, source, file_pattern, routine)
    VALUES ('till', 'orders', '{TILL}', 'shapes.soak_sale');
"""


def other_form(name: str, content: bytes) -> bytes:
    """Return the content of a file in our own form as it is delivered: that of the till in another one."""
    return re.sub(rb"(?m)^(\{.*\})(\r?)$", rb'{"sent": \1}\2', content) if name == TILL else content


def own_form(name: str, content: bytes) -> bytes:
    """Return what a delivery means: the content that other_form was given."""
    return re.sub(rb'(?m)^\{"sent": (.*)\}(\r?)$', rb"\1\2", content) if name == TILL else content


class Shop:
    """Makes the files of a shop. All is drawn from `random`."""

    ORDER_FILES = ("orders.json", "b_10.ndjson", "b_9.jsonl", "Z.JSON", "ä.ndjson", "late.json.gz", TILL)
    EVENT_FILES = ("events.csv", "b_10.CSV", "b_9.csv", "Z.csv.gz")
    PRODUCT_FILES = ("products.json", "New.json")
    STATUSES = ("paid", "paid", "Shipped", " delivered ", "pending", "Refund", "CANCELED", "completed", "returned")
    UNKNOWN_STATUSES = ("zurückgestellt", "lay-away", "Paid in Full")
    TYPES = ("page_view", "View", "add_to_cart", "purchase", "Click", " search")
    UNKNOWN_TYPES = ("Stared At", "hover")
    CITIES = ("Berlin", "Paris", "Düsseldorf", "København", None)
    # What exports write for nobody and nothing; U-3 is a user whom somebody may take for nobody.
    NULL_MARKERS = ("NULL", "null", "\\N", "None", "(not set)", "-", "n/a", "U-3", "0")
    # Blanks and marks that nobody sees, at the ends of what is trimmed.
    MARKS = ("\u00a0", "\u200b", "\ufeff", "\u200f\u2003", "\u2066", " \u3000")
    COLUMNS = ("event_id", "user_id", "product_id", "event_type", "event_ts")

    def __init__(self, seed: int, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self.random = random.Random(seed)
        self.users = [f"U-{n}" for n in range(1, 60)]
        self.items = [f"P-{n}" for n in range(1, 25)]
        self.prices = {item: round(self.random.uniform(0.5, 400), 2) for item in self.items}
        self.orders: list[dict[str, Any]] = []
        self.events: list[dict[str, str]] = []
        self.numbers = 0
        # Drawn apart, so that a seed's orders stay what they were but for what they say of money.
        self.money = random.Random(f"{seed} money of the shop")
        self.currencies: tuple[str, ...] = self.money.choice(CURRENCIES)
        self.takes_returns = self.money.random() < 0.4

    def chance(self, share: float) -> bool:
        """Return True in that share of the calls."""
        return self.random.random() < share

    def number(self) -> int:
        """Return a number that was not there before."""
        self.numbers += 1
        return self.numbers

    def at(self, day: date) -> str:
        """Return a moment of a day of the shop, in one of the ways of ISO 8601."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)
        moment = midnight + timedelta(seconds=self.random.randrange(86400))
        kind = self.random.randrange(12)
        if kind == 0:
            return day.isoformat()
        if kind == 1:
            return moment.strftime("%Y-%m-%d %H:%M:%S")
        if kind == 2:
            return (moment + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%dT%H:%M:%S+05:30")
        if kind == 3:
            return (moment - timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S-08:00")
        if kind == 4:
            return moment.strftime(f"%Y-%m-%dT%H:%M:%S.{self.random.randrange(10**6):06}Z")
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def earlier(self, day: date) -> date:
        """Return a day, mostly this one, now and then long ago."""
        if self.chance(0.8):
            return day
        return day - timedelta(self.random.choice((1, 1, 2, 3, 7, 29, 31, 45, 89, 91, 398, 399, 400, 401)))

    def marked(self, value: str) -> str:
        """Return an id, now and then with marks around it that nobody sees."""
        if self.chance(0.97):
            return value
        return self.random.choice(("", *self.MARKS)) + value + self.random.choice(self.MARKS)

    # -- orders --------------------------------------------------------------------------------------

    def order_lines(self) -> list[dict[str, Any]]:
        """Return one to four items."""
        lines = []
        for item in self.random.sample(self.items, self.random.choice((1, 1, 1, 2, 3, 4))):
            quantity: Any = self.random.randint(1, 5)
            price: Any = self.prices[item]
            if self.chance(0.1):
                quantity, price = str(quantity), f" {price} "
            lines.append(self.priced({"product_id": self.marked(item), "quantity": quantity, "price": price}))
        return lines

    # -- what orders say of money --------------------------------------------------------------------

    def some(self, most: float) -> Any:
        """Return an amount of up to so much, in one of the ways that shops write it."""
        amount = round(self.money.uniform(0, most), self.money.choice((2, 2, 2, 0, 1, 3)))
        return self.money.choice((amount, amount, f"{amount}", f" {amount:.4f} ", 0, None))

    def named_currency(self) -> dict[str, Any]:
        """Return the currency of an order, if the shop names any; now and then it forgets to."""
        if not self.currencies or self.money.random() < 0.03:
            return {}
        currency = self.money.choice((self.currencies[0], *self.currencies))
        return {"currency": f" {currency.lower()} " if self.money.random() < 0.05 else currency}

    def priced(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return a line, some by weight, with a sum, with a discount, with tax; some are returns."""
        draw = self.money.random
        if draw() < 0.05:
            line["quantity"] = self.money.choice((0.35, "1.5", 2.125))
        if draw() < 0.01:
            line["price"] = float(line["price"]) - 0.0000001  # a program that keeps money in binary fractions
        cost = float(line["quantity"]) * float(line["price"])
        if draw() < 0.1:
            line["line_total"] = self.money.choice((round(cost, 2), f"{cost:.2f}", round(cost + 0.01, 2)))
            line["price"] = self.money.choice((line["price"], None, round(cost, 1), "on request"))
        if draw() < 0.1:
            line["discount"] = self.money.choice((self.some(cost / 2), self.some(cost / 2), round(cost - 0.005, 2)))
        if draw() < 0.1:
            line["tax"] = self.some(cost / 4)
        if self.takes_returns and draw() < 0.03:
            sent_back = self.money.choice(("quantity", "price", "line_total", "tax"))
            line[sent_back] = -abs(float(line["quantity"])) if sent_back == "quantity" else -1.5
        return line

    def amounts(self, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return what an order says of itself beside its lines; a later report may say something else."""
        if self.money.random() < 0.6:
            return {}
        cost = sum(_cost(line) for line in lines)
        said = {
            "discount": self.some(cost / 3), "tax": self.some(cost / 5), "shipping": self.some(9),
            "refunded": self.money.choice((self.some(cost), round(cost, 2))),
        }  # fmt: skip
        return {name: amount for name, amount in said.items() if self.money.random() < 0.4}

    def without_sense(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return an order; of a few, one with an amount or a currency that is none."""
        if self.money.random() >= 0.02:
            return order
        of_all = (
            {"discount": -1}, {"discount": "ten"}, {"tax": "x", "shipping": -1}, {"shipping": "free"}, {"tax": {}},
            {"refunded": -0.01}, {"refunded": 1e15}, {"discount": 1e6}, {"currency": "€"}, {"currency": {"code": "E"}},
            {"currency": "USD_CENTS"}, {"currency": "XAU"},
        )  # fmt: skip
        of_a_line = (
            {"line_total": "ten"}, {"line_total": -1}, {"line_total": 1e15}, {"discount": -1}, {"discount": 1e6},
            {"tax": "x"}, {"tax": -1}, {"line_total": None, "price": None}, {"discount": [1]},
        )  # fmt: skip
        if self.money.random() < 0.5:
            return order | self.money.choice(of_all)
        lines = list(order["items"])
        place = self.money.randrange(len(lines))
        lines[place] = lines[place] | self.money.choice(of_a_line)
        return order | {"items": lines}

    def person(self) -> dict[str, Any]:
        """Return what an order says of its user."""
        if self.chance(0.4):
            return {}
        said = {
            "city": self.random.choice(self.CITIES),
            "signup_date": f"{self.random.randint(2019, 2022)}-05-{self.random.randint(1, 28):02}",
            "marketing_source": self.random.choice(("ads", "mail", "", None)),
        }
        if self.chance(0.05):  # what nobody can read costs no money
            said[self.random.choice(sorted(said))] = self.random.choice(
                ({"name": "Oslo"}, ["a", "b"], "soon", "NULL", 7)
            )
        return {name: said[name] for name in said if self.chance(0.8)}

    def order(self, day: date) -> Any:
        """Return an order: a new one, or one that was reported before; a few are broken."""
        if self.orders and self.chance(0.25):
            known = self.orders[-1 - min(int(self.random.expovariate(1 / 60)), len(self.orders) - 1)]
            order = dict(known, status=self.random.choice(self.STATUSES))
            lines = known["items"]
            change = self.random.randrange(6)
            if change == 0:
                lines = lines[:-1] or lines
            elif change == 1:
                lines = lines + self.order_lines()
            elif change == 2:
                lines = self.order_lines()
            order["items"] = lines
        else:
            user = None if self.chance(0.08) else self.marked(self.random.choice(self.users))
            if self.chance(0.04):
                user = self.random.choice(self.NULL_MARKERS)
            if self.chance(0.02):
                self.users.append(f"U-{len(self.users) + 1}")
            order = self.named_currency() | {
                "order_id": self.marked(f"O-{self.number()}"), "user_id": user, "timestamp": self.at(self.earlier(day)),
                "status": self.random.choice(self.STATUSES), "items": self.order_lines(),
            }  # fmt: skip
        if self.chance(0.3):
            order["user"] = self.person()
        elif self.chance(0.02):
            order["user"] = self.random.choice(("Bob", 7, ["U-1"], True))
        order |= self.amounts(order["items"])
        if self.chance(0.4):
            order["updated_at"] = self.updated_at(day)
        elif self.chance(0.5):
            order.pop("updated_at", None)
        self.orders.append(order)
        order = self.without_sense(order)
        if self.chance(0.04):
            return self.broken_order(order, day)
        if self.chance(0.01):
            order = dict(order, status=self.random.choice(self.UNKNOWN_STATUSES))
        if len(order["items"]) == 1 and self.chance(0.5):  # the flat shape
            flat = {name: value for name, value in order.items() if name not in ("items", "user")}
            return flat | order["items"][0] | (order["user"] if isinstance(order.get("user"), dict) else {})
        return order

    def updated_at(self, day: date) -> str:
        """Return when the source changed an order: some day before, today, or so late that it cannot be."""
        back = self.random.choice((-9, -3, -2, -1, -1, 0, 0, 0, 0, 1, 1))
        return self.at(day + timedelta(2 if self.chance(0.01) else back))

    def contradiction(self, order: Any) -> list[Any]:
        """Return reports of an order that stand in one file with it, and say another thing, or the same once more."""
        if not isinstance(order, dict):
            return [order]
        changes = (
            {"user_id": self.random.choice(self.users)}, {"user_id": None},
            {"status": self.random.choice(self.STATUSES)},
            {"items": self.order_lines()} if "items" in order else {"quantity": 7},
            {"items": list(reversed(order["items"]))} if isinstance(order.get("items"), list) else {}, {},
        )  # fmt: skip
        return [order | self.random.choice(changes) for _ in range(self.random.choice((1, 1, 2)))]

    def broken_order(self, order: dict[str, Any], day: date) -> Any:
        """Return an order with something wrong."""
        whole = (
            {"order_id": None}, {"order_id": "O" * 513}, {"order_id": "NULL"}, {"user_id": "ü" * 257},
            {"timestamp": 1700000000123},
            {"timestamp": None}, {"timestamp": "yesterday"}, {"timestamp": f"{day.year}-02-30T10:00:00Z"},
            {"timestamp": f"{day + timedelta(1)}T00:00:00Z"}, {"timestamp": f"{day}T23:30:00-02:00"},
            {"timestamp": f"{day - timedelta(500)}T12:00:00Z"}, {"status": None}, {"status": "nobody knows"},
            {"updated_at": "soon"}, {"updated_at": f"{day + timedelta(3)}"}, {"updated_at": [1]}, {"updated_at": " "},
            {"items": []}, {"items": "none"}, {"user": "Bob"}, {"user": {"signup_date": "soon"}},
            {"user": {"city": "half \ud800"}}, {"note": "nul \0"}, {"timestamp": None, "status": "?", "user": 1},
        )  # fmt: skip
        of_a_line = (
            {"product_id": None}, {"product_id": "(not set)"},
            {"quantity": 0}, {"quantity": -1}, {"quantity": 1.5}, {"quantity": "two"},
            {"quantity": None}, {"quantity": 3000000000}, {"price": -0.01}, {"price": "free"}, {"price": None},
            {"price": 1e15}, {"product_id": " ", "quantity": 0, "price": -1},
        )  # fmt: skip
        kind = self.random.randrange(10)
        if kind == 0:
            return self.random.choice((17, "an order", None, ["O-1"], True))
        if kind < 6:
            return order | self.random.choice(whole)
        lines = list(order["items"])
        place = self.random.randrange(len(lines))
        lines[place] = lines[place] | self.random.choice(of_a_line) if kind < 9 else self.random.choice((1, "x", None))
        return order | {"items": lines}

    def orders_file(self, name: str, records: Sequence[Any]) -> bytes:
        """Return orders or products as a file of that name."""
        texts = [json.dumps(record, ensure_ascii=self.chance(0.5) or _has_surrogate(record)) for record in records]
        # The till writes an object a line: other_form puts each into its own.
        form = self.random.randrange(12) if name != TILL else None
        if form == 0:
            key = "products" if name in self.PRODUCT_FILES else "orders"
            return f'{{"page": 1,\n "{key}": [{", ".join(texts)}], "next": null}}'.encode()
        if form == 1 and texts and all(text.startswith("{") for text in texts):
            return "".join(texts).encode()
        if form == 2 and texts and all(text.startswith("{") for text in texts):
            return "\n".join(json.dumps(json.loads(text), indent=2) for text in texts).encode()
        if name.startswith(("b_", "ä", TILL)):
            if self.chance(0.05):
                texts.insert(self.random.randint(0, len(texts)), self.random.choice(('{"order_id": "O-1", "cut', "]")))
            if self.chance(0.1):
                texts.insert(self.random.randint(0, len(texts)), "")
            return self.random.choice(("\n", "\n", "\r\n")).join([*texts, ""]).encode()
        return ("[" + ",\n".join(texts) + "]\n").encode()

    # -- events and products -------------------------------------------------------------------------

    def event(self, day: date) -> dict[str, str]:
        """Return an event: a new one, or one that was reported before; a few are broken."""
        if self.events and self.chance(0.1):
            event = dict(self.events[-1 - min(int(self.random.expovariate(1 / 60)), len(self.events) - 1)])
            if self.chance(0.5):
                event["event_type"] = self.random.choice(self.TYPES)
            if self.chance(0.2):
                event["user_id"] = self.random.choice(self.users)
        else:
            event = {
                "event_id": f"E-{self.number()}",
                "user_id": self.random.choice(("", "", *self.NULL_MARKERS))
                if self.chance(0.3)
                else self.marked(self.random.choice(self.users)),
                "product_id": self.random.choice(("", "", *self.NULL_MARKERS))
                if self.chance(0.3)
                else self.marked(self.random.choice(self.items)),
                "event_type": self.random.choice(self.UNKNOWN_TYPES if self.chance(0.02) else self.TYPES),
                "event_ts": self.at(self.earlier(day)),
            }
        self.events.append(event)
        if self.chance(0.03):
            wrong = (
                {"event_id": " "}, {"event_id": "undefined"},
                {"event_type": ""}, {"event_ts": ""}, {"event_ts": "soon"}, {"event_id": "E" * 513},
                {"event_ts": f"{day + timedelta(1)}T00:00:00Z"}, {"event_ts": f"{day - timedelta(600)}"},
                {"event_ts": "1700000000"}, {"user_id": "u" * 600, "event_type": " "},
            )  # fmt: skip
            return event | self.random.choice(wrong)
        return event

    def events_file(self, records: Sequence[dict[str, str]]) -> bytes:
        """Return events as a CSV file: columns in any order, with columns of its own, BOM or not."""
        columns = list(self.COLUMNS)
        if self.chance(0.3):
            self.random.shuffle(columns)
        if self.chance(0.2):
            columns.insert(self.random.randint(0, len(columns)), "page")
        text = io.StringIO(newline="")
        delimiter = self.random.choice((",", ",", ",", ";", "\t", "|"))
        writer = csv.writer(text, delimiter=delimiter, lineterminator=self.random.choice(("\n", "\r\n", "\r\r\n")))
        writer.writerow(columns)
        for record in records:
            is_short = self.chance(0.01)
            # A broken record costs the line on which it begins: one of two lines would be two.
            page = self.random.choice(("/", 'a "quoted", one', "/" if is_short else "two\nlines"))
            row = [page if column == "page" else record[column] for column in columns]
            writer.writerow(row[:-1] if is_short else row)
            if self.chance(0.01):
                text.write("\n")
        data = text.getvalue().encode("utf-8-sig" if self.chance(0.1) else "utf-8")
        if self.chance(0.05):
            data += b"E-\xff" + delimiter.encode() * (len(columns) - 1) + b"\n"
        return data.decode("utf-8-sig").encode("utf-16") if self.chance(0.1) and b"\xff" not in data else data

    def catalogue(self) -> list[Any]:
        """Return the catalogue of today: prices move, products are new or left out."""
        records: list[Any] = []
        for item in self.items:
            if self.chance(0.15):
                self.prices[item] = round(self.prices[item] * self.random.choice((0.9, 1.1, 0.5, 2)), 2)
            if self.chance(0.95):
                entry = {
                    "product_id": item, "product_name": f"Product {item}", "current_price": self.prices[item],
                    "category": self.random.choice(("Tools", "Tools", "Tools", None)) if self.chance(0.1) else "Tools",
                    "brand": "Acme",
                }  # fmt: skip
                if self.chance(0.02):
                    entry |= self.random.choice(
                        (
                            {"current_price": -1},
                            {"product_id": ""},
                            {"current_price": "?"},
                            {"product_id": "None"},
                            {"brand": "n/a", "current_price": "-"},
                        )
                    )
                records.append(entry)
        if self.chance(0.5):
            self.items.append(f"P-{len(self.items) + 1}")
            self.prices[self.items[-1]] = 9.99
        if records and self.chance(0.1):
            records.append(dict(records[0], current_price=1.23) if isinstance(records[0], dict) else 17)
        return records

    # -- files ---------------------------------------------------------------------------------------

    def records(self, source: str, day: date, share: float = 1) -> list[Any]:
        """Return the records of a file."""
        if source == "orders":
            made = [self.order(day) for _ in range(int(self.random.randint(8, 18) * share))]
            if made and self.chance(0.2):
                made += self.contradiction(self.random.choice(made))
            return made
        if source == "events":
            return [self.event(day) for _ in range(int(self.random.randint(20, 50) * share))]
        return self.catalogue()

    def file(self, source: str, name: str, records: Sequence[Any]) -> bytes:
        """Return records as the content of a file; a few files are to be refused whole, or empty."""
        kind = self.random.randrange(60)
        if kind == 0:
            return b"" if source != "products" else b"[]"
        if name == TILL:
            # What is no record of the other form is the function's to refuse, in words of its own.
            records = [record for record in records if isinstance(record, dict) and not _has_no_text(record)]
        content = self.events_file(records) if source == "events" else self.orders_file(name, records)
        if kind == 1:
            if source == "events":
                return content.replace(b"event_ts", b"when", 1)
            return content if name.startswith(("b_", "ä", TILL)) else content.rstrip()[:-1]
        return content


def _cost(line: dict[str, Any]) -> float:
    total = line.get("line_total")
    return max(0, float(line["quantity"]) * float(line["price"]) if total is None else float(total))


def _has_no_text(record: Any) -> bool:
    return _has_surrogate(record) or "\\u0000" in json.dumps(record)


def _has_surrogate(record: Any) -> bool:
    return "\\ud8" in json.dumps(record)
