"""Covenant checks: breaches of a company's loan covenants in each month."""

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
"""Number of months over which the debt service cover is measured."""


@dataclass(frozen=True, slots=True)
class CovenantCheck:
    """Check of one covenant of one loan in each month."""

    loan: str
    """Name of the loan or of the contract."""
    covenant: str
    """Name of a field of :class:`finance.treasury.loans.Covenants`."""
    promised: Decimal
    """Limit that the covenant sets."""
    broken: npt.NDArray[np.bool_]
    """Whether the covenant is breached in a month of the loan. Shape (1 or trials, months)."""


def check_covenants(books: Books) -> list[CovenantCheck]:
    """Check all covenants of a company's loans and of its GPU-backed debt."""
    n_months = books.ledger.n_months
    checks = []
    for name, covenants, first, months in _borrowings(books.company):
        running = is_active_month(first, first + months - 1, n_months)
        for covenant in Covenants.model_fields:
            promised = getattr(covenants, covenant)
            if promised is not None:
                broken = _BREACH_TESTS[covenant](books, promised) & running
                checks.append(CovenantCheck(name, covenant, promised, broken))
    return checks


def _borrowings(company: Company) -> Iterator[tuple[str, Covenants, int, int]]:
    """Yield (name, covenants, first month, months) of each loan and GPU-backed debt."""
    for loan in company.loans:
        yield loan.name, loan.covenants, loan.month, loan.months
    for contract in company.compute.contracts:
        if isinstance(contract, GpuBackedDebt):
            yield contract.name, contract.covenants, contract.first_month, contract.loan_months


def _cash_below(books: Books, minimum_usd: Decimal) -> npt.NDArray[np.bool_]:
    return books.statements.balance_sheet[Account.CASH] < decimal_to_cents(minimum_usd)


def _debt_to_arr_above(books: Books, maximum: Decimal) -> npt.NDArray[np.bool_]:
    arr = MONTHS_PER_YEAR * books.statements.income[Account.RECURRING_REVENUE]
    return books.statements.balance_sheet[Account.DEBT] > float(maximum) * arr


def _service_cover_below(books: Books, minimum: Decimal) -> npt.NDArray[np.bool_]:
    """Compare operating cash before interest with interest and repayments.

    The covenant is not breached in months without debt service. See
    :func:`finance.treasury.loan_ratios.service_cover`.
    """
    statements = books.statements
    interest = -statements.operating_cash[Account.INTEREST]
    due = _trailing_sum(interest - statements.cash_flow["debt_repaid"])
    earned = _trailing_sum(statements.cash_flow["operating_cash"] + interest)
    return (due > 0) & (earned < float(minimum) * due)


def _loan_to_value_above(books: Books, maximum: Decimal) -> npt.NDArray[np.bool_]:
    sheet = books.statements.balance_sheet
    value = sheet[Account.EQUIPMENT] + sheet[Account.ACCUMULATED_DEPRECIATION]
    return sheet[Account.DEBT] > float(maximum) * value


_BREACH_TESTS = {
    "minimum_cash_usd": _cash_below,
    "maximum_debt_to_arr": _debt_to_arr_above,
    "minimum_service_cover": _service_cover_below,
    "maximum_loan_to_value": _loan_to_value_above,
}


def _trailing_sum(cents: Cents) -> Cents:
    """Return the sum of each month and the :data:`COVER_MONTHS` − 1 months before it."""
    summed = np.cumsum(cents, axis=1)
    summed[:, COVER_MONTHS:] -= np.cumsum(cents, axis=1)[:, :-COVER_MONTHS]
    return summed
