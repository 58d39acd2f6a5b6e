"""Draws the plots of bench/README.md."""

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.report import RESULTS, Data, largest

COLOURS = {
    "warehouse": "#1b6ca8", "floor": "#8a8a8a", "unchecked": "#5f7f95", "DuckDB": "#d98c21", "dbt": "#b0413e",
    "row by row": "#6b4c8f",
}  # fmt: skip


def draw(data: Data) -> None:
    """Draw what can be drawn."""
    mpl.rcParams.update(
        {"svg.hashsalt": "bench", "font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
    )
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
        _save(figure, "size")
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
        _save(figure, "history")
    contenders, size = largest(data, "contenders")
    if contenders:
        figure, axes = plt.subplots(figsize=(8, 3.2))
        names = sorted(contenders, key=lambda name: -contenders[name]["wall"])
        walls = [contenders[name]["wall"] for name in names]
        axes.barh(names, walls, color=[COLOURS[name] for name in names])
        for place, wall in enumerate(walls):
            axes.text(wall, place, f"  {wall:,.1f} s", va="center")
        axes.set(xlabel="wall seconds", xlim=(0, max(walls) * 1.15))
        axes.set_title(size, loc="left")
        _save(figure, "contenders")


def _save(figure: plt.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(RESULTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
