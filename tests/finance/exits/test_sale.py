"""A company from its founding to its sale, computed by hand."""

import datetime
from fractions import Fraction

import pytest

from engine.documents import InputError
from finance.capital.history import Capital, history
from finance.exits.claims import Debt
from finance.exits.sale import payments, returns, sale
from finance.exits.waterfall import payouts

F = Fraction
M = 1_000_000
SALE = datetime.date(2029, 1, 1)
FOUNDERS = {"kind": "stock_issue", "date": "2025-01-01", "name": "CS-1", "holder": "Founders",
            "shares": 8 * M, "price": "0.0001"}  # fmt: skip
SAFE = {"kind": "safe", "date": "2025-06-01", "name": "SAFE-1", "holder": "Angel",
        "amount": M, "cap": 10 * M}  # fmt: skip
ROUND = {"kind": "priced_round", "date": "2026-01-01", "series": "A", "pre_money": 12 * M,
         "new_money": 3 * M, "lead": "Fund", "convention": "percentage_ownership",
         "rounding": {}}  # fmt: skip
NOTE = {"kind": "note", "date": "2027-01-01", "name": "N-1", "holder": "Lender", "amount": M,
        "rate": "0.10", "maturity": "2031-01-01", "repayment_multiple": 2,
        "counted": {"pool": True, "pool_increase": False, "converting": False}}  # fmt: skip


def capital(*events: dict) -> Capital:
    return Capital.parse({"opening": {"date": "2025-01-01"}, "events": events})


def test_a_safe_that_became_stock() -> None:
    """Shares after the round are 72%, 8% and 20%; preferences are 1M and 3M."""
    company = capital(FOUNDERS, SAFE, ROUND)
    steps = history(company)
    sold = sale(steps[-1].after, SALE)
    assert sold.by_holder(payouts(sold.stack, F(2 * M))) == {
        "Founders": 0, "Angel": F(M, 2), "Fund": F(3 * M, 2),
    }  # fmt: skip
    high = payouts(sold.stack, F(100 * M))
    assert sold.by_holder(high) == {"Founders": 72 * M, "Angel": 8 * M, "Fund": 20 * M}
    made = returns(company, steps, sold, high)
    assert made["Angel"].moic == 8
    assert made["Fund"].moic == pytest.approx(20 / 3)
    (rate,) = made["Fund"].rates.all  # 1,096 days
    assert (1 + rate) ** (1096 / 365) == pytest.approx(20 / 3)
    # The angel paid when the SAFE was signed, not when it converted.
    assert payments(company, steps)["Angel"] == [(datetime.date(2025, 6, 1), -float(M))]


def test_a_note_and_a_loan_come_first() -> None:
    company = capital(FOUNDERS, NOTE)
    (*_, last) = history(company)
    sold = sale(last.after, SALE, [Debt(id="bank", claim_usd=F(M))])
    paid = payouts(sold.stack, F(3 * M))
    # Two years (731 days) at 10% on 1M, and twice the principal.
    interest = F(1, 10) * F(731, 365) * M
    assert paid.usd == {"bank": M, "N-1": 2 * M, "CS-1": 0}
    assert payouts(sold.stack, F(9 * M)).usd["N-1"] == 2 * M + interest


def test_a_safe_that_is_still_one() -> None:
    """The SAFE gets a tenth of the company, or its million back."""
    sold = sale(history(capital(FOUNDERS, SAFE))[-1].after, SALE)
    assert payouts(sold.stack, F(50 * M)).usd["SAFE-1"] == 5 * M
    assert payouts(sold.stack, F(4 * M)).usd["SAFE-1"] == M


def test_options_count_as_far_as_they_are_vested() -> None:
    """Two of four years are vested: half a million options at 1 USD."""
    grant = {"kind": "option_grant", "date": "2027-01-01", "name": "OG-1", "holder": "Team",
             "shares": M, "exercise_price": 1,
             "vesting": {"start": "2027-01-01"}}  # fmt: skip
    pool = {"kind": "pool_increase", "date": "2026-06-01", "shares": 2 * M}
    warrant = {"kind": "warrant", "date": "2027-01-01", "name": "W-1", "holder": "Lender",
               "shares": M, "exercise_price": 1, "expires": "2028-01-01"}  # fmt: skip
    company = capital(FOUNDERS, pool, grant, warrant)
    steps = history(company)
    sold = sale(steps[-1].after, SALE)
    paid = payouts(sold.stack, F(8_000_000 * 3 + 500_000 * 2))
    assert paid.usd == {"CS-1": 24 * M, "OG-1": M}  # the warrant has expired
    assert returns(company, steps, sold, paid)["Team"].moic is None


def test_a_secondary_sale_is_money_received_before() -> None:
    transfer = {"kind": "transfer", "date": "2027-01-01", "of": "CS-1", "shares": 2 * M,
                "to": "Buyer", "price": 1, "name": "CS-2"}  # fmt: skip
    company = capital(FOUNDERS, transfer)
    steps = history(company)
    sold = sale(steps[-1].after, SALE)
    made = returns(company, steps, sold, payouts(sold.stack, F(16 * M)))
    assert made["Buyer"].moic == 2
    assert made["Founders"].received == 2 * M + 12 * M
    assert made["Founders"].paid == 800


def test_a_sale_before_the_table_is_refused() -> None:
    table = history(capital(FOUNDERS, SAFE))[-1].after
    with pytest.raises(InputError, match=r"date: 2025-01-01 .* must not be before 2025-06-01"):
        sale(table, datetime.date(2025, 1, 1))
