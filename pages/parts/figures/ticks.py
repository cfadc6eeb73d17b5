"""Ticks of an axis at round values, with texts in the reader's language and currency.

Plotly itself can write 1.2M and $50k, but no 万 and 亿, no currency other than the dollar, and a
billion only as G.
"""

from __future__ import annotations

import math
from typing import Literal

from engine import quantities
from engine.currencies import currency_name, displayed, symbol
from pages.parts.session import text

Scale = Literal["money", "count", "power"]
"""Quantity on an axis: amounts in the display currency, counts, or powers of ten such as FLOPs."""
_MOST_TICKS = 6
_LEAST_DECIMAL = 1e-4
"""Least value that is shown with decimals, not with an exponent."""
_NEARLY_LINEAR = 3.0
"""Quotient of the ends of a log axis below which multiples of powers of ten are too few."""
_STEPS = (1, 2, 2.5, 5, 10)


def currency_unit(currency: str | None = None) -> str:
    """Return a currency as the unit of an axis: USD, in Chinese 美元; by default the displayed."""
    language = text().language
    code = currency or displayed().currency
    return currency_name(code, language) if language == "zh_Hans" else code


def money_format(decimals: int) -> str:
    """Return the format of a table's column of amounts in the display currency."""
    return f"{symbol(text().language)}%,.{decimals}f"


def axis_ticks(
    low: float,
    high: float,
    scale: Scale,
    *,
    log: bool = False,
    currency: str | None = None,
) -> tuple[list[float], list[str]]:
    """Return round values from ``low`` to ``high`` and a little beyond, and their texts."""
    values = log_ticks(low, high) if log else linear_ticks(low, high)
    return values, [tick_text(value, scale, currency) for value in values]


def linear_ticks(low: float, high: float) -> list[float]:
    """Return at most eight multiples of 1, 2, 2.5 or 5 times a power of ten, one past each end."""
    if not high > low:
        low, high = min(0.0, low), max(0.0, high) or 1.0
    rough = (high - low) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return powers of ten and, on a short axis, some of their multiples."""
    low, high = max(low, 1e-30), max(high, 1e-29)
    if high / low < _NEARLY_LINEAR:
        return [tick for tick in linear_ticks(low, high) if tick > 0]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps: tuple[float, ...] = (1,)
    if high / low < 12:
        steps = (1, 1.5, 2, 3, 4, 5, 7)
    elif high / low < 500:
        steps = (1, 2, 5)
    every = max(1, math.ceil(len(powers) / 9))
    ticks = [step * 10.0**power for power in powers if not power % every for step in steps]
    return [tick for tick in ticks if low / 3 <= tick <= high * 3]


def tick_text(value: float, scale: Scale, currency: str | None = None) -> str:
    """Return the text of one tick, such as $50K or 5万; money has the symbol of its currency."""
    language = text().language
    if scale == "power":
        exponent = round(math.log10(value), 9) if value > 0 else 0
        factor = value / 10 ** math.floor(exponent)
        power = f"10<sup>{math.floor(exponent)}</sup>"
        return power if round(factor, 6) == 1 else f"{factor:g}×{power}"
    sign = "-" if value < 0 else ""
    size = abs(value)
    if size >= 1_000:
        shown = quantities.count(size, language)
    else:
        shown = f"{size:g}" if 0 < size < _LEAST_DECIMAL else quantities.number(size, language)
    sign_of_money = symbol(language, currency) if scale == "money" else ""
    # The axis' title names the currency; a long symbol such as US$ at each tick is too wide.
    return f"{sign}{sign_of_money if len(sign_of_money) == 1 else ''}{shown}"
