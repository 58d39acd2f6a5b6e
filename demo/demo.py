"""Runs a seeded shop's thirty days in a database of its own, and shows what came of them."""

import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.shop import Shop
from embedded import server
from glue.connection import connect, warehouse_dsn
from glue.errors import GlueError
from glue.extract import extract
from glue.products import ProductsApi
from glue.run import DayResult, Runner
from report.tables import console, print_table, table

DATABASE = "warehouse_demo"
FOLDER = Path("data") / "demo"
REPORT = "report"
PAGE = 100
BARS = " ▁▂▃▄▅▆▇█"
PLAIN_BARS = " ....:::#"

DAYS = """
    SELECT d.load_date, nullif(d.run_status, 'succeeded'), d.delivered, d.clean, d.duplicate, d.rejected, d.superseded,
           d.in_facts, round(d.net_revenue), round(d.runtime_seconds, 1)::float
    FROM warehouse.days d
    ORDER BY d.load_date
"""
COLUMNS = (
    "day",
    "",
    "deli-\nvered",
    "clean",
    "dupli-\ncate",
    "reject-\ned",
    "super-\nseded",
    "facts",
    "net\nrevenue",
    "s",
)
RULES = """
    SELECT v.rule_name, v.severity, count(*) AS days, min(v.run_date) AS first_day,
           (array_agg(v.message ORDER BY v.run_date))[1] AS message
    FROM audit.last_verdicts v
    WHERE NOT v.passed
    GROUP BY v.rule_name, v.severity
    ORDER BY v.severity, v.rule_name
"""
QUERIES = (
    "SELECT category, sum(revenue) FROM warehouse.sales GROUP BY 1 ORDER BY 2 DESC;",
    "SELECT product_id, count(*), min(current_price), max(current_price) FROM warehouse.dim_product_history"
    " GROUP BY 1 ORDER BY 2 DESC LIMIT 5;",
    "SELECT failure_reason, sum(rows), min(example) FROM audit.rejected_reasons GROUP BY 1 ORDER BY 2 DESC;",
)


def demo(end: date, *, days: int = 30, jobs: int = 2, here: bool = False) -> bool:
    """Run the shop's days up to `end`, in a new database, and print what came of them.

    Returns whether everything went as it was planned. Nothing of the warehouse of your own is touched: the demo has
    the database warehouse_demo on the embedded server, and the folder data/demo, both made anew each time. With
    `here` the database is that of WAREHOUSE_DSN, if nothing was ever delivered to it. Raises GlueError, psycopg.Error.
    """
    out = console()
    started = time.monotonic()
    shop = Shop(end, days)
    with _alone():
        dsn = _empty_warehouse(out) if here else _new_database(out)
        _deliver(shop, out)
        results = _run(shop, dsn, jobs, out)
        planned = _summarize(shop, dsn, results, here, out)
        page = _report(shop, dsn)
    out.print(f"All of it took {time.monotonic() - started:.0f} s. Open the report in a browser:")
    out.print(page, style="cyan", markup=False, soft_wrap=True)
    return planned


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of the demo: two at once would take each other's database away."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GlueError("a demo is running already; wait for it, or stop it with Ctrl-C") from None
        yield


def _new_database(out: Console) -> str:
    """Make the demo's database anew, whatever an earlier demo left. Returns its DSN."""
    from ops.migrate import upgrade  # takes half a second to import

    out.print("Embedded server: starting (the first time it is made, which takes some seconds)")
    server.start()
    name = sql.Identifier(DATABASE)
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(name))
        # What a crash of the machine would lose is made again by the next demo.
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    dsn = server.dsn(DATABASE)
    upgrade(dsn)
    out.print(f"Database {DATABASE}: made and migrated")
    return dsn


def _empty_warehouse(out: Console) -> str:
    """Return the DSN of the warehouse of WAREHOUSE_DSN. Raises GlueError if anything was delivered to it."""
    dsn = warehouse_dsn()
    with closing(connect(dsn)) as connection:
        found = connection.execute("SELECT count(*), min(run_date), max(run_date) FROM raw.file_loads").fetchone()
        if found[0]:
            raise GlueError(
                f"this warehouse is not empty: it has {found[0]:,} deliveries of {found[1]} to {found[2]}. The demo's "
                "shop would be mixed with them: make another database and `warehouse migrate` it, or leave out --here"
            )
    out.print("Database of WAREHOUSE_DSN: empty, as it should be")
    return dsn


