"""Double-entry books: accounts, and a ledger of entries.

Every entry debits one account and credits another by the same cents, so that the balance sheet
always balances. The statements (:mod:`finance.books.statements`) are derived from the entries.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

import numpy as np

from engine.documents import InputError
from finance.books.cents import Cents, payments_after, zero_cents

MAX_BALANCE_CENTS = 9 * 10**18
"""Maximum of a company's entries, summed over all months, in cents; just below 2⁶³."""

Kind = Literal["asset", "liability", "equity", "income", "expense"]
Activity = Literal["operating", "investing", "financing"]


class Account(StrEnum):
    """Account of the ledger, grouped as assets, liabilities, equity, income and expenses."""

    CASH = "cash"
    RECEIVABLES = "receivables"
    """Invoices that customers have not yet paid."""
    GRANTS_RECEIVABLE = "grants_receivable"
    """Grants and tax credits that are due from the state."""
    PREPAID_COMPUTE = "prepaid_compute"
    """Compute that is paid in cash or shares before it is used."""
    COMPUTE_CREDITS = "compute_credits"
    """Cloud credits that are neither used nor expired."""
    DEPOSITS = "deposits"
    EQUIPMENT = "equipment"
    ACCUMULATED_DEPRECIATION = "accumulated_depreciation"
    """Accumulated depreciation of equipment; a negative asset."""
    RIGHT_OF_USE = "right_of_use"
    """Right-of-use assets: leased equipment less its depreciation (IFRS 16)."""

    PAYABLES = "payables"
    DEFERRED_REVENUE = "deferred_revenue"
    """Amounts invoiced for months that are yet to come."""
    DEFERRED_GRANTS = "deferred_grants"
    DEFERRED_CREDITS = "deferred_credits"
    """Liability against unused compute credits, which are treated as a grant (IAS 20)."""
    TAX_PAYABLE = "tax_payable"
    LEASE_LIABILITY = "lease_liability"
    CONVERTIBLES = "convertibles"
    """SAFEs and notes that have not converted to shares."""
    DEBT = "debt"

    PAID_IN = "paid_in"
    """Paid-in capital: cash or compute received for shares."""
    STOCK_RESERVE = "stock_reserve"
    """Stock compensation that staff have earned."""

    RECURRING_REVENUE = "recurring_revenue"
    """Revenue from subscriptions, tokens, enterprise contracts and support."""
    OTHER_REVENUE = "other_revenue"
    """Revenue from licences, services, data and content deals."""
    GRANT_INCOME = "grant_income"
    TAX_CREDITS = "tax_credits"
    CREDITS_USED = "credits_used"
    """Income from compute that cloud credits paid for; the costs contain it at its full price."""
    INTEREST_INCOME = "interest_income"

    PAID_INFERENCE = "paid_inference"
    FREE_INFERENCE = "free_inference"
    DELIVERY = "delivery"
    """Costs of delivery other than inference: installation, consulting, payment fees."""
    SUPPORT_PEOPLE = "support_people"
    TRAINING = "training"
    """Compute of training runs, without research."""
    RESEARCH_COMPUTE = "research_compute"
    """Compute of experiments, searches and failed runs."""
    IDLE_COMPUTE = "idle_compute"
    """Compute under contract that was not used."""
    EXPIRED_COMPUTE = "expired_compute"
    """Prepaid compute that was not used before it expired."""
    DATA = "data"
    RESEARCH_PEOPLE = "research_people"
    SALES_PEOPLE = "sales_people"
    MARKETING = "marketing"
    GENERAL_PEOPLE = "general_people"
    OTHER_COSTS = "other_costs"
    STOCK_COMPENSATION = "stock_compensation"
    INTEREST = "interest"
    INCOME_TAX = "income_tax"

    @property
    def kind(self) -> Kind:
        """Group of the account in the statements."""
        return _KINDS[self]

    @property
    def activity(self) -> Activity:
        """Section of the cash flow statement that cash for or from this account belongs to."""
        if self in _INVESTING:
            return "investing"
        return "financing" if self in _FINANCING else "operating"


def _accounts_between(first: Account, last: Account) -> tuple[Account, ...]:
    accounts = list(Account)
    return tuple(accounts[accounts.index(first) : accounts.index(last) + 1])


ASSETS = _accounts_between(Account.CASH, Account.RIGHT_OF_USE)
LIABILITIES = _accounts_between(Account.PAYABLES, Account.DEBT)
EQUITY = _accounts_between(Account.PAID_IN, Account.STOCK_RESERVE)
INCOME = _accounts_between(Account.RECURRING_REVENUE, Account.INTEREST_INCOME)
EXPENSES = _accounts_between(Account.PAID_INFERENCE, Account.INCOME_TAX)

