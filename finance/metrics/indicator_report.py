"""Indicators as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine import quantities
from engine.text import Catalog
from engine.units import MONTHS_PER_YEAR

_MULTIPLES = frozenset({"burn_multiple", "lifetime_value_to_cost", "magic_number"})
NO_VALUE = "–"


def indicator_text(text: Catalog, key: str, value: Decimal | None) -> str:
    """One indicator with its unit; a dash where it has no meaning."""
    if value is None:
        return NO_VALUE
    if key.endswith("_usd"):
        return quantities.usd(value, text.language)
    if key.endswith("_months"):
        return quantities.months(value, text.language)
    if key in _MULTIPLES:
        return f"{quantities.number(value, text.language)}×"
    return quantities.share(value, text.language)


def year_ends(n_months: int) -> list[int]:
    """Months at which indicators are compared: each twelfth, and the last."""
    ends = list(range(MONTHS_PER_YEAR, n_months + 1, MONTHS_PER_YEAR))
    return ends if ends[-1] == n_months else [*ends, n_months]


def indicator_rows(
    text: Catalog, rows: Sequence[Mapping[str, Decimal | None]], keys: Sequence[str] = ()
) -> list[list[str]]:
    """Name and values at the year ends: a row for each indicator.

    Parameters
    ----------
    rows
        All indicators of each month (:class:`finance.metrics.indicators.Indicators`).
    keys
        Which of them; by default all.
    """
    months = year_ends(len(rows))
    return [
        [
            text(f"indicator.{key}.label"),
            *(indicator_text(text, key, rows[month - 1][key]) for month in months),
        ]
        for key in keys or rows[0]
    ]
