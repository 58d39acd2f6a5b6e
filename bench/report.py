"""Writes bench/README.md, the tables and plots in bench/results, from what was measured.

python -m bench.report bench/results/full.json
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
RESULTS = HERE / "results"
# Measured by themselves: with other server settings, and on a server that counts its statements.
SETTINGS, STATEMENTS = "settings.json", "statements.json"

# Figures are wanted for days of so many orders, and histories of so many days.
WHOLE, WHOLE_DAYS = 1_000_000, 730
YEAR_DAYS = 365
# Seconds are wanted of a machine on which the floor of the largest day takes so many. Elsewhere they are more or fewer.
FLOOR_SECONDS = 13.7

Data = dict[str, Any]
Costs = dict[str, dict[str, float]]


# -- what is wanted ----------------------------------------------------------------------------------


class Goal(NamedTuple):
    """A figure and what is wanted of it: at `most` or at `least` its limit. `why` says what a miss is made of."""

    what: str
    unit: str
    value: float
    limit: float
    side: str = "most"
    why: str = ""

    @property
    def is_met(self) -> bool:
        """Return whether the figure is as wanted."""
        return self.value <= self.limit if self.side == "most" else self.value >= self.limit


def goals(data: Data) -> Iterator[Goal]:
    """Yield what is wanted of the figures that there are."""
    if found := largest(data, "size")[0]:
        yield from _goals_of_the_largest(data, found, largest(data, "size")[1])
    if forms := _costs(data.get("forms")):
        yield Goal("the orders as one JSON array: client memory", "MB", forms["JSON array"]["rss"] / 1e6, 120)
    beside, size = largest(data, "contenders")
    for name, least in (("dbt", 3), ("row by row", 6.5)):
        if name in beside:
            times, at_most = (beside[name]["wall"] / beside[of]["wall"] for of in ("warehouse", "unchecked"))
            why = f"its tables with nothing checked, step by step: {at_most:.2f} ×"
            yield Goal(f"{size}: times as fast as {name} (wall)", "×", times, least, "least", why)
    if day := _small_day(data):
        why = _client(day[1])
        if small := _costs(data.get("small")):
            why += f"; the same again, which only looks, {small['unchanged']['cpu']:.2f}"
        yield Goal(f"a day of {day[0]}", "s", day[1]["wall"], 0.3 * pace(data), why=why)
    if again := _costs(data.get("reloads")):
        unchanged = again["unchanged"]
        yield Goal("an unchanged day run again", "s", unchanged["wall"], 0.4 * pace(data), why=_client(unchanged))
        times = again["1 % changed"]["cpu"] / again["first load"]["cpu"]
        yield Goal("a day with 1 % changed beside its first load (CPU)", "×", times, 1.3)
    if refused := _costs(data.get("refused")):
        times = refused["refused"]["cpu"] / refused["clean"]["cpu"]
        why = f"WAL: {refused['refused']['wal'] / 1e6:,.0f} MB, not {refused['clean']['wal'] / 1e6:,.0f}"
        yield Goal(
            f"{data['refused']['orders']:,} refused orders beside as many clean ones (CPU)", "×", times, 2, why=why
        )
    if history := data.get("history"):
        begin = max(history["costs"], key=int)
        for step, limit in (("load", 1.05), ("check", 1.1), ("reload, 1 % changed", 1.1), ("reload, all changed", 1.1)):
            late, first = history["costs"][begin][step]["cpu"], history["first_days"][begin][step]["cpu"]
            why = f"{late:.3f} s, not {first:.3f}: what is usual is asked of the 56 days before"
            if step != "check":
                of_steps = history.get("seconds", {}).get(begin, ({}, {}))
                why = _slower_step(*(seconds.get(step, {}) for seconds in of_steps))
            yield Goal(f"day {history['days']:,} beside day 1, CPU: {step}", "×", late / first, limit, why=why)
    if costs := _costs(data.get("backfill")):
        gain = costs["1 job"]["wall"] / costs["2 jobs"]["wall"]
        one, two = (costs[jobs]["cpu"] / costs[jobs]["wall"] for jobs in ("1 job", "2 jobs"))
        bound = f"one job keeps {one:.1f} cores busy, two keep {two:.1f} of {data['machine']['cores']}"
        yield Goal(f"{data['backfill']['days']} days, two jobs beside one (wall)", "×", gain, 1.55, "least", bound)
    if waits := data.get("readers", {}).get("waits"):
        longest = max(waits[name]["longest_lock_wait_ms"] for name in ("first load", "1 % changed"))
        yield Goal("readers wait for a lock, first load and 1 % changed", "ms", longest, 0)
        swap = waits["all changed"]["longest_lock_wait_ms"]
        yield Goal("readers wait for a swap, all changed", "ms", swap, 100, why="it ends when its WAL is on the disk")


def _goals_of_the_largest(data: Data, costs: Costs, size: str) -> Iterator[Goal]:
    ours = costs["warehouse"]
    most = ""
    if steps := _parts(data, "steps"):
        kept = steps[-1]["unchecked"]["together"]["cpu"] / steps[-1]["floor"]["together"]["cpu"]
        most = f"its tables with nothing checked: {kept:.1f} × (what costs what, above)"
    yield Goal(f"{size}: CPU beside the floor", "×", ours["cpu"] / costs["floor"]["cpu"], 4.5, why=most)
    yield Goal("… wall", "s", ours["wall"], 42 * pace(data), why=_cores(ours, data))
    yield Goal("… CPU beside DuckDB", "×", ours["cpu"] / costs["DuckDB"]["cpu"], 3, why="keeps no raw, index or key")
    smallest = _parts(data, "size")[0]
    of_it = f"{smallest['costs']['warehouse']['rss'] / 1e6:.0f} MB on a day of {smallest['orders']:,} orders"
    yield Goal("… client memory", "MB", ours["rss"] / 1e6, 120, why=of_it)


def pace(data: Data) -> float:
    """Return how many times as long the floor takes here as where the seconds are wanted; 1 without a largest day."""
    part = _parts(data, "size")[-1:]
    return part[0]["costs"]["floor"]["wall"] / FLOOR_SECONDS if part and part[0]["orders"] == WHOLE else 1


def _slower_step(late: dict[str, float], first: dict[str, float]) -> str:
    """Return which step takes so much longer late than first, by the seconds of each."""
    if not late:
        return "not measured by step"
    step = max(late, key=lambda name: late[name] - first[name])
    return (
        f"the steps take {sum(late.values()):.2f} s, not {sum(first.values()):.2f};"
        f" {step} {late[step]:.2f} s, not {first[step]:.2f}"
    )


def _client(cost: dict[str, float]) -> str:
    return f"the client takes {cost['client']:.2f} of {cost['cpu']:.2f} CPU s"


def _cores(cost: dict[str, float], data: Data) -> str:
    return f"{cost['cpu'] / cost['wall']:.1f} of {data['machine']['cores']} cores are busy: it is the CPU"


def largest(data: Data, kind: str) -> tuple[Costs, str]:
    """Return the costs of the largest day of a kind, and how large it is."""
    parts = _parts(data, kind)
    if not parts:
        return {}, ""
    return parts[-1]["costs"], f"{parts[-1]['orders']:,} orders + {parts[-1]['events']:,} events"


def _parts(data: Data, kind: str) -> list[Data]:
    """Return what was measured of a kind, by size."""
    return sorted((part for name, part in data.items() if name.split()[0] == kind), key=lambda part: part["orders"])


def _costs(part: Data | None) -> Costs:
    return part["costs"] if part else {}


def _small_day(data: Data) -> tuple[str, dict[str, float]] | None:
    """Return the size and the cost of a small day. Where it was not measured by itself: a history's first."""
    if part := data.get("small"):
        return f"{part['orders']:,} orders + {part['events']:,} events", part["costs"]["first load"]
    if history := data.get("history"):
        orders, events = history["day"]
        first = min(history["first_days"], key=int)
        return f"{orders:,} orders + {events:,} events", history["first_days"][first]["load"]
    return None


