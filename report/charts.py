"""Charts as inline SVG, in lengths that the page's width stretches: geometry, and nothing else.

Letters keep their size and bars take what room there is, so the same picture serves a phone and a wide screen. A chart
of days is one path per series and one link per day over its whole height; the link's name is what its tooltip shows.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

HEIGHT = 180  # pixels, of the columns
ABOVE, BELOW = 18, 24  # … for marks above, and for the days' names below
STEP = 10  # units of a day in a stretched picture
GAP = 1
SCALE = 1000  # units of its height
STEPS = (1, 2, 2.5, 5, 10)
MOST_LINES = 5
MOST_NAMES = 9  # of days below a chart; a narrow page shows every other
MANY = 60  # from so many days on a column is thin: its name ends where it ends
SPARK_WIDTH, SPARK_HEIGHT = 120, 28


@dataclass(frozen=True)
class Slot:
    """A day of a chart: what each series has there, and where it leads to. `mark` is bad, out or nothing."""

    name: str
    says: str
    href: str | None
    values: Sequence[float | None]
    mark: str = ""
    usual: float | None = None
    low: float | None = None
    high: float | None = None


Height = Callable[[float], float]
Has = Callable[[Slot], bool]


def number(value: float) -> str:
    """Return a length with one decimal, the shortest way."""
    return f"{value:.1f}".rstrip("0").rstrip(".") or "0"


def percent(part: float, whole: float) -> str:
    """Return a share as a length."""
    return f"{100 * part / whole if whole else 0:.2f}".rstrip("0").rstrip(".") + "%"


def ceiling(highest: float) -> tuple[float, float]:
    """Return the top of an axis that holds `highest`, and the distance of its lines."""
    if highest <= 0:
        return 1.0, 1.0
    rough = highest / MOST_LINES
    power = 10 ** math.floor(math.log10(rough))
    distance = next(step * power for step in STEPS if step * power >= rough)
    return math.ceil(highest / distance) * distance, distance


def short(value: float) -> str:
    """Return a number of an axis: 300k, 1.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def columns(identity: str, title: str, about: str, slots: Sequence[Slot]) -> Markup:
    """Return a chart of days: stacked columns, with the usual as a dashed line and its band behind them."""
    tops = [sum(value or 0 for value in slot.values) for slot in slots]
    highest = max([*tops, *(float(slot.high or slot.usual or 0) for slot in slots)], default=0)
    top, distance = ceiling(highest)
    lines = [distance * count for count in range(round(top / distance) + 1)]

    def height(value: float) -> float:
        return SCALE * (1 - value / top)

    width = STEP * len(slots)
    shapes = [f'<path class="grid" d="{"".join(f"M0 {height(line):.0f}H{width}" for line in lines)}"/>']
    shapes += _bands(slots, height)
    shapes += _stacks(slots, height)
    shapes += _usual(slots, height)
    marks = []
    for place, slot in enumerate(slots):
        if slot.mark:
            over = max(tops[place], float(slot.high or slot.usual or 0)) if slot.mark == "bad" else 0
            marks.append(
                f'<text class="{slot.mark}" x="{percent(place + 0.5, len(slots))}"'
                f' y="{ABOVE - 5 + height(over) * HEIGHT / SCALE:.0f}">{"!" if slot.mark == "bad" else "×"}</text>'
            )
    whole = ABOVE + HEIGHT + BELOW
    axis = "".join(
        f'<text x="40" y="{ABOVE + 4 + height(line) * HEIGHT / SCALE:.0f}">{short(line)}</text>' for line in lines
    )
    return Markup(
        f'<div class="chart"><svg class="axis" width="46" height="{whole}" aria-hidden="true">{axis}</svg>'
        f'<svg class="plot" height="{whole}" role="group" aria-labelledby="{identity}-t {identity}-d" data-walk>'
        f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(about)}</desc>'
        f'<svg y="{ABOVE}" width="100%" height="{HEIGHT}" viewBox="0 0 {width or 1} {SCALE}" preserveAspectRatio="none"'
        f' aria-hidden="true">{"".join(shapes)}</svg>'
        f'<g aria-hidden="true">{"".join(marks)}{_names(slots)}</g>{"".join(_links(slots, whole))}</svg></div>'
    )


def _bands(slots: Sequence[Slot], height: Height) -> list[str]:
    """Return the band of the usual, as a shape per run of days that have one."""
    made = []
    for run in _runs(slots, lambda slot: slot.low is not None and slot.high is not None):
        upper = [f"{STEP * place + STEP / 2:.0f} {height(float(slots[place].high or 0)):.0f}" for place in run]
        lower = [f"{STEP * place + STEP / 2:.0f} {height(float(slots[place].low or 0)):.0f}" for place in run]
        made.append("M" + "L".join([*upper, *reversed(lower)]) + "Z")
    return [f'<path class="band" d="{"".join(made)}"/>'] if made else []


def _usual(slots: Sequence[Slot], height: Height) -> list[str]:
    """Return the line of the usual."""
    made = [
        "M" + "L".join(f"{STEP * place + STEP / 2:.0f} {height(float(slots[place].usual or 0)):.0f}" for place in run)
        for run in _runs(slots, lambda slot: slot.usual is not None)
    ]
    return [f'<path class="usual" d="{"".join(made)}"/>'] if made else []