_GROUPS: tuple[tuple[Kind, tuple[Account, ...]], ...] = (
    ("asset", ASSETS),
    ("liability", LIABILITIES),
    ("equity", EQUITY),
    ("income", INCOME),
    ("expense", EXPENSES),
)
_KINDS: dict[Account, Kind] = {account: kind for kind, group in _GROUPS for account in group}
_INVESTING = frozenset({Account.DEPOSITS, Account.EQUIPMENT, Account.ACCUMULATED_DEPRECIATION})
_FINANCING = frozenset(
    {Account.LEASE_LIABILITY, Account.RIGHT_OF_USE, Account.CONVERTIBLES, Account.DEBT, *EQUITY}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Debit of one account and credit of another by the same cents, month by month."""

    debit: Account
    credit: Account
    cents: Cents
    purpose: Account
    """Income or expense that the entry is for; a later payment of an invoice keeps its purpose."""
    line: str
    """Path of the company's document that the entry comes from."""


@dataclass(slots=True)
class Ledger:
    """Entries of ``n_months`` months, and the opening balances."""

    n_months: int
    entries: list[Entry] = field(default_factory=list)
    opening: dict[Account, int] = field(default_factory=dict)
    """Debit balances before the first month, in cents."""
    _largest_possible: int = 0

    def copy(self) -> Ledger:
        """Return a ledger with the same entries, to which others can be posted."""
        return replace(self, entries=list(self.entries), opening=dict(self.opening))

    def add_opening_balance(self, debit: Account, credit: Account, cents: int) -> None:
        """Add an opening balance, in cents: a debit of one account and a credit of another."""
        self.opening[debit] = self.opening.get(debit, 0) + cents
        self.opening[credit] = self.opening.get(credit, 0) - cents

    def post(
        self,
        debit: Account,
        credit: Account,
        cents: Cents,
        line: str,
        purpose: Account | None = None,
    ) -> None:
        """Post an entry; a negative amount reverses debit and credit.

        Parameters
        ----------
        purpose
            The income or expense that the entry is for. The default is the account of the two
            that is income or an expense, or else the account that is not cash.

        Raises
        ------
        InputError
            If the sum over all months could exceed 64 bits of cents.
        """
        largest = max(int(cents.max()), -int(cents.min()))
        if largest == 0:
            return
        self._largest_possible += largest * self.n_months
        if self._largest_possible > MAX_BALANCE_CENTS:
            limit = MAX_BALANCE_CENTS // 100
            raise InputError(line, f"{largest / 100:.3g} USD", "most_usd_in_all", limit=limit)
        self.entries.append(
            Entry(debit, credit, cents, purpose or _default_purpose(debit, credit), line)
        )

    def invoice(
        self, credit: Account, cents: Cents, line: str, *, purpose: Account, days: int
    ) -> None:
        """Invoice customers, who pay after ``days``.

        Parameters
        ----------
        credit
            The income account, or the account for deferred revenue.
        purpose
            The income that the invoice is for.
        """
        if days == 0:
            self.post(Account.CASH, credit, cents, line, purpose)
            return
        self.post(Account.RECEIVABLES, credit, cents, line, purpose)
        self.post(Account.CASH, Account.RECEIVABLES, payments_after(cents, days), line, purpose)

    def spend(self, expense: Account, cents: Cents, line: str, *, days: int = 0) -> None:
        """Post a cost that is paid after ``days``."""
        if days == 0:
            self.post(expense, Account.CASH, cents, line)
            return
        self.post(expense, Account.PAYABLES, cents, line)
        self.post(Account.PAYABLES, Account.CASH, payments_after(cents, days), line, expense)

    def flows(self) -> dict[Account, Cents]:
        """Return debits less credits of each account in each month. Shapes (trials, months)."""
        flows = dict.fromkeys(Account, zero_cents(self.n_months))
        for entry in self.entries:
            flows[entry.debit] = flows[entry.debit] + entry.cents
            flows[entry.credit] = flows[entry.credit] - entry.cents
        return flows

    def balance(self, account: Account) -> Cents:
        """Return the debit balance at the end of each month. Shape (trials, months)."""
        flow = zero_cents(self.n_months)
        for entry in self.entries:
            if entry.debit is account:
                flow = flow + entry.cents
            if entry.credit is account:
                flow = flow - entry.cents
        return np.cumsum(flow, axis=1) + self.opening.get(account, 0)


def _default_purpose(debit: Account, credit: Account) -> Account:
    for account in (debit, credit):
        if account.kind in ("income", "expense"):
            return account
    return credit if debit is Account.CASH else debit
