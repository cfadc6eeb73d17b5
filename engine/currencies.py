"""The currency in which amounts are displayed, at a dated rate.

Every amount of a scenario is stored and computed in USD. Only its text is in another currency, and
only while :func:`display_in` is in force: the command line always shows USD.
"""

from __future__ import annotations

from contextvars import ContextVar
from decimal import Decimal
from functools import cache
from typing import Annotated

from babel.numbers import get_currency_name, get_currency_symbol
from pydantic import Field

from engine.facts import Fact, read_facts
from engine.field_types import CurrencyCode
from engine.paths import DATA_DIR

STORED = "USD"
"""Currency of every amount in scenarios, ledgers and files."""


class ExchangeRate(Fact):
    """The rate of a currency on one day."""

    currency: CurrencyCode
    units_per_usd: Annotated[Decimal, Field(gt=0)]
    """Units of the currency for one US dollar."""


_displayed: ContextVar[str] = ContextVar("displayed_currency", default=STORED)


@cache
def exchange_rates() -> dict[str, ExchangeRate]:
    """Return the rate of each display currency by its code; USD, at 1, is the first."""
    rows = read_facts(DATA_DIR / "exchange_rates.csv", ExchangeRate)
    return {row.currency: row for row in rows}


def usd_per_unit(currency: str) -> str | None:
    """Return the dated value of one unit of a currency in USD; None if no rate is known."""
    rate = exchange_rates().get(currency)
    return None if rate is None else f"{1 / rate.units_per_usd:.5g}"


def display_in(currency: str) -> None:
    """Display amounts of this context in ``currency``; one without a rate is shown in USD."""
    _displayed.set(currency if currency in exchange_rates() else STORED)


def displayed() -> ExchangeRate:
    """Return the currency in which this context displays amounts, with its rate."""
    return exchange_rates()[_displayed.get()]


def displayed_amount(usd: float | Decimal) -> float:
    """Return an amount in USD converted to the display currency."""
    return float(usd) * float(displayed().units_per_usd)


def symbol(language: str, currency: str | None = None) -> str:
    """Return the symbol before an amount: $, in Chinese US$; a code is followed by a space."""
    code = currency or _displayed.get()
    shown = get_currency_symbol(code, locale=language)
    return f"{shown}\u00a0" if shown.isalpha() else shown


def currency_name(currency: str, language: str) -> str:
    """Return the name of a currency in the reader's language, such as Euro or 人民币."""
    return get_currency_name(currency, locale=language)
