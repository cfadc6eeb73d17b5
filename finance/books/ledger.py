"""The books: accounts, and entries that move the same amount from one account to another.

Every entry debits one account and credits another by the same cents, so that the balance sheet
balances whatever is posted. The statements (:mod:`finance.books.statements`) are views on the
entries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np

from engine.documents import InputError
from finance.books.cents import Cents, payments_after, zero_cents

MAX_BALANCE_CENTS = 9 * 10**18
"""Just below 2⁶³: what the entries of a company may come to in all its months together."""

Kind = Literal["asset", "liability", "equity", "income", "expense"]
Activity = Literal["operating", "investing", "financing"]


class Account(StrEnum):
    """Where money is, whose it is, what it came from and what it went on."""

    CASH = "cash"
    RECEIVABLES = "receivables"
    """Invoiced to customers and not yet paid."""
    GRANTS_RECEIVABLE = "grants_receivable"
    """Grants and tax credits that are due from the state."""
    PREPAID_COMPUTE = "prepaid_compute"
    COMPUTE_CREDITS = "compute_credits"
    """A cloud's credits, until they are used or expire."""
    DEPOSITS = "deposits"
    EQUIPMENT = "equipment"
    ACCUMULATED_DEPRECIATION = "accumulated_depreciation"
    """Of equipment: below nothing among the assets."""
    RIGHT_OF_USE = "right_of_use"
    """Leased equipment, less its depreciation (IFRS 16)."""

    PAYABLES = "payables"
    DEFERRED_REVENUE = "deferred_revenue"
    """Invoiced or paid for months to come."""
    DEFERRED_GRANTS = "deferred_grants"
    DEFERRED_CREDITS = "deferred_credits"
    """The other side of compute credits that are not used yet (as a grant, IAS 20)."""
    TAX_PAYABLE = "tax_payable"
    LEASE_LIABILITY = "lease_liability"
    CONVERTIBLES = "convertibles"
    """SAFEs and notes that have not become shares."""
    DEBT = "debt"

    PAID_IN = "paid_in"
    """What shares were bought with."""
    STOCK_RESERVE = "stock_reserve"
    """What people have earned in stock."""

    RECURRING_REVENUE = "recurring_revenue"
    """Subscriptions, tokens, enterprise contracts, support."""
    OTHER_REVENUE = "other_revenue"
    """Licences, services, data and content deals."""
    GRANT_INCOME = "grant_income"
    TAX_CREDITS = "tax_credits"
    CREDITS_USED = "credits_used"
    """Compute that a cloud's credits paid for; among the costs it stands at its full price."""
    INTEREST_INCOME = "interest_income"

    PAID_INFERENCE = "paid_inference"
    FREE_INFERENCE = "free_inference"
    DELIVERY = "delivery"
    """What delivering takes besides inference: installing, consulting, payment fees."""
    SUPPORT_PEOPLE = "support_people"
    TRAINING = "training"
    """The runs themselves."""
    RESEARCH_COMPUTE = "research_compute"
    """Experiments, searches and failed runs."""
    IDLE_COMPUTE = "idle_compute"
    """Compute under contract that nobody used."""
    EXPIRED_COMPUTE = "expired_compute"
    """Paid in advance and not used in time."""
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
        return _KINDS[self]

    @property
    def activity(self) -> Activity:
        """The part of the cash flow statement that its cash belongs to."""
        if self in _INVESTING:
            return "investing"
        return "financing" if self in _FINANCING else "operating"


def _accounts_between(first: Account, last: Account) -> tuple[Account, ...]:
    every = list(Account)
    return tuple(every[every.index(first) : every.index(last) + 1])


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
    """The same cents in and out, month by month."""

    debit: Account
    credit: Account
    cents: Cents
    purpose: Account
    """What it is for: income or an expense, also where an invoice of it is paid later."""
    line: str
    """Of the company's document that it comes from."""


@dataclass(slots=True)
class Ledger:
    """Entries of ``n_months`` months, and the balances before the first."""

    n_months: int
    entries: list[Entry] = field(default_factory=list)
    opening: dict[Account, int] = field(default_factory=dict)
    """Debit balances in cents."""
    _largest_possible: int = 0

    def add_opening_balance(self, debit: Account, credit: Account, cents: int) -> None:
        """A balance that the company brings with it."""
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
        """Debit one account and credit another; amounts below nothing go the other way.

        Parameters
        ----------
        about
            By default whichever of the two is income or an expense, else the one that is not
            cash.

        Raises
        ------
        InputError
            If the months of a company could come to more than 64 bits of cents.
        """
        largest = max(int(cents.max()), -int(cents.min()))
        if largest == 0:
            return
        self._largest_possible += largest * self.n_months
        if self._largest_possible > MAX_BALANCE_CENTS:
            most = MAX_BALANCE_CENTS // 100
            raise InputError(line, f"{largest / 100:.3g} USD", "most_usd_in_all", limit=most)
        self.entries.append(
            Entry(debit, credit, cents, purpose or _default_purpose(debit, credit), line)
        )

    def invoice(
        self, credit: Account, cents: Cents, line: str, *, purpose: Account, days: int
    ) -> None:
        """Invoice customers, who pay after so many days; ``credit`` is income or what defers it."""
        if days == 0:
            self.post(Account.CASH, credit, cents, line, purpose)
            return
        self.post(Account.RECEIVABLES, credit, cents, line, purpose)
        self.post(Account.CASH, Account.RECEIVABLES, payments_after(cents, days), line, purpose)

    def spend(self, expense: Account, cents: Cents, line: str, *, days: int = 0) -> None:
        """Cost that is paid after so many days."""
        if days == 0:
            self.post(expense, Account.CASH, cents, line)
            return
        self.post(expense, Account.PAYABLES, cents, line)
        self.post(Account.PAYABLES, Account.CASH, payments_after(cents, days), line, expense)

    def flows(self) -> dict[Account, Cents]:
        """Debits less credits of each account, month by month: shape (trials, months)."""
        found = dict.fromkeys(Account, zero_cents(self.n_months))
        for entry in self.entries:
            found[entry.debit] = found[entry.debit] + entry.cents
            found[entry.credit] = found[entry.credit] - entry.cents
        return found

    def balance(self, account: Account) -> Cents:
        """Debit balance at the end of each month."""
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
