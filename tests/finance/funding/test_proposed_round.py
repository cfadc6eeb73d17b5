"""Proposed rounds on hand-made cap tables."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from finance.capital.events import PricedRound
from finance.capital.exact import EXACT
from finance.company.company import Company
from finance.company.scenario import Scenario
from finance.funding.ownership import Names, capital_of
from finance.funding.proposed_round import (
    FIRST_PRE_MONEY_USD,
    default_pre_money,
    next_planned_round,
    outcome_of_round,
    proposed_round,
)
from tests.finance.companies import SMALL

STOCK = {
    "kind": "stock_issue", "date": "2026-01-01", "name": "CS-1", "holder": "Ada",
    "shares": 8_000_000, "price": "0",
}  # fmt: skip
SAFE = {
    "kind": "safe", "date": "2026-05-01", "name": "SAFE-1", "holder": "Angel",
    "amount": "500000", "cap": "5000000",
}  # fmt: skip
ROUND = {
    "kind": "priced_round", "date": "2027-06-15", "planned": True, "series": "Seed",
    "pre_money": "9000000", "new_money": "1000000", "lead": "Fund",
    "convention": "percentage_ownership", "rounding": EXACT.model_dump(mode="json"),
}  # fmt: skip


def company(*events: dict[str, object], **fields: object) -> Company:
    capital = {"opening": {"date": "2026-01-01"}, "events": list(events)}
    return Company.parse(SMALL | {"equity_round": None, "capital": capital} | fields)


def test_new_money_safes_and_pool_by_hand() -> None:
    """The post-money cap sells 10% before the new money, which buys 20%; 10% is the pool."""
    pool = {"basis": "unallocated", "value": "0.1"}
    found = outcome_of_round(
        company(STOCK, SAFE, ROUND | {"pool": pool}), Decimal(2_000_000), Decimal(8_000_000), 3
    )
    assert found.refused is None
    assert found.sold == Fraction(1, 5)
    assert found.founders_before == 1
    # The cap counts neither new money nor new options: Ada has 90% of what they leave.
    assert found.founders_after == Fraction(7, 10) * Fraction(9, 10)
    assert found.dilution == 1 - found.founders_after


def test_other_planned_money_is_left_out_and_planned_grants_count() -> None:
    late_safe = SAFE | {"name": "SAFE-2", "date": "2027-01-05", "planned": True}
    pool = {
        "kind": "pool_increase",
        "date": "2027-01-10",
        "planned": True,
        "shares": 2_000_000,
    }
    found = outcome_of_round(
        company(STOCK, late_safe, pool, ROUND), Decimal(1_000_000), Decimal(9_000_000), 3
    )
    assert found.founders_before == Fraction(8, 10)
    assert found.founders_after == Fraction(72, 100)


def test_founders_stock_that_is_planned_counts() -> None:
    planned = STOCK | {"planned": True, "date": "2027-01-02"}
    found = outcome_of_round(company(planned), Decimal(1_000_000), Decimal(3_000_000), 3)
    assert found.founders_before == 1
    assert float(found.founders_after) == pytest.approx(0.75, abs=1e-9)


def test_without_stock_no_round_can_be_priced() -> None:
    found = outcome_of_round(company(), Decimal(1_000_000), Decimal(3_000_000), 3)
    assert found.refused is not None
    assert found.sold == Fraction(1, 4)


def test_the_next_planned_round_gives_the_terms() -> None:
    others = [{"holder": "Small fund", "amount": "400000"}]
    firm = company(STOCK, ROUND | {"others": others, "rank": "pari_passu"})
    assert firm.capital is not None
    assert next_planned_round(firm, firm.capital) == 1
    deal = proposed_round(firm, firm.capital, Decimal(2_000_000), Decimal(7_000_000), 4)
    assert (deal.series, deal.lead, deal.rank) == ("Seed", "Fund", "pari_passu")
    assert (deal.new_money, deal.pre_money) == (2_000_000, 7_000_000)
    assert deal.date == datetime.date(2027, 4, 1)
    assert deal.planned
    (bought,) = deal.others
    assert (bought.holder, bought.amount) == ("Small fund", 800_000)  # 40% as before
    small = proposed_round(firm, firm.capital, Decimal("0.01"), Decimal(7_000_000), 4)
    assert small.others == ()


def test_a_round_before_the_first_month_is_not_the_next() -> None:
    firm = company(STOCK, ROUND | {"date": "2026-08-01"})
    assert firm.capital is not None
    assert next_planned_round(firm, firm.capital) is None
    deal = proposed_round(firm, firm.capital, Decimal(1), Decimal(2), 1)
    assert (deal.series, deal.lead, deal.pool) == ("Series A", "New investors", None)
    first = company(STOCK)
    assert first.capital is not None
    small = proposed_round(first, first.capital, Decimal(1), Decimal(2), 1)
    assert small.series == "Pre-seed"


def test_amounts_are_in_the_currency_of_the_cap_table() -> None:
    capital = {"opening": {"date": "2026-01-01", "currency": "EUR"}, "events": [STOCK]}
    firm = company(capital=capital, exchange_rates={"EUR": "1.25"})
    assert firm.capital is not None
    deal = proposed_round(firm, firm.capital, Decimal(1_000_000), Decimal(5_000_000), 2)
    assert (deal.currency, deal.new_money, deal.pre_money) == ("EUR", 800_000, 4_000_000)
    found = outcome_of_round(firm, Decimal(1_000_000), Decimal(5_000_000), 2)
    assert float(found.sold) == pytest.approx(1 / 6, abs=1e-9)


def test_the_sample_s_planned_round_gives_its_own_figures(startup: Scenario) -> None:
    """With its own amounts and month the outcome is that of the round in the sample's table."""
    firm = startup.company
    seed = next(
        step
        for step in firm.capital_steps
        if isinstance(step.event, PricedRound) and step.event.series == "Seed"
    )
    deal = seed.event
    assert isinstance(deal, PricedRound)
    found = outcome_of_round(firm, deal.new_money, deal.pre_money, 14)
    ownership = seed.after.ownership()
    founders = ownership["Wen Lan · 文岚"] + ownership["Jonas Rey"]
    assert found.founders_after == founders


def test_a_company_without_a_cap_table_has_founders_alone(laptop: Scenario) -> None:
    capital = capital_of(laptop.company, Names())
    assert next_planned_round(laptop.company, capital) == 1
    found = outcome_of_round(laptop.company, Decimal(450_000), Decimal(1_350_000), 9)
    assert float(found.founders_after) == pytest.approx(0.75, abs=1e-9)


def test_the_valuation_of_a_raise_that_states_none() -> None:
    assert default_pre_money(company(STOCK, ROUND)) == 9_000_000
    assert default_pre_money(company(STOCK, ROUND | {"date": "2026-08-01"})) == 10_000_000
    assert default_pre_money(company(STOCK)) == FIRST_PRE_MONEY_USD
