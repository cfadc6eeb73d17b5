"""The smallest raise, compared with runs of the company that contain the raise as an inflow."""

from __future__ import annotations

import functools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.documents import InputError
from engine.forecast import forecast
from finance.company.cashflow import CashMonth
from finance.company.scenario import Scenario, sample_scenarios
from finance.funding.raises import (
    CashWithRaises,
    Verdict,
    raise_for_goal,
    raise_needed,
    raise_results,
    rounded_up,
)
from finance.metrics.headline import runway_months
from tests.finance.companies import SMALL, cash_months

CENT = Decimal("0.01")
TAX = {"income_share": "0.30", "loss_use_share": "0.8", "paid_after_months": 1}


@functools.cache
def laptop() -> Scenario:
    return sample_scenarios()["laptop"]


@functools.cache
def predicted():
    return forecast(laptop().plan)


def scenario(company: dict[str, object]) -> Scenario:
    document = laptop().model_dump(mode="json")
    return Scenario.parse(document | {"company": SMALL | company})


def cash_of(company: dict[str, object]) -> CashWithRaises:
    return CashWithRaises.of(scenario(company), predicted())


def with_raise(company: dict[str, object], amount: Decimal, month: int) -> list[CashMonth]:
    """Return the months with the raise as a signed inflow of equity, an independent path."""
    inflow = {
        "name": "Raise", "month": month, "amount_usd": str(amount), "kind": "equity",
        "committed": True,
    }  # fmt: skip
    inflows = [*company.get("inflows", ()), inflow] if amount else company.get("inflows", ())
    changed = scenario(company | {"inflows": inflows})
    return cash_months(changed, predicted(), with_round=False)


def holds(months: list[CashMonth], first: int, last: int, buffer: Decimal) -> bool:
    return all(month.cash_usd >= buffer for month in months if first <= month.month <= last)


def burning(costs: str = "100.00", **fields: object) -> dict[str, object]:
    return {"other_costs_usd_per_month": costs, "cash_usd": "450.00", **fields}


def test_even_burn_by_hand() -> None:
    """450 in the bank less 100 a month leaves 50 after month 4 and −750 after month 12."""
    found = raise_needed(scenario(burning()), 12, 0, 3_000)
    assert (found.short_month, found.month) == (5, 4)
    assert found.date is not None
    assert found.date.isoformat() == "2027-04-01"
    assert (found.lowest_month, found.lowest_cash_usd) == (12, -750)
    assert found.amount_usd == 750
    assert found.runway_months is None
    assert found.verdict is Verdict.NEVER_PAYS
    assert found.burn_at_horizon_usd_per_month == 100
    assert found.outcome is not None
    assert found.outcome.sold == Fraction(750, 3_750)
    assert found.outcome.founders_after == Fraction(3_000, 3_750)


def test_a_buffer_in_months_of_burn_or_in_cash() -> None:
    """Two months of burn are 200: cash is below them after month 3, and 950 are missing."""
    found = raise_needed(scenario(burning()), 12, 2, 3_000)
    assert (found.buffer_usd, found.burn_usd_per_month) == (200, 100)
    assert (found.month, found.amount_usd) == (2, 950)
    least = raise_needed(scenario(burning()), 12, 2, 3_000, minimum_cash_usd=Decimal("300.00"))
    assert (least.buffer_usd, least.month, least.amount_usd) == (300, 1, 1_050)


def test_a_target_within_the_horizon() -> None:
    found = raise_needed(scenario(burning()), 6, 0, 3_000)
    assert (found.month, found.amount_usd, found.runway_months) == (4, 150, 6)


def test_no_raise_is_needed() -> None:
    found = raise_needed(scenario(burning("10.00")), 12, 3, 3_000)
    assert found.verdict is Verdict.NOT_NEEDED
    assert (found.amount_usd, found.month, found.outcome) == (0, None, None)


def test_a_raise_that_is_due_at_once() -> None:
    found = raise_needed(scenario(burning("500.00")), 12, 0, 3_000)
    assert (found.short_month, found.month) == (1, 1)
    assert found.amount_usd == 12 * 500 - 450


def test_planned_money_is_left_out_and_signed_money_counts() -> None:
    inflow = {"name": "Seed", "month": 3, "amount_usd": "200.00", "kind": "safe"}
    planned = raise_needed(scenario(burning(inflows=[inflow])), 12, 0, 3_000)
    assert planned.amount_usd == 750
    signed = raise_needed(scenario(burning(inflows=[inflow | {"committed": True}])), 12, 0, 3_000)
    assert (signed.amount_usd, signed.month) == (550, 6)