def _deliver(shop: Shop, out: Console) -> None:
    """Write what the shop delivers into the landing zone of the demo."""
    with _progress(out, "writing deliveries", shop.days) as advance:
        for day in shop.deliver(FOLDER):
            advance(f"{day}: delivered", False)


def _run(shop: Shop, dsn: str, jobs: int, out: Console) -> list[DayResult]:
    """Bring the catalogue from the API, then run all days. Returns how they ended."""
    os.environ["LANDING_URL"] = str(FOLDER)
    os.environ.pop("PRODUCTS_API_URL", None)
    with _products_api(shop.catalogue()) as url:
        extract("products", shop.last, dsn=dsn, landing=str(FOLDER), api=ProductsApi(url), refresh=True, say=out.print)
    days = [date.fromordinal(number) for number in range(shop.first.toordinal(), shop.last.toordinal() + 1)]
    ends = tuple(f" {outcome} after" for outcome in ("succeeded", "failed", "blocked", "skipped"))
    with _progress(out, "running days", len(days)) as advance:

        def say(line: str) -> None:
            if any(end in line for end in ends):
                advance(line, " failed " in line)

        # The first day alone: the products of its catalogue are known before the other days ask.
        runner = Runner(dsn, say)
        return runner.run(days[:1]) + (runner.run(days[1:], jobs=jobs) if days[1:] else [])


def _summarize(shop: Shop, dsn: str, results: Sequence[DayResult], here: bool, out: Console) -> bool:
    """Print what came of the days. Returns whether it is what was planned."""
    with closing(connect(dsn)) as connection:
        days = connection.execute(DAYS).fetchall()
        totals = [sum(row[number] or 0 for row in days) for number in range(2, len(days[0]))]
        out.print()
        print_table(
            out,
            table(
                "What was delivered, and what became of it (order lines and events)",
                COLUMNS,
                days,
                footer=("", "", *totals),
            ),
        )
        out.print("delivered = clean + duplicate + rejected;  clean = facts + superseded, once loaded\n")
        marks = [(row[0], float(row[8]), "x" if row[1] else "") for row in days]
        out.print(_chart("Net revenue by day of delivery (x: no facts, the day is blocked)", marks), markup=False)

        found = [
            (kind.name, count, connection.execute(
                "SELECT coalesce(sum(line_count), 0) FROM audit.bad_records WHERE failure_reason LIKE %s",
                (kind.reason,),
            ).fetchone()[0])
            for kind, count in sorted(shop.planted.items(), key=lambda one: -one[1])
        ]  # fmt: skip
        rejected = connection.execute("SELECT coalesce(sum(line_count), 0) FROM audit.bad_records").fetchone()[0]
        out.print()
        print_table(
            out,
            table(
                "Dirt that was put in, and what was rejected (audit.bad_records)",
                ("kind", "put in", "found"),
                found,
                footer=("", shop.planted.total(), rejected),
            ),
        )
        print_table(
            out,
            table(
                "Rules that failed (audit.last_verdicts)",
                ("rule", "severity", "days", "first", "there it says "),
                connection.execute(RULES).fetchall(),
            ),
        )
    blocked = [result for result in results if result.outcome == "blocked"]
    for result in blocked:
        out.print(f"[bold yellow]{result.day} is blocked.[/] A till wrote prices with a comma, which are no numbers:")
        out.print("\n".join(f"  {line}" for line in result.reason.splitlines()), markup=False)
    _next_steps(shop, here, out)
    everything = all(put_in == seen for _, put_in, seen in found) and rejected == shop.planted.total()
    expected = [shop.blocked_day] if shop.days > 1 else [result.day for result in blocked]
    planned = everything and [result.day for result in results if result.outcome != "succeeded"] == expected
    if not planned:
        out.print("[bold red]This is not what was planned;[/] please tell us: it is the demo's own test.")
    return planned


