"""What is measured. Each scenario makes its deliveries, checks what comes out, and keeps its figures."""

import argparse
import contextlib
import hashlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import compare as compare_
from bench import contenders as contenders_
from bench import floor, ours, unchecked
from bench import queries as queries_
from bench import readers as readers_
from bench.measure import PROJECT, BenchError, Cost, Server, median, python
from bench.results import Results
from embedded.errors import ServerError

HISTORY = "bench_history"
HISTORY_DAY = (2_000, 10_000)
HISTORY_MARKS = (5, 90, 365)
HISTORY_REPEATS = 5
REFUSED_EVENTS = 1_000
BACKFILL_DAY = (33_333, 166_667)
SMALL_DAY = (1_900, 15_000)
SMALL_REPEATS = 5
STEP_SECONDS = """
    SELECT s.step, extract(epoch FROM s.ended_at - s.started_at)::float8 FROM audit.pipeline_steps s
    WHERE s.run_id = (SELECT max(r.run_id) FROM audit.pipeline_runs r WHERE r.run_date = %s) ORDER BY s.step_id
"""
DISK = """
    SELECT n.nspname, sum(pg_total_relation_size(c.oid))::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('raw', 'staging', 'warehouse', 'audit') GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Bench:
    """What scenarios work with."""

    server: Server
    folder: Path
    results: Results
    options: argparse.Namespace

    def landing(
        self, orders: int, events: int, kind: str = "all", *, day: date | None = None, **more: str | int | float
    ) -> Path:
        """Return a landing zone with deliveries, made if it is not there yet."""
        name = "-".join([f"{orders}", f"{events}", kind, *(f"{key}={value}" for key, value in more.items())])
        # What another generator made is not what this one would make.
        maker = hashlib.sha256((PROJECT / "bench" / "data.py").read_bytes()).hexdigest()[:8]
        folder = self.folder / "deliveries" / maker / name
        flags = [f"--{key}" if value is True else f"--{key}={value}" for key, value in more.items()]
        python("-m", "bench.data", folder, "--day", f"{day or self.options.day}", "--orders", f"{orders}",
               "--events", f"{events}", "--kind", kind, *flags)  # fmt: skip
        return folder


def medians(costs: Sequence[Mapping[str, Cost]]) -> dict[str, Cost]:
    """Return the medians of several measurements, step by step."""
    return {step: median([one[step] for one in costs]) for step in costs[0]}


def steps(bench: Bench) -> None:
    """Each step of a first load by itself, one after the other, beside the floor and the same with nothing checked."""
    orders, events, day = bench.options.orders, bench.options.events, bench.options.day
    everything, clean = bench.landing(orders, events), bench.landing(orders, events, "clean")
    around = ours.Profile(bench.folder / "profile") if bench.options.profile else None
    floors, uncheckeds, ours_by_step = [], [], []
    for _ in range(bench.options.repeats):
        bench.server.settle()
        floors.append(floor.steps(bench.server, clean, day))
        bench.server.settle()
        uncheckeds.append(unchecked.steps(bench.server, clean, day))
        with bench.server.warehouse() as dbname:
            bench.server.settle()
            ours_by_step.append(ours.steps(bench.server, dbname, everything, day, around))
            facts = ours.Warehouse(bench.server, dbname).facts()
    floor_costs, unchecked_costs, step_costs = medians(floors), medians(uncheckeds), medians(ours_by_step)
    print(f"\n{orders:,} orders and {events:,} events; facts: {facts}")
    least = bench.results.show("floor", floor_costs)
    kept = bench.results.show("the warehouse's tables, nothing checked", unchecked_costs)
    whole = bench.results.show("the warehouse, step by step", step_costs)
    print(f"\nCPU {whole.cpu / least.cpu:.2f} x the floor; with nothing checked {kept.cpu / least.cpu:.2f} x")
    if around:
        taken = {"orders": orders, "events": events, "ms": around.ms, "whole_ms": around.whole_ms}
        bench.results.keep("statements", taken)
        for kind, ms in around.ms.items():
            print(f"{ms / around.whole_ms:5.0%} {kind}")
        print(f"profile: {bench.folder}/profile")
        return
    bench.results.keep(
        f"steps {orders}",
        {
            "orders": orders, "events": events, "facts": facts,
            "floor": _dicts({**floor_costs, "together": least}),
            "unchecked": _dicts({**unchecked_costs, "together": kept}),
            "steps": _dicts({**step_costs, "together": whole}),
        },
    )  # fmt: skip


def contenders(bench: Bench) -> None:
    """A day beside other ways of doing the same."""
    others = ("row by row",) if bench.options.without_dbt else ("row by row", "dbt", "DuckDB")
    _compared(bench, bench.options.orders, bench.options.events, others)


def sizes(bench: Bench) -> None:
    """Days of several sizes, beside the floor and DuckDB."""
    for orders in bench.options.sizes:
        _compared(bench, orders, orders * 5, ("DuckDB",))


def _warehouse(server: Server, stack: contextlib.ExitStack) -> ours.Warehouse:
    """Make a warehouse that takes the good lines of an order with a bad one: none of the others rejects it whole."""
    name = stack.enter_context(server.warehouse())
    with server.connect(name) as connection:
        connection.execute("UPDATE audit.settings SET value = '1' WHERE name = 'partial_orders'")
    return ours.Warehouse(server, name)


def _compared(bench: Bench, orders: int, events: int, others: Sequence[str]) -> dict[str, Cost]:
    """Load a day with each contender, on top of a small day before, so that nobody starts from nothing."""
    server, results, day = bench.server, bench.results, bench.options.day
    before = day - timedelta(days=1)
    small, large = (orders // 50, events // 50), (orders, events)
    costs: dict[str, list[Cost]] = {}
    facts: dict[str, tuple[str, ...]] = {}
    makers: dict[str, Callable[[contextlib.ExitStack], contenders_.Contender]] = {
        "warehouse": lambda stack: _warehouse(server, stack),
        "row by row": lambda stack: contenders_.RowByRow(server, stack.enter_context(server.database("bench_rows"))),
        "dbt": lambda stack: contenders_.Dbt(server, stack.enter_context(server.database("bench_dbt")), bench.folder),
        "DuckDB": lambda stack: contenders_.DuckDb(server, bench.folder),
    }
    for _ in range(bench.options.repeats):
        server.settle()
        costs.setdefault("floor", []).append(
            sum(floor.steps(server, bench.landing(*large, "clean"), day).values(), Cost())
        )
        if "row by row" in others:
            server.settle()
            costs.setdefault("unchecked", []).append(
                sum(unchecked.steps(server, bench.landing(*large, "clean"), day).values(), Cost())
            )
        for name in ("warehouse", *others):
            with contextlib.ExitStack() as stack:
                contender = makers[name](stack)
                kind = "readable" if name == "dbt" else "all"
                contender.load(bench.landing(*small, kind, day=before), before)
                server.settle()
                costs.setdefault(name, []).append(contender.load(bench.landing(*large, kind), day))
                facts[name] = contender.facts()
    middle = {name: median(measured) for name, measured in costs.items()}
    results.show(f"{orders:,} orders and {events:,} events", middle, summed=False)
    for name, found in facts.items():
        if found != facts["warehouse"]:
            raise BenchError(f"{name} arrived at {found}, the warehouse at {facts['warehouse']}")
    print(f"all arrived at {facts['warehouse']}")
    results.keep(
        f"{'contenders' if 'row by row' in others else 'size'} {orders}",
        {"orders": orders, "events": events, "facts": facts["warehouse"], "costs": _dicts(middle)},
    )
    return middle


def compare(bench: Bench) -> None:
    """This checkout beside another (--other PATH), other server settings, or other client settings; equal digests."""
    options = bench.options
    orders, events, day = options.orders, options.events, options.day
    settings = dict(setting.split("=", 1) for setting in options.other_setting)
    other = (options.other or PROJECT).resolve()
    if not (other / "glue").is_dir():
        raise BenchError(f"{other} is no checkout of the warehouse: it has no glue/")
    ours_name = compare_.commit(PROJECT)
    changed = [f"{name}={value}" for name, value in settings.items()]
    changed += [options.other_pgoptions] if options.other_pgoptions else []
    theirs_name = " ".join(([compare_.commit(other)] if options.other else []) + changed) or "the same again"
    if theirs_name == ours_name:
        theirs_name += " (other)"
    before = day - timedelta(days=1)
    name = f"compare {theirs_name}, {orders}{' steps' if options.steps else f' jobs {options.jobs}'}"
    size = {"orders": orders, "events": events, "jobs": options.jobs, "rounds": options.rounds}
    kept = {**size, "base": ours_name, "other": theirs_name}
    with contextlib.ExitStack() as stack:
        servers = {"this": bench.server, "other": bench.server}
        if settings or not (options.other or options.other_pgoptions):
            # Two of one age: beside a new one the server that had run the other scenarios was seen to load 5 % slower.
            for key in servers:
                server = Server(
                    bench.folder / f"server-{options.pg}-{key}",
                    pg=options.pg, settings=settings if key == "other" else {},
                )  # fmt: skip
                try:
                    servers[key] = stack.enter_context(server)
                except ServerError as error:
                    said = [line.partition("LOG:  ")[2] for line in f"{error}".splitlines() if "LOG:  " in line]
                    bench.results.keep(name, {**kept, "does_not_start": said[0] if said else "see the server's log"})
                    raise BenchError(f"with {theirs_name}: {error}") from None
        variants = [
            compare_.Variant(ours_name, "this", servers["this"], PROJECT),
            compare_.Variant(theirs_name, "other", servers["other"], other, options.other_pgoptions),
        ]
        days = compare_.Days(
            options.landing or bench.landing(orders, events), day,
            options.landing or bench.landing(max(orders // 50, 1), max(events // 50, 1), day=before), before,
        )  # fmt: skip
        costs, digests = compare_.measure(
            variants, days, rounds=options.rounds, jobs=options.jobs, steps=options.steps, leave_out=options.leave_out
        )
    found = compare_.ratios(costs)
    print(f"\n{ours_name} beside {theirs_name}: {orders:,} orders and {events:,} events, {options.rounds} rounds")
    compare_.show(costs, found)
    print(f"\nThe same rows in {len(digests.tables)} tables and views: {sum(digests.rows.values()):,} rows.")
    print(f"Not compared, besides clocks, surrogate numbers and settings: {', '.join(digests.left_out) or 'nothing'}.")
    bench.results.keep(
        name, {**kept, **compare_.as_dict(costs), "ratios": found, "rows": digests.rows, "left_out": digests.left_out}
    )


def reloads(bench: Bench) -> None:
    """The same day again: unchanged, with one row in a hundred changed, with all changed."""
    orders, events, day = bench.options.orders, bench.options.events, bench.options.day
    server, costs = bench.server, {}
    with server.warehouse() as dbname:
        for name, changed in (("first load", 0), ("unchanged", 0), ("1 % changed", 0.01), ("all changed", 1)):
            landing = bench.landing(orders, events, **({"changed": changed} if changed else {}))
            server.settle()
            costs[name] = ours.run_days(server, dbname, landing, day)
    bench.results.show(f"{orders:,} orders and {events:,} events, again", costs, summed=False)
    bench.results.keep("reloads", {"orders": orders, "events": events, "costs": _dicts(costs)})


def refused(bench: Bench) -> None:
    """Orders that are all refused beside as many clean ones, from the files to the metrics."""
    orders, day = bench.options.orders, bench.options.day
    server, measured = bench.server, {"clean": [], "refused": []}
    for kind in tuple(measured) * bench.options.repeats:
        landing = bench.landing(orders, REFUSED_EVENTS, kind)
        with server.warehouse() as dbname, server.connect(dbname) as connection:
            # The gate would end the day here, and what clean orders cost after it would be missing.
            connection.execute("UPDATE audit.dq_rules SET severity = 'warning' WHERE severity = 'critical'")
            server.settle()
            measured[kind].append(ours.run_days(server, dbname, landing, day))
            clean, rejected = connection.execute(
                "SELECT clean_count, rejected_count FROM staging.loads WHERE source = 'orders'"
            ).fetchone()
        if (rejected if kind == "clean" else clean) or not clean + rejected:
            raise BenchError(f"{kind}: {clean} lines are clean, {rejected} rejected")
    costs = {kind: median(found) for kind, found in measured.items()}
    bench.results.show(f"{orders:,} orders", costs, summed=False)
    bench.results.keep("refused", {"orders": orders, "costs": _dicts(costs)})


def small(bench: Bench) -> None:
    """A day of 3,000 order lines and 15,000 events, where starting counts; and what a day takes of the disk."""
    orders, events = SMALL_DAY
    server, day = bench.server, bench.options.day
    before = day - timedelta(days=1)
    loads, again = [], []
    for _ in range(SMALL_REPEATS):
        with server.warehouse() as dbname:
            ours.run_days(server, dbname, bench.landing(orders, events, day=before), before)
            loads.append(ours.run_days(server, dbname, bench.landing(orders, events), day))
            again.append(ours.run_days(server, dbname, bench.landing(orders, events), day))
    costs = {"first load": median(loads), "unchanged": median(again)}
    bench.results.show(f"{orders:,} orders and {events:,} events", costs, summed=False)
    bench.results.keep("small", {"orders": orders, "events": events, "costs": _dicts(costs)})


def disk(bench: Bench) -> None:
    """What a day takes of the disk, by schema."""
    orders, events, day = bench.options.orders, bench.options.events, bench.options.day
    server, before = bench.server, bench.options.day - timedelta(days=1)
    with server.warehouse() as dbname, server.connect(dbname) as connection:
        ours.run_days(server, dbname, bench.landing(orders, events, day=before), before)
        earlier = dict(connection.execute(DISK).fetchall())
        ours.run_days(server, dbname, bench.landing(orders, events), day)
        taken = {schema: size - earlier.get(schema, 0) for schema, size in connection.execute(DISK).fetchall()}
    print(", ".join(f"{schema} {size / 1e6:,.0f} MB" for schema, size in taken.items()))
    measured = bench.results.data["machine"]["measured"]
    bench.results.keep("disk", {"orders": orders, "events": events, "measured": measured, "bytes": taken})


def forms(bench: Bench) -> None:
    """The same orders as NDJSON and as one JSON array: what extracting them costs, and its memory."""
    orders, events, day = bench.options.orders, bench.options.events, bench.options.day
    server, costs = bench.server, {}
    for name, more in (("NDJSON", {}), ("JSON array", {"array": True})):
        landing = bench.landing(orders, events, "readable", **more)
        with server.warehouse() as dbname:
            server.settle()
            env = ours.environment(server, dbname, landing)
            costs[name] = server.measure(
                dbname, lambda env=env: python("-m", "glue", "extract", "orders", f"{day}", env=env)[0]
            )
    bench.results.show(f"{orders:,} orders, extracted", costs, summed=False)
    bench.results.keep("forms", {"orders": orders, "costs": _dicts(costs)})


# -- history -----------------------------------------------------------------------------------------


def history(bench: Bench) -> None:
    """Small days for years: what a day costs with a short and with a long history; months are compacted as they end.

    Each time the first days are loaded again into an empty warehouse, in turns with the days that are measured: what
    the machine does meanwhile happens to both.
    """
    server, last = bench.server, bench.options.day
    first = last - timedelta(days=bench.options.days - 1)
    landing = bench.landing(*HISTORY_DAY, day=first, days=bench.options.days)
    marks = [mark for mark in HISTORY_MARKS if mark < bench.options.days] + [bench.options.days]
    first_days = [first + timedelta(days=number) for number in range(HISTORY_REPEATS)]
    measured: dict[str, dict[str, Cost]] = {}
    beside: dict[str, dict[str, Cost]] = {}
    seconds: dict[str, list[Seconds]] = {}
    done = 0
    with server.warehouse(HISTORY, keep=True) as dbname:
        for mark in marks:
            begin = max(mark - HISTORY_REPEATS, done)
            until = first + timedelta(days=begin)
            for begins, ends in _months(first + timedelta(days=done), until - timedelta(days=1)):
                ours.run_days(server, dbname, landing, begins, ends, jobs=2)
                with server.connect(dbname) as connection:
                    connection.execute(
                        "CALL warehouse.compact_partitions(%s)", [(ends + timedelta(days=1)).replace(day=1)]
                    )
                    # What autovacuum has its nights for: here a day follows the other within a second.
                    connection.execute("VACUUM (ANALYZE)")
            server.settle()
            done = begin + HISTORY_REPEATS
            days = [until + timedelta(days=number) for number in range(HISTORY_REPEATS)]
            with server.warehouse("bench_first") as empty:
                costs, of_steps = _day_costs(bench, landing, {dbname: days, empty: first_days})
            measured[f"{begin + 1}"], beside[f"{begin + 1}"] = costs[dbname], costs[empty]
            seconds[f"{begin + 1}"] = [of_steps[dbname], of_steps[empty]]
            bench.results.show(f"days {begin + 1} to {done}", costs[dbname], summed=False)
            bench.results.show("the first days, meanwhile", costs[empty], summed=False)
        with server.connect(dbname) as connection:
            connection.execute("CALL warehouse.compact_partitions(%s)", [last.replace(day=1)])
        # A day in the middle, in a month that is one partition by now.
        middle = first + timedelta(days=bench.options.days // 2)
        compacted = {}
        for name, changed in (("1 % changed", 0.01), ("all changed", 1)):
            again = bench.landing(*HISTORY_DAY, day=middle, changed=changed)
            compacted[name] = ours.run_days(server, dbname, again, middle)
        bench.results.show("a reload into a compacted month", compacted, summed=False)
        partitions = "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'"
        with server.connect(dbname) as connection:
            partition_count = connection.execute(partitions).fetchone()[0]
    print(f"{partition_count} partitions")
    bench.results.keep(
        "history",
        {
            "days": bench.options.days, "day": HISTORY_DAY, "partitions": partition_count,
            "costs": {begin: _dicts(costs) for begin, costs in measured.items()},
            "first_days": {begin: _dicts(costs) for begin, costs in beside.items()}, "compacted": _dicts(compacted),
            "seconds": seconds,
        },
    )  # fmt: skip


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of each month, or of what lies of it from `first` to `last`."""
    while first <= last:
        ends = min((first.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1), last)
        yield first, ends
        first = ends + timedelta(days=1)


