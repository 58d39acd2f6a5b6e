"""Hostile deliveries, made from a seed with the standard library's `random`: the same seed gives the same bytes.

Most records are right but for one or two fields, so that what is wrong is not hidden behind something worse. What
should become of them is not known here: hostile_oracle.py reads the bytes.
"""

import contextlib
import gzip
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

# What would run if anything from data ever did: SQL, a shell, a spreadsheet, a template, a terminal.
INJECTIONS = (
    "'; DROP TABLE canary.cage; --", "'); SELECT canary.sing(); --", "x'||canary.sing()||'",
    "$$; SELECT canary.sing(); $$", "$_clean_orders$; SELECT canary.sing();", '"; DROP SCHEMA canary CASCADE; --',
    "\\'; TRUNCATE canary.cage; --", "1; COPY canary.cage FROM PROGRAM 'touch {canary}'", "$(touch {canary})",
    "`touch {canary}`", "| touch {canary}", "; touch {canary} #", "\\! touch {canary}",
    "\\copy canary.cage from program 'touch {canary}'", "\\gexec", "\\.", "\\N", "%s%s%s%n", "%(day)s", "%1$s", "%I",
    "%L", "{0.__class__.__mro__}", "{canary}", "{{7*7}}", "${jndi:ldap://127.0.0.1/x}", "=1+1", "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "-1+1", "=HYPERLINK(\"http://127.0.0.1\")", "[bold red]markup[/]",
    "[link=http://127.0.0.1]x[/link]", "<script>alert(1)</script>", "../../../../etc/passwd", "/dev/zero",
    "\x1b[2J\x1b[31m", "\x1b]0;owned\x07", "\x1bP+q544e\x1b\\", "\x9b2J", "\x07\x08\x7f", "\r\x1b[Aoverwritten",
    "\x1b[201~ls\n",
)  # fmt: skip
ODDITIES = (
    "", " ", "\t", "\u00a0", "\u3000", "\u2028", "\u2029", "\u0085", "\ufeff", "\u200b", "\u200d", "\u00ad",
    "\u202egnp.exe", "\u2066x\u2069", "\u061c", "\ufffe", "\uffff", "\U0001ffff", "\U0010ffff", "\ue000", "\ufdd0",
    "\ufffd", "\U000e0041", "e\u0301", "\u00e9", "\u0301", "Z" + "\u0301\u0323" * 200, "\u1100\u1161\u11a8",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001d7d9", "\u0661\u0662", "\uff11\uff12", "\u0130", "\u0131",
    "\u017f", "\u212a", "\u00df", "\u01c5", "pa\u0131d", "\uff50aid", "(guest)", "(none)", "NULL", "null", "undefined",
    "None", "nil", "true", "0", "O'Brien", '"', '""', "''", ",", ";", "a,b", "a\nb", "a\r\nb", "\r", "\\", "\\\\",
    "\\u0000", "\\x00", "{", "[", "{}", "[]", '{"a": 1}', "[1]", "}", "]", "x" * 512, "x" * 513, "\u00e9" * 256,
    "\u00e9" * 257, "\U0001f600" * 128, "\U0001f600" * 129, " padded ", "\fpadded\v", "\u00a0padded\u00a0",
)  # fmt: skip
# Escapes that only JSON has: half a pair, pairs in the wrong order, NUL, a backslash that is escaped itself.
ESCAPES = (
    "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\ude00\\ud83d", "\\ud83d\\ud83d\\ude00", "\\uD834\\uDD1E",
    "\\ud83dx\\ude00", "\\\\u0000", "\\\\\\u0000", "\\\\ud800", "\\uffff", "\\ufffe", "\\u202e", "\\u001b[31m",
    "\\u0041", "\\/", "\\b\\f\\n\\r\\t\\\"", "\\u0085", "\\ud83d\\u0000", "\\\\\\ud83d\\\\\\ude00",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-1", "2", "9.99", "0.1", "1e2", "1E+2", "1e-2", "1.50", "-0", "-0.0", "2147483647", "2147483648", "1e9",
    "1e15", "999999999999999.999", "1e14", "1e99", "1e100", "1e400", "-1e400", "1e-400", "1e99999999999",
    "0.00000000000000000000000000001", "9" * 40, "9" * 41, "9" * 4000, "1." + "0" * 38, "1." + "0" * 39,
    "123456789.123456789", "0.5", "4e0", "20e-1", "3.0", "3.0000000001",
)  # fmt: skip
NOT_JSON = (
    "NaN", "Infinity", "-Infinity", "nan", "01", "+1", "1.", ".5", "0x10", "1_000", "1e", "--1", "TRUE", "None",
    "undefined", "'x'", "", "\\", "\x00", "\u00a01", '"\x01"', '"\n"', '"\\x41"', '"\\u12"', '"\\u123G"', "{1: 2}",
    "{,}", "[,]", "[1,]", '{"a"}', "/* x */ 1", "\ufeff1",
)  # fmt: skip
NUMERIC_TEXTS = (
    "1", " 2 ", "1.0", "1e2", "+3", "NaN", "Infinity", "-Infinity", "inf", "0x1F", "1_000", "1,000", "1.000,00", ".5",
    "5.", "\u0661", "\uff12", "1e400", "1e99", "-0", "00012", "1 2", "2\n", "\u00a02", "1/2", "$5", "5%", "--1", "1e",
    "e1", "9" * 40, "9" * 41,
)  # fmt: skip
TIMES = (
    "infinity", "-infinity", "now", "today", "tomorrow", "epoch", "allballs", "0000-01-01", "0001-01-01",
    "0001-01-01T00:00:00+14:59", "9999-12-31", "9999-12-31T23:59:59.999999-14:59", "10000-01-01", "-2025-01-01",
    "2025-02-29", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2025-02-30", "2025-04-31", "2025-13-01",
    "2025-00-10", "2025-01-00", "2025-1-1", "20250101", "2025/01/01", "01.02.2025", "2025-01-01T24:00:00Z",
    "2025-01-01T23:59:60Z", "2025-01-01T25:00:00", "2025-W01-1", "2025-001", "J2451187", "1735689600", "1735689600000",
    "2025-01-01T10", "2025-01-01 10:00:00 Europe/Berlin", "2025-01-01 10:00:00 PST", "2025-01-01T10:00:00+15:00",
    "2025-01-01T10:00:00+24:00", "2025-01-01T10:00:00+1", "2025-01-01 BC", "2025-01-01T10:00:00.1234567890Z",
    "yesterday'; --", "\u0662\u0660\u0662\u0665-\u0660\u0661-\u0660\u0661", "2025-01-01\u00a010:00:00",
    "2025\u201001\u201001", "2025-01-01T10:00:00Z\x00", "",
)  # fmt: skip
TIME_FORMS = (
    "{day}", "{day}T10:00:00Z", "{day} 10:00:00", "{day}t10:00:00z", "{day}T10:00", "{day}T10:00:00.5Z",
    "{day}T10:00:00,123456789+02:00", "{day}T23:59:59.999999999Z", "{day}T23:59:59-00:01", "{day}T00:00:00+14:00",
    "{day}T10:00:00 +0530", "{day}T10:00:00-03", " {day}T10:00:00Z\t", "{day}T10:00:00Zx", "{day}T1:00:00Z",
    "{day}T10:60:00Z", "{day}T10:00:00+05:3",
)  # fmt: skip
STATUSES = (
    "paid",
    "PAID",
    " Shipped ",
    "canceled",
    "refund",
    "in transit",
    "Completed",
    "failed",
    "new",
    "returned",
)
CURRENCIES = ("EUR", "EUR", " eur ", "JPY", "kwd", "USD_CENTS", "\u20ac", "E UR", "X" * 21, "\u00df", "\u017f")
EVENT_TYPES = (
    "page_view",
    "VIEW",
    " add to cart ",
    "purchase",
    "Checkout",
    "signup",
    "Mystery_Type",
)
# Of files; {canary} names what must never come to be.
FILE_NAMES = (
    "orders", "a b", "-rf", "--", "'; DROP TABLE canary.cage; --", '"quoted"', "$(touch canary)", "`id`", "%s%n", "{0}",
    "x\ny", "x\r", "x\ty", "\x1b[31mred", "\u202egnp", "\u00e9", "e\u0301", "\U0001f600", "\x07bell", "*", "?", "[a-z]",
    "~", "a&b|c;d", "a>b", "#", "x" * 200, "\\", "COPY", "json", "x.csv", "x.gz", "a'b", "\u00a0", "\u2028", "=1+1",
    "%00", "x..", "CON", "null", "[red]x",
)  # fmt: skip
COLUMN_NAMES = (
    "session", "a,b", 'a"b', "a\nb", "a\r\nb", "'; DROP TABLE canary.cage; --", "%s", "{0}", "$1", "load_id",
    "run_date", "line_number", "extra", "raw_events_id", "", " ", "\u202ex", "\x1b[31m", "EVENT_ID", "event_id ",
    "__proto__", "x" * 5000, "\u00e9", "e\u0301", "\U0001f600", "=1+1", "\\.", "NULL", "event_ts\u200b", "user_id;",
    "\uffff", "{\"a\": 1}",
)  # fmt: skip
# Controls, ASCII, accents to combine, right to left, what has no width, all there is.
CHARACTERS = (
    (1, 0x20), (0x20, 0x7F), (0x7F, 0x100), (0x300, 0x370), (0x590, 0x700), (0x2000, 0x2070), (0x100, 0xD800),
    (0xE000, 0x10000), (0x10000, 0x110000),
)  # fmt: skip
SPOILERS = (
    b"\x00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbf\xbf", b'"', b"\\", b"{", b"]", b",",
    b"\n", b"\r", b"\x1b[2J",
)  # fmt: skip
ODD_LINES = (b"", b"  ", b"\t\r", b"[" * 2000, b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf{}")
ODD_CSV_LINES = (
    b"", b" ", b",", b",,,,,,,,", b'"', b'""', b'"a"b,c', b'a"b,,', b"\\.", b"\x00,,,,", b"\r", b"\xff" * 5,
)  # fmt: skip


class Source:
    """Makes the files of one day."""

    def __init__(self, seed: str, day: date, canary: str) -> None:
        self.random = random.Random(seed)
        self.day = day
        self.canary = canary

    # -- values ----------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def text(self) -> str:
        """Return any text that JSON and CSV can hold: what has meaning somewhere, or any characters."""
        kind = self.random.randrange(6)
        if kind == 0:
            return self.random.choice(INJECTIONS).replace("{canary}", self.canary)
        if kind == 1:
            return self.random.choice(ODDITIES)
        if kind == 2:
            return self.random.choice(NUMERIC_TEXTS + TIMES)
        if kind == 3:
            return "".join(self.character() for _ in range(self.random.randrange(1, 12)))
        if kind == 4 and self.chance(0.1):  # too long for an index, and nothing to be had by compressing it
            return "".join(self.character() for _ in range(self.random.choice((700, 3000, 9000))))
        return self.random.choice(INJECTIONS).replace("{canary}", self.canary) + self.random.choice(ODDITIES)

    def character(self) -> str:
        """Return any character but NUL and halves of pairs."""
        return chr(self.random.randrange(*self.random.choice(CHARACTERS)))

    def time(self) -> str:
        """Return a time around the edges of what is accepted, or something that is none."""
        if self.chance(0.4):
            return self.random.choice(TIMES)
        shift = self.random.choice((0, 0, 0, 0, -1, -30, -399, -400, -401, 1, 2, 5000))
        return self.random.choice(TIME_FORMS).format(day=self.day + timedelta(days=shift))

    # -- JSON ------------------------------------------------------------------------------------------

    def quoted(self, text: str) -> str:
        """Return a JSON string, written in one of the ways that there are."""
        style = self.random.randrange(3)
        written = []
        for sign in text:
            if sign in '"\\' or sign < " " or style == 2 or (style == 1 and self.chance(0.2)):
                units = sign.encode("utf-16-be", "surrogatepass").hex()
                written += [f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)]
            else:
                written.append(sign)
        return '"' + "".join(written) + '"'

    def anything(self, depth: int = 0) -> str:
        """Return any JSON value."""
        kind = self.random.randrange(8 if depth < 3 else 5)
        if kind == 0:
            return self.random.choice(NUMBERS)
        if kind == 1:
            return self.random.choice(("true", "false", "null", '""', '" "'))
        if kind == 2:
            return f'"{self.random.choice(ESCAPES)}"'
        if kind == 3:
            return self.quoted(self.random.choice(NUMERIC_TEXTS + TIMES + ODDITIES))
        if kind == 4:
            return self.quoted(self.text())
        if kind == 5:
            return "[" + ", ".join(self.anything(depth + 1) for _ in range(self.random.randrange(4))) + "]"
        if kind == 6:
            members = (
                f"{self.quoted(self.text())}: {self.anything(depth + 1)}" for _ in range(self.random.randrange(4))
            )
            return "{" + ", ".join(members) + "}"
        levels = self.random.choice((5, 100, 509, 511, 512, 513, 700))
        return "[" * levels + "]" * levels if self.chance(0.5) else '{"a":' * levels + "0" + "}" * levels

    def members(self, fields: dict[str, Callable[[], str]], faults: int) -> str:
        """Return an object of these fields, some of them taken away, twice there, or holding anything."""
        written = {name: make() for name, make in fields.items()}
        for name in self.random.sample(list(fields), min(faults, len(fields))):
            if self.chance(0.15):
                del written[name]
            else:
                written[name] = self.anything()
        pairs = [(self.quoted(name), value) for name, value in written.items()]
        if faults and self.chance(0.2):
            pairs.append((self.quoted(self.random.choice(list(fields))), self.anything()))
        if faults and self.chance(0.2):
            pairs.append((self.quoted(self.text()), self.anything()))
        if self.chance(0.3):
            self.random.shuffle(pairs)
        colon, comma = self.random.choice(((":", ","), (": ", ", "), (" :\t", " ,  ")))
        return "{" + comma.join(f"{name}{colon}{value}" for name, value in pairs) + "}"

    def number(self, usual: Callable[[], str]) -> str:
        if self.chance(0.8):
            return usual()
        return self.random.choice(NUMBERS) if self.chance(0.5) else self.quoted(self.random.choice(NUMERIC_TEXTS))

    def line_fields(self) -> dict[str, Callable[[], str]]:
        quantity = lambda: str(self.random.randrange(1, 5))  # noqa: E731
        price = lambda: f"{self.random.randrange(1, 10000) / 100:.2f}"  # noqa: E731
        return {
            "product_id": lambda: self.quoted(self.id("P", 30)),
            "quantity": lambda: self.number(quantity),
            "price": lambda: self.number(price),
        } | self.amounts(("line_total", "discount", "tax"), 0.1)

    def amounts(self, names: tuple[str, ...], share: float) -> dict[str, Callable[[], str]]:
        """Return some of these amounts."""
        amount = lambda: f"{self.random.randrange(400) / self.random.choice((100, 100, 3)):.2f}"  # noqa: E731
        return {name: lambda: self.number(amount) for name in names if self.chance(share)}

    def id(self, letter: str, count: int) -> str:
        return self.text() if self.chance(0.1) else f"{letter}-{self.random.randrange(count)}"

    def moment(self) -> str:
        return self.quoted(self.time() if self.chance(0.2) else f"{self.day}T10:00:00Z")

    def order(self) -> str:
        """Return an order as JSON."""
        faults = self.random.choice((0, 0, 0, 1, 1, 2, 12))
        person: dict[str, Callable[[], str]] = {
            "city": lambda: self.quoted(self.text()),
            "signup_date": lambda: self.quoted("2024-05-01" if self.chance(0.8) else self.time()),
            "marketing_source": lambda: self.quoted(self.text()),
        }
        fields: dict[str, Callable[[], str]] = {
            "order_id": lambda: self.quoted(self.id("O", 100_000)),
            "user_id": lambda: self.quoted(self.id("U", 50)),
            "timestamp": self.moment,
            "status": lambda: self.quoted(self.random.choice(STATUSES)),
        }
        if self.chance(0.4):
            items = lambda: "[" + ", ".join(self.item() for _ in range(self.random.randrange(1, 5))) + "]"  # noqa: E731
            fields["items"] = items
        if "items" not in fields or self.chance(0.1):
            fields |= self.line_fields()
        if self.chance(0.3):
            fields["user"] = lambda: self.members(person, self.random.choice((0, 1)))
        if self.chance(0.3):
            fields |= person
        fields |= self.amounts(("discount", "tax", "shipping", "refunded"), 0.15)
        if self.chance(0.2):
            currency = self.text() if self.chance(0.3) else self.random.choice(CURRENCIES)
            fields["currency"] = lambda: self.quoted(currency)
        if self.chance(0.3):
            fields["updated_at"] = self.moment
        return self.members(fields, faults)

    def item(self) -> str:
        return (
            self.anything() if self.chance(0.05) else self.members(self.line_fields(), self.random.choice((0, 0, 0, 1)))
        )

    def product(self) -> str:
        """Return a product as JSON."""
        fields: dict[str, Callable[[], str]] = {
            "product_id": lambda: self.quoted(self.id("P", 60)),
            "product_name": lambda: self.quoted(self.text()),
            "category": lambda: self.quoted(self.text()),
            "brand": lambda: self.quoted(self.text()),
            "current_price": lambda: self.number(lambda: "9.99"),
        }
        return self.members(fields, self.random.choice((0, 0, 1, 2)))

    def sent(self) -> str:
        """Return an order in another form: our own lies in it; of a few, none."""
        members = {"sent": self.order, "at": self.moment, "note": lambda: self.quoted(self.text())}
        kind = self.random.randrange(20)
        if kind == 0:
            return self.order()
        if kind == 1:
            members["sent"] = self.anything
        if kind == 2:
            return f'{{"sent": {self.anything()}, "sent": {self.order()}}}'
        return self.members(members, self.random.choice((0, 0, 0, 0, 0, 1)))

    def json_file(self, make: Callable[[], str], count: int, *, is_listed: bool = True) -> tuple[str, bytes]:
        """Return the ending of a name, and an array or lines of records, or an object in which they are listed."""
        records = [make().encode() for _ in range(count)]
        form = self.random.randrange(10)
        if form == 0 and is_listed and not any(b"[" * 50 in one or b'{"a":' * 50 in one for one in records):
            key = b"orders" if b"order" in make.__name__.encode() else b"products"
            data = b'{"page": 1, "' + key + b'": [' + b", ".join(records) + b'], "next": "?page=2"}'
            return ".json", data.decode().encode("utf-16") if self.chance(0.3) else data
        if form == 1 and len(records) > 1:
            data = self.random.choice((b"", b" ", b"\n")).join(records)
            return self.random.choice((".json", ".jsonl")), self.spoilt(data) if self.chance(0.15) else data
        if self.chance(0.4):
            # An array that is not whole is refused whole: most are, so that there is something to see.
            separator = self.random.choice((b",", b",\n", b" ,\r\n\t"))
            data = b"[" + separator.join(records) + b"]" + self.random.choice((b"", b"\n", b" \r\n"))
            return ".json", self.spoilt(data) if self.chance(0.15) else data
        lines = [b"{}"]  # what begins with a bracket would be an array
        for record in records:
            if self.chance(0.1):
                record = self.random.choice(NOT_JSON).encode()
            elif self.chance(0.1):
                record = record.replace(b": ", b": " + self.random.choice(NOT_JSON).encode(), 1)
            elif self.chance(0.1):
                record = self.spoilt(record)
            lines.append(record)
            if self.chance(0.02):
                lines.append(
                    self.random.choice(
                        (b"", b"  ", b"\t\r", b"[" * 2000, b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf{}")
                    )
                )
        end = self.random.choice((b"\n", b"\r\n"))
        return self.random.choice((".ndjson", ".json", ".LDJSON")), end.join(lines) + self.random.choice((b"", end))

    def spoilt(self, data: bytes) -> bytes:
        """Return bytes with something changed, taken away, put in, or cut off."""
        at = self.random.randrange(len(data) + 1)
        kind = self.random.randrange(5)
        if kind == 0:
            return data[:at]
        if kind == 1:
            return data[:at] + data[at + self.random.randrange(1, 4) :]
        bad = self.random.choice((*SPOILERS, bytes([self.random.randrange(256)])))
        return data[:at] + bad + data[at + (kind == 2) :]

    # -- CSV -------------------------------------------------------------------------------------------

    def event(self) -> dict[str, str]:
        """Return the fields of an event."""
        made = {
            "event_id": self.id("E", 100_000), "user_id": self.id("U", 50), "product_id": self.id("P", 30),
            "event_type": self.text() if self.chance(0.1) else self.random.choice(EVENT_TYPES),
            "event_ts": self.time() if self.chance(0.2) else f"{self.day}T10:00:{self.random.randrange(60):02}Z",
        }  # fmt: skip
        for name in self.random.sample(list(made), self.random.choice((0, 0, 0, 0, 1, 2))):
            made[name] = "" if self.chance(0.2) else self.text()
        return made

    def csv_field(self, text: str, quote_all: bool, delimiter: str = ",") -> bytes:
        if quote_all or any(sign in text for sign in f'{delimiter}"\r\n'):
            return b'"' + text.replace('"', '""').encode() + b'"'
        return text.encode()

    def csv_file(self, count: int, *, simple: bool) -> tuple[str, bytes]:
        """Return `.csv` and lines of events; `simple`: as most files are, without a quote or an extra column."""
        columns = ["event_id", "user_id", "product_id", "event_type", "event_ts"]
        if not simple:
            columns += self.random.sample(COLUMN_NAMES, self.random.choice((0, 1, 3)))
            self.random.shuffle(columns)
            if self.chance(0.03):
                columns.remove("event_ts") if self.chance(0.5) else columns.append("event_id")
        elif self.chance(0.3):
            columns.remove("product_id")
        quote_all = not simple and self.chance(0.3)
        end = self.random.choice((b"\n", b"\r\n", b"\r\r\n"))
        delimiter = self.random.choice((",", ",", ",", ";", "\t", "|"))
        comma = delimiter.encode()
        head = [name.upper() if self.chance(0.05) and name.startswith("event_") else name for name in columns]
        lines = [comma.join(self.csv_field(name, quote_all, delimiter) for name in head)]
        for _ in range(count):
            event: dict[str, Any] = self.event()
            texts = [event[name] if name in event else self.text() for name in columns]
            if simple:
                texts = [text if not any(sign in text for sign in f'{delimiter}"\r\n') else "x" for text in texts]
            line = comma.join(self.csv_field(text, quote_all and self.chance(0.9), delimiter) for text in texts)
            if self.chance(0.02):
                line += comma * self.random.randrange(1, 4)
            if self.chance(0.03):
                line = self.spoilt(line)
            elif self.chance(0.02):
                line = self.random.choice(
                    (
                        b"",
                        b" ",
                        b",",
                        b",,,,,,,,",
                        b'"',
                        b'""',
                        b'"a"b,c',
                        b'a"b,,',
                        b"\\.",
                        b"\x00,,,,",
                        b"\r",
                        b"\xff" * 5,
                    )
                )
            lines.append(line)
        bom = b"\xef\xbb\xbf" if self.chance(0.1) else b""
        if self.chance(0.05):
            lines.insert(0, self.random.choice((b"", b"sep=" + comma)))
        data = bom + end.join(lines) + self.random.choice((b"", end, end * 3))
        if self.chance(0.1):
            with contextlib.suppress(UnicodeDecodeError):
                data = data.decode("utf-8-sig").encode("utf-16")
        return self.random.choice((".csv", ".csv", ".CSV", ".tsv")), data

    # -- files -----------------------------------------------------------------------------------------

    def files(self, source: str, count: int) -> dict[str, bytes]:
        """Return deliveries with about `count` records in all, by the names that the warehouse should know them by."""
        made: dict[str, bytes] = {}
        parts = self.random.choice((1, 2, 3))
        for name in self.random.sample(FILE_NAMES, parts):
            records = count // parts
            if source == "events":
                ending, data = self.csv_file(records, simple=self.chance(0.5))
            else:
                ending, data = self.json_file(self.order if source == "orders" else self.product, records)
            made[name + ending] = data
        return made

    def shaped(self, name: str, count: int) -> dict[str, bytes]:
        """Return a delivery of orders in another form; its name begins with `name`."""
        ending, data = self.json_file(self.sent, count, is_listed=False)
        return {name + ending: data}

    def packed(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Return a delivery as it lies in the landing zone."""
        if self.chance(0.2):
            return f"{name}.gz", gzip.compress(data, 1, mtime=0)
        return name, data
