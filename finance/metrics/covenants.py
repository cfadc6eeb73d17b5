"""Which promises to lenders a company breaks, in which months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Cents, decimal_to_cents
from finance.books.ledger import Account
from finance.books.months import is_active_month
from finance.company.company import Company
from finance.company.monthly_run import Books
from finance.compute.contracts import GpuBackedDebt
from finance.treasury.loans import Covenants

COVER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class CovenantCheck:
    """One promise of one loan."""

    loan: str
    """Its name."""
    covenant: str
    """The field of :class:`finance.treasury.loans.Covenants`."""
    promised: Decimal
    broken: npt.NDArray[np.bool_]
    """In which months that the loan runs. Shape (1 or trials, months)."""


def check_covenants(books: Books) -> list[CovenantCheck]:
    """Every promise that a company has made, and where it breaks it."""
    n_months = books.ledger.n_months
    found = []
    for name, covenants, first, months in _borrowings(books.company):
        running = is_active_month(first, first + months - 1, n_months)
        for covenant in Covenants.model_fields:
            promised = getattr(covenants, covenant)
            if promised is not None:
                broken = _BREACH_TESTS[covenant](books, promised) & running
                found.append(CovenantCheck(name, covenant, promised, broken))
    return found


def _borrowings(company: Company) -> Iterator[tuple[str, Covenants, int, int]]:
    """(loan, covenants, first month, months) of all that owe something."""
    for loan in company.loans:
        yield loan.name, loan.covenants, loan.month, loan.months
    for contract in company.compute.contracts:
        if isinstance(contract, GpuBackedDebt):
            yield contract.name, contract.covenants, contract.first_month, contract.loan_months


def _cash_below(books: Books, least_usd: Decimal) -> npt.NDArray[np.bool_]:
    return books.statements.balance_sheet[Account.CASH] < decimal_to_cents(least_usd)


def _debt_to_arr_above(books: Books, most: Decimal) -> npt.NDArray[np.bool_]:
    arr = MONTHS_PER_YEAR * books.statements.income[Account.RECURRING_REVENUE]
    return books.statements.balance_sheet[Account.DEBT] > float(most) * arr


def _service_cover_below(books: Books, least: Decimal) -> npt.NDArray[np.bool_]:
    """Operating cash before interest against interest and repayments (see
    :func:`finance.treasury.loan_ratios.service_cover`); nothing is broken where nothing is due."""
    found = books.statements
    interest = -found.operating_cash[Account.INTEREST]
    due = _trailing_sum(interest - found.cash_flow["debt_repaid"])
    earned = _trailing_sum(found.cash_flow["operating_cash"] + interest)
    return (due > 0) & (earned < float(least) * due)


def _loan_to_value_above(books: Books, most: Decimal) -> npt.NDArray[np.bool_]:
    sheet = books.statements.balance_sheet
    value = sheet[Account.EQUIPMENT] + sheet[Account.ACCUMULATED_DEPRECIATION]
    return sheet[Account.DEBT] > float(most) * value


_BREACH_TESTS = {
    "minimum_cash_usd": _cash_below,
    "maximum_debt_to_arr": _debt_to_arr_above,
    "minimum_service_cover": _service_cover_below,
    "maximum_loan_to_value": _loan_to_value_above,
}


def _trailing_sum(cents: Cents) -> Cents:
    """The sum of each month and the two before it."""
    summed = np.cumsum(cents, axis=1)
    summed[:, COVER_MONTHS:] -= np.cumsum(cents, axis=1)[:, :-COVER_MONTHS]
    return summed
