"""Delivers hostile files to a warehouse, day after day, and compares every record with what should become of it.

    python -m trust.hostile --seed 1 --count 100000        (make hostile SEED=1 COUNT=100000)

Each day goes through the command line (`run`, `status`, `explain`): the real glue, COPY and CALLs. For every record an
oracle that shares no code with the product says whether it is in and with which values, or rejected and for which of
its fields; nothing may be left over on either side. Beside that: what is in the data is never executed (a canary in
the database and one in the file system), and nothing of it that a terminal acts upon is ever printed. Last come the
giants (`giants`), whose peak memory is measured, and the path tricks (`path_tricks`).
"""

import argparse
import contextlib
import gzip
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import psycopg
from psycopg.rows import tuple_row

from embedded.server import EmbeddedServer
from glue import cli, records
from tests.conftest import SYSTEM_BINARIES, TEST_SETTINGS, Warehouse, migrate, new_warehouse, reachable_folder
from tests.promises import RULES_OFF, broken_promises
from trust.command import command
from trust.hostile_oracle import RAW, REFUSED, ROUTINE, SENT, SHAPED, Day, Expected
from trust.hostile_records import Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PROJECT = Path(__file__).parents[1]
FIRST_DAY = date(2025, 1, 1)
RECORDS_A_DAY = 5000
SHOWN = 5
MEMORY = 150 << 20
CANARY = "/tmp/canary-from-data"  # in the data, too: the same for all, so that a seed says all
EPOCH_SECONDS = 62_135_596_800  # from the beginning of the year 1 to that of 1970
TABLES = {"orders": "raw.orders_json", "events": "raw.events_csv", "products": "raw.products_json"}


@dataclass
class Tally:
    """What was tried, and what came of it. `faults` are differences; there should be none."""

    days: int = 0
    files: int = 0
    refused_files: int = 0
    records: int = 0
    clean: int = 0
    duplicates: int = 0
    rejected: int = 0
    outputs: int = 0
    giants: int = 0
    peak_megabytes: int = 0
    path_tricks: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        figures = (f"{getattr(self, one.name):,} {one.name.replace('_', ' ')}" for one in fields(self)[:-1])
        return ", ".join(figures) + f", {len(self.faults)} faults"


# -- a day -------------------------------------------------------------------------------------------------