def _runs(slots: Sequence[Slot], has: Has) -> Iterable[list[int]]:
    """Yield the places of neighbours that have something."""
    run: list[int] = []
    for place, slot in enumerate(slots):
        if has(slot):
            run.append(place)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _stacks(slots: Sequence[Slot], height: Height) -> list[str]:
    """Return a path per series, and one of the days that are marked."""
    paths: dict[str, list[str]] = {}
    for place, slot in enumerate(slots):
        below = 0.0
        for series, value in enumerate(slot.values):
            if not value:
                continue
            kind = "low" if slot.mark == "bad" and len(slot.values) == 1 else f"s{series}"
            bottom, top = height(below), height(below + float(value))
            below += float(value)
            paths.setdefault(kind, []).append(
                f"M{STEP * place + GAP} {bottom:.0f}V{top:.0f}h{STEP - 2 * GAP}V{bottom:.0f}z"
            )
    return [f'<path class="{kind}" d="{"".join(parts)}"/>' for kind, parts in paths.items()]


def _names(slots: Sequence[Slot]) -> str:
    """Return the names below some of the days: the last one, and back from there in equal steps."""
    is_thin = len(slots) > MANY
    every = max(1, math.ceil(len(slots) / (MOST_NAMES - 2 * is_thin)))
    y = ABOVE + HEIGHT + 17
    made = []
    for count, place in enumerate(range(len(slots) - 1, -1, -every)):
        kind = ' class="half"' if count % 2 else ""
        side = ' text-anchor="end"' if is_thin or (count == 0 and len(slots) > 3) else ""
        x = percent(place + (1 if side else 0.5), len(slots))
        made.append(f'<text{kind}{side} x="{x}" y="{y}">{escape(slots[place].name)}</text>')
    return "".join(made)


def _links(slots: Sequence[Slot], whole: int) -> Iterable[str]:
    """Yield what the pointer and the keyboard meet: a day, over the whole height."""
    for place, slot in enumerate(slots):
        rectangle = f'<rect x="{percent(place, len(slots))}" width="{percent(1, len(slots))}" height="{whole}"/>'
        if slot.href:
            yield f'<a href="{escape(slot.href)}" aria-label="{escape(slot.says)}">{rectangle}</a>'
        else:
            yield f'<g class="hit" tabindex="0" role="img" aria-label="{escape(slot.says)}">{rectangle}</g>'


def spark(values: Sequence[float | None], says: str) -> Markup:
    """Return a small line of what was, with a dot at its end; nothing for less than two values."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return Markup('<span class="quiet">–</span>')
    low, high = min(known), max(known)
    last = len(values) - 1

    def point(place: int, value: float) -> str:
        y = SPARK_HEIGHT - 4 - (SPARK_HEIGHT - 8) * ((value - low) / (high - low) if high > low else 0.5)
        return f"{number(3 + (SPARK_WIDTH - 8) * place / last)} {number(y)}"

    points = [point(place, float(value)) for place, value in enumerate(values) if value is not None]
    x, y = points[-1].split()
    return Markup(
        f'<svg class="spark" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" role="img" aria-label="{escape(says)}">'
        f'<path d="M{"L".join(points)}"/><circle cx="{x}" cy="{y}" r="2.5"/></svg>'
    )


def bar(start: float, end: float, low: float, high: float, kind: str = "s0") -> Markup:
    """Return a bar from `start` to `end` in a row whose width stands for `low` to `high`."""
    left, right = sorted((start, end))
    span = high - low
    return Markup(
        f'<svg class="bar" width="100%" height="16" aria-hidden="true"><rect class="{escape(kind)}"'
        f' x="{percent(left - low, span)}" width="{percent(right - left, span)}" height="16" rx="2"/></svg>'
    )


@dataclass(frozen=True)
class Cell:
    """A day of a strip: a verdict that was kept has nothing to say."""

    kind: str  # ok, warning, critical, or nothing where none was given
    says: str = ""
    href: str | None = None


def strip(cells: Sequence[Cell]) -> Markup:
    """Return a row of days: one path of those in order, a link for each that is not."""
    made = "".join(
        f"M{STEP * place} 0h{STEP - GAP}v{STEP}h-{STEP - GAP}z" for place, cell in enumerate(cells) if cell.kind == "ok"
    )
    sign = "!" if len(cells) <= MANY else ""  # it would be wider than the day
    others = "".join(
        f'<a href="{escape(cell.href or "")}" aria-label="{escape(cell.says)}">'
        f'<rect class="{cell.kind}" height="18"'
        f' x="{percent(place, len(cells))}" width="{percent(1 - GAP / STEP, len(cells))}"/>'
        f'<text x="{percent(place + 0.45, len(cells))}" y="13" aria-hidden="true">{sign}</text></a>'
        for place, cell in enumerate(cells)
        if cell.kind not in ("ok", "")
    )
    return Markup(
        f'<svg class="strip" width="100%" height="18"><svg viewBox="0 0 {STEP * len(cells) or 1} {STEP}" height="18"'
        f' preserveAspectRatio="none" aria-hidden="true"><path d="{made}"/></svg>{others}</svg>'
    )
