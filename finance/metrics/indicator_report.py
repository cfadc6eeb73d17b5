"""Indicators as text with units, and as table rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine import quantities
from engine.reports.forecast_tables import change_text
from engine.text import Catalog
from engine.units import MONTHS_PER_YEAR

_MULTIPLES = frozenset({"burn_multiple", "lifetime_value_to_cost", "magic_number"})
NO_VALUE = "–"


def indicator_text(text: Catalog, key: str, value: Decimal | None) -> str:
    """Return an indicator with its unit, or a dash if it is undefined."""
    if value is None:
        return NO_VALUE
    if key.endswith("_usd"):
        return quantities.usd(value, text.language)
    if key.endswith("_months"):
        return quantities.months(value, text.language)
    if key in _MULTIPLES:
        return f"{quantities.number(value, text.language)}×"
    return quantities.share(value, text.language)


def indicator_change(
    text: Catalog, key: str, before: Decimal | None, after: Decimal | None
) -> str | None:
    """Return the change of an indicator against the saved scenario; None if there is none."""
    if before is None or after is None:
        return None
    is_share = not key.endswith(("_usd", "_months")) and key not in _MULTIPLES
    return change_text(text, float(before), float(after), is_share=is_share)


def year_ends(n_months: int) -> list[int]:
    """Return the months at which indicators are shown: each twelfth month, and the last."""
    ends = list(range(MONTHS_PER_YEAR, n_months + 1, MONTHS_PER_YEAR))
    return ends if ends[-1] == n_months else [*ends, n_months]


def indicator_rows(
    text: Catalog, rows: Sequence[Mapping[str, Decimal | None]], keys: Sequence[str] = ()
) -> list[list[str]]:
    """Return a row for each indicator, with its name and its values at the year ends.

    Parameters
    ----------
    rows
        All indicators of each month (:class:`finance.metrics.indicators.Indicators`).
    keys
        Keys of the indicators to show. The default is all.
    """
    months = year_ends(len(rows))
    return [
        [
            text(f"indicator.{key}.label"),
            *(indicator_text(text, key, rows[month - 1][key]) for month in months),
        ]
        for key in keys or rows[0]
    ]
