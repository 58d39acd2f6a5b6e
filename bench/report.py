"""Writes the tables of bench/README.md, between its markers, and the plots beside it.

python -m bench.report bench/results/full.json
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- written by python -m bench.report: begin -->", "<!-- written by python -m bench.report: end -->"
COLOURS = {"warehouse": "#1b6ca8", "floor": "#8a8a8a", "DuckDB": "#d98c21", "dbt": "#b0413e", "row by row": "#6b4c8f"}

# Figures are wanted for days of so many orders, and histories of so many days.
WHOLE, WHOLE_DAYS = 1_000_000, 730

Data = dict[str, Any]


ORDER = ("machine", "contenders", "size", "steps", "reloads", "forms", "readers", "backfill", "history", "queries")


# -- what is wanted ----------------------------------------------------------------------------------


def goals(data: Data) -> Iterable[tuple[str, str, float | None, float, str]]:
    """Yield what is wanted of the figures that there are: what, how it reads, the figure, its limit, which side."""
    large, size = _largest(data, "size")
    hundred, small_size = _largest(data, "contenders")
    history = data.get("history", {})
    again = _costs(data.get("reloads"))
    waits = data.get("readers", {}).get("waits", {})
    backfill = _costs(data.get("backfill"))
    forms = _costs(data.get("forms"))
    if large:
        ours = large["warehouse"]
        yield f"{size}: CPU beside the floor's", "×", ours["cpu"] / large["floor"]["cpu"], 2.0, "most"
        yield "… wall time", "s", ours["wall"], 60, "most"
        yield "… peak memory of the client", "MB", ours["rss"] / 1e6, 150, "most"
        yield "… CPU beside DuckDB's", "×", ours["cpu"] / large["DuckDB"]["cpu"], 3.0, "most"
    if forms:
        yield "the orders as one JSON array: peak memory", "MB", forms["JSON array"]["rss"] / 1e6, 150, "most"
    if hundred:
        for name, least in (("row by row", 12), ("dbt", 5)):
            if name in hundred:
                times = hundred[name]["wall"] / hundred["warehouse"]["wall"]
                yield f"{small_size}: times as fast as {name} (wall)", "×", times, least, "least"
    if history:
        begin = max(history["costs"], key=int)
        for step, cost in history["first_days"][begin].items():
            what = f"day {history['days']:,} beside day 1, CPU: {step}"
            yield what, "×", history["costs"][begin][step]["cpu"] / cost["cpu"], 1.1, "most"
    if again:
        yield (
            f"rerun of an unchanged day of {_size(data['reloads']):,} orders",
            "s",
            again["unchanged"]["wall"],
            1,
            "most",
        )
        times = again["1 % changed"]["cpu"] / again["first load"]["cpu"]
        yield "reload of a day with 1 % changed, beside its first load (CPU)", "×", times, 1.3, "most"
    if waits:
        yield "readers wait for a swap (lock)", "ms", waits["all changed"]["longest_lock_wait_ms"], 100, "most"
        for name in ("first load", "1 % changed"):
            yield f"readers wait during: {name}", "ms", waits[name]["longest_lock_wait_ms"], 0, "most"
    if backfill:
        gain = backfill["1 job"]["wall"] / backfill["2 jobs"]["wall"]
        yield f"backfill of {data['backfill']['days']} days, two jobs beside one (wall)", "×", gain, 1.6, "least"


def _largest(data: Data, kind: str) -> tuple[dict[str, dict[str, float]], str]:
    """Return the costs of the largest day of a kind, and how large it is."""
    parts = [part for name, part in data.items() if name.split()[0] == kind]
    if not parts:
        return {}, ""
    part = max(parts, key=_size)
    return part["costs"], f"{part['orders']:,} orders + {part['events']:,} events"


def _costs(part: Data | None) -> dict[str, dict[str, float]]:
    return part["costs"] if part else {}


def _verdict(value: float, limit: float, side: str) -> str:
    return "yes" if (value <= limit if side == "most" else value >= limit) else "**no**"


def _is_whole(data: Data) -> bool:
    """Return whether the run was of the sizes that the figures are wanted for."""
    days = data.get("history", {}).get("days", WHOLE_DAYS)
    return days >= WHOLE_DAYS and _size(data.get("reloads", {"orders": WHOLE})) >= WHOLE


# -- tables ------------------------------------------------------------------------------------------


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _size(part: Data) -> int:
    return part.get("orders", 0)


COST_HEADER = ("wall s", "CPU s", "client", "backends", "behind", "WAL MB", "temp MB", "client MB")


def _cost(cost: dict[str, float]) -> list[str]:
    seconds = [f"{cost[name]:,.2f}" for name in ("wall", "cpu", "client", "server", "behind")]
    return [*seconds, *(f"{cost[name] / 1e6:,.0f}" for name in ("wal", "temporary", "rss"))]


def _cost_table(title: str, costs: dict[str, dict[str, float]]) -> str:
    return _table((title, *COST_HEADER), ([name, *_cost(cost)] for name, cost in costs.items()))


SHORT = (
    "**A short run, of smaller days than the figures are wanted for: it shows what is measured, and no more.**"
    " Small days pay for the start of Python and for fifty statements whatever their size; `make bench` does all."
)


def text(data: Data) -> str:
    """Return the report."""
    machine = data["machine"]
    parts = [
        f"Measured {machine['measured']} UTC: PostgreSQL {machine['postgresql']}, {machine['cores']} cores"
        f" ({machine['cpu'] or 'unnamed'}), {machine['memory_gb']} GB; load before the run {machine['load']}.",
        *([] if _is_whole(data) else [SHORT]),
        "### What is wanted",
        _table(
            ("", "measured", "wanted", ""),
            (
                [what, f"{value:,.2f} {unit}", f"{'≤' if side == 'most' else '≥'} {limit:g} {unit}",
                 _verdict(value, limit, side) if _is_whole(data) else ""]
                for what, unit, value, limit, side in goals(data)
            ),
        ),
    ]  # fmt: skip
    for name, part in sorted(data.items(), key=lambda item: (ORDER.index(item[0].split()[0]), _size(item[1]))):
        kind = name.partition(" ")[0]
        size = f"{part['orders']:,} orders" if isinstance(part, dict) and "orders" in part else ""
        if kind in ("size", "contenders"):
            lines, revenue, events, *_ = part["facts"]
            parts += [
                f"### {size} and {part['events']:,} events",
                _cost_table("", part["costs"]),
                f"All arrived at {int(lines):,} order lines worth {float(revenue):,.2f}, and {int(events):,} events."
                " CPU beside the floor's: "
                + ", ".join(
                    f"{n} {c['cpu'] / part['costs']['floor']['cpu']:.1f} ×"
                    for n, c in part["costs"].items()
                    if n != "floor"
                )
                + ".",
            ]
        elif kind == "steps":
            parts += [f"### Step by step: {size} and {part['events']:,} events", _cost_table("floor", part["floor"])]
            parts += [_cost_table("warehouse", part["steps"])]
        elif kind in ("reloads", "forms", "backfill"):
            title = {
                "reloads": f"The same day again: {size}",
                "forms": f"Extracting {size}",
                "backfill": f"Backfill of {part.get('days')} days",
            }[kind]
            parts += [f"### {title}", _cost_table("", part["costs"])]
        elif kind == "history":
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
            parts += [
                f"### History: {part['days']} days of {part['day'][0]:,} orders and {part['day'][1]:,} events",
                _table(("medians of five days", *COST_HEADER), rows),
                f"{part['partitions']} partitions at the end.",
            ]
        elif kind == "readers":
            parts += [
                f"### Readers, while a day is loaded: {size}",
                _table(
                    ("", "asked", "median ms", "99 % ms", "longest ms", "lock waits", "longest lock wait ms"),
                    (
                        [
                            n,
                            *(
                                f"{w[key]:,}"
                                for key in (
                                    "asked",
                                    "median_ms",
                                    "p99_ms",
                                    "longest_ms",
                                    "lock_waits",
                                    "longest_lock_wait_ms",
                                )
                            ),
                        ]
                        for n, w in part["waits"].items()
                    ),
                ),
            ]
        elif kind == "queries":
            parts += [
                "### Analysts' queries, on the whole history",
                _table(
                    ("query", "ms", "planning ms", "partitions read", "indexes"),
                    (
                        [
                            q["name"],
                            f"{q['ms']:,.1f}",
                            f"{q['planning_ms']:,.1f}",
                            f"{q['partitions']} of {q['of']}",
                            ", ".join(q["indexes"]),
                        ]
                        for q in part["queries"]
                    ),
                ),
                "Indexes that neither a query nor a procedure used: "
                + (
                    ", ".join(
                        i["index"] for i in part["indexes"] if not (i["procedures"] or i["queries"] or i["unique"])
                    )
                    or "none"
                )
                + ".",
            ]
    return "\n\n".join(parts)


# -- plots -------------------------------------------------------------------------------------------


def plots(data: Data) -> list[str]:
    """Draw what can be drawn, and return the names of the pictures."""
    mpl.rcParams.update(
        {"svg.hashsalt": "bench", "font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
    )
    drawn = []
    by_size = sorted((part for name, part in data.items() if name.startswith("size ")), key=lambda part: part["orders"])
    if len(by_size) > 1:
        figure, axes = plt.subplots(figsize=(8, 4.6))
        records = [part["orders"] + part["events"] for part in by_size]
        for name in ("warehouse", "DuckDB", "floor"):
            values = [part["costs"][name]["cpu"] for part in by_size]
            axes.plot(records, values, "o-", color=COLOURS[name])
        axes.set(xscale="log", yscale="log", xlabel="records of the day", ylabel="CPU seconds, client and backends")
        axes.set_xlim(right=records[-1] * 4)
        axes.set_title("Cost of a first load against the size of the day", loc="left")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25)
        # Names beside the ends of the lines, one above the other where these are close.
        ends = sorted((by_size[-1]["costs"][name]["cpu"], name) for name in ("warehouse", "DuckDB", "floor"))
        lowest = 0.0
        for value, name in ends:
            end = axes.transData.transform((records[-1], value))[1] * 72 / figure.dpi
            lowest = max(lowest + 14, end - 4)
            axes.annotate(f"{name}  {value:,.1f} s", (records[-1], value), xytext=(9, lowest - end),
                          textcoords="offset points", color=COLOURS[name])  # fmt: skip
        drawn.append(_save(figure, "size"))
    history = data.get("history", {}).get("costs", {})
    beside = data.get("history", {}).get("first_days", {})
    if len(history) > 1:
        figure, axes = plt.subplots(figsize=(8, 4.6))
        begins = sorted(history, key=int)
        days = [int(begin) + 2 for begin in begins]
        for step, colour in zip(history[begins[0]], ("#1b6ca8", "#8a8a8a", "#d98c21", "#b0413e"), strict=False):
            axes.plot(days, [history[begin][step]["cpu"] for begin in begins], "o-", color=colour, label=step)
            axes.plot(days, [beside[begin][step]["cpu"] for begin in begins], "--", color=colour, linewidth=1)
        axes.legend(frameon=False, ncols=4, loc="upper left", fontsize=9)
        axes.set(xlabel="days of history", ylabel="CPU seconds, client and backends", xlim=(0, days[-1] * 1.05))
        axes.set_ylim(0, 1.25 * max(cost["cpu"] for steps in history.values() for cost in steps.values()))
        axes.set_title("Cost of a day against the length of the history; dashed: day 1, meanwhile", loc="left")
        axes.grid(alpha=0.25)
        drawn.append(_save(figure, "history"))
    contenders, size = _largest(data, "contenders")
    if contenders:
        figure, axes = plt.subplots(figsize=(8, 3.2))
        names = sorted(contenders, key=lambda name: -contenders[name]["wall"])
        walls = [contenders[name]["wall"] for name in names]
        axes.barh(names, walls, color=[COLOURS[name] for name in names])
        for place, wall in enumerate(walls):
            axes.text(wall, place, f"  {wall:,.1f} s", va="center")
        axes.set(xlabel="wall seconds", xlim=(0, max(walls) * 1.15))
        axes.set_title(size, loc="left")
        drawn.append(_save(figure, "contenders"))
    return drawn


def _save(figure: plt.Figure, name: str) -> str:
    figure.tight_layout()
    path = HERE / "results" / f"{name}.svg"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return f"results/{name}.svg"


def write(results: Path) -> None:
    """Write the report into README.md."""
    data = json.loads(results.read_text())
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    pictures = "\n\n".join(f"![{Path(name).stem}]({name})" for name in plots(data))
    readme.write_text(f"{before}{BEGIN}\n\n{text(data)}\n\n{pictures}\n\n{END}{after}")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