def _is_whole(data: Data) -> bool:
    """Return whether the run was of the sizes that the figures are wanted for."""
    days = data.get("history", {}).get("days", WHOLE_DAYS)
    return days >= WHOLE_DAYS and data.get("reloads", {}).get("orders", WHOLE) >= WHOLE


# -- tables ------------------------------------------------------------------------------------------


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


COST_HEADER = ("wall s", "CPU s", "client", "backends", "behind", "WAL MB", "temp MB", "client MB")


def _cost(cost: dict[str, float]) -> list[str]:
    seconds = [f"{cost[name]:,.2f}" for name in ("wall", "cpu", "client", "server", "behind")]
    return [*seconds, *(f"{cost[name] / 1e6:,.0f}" for name in ("wal", "temporary", "rss"))]


def _cost_table(title: str, costs: Costs) -> str:
    return _table((title, *COST_HEADER), ([name, *_cost(cost)] for name, cost in costs.items()))


def raw_tables(data: Data) -> dict[str, str]:
    """Return the tables of each scenario, by the name of its page in bench/results."""
    pages: dict[str, list[str]] = {}
    for kind, page in (("contenders", "contenders"), ("size", "sizes")):
        for part in _parts(data, kind):
            lines, revenue, events, *_ = part["facts"]
            pages.setdefault(page, []).extend(
                [
                    f"## {part['orders']:,} orders and {part['events']:,} events",
                    _cost_table("", part["costs"]),
                    f"All arrived at {int(lines):,} order lines worth {float(revenue):,.2f}, {int(events):,} events.",
                ]
            )
    for part in _parts(data, "steps"):
        title = f"## {part['orders']:,} orders and {part['events']:,} events"
        pages.setdefault("steps", []).extend(
            [title, *(_cost_table(name, part[of]) for name, of in COSTS_BY_STEP.items())]
        )
    for kind in ("reloads", "forms", "refused", "backfill", "small"):
        if part := data.get(kind):
            size = f"{part['orders']:,} orders" if "orders" in part else f"{part['days']} days"
            pages[kind] = [f"## {size}", _cost_table("", part["costs"])]
    for kind, tables in (("history", _history), ("readers", _readers), ("queries", _queries)):
        if kind in data:
            pages[kind] = tables(data[kind])
    measured = f"Measured {data['machine']['measured']} UTC. Columns and contenders: [the page](../README.md)."
    written = "<!-- written by python -m bench.report -->"
    return {
        name: "\n\n".join([written, f"# Measured: {name}", measured, *parts]) + "\n" for name, parts in pages.items()
    }


