"""The cap table: every class, holding, option, warrant and convertible at the end of a day.

It is a document: a scenario begins with one, every event makes the next, and the Open Cap Table
Format carries it elsewhere.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import CurrencyCode, ShortName
from finance.capital.antidilution import Protection, conversion_ratio
from finance.capital.exact import (
    NonNegativeAmount,
    NonNegativePrice,
    NonNegativeShares,
    Price,
    Shares,
)
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.vesting import Vesting

COMMON = "Common"
ZERO = Fraction(0)


class Decided(StrEnum):
    """What set the number of shares that somebody holds, or what a class converts into."""

    ISSUED = "issued"
    BOUGHT = "bought"
    PRO_RATA = "pro_rata"
    CAP = "cap"
    DISCOUNT = "discount"
    ROUND_PRICE = "round_price"
    STATED_PRICE = "stated_price"
    TRANCHE = "tranche"
    EXERCISED = "exercised"
    TRANSFERRED = "transferred"
    BROAD_BASED = "broad_based"
    NARROW_BASED = "narrow_based"
    FULL_RATCHET = "full_ratchet"


class Term(Document):
    """The deciding term, as a key of the catalogs and what its words need."""

    decided: Decided
    price: NonNegativePrice | None = None
    """What one share came to."""
    round_price: Price | None = None
    """The round's, where it was not the one that counted."""
    cap: NonNegativeAmount | None = None
    discount: Decimal | None = None
    of: ShortName | None = None
    """The SAFE whose terms an MFN took over, the grant that was exercised, who sold."""
    in_round: ShortName | None = None


class StockClass(Document):
    """Common stock, or one series of preferred."""

    name: ShortName
    preferred: bool = True
    issue_price: Price | None = None
    """Original issue price: what preferences are a multiple of."""
    conversion_price: Price | None = None
    """Falls below the issue price when a later issue is cheaper and the class is protected."""
    conversion_term: Term | None = None
    """What lowered it last."""
    seniority: Annotated[int, Field(ge=0, le=1000)] = 0
    """The higher, the earlier it is paid; equal ones share."""
    liquidation_multiple: Annotated[Decimal, Field(ge=0, le=10, max_digits=5)] = Decimal(1)
    participating: bool = False
    participation_cap: Annotated[Decimal, Field(ge=1, le=100, max_digits=6)] | None = None
    """Of preference and participation together, as a multiple of the issue price."""
    protection: Protection = Protection.NONE
    pro_rata_right: bool = False

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        if self.protection is not Protection.NONE and self.conversion_price is None:
            raise InputError("conversion_price", "—", "missing")
        cap = self.participation_cap
        if cap is not None and cap < self.liquidation_multiple:
            raise InputError(
                "participation_cap", f"{cap}", "greater_than_equal", limit=self.liquidation_multiple
            )
        return self

    @property
    def common_per_share(self) -> Fraction:
        """Common shares that one share converts into."""
        if self.issue_price is None or self.conversion_price is None:
            return Fraction(1)
        return conversion_ratio(self.issue_price, self.conversion_price)


class Holding(Document):
    """Stock of one class that one holder got at once."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Of the certificate, such as CS-1: events refer to it."""
    holder: ShortName
    stock_class: ShortName
    shares: Shares
    paid: NonNegativeAmount
    """In the table's currency."""
    date: datetime.date
    term: Term
    vesting: Vesting | None = None