class Attack:
    """Attacks on one warehouse, from one seed."""

    def __init__(self, warehouse: Warehouse, seed: int, tally: Tally) -> None:
        self.warehouse, self.seed, self.tally = warehouse, seed, tally
        self.canary = CANARY
        assert not Path(CANARY).exists(), f"{CANARY} is left from before: remove it"
        warehouse.execute(RULES_OFF)
        warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE rule_name = 'orders_currencies'")
        # Numbers of all forms are among the ids: the day is to be loaded all the same.
        warehouse.execute("UPDATE audit.dq_rules SET enabled = false WHERE check_type = 'ids'")
        warehouse.execute(
            """
            CREATE SCHEMA canary;
            CREATE TABLE canary.cage AS SELECT 'alive' AS state;
            CREATE FUNCTION canary.sing() RETURNS text LANGUAGE sql SECURITY DEFINER
                AS $$UPDATE canary.cage SET state = 'it sang' RETURNING state$$;
            GRANT USAGE ON SCHEMA canary TO PUBLIC;
            GRANT ALL ON canary.cage TO PUBLIC;
            """
        )
        # Another form of orders: a function takes ours out of it.
        warehouse.execute(
            f"""
            SET ROLE warehouse_owner;
            CREATE FUNCTION {ROUTINE}(record json) RETURNS json LANGUAGE sql IMMUTABLE RETURN record -> '{SENT}';
            RESET ROLE;
            INSERT INTO staging.shapes (shape, source, file_pattern, routine)
            VALUES ('sent', 'orders', '{SHAPED}*', '{ROUTINE}');
            """
        )
        found = warehouse.rows("SELECT kind, source_value, canonical_value FROM staging.codes")
        self.codes = {(row.kind, row.source_value): row.canonical_value for row in found}
        self.null_markers = {row.marker for row in warehouse.rows("SELECT marker FROM staging.null_markers")}
        self.catalog = self.objects()

    def day(self, day: date, count: int) -> None:
        """Deliver and run a day of about `count` records of hostile data, and compare."""
        source = Source(f"{self.seed}/{day}", day, self.canary)
        shares = {"orders": 0.45, "events": 0.45, "products": 0.1}
        files = {name: source.files(name, max(1, int(count * share))) for name, share in shares.items()}
        # From a seed of their own: the other files stay as they were.
        files["orders"] |= Source(f"{self.seed}/{day}/{SHAPED}", day, self.canary).shaped(SHAPED, max(1, count // 5))
        # Where blocks end is not for the data to decide: small ones now and then.
        with mock.patch.object(records, "BLOCK_BYTES", source.random.choice((499, 8192, records.BLOCK_BYTES))):
            self.deliver(day, files, source.packed)

    def fat_day(self, day: date, size: int) -> None:
        """Deliver and run a day with values of `size` bytes, in each place that there is for one."""
        long = {
            "x": "x" * size,
            "digits": "9" * size,
            "pairs": "\\ud83d\\ude00" * (size // 12),
            "slashes": "\\\\" * (size // 2),
        }
        long["brackets"] = "{[" * (size // 2)
        written = [
            {"order_id": f"{kind} {name}", "user_id": "U-1", "product_id": "P-1", "quantity": "1", "price": "1"}
            | {"timestamp": str(day), "status": "paid", "city": "Berlin", "signup_date": "2024-05-01"}
            | {name: text}
            for kind, text in long.items()
            for name in (
                "order_id",
                "quantity",
                "price",
                "timestamp",
                "status",
                "city",
                "signup_date",
                "more",
                "line_total",
                "tax",
                "refunded",
                "currency",
            )
        ]
        lines = ["{" + ", ".join(f'"{key}": "{value}"' for key, value in one.items()) + "}" for one in written]
        order = f'"timestamp": "{day}", "status": "paid"'
        lines += [
            f'{{"order_id": "keys", {order}' + ', "k": 1' * (size // 8) + "}",
            f'{{"order_id": "items", {order}, "items": [{", ".join(["{}"] * 2000)}]}}',
            f'{{"order_id": "number", {order}, "product_id": "P-1", "quantity": 1, "price": {"1" * size}}}',
        ]
        rows = [f"{name},{text},{day},\n" for name, text in long.items()]
        rows += [f"{name} time,click,{text},\n{name} user,click,{day},{text}\n" for name, text in long.items()]
        files = {
            "orders": {"fat.ndjson": "\n".join(lines).encode()},
            "events": {"fat.csv": ("event_id,event_type,event_ts,user_id\n" + "".join(rows)).encode()},
        }
        self.deliver(day, files)

    def deliver(
        self,
        day: date,
        files: dict[str, dict[str, bytes]],
        packed: Callable[[str, bytes], tuple[str, bytes]] = lambda name, data: (name, data),
    ) -> None:
        """Deliver files and run their day; then compare everything, and look at it."""
        before = len(self.tally.faults)
        for source, named in files.items():
            folder = self.warehouse.landing.path(source, day)
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in named.items():
                packed_name, content = packed(name, data)
                (folder / packed_name).write_bytes(content)
        self.says(day, 0, "run", str(day))
        expected = self.expected(day, files)
        for name, one in expected.items():
            self.compare(day, name, one)
        self.look(day, expected["orders"])
        self.still_alive(day)
        self.tally.days += 1
        for fault in self.tally.faults[before:]:
            print(f"seed {self.seed}, {day}: {fault}", flush=True)

    def expected(self, day: date, files: dict[str, dict[str, bytes]]) -> dict[str, Expected]:
        """Return what should become of the files of each source."""
        return {
            source: getattr(Day(day, self.codes, self.null_markers), source)(named) for source, named in files.items()
        }

    def compare(self, day: date, source: str, expected: Expected) -> None:
        """Note every difference between what should have become of a source's records and what did."""
        for found, wanted, what in (
            (self.raw(day, source), _raw(expected), "raw"),
            (self.raw_rejected(day, source), _raw_rejected(expected), "rejected_lines"),
            (self.clean(day, source), expected.clean, "clean"),
            (self.rejected(day, source, expected), expected.rejected, "rejected"),
        ):
            self.difference(f"{day} {source} {what}", found, wanted)
        found_counts = self.rows(
            "SELECT clean_count, duplicate_count, rejected_count, delivered_count FROM staging.loads"
            " WHERE source = %s AND load_date = %s",
            source,
            day,
        )
        counts = (len(expected.clean), expected.duplicates, len(expected.rejected))
        if found_counts != [(*counts, sum(counts))]:
            self.tally.faults.append(f"{day} {source}: clean, duplicate, rejected, in all {found_counts}, not {counts}")
        self.tally.files += len(expected.files)
        self.tally.refused_files += sum(file.refused for file in expected.files.values())
        self.tally.records += sum(len(file.taken) + len(file.rejected) or 1 for file in expected.files.values())
        self.tally.clean += len(expected.clean)
        self.tally.duplicates += expected.duplicates
        self.tally.rejected += len(expected.rejected)

    def difference(self, what: str, found: dict[Any, Any], wanted: dict[Any, Any]) -> None:
        for key in [key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)][:SHOWN]:
            self.tally.faults.append(f"{what} {key!a}: found {found.get(key)!a}, expected {wanted.get(key)!a}"[:2000])

    # -- what is in the warehouse ------------------------------------------------------------------------

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.warehouse.connection.cursor(row_factory=tuple_row).execute(query, parameters).fetchall()  # type: ignore[arg-type]

    def raw(self, day: date, source: str) -> dict[Any, Any]:
        columns = "event_id, user_id, product_id, event_type, event_ts, extra::text"
        found = self.rows(
            f"SELECT l.file_name, r.line_number, {columns if source == 'events' else 'r.raw_json::text'}"
            f" FROM {TABLES[source]} r JOIN raw.file_loads l USING (load_id) WHERE r.run_date = %s",
            day,
        )
        if source != "events":
            return {(name, number): text for name, number, text in found}
        names = columns.split(", ")[:5]
        return {
            (name, number): {
                key: value or None
                for key, value in (dict(zip(names, values, strict=False)) | json.loads(values[5] or "{}")).items()
            }
            for name, number, *values in found
        }

    def raw_rejected(self, day: date, source: str) -> dict[Any, Any]:
        found = self.rows(
            "SELECT l.file_name, r.line_number, r.byte_offset, r.byte_count, r.sha256, r.reason <> ''"
            " FROM raw.rejected_lines r JOIN raw.file_loads l USING (load_id) WHERE r.run_date = %s AND l.source = %s",
            day,
            source,
        )
        return {(name, number): place for name, number, *place in found}

    def clean(self, day: date, source: str) -> dict[Any, Any]:
        def micros(column: str) -> str:
            return f"(EXTRACT(epoch FROM {column}) * 1000000)::bigint + {EPOCH_SECONDS * 1_000_000} AS {column}"

        key, columns = {
            "orders": (
                ("order_id", "line_number"),
                f"order_id, line_number, user_id, product_id, quantity, unit_price, revenue, {micros('order_ts')},"
                " status, city, signup_date - date '0001-01-01' AS signup_date, marketing_source,"
                " discount, tax, shipping, refunded, currency, revenue_in_currency, emptied,"
                f" {micros('source_updated_at')}",
            ),
            "events": (("event_id", "event_ts"), f"event_id, user_id, product_id, event_type, {micros('event_ts')}"),
            "products": (("product_id",), "product_id, product_name, category, brand, current_price"),
        }[source]
        found = self.warehouse.rows(f"SELECT {columns} FROM staging.{source}_clean WHERE load_date = %s", day)
        made = {}
        for row in found:
            values = row._asdict()
            parts = tuple(values[name] for name in key)
            made[(parts,) if source == "events" else parts] = values
        return made

    def rejected(self, day: date, source: str, expected: Expected) -> dict[Any, Any]:
        found = self.rows(
            "SELECT file_name, line_number, item_number, raw_id IS NULL, failure_reason, line_count"
            " FROM audit.bad_records WHERE run_date = %s AND source_table = %s",
            day,
            TABLES[source],
        )
        made = {}
        counted = []
        for name, number, item, not_in_raw, reason, line_count in found:
            if not_in_raw:
                faults = frozenset([REFUSED if number is None else RAW]) if reason else frozenset()
            else:
                faults = frozenset(_subject(one) for one in reason.split("; "))
            if line_count == 1:
                made[(name, number or 0, item or 0)] = faults
            else:
                counted.append(((name, number or 0, item or 0), not_in_raw, line_count, faults))
        # A row for many lines is the first of those that have none of their own, and has the faults of them all.
        for place, not_in_raw, line_count, faults in sorted(counted):
            rest = sorted(
                other for other, wanted in expected.rejected.items()
                if other[0] == place[0] and other >= place and other not in made and (RAW in wanted) == not_in_raw
            )  # fmt: skip
            if rest and rest[0] == place:
                made |= {other: expected.rejected[other] & faults for other in rest[:line_count]}
        return made

    # -- what is said ------------------------------------------------------------------------------------

    def says(self, day: date, code: int | None, *arguments: str, encoding: str = "utf-8") -> str:
        """Run a command; it has to end with that exit code, and to print nothing that a terminal acts upon."""
        ended = command(self.warehouse.dsn, self.warehouse.landing.folder, *arguments, encoding=encoding)
        self.tally.outputs += 1
        if ended.code != code:
            self.tally.faults.append(f"{arguments!a} ended with {ended.code}: {ended.err!a}"[:2000])
        for text in (ended.out, ended.err):
            bad = [place for place, sign in enumerate(text) if not sign.isprintable() and sign != "\n"]
            if bad:
                around = text[max(0, bad[0] - 60) : bad[0] + 60]
                self.tally.faults.append(f"{arguments!a} printed {text[bad[0]]!a}: …{around!a}…")
        return ended.out

    def look(self, day: date, orders: Expected) -> None:
        """Ask for everything that shows data."""
        self.says(day, 0, "status", "--runs", "3")
        self.says(day, 0, "explain", str(day))
        self.says(day, 0, "explain", str(day), encoding="ascii")
        ids = [key for key, _ in orders.clean if not key.startswith("O-")][:SHOWN]
        found = self.rows(
            "SELECT DISTINCT record_id FROM audit.bad_records WHERE run_date = %s AND item_number > 0", day
        )
        for order_id in {*ids, *[order_id for (order_id,) in found if order_id][:SHOWN]}:
            self.says(day, 0, "explain", "order", "--", order_id)
            as_json = self.says(day, 0, "explain", "--json", "order", "--", order_id)
            story = json.loads(as_json or "{}")
            if story.get("order_id") != order_id or not story["reports"]:
                self.tally.faults.append(f"explain --json order {order_id!a} knows of no report")
        for message in self.rows("SELECT message FROM audit.alerts WHERE run_date = %s", day):
            if not message[0].isprintable():
                self.tally.faults.append(f"an alert of {day}: {message[0]!a}")

    # -- the canaries ------------------------------------------------------------------------------------

    def objects(self) -> set[tuple[Any, ...]]:
        """Return all there is in the database but partitions."""
        return set(
            self.rows(
                """
                SELECT 'routine', p.oid::regprocedure::text, md5(p.prosrc), p.proacl::text FROM pg_proc p
                UNION ALL SELECT 'relation', c.oid::regclass::text, c.relkind::text, c.relacl::text FROM pg_class c
                WHERE NOT c.relispartition AND c.relkind NOT IN ('t', 'i')
                UNION ALL SELECT 'role', r.rolname, r.rolsuper::text, r.rolcanlogin::text FROM pg_roles r
                UNION ALL SELECT 'schema', n.nspname, n.nspacl::text, NULL FROM pg_namespace n WHERE n.nspname !~ '^pg_'
                """
            )
        )

    def still_alive(self, day: date) -> None:
        """Note whether anything that stood in the data was executed."""
        state = self.rows("SELECT state FROM canary.cage")
        if state != [("alive",)]:
            self.tally.faults.append(f"{day}: the canary in the database: {state}")
        if Path(self.canary).exists() or Path("canary").exists():
            self.tally.faults.append(f"{day}: the canary in the file system was touched")
        changed = self.objects() ^ self.catalog
        if changed:
            self.tally.faults.append(f"{day}: the catalog is not as before: {sorted(map(str, changed))[:SHOWN]}")


def _subject(reason: str) -> str:
    """Return what a reason is about: its first word (`an order holds at most …` is about items)."""
    words = reason.split(" ")
    return words[1] if words[0] == "the" else "items" if words[0] == "an" else words[0]


def _raw(expected: Expected) -> dict[Any, Any]:
    """Return what raw should hold; of CSV an empty field is as good as none."""
    names = ("event_id", "user_id", "product_id", "event_type", "event_ts")
    return {
        (name, one.number): one.content
        if isinstance(one.content, str)
        else dict.fromkeys(names) | {key: value or None for key, value in one.content.items()}
        for name, file in expected.files.items()
        for one in file.taken
    }


def _raw_rejected(expected: Expected) -> dict[Any, Any]:
    return {
        (name, one.number): [one.offset, one.byte_count, one.sha256, True]
        for name, file in expected.files.items()
        for one in file.rejected
    }


# -- giants ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Giant:
    """A file that is easy to send and hard to hold. `filler` is repeated until the content has the size asked for."""

    source: str
    name: str
    head: bytes
    filler: bytes
    tail: bytes
    taken: int
    rejected: int
    times: int = 1  # the size asked for

    def write(self, folder: Path, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        size *= self.times
        with ExitStack() as stack:
            path = folder / self.name
            if self.name.endswith(".zst"):
                file: Any = stack.enter_context(zstd.ZstdFile(path, "wb"))
            elif self.name.endswith(".gz"):
                file = stack.enter_context(gzip.open(path, "wb", compresslevel=1))
            else:
                file = stack.enter_context(path.open("wb"))
            file.write(self.head)
            if self.filler == b"\0" and file.seekable() and path.suffix in (".csv", ".ndjson", ".json"):
                file.seek(size, os.SEEK_CUR)  # a hole: zeros that take no room
            else:
                block = self.filler * max(1, (1 << 20) // len(self.filler))
                for _ in range(max(1, size // len(block))):
                    file.write(block)
            file.write(self.tail)


HEADER = b"event_id,event_type,event_ts\nE1,v,t\n"
DEEP = 100_000
GIANTS = (
    Giant("orders", "string.json.zst", b'[{"a": 1}, "', b"x", b'", {"b": 2}]', 2, 1),
    Giant("orders", "line.ndjson.gz", b'{"a": 1}\n"', b"x", b'"\n{"b": 2}', 2, 1),
    Giant("orders", "zeros.ndjson", b'{"a": 1}\n', b"\0", b'\n{"b": 2}', 2, 1),
    Giant("orders", "element.json.gz", b"[1, [", b"1,", b"1], 2]", 2, 1),
    Giant("orders", "digits.json.zst", b"[1, ", b"9", b", 2]", 2, 1),
    Giant("orders", "escapes.ndjson.zst", b'1\n"', b"\\u0000", b'"\n2', 2, 1),
    Giant("orders", "token.json.zst", b'[{"a": \x1bc, "b": "', b"x", b'"}]', 0, 1, times=0),
    Giant("orders", "unclosed.json.zst", b'[1, "', b"x", b"", 0, 1),
    Giant("orders", "open.json.zst", b"", b"[", b"", 0, 1),
    Giant("orders", "open.ndjson.zst", b'1\n{"a":', b"[", b"\n2", 2, 1),
    Giant("orders", "blanks.json.zst", b"[1,", b" ", b"2]", 2, 0, times=3),
    Giant("orders", "nothing.ndjson.zst", b"", b" ", b"", 0, 1, times=3),
    Giant("orders", "beside.json.zst", b'{"a": "', b"x", b'", "orders": [{"order_id": 1, "status": 2}]}', 0, 1),
    Giant("orders", "listed.json.zst", b'{"orders": [{"order_id": 1, "status": 2}, "', b"x", b'"], "a": 1}', 1, 1),
    Giant("orders", "values.json.zst", b'{"a": 1} {"b": "', b"x", b'"}{"c": 3}', 2, 1),
    Giant("orders", "pretty.json.zst", b'{\n"a": [', b"1,", b"1]\n}", 0, 1),
    Giant("orders", "blank_lines.ndjson.zst", b"1\n", b"\n", b"2", 2, 0),
    Giant("events", "field.csv.zst", HEADER + b'E2,"', b"x", b'",t\nE3,v,t\n', 2, 1),
    Giant("events", "zeros.csv", HEADER, b"\0", b"\nE3,v,t\n", 2, 1),
    Giant("events", "commas.csv.gz", HEADER, b",", b"\nE3,v,t\n", 2, 1),
    Giant("events", "quotes.csv.zst", HEADER + b'E2,"', b'""', b'",t\nE3,v,t\n', 2, 1),
    Giant("events", "header.csv.zst", b"event_id,event_type,event_ts,", b"x", b"\nE1,v,t,x\n", 0, 1),
    Giant("events", "blank_lines.csv.zst", HEADER, b"\n", b"E3,v,t\n", 2, 0),
    Giant("products", "string.json.gz", b'[{"a": 1}, {"product_id": "', b"\\\\", b'"}, {"b": 2}]', 2, 1),
    Giant("products", "deep.json", b"[1, " + b"[" * DEEP, b"1", b"]" * DEEP + b", 2]", 2, 1, times=0),
    Giant("orders", "deep.ndjson", b"1\n" + b'{"a":' * DEEP, b"1", b"}" * DEEP + b"\n2", 2, 1, times=0),
    Giant("products", "deep_open.json", b"[" * DEEP, b"1", b"", 0, 1, times=0),
)


def giants(warehouse: Warehouse, tally: Tally, size: int, chosen: Iterable[Giant] = GIANTS) -> None:
    """Load each giant in a process of its own; note what it took, and its peak memory."""
    for number, giant in enumerate(chosen):
        day = FIRST_DAY - timedelta(days=1 + number)
        giant.write(warehouse.landing.path(giant.source, day), size)
        ended, said, peak = _elsewhere(warehouse, "extract", giant.source, str(day))
        load = warehouse.row("SELECT * FROM raw.file_loads WHERE run_date = %s", day)
        found = (load.row_count, load.rejected_count + (load.refused_reason is not None))
        is_safe = all(sign.isprintable() or sign == "\n" for sign in said)
        if ended != 0 or found != (giant.taken, giant.rejected) or peak > MEMORY or not is_safe:
            tally.faults.append(
                f"{giant.name}: ended with {ended}, took {found}, peak {peak >> 20} MB: {said!a}"[:2000]
            )
            print(tally.faults[-1], flush=True)
        tally.giants += 1
        tally.peak_megabytes = max(tally.peak_megabytes, peak >> 20)
        (warehouse.landing.path(giant.source, day) / giant.name).unlink()


def _elsewhere(warehouse: Warehouse, *arguments: str) -> tuple[int, str, int]:
    """Run a command in a process of its own; return its exit code, what it said, and its peak memory in bytes."""
    # Not getrusage: what it says of a new process begins with the peak of the one that started it.
    program = (
        "import sys; from pathlib import Path; from glue.cli import main\n"
        "code = main(sys.argv[1:])\n"
        "status = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())\n"
        "print('PEAK', int(status['VmHWM'].split()[0]) * 1024, flush=True)\n"
        "sys.exit(code)"
    )
    environment = os.environ | {"WAREHOUSE_DSN": warehouse.dsn, "LANDING_URL": str(warehouse.landing.folder)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=environment,
        check=False,
    )
    peak = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PEAK ")]
    return done.returncode, done.stdout + done.stderr, max(peak, default=0)


# -- path tricks -------------------------------------------------------------------------------------------


def path_tricks(attack: Attack, day: date) -> None:
    """Put into one folder what only looks like a delivery: each is named, none is read, and what is one is loaded."""
    landing, tally = attack.warehouse.landing, attack.tally
    folder = landing.path("orders", day)
    folder.mkdir(parents=True)
    secret = landing.folder.parent / "outside.json"
    secret.write_text('[{"order_id": "SECRET"}]')
    inside = landing.folder / "orders" / "inside.json"
    inside.write_text('[{"order_id": "inside"}]')
    landing.orders(day, [{"order_id": "good"}], "good.json")

    tricks: dict[str, Callable[[Path], Any]] = {
        "link_out.json": lambda path: path.symlink_to(secret),
        "link_out_relative.json": lambda path: path.symlink_to("../../../outside.json"),
        "link_to_zero.json": lambda path: path.symlink_to("/dev/zero"),
        "link_to_passwd.ndjson": lambda path: path.symlink_to("/etc/passwd"),
        "link_to_self.json": lambda path: path.symlink_to(path.name),
        "link_to_nothing.json": lambda path: path.symlink_to("nothing"),
        "link_to_folder.json": lambda path: path.symlink_to(landing.folder, target_is_directory=True),
        "folder.json": lambda path: path.mkdir(),
        "pipe.json": os.mkfifo,
        "pipe.json.gz": os.mkfifo,
        "twice.json": lambda path: path.write_text("[]"),
        "twice.json.gz": lambda path: path.write_bytes(b""),
        b"not utf-8 \xff.json".decode("utf-8", "surrogateescape"): lambda path: path.write_text("[]"),
    }
    passed_over: dict[str, Callable[[Path], Any]] = {
        ".hidden.json": lambda path: path.write_text('[{"order_id": "hidden"}]'),
        "_part.json": lambda path: path.write_text('[{"order_id": "part"}]'),
        "x.json.tmp": lambda path: path.write_text('[{"order_id": "tmp"}]'),
        "x.json.part": lambda path: path.write_text('[{"order_id": "part"}]'),
        "x.json.crc": lambda path: path.write_bytes(b"crc"),
        "evil\x1b[2J.exe": lambda path: path.write_bytes(b"MZ"),
        "x.json.bz2": lambda path: path.write_bytes(b"BZ"),
    }
    for name, make in (tricks | passed_over).items():
        make(folder / name)
    (folder / "link_inside.json").symlink_to(inside)
    with ExitStack() as stack:
        with contextlib.suppress(OSError):  # its path may be too long
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(folder / "socket.json"))
            tricks["socket.json"] = lambda path: None
        if os.geteuid() == 0:
            os.mknod(folder / "zero.json", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
            tricks["zero.json"] = lambda path: None
        started = time.monotonic()
        ended, said, _ = _elsewhere(attack.warehouse, "run", str(day))
        if time.monotonic() - started > 120:
            tally.faults.append("path tricks: it hung")
    if ended != cli.FAILED:
        tally.faults.append(f"path tricks: it ended with {ended}: {said!a}")
    loaded = {name for (name,) in attack.rows("SELECT file_name FROM raw.file_loads WHERE run_date = %s", day)}
    if loaded != {"good.json", "link_inside.json"}:
        tally.faults.append(f"path tricks: {sorted(loaded)!a} were loaded")
    tally.faults += [f"path tricks: nobody was told of {name!a}" for name in tricks if _shown(name) not in said]
    if "SECRET" in "".join(text for (text,) in attack.rows("SELECT raw_json::text FROM raw.orders_json")):
        tally.faults.append("path tricks: what lies outside the landing zone was loaded")
    if "\x1b" in said:
        tally.faults.append("path tricks: an escape reached the terminal")
    tally.path_tricks += len(tricks) + len(passed_over)


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]


# -- the long run ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def own_warehouse(pg: str) -> Iterator[Warehouse]:
    """Yield an empty warehouse on a server of its own, `pg`: wheel, or a major of this machine."""
    folder = reachable_folder("hostile")
    bindir = None if pg == "wheel" else Path(SYSTEM_BINARIES.format(pg))
    with EmbeddedServer(folder / "server", bindir=bindir, settings=TEST_SETTINGS) as server:
        template = SimpleNamespace(
            host=str(server.socket_directory), port=5432, user="postgres", template_dbname="template"
        )
        with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template")
        migrate(host=template.host, port=template.port, user=template.user, dbname="template")
        with tempfile.TemporaryDirectory() as landing, new_warehouse(template, Path(landing)) as warehouse:
            yield warehouse
    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run as long as there are records to try; print figures and faults. Return 0 if there is no fault."""
    parser = argparse.ArgumentParser(prog="python -m trust.hostile", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="the same seed tries the same bytes")
    parser.add_argument("--count", type=int, default=100_000, help="records to try, about")
    parser.add_argument("--giant", type=int, default=1 << 30, help="bytes of a giant; 0 leaves them out")
    parser.add_argument("--pg", default="wheel", help="wheel, or a PostgreSQL major of this machine")
    options = parser.parse_args()
    tally = Tally()
    started = time.monotonic()
    with own_warehouse(options.pg) as warehouse:
        attack = Attack(warehouse, options.seed, tally)
        while tally.records < options.count and len(tally.faults) < 100:
            day = FIRST_DAY + timedelta(days=tally.days)
            attack.day(day, RECORDS_A_DAY)
            if tally.days % 5 == 0:
                print(f"{day}, {time.monotonic() - started:.0f} s: {tally}", flush=True)
        tally.faults += [
            f"a promise is broken: {promise}: {rows[:3]}"
            for promise, rows in broken_promises(warehouse.connection).items()
        ]
        attack.fat_day(FIRST_DAY + timedelta(days=tally.days), 2 << 20)
        path_tricks(attack, FIRST_DAY + timedelta(days=tally.days))
        if options.giant:
            giants(warehouse, tally, options.giant)
    for fault in tally.faults:
        print(fault)
    print(f"seed {options.seed}, PostgreSQL {options.pg}, {time.monotonic() - started:.0f} s: {tally}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
