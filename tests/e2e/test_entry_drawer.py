"""The drawer that edits one entry of a list, and refused inputs, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.server import app_server, browser, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as chromium:
        yield chromium.new_context(
            locale="en-GB", viewport={"width": 1280, "height": 900}
        ).new_page()


def test_an_entry_is_edited_by_keyboard_and_keeps_a_refused_input(page: Page, home: Path) -> None:
    with app_server(home) as url:
        page.goto(f"{url}/costs?s=startup-1b")
        settle(page)
        page.get_by_role("tab", name="People").click()
        row = page.get_by_role("button", name="Sales · 销售", exact=True)
        row.focus()
        page.keyboard.press("Enter")
        drawer = page.get_by_role("dialog")
        cost = drawer.get_by_role("textbox", name="USD/month")
        cost.fill("19k")
        cost.press("Tab")
        expect(cost).to_have_value("19,000")
        expect(drawer.get_by_text("→")).to_be_visible()  # the runway has changed
        people = drawer.get_by_role("textbox", name="People")
        people.fill("-3")
        people.press("Tab")
        expect(drawer.locator(".field-error")).to_contain_text("must be at least 0")
        expect(people).to_have_value("-3")
        expect(drawer).to_be_visible()  # nothing closes by itself
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
        table = page.locator("[class*=st-key-entry_table-people]")
        expect(table).to_contain_text("$19K")
        # The line above the page leads back to the field.
        page.get_by_role("button", name="Sales · 销售 → People").click()
        people = page.get_by_role("dialog").get_by_role("textbox", name="People")
        expect(people).to_have_value("-3")
        expect(people).to_be_focused()
        page.get_by_role("button", name="Done").click()
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_entry_is_duplicated_and_removed_with_the_menu_of_its_row(
    page: Page, home: Path
) -> None:
    with app_server(home) as url:
        page.goto(f"{url}/revenue?s=startup-1b")
        settle(page)
        menu = page.get_by_role("button", name="Actions for API")
        menu.click()
        page.get_by_role("menuitem", name="Duplicate").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("button", name="Done").click()
        copy = page.get_by_role("button", name="API 2", exact=True)
        expect(copy).to_be_visible()
        page.get_by_role("button", name="Actions for API 2").click()
        page.get_by_role("menuitem", name="Remove").click()
        expect(copy).to_have_count(0)
        page.get_by_role("button", name="Undo").last.click()
        expect(copy).to_be_visible()
