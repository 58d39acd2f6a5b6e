"""The report in a browser: it opens from a file, asks for nothing, and is used by mouse and keyboard, at any width."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql.executors.noop import NoopExecutor

from report.publish import publish
from report.site import make
from tests import shop
from tests.chromium import FOUND, Page, browser
from tests.conftest import Warehouse, copied
from tests.shop import Landing

# A browser does not see PostgreSQL's version; the views have tests on every version.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("report")]

LOW, BLOCKED, LAST = date(2025, 12, 16), date(2025, 12, 10), date(2025, 12, 17)
# Three Tuesdays before the low one, and fourteen days: enough to say what is usual.
DAYS = [date(2025, 11, 25), date(2025, 12, 2), *(date(2025, 12, 3) + timedelta(days=n) for n in range(15))]
WIDTHS = (360, 768, 1280, 1600)
PAGES = ("index.html", "trust.html", "pipeline.html", "days.html", "dictionary.html", f"day/{LOW}.html")
# What nobody may find in any file.
PERSON, MAIL, CARD = "U-7731-lovelace", "ada.lovelace@example.org", "4111111111111111"
# What tries to be more than a name.
SCRIPT = "<script>document.title='owned'</script>"
HOSTILE = {
    "P-0": SCRIPT,
    "P-1": "‮gnp.exe‬ \x07right to left",
    "P-2": "long " * 2_000,
    "P-3": "</title></svg><img src=x onerror=document.title='owned'>",
    "P-4": "{{ 7 * 7 }} {% raw %}",
}


@dataclass(frozen=True)
class Report:
    """A report on disk."""

    folder: Path

    def url(self, page: str) -> str:
        """Return where a page is."""
        return (self.folder / page).as_uri()

    def texts(self) -> dict[str, str]:
        """Return all its files."""
        return {
            str(path.relative_to(self.folder)): path.read_text(encoding="utf-8")
            for path in self.folder.rglob("*")
            if path.is_file()
        }


def deliver(landing: Landing, day: date) -> None:
    """Write the files of a day: the low one has a status that nobody knows, the blocked one prices that are none."""
    orders = shop.orders(36, day, price=Decimal(20 + day.weekday()))
    for number, order in enumerate(orders):
        order["status"] = ("paid", "paid", "shipped", "pending")[number % 4]
        # Dear ones, so that few of them are much money: more than a quarter rejected would block the day.
        if number % 5 == 1:
            order |= {"price": 2 * order["price"]} | ({"status": "authorised"} if day == LOW else {})
        if day == BLOCKED and number % 2:
            order["price"] = "9,99"
    # Where a value is refused, what stands there instead may be a person's.
    orders += [
        shop.order(f"O-{day}-mail", day, user_id=PERSON, quantity=MAIL),
        shop.order(f"O-{day}-card", day, user_id=PERSON, price=CARD + "x"),
        shop.order(f"O-{day}-person", day, user_id=PERSON, city=MAIL, marketing_source=SCRIPT),
    ]
    landing.orders(day, orders)
    landing.events(
        day, shop.events(60, day) + [shop.event(f"E-{day}-v{n}", day, event_type="view_item") for n in range(40)]
    )
    if day.weekday() == 1:
        names = [
            shop.product(f"P-{n}", product_name=HOSTILE.get(f"P-{n}", f"Lamp {n}"), category=SCRIPT) for n in range(7)
        ]
        landing.products(day, names)


@pytest.fixture(scope="module")
def filled(warehouse_template: NoopExecutor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A warehouse of three weeks, with a low Tuesday, a blocked day, hostile names, and a person where none belongs."""
    with copied(warehouse_template) as dsn:
        landing = Landing(tmp_path_factory.mktemp("landing"))
        made = Warehouse(dsn=dsn, connection=None, landing=landing)  # type: ignore[arg-type]
        made.connection = made.connect()
        for day in DAYS:
            deliver(landing, day)
            made.deliver(day)
        with pytest.raises(psycopg.Error):  # the blocked day is told at the end
            made.call("warehouse.run_range", DAYS[0], LAST)
        made.call("audit.allow_day", BLOCKED, f"the till is known {SCRIPT}")
        yield made
        for connection in made.opened:
            connection.close()


