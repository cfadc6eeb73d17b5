"""Bought, unique and trained tokens are one budget."""

import math
from decimal import Decimal

import pytest

from finance.company.scenario import Scenario
from finance.metrics.token_budget import token_budget


def data(kind: str, tokens: int, price: str = "2", currency: str = "USD") -> dict[str, object]:
    return {
        "name": kind,
        "kind": kind,
        "tokens": tokens,
        "price_per_million_tokens": price,
        "currency": currency,
        "month": 1,
    }


def scenario_with(laptop: Scenario, *entries: dict[str, object]) -> Scenario:
    return laptop.with_values({"plan.tokens": 4 * 10**9, "company.data": list(entries)})


def test_without_data_all_tokens_are_unlisted(laptop: Scenario) -> None:
    budget = token_budget(scenario_with(laptop))
    assert budget.unlisted_tokens == budget.trained_tokens == 4 * 10**9
    assert budget.epochs is None
    assert budget.worth_tokens is None
    assert budget.covered_share == 0


def test_cleaning_costs_money_and_adds_no_tokens(laptop: Scenario) -> None:
    budget = token_budget(
        scenario_with(laptop, data("licence", 10**9), data("cleaning", 2 * 10**9, "0.5"))
    )
    assert budget.listed_tokens == 10**9
    assert budget.cost_usd == 1000 * 2 + 2000 * Decimal("0.5")
    assert budget.epochs == 4
    assert budget.covered_share == Decimal("0.25")


def test_four_epochs_are_worth_what_the_law_says(laptop: Scenario) -> None:
    budget = token_budget(scenario_with(laptop, data("crawling", 10**9)))
    # Muennighoff 2023, equation 5: U + U·R*·(1 − exp(−R/R*)) with R = 3 repeats and R* = 15.39.
    expected = 1e9 * (1 + 15.387756 * (1 - math.exp(-3 / 15.387756)))
    assert budget.worth_tokens == pytest.approx(expected, rel=1e-4)


def test_more_tokens_than_are_trained_cover_all(laptop: Scenario) -> None:
    budget = token_budget(scenario_with(laptop, data("licence", 9 * 10**9)))
    assert budget.covered_share == 1
    assert budget.unlisted_tokens == 0
    assert budget.worth_tokens == pytest.approx(4e9)
