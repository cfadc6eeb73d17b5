"""Text about events of a cap table and about returns and choices in a sale."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from engine import quantities
from engine.text import Catalog
from finance.capital.events import Event
from finance.capital.history import name_of
from finance.capital.instruments import Convertible
from finance.capital.table import Term
from finance.capital.wording import price_text, term_text
from finance.exits.claims import Choice
from finance.exits.curves import BreakPoint
from finance.exits.returns import InvestorReturn
from finance.exits.sale import Sale
from finance.funding.ownership import POOL
from finance.revenue.prices import REPORTING_CURRENCY

_AMOUNTS = ("amount", "new_money", "pre_money")
_PRICES = ("price", "exercise_price")


def money_text(amount: Decimal | Fraction | float, currency: str, language: str) -> str:
    """Return an amount as text, such as $4.2M or EUR 4.2M, in Chinese US$420万."""
    if currency == REPORTING_CURRENCY:
        return quantities.usd(float(amount), language)
    return f"{currency} {quantities.count(float(amount), language)}"


def holder_text(text: Catalog, holder: str) -> str:
    """Return the name of a holder, or the text for the free pool."""
    return text("funding.pool") if holder == POOL else holder


def event_title(text: Catalog, event: Event) -> str:
    """Return the name of an event, such as SAFE-1 or Series A, or else of its kind."""
    return name_of(event) or text(f"funding.kind.{event.kind}")


def event_text(text: Catalog, event: Event, currency: str) -> str:
    """Return a description of an event in one line. ``currency`` is the cap table's."""
    language = text.language
    params = {name: str(value) for name, value in event}
    own = getattr(event, "currency", currency)
    for name in _AMOUNTS:
        if hasattr(event, name):
            params[name] = money_text(getattr(event, name), own, language)
    for name in _PRICES:
        if getattr(event, name, None) is not None:
            params["price"] = price_text(getattr(event, name), currency, language)
    if hasattr(event, "shares"):
        params["shares"] = quantities.count(float(event.shares), language)
    if event.kind == "note":
        params["rate"] = quantities.share(event.rate, language)
    if event.kind == "split":
        params["ratio"] = quantities.number(float(event.ratio), language)
    if isinstance(event, Convertible):
        params["terms"] = _terms(text, event)
    return text(f"funding.event.{event.kind}", **params)


def _terms(text: Catalog, convertible: Convertible) -> str:
    terms = []
    if convertible.cap is not None:
        terms.append(
            text(
                "funding.cap", cap=money_text(convertible.cap, convertible.currency, text.language)
            )
        )
    if convertible.discount:
        discount = quantities.share(convertible.discount, text.language)
        terms.append(text("funding.discount", discount=discount))
    if getattr(convertible, "mfn", False):
        terms.append(text("funding.mfn"))
    return text("funding.comma").join(terms or [text("funding.no_terms")])


def terms_text(text: Catalog, terms: Iterable[Term], currency: str) -> str:
    """Return sentences for the deciding terms, each once, in their order."""
    sentences = dict.fromkeys(term_text(text, term, currency) for term in terms)
    return text("funding.semicolon").join(sentences)


def choices_text(text: Catalog, choices: Iterable[Choice]) -> str:
    """Return a holder's choices as text."""
    return text("funding.comma").join(text(f"funding.choice.{choice}") for choice in choices)


def break_text(text: Catalog, point: BreakPoint, sold: Sale) -> str:
    """Return the event at a break point, with the name of the holder."""
    return text(f"funding.break.{point.what}", holder=sold.holders[point.claim_id])


def multiple_text(result: InvestorReturn, language: str) -> str:
    """Return the multiple of invested capital as text; a dash if nothing was paid."""
    return "–" if result.moic is None else f"{quantities.number(result.moic, language)}×"


def rate_text(text: Catalog, result: InvestorReturn) -> str:
    """Return the yearly rates of return as text: one rate, all of several, or that none exists."""
    if not result.paid:
        return "–"
    shown = [quantities.share(rate, text.language) for rate in result.rates.all]
    if not shown:
        return text("funding.no_rate")
    if result.rates.ambiguous:
        return text("funding.several_rates", rates=text("funding.comma").join(shown))
    return shown[0]
