"""Pro rata rights, and the shares that post-money SAFEs sell (YC, Post-Money SAFE User Guide)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.documents import InputError


def sold_by(amount: Fraction, cap: Fraction) -> Fraction:
    """Return the share of the company, before the new money, that a post-money SAFE sells."""
    return amount / cap


def sold_by_all(amounts: Sequence[Fraction], caps: Sequence[Fraction]) -> Fraction:
    """Return the share that several SAFEs sell; InputError if it is the whole company or more."""
    sold = sum(
        (sold_by(amount, cap) for amount, cap in zip(amounts, caps, strict=True)), Fraction(0)
    )
    if sold >= 1:
        raise InputError("cap", f"{float(sold):.1%}", "sells_all")
    return sold


@dataclass(frozen=True, slots=True, kw_only=True)
class ProRata:
    """Outcome of a round with pro rata purchases on top of it (guide, Quick Start 3)."""

    allocation: Fraction
    """Share of the company that the holders with the right buy."""
    dilution: Fraction
    """Share of the company that the round, pro rata and the new pool take together."""
    safes_after: Fraction
    """Share of the company that the SAFEs keep, without their pro rata purchases."""


def pro_rata_on_top(
    new_investors: Fraction, with_right: Fraction, safes: Fraction, pool_increase: Fraction
) -> ProRata:
    """Return the outcome of a round that grows by the pro rata purchases.

    All arguments are shares of the company. Holders of ``with_right`` buy that share of the
    whole round x, and the new investors the rest: x = new_investors ÷ (1 − with_right).
    """
    allocation = new_investors / (1 - with_right) - new_investors
    dilution = new_investors + allocation + pool_increase
    return ProRata(allocation=allocation, dilution=dilution, safes_after=safes * (1 - dilution))


def pro_rata_budget(new_investors: Fraction, total_round: Fraction) -> Fraction:
    """Return the largest share with the right that keeps the round within ``total_round``.

    This is the inverse of :func:`pro_rata_on_top` (guide, E.3).
    """
    return 1 - new_investors / total_round


def pro_rata_shares(held: Fraction, capitalization: Fraction, new_shares: Fraction) -> Fraction:
    """Return the new shares that a holder may buy to keep its share of the company.

    The share is that of ``held`` in the capitalization with everything converted, before the
    new money and the increase of the pool (YC, Pro Rata Side Letter).
    """
    return held / capitalization * new_shares