@pytest.fixture(scope="module")
def report(filled: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of that warehouse, made by a login that may read the report's views and nothing else."""
    folder = tmp_path_factory.mktemp("report") / "site"
    publish(make(filled.connect("warehouse_reporter"), 30), str(folder))
    return Report(folder)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of one browser."""
    if not FOUND:
        pytest.skip("chromium is not installed: apt install chromium")
    with browser() as found:
        yield found


# -- files -------------------------------------------------------------------------------------------


def test_no_file_has_an_id_a_mail_or_a_card(report: Report) -> None:
    texts = report.texts()
    assert len(texts) == len(DAYS) + 6
    for name, text in texts.items():
        for secret in (PERSON, MAIL, CARD, "lovelace", "O-2025", "E-2025"):
            assert secret not in text, (name, secret)


def test_hostile_names_stay_text(report: Report) -> None:
    texts = report.texts()
    assert any("&lt;script&gt;document.title" in text for text in texts.values())
    for name, text in texts.items():
        assert text.count("<script") == (name.endswith(".html")), name
        assert "<img" not in text
        assert not re.search("[\\u202a-\\u202e\\u2066-\\u2069\\x00-\\x08]", text), name
        assert "long long long long long long long long long long long long long long long long long" not in text
        assert " style=" not in text  # the policy would refuse it


def test_every_panel_has_its_sql_and_no_page_is_large(report: Report) -> None:
    for name, text in report.texts().items():
        if name.endswith(".html"):
            assert text.count('<section class="panel') <= text.count("<code>SELECT") + text.count("<code>WITH") + 2, (
                name
            )
            assert len(text) < 1_000_000


def test_the_sql_of_a_panel_gives_what_the_panel_shows(report: Report, filled: Warehouse) -> None:
    text = (report.folder / f"day/{LOW}.html").read_text(encoding="utf-8")
    panel = text[text.index('id="bridge"') :]
    statement = re.search(r"<code>(SELECT .*?)</code>", panel, re.DOTALL)[1]  # type: ignore[index]
    for entity, sign in (("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        statement = statement.replace(entity, sign)
    rows = filled.connect("warehouse_reporter").execute(statement).fetchall()
    assert rows[0].run_date == LOW
    assert f"{rows[0].amount:,.0f}" in panel
    assert f"{rows[-1].amount:,.0f}" in panel


# -- in a browser ------------------------------------------------------------------------------------


def test_a_page_opens_from_a_file_and_asks_for_nothing(page: Page, report: Report) -> None:
    for name in PAGES:
        page.open(report.url(name))
        assert page.complaints == []
        assert [url for url in page.requests if not url.startswith("data:")] == [report.url(name)]
        assert page.run("document.title") != "owned"
        assert page.run("document.querySelector('h1').textContent")


def test_no_width_scrolls_sideways(page: Page, report: Report) -> None:
    for name in PAGES:
        page.open(report.url(name))
        page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
        for width in WIDTHS:
            page.resize(width)
            assert page.run("document.documentElement.scrollWidth") <= width, (name, width)


def test_light_and_dark_have_no_violation_that_axe_finds(page: Page, report: Report) -> None:
    import axe_core_python

    source = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    # Whether a colour can be read is asked of two pages in the dark, which have all colours; the rest does not change.
    asked = [(name, False, 1280, "{}") for name in PAGES] + [
        (name, True, 360, '{"runOnly": ["color-contrast"]}') for name in ("index.html", f"day/{LOW}.html")
    ]
    for name, dark, width, options in asked:
        page.open(report.url(name), dark=dark, width=width)
        # Rows and entries of a kind are alike: five of each say as much as all, in a tenth of the time.
        page.run("document.querySelectorAll('tr:nth-child(n+6), .entry:nth-of-type(n+6)').forEach(one => one.remove())")
        page.run(f"{source}; 0")
        found = page.run(
            f"axe.run(document, {options}).then(found => found.violations.map("
            "one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html).join(' ')))"
        )
        assert found == [], (name, dark)


def test_the_mouse_sees_what_a_day_says_and_a_click_tells_why_it_is_low(page: Page, report: Report) -> None:
    page.open(report.url("index.html"))
    low = f"#revenue .plot a[href='day/{LOW}.html']"
    page.point(low)
    page.wait("!document.querySelector('.tip').hidden")
    tip = page.run("document.querySelector('.tip').textContent")
    assert tip.startswith("Tue 16 Dec")
    assert "unusual" in tip
    page.click(low)
    page.wait(f"location.href.endsWith('day/{LOW}.html') && document.readyState == 'complete'")
    told = page.run("document.querySelector('main').textContent")
    assert "below usual" in told
    assert "authorised" in told
    assert "INSERT INTO staging.codes" in told


def test_the_keyboard_walks_along_the_days_and_opens_one(page: Page, report: Report) -> None:
    page.open(report.url("index.html"))
    page.run("document.querySelector('#revenue .plot a[tabindex=\"0\"]').focus()")
    href = "document.activeElement.getAttribute('href')"
    assert page.run(href) == f"day/{LAST}.html"
    page.press("ArrowLeft")
    assert page.run(href) == f"day/{LOW}.html"
    assert page.run("getComputedStyle(document.activeElement.querySelector('rect')).strokeWidth") == "2px"
    assert not page.run("document.querySelector('.tip').hidden")
    page.press("Home")
    assert page.run(href) == f"day/{DAYS[0]}.html"
    # One stop per chart: the next Tab leaves it.
    page.press("Tab")
    assert not page.run("!!document.activeElement.closest('#revenue .plot')")
    page.run("document.querySelector('#revenue .plot a[tabindex=\"0\"]').focus()")
    page.press("Enter")
    page.wait("location.pathname.includes('/day/')")


def test_the_dictionary_finds_a_column(page: Page, report: Report) -> None:
    page.open(report.url("dictionary.html"))
    page.run("document.getElementById('search').focus()")
    page.write("net_revenue")
    page.wait("document.getElementById('found').textContent != ''")
    assert page.run("[...document.querySelectorAll('.entry')].some(one => one.hidden)")
    assert not page.run("document.getElementById('warehouse-daily-metrics').hidden")


def test_every_link_leads_somewhere(page: Page, report: Report) -> None:
    ids = {name: set(re.findall(r' id="([^"]*)"', text)) for name, text in report.texts().items()}
    for name, text in report.texts().items():
        for target in re.findall(r' href="([^"]*)"', text):
            if target == "data:,":
                continue
            path, _, place = target.partition("#")
            found = (report.folder / name).parent / path if path else report.folder / name
            inside = str(found.resolve().relative_to(report.folder.resolve()))
            assert inside in ids, (name, target)
            assert not place or place in ids[inside], (name, target)


def test_a_page_prints(page: Page, report: Report) -> None:
    page.open(report.url("index.html"), dark=True)
    printed = page.pdf()
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 2
