"""Securities that convert or may be exercised: SAFEs, convertible notes, options, warrants."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import CurrencyCode, DecimalShareBelowOne, ShortName
from finance.capital.exact import Amount, NonNegativePrice, Price, Shares
from finance.capital.interest import Accrual, DayCount, accrued, year_fraction
from finance.capital.vesting import Vesting


class Counted(Document):
    """Shares that a cap is divided by, in addition to those outstanding and the options granted.

    YC's guide compares the two forms of the SAFE by these three counts (Post-Money SAFE User Guide,
    "In an Equity Financing, how does the calculation differ").
    """

    pool: bool
    """Whether options not yet granted before the round count."""
    pool_increase: bool
    """Whether the options that the round adds to the pool count."""
    converting: bool
    """Whether shares from everything that converts in the round count, including this security."""


POST_MONEY = Counted(pool=True, pool_increase=False, converting=True)
"""Count of YC's SAFE since 2018: amount ÷ cap is the share of the company before new money."""
PRE_MONEY = Counted(pool=True, pool_increase=True, converting=False)
"""Count of YC's SAFE before 2018."""


class Convertible(Document):
    """Fields that SAFEs and notes share."""

    planned: bool = False
    name: ShortName
    """Name of the security, such as SAFE-1, by which events refer to it."""
    holder: ShortName
    date: datetime.date
    amount: Amount
    """Amount paid for the security, in ``currency``."""
    currency: CurrencyCode = "USD"
    cap: Amount | None = None
    """Valuation cap, in ``currency``."""
    discount: DecimalShareBelowOne = Decimal(0)
    """Discount on the round's price, 0 to below 1."""
    pro_rata_right: bool = False

    @model_validator(mode="after")
    def _cap_above_amount(self) -> Self:
        if self.cap is not None and self.cap <= self.amount:
            raise InputError("cap", f"{self.cap}", "above_raised", raised=f"{self.amount:,}")
        return self


class Safe(Convertible):
    """A simple agreement for future equity (Y Combinator)."""

    kind: Literal["safe"] = "safe"
    counted: Counted = POST_MONEY
    mfn: bool = False
    """Most favoured nation: the holder may take over the terms of one later SAFE."""
    mfn_of: ShortName | None = None
    """Name of the SAFE whose terms were taken over."""


class Note(Convertible):
    """A convertible note: a loan that converts with its interest."""

    kind: Literal["note"] = "note"
    counted: Counted
    """Shares that the cap is divided by; forms differ, so there is no default."""
    cap_shares: Shares | None = None
    """Share count that the note itself states, in place of ``counted``."""
    rate: Annotated[Decimal, Field(ge=0, le=1, max_digits=8)]
    """Interest rate per year, 0 to 1."""
    accrual: Accrual = Accrual.SIMPLE
    periods_per_year: Annotated[int, Field(ge=1, le=365)] = 1
    day_count: DayCount = DayCount.ACT_365F
    maturity: datetime.date | None = None
    """Day on which the note is due; None means on demand."""
    qualified_amount: Annotated[Decimal, Field(ge=0, decimal_places=2)] = Decimal("0.00")
    """New money from which a round converts the note automatically, in ``currency``."""
    repayment_multiple: Annotated[Decimal, Field(ge=1, le=10, max_digits=4)] = Decimal(1)
    """Multiple of the principal that a change of control pays, in addition to the interest."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.maturity is not None and self.maturity <= self.date:
            raise InputError("maturity", str(self.maturity), "later_than", other=str(self.date))
        return self

    def claim(self, on: datetime.date) -> Fraction:
        """Return principal and interest at the end of a day; interest accrues past maturity."""
        return accrued(
            Fraction(self.amount),
            Fraction(self.rate),
            year_fraction(self.date, on, self.day_count),
            self.accrual,
            self.periods_per_year,
        )

    def exit_claim(self, on: datetime.date) -> Fraction:
        """Return the claim on a change of control: the multiple of the principal, and the interest.

        Fenwick's seed-stage note §2.3 and the D3 template §4.3 define it in this way.
        """
        return exit_claim(Fraction(self.amount), self.claim(on), Fraction(self.repayment_multiple))


def exit_claim(principal: Fraction, claim: Fraction, multiple: Fraction) -> Fraction:
    """Return ``multiple`` times the principal, plus the interest contained in ``claim``."""
    return multiple * principal + claim - principal


class OptionGrant(Document):
    """Options on common stock, granted from the pool."""

    planned: bool = False
    kind: Literal["option_grant"] = "option_grant"
    name: ShortName
    holder: ShortName
    date: datetime.date
    shares: Shares
    """Options not yet exercised."""
    exercised: Annotated[Fraction, Field(ge=0)] = Fraction(0)
    """Options already exercised."""
    exercise_price: NonNegativePrice
    stock_class: ShortName = "Common"
    vesting: Vesting | None = None

    def exercisable(self, on: datetime.date) -> Fraction:
        """Return the options that are vested on a day and not yet exercised."""
        if self.vesting is None:
            return self.shares
        vested = self.vesting.vested(self.shares + self.exercised, on)
        return max(Fraction(0), vested - self.exercised)


class Warrant(Document):
    """A right to buy stock of a class at a price, such as lenders receive."""

    planned: bool = False
    kind: Literal["warrant"] = "warrant"
    name: ShortName
    holder: ShortName
    date: datetime.date
    shares: Shares
    exercise_price: Price
    stock_class: ShortName = "Common"
    expires: datetime.date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.expires is not None and self.expires <= self.date:
            raise InputError("expires", str(self.expires), "later_than", other=str(self.date))
        return self
