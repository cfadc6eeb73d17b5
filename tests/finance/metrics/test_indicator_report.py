"""Test indicators as text with units, and their groups."""

from decimal import Decimal

import pytest

from engine.text import LANGUAGES, catalog
from finance.company.scenario import Scenario
from finance.metrics.indicator_report import INDICATOR_GROUPS, indicator_text, year_ends
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
def test_every_indicator_is_in_one_group_with_a_name_and_a_definition(
    startup: Scenario, language: str
) -> None:
    text, books = catalog(language), project_scenario(startup).books
    grouped = [key for keys in INDICATOR_GROUPS.values() for key in keys]
    assert sorted(grouped) == sorted(Indicators(books).at(12))
    for key in grouped:
        assert f"indicator.{key}.label" in text
        assert f"indicator.{key}.definition" in text
    assert all(f"indicator_group.{group}" in text for group in INDICATOR_GROUPS)