def _history(part: Data) -> list[str]:
    rows = [
        row
        for begin, steps in part["costs"].items()
        for step, cost in steps.items()
        for row in (
            [f"from day {begin}, {step}", *_cost(cost)],
            ["day 1, meanwhile", *_cost(part["first_days"][begin][step])],
        )
    ]
    rows += [[f"compacted month, {name}", *_cost(cost)] for name, cost in part["compacted"].items()]
    orders, events = part["day"]
    return [
        f"## {part['days']} days of {orders:,} orders and {events:,} events",
        _table(("medians of five days", *COST_HEADER), rows),
        f"{part['partitions']} partitions at the end.",
    ]


WAITS = {"asked": "asked", "median_ms": "median ms", "p99_ms": "99 % ms", "longest_ms": "longest ms",
         "lock_waits": "lock waits", "longest_lock_wait_ms": "longest lock wait ms"}  # fmt: skip


def _readers(part: Data) -> list[str]:
    rows = ([name, *(f"{wait[key]:,}" for key in WAITS)] for name, wait in part["waits"].items())
    return [f"## {part['orders']:,} orders", _table(("", *WAITS.values()), rows)]


def _queries(part: Data) -> list[str]:
    unused = [i["index"] for i in part["indexes"] if not (i["procedures"] or i["queries"] or i["unique"])]
    rows = (
        [q["name"], f"{q['ms']:,.1f}", f"{q['planning_ms']:,.1f}", f"{q['partitions']} of {q['of']}",
         ", ".join(q["indexes"])] for q in part["queries"]
    )  # fmt: skip
    return [
        _table(("query", "ms", "planning ms", "partitions read", "indexes"), rows),
        f"Indexes that neither a query nor a procedure used: {', '.join(unused) or 'none'}.",
    ]


