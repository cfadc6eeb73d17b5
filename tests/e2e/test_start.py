"""A new user's start in a real browser: six steps, a reload on the way, and a whole scenario."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from finance.company.scenario import Scenario
from finance.scenarios.store import ScenarioStore
from tests.e2e.server import app_server, browser, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        yield context.new_page()


def press(page: Page, key: str) -> None:
    page.locator(f".st-key-{key.replace('.', '-')} button").first.click()
    settle(page)


def fill(page: Page, path: str, typed: str) -> None:
    box = page.locator(f"[class*='st-key-start-{path.replace('.', '-')}'] input").first
    box.fill(typed)
    box.press("Enter")
    settle(page)


@pytest.mark.timeout(300)
def test_a_new_company_survives_a_reload_and_becomes_a_scenario(page: Page, home: Path) -> None:
    with app_server(home) as url:
        page.goto(f"{url}/start")
        settle(page)
        press(page, "start.new")
        fill(page, "name", "LexBridge")
        press(page, "start.step.money")
        fill(page, "money.cash_usd", "900k")
        page.reload()
        settle(page)
        expect(page.get_by_role("heading", level=2)).to_have_text("What money is there?")
        cash = page.locator("[class*='st-key-start-money-cash_usd'] input")
        expect(cash).to_have_value("900,000")
        page.locator(".st-key-start-create button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Is this plan worth funding?")
        settle(page)
    (scenario_id,) = [key for key, name in ScenarioStore().names().items() if name == "LexBridge"]
    scenario: Scenario = ScenarioStore().get(scenario_id).scenario
    assert scenario.company.cash_usd == 900_000
    assert scenario.company.next_round is not None
