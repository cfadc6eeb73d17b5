"""Cut text, accessibility, headings, font and strip of every page, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.layout import SCENARIO, Layout, measure
from tests.e2e.server import app_server, browser, settle

pytestmark = pytest.mark.browser

MOST_ABOVE_HEADING_PX = 80
STRIP_IS_VISIBLE = "getComputedStyle(document.querySelector('.strip')).visibility === 'visible'"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, str]]:
    with app_server(tmp_path_factory.mktemp("home")) as url, browser() as chromium:
        yield chromium, url


@pytest.fixture(scope="module")
def layout(app: tuple[Browser, str]) -> Layout:
    return measure(*app)


@pytest.fixture
def window(app: tuple[Browser, str]) -> Iterator[Page]:
    chromium, _ = app
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.timeout(900)
def test_no_text_is_cut(layout: Layout) -> None:
    assert [str(text) for text in layout.cut] == []


def test_axe_finds_nothing_serious(layout: Layout) -> None:
    assert [str(found) for found in layout.violations if found.is_serious] == []


def test_headings_are_in_order(layout: Layout) -> None:
    broken = [str(found) for found in layout.violations if found.rule == "heading-order"]
    assert broken == []


def test_content_begins_near_the_top(layout: Layout) -> None:
    wide = {where: top for where, top in layout.tops_px.items() if where[2] >= 1280}
    assert {where: top for where, top in wide.items() if top > MOST_ABOVE_HEADING_PX} == {}


def test_the_document_states_its_language(layout: Layout) -> None:
    assert layout.document_languages == {"en": {"en"}, "zh_Hans": {"zh-Hans"}}


def test_no_request_leaves_the_machine(layout: Layout) -> None:
    assert layout.foreign_requests == set()


def test_every_selector_of_the_style_sheet_matches(layout: Layout) -> None:
    # A run of the page's statements and an unsaved change are not among what is measured.
    assert layout.unmatched_selectors is not None
    assert layout.unmatched_selectors <= {".stApp h3", '[data-testid="stMetricDelta"]'}


def test_the_apps_own_font_is_used(app: tuple[Browser, str], window: Page) -> None:
    window.goto(f"{app[1]}/?s={SCENARIO}&lang=en")
    settle(window)
    assert window.evaluate("document.fonts.check('14px Geist', 'a')")
    assert window.evaluate(
        "[...document.fonts].some(f => f.family === 'Geist' && f.status === 'loaded')"
    )


def test_the_strip_repeats_the_tiles_after_they_scroll_out(
    app: tuple[Browser, str], window: Page
) -> None:
    window.set_viewport_size({"width": 1280, "height": 500})
    window.goto(f"{app[1]}/cash?s={SCENARIO}&lang=en")
    settle(window)
    assert not window.evaluate(STRIP_IS_VISIBLE)
    window.mouse.move(700, 400)
    window.mouse.wheel(0, 700)
    window.wait_for_function(STRIP_IS_VISIBLE)
    assert 0 <= window.locator(".strip").bounding_box()["y"] < 20  # type: ignore[index]
    values = window.locator('[data-testid="stMetricValue"]').all_inner_texts()
    assert window.locator(".strip b").all_inner_texts() == values


def test_focus_in_the_navigation_is_visible(app: tuple[Browser, str], window: Page) -> None:
    window.goto(f"{app[1]}/?s={SCENARIO}&lang=en")
    settle(window)
    link = window.locator('[data-testid="stSidebarNavLink"]').nth(1)
    link.focus()
    window.keyboard.press("Tab")
    focused = window.evaluate("getComputedStyle(document.activeElement).outline")
    assert "solid 2px" in focused
