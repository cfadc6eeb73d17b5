"""The lists of a company: their columns, and the fields of an entry that few users need.

One place holds the design of every list. A document that is not named here has all its fields in
sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Cell = Literal[
    "amount", "category", "cost", "customers", "devices", "differs", "earned", "each", "function",
    "kind", "people", "price", "rate", "runs", "signed", "tokens", "total", "when",
]  # fmt: skip
"""Code of a column; :mod:`pages.parts.entry_lists.cells` has the text of its cells."""
NUMBERS: frozenset[Cell] = frozenset(
    {"amount", "cost", "customers", "earned", "each", "people", "price", "rate", "runs", "tokens",
     "total"}
)  # fmt: skip
"""Columns that are aligned to the right."""
WIDTHS: Mapping[Cell, float] = {
    "amount": 2.2, "differs": 3.0, "devices": 0.6, "kind": 1.6, "people": 0.6, "price": 1.4,
    "runs": 0.5, "signed": 0.8, "when": 1.4,
}  # fmt: skip
"""Widths of columns as multiples of the usual width."""
SUMMED: frozenset[Cell] = frozenset({"earned", "total"})
"""Columns whose sum is below the table."""


@dataclass(frozen=True, slots=True)
class EntryList:
    """Design of one list."""

    columns: tuple[Cell, ...]
    advanced: frozenset[str] = frozenset()
    """Fields of an entry that are in the closed section of the drawer; ``sbg.c`` is the field ``c``
    of a part of the kind ``sbg``."""


LISTS: Mapping[str, EntryList] = {
    "people": EntryList(
        ("function", "people", "each", "when", "total"),
        frozenset({"region", "raise_share_per_year", "stock_usd_per_year"}),
    ),
    "spending": EntryList(
        ("category", "amount", "when", "total"),
        frozenset({"change_share_per_year", "amount_per_new_customer"}),
    ),
    "data": EntryList(("kind", "tokens", "price", "when", "total")),
    "revenue_lines": EntryList(
        ("kind", "price", "when", "customers", "earned"),
        frozenset(
            {
                *("payment_days", "prices", "free_usage", "free_churn_share_per_month"),
                *("uplift_share_at_renewal", "months_invoiced", "delivery_cost_share"),
                *("growth.market", "sbg.c", "yearly_share", "yearly_discount_share"),
                *("change_share_per_year", "cached_share", "delivery_cost", "paid"),
            }
        ),
    ),
    "training_events": EntryList(
        ("when", "runs", "differs", "cost"), frozenset({"research_months"})
    ),
    "contracts": EntryList(
        ("kind", "devices", "price", "when", "total"),
        frozenset(
            {
                *("serves", "interruption_share", "prepaid_share", "deposit_usd", "covenants"),
                *("running_usd_per_device_month", "electricity_usd_per_device_hour"),
                *("residual_share", "lifetime_months"),
            }
        ),
    ),
    "inflows": EntryList(("kind", "amount", "when", "signed")),
    "loans": EntryList(
        ("kind", "amount", "rate", "when", "signed"),
        frozenset({"interest_only_months", "fee_share", "covenants"}),
    ),
}
"""The design of each list, by the name of its field."""


def entry_name(entry: object) -> str:
    """Return the name of an entry, which a role calls its title."""
    return str(getattr(entry, "name", None) or getattr(entry, "title", ""))