def _growing(churn: str, price: str) -> dict[str, object]:
    return {
        "launch_month": 1, "customers_at_launch": 20, "growth_share_per_month": "0.20",
        "churn_share_per_month": churn, "price_usd_per_customer_month": price,
        "tokens_per_customer_month": 1000,
    }  # fmt: skip


def test_a_company_that_earns_its_costs_later() -> None:
    company = burning("1000.00", cash_usd="500.00", horizon_months=36,
                      revenue=_growing("0.02", "10.00"))  # fmt: skip
    by_target = raise_needed(scenario(company), 36, 0, 10_000)
    assert by_target.verdict is Verdict.PAYS_BY_TARGET
    assert by_target.burn_at_horizon_usd_per_month < 0
    early = raise_needed(scenario(company), 4, 0, 10_000)
    assert early.verdict is Verdict.PAYS_LATER
    assert early.burn_at_target_usd_per_month > 0
    assert not by_target.sales_lose_money


def test_sales_that_lose_money_are_named() -> None:
    """Each customer pays a cent and uses compute for far more."""
    line = _growing("0.02", "0.01") | {"tokens_per_customer_month": 10**12}
    found = raise_needed(scenario(burning(revenue=line)), 12, 0, 10**9)
    assert found.sales_lose_money
    assert found.verdict is Verdict.NEVER_PAYS


def test_an_amount_beyond_the_books_is_impossible() -> None:
    found = raise_needed(scenario(burning("9999999999999.00")), 12, 0, 10**9)
    assert found.verdict is Verdict.IMPOSSIBLE
    assert found.amount_usd == 0
    assert found.outcome is None


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"target": 13}, "target_runway_months: 13"),
        ({"target": 0}, "target_runway_months: 0"),
        ({"buffer": -1}, "buffer_months: -1"),
        ({"pre_money": 0}, "pre_money_usd: 0"),
    ],
)
def test_wrong_input_is_one_line(changed: dict[str, int], named: str) -> None:
    given_ = {"target": 12, "buffer": 0, "pre_money": 3_000} | changed
    with pytest.raises(InputError, match=f"^{named}"):
        raise_needed(scenario(burning()), given_["target"], given_["buffer"], given_["pre_money"])


@pytest.mark.parametrize("rate", ["0", "0.05", "1"])
@pytest.mark.parametrize("tax", [None, TAX])
@pytest.mark.parametrize(("target", "buffer"), [(12, 0), (9, 0), (12, 1), (12, 3)])
def test_it_equals_the_first_sufficient_amount_of_all(
    rate: str, tax: dict[str, object] | None, target: int, buffer: int
) -> None:
    """Try every amount from one cent up; the company is small enough for that."""
    company = burning("0.10", cash_usd="0.50", interest_on_cash_share_per_year=rate, tax=tax)
    found = raise_needed(scenario(company), target, buffer, 3_000)
    assert found.month is not None
    before = with_raise(company, Decimal(0), 1)
    late = [m for m in range(1, target + 1) if holds(before, 1, m, found.buffer_usd)]
    assert found.month == max(late, default=1)
    amounts = (CENT * cents for cents in range(1, 500))
    assert found.amount_usd == next(
        amount
        for amount in amounts
        if holds(with_raise(company, amount, found.month), found.month, target, found.buffer_usd)
    )


