"""A real run on the page Runs in a real browser: cancel, resume, delete and restore."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from engine.runs.folder import Phase, all_runs
from tests.e2e.server import app_server, browser, settle
from tests.engine.conftest import texts  # noqa: F401 - a fixture
from tests.engine.runs.faked import smoke
from tests.engine.runs.real import start

pytestmark = [pytest.mark.browser, pytest.mark.runs]

MINUTE_MS = 60_000
STEP = re.compile(r"Step (\d+) of 300 · ")


@pytest.mark.timeout(300)
def test_cancelled_resumed_deleted_and_back(home: Path, texts: Path) -> None:  # noqa: F811
    recipe = smoke(n_ranks=1, steps=300, tokenizer_vocab=300, **{"corpus.source": str(texts)})
    run = start(recipe)
    with app_server(home) as url, browser() as chromium:
        page = chromium.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.goto(f"{url}/runs?lang=en")
        settle(page)
        expect(page.get_by_text(STEP)).to_be_visible(timeout=2 * MINUTE_MS)
        page.get_by_role("button", name="Details").click()
        page.get_by_role("button", name="Cancel").click()

        resume = page.get_by_role("button", name=re.compile(r"Resume from step \d+"))
        expect(resume).to_be_visible(timeout=MINUTE_MS)
        assert run.state.phase is Phase.CANCELLED
        stopped_step = run.stopped_step
        assert resume.inner_text().endswith(f"step {stopped_step}")
        resume.click()
        # The run resumes and ends; the page shows both without a click.
        expect(page.get_by_text(STEP)).to_be_visible(timeout=2 * MINUTE_MS)
        expect(page.get_by_text("A step took")).to_be_visible(timeout=2 * MINUTE_MS)
        assert (run.state.phase, run.state.starts) == (Phase.SUCCEEDED, 2)

        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("Deleted: smoke")).to_be_visible()
        assert all_runs() == []
        page.get_by_test_id("stMain").get_by_role("button", name="Undo").last.click()
        expect(page.get_by_text("A step took")).to_be_visible()
        assert [run.id for run in all_runs()] == [run.id]