def _report(shop: Shop, dsn: str) -> str:
    """Make the report of the shop's days. Returns the URL of its first page."""
    from report.publish import publish  # for nobody who waits for the first line
    from report.site import make

    with closing(connect(dsn)) as connection:
        made = publish(make(connection, shop.days), str(FOLDER / REPORT))
    return Path(made).as_uri()


def _chart(title: str, values: Sequence[tuple[date, float, str]], *, height: int = 8) -> str:
    """Return a column chart of days: (day, value, mark); a mark stands in the place of a column without a value."""
    bars = BARS if _can_print(BARS) else PLAIN_BARS
    highest = max((value for _, value, _ in values), default=0) or 1
    rows = []
    for level in range(height, 0, -1):
        scale = f"{highest * level / height:>11,.0f} " if level in (height, height // 2) else " " * 12
        cells = []
        for _, value, mark in values:
            filled = value / highest * height - (level - 1)
            cells.append(mark[:1] if level == 1 and not value and mark else bars[max(0, min(8, round(filled * 8)))])
        rows.append(scale + " ".join(cells))
    return "\n".join([title, "", *rows, " " * 12 + _weeks([day for day, _, _ in values])])


def _weeks(days: Sequence[date]) -> str:
    """Return a line that names the Mondays below their columns, and the first day if there is room for it."""
    line = ""
    for number, day in enumerate(days):
        is_alone = number == 0 and all(later.weekday() for later in days[:4])
        if day.weekday() == 0 or is_alone:
            line = line.ljust(2 * number) + f"|{day:%m-%d}"
    return line


def _can_print(text: str) -> bool:
    """Return whether standard output can show these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _next_steps(shop: Shop, here: bool, out: Console) -> None:
    low, blocked = shop.low_tuesday, shop.blocked_day
    insert = "INSERT INTO staging.codes VALUES ('order_status', 'authorised', 'paid')"
    lines = [
        "What now? This shell becomes the demo's:",
        *(["  . .venv/bin/activate"] if Path(".venv/bin/activate").exists() else []),
        f"  export {'' if here else f'WAREHOUSE_DSN=$(warehouse db dsn {DATABASE}) '}LANDING_URL={FOLDER}",
    ]
    if low:
        lines += [
            f"Revenue fell on Tuesday, {low}: why? Find it, say what the new status means, run the day again:",
            f"  warehouse explain {low}",
            f'  warehouse db psql -c "{insert}"',
            f"  warehouse run {low}",
        ]
    lines += [
        f"Why is there no revenue on {blocked}? Let it through all the same:",
        f"  warehouse explain {blocked}",
        f"""  warehouse db psql -c "CALL audit.allow_day('{blocked}', 'the till is known; the rest is right')\"""",
        f"  warehouse run {blocked}",
        "  warehouse status",
        "Three questions for psql (warehouse db psql):",
        *(f"  {query}" for query in QUERIES),
        "Back to your own deliveries: unset LANDING_URL"
        if here
        else "Back to your own warehouse: unset WAREHOUSE_DSN LANDING_URL",
    ]
    out.print()
    for line in lines:
        out.print(line, style="cyan" if line.startswith("  ") else "", markup=False, soft_wrap=True)
    out.print()


@contextmanager
def _progress(out: Console, title: str, count: int) -> Iterator["Advance"]:
    """Show a bar on a terminal; else, and of what failed, print a line per day."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        yield Advance(progress, progress.add_task(title, total=count))


class Advance:
    """One more is done."""

    def __init__(self, progress: Progress, task: object) -> None:
        self._progress, self._task = progress, task

    def __call__(self, line: str, failed: bool) -> None:
        if failed or (self._progress.disable and " delivered" not in line):
            self._progress.console.print(line, markup=False)
        self._progress.advance(self._task)


@contextmanager
def _products_api(catalogue: bytes) -> Iterator[str]:
    """Serve a catalogue on loopback, in pages. Yields its URL."""
    products = json.loads(catalogue)

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            skip = int(parse_qs(urlsplit(self.path).query).get("skip", ["0"])[0])
            page = {"products": products[skip : skip + PAGE], "total": len(products), "skip": skip, "limit": PAGE}
            body = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{api.server_port}/products"
        finally:
            api.shutdown()
            thread.join()
