"""Staff costs: head count, period, region, pay and stock compensation of each role."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from engine.documents import Document
from engine.field_types import ShortName
from engine.units import MONTHS_PER_YEAR
from finance.books.cents import to_cents
from finance.books.ledger import Account, Ledger
from finance.books.months import Month, is_active_month, months_since, require_month_order
from finance.books.trials import Numbers
from finance.numbers.money import Usd

StaffFunction = Literal["general", "research", "sales", "support"]

STAFF_ACCOUNTS: dict[StaffFunction, Account] = {
    "general": Account.GENERAL_PEOPLE,
    "research": Account.RESEARCH_PEOPLE,
    "sales": Account.SALES_PEOPLE,
    "support": Account.SUPPORT_PEOPLE,
}


class Role(Document):
    """Staff with the same role, pay and period."""

    title: ShortName
    people: Annotated[int, Field(ge=0, le=1_000_000)]
    cost_usd_per_month: Usd
    """Monthly cost of one person in USD. It includes taxes, insurance and equipment unless
    ``on_cost_share`` adds them."""
    start_month: Month = 1
    end_month: Month | None = None
    """Last month that is paid, or None if the role has no end."""
    function: StaffFunction = "general"
    """Function in the income statement; ``support`` is part of the cost of revenue."""
    region: Annotated[str, Field(max_length=60)] = ""
    on_cost_share: Annotated[Decimal, Field(ge=0, le=2, max_digits=8)] = Decimal(0)
    """Employer's taxes, insurance and equipment, as a share of the monthly cost."""
    raise_share_per_year: Annotated[Decimal, Field(ge=0, le=1, max_digits=8)] = Decimal(0)
    """Yearly raise; the first takes effect twelve months after the start."""
    stock_usd_per_year: Usd = Decimal("0.00")
    """Yearly stock compensation of one person in USD; a non-cash cost."""

    @model_validator(mode="after")
    def _months_are_in_order(self) -> Self:
        require_month_order(self.start_month, self.end_month, "end_month")
        return self


def post_people(ledger: Ledger, numbers: Numbers, role: Role) -> None:
    """Post pay and stock compensation of a role in the months that it is filled."""
    since = months_since(role.start_month, ledger.n_months)
    employed = is_active_month(role.start_month, role.end_month, ledger.n_months)
    years = np.maximum(since, 0) // MONTHS_PER_YEAR
    paid = numbers("people") * numbers("cost_usd_per_month") * (1 + numbers("on_cost_share"))
    usd = paid * (1 + numbers("raise_share_per_year")) ** years * employed
    ledger.spend(STAFF_ACCOUNTS[role.function], to_cents(usd, numbers.path), numbers.path)
    stock = numbers("people") * numbers("stock_usd_per_year") / MONTHS_PER_YEAR * employed
    ledger.post(
        Account.STOCK_COMPENSATION,
        Account.STOCK_RESERVE,
        to_cents(stock, numbers.path),
        numbers.path,
    )
