"""Sales in the books: revenue when it is earned, cash when it is paid."""

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
    """Customers who pay again and again, and what is earned from them; for the parts of ARR."""

    line: str
    """Its name; empty for the one line of a small company."""
    customers: Customers
    revenue: Cents


def invoice(
    ledger: Ledger, numbers: Numbers, line: RevenueLine | Revenue, sales: Sales
) -> list[Recurring]:
    """Post a line's invoices.

    An invoice for one month is earned at once; one for several stands as deferred revenue and is
    earned in equal parts.
    """
    name, days = ("", 0) if isinstance(line, Revenue) else (line.name, line.payment_days)
    found = []
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
            found.append(Recurring(name, invoices.customers, earned))
    if isinstance(line, Grants):
        _post_grants(ledger, numbers, line)
    if sales.delivery_usd is not None:
        ledger.spend(Account.DELIVERY, to_cents(sales.delivery_usd, numbers.path), numbers.path)
    return found


def _post_grants(ledger: Ledger, numbers: Numbers, line: Grants) -> None:
    """Earned in equal parts over their months, whenever they are paid (IAS 20, income approach)."""
    n_months = ledger.n_months
    for number, deal in enumerate(line.deals):
        whole = to_cents(numbers.usd(f"deals.{number}.amount"), numbers.path)
        earned = spread_evenly(amount_in_month(whole, deal.month, n_months), deal.months)
        if line.paid == "monthly":
            ledger.post(Account.CASH, Account.GRANT_INCOME, earned, numbers.path)
            continue
        paid = amount_in_month(whole, deal.month, n_months)
        side = Account.DEFERRED_GRANTS
        if line.paid == "at_end":
            paid, side = shift_later(paid, deal.months - 1), Account.GRANTS_RECEIVABLE
        ledger.post(Account.CASH, side, paid, numbers.path, Account.GRANT_INCOME)
        ledger.post(side, Account.GRANT_INCOME, earned, numbers.path)
