"""Amounts, shares, counts and dates as people write them in a spreadsheet."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation

from engine.documents import InputError
from finance.books.months import month_of_date
from finance.numbers.money import MAX_USD

_SUFFIXES = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "mm": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "万": 10**4,
    "亿": 10**8,
}
_AMOUNT = re.compile(r"([0-9][0-9,' ]*(?:\.[0-9]+)?|\.[0-9]+)([a-z万亿]*)")
_CURRENCY = re.compile(r"us\$|usd|eur|gbp|cny|rmb|[$€£¥￥元]")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%b %d, %Y")


def amount(field: str, cell: str) -> Decimal:
    """Return an amount such as ``$1,200.50``, ``1.2M``, ``12万`` or ``(300)``, without its sign.

    Raises
    ------
    InputError
        If the cell is no amount, is negative, or is larger than any company has.
    """
    text = _CURRENCY.sub("", cell.casefold()).strip()
    match = _AMOUNT.fullmatch(text)
    if match is None or match[2] not in _SUFFIXES:
        raise InputError(field, cell, "number")
    try:
        value = Decimal(re.sub(r"[,' ]", "", match[1])) * _SUFFIXES[match[2]]
    except InvalidOperation:
        raise InputError(field, cell, "number") from None
    if value > MAX_USD:
        raise InputError(field, cell, "less_than_equal", limit=MAX_USD)
    return value


def count(field: str, cell: str) -> int:
    """Return a whole number; InputError if the cell has a fraction or is no number."""
    value = amount(field, cell)
    if value != value.to_integral_value():
        raise InputError(field, cell, "whole_number")
    return int(value)


def share(field: str, cell: str) -> Decimal:
    """Return a share from ``5%``, ``5 %`` or ``0.05``. A number above 1 counts as per cent."""
    text = cell.replace("％", "%").strip()
    value = amount(field, text.removesuffix("%").strip())
    if text.endswith("%") or value > 1:
        value /= 100
    if value > 1:
        raise InputError(field, cell, "less_than_equal", limit="100%")
    return value


def date(field: str, cell: str) -> datetime.date:
    """Return a date from ``2027-03-01``, ``2027-03``, ``Mar 2027``, ``2027年3月`` and similar."""
    text = re.sub(r"\s+", " ", cell.strip())
    for form in _DATE_FORMS:
        try:
            return datetime.datetime.strptime(text, form).date()
        except ValueError:
            continue
    chinese = re.fullmatch(r"(\d{4})\s*年\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*日)?", text)
    short = re.fullmatch(r"(\d{4})[-/.](\d{1,2})", text)
    named = re.fullmatch(r"([A-Za-z]{3})[a-z]*\.?[ -](\d{4})", text)
    try:
        if chinese:
            return datetime.date(int(chinese[1]), int(chinese[2]), int(chinese[3] or 1))
        if short:
            return datetime.date(int(short[1]), int(short[2]), 1)
        if named and named[1].casefold() in _MONTHS:
            return datetime.date(int(named[2]), _MONTHS[named[1].casefold()], 1)
    except ValueError:
        pass
    raise InputError(field, cell, "date")


def month(field: str, cell: str, first_month: datetime.date) -> int:
    """Return the month of a company from its number or from a date.

    A day before the first month counts as month 1, because the person or the cost is there already.
    """
    if re.fullmatch(r"\d{1,3}", cell.strip()):
        return max(1, int(cell))
    return max(1, month_of_date(first_month, date(field, cell)))


def choice(field: str, cell: str, words: dict[str, tuple[str, ...]], other: str) -> str:
    """Return the code whose words the cell contains; ``other`` if it is empty or contains none."""
    text = cell.casefold()
    for code, names in words.items():
        if any(name in text for name in names):
            return code
    return other
