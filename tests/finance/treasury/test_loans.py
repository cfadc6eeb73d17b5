"""Check loan schedules to the cent, against pyxirr, and breaches of covenants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from finance.company.company import Company
from finance.company.monthly_run import run_company
from finance.metrics.covenants import check_covenants
from finance.treasury.loan_ratios import cumulative_interest, payment
from finance.treasury.loans import schedule
from tests.finance.companies import SMALL, easy_rates
from tests.finance.revenue.test_lines import usd


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, np.newaxis]


def test_level_payments_as_pyxirr_has_them() -> None:
    plan = schedule(column(100_000_00), column(0.01), 36)
    level = plan.interest + plan.repaid
    assert level[0, 0] / 100 == pytest.approx(-payment(0.01, 36, 100_000), abs=0.005)
    assert (level[0, :-1] == level[0, 0]).all()
    assert plan.interest.sum() / 100 == pytest.approx(
        -cumulative_interest(0.01, 36, 100_000, 1, 36), abs=0.2
    )


@given(st.integers(0, 10**15), st.floats(0, 0.15), st.integers(1, 120), st.integers(0, 119))
def test_what_is_drawn_is_repaid(cents: int, rate: float, months: int, free: int) -> None:
    plan = schedule(column(cents), column(rate), months, min(free, months - 1))
    assert plan.repaid.sum() == cents
    assert (plan.repaid >= 0).all()
    assert (plan.interest >= 0).all()
    assert plan.repaid.shape == (1, months)


def test_loans_of_different_rates_at_once() -> None:
    together = schedule(column(1000, 1000), column(0.0, 0.1), 4, 2)
    assert together.repaid.tolist() == [[0, 0, 500, 500], [0, 0, 476, 524]]
    assert together.interest.tolist() == [[0] * 4, [100, 100, 100, 52]]


LOAN = {
    "name": "Debt", "month": 2, "amount_usd": "1200.00", "interest_share_per_year": "0.12",
    "months": 6, "interest_only_months": 2, "fee_share": "0.05",
}  # fmt: skip


def test_a_loan_in_the_books() -> None:
    books = run_company(Company.parse(SMALL | {"loans": [LOAN]}), easy_rates())
    assert usd(books, "cash_flow", "debt_drawn", 2) == [1200]
    assert usd(books, "income", "interest", 2, 3, 4) == [60, 12, 12]
    assert usd(books, "balance_sheet", "debt", 2, 4, 7, 8) == [1200, 1200, 304.48, 0]
    planned = Company.parse(SMALL | {"loans": [LOAN | {"committed": False}]})
    alone = run_company(planned, easy_rates(), with_planned_money=False)
    assert not alone.statements.balance_sheet["debt"].any()


@pytest.mark.parametrize(
    ("covenant", "promised", "broken"),
    [
        # Cash is 1,000; month 2 brings 1,200 less the fee of 60, and 500 from the round.
        ("minimum_cash_usd", "2600", [5, 6, 7]),
        # The debt is 1,200 with an ARR of 600; the first repayment in month 5 leaves 904.46.
        ("maximum_debt_to_arr", "1.5", [2, 3, 4, 5]),
        # Operating cash is 50 a month: 100 against the fee, then 150 against 24 + 307.54.
        ("minimum_service_cover", "1", [5, 6, 7]),
        ("maximum_loan_to_value", "10", [2, 3, 4, 5, 6, 7]),  # there is no equipment
    ],
)
def test_broken_promises_by_hand(covenant: str, promised: str, broken: list[int]) -> None:
    sold = {
        "launch_month": 1, "customers_at_launch": 50, "growth_share_per_month": "0",
        "churn_share_per_month": "0", "price_usd_per_customer_month": "1",
        "tokens_per_customer_month": 0,
    }  # fmt: skip
    loan = LOAN | {"covenants": {covenant: promised}}
    books = run_company(Company.parse(SMALL | {"revenue": sold, "loans": [loan]}), easy_rates())
    (check,) = check_covenants(books)
    assert (check.loan, check.covenant) == ("Debt", covenant)
    assert (np.flatnonzero(check.broken[0]) + 1).tolist() == broken


def test_a_loan_must_be_repaid() -> None:
    with pytest.raises(InputError, match=r"interest_only_months: 6 .* below 6"):
        Company.parse(SMALL | {"loans": [LOAN | {"interest_only_months": 6}]})
