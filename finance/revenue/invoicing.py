"""Posting of sales: revenue is recognised when earned, cash when paid."""

from __future__ import annotations

from dataclasses import dataclass

from finance.books.cents import Cents, amount_in_month, shift_later, spread_evenly, to_cents
from finance.books.ledger import Account, Ledger
from finance.books.trials import Numbers
from finance.revenue.customers import Customers
from finance.revenue.lines import Grants, Revenue, RevenueLine
from finance.revenue.sales import Sales


@dataclass(frozen=True, slots=True)
class Recurring:
    """Recurring revenue of a line and its customers, from which the parts of ARR follow."""

    line: str
    """Name of the line; empty for the single line ``revenue`` of a small company."""
    customers: Customers
    revenue: Cents
    """Revenue earned in each month, in cents. Shape (1 or trials, months)."""


def invoice(
    ledger: Ledger, numbers: Numbers, line: RevenueLine | Revenue, sales: Sales
) -> list[Recurring]:
    """Post the invoices of a line, its grants and its costs of delivery.

    An invoice for one month is earned at once. An invoice for several months is deferred revenue,
    which is earned in equal parts.

    Returns
    -------
    list
        The recurring revenue of the line.
    """
    name, days = ("", 0) if isinstance(line, Revenue) else (line.name, line.payment_days)
    recurring = []
    for invoices in sales.invoices:
        cents = to_cents(invoices.usd, numbers.path)
        earned = spread_evenly(cents, invoices.months)
        in_advance = invoices.months > 1
        ledger.invoice(
            Account.DEFERRED_REVENUE if in_advance else invoices.income,
            cents,
            numbers.path,
            purpose=invoices.income,
            days=days,
        )
        if in_advance:
            ledger.post(Account.DEFERRED_REVENUE, invoices.income, earned, numbers.path)
        if invoices.customers is not None:
            recurring.append(Recurring(name, invoices.customers, earned))
    if isinstance(line, Grants):
        _post_grants(ledger, numbers, line)
    if sales.delivery_usd is not None:
        ledger.spend(Account.DELIVERY, to_cents(sales.delivery_usd, numbers.path), numbers.path)
    return recurring


def _post_grants(ledger: Ledger, numbers: Numbers, line: Grants) -> None:
    """Post grants, earned in equal parts over their months (IAS 20, income approach)."""
    n_months = ledger.n_months
    for number, deal in enumerate(line.deals):
        whole = to_cents(numbers.usd(f"deals.{number}.amount"), numbers.path)
        earned = spread_evenly(amount_in_month(whole, deal.month, n_months), deal.months)
        if line.paid == "monthly":
            ledger.post(Account.CASH, Account.GRANT_INCOME, earned, numbers.path)
            continue
        paid = amount_in_month(whole, deal.month, n_months)
        accrual = Account.DEFERRED_GRANTS
        if line.paid == "at_end":
            paid, accrual = shift_later(paid, deal.months - 1), Account.GRANTS_RECEIVABLE
        ledger.post(Account.CASH, accrual, paid, numbers.path, Account.GRANT_INCOME)
        ledger.post(accrual, Account.GRANT_INCOME, earned, numbers.path)
