"""Check entries and the statements derived from them against values computed by hand."""

import numpy as np
import pytest

from engine.documents import InputError
from finance.books.cents import MAX_CENTS, amount_in_month, spread_evenly
from finance.books.ledger import ASSETS, EQUITY, EXPENSES, INCOME, LIABILITIES, Account, Ledger
from finance.books.statements import statements

A = Account


def amount(cents: int, month: int) -> np.ndarray:
    return amount_in_month(cents, month, 3)


@pytest.fixture
def ledger() -> Ledger:
    """Ledger of three months.

    A yearly subscription of 1,200 is sold in month 1 and paid in month 2. A device of 300 is bought
    and depreciated over three months. There are a salary of 500, stock compensation of 40, an
    invoice of 60 that is paid a month later, and a loan of 1,000, of which 400 is repaid with 10 of
    interest.
    """
    books = Ledger(3)
    books.add_opening_balance(A.CASH, A.PAID_IN, 2000)
    books.invoice(A.DEFERRED_REVENUE, amount(1200, 1), "x", purpose=A.RECURRING_REVENUE, days=30)
    books.post(A.DEFERRED_REVENUE, A.RECURRING_REVENUE, spread_evenly(amount(1200, 1), 12), "x")
    books.post(A.EQUIPMENT, A.CASH, amount(300, 1), "x")
    books.post(A.PAID_INFERENCE, A.ACCUMULATED_DEPRECIATION, spread_evenly(amount(300, 1), 3), "x")
    books.spend(A.GENERAL_PEOPLE, amount(500, 1), "x")
    books.post(A.STOCK_COMPENSATION, A.STOCK_RESERVE, amount(40, 2), "x")
    books.spend(A.OTHER_COSTS, amount(60, 2), "x", days=30)
    books.post(A.CASH, A.DEBT, amount(1000, 1), "x")
    books.post(A.DEBT, A.CASH, amount(400, 3), "x")
    books.spend(A.INTEREST, amount(10, 3), "x")
    return books


def test_income_by_hand(ledger: Ledger) -> None:
    income = statements(ledger).income
    assert income["revenue"].tolist() == [[100, 100, 100]]
    assert income["paid_inference"].tolist() == [[100, 100, 100]]
    assert income["gross_profit_paid_inference"].tolist() == [[0, 0, 0]]
    assert income["operating_profit"].tolist() == [[-500, -100, 0]]
    assert income["net_profit"].tolist() == [[-500, -100, -10]]


def test_balance_sheet_by_hand(ledger: Ledger) -> None:
    sheet = statements(ledger).balance_sheet
    assert sheet["cash"].tolist() == [[2200, 3400, 2930]]
    assert sheet["receivables"].tolist() == [[1200, 0, 0]]
    assert sheet["deferred_revenue"].tolist() == [[1100, 1000, 900]]
    assert sheet["equipment"].tolist() == [[300, 300, 300]]
    assert sheet["accumulated_depreciation"].tolist() == [[-100, -200, -300]]
    assert sheet["payables"].tolist() == [[0, 60, 0]]
    assert sheet["total_assets"].tolist() == [[3600, 3500, 2930]]
    assert sheet["total_liabilities"].tolist() == [[2100, 2060, 1500]]
    assert sheet["total_equity"].tolist() == [[1500, 1440, 1430]]


def test_cash_flow_by_hand(ledger: Ledger) -> None:
    found = statements(ledger)
    flow = found.cash_flow
    assert flow["depreciation"].tolist() == [[100, 100, 100]]
    assert flow["stock_compensation_not_paid"].tolist() == [[0, 40, 0]]
    assert flow["change_in_receivables"].tolist() == [[-1200, 1200, 0]]
    assert flow["operating_cash"].tolist() == [[-500, 1200, -70]]
    assert flow["equipment_bought"].tolist() == [[-300, 0, 0]]
    assert flow["financing_cash"].tolist() == [[1000, 0, -400]]
    assert flow["change_in_cash"].tolist() == [[200, 1200, -470]]
    direct = found.operating_cash
    assert direct["recurring_revenue"].tolist() == [[0, 1200, 0]]
    assert direct["other_costs"].tolist() == [
        [0, 0, -60]
    ]  # paid a month later, with the same purpose
    assert sum(direct.values()).tolist() == flow["operating_cash"].tolist()


def test_every_account_belongs_to_one_group() -> None:
    assert (*ASSETS, *LIABILITIES, *EQUITY, *INCOME, *EXPENSES) == tuple(Account)


def test_more_than_64_bits_of_cents_are_refused() -> None:
    books, most = Ledger(120), np.full((1, 120), MAX_CENTS)
    for _ in range(75):  # 75 × 120 × 10¹⁵ is the limit
        books.spend(A.OTHER_COSTS, most, "x")
    with pytest.raises(
        InputError, match=r"company\.loans\.0: 1e\+13 USD is not allowed: all months"
    ):
        books.spend(A.OTHER_COSTS, most, "company.loans.0")
    assert (statements(books).balance_sheet["cash"] < 0).all()  # no integer has overflowed
