"""The cap table: every class, holding, option, warrant and convertible at the end of a day.

The table is a document: a scenario starts from a table, every event makes the next table, and
the Open Cap Table Format exchanges it with other programs.
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
    ZERO,
    NonNegativeAmount,
    NonNegativePrice,
    NonNegativeShares,
    Price,
    Shares,
)
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.roles import HolderRole
from finance.capital.vesting import Vesting

COMMON = "Common"


class Decided(StrEnum):
    """Kinds of terms that decide the shares of a holding, or the conversion price of a class."""

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
    """The term that decided a number of shares, with the figures that its sentence needs."""

    decided: Decided
    price: NonNegativePrice | None = None
    """Price of one share by this term."""
    round_price: Price | None = None
    """Price of the round in which a SAFE or note converted."""
    cap: NonNegativeAmount | None = None
    discount: Decimal | None = None
    of: ShortName | None = None
    """Name of the SAFE whose terms an MFN SAFE took over, of the grant or warrant that was
    exercised, or of the holder who sold."""
    in_round: ShortName | None = None
    """Name of the round, or of the issued holding, to which the term belongs."""


class StockClass(Document):
    """Common stock, or one series of preferred stock."""

    name: ShortName
    preferred: bool = True
    issue_price: Price | None = None
    """Original issue price; the liquidation preference is a multiple of it."""
    conversion_price: Price | None = None
    """Conversion price; a cheaper later issue lowers it if the class is protected."""
    conversion_term: Term | None = None
    """Term of the last reduction of the conversion price."""
    seniority: Annotated[int, Field(ge=0, le=1000)] = 0
    """Rank in a sale: higher classes are paid first, equal ones together."""
    liquidation_multiple: Annotated[Decimal, Field(ge=0, le=10, max_digits=5)] = Decimal(1)
    participating: bool = False
    participation_cap: Annotated[Decimal, Field(ge=1, le=100, max_digits=6)] | None = None
    """Limit of preference and participation together, as a multiple of the issue price."""
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
        """Return the common shares that one share converts into."""
        if self.issue_price is None or self.conversion_price is None:
            return Fraction(1)
        return conversion_ratio(self.issue_price, self.conversion_price)


class Holding(Document):
    """Stock of one class that a holder received in one transaction."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """Name of the certificate, such as CS-1, by which events refer to it."""
    holder: ShortName
    stock_class: ShortName
    shares: Shares
    paid: NonNegativeAmount
    """Amount paid for the stock, in the table's currency."""
    date: datetime.date
    term: Term
    vesting: Vesting | None = None


class CapTable(Document):
    """Ownership of a company at the end of a day."""

    date: datetime.date
    currency: CurrencyCode = "USD"
    rates: dict[CurrencyCode, Annotated[Decimal, Field(gt=0, le=10**9, max_digits=18)]] = Field(
        default_factory=dict
    )
    """Exchange rates: units of the table's currency for one unit of another currency."""
    classes: Annotated[tuple[StockClass, ...], Field(max_length=100)] = (
        StockClass(name=COMMON, preferred=False),
    )
    holdings: Annotated[tuple[Holding, ...], Field(max_length=5000)] = ()
    grants: Annotated[tuple[OptionGrant, ...], Field(max_length=5000)] = ()
    warrants: Annotated[tuple[Warrant, ...], Field(max_length=500)] = ()
    safes: Annotated[tuple[Safe, ...], Field(max_length=500)] = ()
    notes: Annotated[tuple[Note, ...], Field(max_length=500)] = ()
    pool: NonNegativeShares = ZERO
    """Options that may still be granted (the free pool)."""
    roles: dict[ShortName, HolderRole] = Field(default_factory=dict, max_length=5000)
    """Roles of holders by their names. The opening table may name holders of later events; a
    holder without a role here has the role of what it holds."""

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        classes = Counter(stock_class.name for stock_class in self.classes)
        for names in (Counter(security.name for security in self.securities), classes):
            twice = [name for name, times in names.items() if times > 1]
            if twice:
                raise InputError("name", twice[0], "no_repeats")
        used = {holding.stock_class for holding in self.holdings}
        used |= {grant.stock_class for grant in self.grants}
        used |= {warrant.stock_class for warrant in self.warrants}
        for name in sorted(used):
            if name not in classes:
                raise InputError("stock_class", name, "known_class")
        return self

    def changed(self, **changes: object) -> Self:
        """Return a validated copy with some fields changed."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return self.parse(fields | changes)

    @property
    def securities(self) -> tuple[Holding | OptionGrant | Warrant | Safe | Note, ...]:
        """Return all holdings, grants, warrants, SAFEs and notes."""
        return (*self.holdings, *self.grants, *self.warrants, *self.safes, *self.notes)

    def stock_class(self, name: str, field: str = "stock_class") -> StockClass:
        """Return the class with a name; InputError, for ``field``, if there is none."""
        for stock_class in self.classes:
            if stock_class.name == name:
                return stock_class
        raise InputError(field, name, "known_class")

    @cached_property
    def ratios(self) -> dict[str, Fraction]:
        """Common shares that one share of each class converts into, by the name of the class."""
        return {stock_class.name: stock_class.common_per_share for stock_class in self.classes}

    def as_converted(self, stock: Iterable[Holding] | Iterable[Warrant]) -> Fraction:
        """Return the common shares that stock, or warrants for stock, would convert into."""
        ratios = self.ratios
        return sum((security.shares * ratios[security.stock_class] for security in stock), ZERO)

    @cached_property
    def common(self) -> Fraction:
        """Shares of common stock."""
        common = {stock_class.name for stock_class in self.classes if not stock_class.preferred}
        return self.as_converted(
            holding for holding in self.holdings if holding.stock_class in common
        )

    @cached_property
    def preferred(self) -> Fraction:
        """Shares of preferred stock, as converted into common."""
        return self.as_converted(self.holdings) - self.common

    @cached_property
    def granted(self) -> Fraction:
        """Options granted and not yet exercised."""
        return sum((grant.shares for grant in self.grants), ZERO)

    @cached_property
    def outstanding(self) -> Fraction:
        """Stock as converted, granted options and warrants, without the free pool."""
        return self.common + self.preferred + self.granted + self.as_converted(self.warrants)

    @property
    def fully_diluted(self) -> Fraction:
        """Shares outstanding and the free pool; SAFEs and notes count only once converted."""
        return self.outstanding + self.pool

    def shares_by_holder(self) -> dict[str, Fraction]:
        """Return the fully diluted shares of each holder, without the free pool."""
        ratios = self.ratios
        held = [
            (holding.holder, holding.shares * ratios[holding.stock_class])
            for holding in self.holdings
        ]
        held += [
            (warrant.holder, warrant.shares * ratios[warrant.stock_class])
            for warrant in self.warrants
        ]
        held += [(grant.holder, grant.shares) for grant in self.grants]
        totals: dict[str, Fraction] = {}
        for holder, shares in held:
            totals[holder] = totals.get(holder, ZERO) + shares
        return totals

    def ownership(self) -> dict[str, Fraction]:
        """Return each holder's share of :attr:`fully_diluted`; with the pool they sum to 1."""
        total = self.fully_diluted
        return {holder: shares / total for holder, shares in self.shares_by_holder().items()}

    def in_currency(self, amount: Decimal | Fraction, currency: str) -> Fraction:
        """Return an amount in the table's currency, exact; InputError if there is no rate."""
        if currency == self.currency:
            return Fraction(amount)
        if currency not in self.rates:
            raise InputError("currency", currency, "rate_needed", currency=self.currency)
        return Fraction(amount) * Fraction(self.rates[currency])
