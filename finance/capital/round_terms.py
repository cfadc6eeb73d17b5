"""A priced round: its agreed terms, the securities that it affects, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Self

from pydantic import model_validator

from engine.documents import Document, InputError
from finance.capital.antidilution import Protection
from finance.capital.conversion import Deciding
from finance.capital.exact import EXACT, ZERO, Rounding, Shares
from finance.capital.instruments import POST_MONEY, Counted


class Convention(StrEnum):
    """Holders who bear the dilution by the securities that convert in the round."""

    PERCENTAGE_OWNERSHIP = "percentage_ownership"
    """Existing holders: new money buys new_money ÷ (pre_money + new_money)."""
    PRE_MONEY = "pre_money"
    """All holders: the pre-money share count excludes the shares from conversions."""
    DOLLARS_INVESTED = "dollars_invested"
    """Shared: post-money = pre-money + new money + the amounts that convert."""


class PoolBasis(StrEnum):
    """Ways to state the size of a pool."""

    INCREASE = "increase"
    """Shares to add to the pool."""
    UNALLOCATED = "unallocated"
    """Options not granted, as a share of the company after the round."""
    WHOLE = "whole"
    """Options granted and not granted, as a share of the company after the round."""


class PoolChange(Document):
    """Change of the option pool by a round; a target below the present pool changes nothing."""

    basis: PoolBasis
    value: Shares
    in_pre_money: bool = True
    """Whether the holders before the round alone bear the increase."""

    @model_validator(mode="after")
    def _below_all(self) -> Self:
        if self.basis is not PoolBasis.INCREASE and self.value >= 1:
            raise InputError("value", f"{float(self.value):.4g}", "less_than", limit=1)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Converting:
    """Conversion terms of a SAFE, or of a note with its interest."""

    amount: Fraction
    cap: Fraction | None = None
    discount: Fraction = ZERO
    counted: Counted = POST_MONEY
    cap_shares: Fraction | None = None
    """Stated share count, in place of ``counted``."""

    @property
    def counts_itself(self) -> bool:
        """Whether the cap is divided by a count that includes the security's own shares."""
        return self.cap is not None and self.cap_shares is None and self.counted.converting


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """An earlier series with anti-dilution protection."""

    shares: Fraction
    """Preferred shares, not as converted."""
    issue_price: Fraction
    conversion_price: Fraction
    protection: Protection
    outstanding: Fraction
    """Shares that the weighted average counts before the round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTerms:
    """A priced round and the securities that it affects, in shares and one currency."""

    pre_money: Fraction
    new_money: Fraction
    outstanding: Fraction
    """Stock as converted, granted options and warrants."""
    granted: Fraction = ZERO
    """Granted options, which are part of ``outstanding``."""
    pool: Fraction = ZERO
    """Options not granted before the round."""
    pool_change: PoolChange | None = None
    convention: Convention = Convention.PERCENTAGE_OWNERSHIP
    converting: tuple[Converting, ...] = ()
    protected: tuple[Protected, ...] = ()
    adjustments_in_pre_money: bool = True
    """Whether the pre-money share count includes the shares that protected series gain."""
    rounding: Rounding = EXACT


@dataclass(frozen=True, slots=True)
class Conversion:
    """Shares into which one SAFE or note converts, and their price."""

    shares: Fraction
    price: Fraction
    deciding: Deciding


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedShares:
    """Share counts and prices of a round."""

    price: Fraction
    new_shares: Fraction
    pool: Fraction
    """Options not granted, after the round."""
    pool_increase: Fraction
    conversions: tuple[Conversion, ...]
    conversion_prices: tuple[Fraction, ...]
    """Conversion prices of the protected series after the round."""
    adjustment_shares: Fraction
    """Shares that the protected series gain, as converted."""
    capitalization: Fraction
    """Shares before the new money and the increase of the pool, with conversions."""
    total: Fraction
    """Fully diluted shares after the round."""
