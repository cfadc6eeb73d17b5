"""Tables of a scenario's cash, for the terminal, CSV files and the app."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from engine import quantities
from engine.reports.forecast_tables import Rows, show, show_figure
from engine.text import Catalog
from finance.company.cashflow import CashMonth
from finance.metrics.projection import CalibrationEffect, Projection

LINES = (
    "revenue_usd",
    "training_usd",
    "serving_usd",
    "people_usd",
    "other_usd",
    "gross_burn_usd",
    "net_burn_usd",
    "equity_usd",
    "cash_usd",
    "hardware_usd",
    "debt_service_usd",
    "grants_usd",
    "other_receipts_usd",
    "convertibles_usd",
    "debt_usd",
)
"""Amounts of a month in USD. New columns are added at the end, for readers by position."""


def cash_csv(months: Sequence[CashMonth]) -> str:
    """Return the months as CSV, with fixed English headers."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["month", "date", "customers", *LINES])
    for month in months:
        writer.writerow(
            [month.month, month.date.isoformat(), f"{month.customers:.2f}"]
            + [f"{getattr(month, line):f}" for line in LINES]
        )
    return file.getvalue()


def runway_text(text: Catalog, runway: Decimal | None, horizon_months: int) -> str:
    """Return the runway for a table or tile; None is a runway beyond the horizon."""
    if runway is None:
        return text("runway.over_horizon", n=horizon_months)
    return text("unit.months", n=_months(text, runway))


def when_used_up(text: Catalog, runway: Decimal | None) -> str:
    """Return the time at which the cash is used up, such as "after 11.5 months"; empty if never."""
    if runway is None:
        return ""
    if runway < 1:
        return text("runway.when_at_once")
    return text("runway.when", n=_months(text, runway))


def lasting_text(text: Catalog, runway: Decimal | None, horizon_months: int) -> str:
    """Return how long the cash lasts, as the predicate of a sentence: "lasts 11.5 months"."""
    if runway is None:
        return text("runway.lasting_more", n=horizon_months)
    if runway < 1:
        return text("runway.lasting_less")
    return text("runway.lasting", n=_months(text, runway))


def runway_bounds(text: Catalog, projection: Projection) -> tuple[str, str] | None:
    """Return the runway at high and at low compute costs, or None if both look alike."""
    low, high = (
        runway_text(text, runway, projection.horizon_months)
        for runway in (
            projection.runway_months_at_high_cost,
            projection.runway_months_at_low_cost,
        )
    )
    return None if low == high else (low, high)


def _months(text: Catalog, runway: Decimal) -> str:
    return quantities.months_number(runway, text.language)


def _usd_change(change: Decimal, language: str) -> str:
    """Return a change of an amount with its sign, such as +$5,834.90."""
    return f"{'+' if change >= 0 else ''}{quantities.usd(change, language)}"


def effect_rows(text: Catalog, effect: CalibrationEffect) -> Rows:
    """Return a table of a calibration's effect on costs, peak burn and runway."""
    head = [text(f"table.{name}") for name in ("quantity", "before", "after", "change")]
    before, after = effect.before, effect.after
    pairs = [
        (name, getattr(before.forecast, name).value, getattr(after.forecast, name).value)
        for name in ("step_time_s", "cost_usd", "memory_bytes_per_device", "loss_nats_per_token")
    ]
    rows = [
        [
            text(f"quantity.{name}"),
            show(name, old, text.language),
            show(name, new, text.language),
            _relative_change(old, new),
        ]
        for name, old, new in pairs
    ]
    for key, old, new in (
        ("peak_burn", before.peak_burn.net_burn_usd, after.peak_burn.net_burn_usd),
        ("lowest_cash", before.lowest_cash.cash_usd, after.lowest_cash.cash_usd),
    ):
        rows.append(
            [
                text(f"quantity.{key}"),
                quantities.usd(old, text.language),
                quantities.usd(new, text.language),
                _usd_change(new - old, text.language),
            ]
        )
    old_runway, new_runway = before.runway_months, after.runway_months
    change = (
        ""
        if old_runway is None or new_runway is None
        else months_change(text, old_runway, new_runway)
    )
    rows.append(
        [
            text("quantity.runway_months"),
            runway_text(text, old_runway, before.horizon_months),
            runway_text(text, new_runway, after.horizon_months),
            change,
        ]
    )
    return head, rows


def months_change(text: Catalog, before: Decimal, after: Decimal) -> str:
    """Return a change of months with its sign and unit: "-8.5 months"."""
    return f"{'+' if after >= before else ''}{quantities.months(after - before, text.language)}"


def _relative_change(before: float, after: float) -> str:
    if not before:
        return ""
    return f"{(after / before - 1) * 100:+.1f}%"


def projection_rows(text: Catalog, projection: Projection) -> Rows:
    """Return the table of a projection's key figures."""
    language, horizon = text.language, projection.horizon_months
    burn_multiple, bounds = projection.burn_multiple, runway_bounds(text, projection)
    return [text("table.quantity"), text("table.value")], [
        [
            text("quantity.cost_usd"),
            show_figure("cost_usd", projection.forecast.cost_usd, language),
        ],
        [
            text("quantity.peak_burn"),
            f"{quantities.usd(projection.peak_burn.net_burn_usd, language)} "
            f"({text('runway.in_month', n=projection.peak_burn.month)})",
        ],
        [
            text("quantity.runway_months"),
            runway_text(text, projection.runway_months, horizon)
            + ("" if bounds is None else text("runway.bounds", low=bounds[0], high=bounds[1])),
        ],
        [
            text("quantity.runway_months_with_round"),
            runway_text(text, projection.runway_months_with_round, horizon),
        ],
        [
            text("quantity.burn_multiple"),
            "–" if burn_multiple is None else quantities.number(burn_multiple, language),
        ],
        [text("quantity.sold_share"), quantities.share(projection.sold_share, language)],
    ]