# -- the page ----------------------------------------------------------------------------------------


def _how_long(data: Data) -> str:
    rows = []
    if day := _small_day(data):
        rows.append([day[0], *_duration(day[1])])
    for part in _parts(data, "size"):
        rows.append([f"{part['orders']:,} orders + {part['events']:,} events", *_duration(part["costs"]["warehouse"])])
    again = _costs(data.get("reloads"))
    rows += [[f"the largest again, {name}", *_duration(cost)] for name, cost in again.items() if name != "first load"]
    header = ("a day of", "wall s", "CPU s", "client MB", "WAL MB")
    return _table(header, rows) + _backfill(data)


def _duration(cost: dict[str, float]) -> list[str]:
    return [f"{cost['wall']:,.1f}", f"{cost['cpu']:,.1f}", f"{cost['rss'] / 1e6:,.0f}", f"{cost['wal'] / 1e6:,.0f}"]


def _backfill(data: Data) -> str:
    if not (part := data.get("backfill")):
        return ""
    one, two = (part["costs"][name]["wall"] for name in ("1 job", "2 jobs"))
    return (
        f"\n\nA backfill of {part['days']} days of {sum(part['day']):,} records takes {one:,.0f} s,"
        f" and {two:,.0f} s with `--jobs 2`."
    )


def _machine_needed(data: Data) -> str:
    clients = [part["costs"]["warehouse"]["rss"] for part in _parts(data, "size")]
    clients += [cost["rss"] for cost in _costs(data.get("reloads")).values()]
    points = [
        "- **CPU**: two cores are used. On one core a day takes at least what the CPU column says.",
        f"- **Memory**: the client took {max(clients) / 1e6:,.0f} MB at most, whatever the size of a day. The embedded"
        " server gives itself an eighth of the machine for `shared_buffers`; measured with"
        f" {data['machine']['memory_gb']} GB. Less was tried of `shared_buffers` only (settings, below).",
    ]
    if part := data.get("disk"):
        whole = sum(part["bytes"].values())
        records = part["orders"] + part["events"]
        each = ", ".join(f"{schema} {size / 1e6:,.0f} MB" for schema, size in part["bytes"].items())
        points.append(
            f"- **Disk**: a day of {part['orders']:,} orders + {part['events']:,} events takes {whole / 1e6:,.0f} MB"
            f" ({each}), about {whole / records:,.0f} bytes a record: {whole * YEAR_DAYS / 1e9:,.0f} GB a year, before"
            f" backups and months of raw that you drop. (Measured {part['measured']}.)"
        )
    points.append("- **WAL**: see the table above. `max_wal_size` (a soft limit) and archiving say how much stays.")
    return "\n".join(points)


def _growth(data: Data) -> str:
    part = data["history"]
    begins = sorted(part["costs"], key=int)
    rows = []
    for step in part["costs"][begins[0]]:
        pairs = [(part["costs"][begin][step]["cpu"], part["first_days"][begin][step]["cpu"]) for begin in begins]
        rows.append([step, *(f"{late:.2f} ({late / first:.2f} ×)" for late, first in pairs)])
    header = ("CPU s, and beside day 1", *(f"from day {begin}" for begin in begins))
    orders, events = part["day"]
    return (
        f"{_table(header, rows)}\n\nDays of {orders:,} orders and {events:,} events, medians of five; day 1 is loaded"
        " again into an empty warehouse in turns with them. It has nothing before it; later ones ask the 56 days before"
        " what is usual, and look for late rows in each day of the month before. Months are compacted as they end:"
        f" {part['partitions']} partitions at the end. Queries: [on the whole history](results/queries.md)."
    )


