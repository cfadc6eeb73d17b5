"""Monthly cash of a company: receipts, payments and balance, in exact decimals.

This is a short view of a company's books; :mod:`finance.books.statements` has the full statements.
Each cash flow belongs to exactly one line, so that the balance of a month is the balance before it,
plus receipts and money raised, less costs and debt service.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from finance.books.cents import Cents, cents_to_usd, total
from finance.books.ledger import Account
from finance.books.months import date_of_month
from finance.books.statements import REVENUE
from finance.books.trials import one_trial
from finance.company.monthly_run import Books
from finance.costs.people import STAFF_ACCOUNTS

ARR_MONTHS = 12

OPERATING_LINES: dict[str, tuple[Account, ...]] = {
    "revenue_usd": REVENUE,
    "grants_usd": (Account.GRANT_INCOME, Account.TAX_CREDITS, Account.CREDITS_USED),
    "other_receipts_usd": (Account.INTEREST_INCOME,),
    "training_usd": (Account.TRAINING, Account.RESEARCH_COMPUTE, Account.IDLE_COMPUTE),
    "serving_usd": (Account.PAID_INFERENCE, Account.FREE_INFERENCE),
    "people_usd": tuple(STAFF_ACCOUNTS.values()),
    "other_usd": (
        Account.DELIVERY,
        Account.DATA,
        Account.MARKETING,
        Account.OTHER_COSTS,
        Account.STOCK_COMPENSATION,
        Account.PREPAID_COMPUTE,
        Account.EXPIRED_COMPUTE,
        Account.INCOME_TAX,
    ),
    "debt_service_usd": (Account.INTEREST,),
}
"""Purposes of operating cash by the line of a month that they belong to."""
CASH_FLOW_LINES = {
    "hardware_usd": ("equipment_bought", "deposits_paid", "leases_repaid"),
    "other_receipts_usd": ("equipment_sold", "deposits_returned"),
    "debt_service_usd": ("debt_repaid", "convertibles_repaid"),
    "equity_usd": ("shares_sold",),
    "convertibles_usd": ("convertibles_sold",),
    "debt_usd": ("debt_drawn",),
}
"""Lines of the cash flow statement's investing and financing sections, in the same way."""
COSTS = ("training_usd", "serving_usd", "people_usd", "hardware_usd", "other_usd")
"""Lines of a month that gross burn sums, in display order."""
RECEIPTS = ("revenue_usd", "grants_usd", "other_receipts_usd")
RAISED = ("equity_usd", "convertibles_usd", "debt_usd")
_PAYMENTS = frozenset({*COSTS, "debt_service_usd"})


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
    hardware_usd: Decimal
    """Payments for equipment, deposits and leases."""
    other_usd: Decimal
    """Payments for all other costs: data, marketing, delivery, prepaid compute, tax and others."""
    debt_service_usd: Decimal
    """Interest and repayments to lenders and holders of notes; no part of gross burn."""
    grants_usd: Decimal
    """Grants and tax credits received."""
    other_receipts_usd: Decimal
    """Interest on cash, sales of equipment and deposits returned."""
    equity_usd: Decimal
    """Money raised from shares."""
    convertibles_usd: Decimal
    """Money raised from SAFEs and convertible notes."""
    debt_usd: Decimal
    """Money raised from loans."""
    cash_usd: Decimal
    """Cash balance at the end of the month."""
    arr_usd: Decimal
    """Annual recurring revenue: twelve times the month's recurring revenue."""

    @property
    def gross_burn_usd(self) -> Decimal:
        """Payments for costs in USD, without debt service; receipts do not reduce it."""
        return self._sum(COSTS)

    @property
    def net_burn_usd(self) -> Decimal:
        """Decrease of cash without money raised: gross burn and debt service less receipts."""
        return self.gross_burn_usd + self.debt_service_usd - self._sum(RECEIPTS)

    @property
    def raised_usd(self) -> Decimal:
        """Money raised from shares, SAFEs, notes and loans."""
        return self._sum(RAISED)

    def _sum(self, names: Iterable[str]) -> Decimal:
        return sum((getattr(self, name) for name in names), Decimal(0))


def cash_months_of_books(books: Books, trial: int = 0) -> list[CashMonth]:
    """Return the monthly cash of one trial of a company's books."""
    lines = _received_by_line(books)
    for name in _PAYMENTS:
        lines[name] = -lines[name]
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
        for month in range(books.ledger.n_months)
    ]


def _received_by_line(books: Books) -> dict[str, Cents]:
    """Return cash received less cash paid by line of a month."""
    n_months = books.ledger.n_months
    cash, direct = books.statements.cash_flow, books.statements.operating_cash
    lines = {
        name: total(
            [direct[account] for account in OPERATING_LINES.get(name, ())]
            + [cash[line] for line in CASH_FLOW_LINES.get(name, ())],
            n_months,
        )
        for name in OPERATING_LINES | CASH_FLOW_LINES
    }
    lease_interest = _lease_interest(books)
    lines["debt_service_usd"] = lines["debt_service_usd"] + lease_interest
    lines["hardware_usd"] = lines["hardware_usd"] - lease_interest
    return lines


def _lease_interest(books: Books) -> Cents:
    """Return the interest that leases pay in cash; it is a cost of the hardware."""
    entries = books.ledger.entries
    leases = {entry.line for entry in entries if entry.debit is Account.LEASE_LIABILITY}
    return total(
        (
            entry.cents
            for entry in entries
            if entry.line in leases
            and entry.purpose is Account.INTEREST
            and entry.credit is Account.CASH
        ),
        books.ledger.n_months,
    )
