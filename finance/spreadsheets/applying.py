"""Changes of a scenario that add imported entries, or replace the present ones by them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.documents import InputError
from finance.capital.history import Capital
from finance.capital.table import COMMON, CapTable
from finance.company.company import Company
from finance.company.scenario import Scenario
from finance.funding.rounds import Changes, from_table
from finance.spreadsheets.columns import ImportKind
from finance.spreadsheets.rows import Data, ReadRows

_LISTS: dict[ImportKind, str] = {
    "people": "people",
    "costs": "spending",
    "revenue": "revenue_lines",
}
"""Lists of the company's document that take the entries of a kind."""


def import_changes(scenario: Scenario, rows: ReadRows, *, replace: bool) -> Changes:
    """Return the changes of the scenario that take over the rows, for one undoable step.

    Parameters
    ----------
    replace
        Whether the present entries go. A cap table always replaces the present holders; planned
        rounds stay.

    Raises
    ------
    InputError
        If the rows make no cap table, such as two SAFEs without any stock.
    """
    if rows.kind == "cap_table":
        return _cap_table_changes(scenario.company, rows.entries)
    name = _LISTS[rows.kind]
    present: list[Any] = []
    if not replace:
        present = [entry.model_dump(mode="json") for entry in getattr(scenario.company, name)]
    changes: Changes = {f"company.{name}": [*present, *rows.entries]}
    if replace and rows.kind == "revenue":
        changes["company.revenue"] = None
    return changes


def _cap_table_changes(company: Company, entries: Sequence[Data]) -> Changes:
    table = cap_table_of(entries, _day_before(company.first_month))
    capital = company.capital or Capital(opening=CapTable(date=table.date))
    return from_table(company, capital, table)


def cap_table_of(entries: Sequence[Data], day: datetime.date) -> CapTable:
    """Return the cap table that holds the imported securities at the end of ``day``.

    Preferred stock pays its issue price first in a sale, all series with equal rank.
    """
    classes: dict[str, Data] = {COMMON: {"name": COMMON, "preferred": False}}
    holdings, grants, safes = [], [], []
    pool = Fraction(0)
    for number, entry in enumerate(entries, 1):
        common = {"name": f"#{number}", "holder": entry["holder"]}
        common["date"] = min(entry["date"] or day, day)
        price = Fraction(Decimal(entry["price"])) if entry["price"] else None
        if entry["security"] == "safe":
            terms = {"amount": entry["amount"], "discount": entry["discount"]}
            safes.append(common | terms | ({"cap": entry["cap"]} if entry["cap"] else {}))
        elif entry["security"] == "option" and _is_pool(entry["holder"]):
            pool += entry["shares"]
        elif entry["security"] == "option":
            grants.append(common | {"shares": entry["shares"], "exercise_price": price or 0})
        else:
            paid = _paid(entry, price)
            name = entry["stock_class"]
            if entry["security"] == "preferred" and name not in classes:
                issue = price or (paid / entry["shares"] if paid else None)
                if issue is None:
                    raise InputError(f"{entry['holder']}: {name}", "—", "price_or_amount")
                classes[name] = {
                    "name": name,
                    "issue_price": issue,
                    "conversion_price": issue,
                    "seniority": 1,
                }
            holdings.append(
                common
                | {
                    "stock_class": name,
                    "shares": entry["shares"],
                    "paid": _in_cents(paid),
                    "term": {"decided": "issued"},
                }
            )
    return CapTable.parse(
        {
            "date": day,
            "classes": list(classes.values()),
            "holdings": holdings,
            "grants": grants,
            "safes": safes,
            "pool": pool,
            "roles": {entry["holder"]: entry["role"] for entry in entries if entry["role"]},
        },
        "cap_table",
    )


def _is_pool(holder: str) -> bool:
    """Return whether the holder of options is the pool of options that are not granted."""
    plain = holder.casefold()
    return any(word in plain for word in ("pool", "unallocated", "available", "期权池", "未授予"))


def _paid(entry: Data, price: Fraction | None) -> Fraction:
    if entry["amount"]:
        return Fraction(Decimal(entry["amount"]))
    return (price or Fraction(0)) * int(entry["shares"])


def _in_cents(amount: Fraction) -> str:
    return f"{Decimal(round(amount * 100)) / 100:.2f}"


def _day_before(first_month: datetime.date) -> datetime.date:
    return first_month - datetime.timedelta(days=1)
