"""SAFEs and notes that have not converted when the company is sold.

Each gets its money back (or the multiple of it that its terms state) or, if that is more, what
it would hold as common stock. How many shares that is needs a count of the company's shares; the
convention here is that the count includes every convertible with a cap as converted, whatever it
chooses in the end, and leaves out those without one, whose number of shares depends on the price
itself. YC's post-money SAFE (v1.2, "Liquidity Capitalization") leaves out convertibles that are
paid in cash, which makes each one's shares depend on the others' choices; where some convert and
others do not, the convention here gives those who convert a little more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from engine.documents import InputError
from finance.exits.claims import MAX_MULTIPLE, NOTHING, Convertible, Rank
from finance.numbers import checks


class CapCounts(StrEnum):
    """Whether a cap values the company with or without its convertibles."""

    POST_MONEY = "post_money"
    """All of them included (YC since 2018)."""
    PRE_MONEY = "pre_money"
    """None of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconverted:
    """A SAFE or a note on the day of the sale."""

    id: str
    amount_usd: Fraction
    """Purchase amount; of a note principal and interest."""
    cap_usd: Fraction | None = None
    cap_counts: CapCounts = CapCounts.POST_MONEY
    cap_shares: Fraction | None = None
    """A share count that the terms state, in place of ``cap_counts``."""
    discount: Fraction = NOTHING
    """On the price of the sale, 0 to below 1."""
    cash_usd: Fraction | None = None
    """Paid if it does not convert, such as twice the principal; None: ``amount_usd``."""
    rank: Rank = Rank.PREFERRED
    """SAFEs stand with preferred stock, notes with debt."""
    seniority: int = 0

    def __post_init__(self) -> None:
        checks.amount(f"{self.id}.amount_usd", self.amount_usd)
        checks.within(f"{self.id}.discount", self.discount, 0, Fraction(99, 100))
        if self.cap_shares is not None:
            checks.above(f"{self.id}.cap_shares", self.cap_shares, 0)
        if self.cash_usd is not None:
            checks.within(f"{self.id}.cash_usd", self.cash_usd, 0, MAX_MULTIPLE * self.amount_usd)
        if self.cap_usd is not None:
            checks.above(f"{self.id}.cap_usd", self.cap_usd, 0)
            checks.amount(f"{self.id}.cap_usd", self.cap_usd)


def claims_of(
    unconverted: Sequence[Unconverted], other_shares: Fraction
) -> tuple[Convertible, ...]:
    """The claims that convertibles have on a sale.

    Parameters
    ----------
    other_shares
        All stock as converted and all outstanding options and warrants; no unallocated pool.

    Raises
    ------
    InputError
        If the post-money caps leave nothing to anybody else.
    """
    checks.above("other_shares", other_shares, 0)
    parts = [(one, one.amount_usd / one.cap_usd) for one in unconverted if one.cap_usd]
    of_all = [part for one, part in parts if _counts_all(one)]
    others = [
        part * (one.cap_shares or other_shares) for one, part in parts if not _counts_all(one)
    ]
    if sum(of_all) >= 1:
        raise InputError("caps", f"{float(sum(of_all)):.0%}", "less_than", limit="100%")
    all_shares = (other_shares + sum(others, NOTHING)) / (1 - sum(of_all, NOTHING))
    return tuple(
        _claim(one, all_shares if _counts_all(one) else one.cap_shares or other_shares)
        for one in unconverted
    )


def _counts_all(one: Unconverted) -> bool:
    return one.cap_shares is None and one.cap_counts is CapCounts.POST_MONEY


def _claim(one: Unconverted, capitalization: Fraction) -> Convertible:
    """Its price is the lower of cap ÷ capitalization and (1 − discount) × the sale's price."""
    cash = one.amount_usd if one.cash_usd is None else one.cash_usd
    return Convertible(
        id=one.id,
        cash_usd=cash,
        shares=one.amount_usd / one.cap_usd * capitalization if one.cap_usd else NOTHING,
        discounted_usd=max(cash, one.amount_usd / (1 - one.discount)),
        rank=one.rank,
        seniority=one.seniority,
    )
