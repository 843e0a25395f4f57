"""The site that `make docs` builds: each page has its place, nothing is fetched, a page is read as it is meant."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mkdocs_hooks import on_page_markdown

ROOT = Path(__file__).parents[2]
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
DOCS = ROOT / SITE["docs_dir"]
PAGES = sorted(DOCS.rglob("*.md"))


def entries(part: Any) -> Iterator[str]:
    """The pages that a part of the navigation names."""
    if isinstance(part, str):
        yield part
    else:
        for each in part.values() if isinstance(part, dict) else part:
            yield from entries(each)


def test_every_page_is_in_the_navigation_once() -> None:
    assert sorted(entries(SITE["nav"])) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


def test_decisions_stand_in_their_order() -> None:
    decisions = [entry for entry in entries(SITE["nav"]) if entry.startswith("decisions/")]
    assert decisions == sorted(decisions)


def test_a_doubt_fails_the_build() -> None:
    assert SITE["strict"] is True
    assert SITE["validation"] == dict.fromkeys(
        ("omitted_files", "absolute_links", "unrecognized_links", "anchors"), "warn"
    )
    # With --quiet, MkDocs does not count its warnings, and a strict build passes.
    assert "$(BIN)/mkdocs build\n" in (ROOT / "Makefile").read_text("utf-8")


def test_nothing_is_fetched() -> None:
    assert SITE["theme"]["font"] is False
    assert SITE["plugins"] == ["search"]
    for page in PAGES:  # the theme would fetch what draws these
        assert "```mermaid" not in page.read_text("utf-8"), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_stay_within_the_site(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).resolve().is_relative_to(DOCS), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_lists_and_tables_are_read_as_such(page: Path) -> None:
    """The site's Markdown begins a list or a table after an empty line only."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for before, line in zip(text.splitlines(), text.splitlines()[1:], strict=False):
        for start in ("- ", "|"):
            if line.startswith(start) and before and not before.startswith((start, " ")):
                pytest.fail(f"{before}\n{line}")


def test_what_is_for_tests_alone_is_not_shown() -> None:
    page = "```sh until\nfloodgate status\n```\n\n```yaml\na: 1\n```\n"
    assert on_page_markdown(page, page=None) == page.replace(" until", "")
