"""What README.md and docs/ say is so: commands are run, the reference is compared, links lead somewhere."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from tests.conftest import Warehouse, reachable_folder

# Words, and pages that are run on the wheel's PostgreSQL. Together, so that what many pages go on from is run once.
pytestmark = [pytest.mark.once, pytest.mark.xdist_group("docs")]
PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)?(#[^)]*)?\)")


def load_tool(name: str) -> ModuleType:
    """Return a tool of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", PROJECT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


TOOL = load_tool("pages")
RUN = TOOL.pages()


def shown(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


@pytest.fixture(scope="module")
def runs() -> Iterator[Any]:
    """Runs pages in copies of the project; what many go on from is run once."""
    folder = reachable_folder("docs")
    try:
        yield TOOL.Runs(folder, {})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("page", RUN, ids=shown)
def test_every_command_of_a_page_prints_what_it_says(page: Path, runs: Any) -> None:
    outcomes = runs.run(page)
    assert outcomes
    wrong = [
        f"{shown(page)}:{outcome.command.line}: exit {outcome.exit_code}\n{outcome.printed}"
        for outcome in outcomes
        if not outcome.is_as_written
    ]
    assert not wrong, "the page is not current (make docs writes it):\n" + "\n".join(wrong)


def test_the_readme_is_short_and_the_pages_that_promise_commands_have_some() -> None:
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
    how_to = {path.stem for path in (PROJECT / "docs" / "how-to").glob("*.md")}
    without = {"index", "run-with-airflow"}  # tests/dags has its commands
    assert {page.stem for page in RUN} >= how_to - without
    assert sum(len(block.commands) for page in RUN for block in TOOL.blocks(page.read_text(encoding="utf-8"))) > 60


def test_every_command_of_a_page_stands_where_it_is_run() -> None:
    """In blocks marked `console`; what is not run says why, and docs/pages.py lists the reasons."""
    reasons = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        kinds = set(re.findall(r"^ *```([^\n]*)\n.*?^ *```$", text, re.MULTILINE | re.DOTALL))
        assert kinds <= {"console", "sql", "json", "text", "mermaid"}, shown(page)
        reasons |= set(re.findall(r"<!-- not run: (.*) -->", text))
    assert reasons == set(TOOL.NOT_RUN)


def test_every_statement_of_a_page_runs(warehouse: Warehouse) -> None:
    """Those in `sql` blocks; for the logins of compose as release 0.1.0 had made them, and an analyst of one's own."""
    run = []
    for page in PAGES:
        for block in re.findall(r"^```sql\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            statements = [one.strip() for one in block.split(";") if one.strip()]
            with warehouse.connect() as session, session.transaction(force_rollback=True):
                session.execute(AS_RELEASE_0_1_0_HAD_THEM)
                for statement in statements:
                    session.execute(statement)  # type: ignore[arg-type]
            run += statements
    assert len(run) > 10


AS_RELEASE_0_1_0_HAD_THEM = """
    CREATE ROLE anna;
    CREATE ROLE analyst;
    CREATE ROLE warehouse_admin CREATEDB CREATEROLE IN ROLE pg_read_all_data;
    GRANT warehouse_owner, warehouse_checker, warehouse_shaper, warehouse_loader, warehouse_runner, warehouse_analyst
        TO warehouse_admin WITH ADMIN OPTION
"""


def test_what_is_left_out_of_the_readme_hides_no_difference_in_the_rest() -> None:
    says = TOOL.says
    printed = "one\ntwo 2\nthree\nfour 1.5 s\n"
    for page in ("one\n…\nfour 9.9 s\n", "…\nthree\n…\n", "one\ntwo 2\nthree\nfour 3 s", "…"):
        assert says(page, printed), page
    for page in ("", "one\n", "…\ntwo 3\n…\n", "three\n…\n", "…\nthree\none\n…\n", "one\n…\nfive\n"):
        assert not says(page, printed), page


def test_the_reference_is_what_the_warehouse_says(warehouse: Warehouse) -> None:
    tool = load_tool("reference")
    with psycopg.connect(warehouse.dsn) as connection:
        pages = tool.pages(connection)
    assert len(pages) > 2
    for path, page in pages.items():
        assert path.read_text(encoding="utf-8") == page, f"{shown(path)}: make docs writes it"


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, heading in LINK.findall(text):
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {path}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading[1:] in anchors, f"{page.name}: {heading}"


def test_every_page_is_in_the_site() -> None:
    site = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"[\w/-]+\.md", site))
    assert listed == {path.relative_to(PROJECT / "docs").as_posix() for path in (PROJECT / "docs").rglob("*.md")}


def test_every_make_target_of_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        used = re.findall(r"(?:\$ |`)make ([a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"))
        assert set(used) <= targets, page.name
