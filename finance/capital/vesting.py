"""Vesting with a cliff, in calendar months."""

from __future__ import annotations

import calendar
import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError

MAX_MONTHS = 240


class Acceleration(StrEnum):
    """Event that makes unvested shares vest at once."""

    NONE = "none"
    SINGLE_TRIGGER = "single_trigger"
    """A change of control."""
    DOUBLE_TRIGGER = "double_trigger"
    """A change of control and a dismissal."""


class Vesting(Document):
    """Schedule by which the shares of a grant vest."""

    start: datetime.date
    months: Annotated[int, Field(ge=1, le=MAX_MONTHS)] = 48
    cliff_months: Annotated[int, Field(ge=0, le=MAX_MONTHS)] = 12
    every_months: Annotated[int, Field(ge=1, le=12)] = 1
    """Months between two vesting dates: 1 is monthly, 3 quarterly."""
    acceleration: Acceleration = Acceleration.NONE
    accelerated_share: Annotated[Decimal, Field(ge=0, le=1, max_digits=6)] = Decimal(1)
    """Share of the unvested shares that vests on the trigger, 0 to 1."""

    @model_validator(mode="after")
    def _cliff_within(self) -> Self:
        if self.cliff_months > self.months:
            raise InputError(
                "cliff_months", self.cliff_months, "less_than_equal", limit=self.months
            )
        for field in ("months", "cliff_months"):
            if (value := getattr(self, field)) % self.every_months:
                raise InputError(field, value, "multiple_of", limit=self.every_months)
        return self

    def vested(self, shares: Fraction, on: datetime.date) -> Fraction:
        """Return the part of ``shares`` that is vested at the end of the day ``on``."""
        return vested_shares(
            shares, self.months, self.cliff_months, months_between(self.start, on),
            self.every_months,
        )  # fmt: skip

    def vested_at_exit(
        self, shares: Fraction, on: datetime.date, dismissed: bool = False
    ) -> Fraction:
        """Return the vested shares if control changes on the day ``on``.

        ``dismissed`` says whether the holder is dismissed, the second trigger.
        """
        earned = self.vested(shares, on)
        triggered = self.acceleration is Acceleration.SINGLE_TRIGGER or (
            self.acceleration is Acceleration.DOUBLE_TRIGGER and dismissed
        )
        if not triggered:
            return earned
        return Fraction(floor(earned + (shares - earned) * Fraction(self.accelerated_share)))


def vested_shares(
    shares: Fraction, total_months: int, cliff_months: int, months: int, every_months: int = 1
) -> Fraction:
    """Return the whole shares vested after ``months``.

    None vest before the cliff; after it they vest evenly, rounded down. The last month vests
    all of them, including a fraction of a share. Cooley GO's standard is 48 months with a cliff
    at 12, monthly after that.
    """
    if months < cliff_months or months < 0:
        return Fraction(0)
    if months >= total_months:
        return shares
    steps = months // every_months * every_months
    return Fraction(floor(shares * max(steps, cliff_months) / total_months))


def months_between(start: datetime.date, end: datetime.date) -> int:
    """Return the whole months between two days.

    A month that begins on the 31st ends on the last day of a shorter month.
    """
    months = 12 * (end.year - start.year) + end.month - start.month
    last_day = calendar.monthrange(end.year, end.month)[1]
    return months - (end.day < min(start.day, last_day))
