"""Measure how every page is laid out: texts that are cut, accessibility, height.

``python -m tests.e2e.layout`` opens each page in both languages at four widths, and prints what
it found. The same measurement is the test ``tests/e2e/test_look.py``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from engine.text import LANGUAGES, catalog
from pages.parts.page_list import PAGES, AppPage
from tests.e2e.server import app_server, browser, settle

WIDTHS_PX = (1440, 1280, 1024, 420)
NAVIGATION_PX = 1440
"""Width at which the navigation is open."""
TALL_PX = 6000
"""Height of the window while texts are measured, so that most of a page is inside of it."""
COLOR_SCHEMES = ("light", "dark")
SCENARIO = "startup-1b"
FIND_CUT_TEXT = (Path(__file__).parent / "cut_text.js").read_text("utf-8")
FIND_UNMATCHED = (Path(__file__).parent / "unmatched_selectors.js").read_text("utf-8")
CONTENT_HEIGHT_PX = "document.querySelector('[data-testid=\"stMainBlockContainer\"]').offsetHeight"
FIRST_HEADING_TOP_PX = "document.querySelector('h1').getBoundingClientRect().top"
SERIOUS = ("serious", "critical")
AXE_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]},
}


@dataclass(frozen=True, slots=True)
class CutText:
    """A text that a reader cannot see in full."""

    page: str
    language: str
    width_px: int
    kind: str
    text: str
    part: str
    """Streamlit's name of the element around the text."""

    def __str__(self) -> str:
        """Return one line for a report."""
        return f"{self.page} {self.language} {self.width_px} {self.kind} {self.part}: {self.text}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of axe-core that a page breaks."""

    page: str
    language: str
    scheme: str
    rule: str
    impact: str
    examples: tuple[str, ...]

    @property
    def is_serious(self) -> bool:
        """Whether the rule's impact is serious or critical."""
        return self.impact in SERIOUS

    def __str__(self) -> str:
        """Return one line for a report."""
        where = f"{self.page} {self.language} {self.scheme}"
        return f"{where} {self.impact} {self.rule} ×{len(self.examples)}: {self.examples[0]}"


@dataclass(slots=True)
class Layout:
    """Measurements of all pages."""

    cut: list[CutText] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    heights_px: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """Height of the content by page, language and width of the window."""
    tops_px: dict[tuple[str, str, int], float] = field(default_factory=dict)
    """Distance of the first heading from the top of the window, in the same order."""
    foreign_requests: set[str] = field(default_factory=set)
    """Addresses on other machines that the browser asked for."""
    unmatched_selectors: set[str] | None = None
    """Selectors of the app's style sheet that match nothing on any page."""
    document_languages: dict[str, set[str]] = field(default_factory=dict)
    """Languages that the documents state, by the language of the catalog."""


def measure(
    chromium: Browser,
    url: str,
    pages: Sequence[AppPage] = PAGES,
    languages: Sequence[str] = tuple(LANGUAGES),
    widths_px: Sequence[int] = WIDTHS_PX,
    schemes: Sequence[str] = COLOR_SCHEMES,
) -> Layout:
    """Open each page once in each language, and measure it at each width and in each scheme.

    Colours do not depend on the language: only the first language is measured in all schemes.
    """
    layout = Layout()
    for language in languages:
        context = chromium.new_context(viewport={"width": NAVIGATION_PX, "height": TALL_PX})
        window = context.new_page()
        window.on("request", lambda request: _note_request(request.url, url, layout))
        window.goto(f"{url}/?s={SCENARIO}&lang={language}")
        settle(window)
        for page in pages:
            _open(window, page, language)
            _note_document(window, layout, language)
            shown = schemes if language == languages[0] else schemes[:1]
            layout.violations += _violations(window, page.name, language, shown)
            for width in widths_px:
                _measure_width(window, layout, page.name, language, width)
            window.set_viewport_size({"width": NAVIGATION_PX, "height": TALL_PX})
        context.close()
    return layout


