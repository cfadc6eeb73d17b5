"""Payouts of a sale of a scenario's company, at one exit value and over all of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from finance.books.ledger import Account
from finance.books.months import month_of_date
from finance.capital.events import PricedRound
from finance.capital.history import Capital, Step, table_on
from finance.capital.table import Term
from finance.company.monthly_run import Books
from finance.exits.claims import Choice, Debt
from finance.exits.curves import BreakPoint, break_points, payouts_up_to
from finance.exits.returns import InvestorReturn
from finance.exits.sale import Sale, returns, sale
from finance.exits.waterfall import payouts
from finance.funding.ownership import last_day, stakes
from finance.revenue.prices import REPORTING_CURRENCY

YEARS_TO_EXIT = 2
"""Years from the last event of the cap table to a sale without a stated day."""
EXIT_TO_POST_MONEY = 2
"""Default exit value as a multiple of the post-money valuation of the last round."""


@dataclass(frozen=True, slots=True)
class HolderPayout:
    """Payout and return of one holder in a sale."""

    holder: str
    usd: Fraction
    """Payout in the cap table's currency, as are all amounts of this module."""
    result: InvestorReturn
    choices: tuple[Choice, ...]
    """Choices of the holder for its claims, without repeats."""
    terms: tuple[Term, ...]
    """Terms that decided the holder's shares."""


@dataclass(frozen=True, slots=True)
class Exit:
    """A sale of the company on one day."""

    capital: Capital
    steps: Sequence[Step]
    sold: Sale

    def at(self, exit_usd: Fraction) -> list[HolderPayout]:
        """Return the payouts at one exit value, in the order of the claims.

        They sum to the exit value to the cent.
        """
        paid = payouts(self.sold.stack, exit_usd)
        results = returns(self.capital, self.steps, self.sold, paid)
        in_cents = _by_holder(self.sold, paid.in_cents())
        table = table_on(self.capital, self.steps, self.sold.date)
        terms = {stake.holder: stake.terms for stake in stakes(table)}
        return [
            HolderPayout(
                holder=holder,
                usd=usd,
                result=results[holder],
                choices=tuple(
                    dict.fromkeys(
                        paid.choices[claim]
                        for claim, of in self.sold.holders.items()
                        if of == holder
                    )
                ),
                terms=terms.get(holder, ()),
            )
            for holder, usd in in_cents.items()
        ]

    def lines(self, highest_usd: Fraction) -> tuple[list[float], Mapping[str, list[float]]]:
        """Return the corners of the payout curves from 0 to ``highest_usd``.

        The result is the exit values of the corners, and the payouts there by holder. Between
        two corners every payout is a straight line.
        """
        corners = payouts_up_to(self.sold.stack, highest_usd)
        values = [float(corner.exit_usd) for corner in corners]
        found: dict[str, list[float]] = {holder: [] for holder in self.sold.holders.values()}
        for corner in corners:
            for holder, usd in self.sold.by_holder(corner).items():
                found[holder].append(float(usd))
        return values, found

    def breaks(self, highest_usd: Fraction) -> list[BreakPoint]:
        """Return the break points above 0 and up to ``highest_usd``."""
        return [
            point for point in break_points(self.sold.stack) if 0 < point.exit_usd <= highest_usd
        ]


def exit_of(
    capital: Capital, steps: Sequence[Step], on: datetime.date, debts: Sequence[Debt] = ()
) -> Exit:
    """Return the sale of the company on a day, with the cap table of that day."""
    return Exit(capital, steps, sale(table_on(capital, steps, on), on, debts))


def loans_on(
    books: Books, on: datetime.date, name: str, currency: str = REPORTING_CURRENCY
) -> tuple[Debt, ...]:
    """Return the debt at the end of a day's month, or of the last month of the books.

    The result is empty if nothing is owed. ``name`` is the lenders' name among the holders,
    ``currency`` that of the cap table.
    """
    month = min(month_of_date(books.company.first_month, on), books.ledger.n_months)
    if month < 1:
        return ()
    owed = Fraction(int(books.statements.balance_sheet[Account.DEBT][0, month - 1]), 100)
    owed /= Fraction(repr(books.company.usd_per_unit(currency)))
    return (Debt(id=name, claim_usd=owed),) if owed else ()


def default_exit_date(capital: Capital) -> datetime.date:
    """Return the day :data:`YEARS_TO_EXIT` years after the last event."""
    last = last_day(capital)
    return last.replace(year=last.year + YEARS_TO_EXIT, day=min(last.day, 28))


def default_exit_value(steps: Sequence[Step]) -> Fraction:
    """Return :data:`EXIT_TO_POST_MONEY` times the last post-money, in the table's currency.

    Without a priced round it is 10 million.
    """
    values = [
        step.before.in_currency(deal.pre_money + deal.new_money, deal.currency)
        for step in steps
        if isinstance(deal := step.event, PricedRound)
    ]
    return EXIT_TO_POST_MONEY * values[-1] if values else Fraction(10_000_000)


def _by_holder(sold: Sale, usd: Mapping[str, Fraction]) -> dict[str, Fraction]:
    totals: dict[str, Fraction] = dict.fromkeys(sold.holders.values(), Fraction(0))
    for claim, amount in usd.items():
        totals[sold.holders[claim]] += amount
    return totals