# Of loads and reloads: what each step took.
Seconds = dict[str, dict[str, float]]


def _day_costs(
    bench: Bench, landing: Path, days: Mapping[str, Sequence[date]]
) -> tuple[dict[str, dict[str, Cost]], dict[str, Seconds]]:
    """Return the medians of loading the days of a database, checking them, and reloading them with few and all changed.

    The databases take turns, day by day. Of what a run does, the seconds of its steps are returned, too.
    """
    costs: dict[str, list[dict[str, Cost]]] = {dbname: [] for dbname in days}
    seconds: dict[str, list[Seconds]] = {dbname: [] for dbname in days}
    for number, turn in enumerate(zip(*days.values(), strict=True)):
        # Nobody is always the first: a run had the first days beside themselves at 1.09 ×.
        for dbname, day in list(zip(days, turn, strict=True))[:: -1 if number % 2 else 1]:
            one: dict[str, Cost] = {}
            steps: Seconds = {}
            with bench.server.connect(dbname) as connection:
                for name, changed in (("load", 0), ("reload, 1 % changed", 0.01), ("reload, all changed", 1)):
                    again = bench.landing(*HISTORY_DAY, day=day, changed=changed) if changed else landing
                    one[name] = ours.run_days(bench.server, dbname, again, day)
                    steps[name] = dict(connection.execute(STEP_SECONDS, [day]).fetchall())
                    if not changed:
                        one["check"] = ours.call(bench.server, connection, dbname, "audit.check_quality", day)
            costs[dbname].append(one)
            seconds[dbname].append(steps)
    return (
        {dbname: medians(measured) for dbname, measured in costs.items()},
        {
            dbname: {
                name: {step: statistics.median(one[name][step] for one in measured) for step in steps}
                for name, steps in measured[0].items()
            }
            for dbname, measured in seconds.items()
        },
    )


