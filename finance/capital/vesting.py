"""Vesting with a cliff, in months of the calendar."""

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
    """What makes unvested shares vest at once."""

    NONE = "none"
    SINGLE_TRIGGER = "single_trigger"
    """A change of control."""
    DOUBLE_TRIGGER = "double_trigger"
    """A change of control and a dismissal."""


class Vesting(Document):
    """When a grant's shares become the holder's own."""

    start: datetime.date
    months: Annotated[int, Field(ge=1, le=MAX_MONTHS)] = 48
    cliff_months: Annotated[int, Field(ge=0, le=MAX_MONTHS)] = 12
    every_months: Annotated[int, Field(ge=1, le=12)] = 1
    """1: monthly; 3: quarterly."""
    acceleration: Acceleration = Acceleration.NONE
    accelerated_share: Annotated[Decimal, Field(ge=0, le=1, max_digits=6)] = Decimal(1)
    """Of what is unvested when the trigger comes."""

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
        """Of ``shares``, those vested by the end of the day ``on``."""
        return vested_shares(
            shares, self.months, self.cliff_months, months_between(self.start, on),
            self.every_months,
        )  # fmt: skip

    def vested_at_exit(
        self, shares: Fraction, on: datetime.date, dismissed: bool = False
    ) -> Fraction:
        """As :meth:`vested`, when control changes on that day."""
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
    """Whole shares vested after ``months``: none before the cliff, then evenly, rounded down.

    Cooley GO's standard is 48 months with a cliff at 12, monthly from then on. The last month
    vests all, a part of a share included.
    """
    if months < cliff_months or months < 0:
        return Fraction(0)
    if months >= total_months:
        return shares
    steps = months // every_months * every_months
    return Fraction(floor(shares * max(steps, cliff_months) / total_months))


def months_between(start: datetime.date, end: datetime.date) -> int:
    """Whole months gone by; one that begins on the 31st ends on a shorter month's last day."""
    months = 12 * (end.year - start.year) + end.month - start.month
    last_day = calendar.monthrange(end.year, end.month)[1]
    return months - (end.day < min(start.day, last_day))
