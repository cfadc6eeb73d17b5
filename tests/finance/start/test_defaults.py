"""Defaults have sources, cover every choice, and give the salaries and prices that they state."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, get_args

import pytest

from engine.text import catalog
from finance.revenue.lines import ApiTokens, Enterprise
from finance.start.answers import Churn, Product, RoleKind, SalesKind, Stage, StartAnswers
from finance.start.build import start_company
from finance.start.defaults import countries, default_of, start_defaults, usual_company
from finance.start.sales import default_price
from finance.start.spending import default_salary

FIRST = datetime.date(2027, 1, 1)


def company_of(**answers: Any) -> Any:
    data = {"name": "A", "first_month": FIRST} | answers
    return start_company(StartAnswers.parse(data), catalog("en"), FIRST).scenario.company


def test_what_is_not_published_says_that_it_is_an_assumption() -> None:
    for row in start_defaults().values():
        if row.source == "own assumption":
            assert row.confidence == "assumption", row.key
        if row.confidence in ("published", "few_rows"):
            assert (
                "github" in row.source
                or "http" in row.source
                or "arXiv" in row.source
                or ("data/cloud_prices.csv" in row.source)
            ), row.key


def test_every_choice_has_its_defaults() -> None:
    assert len(countries()) >= 10
    for country in countries():
        for role in get_args(RoleKind):
            assert default_salary(role, country) > 0
        assert 0 <= default_of("on_cost", country).number < 1
    for kind in get_args(SalesKind):
        assert default_price(kind, 8e9, "US").number > 0
        assert default_of(f"{kind}.customers").number > 0
        if kind != "services":
            shares = [default_of(f"{kind}.churn", word).number for word in get_args(Churn)]
            assert shares == sorted(shares)
    for stage in get_args(Stage):
        assert default_of("pre_money", stage).number > 0
    for product in get_args(Product):
        assert usual_company(product).team


def test_salaries_by_hand() -> None:
    people = company_of(country="US").people
    founders, researchers = people[0], people[1]
    assert researchers.cost_usd_per_month == Decimal("15000.00")  # 180,000 a year
    assert founders.cost_usd_per_month == Decimal("10960.00")  # 0.91 × 144,570 ÷ 12
    assert researchers.on_cost_share == Decimal("0.0765")
    assert company_of(country="DE").people[1].cost_usd_per_month == Decimal("9810.00")


def test_a_role_may_work_elsewhere_for_a_stated_salary() -> None:
    (role,) = company_of(
        people=[{"role": "sales", "people": 2, "country": "GB", "salary_usd_per_year": "60000"}]
    ).people
    assert (role.cost_usd_per_month, role.region) == (Decimal("5000.00"), "GB")
    assert (role.on_cost_share, role.function) == (Decimal("0.15"), "sales")


@pytest.mark.parametrize(
    ("active", "price"), [(1e9, "0.10"), (8.2e9, "0.20"), (14.8e9, "0.30"), (70e9, "0.88")]
)
def test_token_prices_follow_the_size(active: float, price: str) -> None:
    assert default_price("tokens", active, "CN").value == price


def test_churn_in_words_becomes_renewals_and_retention() -> None:
    (contracts,) = company_of(sales=[{"kind": "contracts", "churn": "normal"}]).revenue_lines
    assert isinstance(contracts, Enterprise)
    assert float(contracts.renewal_share) == pytest.approx(0.985**12, abs=1e-4)
    (api,) = company_of(sales=[{"kind": "tokens", "churn": "low"}]).revenue_lines
    assert isinstance(api, ApiTokens)
    assert api.retention.churn_share_per_month == Decimal("0.02")  # type: ignore[union-attr]


def test_output_follows_input_in_proportion() -> None:
    (line,) = company_of(
        sales=[{"kind": "tokens", "input_tokens_per_month": 3_000_000_000}]
    ).revenue_lines
    assert line.usage.output_tokens_per_month == 600_000_000


def test_a_reservation_costs_less_and_a_purchase_its_outlay() -> None:
    (reserved,) = company_of(compute={"way": "reserve"}).compute.contracts
    (owned,) = company_of(compute={"way": "buy"}).compute.contracts
    assert (reserved.devices, reserved.months) == (8, 12)
    assert reserved.price_usd_per_device_hour == Decimal("2.163")  # 3.09 less 30%
    # 31,904.63 USD of a server over 0.81, because the network is a fifth of a cluster.
    assert float(owned.usd_per_device) == pytest.approx(31_904.63 / 0.81, rel=1e-6)
    assert owned.lifetime_months == 60


def test_prices_have_the_level_of_the_country() -> None:
    for country, price in (("US", 36_000), ("DE", 36_000), ("CN", 18_000), ("IN", 14_400)):
        (line,) = company_of(country=country, sales=[{"kind": "contracts"}]).revenue_lines
        assert line.price_per_year == price


def test_the_default_cash_has_the_level_of_the_salaries() -> None:
    assert company_of(country="US").cash_usd == 1_200_000
    # 1.2m × 93,300 ÷ 144,570 = 774,435, to the next 50,000.
    assert company_of(country="DE").cash_usd == 750_000


def test_marketing_has_a_part_that_grows_with_revenue() -> None:
    (spending,) = company_of().spending
    assert (spending.amount_per_month, spending.share_of_revenue) == (3_000, Decimal("0.2"))
