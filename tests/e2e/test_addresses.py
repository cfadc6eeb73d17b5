"""Addresses, titles and requests of the pages, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from engine.text import LANGUAGES, catalog
from pages.parts.page_list import PAGES
from tests.e2e.server import app_server, browser, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as chromium:
        yield chromium.new_context(locale="en-GB").new_page()


def seen_requests(context: BrowserContext) -> list[str]:
    """Return a list that grows with the address of every request, websockets included."""
    seen: list[str] = []
    context.on("request", lambda request: seen.append(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: seen.append(socket.url)))
    return seen


def test_no_request_leaves_the_machine(home: Path) -> None:
    say = catalog("en")
    with app_server(home) as url, browser() as chromium:
        context = chromium.new_context(locale="en-GB")
        seen = seen_requests(context)
        page = context.new_page()
        for listed in PAGES:
            page.goto(f"{url}/{listed.url_path}")
            settle(page)
            icon = page.locator('link[rel="shortcut icon"], link[rel="icon"]').first
            expect(icon).to_have_attribute("href", re.compile(r"^data:image/svg\+xml|/media/"))
            expect(page).to_have_title(f"{say(listed.title_key)} · Flopledger")
        addresses = [urlsplit(address) for address in seen]
        assert any(address.scheme == "ws" for address in addresses)
        of_the_web = {a.hostname for a in addresses if a.scheme not in ("data", "blob")}
        assert of_the_web == {"127.0.0.1"}


def test_earlier_names_and_the_name_of_the_first_page_open_pages(page: Page, home: Path) -> None:
    say = catalog("en")
    with app_server(home) as url:
        for listed in PAGES:
            # The first request of a server takes another way than those that follow.
            for path in listed.redirected_paths:
                page.goto(f"{url}/{path}?s=startup-1b")
                settle(page)
                expect(page.get_by_role("heading", level=1)).to_have_text(say(listed.question_key))
                expect(page.get_by_role("dialog")).to_have_count(0)
                assert urlsplit(page.url).path == f"/{listed.url_path}"
                expect(page).to_have_url(re.compile("s=startup-1b"))
                expect(page).to_have_title(f"{say(listed.title_key)} · Flopledger")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tab_shows_the_title_of_its_page(page: Page, home: Path, language: str) -> None:
    say = catalog(language)
    with app_server(home) as url:
        for listed in PAGES[:2]:
            page.goto(f"{url}/{listed.url_path}?lang={language}")
            settle(page)
            expect(page).to_have_title(f"{say(listed.title_key)} · Flopledger")
        # A click leads to a page without a new request for it.
        page.get_by_role("link", name=say(PAGES[2].title_key)).first.click()
        settle(page)
        expect(page).to_have_title(f"{say(PAGES[2].title_key)} · Flopledger")


def test_four_sessions_open_a_new_server_at_once(home: Path) -> None:
    names = ("evidence", "costs", "cluster", "revenue")
    with app_server(home) as url, browser() as chromium:
        pages = [chromium.new_context(locale="en-GB").new_page() for _ in names]
        for page, name in zip(pages, names, strict=True):
            page.goto(f"{url}/{name}?s=startup-1b", wait_until="commit")
        for page, name in zip(pages, names, strict=True):
            settle(page)
            expect(page.get_by_role("heading", level=1)).to_have_text(
                catalog("en")(f"{name}.question")
            )
            expect(page.get_by_test_id("stException")).to_have_count(0)
        log = (home / "server.log").read_text("utf-8")
        assert "Error" not in log, log
