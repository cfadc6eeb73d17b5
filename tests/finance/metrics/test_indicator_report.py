"""Test indicators as text with units, and as table rows."""

from decimal import Decimal

import pytest

from engine.text import LANGUAGES, catalog
from finance.company.scenario import Scenario
from finance.metrics.indicator_report import indicator_rows, indicator_text, year_ends
from finance.metrics.indicators import Indicators
from finance.metrics.projection import project_scenario


@pytest.mark.parametrize(
    ("key", "value", "english", "chinese"),
    [
        ("arr_usd", "4200000", "$4.2M", "US$420万"),
        ("runway_trailing_months", "4.386", "4.4 months", "4.4 个月"),
        ("burn_multiple", "2.5799", "2.58×", "2.58×"),
        ("gross_margin_paid_inference", "0.9698", "97%", "97%"),
        ("arr_usd", None, "–", "–"),
    ],
)
def test_each_has_its_unit(key: str, value: str | None, english: str, chinese: str) -> None:
    number = None if value is None else Decimal(value)
    assert indicator_text(catalog("en"), key, number) == english
    assert indicator_text(catalog("zh_Hans"), key, number) == chinese


def test_year_ends_and_the_last_month() -> None:
    assert year_ends(36) == [12, 24, 36]
    assert year_ends(30) == [12, 24, 30]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_indicator_has_a_name_and_a_definition(startup: Scenario, language: str) -> None:
    text, books = catalog(language), project_scenario(startup).books
    rows = [Indicators(books).at(month) for month in range(1, 37)]
    table = indicator_rows(text, rows)
    assert len(table) == len(rows[0])
    assert all(len(row) == 4 for row in table)
    assert all(f"indicator.{key}.definition" in text for key in rows[0])
