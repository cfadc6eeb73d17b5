"""Who stays: the share of customers that is left so many months after they came."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from engine.documents import Document, InputError
from finance.cents import Floats
from finance.revenue.prices import Share
from finance.trials import Numbers

Positive = Annotated[Decimal, Field(gt=0, le=10**6, max_digits=12)]


class ConstantRetention(Document):
    """Of those there are, the same share leaves each month, however long they have stayed."""

    kind: Literal["constant"] = "constant"
    churn_share_per_month: Share


class TenureRetention(Document):
    """Shifted beta-geometric (Fader and Hardie 2007): churn falls with tenure.

    Each customer has a chance of leaving of their own, spread over all customers as a beta
    distribution: those who are likely to leave do so first.
    """

    kind: Literal["sbg"]
    alpha: Positive
    beta: Positive
    """α ÷ (α + β) leave in the first month."""


Retention = Annotated[ConstantRetention | TenureRetention, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Staying:
    """How customers stay, in numbers: by a churn that is the same for all, or by tenure."""

    churn: Floats | None = None
    """Share of those there are who leave in a month. Shape (1 or trials, 1 or months)."""
    left: Floats | None = None
    """S(0) = 1, S(1), …: shares left after so many months. Shape (1 or trials, months)."""

    def survival(self, n_months: int) -> Floats:
        """S(0), S(1), …, whichever it is; a churn that moves from month to month has none."""
        if self.left is not None:
            return self.left
        assert self.churn is not None
        if self.churn.shape[1] > 1:
            raise InputError("churn_share_per_month", str(self.churn.shape), "no_months")
        return _products(1.0 - self.churn + np.zeros((1, n_months - 1)))


def staying(at: Numbers, retention: Retention, n_months: int) -> Staying:
    """The numbers of a line's ``retention``.

    For sBG S(t) = S(t − 1)·(β + t − 1)/(α + β + t − 1), Fader and Hardie 2007, equation 7.
    """
    if isinstance(retention, ConstantRetention):
        return Staying(churn=at("retention.churn_share_per_month"))
    alpha, beta = at.fixed("retention.alpha"), at.fixed("retention.beta")
    before = np.arange(n_months - 1, dtype=np.float64)[np.newaxis]
    return Staying(left=_products((beta + before) / (alpha + beta + before)))


def _products(stays: Floats) -> Floats:
    left = np.cumprod(stays, axis=1)
    return np.concatenate([np.ones((left.shape[0], 1)), left], axis=1)
