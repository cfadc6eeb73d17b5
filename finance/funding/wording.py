"""Events of a cap table, returns and choices of a sale, as people say them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from engine import quantities
from engine.text import Catalog
from finance.capital.events import Event
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
    """$4.2M, EUR 4.2M; in Chinese US$420万."""
    if currency == REPORTING_CURRENCY:
        return quantities.usd(float(amount), language)
    return f"{currency} {quantities.count(float(amount), language)}"


def holder_text(text: Catalog, holder: str) -> str:
    return text("funding.pool") if holder == POOL else holder


def event_title(text: Catalog, event: Event) -> str:
    """Its own name, such as SAFE-1 or Series A, or that of its kind."""
    own = getattr(event, "series", None) if event.kind == "priced_round" else None
    return own or getattr(event, "name", None) or text(f"funding.kind.{event.kind}")


def event_text(text: Catalog, event: Event, currency: str) -> str:
    """What happens, in a line. ``currency`` is the cap table's."""
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


def _terms(text: Catalog, one: Convertible) -> str:
    terms = []
    if one.cap is not None:
        terms.append(text("funding.cap", cap=money_text(one.cap, one.currency, text.language)))
    if one.discount:
        discount = quantities.share(one.discount, text.language)
        terms.append(text("funding.discount", discount=discount))
    if getattr(one, "mfn", False):
        terms.append(text("funding.mfn"))
    return text("funding.comma").join(terms or [text("funding.no_terms")])


def terms_text(text: Catalog, terms: Iterable[Term], currency: str) -> str:
    """Each deciding term once, in order."""
    said = dict.fromkeys(term_text(text, term, currency) for term in terms)
    return text("funding.semicolon").join(said)


def choices_text(text: Catalog, choices: Iterable[Choice]) -> str:
    return text("funding.comma").join(text(f"funding.choice.{one}") for one in choices)


def break_text(text: Catalog, point: BreakPoint, sold: Sale) -> str:
    """What happens at a break point, and to whom."""
    return text(f"funding.break.{point.what}", holder=sold.holders[point.claim_id])


def multiple_text(result: InvestorReturn, language: str) -> str:
    """Money back for each dollar paid; a dash where nothing was."""
    return "–" if result.moic is None else f"{quantities.number(result.moic, language)}×"


def rate_text(text: Catalog, result: InvestorReturn) -> str:
    """The rate a year, or all of them where there are several, or that there is none."""
    if not result.paid:
        return "–"
    shown = [quantities.share(one, text.language) for one in result.rates.all]
    if not shown:
        return text("funding.no_rate")
    if result.rates.ambiguous:
        return text("funding.several_rates", rates=text("funding.comma").join(shown))
    return shown[0]
