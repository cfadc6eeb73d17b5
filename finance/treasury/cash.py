"""Money from outside, money for the state, and what idle cash earns."""

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
    """Money that investors pay in: the cash of it; what they get for it stands elsewhere."""

    name: ShortName
    month: Month
    amount_usd: Annotated[Usd, Field(gt=0)]
    kind: InflowKind
    committed: bool = False
    """Signed: it comes in the view without planned rounds, too."""


class Tax(Document):
    """Income tax and research credits; fiscal years as the calendar's unless said otherwise."""

    income_share: DecimalShare
    """Of the year's profit before tax, after losses."""
    losses_brought_forward_usd: Usd = Decimal("0.00")
    loss_use_share: DecimalShare = Decimal(1)
    """Of a year's profit that losses of earlier years may take away; 0.8 in the United States."""
    last_fiscal_month: Annotated[int, Field(ge=1, le=12)] = 12
    """Of the calendar."""
    paid_after_months: Annotated[int, Field(ge=0, le=24)] = 3
    """After the fiscal year."""
    research_credit_share: DecimalShare = Decimal(0)
    """Of what research costs: its people, training and experiments, data. Paid out."""
    research_credit_after_months: Annotated[int, Field(ge=0, le=36)] = 12
    """After the fiscal year."""


def post_inflow(ledger: Ledger, numbers: Numbers, inflow: Inflow) -> None:
    cents = amount_in_month(
        to_cents(numbers("amount_usd"), numbers.path), inflow.month, ledger.n_months
    )
    ledger.post(Account.CASH, _INFLOW_ACCOUNTS[inflow.kind], cents, numbers.path)


def post_research_credit(
    ledger: Ledger, numbers: Numbers, tax: Tax, first_calendar_month: int
) -> None:
    """Earned with the costs, paid out some time after the fiscal year."""
    n_months = ledger.n_months
    flows = ledger.flows()
    costs = total((flows[account] for account in RESEARCH_COSTS), n_months)
    credit = np.rint(np.maximum(costs, 0) * numbers("research_credit_share")).astype(np.int64)
    ledger.post(Account.GRANTS_RECEIVABLE, Account.TAX_CREDITS, credit, numbers.path)
    begin = 0
    for end in _fiscal_year_ends(first_calendar_month, tax.last_fiscal_month, n_months):
        due = credit[:, begin:end].sum(axis=1)
        paid = amount_in_month(due, end + tax.research_credit_after_months, n_months)
        ledger.post(
            Account.CASH, Account.GRANTS_RECEIVABLE, paid, numbers.path, Account.TAX_CREDITS
        )
        begin = end


def post_interest_and_tax(
    ledger: Ledger, numbers: Numbers, tax: Tax | None, first_calendar_month: int
) -> None:
    """Interest on the cash of the month before, and tax on what a fiscal year has earned so far.

    Both follow from all else that is posted, and from each other. Losses are carried forward
    without end; a month that takes the year's profit back takes its tax back.

    Parameters
    ----------
    at
        The company's numbers.
    """
    n_months = ledger.n_months
    rate = numbers("interest_on_cash_share_per_year") / MONTHS_PER_YEAR
    if tax is None and not rate.any():
        return
    # Months first, so that each month of all trials lies together.
    cash, profit = ledger.balance(Account.CASH).T, profit_before_tax(ledger).T
    shape = (n_months, numbers.trials.n)
    income_share = numbers("tax.income_share") if tax else np.zeros((1, 1))
    use_share = numbers("tax.loss_use_share") if tax else np.zeros((1, 1))
    losses = (
        to_cents(numbers("tax.losses_brought_forward_usd"), numbers.path)[:, 0]
        if tax
        else np.int64(0)
    )
    interest, charged, paid = (np.zeros(shape, np.int64) for _ in range(3))
    added = np.zeros(shape[1], np.int64)
    before = np.full(shape[1], ledger.opening.get(Account.CASH, 0))
    ends = _fiscal_year_ends(first_calendar_month, tax.last_fiscal_month if tax else 12, n_months)
    for begin, end in itertools.pairwise([0, *ends, n_months]):
        for month in range(begin, end):
            interest[month] = np.rint(np.maximum(before, 0) * rate[:, 0])
            added = added + interest[month] - paid[month]
            before = cash[month] + added
        if tax is None or begin == end:
            continue
        earned = np.cumsum(profit[begin:end] + interest[begin:end], axis=0)
        taxed = np.maximum(earned, 0)
        usable = np.minimum(losses, np.rint(taxed * use_share[:, 0]).astype(np.int64))
        so_far = np.rint((taxed - usable) * income_share[:, 0]).astype(np.int64)
        charged[begin:end] = np.diff(so_far, axis=0, prepend=0)
        if end in ends:
            losses = losses - usable[-1] + np.maximum(-earned[-1], 0)
            due = end - 1 + tax.paid_after_months
            if due < n_months:
                paid[due] += so_far[-1]
            if due == end - 1:
                added, before = added - so_far[-1], before - so_far[-1]
    ledger.post(Account.CASH, Account.INTEREST_INCOME, interest.T, numbers.path)
    ledger.post(Account.INCOME_TAX, Account.TAX_PAYABLE, charged.T, numbers.path)
    ledger.post(Account.TAX_PAYABLE, Account.CASH, paid.T, numbers.path, Account.INCOME_TAX)


def _fiscal_year_ends(
    first_calendar_month: int, last_fiscal_month: int, n_months: int
) -> list[int]:
    """Months of the company in which a fiscal year ends."""
    first = (last_fiscal_month - first_calendar_month) % MONTHS_PER_YEAR + 1
    return list(range(first, n_months + 1, MONTHS_PER_YEAR))
