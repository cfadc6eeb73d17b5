"""Indicators as text with units, and the groups in which they are shown."""

from __future__ import annotations

from decimal import Decimal

from engine import quantities
from engine.reports.forecast_tables import change_text
from engine.text import Catalog
from engine.units import MONTHS_PER_YEAR
from finance.metrics.indicators import QUARTER_MONTHS

_MULTIPLES = frozenset({"burn_multiple", "lifetime_value_to_cost", "magic_number"})
_MONTHLY = frozenset({"gross_burn_usd", "net_burn_usd"})
_AT_MONTH = frozenset({"arr_usd", "runway_planned_months"})
_QUARTERLY = frozenset({"runway_trailing_months", "magic_number"})
_SINCE_START = frozenset({"training_share_of_raise"})
NO_VALUE = "–"
INDICATOR_GROUPS = {
    "growth": (
        *("arr_usd", "arr_new_usd", "arr_expansion_usd", "arr_contraction_usd"),
        *("arr_churned_usd", "net_revenue_retention", "gross_revenue_retention"),
        *("revenue_growth", "rule_of_40"),
    ),
    "efficiency": (
        *("burn_multiple", "magic_number", "acquisition_cost_usd", "payback_months"),
        *("lifetime_value_usd", "lifetime_value_to_cost"),
    ),
    "margin": (
        "gross_margin_paid_inference",
        "gross_margin_with_free_users",
        "gross_margin_with_training",
    ),
    "cash": (
        *("gross_burn_usd", "net_burn_usd", "runway_trailing_months", "runway_planned_months"),
    ),
    "compute": (
        "revenue_per_gpu_hour_usd",
        "cost_per_million_tokens_usd",
        "training_share_of_raise",
    ),
}
"""All indicators by subject, in the order in which a table shows them."""


def indicator_name(text: Catalog, key: str, month: int) -> str:
    """Return an indicator's name with the months that it covers: "NRR, 12 months to month 60".

    No other figure has this name, so that a reader can compare figures by their names.
    """
    name = text(f"indicator.{key}.label")
    span = _span_of(key)
    if span in ("month", "at"):
        return text(f"indicator_period.{span}", name=name, month=month)
    longest = {"quarter": QUARTER_MONTHS, "year": MONTHS_PER_YEAR, "start": month}[span]
    return text("indicator_period.months", name=name, n=min(month, longest), month=month)


def indicator_row_name(text: Catalog, key: str) -> str:
    """Return an indicator's name for a table whose columns are months: "NRR (12 months)"."""
    return text(f"indicator_row.{_span_of(key)}", name=text(f"indicator.{key}.label"))


def _span_of(key: str) -> str:
    """Return the months that an indicator covers: a key below ``indicator_row`` in the catalogs."""
    for span, keys in (
        ("month", _MONTHLY),
        ("at", _AT_MONTH),
        ("quarter", _QUARTERLY),
        ("start", _SINCE_START),
    ):
        if key in keys:
            return span
    return "year"


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
