"""What README.md and docs/ say is so: commands are run, the dictionary is compared, links lead somewhere."""

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from tests.conftest import Warehouse, reachable_folder, server_bindir

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
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


def test_every_command_of_the_readme_prints_what_it_says(pytestconfig: pytest.Config) -> None:
    tool = load_tool("readme")
    bindir = server_bindir(pytestconfig)
    changes = {"EMBEDDED_PG_BINDIR": str(bindir)} if bindir else {}
    folder = reachable_folder("readme")
    page = (PROJECT / "README.md").read_text(encoding="utf-8")
    try:
        outcomes = list(tool.run(page, tool.copy_of_project(folder), changes))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert len(outcomes) > 20
    wrong = [
        f"README.md:{outcome.command.line}: exit {outcome.exit_code}\n{outcome.printed}"
        for outcome in outcomes
        if not outcome.is_as_written
    ]
    assert not wrong, "the README is not current (make docs writes it):\n" + "\n".join(wrong)


def test_what_is_left_out_of_the_readme_hides_no_difference_in_the_rest() -> None:
    says = load_tool("readme").says
    printed = "one\ntwo 2\nthree\nfour 1.5 s\n"
    for page in ("one\n…\nfour 9.9 s\n", "…\nthree\n…\n", "one\ntwo 2\nthree\nfour 3 s", "…"):
        assert says(page, printed), page
    for page in ("", "one\n", "…\ntwo 3\n…\n", "three\n…\n", "…\nthree\none\n…\n", "one\n…\nfive\n"):
        assert not says(page, printed), page


def test_the_data_dictionary_is_what_the_catalog_says(warehouse: Warehouse) -> None:
    tool = load_tool("dictionary")
    with psycopg.connect(warehouse.dsn) as connection:
        page = tool.dictionary(connection)
    assert (PROJECT / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == page, "make docs writes it"


def test_the_reference_of_the_inputs_is_what_staging_fields_says(warehouse: Warehouse) -> None:
    tool = load_tool("inputs")
    with psycopg.connect(warehouse.dsn) as connection:
        page = tool.page(connection)
    assert (PROJECT / "docs" / "inputs.md").read_text(encoding="utf-8") == page, "make docs writes it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, heading in LINK.findall(text):
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {path}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading[1:] in anchors, f"{page.name}: {heading}"


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        used = re.findall(r"(?:\$ |`)make ([a-z][a-z0-9-]*)", page.read_text(encoding="utf-8"))
        assert set(used) <= targets, page.name
