"""The same name has the same number on all pages: tiles, and the tables of indicators."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import catalog
from finance.company.scenario import sample_scenarios
from finance.metrics.indicator_report import indicator_name, indicator_row_name, year_ends
from finance.metrics.indicators import Indicators
from finance.metrics.projection import project_scenario
from pages.parts.page_list import PAGES
from tests.pages.tables import ReadTable, html_tables
from tests.pages.test_pages import open_page

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_caches")]

TABS: dict[str, dict[str, tuple[str, ...]]] = {
    "revenue": {"revenue": ("margin", "tokens", "customers")},
    "cash": {"cash": ("cash", "money", "statements", "indicators")},
    "costs": {"costs": ("all", "people", "compute", "rent_or_buy")},
    "train": {"train": ("model", "data", "budget")},
    "cluster": {"cluster": ("layout", "hardware")},
    "funding": {"funding": ("raise", "owners", "sale")},
}
"""Codes of the tabs of each page with figures, by page and group."""

Shown = dict[str, dict[str, list[str]]]
"""Pages by value, by the name of the figure."""


@pytest.mark.parametrize("scenario", ["laptop", "startup-1b"])
def test_a_name_has_one_number_on_all_pages(scenario: str) -> None:
    shown: Shown = {}
    for page in PAGES:
        openings = [
            {group: code} for group, codes in TABS.get(page.name, {}).items() for code in codes
        ] or [{}]
        for tabs in openings:
            app = open_page(page.name, "en", scenario, tabs=tabs)
            where = " ".join([page.name, *tabs.values()])
            for name, value in _figures(app, scenario):
                shown.setdefault(name, {}).setdefault(value, []).append(where)
    assert len(shown) > 60
    contradictions = {name: values for name, values in shown.items() if len(values) > 1}
    assert contradictions == {}


def _figures(app: AppTest, scenario: str) -> list[tuple[str, str]]:
    """Return (name, value) of the tiles and of the cells of indicator tables."""
    found = [(metric.label, metric.value) for metric in app.metric]
    for table in html_tables(app):
        if table.rows[0][0] == "indicator":
            found += _cells(table, scenario)
    return found


def _cells(table: ReadTable, scenario: str) -> list[tuple[str, str]]:
    say = catalog("en")
    books = project_scenario(sample_scenarios()[scenario]).books
    months = year_ends(books.ledger.n_months)
    keys = {indicator_row_name(say, key): key for key in Indicators(books).at(1)}
    return [
        (indicator_name(say, key, month), value)
        for head, *values in table.rows
        for name, key in keys.items()
        if head.startswith(name)
        for month, value in zip(months, values[-len(months) :], strict=True)
    ]


def test_names_of_indicators_state_their_period() -> None:
    say = catalog("en")
    assert indicator_name(say, "burn_multiple", 60) == "Burn multiple, 12 months to month 60"
    assert indicator_name(say, "burn_multiple", 9) == "Burn multiple, 9 months to month 9"
    assert indicator_name(say, "gross_burn_usd", 60) == "Gross burn, month 60"
    assert indicator_name(say, "arr_usd", 60) == "ARR, end of month 60"
    assert indicator_name(say, "magic_number", 60) == "Magic number, 3 months to month 60"
    names = [indicator_name(say, key, 60) for key in _all_keys()]
    assert len(set(names)) == len(names)


def _all_keys() -> list[str]:
    keys = (key.split(".") for key in catalog("en").keys())  # noqa: SIM118
    return [key[1] for key in keys if key[0] == "indicator" and key[-1] == "definition"]
