"""Addresses, titles and requests of the pages, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

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
    with app_server(home) as url, browser() as chromium:
        context = chromium.new_context()
        seen = seen_requests(context)
        page = context.new_page()
        for listed in PAGES:
            page.goto(f"{url}/{listed.url_path}")
            settle(page)
            icon = page.locator('link[rel="shortcut icon"], link[rel="icon"]').first
            expect(icon).to_have_attribute("href", re.compile(r"^data:image/svg\+xml|/media/"))
        addresses = [urlsplit(address) for address in seen]
        assert any(address.scheme == "ws" for address in addresses)
        of_the_web = {a.hostname for a in addresses if a.scheme not in ("data", "blob")}
        assert of_the_web == {"127.0.0.1"}