def _beside(data: Data) -> str:
    costs, size = largest(data, "contenders")
    ours, floor = costs["warehouse"], costs["floor"]
    rows = [
        [name, f"{c['wall']:,.1f}", f"{c['wall'] / ours['wall']:.1f} ×", f"{c['cpu']:,.1f}",
         f"{c['cpu'] / floor['cpu']:.1f} ×", f"{c['wal'] / 1e6:,.0f}", f"{c['rss'] / 1e6:,.0f}"]
        for name, c in costs.items()
    ]  # fmt: skip
    header = (size, "wall s", "beside ours", "CPU s", "beside the floor", "WAL MB", "client MB")
    return _table(header, rows)


COSTS_BY_STEP = {"floor": "floor", "unchecked": "unchecked", "warehouse": "steps"}
STEPS: dict[str, Callable[[str], bool]] = {
    "extract (three sources)": lambda step: step.startswith("extract"),
    "clean_orders": lambda step: step == "clean_orders",
    "clean_events": lambda step: step == "clean_events",
    "check_quality": lambda step: step == "check_quality",
    "dimensions": lambda step: step.startswith("load_dim"),
    "reload_fact_orders": lambda step: step == "reload_fact_orders",
    "reload_fact_events": lambda step: step == "reload_fact_events",
    "the rest": lambda step: step in ("open_run", "clean_products", "compute_daily_metrics"),
}


def _what_costs(data: Data) -> str:
    part = _parts(data, "steps")[-1]
    whole, least = part["steps"]["together"]["cpu"], part["floor"]["together"]["cpu"]
    kept = part["unchecked"]["together"]
    rows = []
    for name, belongs in STEPS.items():
        found = [cost for step, cost in part["steps"].items() if belongs(step)]
        wall, cpu, wal = (sum(cost[figure] for cost in found) for figure in ("wall", "cpu", "wal"))
        unchecked = sum(cost["cpu"] for step, cost in part["unchecked"].items() if belongs(step))
        rows.append(
            [name, f"{wall:,.1f}", f"{cpu:,.1f}", f"{cpu / whole:.0%}", f"{unchecked:,.1f}", f"{wal / 1e6:,.0f}"]
        )
    rows.append(["all of it, nothing checked", f"{kept['wall']:,.1f}", f"{kept['cpu']:,.1f}",
                 f"{kept['cpu'] / whole:.0%}", f"{kept['cpu']:,.1f}", f"{kept['wal'] / 1e6:,.0f}"])  # fmt: skip
    rows.append(["all of it, the floor", f"{part['floor']['together']['wall']:,.1f}", f"{least:,.1f}",
                 f"{least / whole:.0%}", "", "0"])  # fmt: skip
    size = f"{part['orders']:,} orders + {part['events']:,} events"
    return _table((size, "wall s", "CPU s", "share", "nothing checked: CPU s", "WAL MB"), rows)


def _statements(part: Data) -> str:
    told = sorted(((ms, kind) for kind, ms in part["ms"].items()), reverse=True)
    told.append((part["whole_ms"] - sum(part["ms"].values()), "the rest (repeats, rejected lines, figures, audit)"))
    shares = ", ".join(f"{kind} {ms / part['whole_ms']:.0%}" for ms, kind in told)
    return (
        f"By statement, of the procedures' {part['whole_ms'] / 1000:,.0f} s for {part['orders']:,} orders +"
        f" {part['events']:,} events: {shares}. (PostgreSQL {part['postgresql'].split()[0]}, which counts its"
        f" statements; each step by itself, {part['measured']} UTC, {part['cpu']}.)"
    )


