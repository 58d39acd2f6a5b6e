"""What every page is made with: templates that escape all they are given, and a policy that lets nothing else in."""

import base64
import hashlib
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from rich.filesize import decimal as decimal_size

from report import charts
from report.tables import readable

TEMPLATES = Path(__file__).parent / "templates"
TONES = {
    "good": "good",
    "succeeded": "good",
    "warned": "warn",
    "let through": "warn",
    "unusual": "warn",
    "rule": "warn",
    "alert": "warn",
    "late source": "warn",
    "not run yet": "warn",
    "blocked": "bad",
    "failed": "bad",
}
LONGEST = 80  # letters of a name from data
YEAR_FROM_DAYS = 300  # a day that is older could be taken for one of this year


class RowEnvironment(Environment):
    """Templates whose `row.column` is first of all a column: without an exception for each cell of each page."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a column of a row, else an attribute."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def environment(newest: date | None = None) -> Environment:
    """Return the environment of the templates of a report up to its newest day."""
    made = RowEnvironment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    style, script = (_source(name) for name in ("style.css", "script.js"))
    made.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "policy": (
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:;"
            " base-uri 'none'; form-action 'none'"
        ),
        "charts": charts,
    }
    made.filters |= {
        "count": count, "money": money, "signed": signed, "day": day, "day_short": partial(day_short, newest=newest),
        "moment": moment, "data": data, "code": code, "share": share, "figure": figure, "tone": tone, "unit": unit,
        "sentence": sentence,
    }  # fmt: skip
    return made


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def count(value: Any) -> str:
    """Return a number as people read it: 12,345; a dash for NULL."""
    if value is None:
        return "–"
    return f"{value:,.0f}".replace("-", "−")


def money(value: Any, decimals: int = 0) -> str:
    """Return an amount: 12,345, or 12,345.67."""
    if value is None:
        return "–"
    return f"{value:,.{decimals}f}".replace("-", "−")


def share(value: Any, decimals: int = 1) -> str:
    """Return a percentage: 9.3 %."""
    return "–" if value is None else f"{value:,.{decimals}f} %".replace("-", "−")


def signed(value: Any, decimals: int = 0) -> str:
    """Return a difference with its sign."""
    if value is None:
        return "–"
    text = f"{value:+,.{decimals}f}".replace("-", "−")
    return text[1:] if not text.strip("+−0.,") else text


@cache
def day(value: date) -> str:
    """Return a day in full: Tuesday, 16 December 2025."""
    return f"{value:%A}, {value.day} {value:%B} {value.year}"


@cache
def day_short(value: date, newest: date | None = None) -> str:
    """Return a day as links and charts name it: Tue 16 Dec; with its year if it is long before the newest."""
    year = f" {value.year}" if newest and (newest - value).days > YEAR_FROM_DAYS else ""
    return f"{value:%a} {value.day} {value:%b}{year}"


def moment(value: datetime | None) -> str:
    """Return a time to the minute."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M}"


def shown(value: Any, longest: int = LONGEST) -> str:
    """Return a text from data as it may stand on a page: short, and without letters that change how others are read."""
    text = " ".join(readable(value).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def data(value: Any, longest: int = LONGEST) -> Markup:
    """Return a text from data, apart from what stands around it, whichever way it is read."""
    return Markup(f"<bdi>{escape(shown(value, longest))}</bdi>")


def code(value: Any, longest: int = LONGEST) -> Markup:
    """Return a value from data as such; nothing for NULL."""
    return Markup("") if value is None else Markup(f"<code>{data(value, longest)}</code>")


def figure(value: Any, kind: str) -> str:
    """Return a figure of the first page by its kind: money, price, count or share, which is a number up to 1."""
    if kind == "share":
        return "–" if value is None else f"{value:.{1 if value >= Decimal('0.01') else 2}%}".replace("%", " %")
    return money(value, 2 if kind == "price" else 0)


def unit(value: Any, kind: str) -> str:
    """Return a value of audit.health with its unit."""
    if value is None:
        return "–"
    if kind == "bytes":
        return decimal_size(int(value))
    return {"%": f"{value:,.1f} %", "seconds": f"{value:,.1f} s", "rows per second": f"{value:,.0f} rows/s"}.get(
        kind, f"{value:,.0f}"
    )


def sentence(text: str, end: str = ".") -> str:
    """Return words as a sentence."""
    return f"{text[:1].upper()}{text[1:]}{end}"


def tone(health: str | None) -> str:
    """Return how a word of health is coloured."""
    return TONES.get(health or "", "none")


def slug(value: Any) -> str:
    """Return a text as the name of a place in a page."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in str(value))