def queries(bench: Bench) -> None:
    """What analysts ask of the history: time, partitions read, and the indexes that nobody needs."""
    measured = []
    with bench.server.connect(HISTORY) as connection:
        connection.execute("VACUUM (ANALYZE)")
        worked = queries_.index_scans(connection)
        for query in queries_.load(connection):
            measured.append(queries_.explain(connection, query))
            one = measured[-1]
            print(
                f"{one['name']:42} {one['ms']:9.1f} ms  {one['partitions']:4} of {one['of']:4} partitions"
                f"  {', '.join(one['indexes'])}{'' if one['pruned'] else '   NOT PRUNED'}", flush=True,
            )  # fmt: skip
        asked = queries_.index_scans(connection)
        unique = queries_.unique_indexes(connection)
    indexes = [
        {
            "index": name, "procedures": worked[name] > 0, "unique": name in unique,
            "queries": [one["name"] for one in measured if name in one["indexes"]],
        }
        for name in sorted(asked)
    ]  # fmt: skip
    for index in indexes:
        if not (index["procedures"] or index["queries"] or index["unique"]):
            print(f"nobody needs {index['index']}")
    bench.results.keep("queries", {"queries": measured, "indexes": indexes})
    if unpruned := [one["name"] for one in measured if not one["pruned"]]:
        raise BenchError(f"read more partitions than they should: {', '.join(unpruned)}")