AGAIN = "the same again"
VERDICTS = {"cpu": "CPU", "wall": "wall", "wal": "WAL"}


def _settings(settings: Data) -> str:
    """Return what other server settings cost. What the same again differs by, too, is noise."""
    parts = [part for name, part in settings.items() if name.startswith("compare ")]
    again = next(part for part in parts if part["other"] == AGAIN)
    band = {figure: max(abs(again["ratios"][figure][of] - 1) for of in ("least", "largest")) for figure in VERDICTS}
    rows, failed = [], ""
    for part in parts:
        if said := part.get("does_not_start"):
            failed += f" With `{part['other']}` the server does not start: {said}."
            continue
        ratios = part["ratios"]
        beyond = [
            f"{word} {'more' if ratios[figure]['ratio'] > 1 else 'less'}"
            for figure, word in VERDICTS.items()
            if ratios[figure]["least"] > 1 + band[figure] or ratios[figure]["largest"] < 1 - band[figure]
        ]
        verdict = "the noise" if part["other"] == AGAIN else ", ".join(beyond) or "noise"
        rows.append([part["other"] if part["other"] == AGAIN else f"`{part['other']}`",
                     *(_span(ratios[figure]) for figure in VERDICTS), verdict])  # fmt: skip
    first = parts[0]
    return (
        _table(("beside what we ship", "CPU", "wall", "WAL", ""), rows)
        + f"\n\n{first['orders']:,} orders + {first['events']:,} events, two jobs, {first['rounds']} turns of each"
        f" (least and largest in brackets), {settings['machine']['measured']} UTC, {settings['machine']['cpu']}, load"
        f" before {settings['machine']['load']}; same rows each time."
        f" Noise is what does not leave, in every turn, the range of the same again.{failed}"
    )


def _span(ratio: dict[str, float]) -> str:
    return f"{ratio['ratio']:.2f} × ({ratio['least']:.2f}–{ratio['largest']:.2f})"


SHORT = (
    "**A short run, of smaller days than the figures are wanted for: it shows what is measured, and no more.**"
    " Small days pay for the start of Python and for fifty statements whatever their size; `make bench` does all."
)


def _wanted(data: Data) -> str:
    is_whole = _is_whole(data)
    rows = [
        [goal.what, f"{goal.value:,.2f} {goal.unit}",
         f"{'≤' if goal.side == 'most' else '≥'} {goal.limit:.3g} {goal.unit}",
         ("yes" if goal.is_met else f"**no**{f': {goal.why}' if goal.why else ''}") if is_whole else ""]
        for goal in goals(data)
    ]  # fmt: skip
    seconds = (
        f"\n\nSeconds are wanted where the floor of the largest day takes {FLOOR_SECONDS} s (42, 0.3 and 0.4 s). Here"
        f" it took {pace(data):.2f} times as long, and so may they."
    )
    return ("" if is_whole else f"{SHORT}\n\n") + _table(("", "measured", "wanted", ""), rows) + seconds * is_whole


def beside(results: Path) -> dict[str, Data]:
    """Return what was measured by itself, where it was: server settings, and statements."""
    found = {"settings": results / SETTINGS, "statements": results / STATEMENTS}
    return {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}


