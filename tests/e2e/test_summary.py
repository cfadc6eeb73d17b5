"""The summary is on one screen of 1280 × 800 pixels, and its mends work with a click."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from engine.text import catalog
from finance.company.scenario import sample_scenarios
from finance.metrics.projection import project_scenario
from finance.scenarios.store import ScenarioStore
from finance.verdict.checks import checks
from finance.verdict.verdict import verdict
from tests.e2e.server import app_server, browser, settle

pytestmark = pytest.mark.browser
WIDTH_PX, HEIGHT_PX = 1280, 800
LAST_BOTTOM_PX = """() => Math.max(
    ...[...document.querySelectorAll('[data-testid="stMainBlockContainer"] :is(p, td, button, a)')]
        .filter((part) => part.offsetParent !== null)
        .map((part) => part.getBoundingClientRect().bottom))"""


def opened(page: Page, url: str, scenario: str, language: str) -> None:
    page.goto(f"{url}/?s={scenario}&lang={language}")
    page.wait_for_selector(".drivers", timeout=60_000)
    settle(page)


@pytest.mark.parametrize("scenario", ["startup-1b", "laptop"])
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_summary_is_on_one_screen(tmp_path: Path, scenario: str, language: str) -> None:
    with app_server(tmp_path) as url, browser() as chromium:
        page = chromium.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
        opened(page, url, scenario, language)
        say = catalog(language)
        for heading in ("drivers_heading", "checks_heading", "actions_heading"):
            assert page.get_by_role("heading", name=say(f"summary.{heading}")).is_visible()
        assert page.evaluate(LAST_BOTTOM_PX) <= HEIGHT_PX


def test_a_mend_is_one_click(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOPLEDGER_HOME", str(tmp_path))
    startup = sample_scenarios()["startup-1b"]
    wide = startup.with_value("plan.layout.micro_batch_sequences", 64)
    assert verdict(checks(project_scenario(wide))).failed
    stored = ScenarioStore().create(wide)
    with app_server(tmp_path) as url, browser() as chromium:
        page = chromium.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
        opened(page, url, stored.id, "en")
        say = catalog("en")
        assert say("verdict.not_yet") in page.locator(".answer").inner_text()
        page.get_by_role("button", name=say("mend.fastest_layout")).click()
        page.get_by_text(say("verdict.fundable")).first.wait_for(timeout=60_000)
