"""Charts of all pages: descriptions, files to download, valid figures, text in one language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import plotly.graph_objects as go
import pytest

from engine.currencies import display_in
from engine.text import LANGUAGES, catalog
from pages.parts.page_list import PAGES, AppPage
from tests.pages.test_pages import open_page

pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture(autouse=True)
def _dollars_again() -> Iterator[None]:
    yield
    display_in("USD")


TABS = {
    "costs": ("costs", "costs.tab_"),
    "cluster": ("cluster", "cluster.tab_"),
    "layout": ("cluster", "plan.tab_"),
    "cash": ("cash", "cash.tab_"),
    "funding": ("funding", "funding.tab."),
    "revenue": ("revenue", "business.tab_"),
    "train": ("train", "train.tab_"),
}
"""Page and start of the catalog keys of each group of tabs, of which only the open one is drawn."""


def charts_of(
    page: str,
    language: str,
    scenario: str = "startup-1b",
    tabs: Mapping[str, str] | None = None,
):
    """Return the protobufs of a page's charts."""
    app = open_page(page, language, scenario, tabs)
    return [element.proto for element in app.get("plotly_chart")]


def opened_tabs() -> Iterator[tuple[str, str, str]]:
    """Return page, group and code of every tab."""
    for group, (page, prefix) in TABS.items():
        for key in catalog("en").keys():  # noqa: SIM118
            if key.startswith(prefix):
                yield page, group, key.removeprefix(prefix)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_charts_are_described_valid_and_named(page: AppPage, language: str) -> None:
    for chart in charts_of(page.name, language):
        # The small chart of the summary has its unit in its heading.
        check(chart, axes_are_titled=page.name != "summary")


@pytest.mark.parametrize(("page", "group", "code"), opened_tabs())
def test_charts_in_tabs_are_described_valid_and_named(page: str, group: str, code: str) -> None:
    for chart in charts_of(page, "zh_Hans", tabs={group: code}):
        check(chart)
        assert re.search(r"[\u4e00-\u9fff]", chart.alt)


def test_the_test_above_sees_the_charts_of_tabs() -> None:
    assert len(charts_of("cluster", "en", tabs={"cluster": "hardware"})) >= 2
    assert len(charts_of("funding", "en", tabs={"funding": "owners"})) >= 1


def check(chart, *, axes_are_titled: bool = True) -> None:
    """Check one chart; ``go.Figure`` refuses a property that Plotly does not have."""
    assert chart.alt.endswith((".", "。")), chart.alt
    assert re.search(r"\d", chart.alt), chart.alt
    spec = json.loads(chart.spec)
    go.Figure(spec)
    for name, axis in spec["layout"].items():
        is_shown = re.fullmatch(r"[xy]axis\d*", name) and axis.get("showticklabels", True)
        if is_shown and axes_are_titled:
            assert axis.get("title", {}).get("text") or _names_its_ticks(spec, name), name
    options = json.loads(chart.config)["toImageButtonOptions"]
    assert options["scale"] == 2
    assert re.fullmatch(r"startup-1b-[a-z0-9-]+", options["filename"])


def _names_its_ticks(spec, name: str) -> bool:
    """Return whether the ticks of an axis are names, which need no unit."""
    letter = name[0]
    return all(isinstance(value, str) for trace in spec["data"] for value in trace[letter])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_text_in_charts_is_large_enough(page: AppPage) -> None:
    for chart in charts_of(page.name, "en"):
        for size in _sizes(json.loads(chart.spec)["layout"]):
            assert size >= 11


def _sizes(part) -> Iterator[float]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("font", "tickfont") and "size" in value:
                yield value["size"]
            yield from _sizes(value)
    elif isinstance(part, list):
        for value in part:
            yield from _sizes(value)


def test_chinese_amounts_are_in_wan() -> None:
    (cash, *_) = charts_of("cash", "zh_Hans")
    ticks = json.loads(cash.spec)["layout"]["yaxis"]["ticktext"]
    assert any(tick.endswith("万") for tick in ticks)
    assert not any(tick.endswith(("K", "M", "k")) for tick in ticks)


def test_a_negative_amount_has_its_sign_before_the_currency() -> None:
    (cash, *_) = charts_of("cash", "en")
    below = [t for t in json.loads(cash.spec)["layout"]["yaxis"]["ticktext"] if "-" in t]
    assert below
    assert all(tick.startswith("-$") for tick in below)


def test_amounts_and_axes_follow_the_chosen_currency() -> None:
    app = open_page("cash", "en", "startup-1b")
    in_usd = json.loads(app.get("plotly_chart")[0].proto.spec)
    app.selectbox(key="currency_choice#en").set_value("CNY").run()
    assert not app.exception
    in_cny = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert "CN¥" in "".join(metric.value for metric in app.metric)
    assert "CN¥" in app.get("plotly_chart")[0].proto.alt
    assert in_cny["layout"]["yaxis"]["title"]["text"].endswith("(CNY)")
    for before, after in zip(in_usd["data"], in_cny["data"], strict=True):
        assert after["y"] == pytest.approx([6.652882 * usd for usd in before["y"]])


def test_a_link_carries_its_currency() -> None:
    app = open_page("cash", "zh_Hans", "startup-1b", currency="EUR")
    assert "€" in "".join(metric.value for metric in app.metric)
    (rate,) = [caption.value for caption in app.caption if "ECB" in caption.value]
    assert "1 美元 = 0.89509 EUR" in rate
    assert "2026-10-30" in rate


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_can_be_read_in_another_currency(page: AppPage) -> None:
    app = open_page(page.name, "zh_Hans", "startup-1b", currency="CNY")
    shown = [metric.value for metric in app.metric]
    assert not any("US$" in value for value in shown), shown
