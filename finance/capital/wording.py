"""The deciding term as a sentence."""

from __future__ import annotations

from fractions import Fraction

from babel.numbers import format_currency

from engine import quantities
from engine.text import Catalog
from finance.capital.table import Decided, Term

_PRICE = "¤#,##0.00####"


def term_text(text: Catalog, term: Term, currency: str) -> str:
    """Why a holder has so many shares, or a class converts at its price."""
    language = text.language
    params: dict[str, str] = {}
    for name in ("price", "round_price"):
        if (price := getattr(term, name)) is not None:
            params[name] = price_text(price, currency, language)
    if term.cap is not None:
        params["cap"] = format_currency(
            term.cap, currency, "¤#,##0.##", locale=language, currency_digits=False
        )
    if term.discount is not None:
        params["discount"] = quantities.share(term.discount, language)
    params["of"], params["in_round"] = term.of or "", term.in_round or ""
    key = term.decided.value
    if term.decided is Decided.ISSUED and term.price == 0:
        key = "issued_free"
    if term.decided is Decided.CAP and term.in_round is None:
        key = "cap_alone"
    said = text(f"capital.decided.{key}", **params)
    converted = term.decided in (Decided.CAP, Decided.DISCOUNT, Decided.ROUND_PRICE)
    return text("capital.decided.mfn", of=term.of, term=said) if converted and term.of else said


def price_text(price: Fraction, currency: str, language: str) -> str:
    """Of one share: $1.9904."""
    return format_currency(float(price), currency, _PRICE, locale=language, currency_digits=False)
