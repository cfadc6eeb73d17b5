"""SAFEs and notes that have not converted when the company is sold.

Each gets its money back (or the multiple of it that its terms state) or, if that is more, the
payout of its shares after conversion. The number of these shares depends on a count of the
company's shares. Here the count includes every convertible with a cap as converted, even if its
holder chooses cash, and excludes those without a cap, whose number of shares depends on the price
itself. YC's post-money SAFE (v1.2, "Liquidity Capitalization") excludes convertibles that are
paid in cash, so that the shares of each depend on the choices of the others. If some convert and
others do not, the convention here gives slightly more to those that convert.
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
    """Whether a cap is a valuation of the company with or without its convertibles."""

    POST_MONEY = "post_money"
    """The valuation includes all convertibles (YC since 2018)."""
    PRE_MONEY = "pre_money"
    """The valuation includes no convertibles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconverted:
    """A SAFE or a note on the day of the sale."""

    id: str
    amount_usd: Fraction
    """Purchase amount of a SAFE; principal and interest of a note."""
    cap_usd: Fraction | None = None
    cap_counts: CapCounts = CapCounts.POST_MONEY
    cap_shares: Fraction | None = None
    """Share count that the terms state, in place of ``cap_counts``."""
    discount: Fraction = NOTHING
    """Discount on the price of the sale, 0 to below 1."""
    cash_usd: Fraction | None = None
    """Payout without conversion, such as twice the principal; None means ``amount_usd``."""
    rank: Rank = Rank.PREFERRED
    """Rank of the claim: SAFEs rank with preferred stock, notes with debt."""
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
    """Return the claims of convertibles on a sale.

    Parameters
    ----------
    other_shares
        All stock as converted and all outstanding options and warrants, without the free pool.

    Raises
    ------
    InputError
        If the post-money caps leave nothing to other holders.
    """
    checks.above("other_shares", other_shares, 0)
    parts = [
        (convertible, convertible.amount_usd / convertible.cap_usd)
        for convertible in unconverted
        if convertible.cap_usd
    ]
    of_all = [part for convertible, part in parts if _counts_all(convertible)]
    others = [
        part * (convertible.cap_shares or other_shares)
        for convertible, part in parts
        if not _counts_all(convertible)
    ]
    if sum(of_all) >= 1:
        raise InputError("caps", f"{float(sum(of_all)):.0%}", "less_than", limit="100%")
    all_shares = (other_shares + sum(others, NOTHING)) / (1 - sum(of_all, NOTHING))
    return tuple(
        _claim(
            convertible,
            all_shares if _counts_all(convertible) else convertible.cap_shares or other_shares,
        )
        for convertible in unconverted
    )


def _counts_all(convertible: Unconverted) -> bool:
    return convertible.cap_shares is None and convertible.cap_counts is CapCounts.POST_MONEY


def _claim(convertible: Unconverted, capitalization: Fraction) -> Convertible:
    """Return the claim of a convertible on a sale.

    Its price is the lower of cap ÷ capitalization and (1 − discount) × the price of the sale.
    """
    cash = convertible.amount_usd if convertible.cash_usd is None else convertible.cash_usd
    return Convertible(
        id=convertible.id,
        cash_usd=cash,
        shares=convertible.amount_usd / convertible.cap_usd * capitalization
        if convertible.cap_usd
        else NOTHING,
        discounted_usd=max(cash, convertible.amount_usd / (1 - convertible.discount)),
        rank=convertible.rank,
        seniority=convertible.seniority,
    )
