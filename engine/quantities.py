"""Format quantities in the reader's language: $4.2M or US$420万, 18 days, 52.8 GB.

Babel formats numbers and currencies. Units of computing keep their symbols in every language. Only
the displayed text is rounded, by one rule: a value has three significant digits, and a value with
an interval has fewer where the interval is wide (:func:`interval_digits`). Months have one decimal.
Amounts in USD are shown in the display currency of :mod:`engine.currencies`, which is USD unless a
page has chosen a different currency.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

from engine.currencies import displayed, displayed_amount, symbol
from engine.text import catalog
from engine.units import SECONDS_PER_DAY

_SI = (
    (1e24, "Y"),
    (1e21, "Z"),
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
)
_COUNT_SUFFIXES = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "mn": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "g": 10**9,
    "t": 10**12,
    "千": 10**3,
    "万": 10**4,
    "百万": 10**6,
    "千万": 10**7,
    "亿": 10**8,
    "万亿": 10**12,
}
_TYPED_NUMBER = re.compile(
    r"""(?P<sign>[+-]?)
    (?P<digits>\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:[ ]\d{3})+|\d+(?:_\d+)+)?
    (?P<fraction>\.\d*)?
    (?P<exponent>e[+-]?\d{1,2})?
    [ ]*(?P<suffix>百万|千万|万亿|bn|mn|[kmbgt千万亿])?""",
    re.VERBOSE,
)
_EXACT_UNITS = {
    "en": (("T", 10**12), ("B", 10**9), ("M", 10**6)),
    "zh_Hans": (("万亿", 10**12), ("亿", 10**8), ("万", 10**4)),
}


MOST_DIGITS = 3
"""Significant digits of a value without an interval, and the most of one with an interval."""
INTERVAL_DIGITS = 2
"""Significant digits of the width of an interval; they set the last digit of the value."""
LEAST_MONTHS = 0.05
"""Months below which one decimal would show zero."""


def interval_digits(value: float, low: float, high: float) -> int:
    """Return the significant digits of a value that lies between two bounds.

    The last digit of the value is the second digit of the interval's width, as for measurements in
    the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008, section 7.2.6). So the
    bounds differ by at least ten units of the last digit, except where :data:`MOST_DIGITS` limits
    them.
    """
    width = high - low
    if not value or not width > 0 or not math.isfinite(width):
        return MOST_DIGITS
    digits = place(value) - place(width) + INTERVAL_DIGITS
    return min(MOST_DIGITS, max(1, digits))


def significant(value: float, digits: int) -> float:
    """Round to a number of significant digits."""
    return round(value, digits - 1 - place(value)) if value and math.isfinite(value) else value


def place(value: float) -> int:
    """Return the power of ten of the first digit; 0 for zero."""
    return math.floor(math.log10(abs(value))) if value else 0


def number(value: float | Decimal, language: str, digits: int = 3) -> str:
    """Format with ``digits`` significant digits, and outside 10⁻⁴ to 10¹⁵ with an exponent."""
    value = float(value)
    if value and not 1e-4 <= abs(value) < 1e15:
        return scientific(value, digits)
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    rounded = round(value, max(decimals, 0))
    return format_decimal(
        rounded, format=f"#,##0.{'#' * max(0, min(decimals, 8))}", locale=language
    )


def scientific(value: float, digits: int = MOST_DIGITS) -> str:
    """Format with an exponent, as amounts of FLOPs are written: 2.71e22."""
    return f"{value:.{digits - 1}e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def count(value: float, language: str) -> str:
    """Format a count as 1.24B, or in Chinese as 12.4亿, and from 10¹⁵ with an exponent."""
    step_digits = 4 if language == "zh_Hans" else 3  # Chinese counts by ten thousands
    if abs(value) < 10**step_digits or abs(value) >= 1e15:
        return number(value, language)
    leading_digits = math.floor(math.log10(abs(value))) % step_digits + 1
    return format_compact_decimal(
        value, locale=language, fraction_digits=max(0, 3 - leading_digits)
    )


def usd(value: float | Decimal, language: str, digits: int = MOST_DIGITS) -> str:
    """Format an amount of USD as $4.2M, $6.31K, $310, $12.30 or $0.0071, in Chinese US$6.37万.

    The text is in the display currency. Below 100 the cents are shown, or below 10 with two
    ``digits``.
    """
    return money(displayed_amount(value), displayed().currency, language, digits)


def money(value: float | Decimal, currency: str, language: str, digits: int = MOST_DIGITS) -> str:
    """Format an amount of any currency as it is, such as €4.2M or ¥420万."""
    amount = float(value) if digits >= MOST_DIGITS else significant(float(value), digits)
    sign = "-" if amount < 0 else ""
    shown = f"{sign}{symbol(language, currency)}"
    if abs(amount) >= 1000:
        return f"{shown}{count(abs(amount), language)}"
    if abs(amount) >= 0.1 or amount == 0:
        cents = "0" if abs(amount) >= 10 ** (digits - 1) else "0.00"
        return f"{shown}{format_decimal(abs(amount), format=cents, locale=language)}"
    return f"{shown}{number(abs(amount), language, digits=min(digits, 2))}"


def usd_exact(value: Decimal, language: str) -> str:
    """Format an amount of USD to the cent, with grouping, in the display currency."""
    shown = displayed()
    return format_currency(value * shown.units_per_usd, shown.currency, locale=language)


def share(value: float | Decimal, language: str, digits: int = 3) -> str:
    """Format a share such as 0.446 as 44.6%."""
    value = float(value)
    decimals = digits - 3 - math.floor(math.log10(abs(value))) if value else 0
    return format_percent(value, format=f"#,##0.{'#' * max(0, min(decimals, 6))}%", locale=language)


def si(value: float, unit: str, language: str) -> str:
    """Format a value with an SI prefix: 206 GFLOP/s, 52.8 GB."""
    for size, prefix in _SI:
        if abs(value) >= size:
            return f"{number(value / size, language)} {prefix}{unit}"
    return f"{number(value, language)} {unit}"


def duration(seconds: float, language: str, digits: int = MOST_DIGITS) -> str:
    """Format a time in the largest unit that it holds at least twice: 51 s, 4.3 min, 12 days."""
    text = catalog(language)
    for unit_s, key in (
        (2 * 31_557_600, "years"),
        (2 * SECONDS_PER_DAY, "days"),
        (7_200, "hours"),
        (120, "minutes"),
        (1, "seconds"),
    ):
        if seconds >= unit_s:
            size_s = unit_s / 2 if unit_s > 1 else 1
            return text(f"unit.{key}", n=number(significant(seconds / size_s, digits), language))
    return text("unit.milliseconds", n=number(significant(seconds * 1000, digits), language))


def months(value: float | Decimal, language: str) -> str:
    """Format a number of months with its unit: 38.6 months."""
    return catalog(language)("unit.months", n=months_number(value, language))


def months_number(value: float | Decimal, language: str) -> str:
    """Format a number of months with one decimal, or a time close to zero with one digit."""
    shown = float(value)
    if 0 < abs(shown) < LEAST_MONTHS:
        return number(shown, language, digits=1)
    return format_decimal(round(shown, 1), format="#,##0.#", locale=language)


def exact(value: float | Decimal, language: str) -> str:
    """Format a number with grouping and with every digit that it has: 2,200,000 or 0.0125."""
    digits = f"{Decimal(str(value)).normalize():f}"
    whole, _, fraction = digits.partition(".")
    grouped = format_decimal(Decimal(whole), locale=language)
    if whole.startswith("-") and not grouped.startswith("-"):
        grouped = f"-{grouped}"  # the whole part of -0.5 is 0
    return f"{grouped}.{fraction}" if fraction else grouped


def exact_count(value: int, language: str) -> str:
    """Format a count with every digit: 1.5B or 15亿 with at most three decimals, else grouped."""
    for suffix, size in _EXACT_UNITS[language]:
        if value >= size and value * 1000 % size == 0:
            return f"{Decimal(value) / size:f}{suffix}"
    return exact(value, language)


def parse_number(typed: str, units: Sequence[str] = ()) -> Decimal | None:
    """Parse a number that was typed in either language; None if the text is no number.

    It may have thousands separators, an exponent, or a suffix for its size: 2,200,000, 2.2M, 1.5e6
    and 220万 are numbers. A comma must precede three digits, since it separates decimals in some
    languages.

    Parameters
    ----------
    units
        Units that may precede or follow the number, such as USD and $.
    """
    text = unicodedata.normalize("NFKC", typed).replace("\N{MINUS SIGN}", "-").strip()
    for unit in units:
        text = text.removeprefix(unit).removesuffix(unit).strip()
    match = _TYPED_NUMBER.fullmatch(text.lower())
    if match is None or not re.search(r"\d", (match["digits"] or "") + (match["fraction"] or "")):
        return None
    digits = re.sub(r"[ ,_]", "", match["digits"] or "0")
    number = Decimal(f"{match['sign']}{digits}{match['fraction'] or ''}{match['exponent'] or ''}")
    return number * _COUNT_SUFFIXES[match["suffix"] or ""]


def parse_count(typed: str) -> int | None:
    """Parse a count such as 3T, 1.5B, 20_000, 2e9 or 3000亿; None if the text is no count."""
    number = parse_number(typed)
    return None if number is None or number < 0 else int(number.to_integral_value())
