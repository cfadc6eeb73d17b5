"""Monthly cash of a company: receipts, payments and balance, in exact decimals.

This is a short view of a company's books; :mod:`finance.books.statements` has the full statements.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from finance.books.cents import Cents, cents_to_usd, total
from finance.books.ledger import Account
from finance.books.months import date_of_month
from finance.books.statements import MONEY_RAISED, REVENUE
from finance.books.trials import one_trial
from finance.company.monthly_run import Books
from finance.costs.people import STAFF_ACCOUNTS

ARR_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMonth:
    """Cash of one month, by the date of payment; costs are positive."""

    month: int
    date: datetime.date
    customers: Decimal
    """Paying customers of all revenue lines at the end of the month."""
    revenue_usd: Decimal
    """Payments received from customers."""
    training_usd: Decimal
    """Payments for training runs, research compute and idle compute."""
    serving_usd: Decimal
    """Payments for inference, for paying and for free users."""
    people_usd: Decimal
    other_usd: Decimal
    """All other payments, including prepaid compute, equipment, interest, tax and repayments, less
    grants received."""
    equity_usd: Decimal
    """Money raised from shares, SAFEs, notes and debt."""
    cash_usd: Decimal
    """Cash balance at the end of the month."""
    arr_usd: Decimal
    """Annual recurring revenue: twelve times the month's recurring revenue."""

    @property
    def gross_burn_usd(self) -> Decimal:
        """Payments for all costs, in USD."""
        return self.training_usd + self.serving_usd + self.people_usd + self.other_usd

    @property
    def net_burn_usd(self) -> Decimal:
        """Gross burn less revenue, without money raised; negative if revenue exceeds the burn."""
        return self.gross_burn_usd - self.revenue_usd


def cash_months_of_books(books: Books, trial: int = 0) -> list[CashMonth]:
    """Return the monthly cash of one trial of a company's books."""
    n_months = books.ledger.n_months
    cash, direct = books.statements.cash_flow, books.statements.operating_cash

    def paid_for(accounts: Iterable[Account]) -> Cents:
        return -total((direct[account] for account in accounts), n_months)

    lines = {
        "revenue_usd": -paid_for(REVENUE),
        "training_usd": paid_for(
            (Account.TRAINING, Account.RESEARCH_COMPUTE, Account.IDLE_COMPUTE)
        ),
        "serving_usd": paid_for((Account.PAID_INFERENCE, Account.FREE_INFERENCE)),
        "people_usd": paid_for(STAFF_ACCOUNTS.values()),
        "equity_usd": total((cash[name] for name in MONEY_RAISED), n_months),
    }
    named = lines["revenue_usd"] + lines["equity_usd"]
    named = named - lines["training_usd"] - lines["serving_usd"] - lines["people_usd"]
    lines["other_usd"] = named - cash["change_in_cash"]
    lines["cash_usd"] = books.statements.balance_sheet[Account.CASH]
    lines["arr_usd"] = ARR_MONTHS * books.statements.income[Account.RECURRING_REVENUE]
    customers = books.paying_customers
    shown = {name: one_trial(cents, trial) for name, cents in lines.items()}
    return [
        CashMonth(
            month=month + 1,
            date=date_of_month(books.company.first_month, month + 1),
            customers=Decimal(repr(float(one_trial(customers, trial)[month]))),
            **{name: cents_to_usd(cents[month]) for name, cents in shown.items()},
        )
        for month in range(n_months)
    ]
