"""Files, catalogs, documents and screenshots have the pages of the list, in its order."""

import re

import pytest

from engine.paths import PROJECT_DIR
from engine.text import LANGUAGES, catalog
from pages.parts.page_list import FIRST_PAGE, PAGES

ROW = re.compile(r"^\| \[?([^|\]]+?)\]?(?:\([^)]*\))? \|", re.MULTILINE)
"""The first cell of a table's row, without its link."""
TITLES = [catalog("en")(page.title_key) for page in PAGES]


def titles_in_tables(document: str) -> list[str]:
    """Return the first cells of a document's table rows that are titles of pages."""
    text = (PROJECT_DIR / document).read_text("utf-8")
    return [cell for cell in ROW.findall(text) if cell in TITLES]


def test_every_file_in_pages_is_listed() -> None:
    files = {path.stem for path in (PROJECT_DIR / "pages").glob("*.py")} - {"__init__"}
    assert {page.name for page in PAGES} == files
    assert len({page.icon for page in PAGES}) == len(PAGES)
    assert {page.name: page.url_path for page in PAGES} == {
        page.name: "" if page.name == FIRST_PAGE else page.name for page in PAGES
    }


def test_every_path_of_an_earlier_version_leads_to_a_page() -> None:
    paths = [path for page in PAGES for path in (page.url_path, *page.redirected_paths)]
    assert len(set(paths)) == len(paths)
    assert set(paths) >= {
        *("overview", "plan", "scaling", "hardware", "calibrate", "runs", "evidence"),
        *("model", "business", "runway", "funding"),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_a_title_and_a_question(language: str) -> None:
    say = catalog(language)
    for key in (*(page.title_key for page in PAGES), *(page.question_key for page in PAGES)):
        assert key in say


def test_the_documents_list_the_same_pages_in_the_same_order() -> None:
    assert titles_in_tables("docs/pages.md") == TITLES
    assert titles_in_tables("README.md") in ([], TITLES)


def test_the_list_of_pages_has_the_questions_of_the_app() -> None:
    text = (PROJECT_DIR / "docs" / "pages.md").read_text("utf-8")
    for page in PAGES:
        assert f"| {catalog('en')(page.question_key)} |" in text


def test_there_is_a_screenshot_of_every_page_and_no_other() -> None:
    names = {path.name for path in (PROJECT_DIR / "docs" / "screenshots").iterdir()}
    assert names == {f"{page.name}-{language}.png" for page in PAGES for language in LANGUAGES}


def test_screenshots_in_documents_exist() -> None:
    for document in (PROJECT_DIR / "README.md", *(PROJECT_DIR / "docs").rglob("*.md")):
        for link in re.findall(r"\(([^()\s]*screenshots/[^()\s]+)\)", document.read_text("utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"
