"""Money from investors: a single round, or the payments of all events of a cap table.

With a cap table, the cash comes from its events, each in its month, including planned events.
Payments before the first month are part of the company's opening cash.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated

import numpy as np
from pydantic import Field

from engine.documents import Document
from finance.books.cents import Cents, amount_in_month, to_cents
from finance.books.ledger import Account, Ledger
from finance.books.months import MAX_MONTHS, Month, month_of_date
from finance.books.trials import Trials
from finance.capital.events import Exercise, PricedRound, Repayment, StockIssue, Tranche
from finance.capital.exact import cents_of
from finance.capital.history import Step
from finance.capital.instruments import Note, Safe
from finance.numbers.money import Usd


class EquityRound(Document):
    """Priced round of a company without a cap table."""

    month: Month
    amount_usd: Usd
    pre_money_usd: Annotated[Usd, Field(gt=0)]


def planned_rounds(
    steps: Iterable[Step], first_month: datetime.date, usd_per_unit: float
) -> tuple[EquityRound, ...]:
    """Return the planned priced rounds from month 1 on, in order.

    ``usd_per_unit`` is the value of one unit of the cap table's currency, in USD.
    """
    rounds = []
    for step in steps:
        deal, month = step.event, month_of_date(first_month, step.event.date)
        if isinstance(deal, PricedRound) and deal.planned and 1 <= month <= MAX_MONTHS:
            to_usd = step.before.in_currency(Fraction(1), deal.currency)
            to_usd *= Fraction(repr(usd_per_unit))
            rounds.append(
                EquityRound.parse(
                    {
                        "month": month,
                        "amount_usd": cents_of(Fraction(deal.new_money) * to_usd),
                        "pre_money_usd": cents_of(Fraction(deal.pre_money) * to_usd),
                    },
                    deal.series,
                )
            )
    return tuple(rounds)


_AMOUNTS: Mapping[type[Document], str] = {
    Safe: "amount",
    Note: "amount",
    Tranche: "amount",
    PricedRound: "new_money",
}


def cash_from_event(step: Step) -> Fraction:
    """Return the cash that an event brings, in the cap table's currency."""
    event = step.event
    if name := _AMOUNTS.get(type(event)):
        return step.before.in_currency(getattr(event, name), _currency(step))
    if isinstance(event, StockIssue | Exercise):
        (bought,) = (holding for holding in step.after.holdings if holding.name == event.name)
        return Fraction(bought.paid)
    return Fraction(0)


def _currency(step: Step) -> str:
    own: str = getattr(step.event, "currency", step.before.currency)
    return own


@dataclass(slots=True)
class CapTablePosting:
    """Posting of a cap table's events to the ledger of a company.

    SAFEs and notes are a liability until they convert. When a note is repaid, its interest is
    expensed on that day. SAFEs and notes paid in before the first month are part of the opening
    balance, as paid-in capital. Stock is assumed to be bought with cash.
    """

    ledger: Ledger
    trials: Trials
    first_month: datetime.date
    usd_per_unit: float
    """Value of one unit of the cap table's currency, in USD."""
    path: str
    """Path of the events in the scenario."""
    with_planned_money: bool
    """Whether planned events are posted."""
    _convertibles: dict[str, Cents] = field(default_factory=dict)
    """Outstanding SAFEs and notes paid in since the first month, in cents by name."""

    def post(self, steps: Sequence[Step]) -> None:
        """Post the payments and conversions of all events from month 1 on."""
        for number, step in enumerate(steps):
            month = month_of_date(self.first_month, step.event.date)
            if month >= 1 and (self.with_planned_money or not step.event.planned):
                self._post_money(step, month, f"{self.path}.{number}")
                self._post_conversions(step, month, f"{self.path}.{number}")

    def _post_money(self, step: Step, month: int, path: str) -> None:
        """Post the payment of an event."""
        event = step.event
        match event:
            case Repayment():
                (note,) = (note for note in step.before.notes if note.name == event.of)
                self._repay(step, note, month, path)
            case Safe() | Note():
                paid = self._convertibles[event.name] = self._event_amount(step, path)
                self._move(Account.CASH, Account.CONVERTIBLES, paid, month, path)
            case PricedRound() | Tranche():
                self._move(
                    Account.CASH, Account.PAID_IN, self._event_amount(step, path), month, path
                )
            case StockIssue() | Exercise():
                paid = self._cents(cash_from_event(step), path)
                self._move(Account.CASH, Account.PAID_IN, paid, month, path)

    def _repay(self, step: Step, note: Note, month: int, path: str) -> None:
        """Post the repayment of a note with its interest."""
        paid_in_before = month_of_date(self.first_month, note.date) < 1
        if not paid_in_before and note.name not in self._convertibles:
            return  # the note is planned, and planned events are not posted
        owed = step.before.in_currency(note.claim(step.event.date), note.currency)
        principal = step.before.in_currency(note.amount, note.currency)
        interest = self._cents(owed - principal, path)
        repaid = self._convertibles.pop(note.name, self._cents(principal, path))
        if paid_in_before:
            self._move(Account.PAID_IN, Account.CONVERTIBLES, repaid, month, path)
        self._move(Account.CONVERTIBLES, Account.CASH, repaid, month, path)
        self._move(Account.INTEREST, Account.CASH, interest, month, path)

    def _post_conversions(self, step: Step, month: int, path: str) -> None:
        """Move SAFEs and notes that convert at an event from liabilities to paid-in capital."""
        outstanding_before, outstanding_after = (
            {security.name for security in (*table.safes, *table.notes)}
            for table in (step.before, step.after)
        )
        for name in self._convertibles.keys() & (outstanding_before - outstanding_after):
            cents = self._convertibles.pop(name)
            self._move(Account.CONVERTIBLES, Account.PAID_IN, cents, month, path)

    def _event_amount(self, step: Step, path: str) -> Cents:
        """Return the amount of an event in cents, which may be drawn for each trial."""
        rate = float(step.before.in_currency(Fraction(1), _currency(step))) * self.usd_per_unit
        name = _AMOUNTS[type(step.event)]
        return to_cents(self.trials.numbers_of(step.event, path, rate).usd(name), path)

    def _cents(self, amount: Fraction, path: str) -> Cents:
        return to_cents(np.array([[float(amount) * self.usd_per_unit]]), path)

    def _move(self, debit: Account, credit: Account, cents: Cents, month: int, path: str) -> None:
        self.ledger.post(debit, credit, amount_in_month(cents, month, self.ledger.n_months), path)
