"""The whole path in a real browser: plan, train with two ranks, calibrate, fund."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from engine.machine import this_machine
from engine.runs.folder import Phase, all_runs
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import Progress
from engine.text import LANGUAGES, catalog
from finance.metrics.projection import project_scenario, with_calibration
from finance.scenarios.store import ScenarioStore
from tests.e2e.server import app_server, browser, settle, start_app

pytestmark = [pytest.mark.browser, pytest.mark.runs]

MINUTE_MS = 60_000
APPLY = re.compile("Apply (the calibration|anyway)")  # the machine may be noisy


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB")
        yield context.new_page()


def runway(page: Page) -> float:
    """Return the months in the runway tile."""
    tile = page.get_by_test_id("stMetric").filter(has_text="Runway").first
    shown = tile.get_by_test_id("stMetricValue").inner_text()
    match = re.match(r"[\d.]+", shown)
    assert match, shown
    return float(match[0])


def field(page: Page, label: str):
    return page.get_by_label(label, exact=True)


@pytest.mark.timeout(600)
def test_from_plan_to_runway(page: Page, home: Path) -> None:
    server, url = start_app(home)
    try:
        # The first request of this server is a link to a page, which must have its frame.
        page.goto(f"{url}/cluster?s=laptop")
        settle(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "What does it take to train this model?"
        )
        expect(page.get_by_test_id("stSidebar")).to_contain_text("What to train")

        # A founder plans a smaller model, with two layers and few tokens.
        page.get_by_role("link", name="What to train").click()
        settle(page)
        for label, value in (("Layers", "2"), ("Width (d_model)", "64"), ("Query heads", "2"),
                             ("Training tokens", "245760")):  # fmt: skip
            field(page, label).fill(value)
            field(page, label).press("Enter")
            settle(page)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Version 1 · ").first).to_be_visible()
        own = parse_qs(urlsplit(page.url).query)["s"][0]  # a save of a sample makes a copy
        assert own != "laptop"

        page.goto(f"{url}/cash?s={own}")
        settle(page)
        before = runway(page)

        # An engineer trains it with two ranks, and follows the loss curve.
        page.goto(f"{url}/calibrate?s={own}")
        settle(page)
        page.get_by_role("button", name="Start the run").click()
        expect(page.get_by_text(re.compile(r"Step \d+ of 120 · .* left"))).to_be_visible(
            timeout=2 * MINUTE_MS
        )
        expect(page.locator(".js-plotly-plot .scatterlayer path.js-line").first).to_be_attached()
        (run,) = all_runs()
        assert run.recipe.n_ranks == min(2, this_machine().n_devices)

        # The app is killed: the run goes on, and a new server shows it.
        server.send_signal(signal.SIGKILL)
        server.wait()
        steps_when_killed = Progress(run).update().steps_done
        server, url = start_app(home)
        page.goto(f"{url}/calibrate?s={own}")
        settle(page)
        assert Progress(run).update().steps_done > steps_when_killed
        expect(page.get_by_role("button", name=APPLY)).to_be_visible(timeout=3 * MINUTE_MS)
        assert reconcile_run(run) is Phase.SUCCEEDED

        # The page compares predicted and measured; a click corrects the scenario.
        expect(page.get_by_role("heading", name="Measured ÷ predicted")).to_be_visible()
        page.get_by_role("button", name=APPLY).click()
        expect(page.get_by_text("corrected by 1 run.")).to_be_visible()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Version 2 · ").first).to_be_visible()

        # The runway has changed by the effect of the calibration.
        page.get_by_role("link", name="Cash").click()
        settle(page)
        after = runway(page)
        calibration = ScenarioStore().get(own).scenario.plan.calibration
        assert calibration is not None
        assert calibration.run_ids == (run.id,)
        seen = project_scenario(ScenarioStore().get(own).scenario)
        assert seen.runway_months is not None
        assert after == round(float(seen.runway_months), 1)
        uncorrected = project_scenario(with_calibration(seen.scenario, None))
        assert uncorrected.runway_months is not None
        assert before == round(float(uncorrected.runway_months), 1)
        assert seen.runway_months != uncorrected.runway_months

        # The trained model generates text.
        page.get_by_role("link", name="Models", exact=True).click()
        settle(page)
        expect(page.get_by_test_id("stMetric").first).to_contain_text("Bits per byte")
        page.get_by_role("button", name="Continue", exact=True).click()
        expect(page.get_by_text("Continuation:")).to_be_visible(timeout=MINUTE_MS)
        written = page.get_by_test_id("stText").last
        expect(written).to_contain_text("The people of the United States")
        _wait_for_text_longer_than(written, len("The people of the United States") + 20)
    finally:
        server.kill()
        server.wait()


def _wait_for_text_longer_than(element, length: int) -> None:
    deadline = time.monotonic() + 60
    while len(element.inner_text()) <= length:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_browsers_language_is_taken(home: Path) -> None:
    question = {language: catalog(language)("summary.question") for language in LANGUAGES}
    with app_server(home) as url, browser() as chromium:
        page = chromium.new_context(locale="zh-CN").new_page()
        page.goto(url)
        settle(page)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(question["zh_Hans"])
        page.get_by_role("combobox", name="语言").click()
        page.get_by_role("option", name="English").click()
        expect(heading).to_have_text(question["en"])


def test_a_bad_upload_is_refused_with_one_line(page: Page, home: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("schema_version = 1\nname = 'x'\n", "utf-8")
    with app_server(home) as url:
        page.goto(url)
        settle(page)
        page.get_by_role("button", name="File").click()
        page.locator('input[type="file"]').set_input_files(bad)
        expect(page.get_by_test_id("stAlert")).to_contain_text(
            "plan: no value is given: this field is required"
        )
        assert ScenarioStore().get("laptop").version == 1
