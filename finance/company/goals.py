"""Goals of the founders: the months that the cash must last, and the sale that they look at.

Neither of them changes the books. They are part of the document, so that every page, export and
version answers the same question.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from engine.documents import Document
from finance.books.months import MonthCount
from finance.numbers.money import MAX_USD, Usd

MAX_BUFFER_MONTHS = 36
DEFAULT_BUFFER_MONTHS = Decimal(6)
"""Buffer of a company that states none: a raise takes three to six months, so half a year of cash
leaves time for the next one."""


class FundingGoal(Document):
    """Target of a raise: the months that the cash must last, the buffer and the valuation."""

    target_runway_months: MonthCount | None = None
    """Month, counted from the first, up to whose end the cash must last; None is the horizon."""
    buffer_months: Annotated[Decimal, Field(ge=0, le=MAX_BUFFER_MONTHS, max_digits=4)] = (
        DEFAULT_BUFFER_MONTHS
    )
    """Months of average net burn that the cash must cover at the end of each month."""
    minimum_cash_usd: Usd = Decimal("0.00")
    """Least cash at the end of each month, in USD; the larger of the two buffers counts."""
    pre_money_usd: Annotated[Usd, Field(gt=0)] | None = None
    """Pre-money valuation of the raise, in USD; None is that of the next planned round."""


class SaleCase(Document):
    """The sale of the company whose payouts are shown."""

    value: Annotated[Decimal, Field(gt=0, le=MAX_USD, decimal_places=2)] | None = None
    """Price that the buyer pays, in the cap table's currency; None is twice the last post-money."""
    date: datetime.date | None = None
    """Day of the sale; None is two years after the last event of the cap table."""
