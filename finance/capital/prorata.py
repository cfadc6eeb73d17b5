"""Pro rata rights, and what post-money SAFEs sell (YC, Post-Money SAFE User Guide)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.documents import InputError


def sold_by(amount: Fraction, cap: Fraction) -> Fraction:
    """Share of the company before the new money that a post-money SAFE sells."""
    return amount / cap


def sold_by_all(amounts: Sequence[Fraction], caps: Sequence[Fraction]) -> Fraction:
    """What several sell together; InputError if that is the whole company or more."""
    sold = sum((sold_by(*one) for one in zip(amounts, caps, strict=True)), Fraction(0))
    if sold >= 1:
        raise InputError("cap", f"{float(sold):.1%}", "sells_all")
    return sold


@dataclass(frozen=True, slots=True, kw_only=True)
class ProRata:
    """What a round with pro rata on top does to those before it (guide, Quick Start 3)."""

    allocation: Fraction
    """Share of the company that the holders with the right buy."""
    dilution: Fraction
    """Share of the company that round, pro rata and new pool take together."""
    safes_after: Fraction
    """What is left of the SAFEs, purchases not counted."""


def pro_rata_on_top(
    new_investors: Fraction, with_right: Fraction, safes: Fraction, pool_increase: Fraction
) -> ProRata:
    """Pro rata bought beside the lead's share, so that the round grows by it.

    Holders of ``with_right`` buy that share of the whole round x, of which new investors keep
    theirs: x = new_investors ÷ (1 − with_right).
    """
    allocation = new_investors / (1 - with_right) - new_investors
    dilution = new_investors + allocation + pool_increase
    return ProRata(allocation=allocation, dilution=dilution, safes_after=safes * (1 - dilution))


def pro_rata_budget(new_investors: Fraction, total_round: Fraction) -> Fraction:
    """The largest share that may hold the right for the round to stay within ``total_round``.

    The inverse of :func:`pro_rata_on_top` (guide, E.3).
    """
    return 1 - new_investors / total_round


def pro_rata_shares(held: Fraction, capitalization: Fraction, new_shares: Fraction) -> Fraction:
    """Of the shares that a round sells, those that a holder may buy to keep their share.

    The share is of the capitalization with everything converted, before the new money and the
    pool's increase (YC, Pro Rata Side Letter).
    """
    return held / capitalization * new_shares