def page(data: Data, settings: Data | None = None, statements: Data | None = None) -> str:
    """Return bench/README.md."""
    machine = data["machine"]
    disk = f" on {machine['file_system']}" if machine.get("file_system") else ""
    raw = ", ".join(f"[{name}](results/{name}.md)" for name in sorted(raw_tables(data)))
    parts = [
        "<!-- written by python -m bench.report from results/full.json: what is changed here is lost -->",
        "# How fast is it?",
        f"Measured {machine['measured']} UTC: PostgreSQL {machine['postgresql']}, {machine['cores']} cores"
        f" ({machine['cpu'] or 'unnamed'}), {machine['memory_gb']} GB{disk}; load before the run {machine['load']}."
        " Compare figures of one run only: other machines differ.",
    ]
    for kind, title, told in (
        ("size", "How long does my day take?", _how_long),
        ("size", "What machine do I need?", _machine_needed),
        ("history", "Does it slow down with the years?", _growth),
        ("contenders", "How does it compare?", _beside),
        ("readers", "What do readers feel?", _felt),
        ("steps", "What costs what?", _what_costs),
    ):
        if _parts(data, kind) if kind in ("size", "contenders", "steps") else kind in data:
            parts += [f"## {title}", told(data)]
            parts += [CONTENDERS] if kind == "contenders" else []
            if kind == "steps" and statements:
                parts.append(_statements({**statements["machine"], **statements["statements"]}))
            if title in PICTURES:
                parts.append(f"![{title}](results/{PICTURES[title]}.svg)")
    if settings:
        parts += ["## Which settings matter?", _settings(settings)]
    parts += ["## What is wanted", _wanted(data), HOW, f"All tables: {raw}."]
    return "\n\n".join(parts) + "\n"


PICTURES = {
    "How long does my day take?": "size",
    "Does it slow down with the years?": "history",
    "How does it compare?": "contenders",
}


def _felt(data: Data) -> str:
    part = data["readers"]
    rows = [
        [name, f"{wait['median_ms']:.2f}", f"{wait['p99_ms']:.1f}", f"{wait['longest_ms']:.1f}",
         f"{wait['longest_lock_wait_ms']:.1f}"]
        for name, wait in part["waits"].items()
    ]  # fmt: skip
    header = ("while this is loaded", "median ms", "99 % ms", "longest ms", "longest wait for a lock ms")
    return (
        f"A reader asks small questions all the time; the day has {part['orders']:,} orders.\n\n{_table(header, rows)}"
    )


CONTENDERS = """\
Each but the first two loaded a small day first and arrived at the same facts: the run fails otherwise. The warehouse
is `warehouse run DAY`, with the setting `partial_orders`: none of the others rejects an order whole. The others:

- **floor**: COPY of the same bytes without the dirt, and two CREATE TABLE AS. No checks, indexes, keys, logging or raw.
- **unchecked**: the floor's casts into the warehouse's own tables: raw, staging, facts, with WAL, indexes, keys and
  statistics, step by step. Nothing is checked, rejected or summed up; taking out repeated reports is not counted.
- **row by row**: json and csv a row at a time, batched INSERTs, then facts with the same indexes and keys.
- **dbt**: dbt-postgres, incremental models with tests, on raw tables by COPY, without lines that COPY refuses.
- **DuckDB**: the same files into a file of its own; no raw kept, no indexes or keys, no reader beside the writer."""

HOW = """\
## How it is measured, and how to repeat it

```sh
make bench-small                                     # two minutes: beside the floor and row by row, step by step
make bench                                           # all of it, and this page anew
python -m bench compare --other ../main --steps      # beside another checkout or setting; the same rows (--help)
```

An embedded server of its own with the settings that we ship (fsync on, checksums), and deliveries made from a seed:
Zipf's law, 1.6 lines an order, random event ids, late and repeated rows, 0.3 % dirt. `CPU s` is client and backends
together; `behind` is checkpointer, WAL writer and autovacuum, which keep their own clock. Take a disk like yours
(`BENCH_ARGS='--folder …'`): on ext4 without a journal, for one, a small day takes a tenth longer."""


def write(results: Path) -> None:
    """Write the page, the tables and the plots."""
    from bench import plots  # needs matplotlib, which who only reads the figures does not have

    data = json.loads(results.read_text())
    README.write_text(page(data, **beside(RESULTS)))
    for name, text in raw_tables(data).items():
        (RESULTS / f"{name}.md").write_text(text)
    plots.draw(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