def _open(window: Page, page: AppPage, language: str) -> None:
    """Open a page by its link in the navigation, which is faster than loading the app again."""
    link = f'[data-testid="stSidebarNavLink"][href$=":{urlsplit(window.url).port}/{page.url_path}"]'
    window.locator(link).click()
    question = catalog(language)(page.question_key)
    window.get_by_role("heading", level=1, name=question).wait_for()
    settle(window)


def _measure_width(window: Page, layout: Layout, page: str, language: str, width: int) -> None:
    window.set_viewport_size({"width": width, "height": TALL_PX})
    window.wait_for_timeout(300)
    _note_selectors(window, layout)
    layout.heights_px[page, language, width] = int(window.evaluate(CONTENT_HEIGHT_PX))
    layout.tops_px[page, language, width] = float(window.evaluate(FIRST_HEADING_TOP_PX))
    for found in window.evaluate(FIND_CUT_TEXT):
        layout.cut.append(
            CutText(page, language, width, found["kind"], found["text"], found["part"])
        )


def _violations(
    window: Page, page: str, language: str, schemes: Sequence[str]
) -> Iterator[Violation]:
    for scheme in schemes:
        window.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        window.wait_for_timeout(400)  # colours change slowly
        for rule in Axe().run(window, options=AXE_OPTIONS).response["violations"]:
            examples = tuple(_example(node) for node in rule["nodes"])
            yield Violation(page, language, scheme, rule["id"], rule["impact"], examples)
    window.emulate_media(color_scheme="light")


def _note_document(window: Page, layout: Layout, language: str) -> None:
    stated = window.evaluate("document.documentElement.lang")
    layout.document_languages.setdefault(language, set()).add(stated)


def _note_selectors(window: Page, layout: Layout) -> None:
    unmatched = set(window.evaluate(FIND_UNMATCHED))
    earlier = layout.unmatched_selectors
    layout.unmatched_selectors = unmatched if earlier is None else earlier & unmatched


def _example(node: dict) -> str:  # type: ignore[type-arg]
    checks = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return f"{node['html'][:160]} | {'; '.join(checks)[:160]}"


def _note_request(address: str, url: str, layout: Layout) -> None:
    if not address.startswith((url, url.replace("http", "ws", 1), "data:", "blob:")):
        layout.foreign_requests.add(address)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", nargs="+", default=[page.name for page in PAGES])
    parser.add_argument("--languages", nargs="+", choices=tuple(LANGUAGES), default=LANGUAGES)
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS_PX)
    parser.add_argument("--schemes", nargs="*", choices=COLOR_SCHEMES, default=COLOR_SCHEMES)
    chosen = parser.parse_args()
    pages = [page for page in PAGES if page.name in chosen.pages]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(os.environ.get("FLOPLEDGER_HOME") or folder)
        home.mkdir(parents=True, exist_ok=True)
        with app_server(home) as url, browser() as chromium:
            layout = measure(
                chromium, url, pages, tuple(chosen.languages), chosen.widths, chosen.schemes
            )
    report(layout)


def report(layout: Layout) -> None:
    """Print each finding, then the counts."""
    for text in layout.cut:
        print(text)
    for violation in layout.violations:
        print(violation)
    print("\nCut texts by width and kind:")
    by_width = Counter((text.width_px, text.language, text.kind) for text in layout.cut)
    for (width, language, kind), count in sorted(by_width.items()):
        print(f"  {width:>5} px {language:8} {kind:8} {count:>4}")
    print("Cut texts by page:", dict(Counter(text.page for text in layout.cut)))
    impacts = Counter((item.scheme, item.impact) for item in layout.violations)
    print("Broken rules of axe-core, counted by page:", dict(impacts))
    print("Rules:", dict(Counter((item.rule, item.impact) for item in layout.violations)))
    print("Height of the content in pixels, and top of the heading:")
    for (page, language, width), height in layout.heights_px.items():
        top = layout.tops_px[page, language, width]
        print(f"  {page:12} {language:8} {width:>5} px: {height:>6} {top:>6.0f}")
    print("Requests to other machines:", sorted(layout.foreign_requests))
    print("Selectors that match nothing:", sorted(layout.unmatched_selectors or ()))
    print("Languages of the documents:", layout.document_languages)


if __name__ == "__main__":
    main()
