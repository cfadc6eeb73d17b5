"""The raise and the cap table of a new company, calculated by hand."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from engine.text import catalog
from finance.capital.history import Capital, history
from finance.funding.ownership import LARGEST_SEED_USD
from finance.funding.raises import CashWithRaises, raise_for_goal
from finance.start.answers import MoneyAnswers, StartAnswers
from finance.start.build import empty_scenario, start_company
from finance.start.defaults import Origins, default_of
from finance.start.money import cap_table, planned_raise, rounded_up

FIRST = datetime.date(2027, 1, 1)


def burning(monthly: int, cash: int) -> CashWithRaises:
    """Return the cash of a company that pays ``monthly`` USD and earns nothing."""
    scenario = empty_scenario("Burn", FIRST).with_values(
        {
            "company.other_costs_usd_per_month": str(monthly),
            "company.cash_usd": str(cash),
            "company.horizon_months": 120,
        }
    )
    return CashWithRaises.of(scenario)


def test_the_raise_covers_the_target_and_six_months_more() -> None:
    # The cash is negative in month 19: 18 whole months of cash less six are month 12.
    deal = planned_raise(MoneyAnswers(), burning(100_000, 1_850_000), "x", Origins())
    assert deal is not None
    assert deal.month == 12
    # To the end of month 12 + 24 = 36: 3.6m spent less 1.85m, and 0.6m of buffer.
    assert deal.amount_usd == rounded_up(Decimal(1_750_000 + 600_000)) == 2_500_000
    assert deal.stage == "seed"
    assert deal.sold_share == Decimal(2_500_000) / Decimal(18_500_000)


def test_a_short_runway_raises_as_soon_as_possible() -> None:
    deal = planned_raise(MoneyAnswers(), burning(100_000, 350_000), "x", Origins())
    assert deal is not None
    assert deal.month == 3  # the last month that the cash covers
    deal = planned_raise(MoneyAnswers(), burning(100_000, 850_000), "x", Origins())
    assert deal is not None
    assert deal.month == 4


def test_a_large_raise_is_a_series_a() -> None:
    deal = planned_raise(MoneyAnswers(), burning(500_000, 5_000_000), "x", Origins())
    assert deal is not None
    assert deal.stage == "series_a"
    assert deal.pre_money_usd == 48_000_000


def test_no_raise_where_the_cash_lasts_or_none_is_wanted() -> None:
    rich = burning(100_000, 100_000_000)
    assert planned_raise(MoneyAnswers(), rich, "x", Origins()) is None
    poor = burning(10, 100)
    assert planned_raise(MoneyAnswers(raises=False), poor, "x", Origins()) is None


def test_answers_replace_the_proposal() -> None:
    money = MoneyAnswers(
        raise_month=9, raise_usd=Decimal(5_000_000), pre_money_usd=Decimal(20_000_000)
    )
    deal = planned_raise(money, burning(100_000, 100_000_000), "x", Origins())
    assert deal is not None
    assert (deal.month, deal.sold_share) == (9, Decimal("0.2"))


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1", "50000"), ("50001", "100000"), ("1000001", "1250000"), ("10000001", "11000000")],
)
def test_rounding_up(amount: str, shown: str) -> None:
    assert rounded_up(Decimal(amount)) == Decimal(shown)


def test_founders_share_equally_beside_a_tenth_for_the_pool() -> None:
    answers = StartAnswers.parse(
        {
            "name": "A",
            "first_month": FIRST,
            "money": {
                "founders": ["Ann"],
                "safes": [{"holder": "Angels", "amount_usd": "500000"}],
            },
        }
    )
    data = cap_table(answers, catalog("en"), Origins())
    after = history(Capital.parse(data))[-1].after
    held = after.shares_by_holder()
    assert held == {"Ann": 4_500_000, "Founder 2": 4_500_000}
    assert after.roles == {"Ann": "founder", "Founder 2": "founder"}
    assert after.pool / after.fully_diluted == pytest.approx(0.1)
    assert [(safe.holder, safe.amount, safe.cap) for safe in after.safes] == [
        ("Angels", Decimal(500_000), Decimal(10_000_000))
    ]


def test_money_of_signed_safes_is_in_the_cash_of_today() -> None:
    def first_month(safes: list[dict[str, str]]) -> Decimal:
        from finance.metrics.projection import project_scenario

        answers = StartAnswers.parse({"name": "A", "first_month": FIRST, "money": {"safes": safes}})
        made = start_company(answers, catalog("en"), FIRST)
        return project_scenario(made.scenario).months[0].cash_usd

    assert first_month([]) == first_month([{"holder": "Angels", "amount_usd": "500000"}])


def test_the_limit_of_a_seed_round_is_the_same_for_all_companies() -> None:
    assert default_of("largest_seed").number == LARGEST_SEED_USD


@pytest.mark.parametrize("product", ["vertical", "api"])
@pytest.mark.parametrize("country", ["US", "CN", "DE"])
def test_the_other_pages_need_no_more_than_the_planned_raise(country: str, product: str) -> None:
    answers = StartAnswers.parse(
        {"name": "A", "first_month": FIRST, "country": country, "product": product}
    )
    made = start_company(answers, catalog("en"), FIRST)
    assert made.raised is not None
    needed = raise_for_goal(CashWithRaises.of(made.scenario))
    assert needed.target_months == made.raised.month + made.raised.runway_months
    assert needed.month is not None
    assert needed.month >= made.raised.month
    assert made.raised.amount_usd == rounded_up(needed.amount_usd)
