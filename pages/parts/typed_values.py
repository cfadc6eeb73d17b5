"""Values of fields as text, and typed text as values; nothing here draws.

``shown`` and ``parsed`` are inverse: a shown value that is typed again gives the same value. Every
digit of a value is shown. The document validates a parsed value, so bounds are not checked here.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

from engine import quantities
from engine.documents import InputError
from pages.parts.kinds import FieldKind, Style

_USD_UNITS = ("US$", "USD", "$")


@lru_cache(maxsize=4096)
def shown(style: Style, value: Any, language: str) -> str:
    """Return the text of a value; empty if there is none."""
    if value is None:
        return ""
    match style:
        case "count":
            return quantities.exact_count(value, language)
        case "percent":
            return quantities.exact(100 * Decimal(str(value)), language)
        case "whole" | "number":
            return quantities.exact(value, language)
    return str(value)


def parsed(path: str, kind: FieldKind, style: Style, typed: str, currency: str = "USD") -> Any:
    """Return the value of typed text, as plain data for a document.

    Parameters
    ----------
    path
        Path of the field, for the error.
    currency
        Currency of the field, which may be typed as well.

    Raises
    ------
    InputError
        If the text is no number, or no whole number.
    """
    if style == "text":
        return typed
    if not typed.strip() and kind.optional:
        return None
    units = ("%",) if style == "percent" else _units(currency)
    number = quantities.parse_number(typed, units)
    if number is None:
        raise InputError(path, typed, "count" if style == "count" else "number")
    match style:
        case "percent":
            return f"{(number / 100).normalize():f}"
        case "count" | "whole":
            if number != number.to_integral_value():
                raise InputError(path, typed, "whole_number")
            return int(number)
    return f"{number.normalize():f}"


def _units(currency: str) -> tuple[str, ...]:
    return _USD_UNITS if currency == "USD" else (currency,)
