"""Sentences about the term that decided a number of shares."""

from __future__ import annotations

from fractions import Fraction

from babel.numbers import format_currency

from engine import quantities
from engine.text import Catalog
from finance.capital.table import Decided, Term

_PRICE = "¤#,##0.00####"


def term_text(text: Catalog, term: Term, currency: str) -> str:
    """Return why a holder has its shares, or a class its conversion price, as a sentence.

    ``currency`` is the cap table's.
    """
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
    sentence = text(f"capital.decided.{key}", **params)
    converted = term.decided in (Decided.CAP, Decided.DISCOUNT, Decided.ROUND_PRICE)
    if converted and term.of:
        return text("capital.decided.mfn", of=term.of, term=sentence)
    return sentence


def price_text(price: Fraction, currency: str, language: str) -> str:
    """Return the price of one share as text, such as $1.9904."""
    return format_currency(float(price), currency, _PRICE, locale=language, currency_digits=False)
