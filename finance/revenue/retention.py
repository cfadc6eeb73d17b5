"""Who stays: the share of customers that is left so many months after they came."""

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
    """Of those there are, the same share leaves each month, however long they have stayed."""

    kind: Literal["constant"] = "constant"
    churn_share_per_month: DecimalShare


class TenureRetention(Document):
    """Churn that falls with tenure: shifted beta-geometric, see :mod:`finance.demand.retention`.

    Those who are likely to leave do so first; α ÷ (α + β) leave in the first month.
    """

    kind: Literal["sbg"]
    alpha: PositiveParameter
    beta: PositiveParameter
    c: PositiveParameter = Decimal(1)
    """Other than 1: the chance of leaving itself changes with tenure (beta-discrete-Weibull)."""


Retention = Annotated[ConstantRetention | TenureRetention, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class RetentionNumbers:
    """How customers stay, in numbers: by a churn that is the same for all, or by tenure."""

    churn: Floats | None = None
    """Share of those there are who leave in a month. Shape (1 or trials, 1 or months)."""
    remaining: Floats | None = None
    """S(0) = 1, S(1), …: shares left after so many months. Shape (1 or trials, months)."""

    def survival(self, n_months: int) -> Floats:
        """S(0), S(1), …, whichever it is; a churn that moves from month to month has none."""
        if self.remaining is not None:
            return self.remaining
        assert self.churn is not None
        if self.churn.shape[1] > 1:
            raise InputError("churn_share_per_month", str(self.churn.shape), "no_months")
        remaining: Floats = (1.0 - self.churn) ** months_since(1, n_months)
        return remaining


def retention_numbers(numbers: Numbers, retention: Retention, n_months: int) -> RetentionNumbers:
    """The numbers of a line's ``retention``."""
    if isinstance(retention, ConstantRetention):
        return RetentionNumbers(churn=numbers("retention.churn_share_per_month"))
    alpha, beta, c = (numbers.fixed(f"retention.{name}") for name in ("alpha", "beta", "c"))
    return RetentionNumbers(remaining=survival(alpha, beta, c, months_since(1, n_months)))
