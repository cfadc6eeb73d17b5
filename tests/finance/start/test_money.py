"""The raise and the cap table of a new company, calculated by hand."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from engine.text import catalog
from finance.capital.history import Capital, history
from finance.company.cashflow import CashMonth
from finance.funding.ownership import LARGEST_SEED_USD
from finance.funding.raises import CashWithRaises, raise_needed
from finance.start.answers import MoneyAnswers, StartAnswers
from finance.start.build import start_company
from finance.start.defaults import Origins, default_of
from finance.start.money import cap_table, needed_usd, planned_raise, rounded_up

FIRST = datetime.date(2027, 1, 1)


def burning(monthly: int, cash: int, n_months: int = 60) -> list[CashMonth]:
    """Return months of a company that pays ``monthly`` USD to its staff and earns nothing."""
    zero = Decimal(0)
    return [
        CashMonth(
            month=month,
            date=FIRST,
            customers=zero,
            revenue_usd=zero,
            training_usd=zero,
            serving_usd=zero,
            people_usd=Decimal(monthly),
            other_usd=zero,
            equity_usd=zero,
            cash_usd=Decimal(cash - monthly * month),
            arr_usd=zero,
            **dict.fromkeys(EXTRA, zero),
        )
        for month in range(1, n_months + 1)
    ]


KNOWN = {
    "month",
    "date",
    "customers",
    "revenue_usd",
    "training_usd",
    "serving_usd",
    "people_usd",
    "other_usd",
    "equity_usd",
    "cash_usd",
    "arr_usd",
}
EXTRA = set(CashMonth.__dataclass_fields__) - KNOWN
"""Further amounts of a month, which this company does not have."""


def test_the_raise_covers_the_target_and_three_months_more() -> None:
    months = burning(100_000, 1_850_000)  # the cash is negative in month 19
    deal = planned_raise(MoneyAnswers(), months, "x", Origins())
    assert deal is not None
    assert deal.month == 12  # 18 whole months of cash less six
    # To the end of month 12 + 24 = 36: 3.6m spent less 1.85m, and 0.3m of buffer.
    assert deal.amount_usd == rounded_up(Decimal(1_750_000 + 300_000)) == 2_250_000
    assert deal.stage == "seed"
    assert deal.sold_share == Decimal(2_250_000) / Decimal(18_250_000)


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
    assert planned_raise(MoneyAnswers(raises=False), burning(10, 100), "x", Origins()) is None


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


def test_nothing_is_needed_above_the_buffer() -> None:
    assert needed_usd(burning(1, 10_000), 5, 24) == 0


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


def test_the_amount_is_that_of_the_solver_rounded_up() -> None:
    answers = StartAnswers.parse({"name": "A", "first_month": FIRST})
    made = start_company(answers, catalog("en"), FIRST)
    assert made.raised is not None
    target = made.raised.month + made.raised.runway_months
    months = CashWithRaises.of(made.scenario).months_without[:target]
    buffer = sum((month.net_burn_usd for month in months[-3:]), Decimal(0))
    assert buffer > 0
    solved = raise_needed(
        made.scenario, target, 0, made.raised.pre_money_usd, minimum_cash_usd=buffer
    )
    assert made.raised.amount_usd == rounded_up(solved.amount_usd)
