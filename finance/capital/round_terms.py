"""A priced round: what it is agreed on, what it meets, what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Self

from pydantic import model_validator

from engine.documents import Document, InputError
from finance.capital.antidilution import Protection
from finance.capital.conversion import Deciding
from finance.capital.exact import EXACT, Rounding, Shares
from finance.capital.instruments import POST_MONEY, Counted

ZERO = Fraction(0)


class Convention(StrEnum):
    """Who bears the dilution by what converts in the round."""

    PERCENTAGE_OWNERSHIP = "percentage_ownership"
    """Those before the round: new money buys new_money ÷ (pre_money + new_money)."""
    PRE_MONEY = "pre_money"
    """All: what converts is not in the pre-money share count."""
    DOLLARS_INVESTED = "dollars_invested"
    """In between: post-money = pre-money + new money + the amounts that convert."""


class PoolBasis(StrEnum):
    """What a pool's size is given as."""

    INCREASE = "increase"
    """Shares to add."""
    UNALLOCATED = "unallocated"
    """Options not yet granted, as a share of the company after the round."""
    WHOLE = "whole"
    """Options granted and not, as a share of the company after the round."""


class PoolChange(Document):
    """How the round changes the option pool; a target below what there is changes nothing."""

    basis: PoolBasis
    value: Shares
    in_pre_money: bool = True
    """Whether those before the round bear it alone."""

    @model_validator(mode="after")
    def _below_all(self) -> Self:
        if self.basis is not PoolBasis.INCREASE and self.value >= 1:
            raise InputError("value", f"{float(self.value):.4g}", "less_than", limit=1)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Converting:
    """A SAFE, or a note with its interest, as the round meets it."""

    amount: Fraction
    cap: Fraction | None = None
    discount: Fraction = ZERO
    counted: Counted = POST_MONEY
    cap_shares: Fraction | None = None
    """A stated share count, in place of ``counted``."""

    @property
    def counts_itself(self) -> bool:
        """Whether its cap is divided by a count that its own shares are in."""
        return self.cap is not None and self.cap_shares is None and self.counted.converting


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """An earlier series with a promise against dilution."""

    shares: Fraction
    """Preferred shares, not as converted."""
    issue_price: Fraction
    conversion_price: Fraction
    protection: Protection
    outstanding: Fraction
    """Shares that its weighted average counts before the round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTerms:
    """A priced round and what it meets, in shares and one currency."""

    pre_money: Fraction
    new_money: Fraction
    outstanding: Fraction
    """Stock as converted, granted options, warrants."""
    granted: Fraction = ZERO
    """Options among them."""
    pool: Fraction = ZERO
    """Options not yet granted."""
    pool_change: PoolChange | None = None
    convention: Convention = Convention.PERCENTAGE_OWNERSHIP
    converting: tuple[Converting, ...] = ()
    protected: tuple[Protected, ...] = ()
    adjustments_in_pre_money: bool = True
    """Whether the shares that protected series gain are in the pre-money share count."""
    rounding: Rounding = EXACT


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one SAFE or note became."""

    shares: Fraction
    price: Fraction
    deciding: Deciding


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedShares:
    """A round's outcome."""

    price: Fraction
    new_shares: Fraction
    pool: Fraction
    """Options not granted after the round."""
    pool_increase: Fraction
    conversions: tuple[Conversion, ...]
    conversion_prices: tuple[Fraction, ...]
    """Of the protected series, after it."""
    adjustment_shares: Fraction
    """As converted, that the protected series gained."""
    capitalization: Fraction
    """Everything before the new money and the pool's increase, conversions included."""
    total: Fraction
    """Fully diluted, after the round."""
