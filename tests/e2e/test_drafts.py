"""Drafts, merges and share links in real browsers: nothing is lost, nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from finance.scenarios.store import ScenarioStore
from tests.e2e.server import app_server, browser, settle, start_app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


def new_browser(chromium: Browser) -> Page:
    """Return a page of a browser without cookies, as another person has it."""
    return chromium.new_context(locale="en-GB").new_page()


def cash(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Cash in the bank").first


def type_cash(page: Page, typed: str, shown: str) -> None:
    cash(page).fill(typed)
    cash(page).press("Enter")
    expect(cash(page)).to_have_value(shown)
    settle(page)


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    settle(page)


def save(page: Page, version: int) -> str:
    """Save the draft, and return the scenario's id."""
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(f"Version {version} · ").first).to_be_visible()
    settle(page)
    return parse_qs(urlsplit(page.url).query)["s"][0]


def test_a_draft_survives_a_reload_a_restart_and_another_scenario(
    chromium: Browser, home: Path
) -> None:
    page = new_browser(chromium)
    server, url = start_app(home)
    try:
        open_page(page, f"{url}/cash?s=laptop")
        type_cash(page, "30000", "30,000")
        type_cash(page, "40000", "40,000")
        page.reload()
        settle(page)
        expect(cash(page)).to_have_value("40,000")
        expect(page.get_by_text(re.compile(r"Restored your draft of \d\d:\d\d"))).to_be_visible()
        open_page(page, f"{url}/cash?s=startup-1b")
        expect(cash(page)).to_have_value("2,200,000")
    finally:
        server.kill()
        server.wait()
    with app_server(home) as url:
        open_page(page, f"{url}/cash?s=laptop")
        expect(cash(page)).to_have_value("40,000")
        page.get_by_role("button", name="Undo").first.click()
        expect(cash(page)).to_have_value("30,000")
        tab = page.context.new_page()
        open_page(tab, f"{url}/cash?s=laptop")
        expect(cash(tab)).to_have_value("30,000")
        tab.get_by_role("button", name="Discard the draft").click()
        expect(cash(tab)).to_have_value("24,000")
        another = new_browser(chromium)
        open_page(another, f"{url}/cash?s=laptop")
        expect(cash(another)).to_have_value("24,000")


def test_a_second_browser_neither_overwrites_nor_loses(chromium: Browser, home: Path) -> None:
    founder, partner = new_browser(chromium), new_browser(chromium)
    with app_server(home) as url:
        open_page(founder, f"{url}/cash?s=laptop")
        type_cash(founder, "30000", "30,000")
        own = save(founder, 1)
        # The id alone shows the scenario, and does not edit it.
        open_page(partner, f"{url}/cash?s={own}")
        expect(cash(partner)).to_be_disabled()
        expect(partner.get_by_role("button", name="Save", exact=True)).to_have_count(0)
        partner.get_by_role("button", name="Edit it here too").click()
        expect(cash(partner)).to_be_enabled()
        settle(partner)
        type_cash(partner, "50000", "50,000")
        save(partner, 2)
        type_cash(founder, "40000", "40,000")
        founder.get_by_role("button", name="Save", exact=True).click()
        expect(founder.get_by_text("Version 2 was saved while you were editing")).to_be_visible()
        founder.get_by_role("radio", name="Theirs: $50K").or_(
            founder.get_by_role("button", name="Theirs: $50K")
        ).first.click()
        settle(founder)
        founder.get_by_role("button", name="Save both together").click()
        expect(founder.get_by_text("Version 3 · ").first).to_be_visible()
        expect(cash(founder)).to_have_value("50,000")
        kept = [saved.document["company"]["cash_usd"] for saved in ScenarioStore().history(own)]
        assert kept == ["50000.00", "50000.00", "30000.00"]


def test_a_share_link_shows_and_does_not_edit(chromium: Browser, home: Path) -> None:
    founder, investor = new_browser(chromium), new_browser(chromium)
    with app_server(home) as url:
        open_page(founder, f"{url}/cash?s=laptop")
        type_cash(founder, "30000", "30,000")
        own = save(founder, 1)
        founder.get_by_role("button", name="Share").click()
        founder.get_by_role("button", name="Create a link").click()
        link = founder.get_by_test_id("stCode").inner_text().replace("\n", "").strip()
        assert own not in link
        seen: list[str] = []
        investor.on("request", lambda request: seen.append(request.url))
        investor.on("framenavigated", lambda frame: seen.append(frame.url))
        open_page(investor, link)
        expect(cash(investor)).to_have_value("30,000")
        expect(cash(investor)).to_be_disabled()
        expect(investor.get_by_role("link", name="Runs")).to_have_count(0)
        investor.get_by_role("link", name="Funding").click()
        settle(investor)
        assert urlsplit(investor.url).path == "/funding"
        assert "share" in parse_qs(urlsplit(investor.url).query)
        assert not [address for address in seen if own in address]
        assert own not in investor.content()
        investor.get_by_role("button", name="Make a copy of my own").click()
        expect(investor.get_by_role("link", name="Runs")).to_be_visible()
        settle(investor)
        copy = parse_qs(urlsplit(investor.url).query)["s"][0]
        assert copy != own
        founder.get_by_role("button", name="Revoke").click()
        expect(founder.get_by_text("0 links work")).to_be_visible()
        open_page(investor, link)
        expect(investor.get_by_text("the link shows nothing")).to_be_visible()
        assert ScenarioStore().get(own).version == 1
