"""Cash, month by month: what comes in, what goes out, what is left.

The short view of a company's books, in exact decimals; :mod:`finance.books.statements` has all of
it.
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
    """One month, in the money that is paid in it. Costs are positive; ``cash_usd`` is what is
    left at its end."""

    month: int
    date: datetime.date
    customers: Decimal
    """Paying, of all lines together."""
    revenue_usd: Decimal
    """Paid by customers."""
    training_usd: Decimal
    """Of runs, of the research beside them, and of compute that stood idle."""
    serving_usd: Decimal
    """Of inference, paid for or free."""
    people_usd: Decimal
    other_usd: Decimal
    """Everything else: also compute paid in advance, equipment, interest, tax and repayments,
    less grants."""
    equity_usd: Decimal
    """Money raised: shares, SAFEs, notes and debt."""
    cash_usd: Decimal
    arr_usd: Decimal
    """Annual recurring revenue: twelve times what the month earned of it."""

    @property
    def gross_burn_usd(self) -> Decimal:
        """All costs."""
        return self.training_usd + self.serving_usd + self.people_usd + self.other_usd

    @property
    def net_burn_usd(self) -> Decimal:
        """Costs less revenue, money raised left out; negative in a month that earns."""
        return self.gross_burn_usd - self.revenue_usd


def cash_months_of_books(books: Books, trial: int = 0) -> list[CashMonth]:
    """One trial of a company's books."""
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
