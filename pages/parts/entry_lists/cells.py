"""Texts of the cells in a list's table: amounts with their currency, months as calendar months."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine import quantities
from engine.text import Catalog
from finance.books.months import date_of_month
from finance.metrics.entry_totals import EntryTotal
from finance.revenue.prices import REPORTING_CURRENCY
from pages.parts.entry_lists.lists import Cell
from pages.parts.field_words import field_texts_of, option_in_words

_FIRST_MONTHS = ("launch_month", "start_month", "first_month", "month")
_LAST_MONTHS = ("end_month", "last_month")
_PRICES = {
    "price_per_month": "month",
    "price_per_year": "year",
    "price_per_day": "day",
    "licence_price": "once",
    "price_per_million_output_tokens": "million_output",
    "price_per_million_tokens": "million",
    "price_usd_per_device_hour": "device_hour",
    "usd_per_device_month": "device_month",
    "usd_per_device": "device",
}
"""Fields with a price, and the catalog key of its unit."""
MOST_CHANGES = 3
"""Greatest number of changes of a training run that its cell names."""


@dataclass(frozen=True, slots=True)
class Context:
    """Figures of the scenario that cells show beside an entry's own fields."""

    say: Catalog
    first_month: datetime.date
    totals: Mapping[str, EntryTotal]
    """Totals over the plan, by the path of an entry."""
    customers: Mapping[str, float]
    """Customers at the end of the plan, by the path of a revenue line."""
    run_costs_usd: tuple[float, ...] = ()
    """Cost of each dated training run at today's price, with its experiments."""


def cell(context: Context, code: Cell, path: str, entry: Any) -> str:
    """Return the text of one cell; empty if the entry has no such figure."""
    say = context.say
    language = say.language
    match code:
        case "when":
            return when(context, entry)
        case "people":
            return quantities.exact(entry.people, language)
        case "each":
            return money(entry.cost_usd_per_month, REPORTING_CURRENCY, language)
        case "category" | "function":
            return option_in_words(code, getattr(entry, code), language)
        case "kind":
            return option_in_words("kind", entry.kind, language)
        case "amount":
            return _amount(say, entry)
        case "price":
            return _price(say, entry)
        case "tokens":
            return quantities.count(entry.tokens, language)
        case "runs":
            return quantities.exact(entry.runs, language)
        case "rate":
            return quantities.share(entry.interest_share_per_year, language)
        case "signed":
            return say("entry_table.signed" if entry.committed else "entry_table.planned")
        case "devices":
            count = getattr(entry, "devices", None)
            return "" if count is None else quantities.exact(count, language)
        case "differs":
            return _differs(say, entry)
        case "cost":
            return quantities.usd(context.run_costs_usd[int(path.rpartition(".")[2])], language)
        case "customers":
            count = context.customers.get(path)
            return "" if count is None else quantities.count(round(count), language)
        case "earned" | "total":
            total = context.totals.get(path, EntryTotal())
            return money(total_of(code, total), REPORTING_CURRENCY, language)


def total_of(code: Cell, total: EntryTotal) -> Decimal:
    """Return the figure of a summed column, in USD."""
    return total.earned_usd if code == "earned" else total.spent_usd


def money(amount: Decimal | float, currency: str, language: str) -> str:
    """Format an amount in its currency, whole amounts without cents: $9,000 or 5,500 EUR."""
    if currency == REPORTING_CURRENCY:
        return quantities.usd(amount, language).removesuffix(".00")
    return f"{quantities.number(amount, language, digits=4)} {currency}"


def when(context: Context, entry: Any) -> str:
    """Return an entry's calendar months: 2027-03, 2027-03 – 2027-08, or 2027-03 – without end."""
    first = next(getattr(entry, name) for name in _FIRST_MONTHS if hasattr(entry, name))
    start = f"{date_of_month(context.first_month, first):%Y-%m}"
    last = _last_month(entry, first)
    if last == first:
        return start
    if last is None:
        return f"{start} –" if _goes_on(entry) else start
    return f"{start} – {date_of_month(context.first_month, last):%Y-%m}"


def _last_month(entry: Any, first: int) -> int | None:
    for name in _LAST_MONTHS:
        if getattr(entry, name, None) is not None:
            return int(getattr(entry, name))
    for name in ("months", "lifetime_months"):
        if hasattr(entry, name):
            return first + int(getattr(entry, name)) - 1
    return None


def _goes_on(entry: Any) -> bool:
    return any(hasattr(entry, name) for name in (*_LAST_MONTHS, "launch_month"))


def _amount(say: Catalog, entry: Any) -> str:
    if hasattr(entry, "amount_usd"):
        return money(entry.amount_usd, REPORTING_CURRENCY, say.language)
    parts = []
    if entry.amount_per_month:
        amount = money(entry.amount_per_month, entry.currency, say.language)
        parts.append(say("entry_table.per.month", amount=amount))
    if entry.share_of_revenue:
        share = quantities.share(entry.share_of_revenue, say.language)
        parts.append(say("entry_table.of_revenue", share=share))
    if entry.amount_per_new_customer:
        amount = money(entry.amount_per_new_customer, entry.currency, say.language)
        parts.append(say("entry_table.per.customer", amount=amount))
    return " + ".join(parts)


def _price(say: Catalog, entry: Any) -> str:
    if getattr(entry, "amount_usd", None) is not None:
        return money(entry.amount_usd, REPORTING_CURRENCY, say.language)
    priced, currency = entry, getattr(entry, "currency", REPORTING_CURRENCY)
    if plans := getattr(entry, "plans", ()):
        priced = plans[0]
    for name, unit in _PRICES.items():
        if hasattr(priced, name):
            amount = money(getattr(priced, name), currency, say.language)
            return say(f"entry_table.per.{unit}", amount=amount)
    if deals := getattr(entry, "deals", ()):
        return money(sum(deal.amount for deal in deals), currency, say.language)
    return ""


def _differs(say: Catalog, entry: Any) -> str:
    """Return the fields in which a training run differs from the plan."""
    if not entry.changes:
        return say("entry_table.as_plan")
    named = [
        change_in_words(say, path, value)
        for path, value in list(entry.changes.items())[:MOST_CHANGES]
    ]
    more = len(entry.changes) - len(named)
    return " · ".join([*named, *([f"+{more}"] if more else [])])


def change_in_words(say: Catalog, path: str, value: object) -> str:
    """Return one changed field of a training run, such as "Layers 28"."""
    label = field_texts_of(f"plan.{path}", say.language)[0]
    if isinstance(value, bool):
        shown = say("entry_table.yes" if value else "entry_table.no")
    elif isinstance(value, int):
        shown = quantities.exact_count(value, say.language) if path == "tokens" else str(value)
    else:
        shown = option_in_words(path.rpartition(".")[2], value, say.language)
    return f"{label} {shown}"
