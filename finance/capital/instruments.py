"""What converts or may be exercised: SAFEs, convertible notes, options, warrants."""

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
    """Which shares a cap is divided by, beside those outstanding and the options granted.

    YC's guide compares the two forms of the SAFE by these three (Post-Money SAFE User Guide,
    "In an Equity Financing, how does the calculation differ").
    """

    pool: bool
    """Options not yet granted, as many as there are before the round."""
    pool_increase: bool
    """Those that the round adds to the pool."""
    converting: bool
    """Shares from everything that converts in the round, this instrument's own included."""


POST_MONEY = Counted(pool=True, pool_increase=False, converting=True)
"""YC's SAFE since 2018: amount ÷ cap is the share of the company before the new money."""
PRE_MONEY = Counted(pool=True, pool_increase=True, converting=False)
"""YC's SAFE before 2018."""


class Convertible(Document):
    """What SAFEs and notes have in common."""

    planned: bool = False
    name: ShortName
    """Its own, such as SAFE-1: events refer to it."""
    holder: ShortName
    date: datetime.date
    amount: Amount
    currency: CurrencyCode = "USD"
    cap: Amount | None = None
    discount: DecimalShareBelowOne = Decimal(0)
    """0.2: the holder pays 80% of the round's price."""
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
    """The SAFE whose terms were taken over."""


class Note(Convertible):
    """A convertible note: a loan that converts with its interest."""

    kind: Literal["note"] = "note"
    counted: Counted
    """Forms differ, so there is no default."""
    cap_shares: Shares | None = None
    """A share count that the note itself states, in place of ``counted``."""
    rate: Annotated[Decimal, Field(ge=0, le=1, max_digits=8)]
    """A year."""
    accrual: Accrual = Accrual.SIMPLE
    periods_per_year: Annotated[int, Field(ge=1, le=365)] = 1
    day_count: DayCount = DayCount.ACT_365F
    maturity: datetime.date | None = None
    """None: on demand."""
    qualified_amount: Annotated[Decimal, Field(ge=0, decimal_places=2)] = Decimal("0.00")
    """New money from which on a round converts the note by itself."""
    repayment_multiple: Annotated[Decimal, Field(ge=1, le=10, max_digits=4)] = Decimal(1)
    """Of the principal, paid beside the interest when control changes."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.maturity is not None and self.maturity <= self.date:
            raise InputError("maturity", str(self.maturity), "later_than", other=str(self.date))
        return self

    def claim(self, on: datetime.date) -> Fraction:
        """Principal and interest at the end of that day; interest runs on after maturity."""
        return accrued(
            Fraction(self.amount),
            Fraction(self.rate),
            year_fraction(self.date, on, self.day_count),
            self.accrual,
            self.periods_per_year,
        )

    def exit_claim(self, on: datetime.date) -> Fraction:
        """What a change of control owes: the multiple of the principal, and the interest.

        As in Fenwick's seed-stage note §2.3 and the D3 template §4.3.
        """
        return exit_claim(Fraction(self.amount), self.claim(on), Fraction(self.repayment_multiple))


def exit_claim(principal: Fraction, claim: Fraction, multiple: Fraction) -> Fraction:
    """``multiple`` times the principal, and the interest that ``claim`` holds beside it."""
    return multiple * principal + claim - principal


class OptionGrant(Document):
    """Options on stock of a common class, out of the pool."""

    planned: bool = False
    kind: Literal["option_grant"] = "option_grant"
    name: ShortName
    holder: ShortName
    date: datetime.date
    shares: Shares
    """Not yet exercised."""
    exercised: Annotated[Fraction, Field(ge=0)] = Fraction(0)
    exercise_price: NonNegativePrice
    stock_class: ShortName = "Common"
    vesting: Vesting | None = None

    def exercisable(self, on: datetime.date) -> Fraction:
        """Vested and not yet exercised."""
        if self.vesting is None:
            return self.shares
        vested = self.vesting.vested(self.shares + self.exercised, on)
        return max(Fraction(0), vested - self.exercised)


class Warrant(Document):
    """A right to buy stock of a class at a price, such as a lender gets."""

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