# -- side by side ------------------------------------------------------------------------------------


def readers(bench: Bench) -> None:
    """How long readers wait while a day is loaded, and swapped: by the server's own log of lock waits."""
    orders, events, day = bench.options.orders, bench.options.events, bench.options.day
    server, waits = bench.server, {}
    with server.warehouse() as dbname:
        before = day - timedelta(days=1)
        ours.run_days(server, dbname, bench.landing(orders // 10, events // 10, day=before), before)
        for name, changed in (("nothing", None), ("first load", 0), ("1 % changed", 0.01), ("all changed", 1)):
            landing = bench.landing(orders, events, **({"changed": changed} if changed else {}))
            with readers_.Reader(server, dbname, before) as reader:
                if changed is None:
                    time.sleep(5)
                else:
                    ours.run_days(server, dbname, landing, day)
            waits[name] = reader.waits()
            print(f"readers during {name:14} {waits[name]}", flush=True)
    bench.results.keep("readers", {"orders": orders, "events": events, "waits": waits})


def backfill(bench: Bench) -> None:
    """Thirty days of 200,000 records, one after the other and two at a time."""
    server, last = bench.server, bench.options.day
    first = last - timedelta(days=bench.options.backfill_days - 1)
    landing = bench.landing(*BACKFILL_DAY, day=first, days=bench.options.backfill_days)
    costs, facts = {}, {}
    for jobs in (1, 2):
        with server.warehouse() as dbname:
            server.settle()
            name = f"{jobs} job{'s' * (jobs > 1)}"
            costs[name] = ours.run_days(server, dbname, landing, first, last, jobs)
            facts[name] = ours.Warehouse(server, dbname).facts()
    bench.results.show(f"{bench.options.backfill_days} days of {sum(BACKFILL_DAY):,} records", costs, summed=False)
    if facts["1 job"] != facts["2 jobs"]:
        raise BenchError(f"one job arrived at {facts['1 job']}, two at {facts['2 jobs']}")
    bench.results.keep("backfill", {"days": bench.options.backfill_days, "day": BACKFILL_DAY, "costs": _dicts(costs)})


def _dicts(costs: Mapping[str, Cost]) -> dict[str, dict[str, float]]:
    return {name: cost.as_dict() for name, cost in costs.items()}


def full(bench: Bench) -> None:
    """All of it, each at the size that its figure is wanted for; smaller with --largest."""
    largest = bench.options.largest

    def size(orders: int, repeats: int = 1) -> dict[str, int]:
        orders = min(orders, largest)
        return {"orders": orders, "events": orders * 5, "repeats": repeats}

    plan: tuple[tuple[str, dict[str, Any]], ...] = (
        ("sizes", {"sizes": [orders for orders in bench.options.sizes if orders < largest] + [largest], "repeats": 3}),
        ("small", {}),
        ("contenders", size(100_000, repeats=3)),
        ("disk", size(100_000)),
        ("steps", size(largest)),
        ("reloads", size(largest)),
        ("forms", size(largest)),
        ("refused", size(300_000, repeats=3)),
        ("readers", size(300_000)),
        ("backfill", {}),
        ("history", {}),
        ("queries", {}),
    )
    faults = []
    for name, wanted in plan:
        print(f"\n== {name} {wanted or ''}", flush=True)
        try:
            ALL[name](replace(bench, options=argparse.Namespace(**{**vars(bench.options), **wanted})))
        except BenchError as error:  # the others may be worth knowing
            print(f"error: {error}", flush=True)
            faults.append(name)
    if faults:
        raise BenchError(f"not measured, or not as wanted: {', '.join(faults)}")


ALL: dict[str, Callable[[Bench], None]] = {
    "steps": steps, "sizes": sizes, "contenders": contenders, "compare": compare, "reloads": reloads, "forms": forms,
    "refused": refused, "small": small, "disk": disk, "history": history, "queries": queries, "readers": readers,
    "backfill": backfill, "full": full,
}  # fmt: skip
