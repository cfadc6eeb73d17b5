"""Retention: share of customers who remain after a number of months."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document, InputError
from engine.field_types import DecimalShare
from finance.books.cents import Floats
from finance.books.months import months_since
from finance.books.trials import Numbers
from finance.demand.retention import survival

PositiveParameter = Annotated[Decimal, Field(gt=0, le=10**6, max_digits=12)]


class ConstantRetention(Document):
    """Constant churn: the same share of customers leaves each month, at any tenure."""

    kind: Literal["constant"] = "constant"
    churn_share_per_month: DecimalShare


class TenureRetention(Document):
    """Churn that falls with tenure by the shifted beta-geometric model.

    Customers who are likely to leave do so first; the share α ÷ (α + β) leaves in the first month.
    See :mod:`finance.demand.retention`.
    """

    kind: Literal["sbg"]
    alpha: PositiveParameter
    beta: PositiveParameter
    c: PositiveParameter = Decimal(1)
    """Exponent of the beta-discrete-Weibull model; with values other than 1, the probability that a
    customer leaves changes with tenure."""


Retention = Annotated[ConstantRetention | TenureRetention, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class RetentionNumbers:
    """Numbers of a retention: either a churn rate or a survival curve by tenure."""

    churn: Floats | None = None
    """Share of customers who leave in a month. Shape (1 or trials, 1 or months)."""
    remaining: Floats | None = None
    """S(0) = 1, S(1), …: share of customers who remain by tenure. Shape (1 or trials, months)."""

    def survival(self, n_months: int) -> Floats:
        """Return S(0), S(1), …, the share of customers who remain by tenure.

        Raises
        ------
        InputError
            If the churn rate changes from month to month.
        """
        if self.remaining is not None:
            return self.remaining
        assert self.churn is not None
        if self.churn.shape[1] > 1:
            raise InputError("churn_share_per_month", str(self.churn.shape), "no_months")
        remaining: Floats = (1.0 - self.churn) ** months_since(1, n_months)
        return remaining


def retention_numbers(numbers: Numbers, retention: Retention, n_months: int) -> RetentionNumbers:
    """Return the numbers of a line's retention."""
    if isinstance(retention, ConstantRetention):
        return RetentionNumbers(churn=numbers("retention.churn_share_per_month"))
    alpha, beta, c = (numbers.fixed(f"retention.{name}") for name in ("alpha", "beta", "c"))
    return RetentionNumbers(remaining=survival(alpha, beta, c, months_since(1, n_months)))