companies = st.builds(
    lambda costs, cash, rate, tax, growth, price, people, loss: burning(
        f"{costs}.17",
        cash_usd=f"{cash}.31",
        horizon_months=24,
        interest_on_cash_share_per_year=rate,
        tax=TAX | {"losses_brought_forward_usd": f"{loss}.00"} if tax else None,
        revenue=_growing("0.03", price) | {"growth_share_per_month": growth},
        people=[{"title": "All", "people": people, "cost_usd_per_month": "900.00"}],
        inflows=[
            {"name": "Signed", "month": 5, "amount_usd": "700.00", "kind": "safe",
             "committed": True},
        ],
    ),
    costs=st.integers(0, 50_000),
    cash=st.integers(0, 100_000),
    rate=st.sampled_from(["0", "0.02", "0.3"]),
    tax=st.booleans(),
    growth=st.sampled_from(["0", "0.05", "0.3"]),
    price=st.sampled_from(["0.50", "30.00", "200.00"]),
    people=st.integers(1, 8),
    loss=st.integers(0, 50_000),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(company=companies, target=st.integers(1, 24), buffer=st.sampled_from([0, 1, 6]))
def test_the_amount_suffices_and_a_cent_less_does_not(
    company: dict[str, object], target: int, buffer: int
) -> None:
    found = raise_needed(scenario(company), target, buffer, 10**6, cash=cash_of(company))
    if found.verdict is Verdict.NOT_NEEDED:
        assert holds(with_raise(company, Decimal(0), 1), 1, target, found.buffer_usd)
        return
    assert found.month is not None
    enough = with_raise(company, found.amount_usd, found.month)
    assert holds(enough, found.month, target, found.buffer_usd)
    assert holds(enough, 1, found.month - 1, found.buffer_usd)
    assert found.runway_months == runway_months(enough, scenario(company).company.cash_usd)
    less = with_raise(company, found.amount_usd - CENT, found.month)
    assert not holds(less, found.month, target, found.buffer_usd)


@settings(max_examples=40, deadline=None)
@given(
    company=companies,
    month=st.integers(1, 24),
    amounts=st.lists(st.integers(1, 10**8), min_size=2, max_size=8),
)
def test_more_money_never_shortens_the_runway(
    company: dict[str, object], month: int, amounts: list[int]
) -> None:
    ordered = [CENT * cents for cents in sorted(amounts)]
    cash = cash_of(company)
    runways = cash.runways(ordered, month)
    assert runways == sorted(runways, key=lambda months: (months is None, months))
    alone = runway_months(with_raise(company, ordered[0], month), cash.scenario.company.cash_usd)
    assert runways[0] == alone


def test_the_goal_of_the_document() -> None:
    """The default is the whole plan, six months of burn and the planned round's valuation."""
    found = raise_for_goal(cash_of(burning()))
    assert (found.target_months, found.buffer_usd) == (12, 600)
    assert found.outcome is not None
    assert float(found.outcome.sold) == pytest.approx(1_350 / 2_850, abs=1e-9)
    assert raise_for_goal(cash_of(burning()), buffer_months=Decimal(0)).amount_usd == 750
    goal = {
        "target_runway_months": 6, "buffer_months": 0, "minimum_cash_usd": "25.00",
        "pre_money_usd": "700.00",
    }  # fmt: skip
    stated = raise_for_goal(cash_of(burning(funding_goal=goal)))
    assert (stated.target_months, stated.buffer_usd, stated.amount_usd) == (6, 25, 175)
    assert stated.outcome is not None
    assert float(stated.outcome.sold) == pytest.approx(1 / 5, abs=1e-9)
    beyond = goal | {"target_runway_months": 60}
    assert raise_for_goal(cash_of(burning(funding_goal=beyond))).target_months == 12
    assert raise_for_goal(cash_of(burning(funding_goal=goal)), with_minimum=False).buffer_usd == 0


def test_a_grid_of_amounts_and_valuations() -> None:
    grid = raise_results(
        cash_of(burning()), [Decimal(200), Decimal(600)], [Decimal(1_800), Decimal(3_000)], 3
    )
    assert [[result.runway_months for result in row] for row in grid] == [
        [Decimal("6.5")] * 2,
        [Decimal("10.5")] * 2,
    ]
    # Rounds keep ten decimals of prices and shares, so the shares of the company are as exact.
    sold = [float(result.outcome.sold) for row in grid for result in row]
    assert sold == pytest.approx([1 / 10, 1 / 16, 1 / 4, 1 / 6], abs=1e-9)
    assert float(grid[1][0].outcome.founders_after) == pytest.approx(3 / 4, abs=1e-9)


def test_a_grid_refuses_what_cannot_be_raised() -> None:
    cash = cash_of(burning())
    with pytest.raises(InputError, match=r"^month: 13"):
        raise_results(cash, [Decimal(1)], [Decimal(1)], 13)
    with pytest.raises(InputError, match=r"^amount_usd: 0"):
        raise_results(cash, [Decimal(0)], [Decimal(1)], 1)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("1391234.56", "1400000"), ("1390000", "1390000"), ("992.48", "993"), ("0.01", "0.01"),
     ("12345678901.23", "12400000000"), ("0", "0")],
)  # fmt: skip
def test_amounts_round_up_to_three_digits(amount: str, rounded: str) -> None:
    assert rounded_up(Decimal(amount)) == Decimal(rounded)
