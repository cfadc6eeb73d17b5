"""Benchmark of the app in a real browser.

``make app-benchmark`` starts a server and Chromium on this machine and prints, for each page, the
time from a click on its link to the last change on the screen, the time from a changed number to
the last change on the screen, and the seconds of CPU that the server takes for it. The scenario is
the start-up of the samples. Every typed number is new, so no projection comes from a cache.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Locator, Page

from engine.text import catalog
from pages.parts.page_list import PAGES, AppPage
from tests.e2e.server import browser, settle, start_app

SCENARIO = "startup-1b"
QUIET_MS = 500
"""The screen is complete when it has not changed for this time."""
WATCH = f"""() => {{
    const watch = {{start: performance.now(), last: performance.now()}};
    window.benchmarkWatch = watch;
    new MutationObserver(() => {{ watch.last = performance.now(); }}).observe(
        document.querySelector('[data-testid="stApp"]'),
        {{subtree: true, childList: true, attributes: true, characterData: true}});
    document.addEventListener('keydown', event => {{
        if (event.key === 'Enter') watch.start = performance.now();
    }}, true);
    document.addEventListener('click', () => {{ watch.start = performance.now(); }}, true);
    window.benchmarkQuiet = () =>
        watch.last > watch.start && performance.now() - watch.last > {QUIET_MS}
        && document.querySelector('[data-testid="stApp"]')
            .getAttribute('data-test-script-state') === 'notRunning';
}}"""


@dataclass(frozen=True, slots=True)
class Edit:
    """Number on a page that the benchmark changes."""

    path: str
    """Dotted path of its field in the scenario."""
    first: int
    """First number that is typed; each further number is one step larger."""
    step: int
    tab: str | None = None
    """Catalog key of the label of the tab that has the field."""


EDITS = {
    "costs": Edit("company.other_costs_usd_per_month", 6_000, 10, "costs.tab_spending"),
    "cash": Edit("company.cash_usd", 2_200_000, 1_000),
    "train": Edit("plan.tokens", 10**12, 10**9),
    "cluster": Edit("plan.cluster.n_devices", 64, 8),
    "serving": Edit("plan.serving.context_tokens", 2_048, 64),
}


def main() -> None:
    """Print the figures of all pages, or of those that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=20, help="changed numbers for each page")
    parser.add_argument("--pages", nargs="+", default=[page.name for page in PAGES])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        process, url = start_app(Path(home))
        up_s = time.perf_counter() - started
        try:
            with browser() as chromium:
                context = chromium.new_context(
                    viewport={"width": 1440, "height": 900}, locale="en-GB"
                )
                page, server = context.new_page(), psutil.Process(process.pid)
                started = time.perf_counter()
                page.goto(f"{url}/?s={SCENARIO}&lang=en")
                settle(page)
                first_s = time.perf_counter() - started
                print(f"server up after {up_s:.1f} s; first page {first_s:.2f} s later")
                page.evaluate(WATCH)
                _report(page, server, [listed for listed in PAGES if listed.name in chosen.pages],
                        chosen.edits)  # fmt: skip
        finally:
            process.kill()
            process.wait()


def _report(page: Page, server: psutil.Process, listed: list[AppPage], n_edits: int) -> None:
    say = catalog("en")
    print(f"{'page':12} {'open, first':>12} {'warm':>8} {'CPU warm':>9}"
          f" {'edit p50':>9} {'p95':>8} {'CPU edit':>9}")  # fmt: skip
    opened: dict[str, list[tuple[float, float]]] = {entry.name: [] for entry in listed}
    for _ in range(4):
        for entry in listed:
            link = page.get_by_test_id("stSidebarNav").get_by_role(
                "link", name=say(entry.title_key), exact=True
            )
            opened[entry.name].append(_measured(page, server, link, click=True))
    for entry in listed:
        first, *warm = opened[entry.name]
        line = (
            f"{entry.name:12} {first[0]:9.0f} ms {statistics.median(w[0] for w in warm):5.0f} ms"
            f" {statistics.median(w[1] for w in warm):6.0f} ms"
        )
        edit = EDITS.get(entry.name)
        if edit is not None:
            page.get_by_test_id("stSidebarNav").get_by_role(
                "link", name=say(entry.title_key), exact=True
            ).click()
            settle(page)
            times = _edited(page, server, edit, n_edits)
            walls = sorted(wall for wall, _ in times)
            p95 = walls[min(len(walls) - 1, round(0.95 * len(walls)))]
            line += (
                f" {statistics.median(walls):6.0f} ms {p95:5.0f} ms"
                f" {statistics.median(cpu for _, cpu in times):6.0f} ms"
            )
        print(line, flush=True)


def _edited(page: Page, server: psutil.Process, edit: Edit, n: int) -> list[tuple[float, float]]:
    """Return the time on the screen and the CPU time of ``n`` changed numbers, in ms."""
    if edit.tab is not None:
        page.get_by_role("tab", name=catalog("en")(edit.tab)).click()
        settle(page)
    key = edit.path.replace(".", "-")
    box = page.locator(f'[class*="st-key-field-{key}"] input').first
    times = []
    for number in range(n + 1):
        box.fill(str(edit.first + (number + 1) * edit.step))
        times.append(_measured(page, server, box, click=False))
    return times[1:]


def _measured(
    page: Page, server: psutil.Process, target: Locator, *, click: bool
) -> tuple[float, float]:
    """Return the time from an action to the last change on the screen and its CPU time, in ms."""
    before = sum(server.cpu_times()[:2])
    if click:
        target.click()
    else:
        target.press("Enter")
    page.wait_for_function("() => window.benchmarkQuiet()", timeout=60_000)
    wall_ms = page.evaluate("() => window.benchmarkWatch.last - window.benchmarkWatch.start")
    return float(wall_ms), 1e3 * (sum(server.cpu_times()[:2]) - before)


if __name__ == "__main__":
    main()
