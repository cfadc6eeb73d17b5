"""Inflows from investors, income tax, research credits, and interest on cash."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from engine.documents import Document
from engine.field_types import DecimalShare, ShortName
from engine.units import MONTHS_PER_YEAR
from finance.books.cents import amount_in_month, to_cents, total
from finance.books.ledger import Account, Ledger
from finance.books.months import Month
from finance.books.statements import profit_before_tax
from finance.books.trials import Numbers
from finance.numbers.money import Usd

InflowKind = Literal["equity", "safe", "note", "debt"]
_INFLOW_ACCOUNTS: dict[InflowKind, Account] = {
    "equity": Account.PAID_IN,
    "safe": Account.CONVERTIBLES,
    "note": Account.CONVERTIBLES,
    "debt": Account.DEBT,
}
RESEARCH_COSTS = (Account.RESEARCH_PEOPLE, Account.TRAINING, Account.RESEARCH_COMPUTE, Account.DATA)


class Inflow(Document):
    """Cash that investors pay in, without the securities that they receive for it."""

    name: ShortName
    month: Month
    amount_usd: Annotated[Usd, Field(gt=0)]
    kind: InflowKind
    committed: bool = False
    """Whether the inflow is signed, and so also counts in the view without planned rounds."""


class Tax(Document):
    """Income tax and research credits; by default the fiscal year is the calendar year."""

    income_share: DecimalShare
    """Tax rate on the year's profit before tax, after the use of losses."""
    losses_brought_forward_usd: Usd = Decimal("0.00")
    """Unused losses of the years before month 1, in USD."""
    loss_use_share: DecimalShare = Decimal(1)
    """Maximum share of a year's profit that losses of earlier years can offset; 0.8 in the United
    States."""
    last_fiscal_month: Annotated[int, Field(ge=1, le=12)] = 12
    """Last calendar month of the fiscal year."""
    paid_after_months: Annotated[int, Field(ge=0, le=24)] = 3
    """Months between the end of the fiscal year and the payment of its tax."""
    research_credit_share: DecimalShare = Decimal(0)
    """Research credit, which is paid out, as a share of the costs of research: staff, training,
    research compute and data."""
    research_credit_after_months: Annotated[int, Field(ge=0, le=36)] = 12
    """Months between the end of the fiscal year and the payment of its research credit."""


def post_inflow(ledger: Ledger, numbers: Numbers, inflow: Inflow) -> None:
    """Post the cash of an inflow."""
    cents = amount_in_month(
        to_cents(numbers("amount_usd"), numbers.path), inflow.month, ledger.n_months
    )
    ledger.post(Account.CASH, _INFLOW_ACCOUNTS[inflow.kind], cents, numbers.path)


def post_research_credit(
    ledger: Ledger, numbers: Numbers, tax: Tax, first_calendar_month: int
) -> None:
    """Post research credits, accrued with the costs and paid out after the fiscal year."""
    n_months = ledger.n_months
    flows = ledger.flows()
    costs = total((flows[account] for account in RESEARCH_COSTS), n_months)
    credit = np.rint(np.maximum(costs, 0) * numbers("research_credit_share")).astype(np.int64)
    ledger.post(Account.GRANTS_RECEIVABLE, Account.TAX_CREDITS, credit, numbers.path)
    start = 0
    for end in _fiscal_year_ends(first_calendar_month, tax.last_fiscal_month, n_months):
        due = credit[:, start:end].sum(axis=1)
        paid = amount_in_month(due, end + tax.research_credit_after_months, n_months)
        ledger.post(
            Account.CASH, Account.GRANTS_RECEIVABLE, paid, numbers.path, Account.TAX_CREDITS
        )
        start = end


def post_interest_and_tax(
    ledger: Ledger, numbers: Numbers, tax: Tax | None, first_calendar_month: int
) -> None:
    """Post interest on cash and income tax.

    Interest accrues on the cash of the month before. Tax accrues on the profit of the fiscal year
    to date, so that a loss reverses tax of earlier months of the year. Both depend on all other
    entries and on each other, so they are posted last. Losses are carried forward without limit of
    time.

    Parameters
    ----------
    numbers
        The company's numbers.
    first_calendar_month
        Calendar month of the company's first month, from 1 to 12.
    """
    n_months = ledger.n_months
    rate = numbers("interest_on_cash_share_per_year") / MONTHS_PER_YEAR
    if tax is None and not rate.any():
        return
    # The months are the first axis, so that the trials of a month are contiguous in memory.
    cash, profit = ledger.balance(Account.CASH).T, profit_before_tax(ledger).T
    shape = (n_months, numbers.trials.n)
    tax_rate = numbers("tax.income_share") if tax else np.zeros((1, 1))
    use_share = numbers("tax.loss_use_share") if tax else np.zeros((1, 1))
    losses = (
        to_cents(numbers("tax.losses_brought_forward_usd"), numbers.path)[:, 0]
        if tax
        else np.int64(0)
    )
    interest, charged, paid = (np.zeros(shape, np.int64) for _ in range(3))
    # Interest received less tax paid up to and including the current month
    posted_so_far = np.zeros(shape[1], np.int64)
    cash_before = np.full(shape[1], ledger.opening.get(Account.CASH, 0))
    ends = _fiscal_year_ends(first_calendar_month, tax.last_fiscal_month if tax else 12, n_months)
    for start, end in itertools.pairwise([0, *ends, n_months]):
        for month in range(start, end):
            interest[month] = np.rint(np.maximum(cash_before, 0) * rate[:, 0])
            posted_so_far = posted_so_far + interest[month] - paid[month]
            cash_before = cash[month] + posted_so_far
        if tax is None or start == end:
            continue
        earned = np.cumsum(profit[start:end] + interest[start:end], axis=0)
        taxable = np.maximum(earned, 0)
        usable_losses = np.minimum(losses, np.rint(taxable * use_share[:, 0]).astype(np.int64))
        tax_to_date = np.rint((taxable - usable_losses) * tax_rate[:, 0]).astype(np.int64)
        charged[start:end] = np.diff(tax_to_date, axis=0, prepend=0)
        if end in ends:
            losses = losses - usable_losses[-1] + np.maximum(-earned[-1], 0)
            due = end - 1 + tax.paid_after_months
            if due < n_months:
                paid[due] += tax_to_date[-1]
            if due == end - 1:
                posted_so_far = posted_so_far - tax_to_date[-1]
                cash_before = cash_before - tax_to_date[-1]
    ledger.post(Account.CASH, Account.INTEREST_INCOME, interest.T, numbers.path)
    ledger.post(Account.INCOME_TAX, Account.TAX_PAYABLE, charged.T, numbers.path)
    ledger.post(Account.TAX_PAYABLE, Account.CASH, paid.T, numbers.path, Account.INCOME_TAX)


def _fiscal_year_ends(
    first_calendar_month: int, last_fiscal_month: int, n_months: int
) -> list[int]:
    """Return the months of the company in which a fiscal year ends."""
    first = (last_fiscal_month - first_calendar_month) % MONTHS_PER_YEAR + 1
    return list(range(first, n_months + 1, MONTHS_PER_YEAR))