class CapTable(Document):
    """Who owns what at the end of a day."""

    date: datetime.date
    currency: CurrencyCode = "USD"
    rates: dict[CurrencyCode, Annotated[Decimal, Field(gt=0, le=10**9, max_digits=18)]] = Field(
        default_factory=dict
    )
    """Of this table's currency, for one unit of another."""
    classes: Annotated[tuple[StockClass, ...], Field(max_length=100)] = (
        StockClass(name=COMMON, preferred=False),
    )
    holdings: Annotated[tuple[Holding, ...], Field(max_length=5000)] = ()
    grants: Annotated[tuple[OptionGrant, ...], Field(max_length=5000)] = ()
    warrants: Annotated[tuple[Warrant, ...], Field(max_length=500)] = ()
    safes: Annotated[tuple[Safe, ...], Field(max_length=500)] = ()
    notes: Annotated[tuple[Note, ...], Field(max_length=500)] = ()
    pool: NonNegativeShares = ZERO
    """Options that may still be granted."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        classes = Counter(one.name for one in self.classes)
        for names in (Counter(one.name for one in self.securities), classes):
            twice = [name for name, times in names.items() if times > 1]
            if twice:
                raise InputError("name", twice[0], "no_repeats")
        used = {one.stock_class for one in self.holdings}
        used |= {one.stock_class for one in self.grants}
        used |= {one.stock_class for one in self.warrants}
        for name in sorted(used):
            if name not in classes:
                raise InputError("stock_class", name, "known_class")
        return self

    def changed(self, **changes: object) -> Self:
        """A validated copy."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return self.parse(fields | changes)

    @property
    def securities(self) -> tuple[Holding | OptionGrant | Warrant | Safe | Note, ...]:
        return (*self.holdings, *self.grants, *self.warrants, *self.safes, *self.notes)

    def stock_class(self, name: str, field: str = "stock_class") -> StockClass:
        """The class of that name; InputError, for ``field``, if there is none."""
        for one in self.classes:
            if one.name == name:
                return one
        raise InputError(field, name, "known_class")

    @cached_property
    def ratios(self) -> dict[str, Fraction]:
        """Common shares for one share of each class."""
        return {one.name: one.common_per_share for one in self.classes}

    def as_converted(self, stock: Iterable[Holding] | Iterable[Warrant]) -> Fraction:
        """Common shares that stock, or warrants for stock, would become."""
        ratios = self.ratios
        return sum((one.shares * ratios[one.stock_class] for one in stock), ZERO)

    @cached_property
    def common(self) -> Fraction:
        """As converted, like :attr:`preferred`."""
        common = {one.name for one in self.classes if not one.preferred}
        return self.as_converted(one for one in self.holdings if one.stock_class in common)

    @cached_property
    def preferred(self) -> Fraction:
        return self.as_converted(self.holdings) - self.common

    @cached_property
    def granted(self) -> Fraction:
        return sum((one.shares for one in self.grants), ZERO)

    @cached_property
    def outstanding(self) -> Fraction:
        """Stock as converted, granted options and warrants: all but the free pool."""
        return self.common + self.preferred + self.granted + self.as_converted(self.warrants)

    @property
    def fully_diluted(self) -> Fraction:
        """As the field counts: the free pool too, SAFEs and notes not before they convert."""
        return self.outstanding + self.pool

    def shares_by_holder(self) -> dict[str, Fraction]:
        """Fully diluted shares of each holder, without the free pool."""
        ratios = self.ratios
        held = [(one.holder, one.shares * ratios[one.stock_class]) for one in self.holdings]
        held += [(one.holder, one.shares * ratios[one.stock_class]) for one in self.warrants]
        held += [(one.holder, one.shares) for one in self.grants]
        totals: dict[str, Fraction] = {}
        for holder, shares in held:
            totals[holder] = totals.get(holder, ZERO) + shares
        return totals

    def ownership(self) -> dict[str, Fraction]:
        """Each holder's part of :attr:`fully_diluted`; with the pool's they add up to 1."""
        total = self.fully_diluted
        return {holder: shares / total for holder, shares in self.shares_by_holder().items()}

    def in_currency(self, amount: Decimal | Fraction, currency: str) -> Fraction:
        """An amount in the table's currency, exactly; InputError if there is no rate."""
        if currency == self.currency:
            return Fraction(amount)
        if currency not in self.rates:
            raise InputError("currency", currency, "rate_needed", currency=self.currency)
        return Fraction(amount) * Fraction(self.rates[currency])
