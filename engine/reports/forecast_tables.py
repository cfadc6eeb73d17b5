"""Tables of forecasts and comparisons as text, for the terminal and the app."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from engine import quantities
from engine.forecast import Figure, Forecast
from engine.reports.comparison import Comparison
from engine.text import Catalog
from engine.units import SECONDS_PER_HOUR

Rows = tuple[list[str], list[list[str]]]
"""Heads of the columns, and rows with as many cells."""

FIGURES = (
    "memory_bytes_per_device",
    "step_time_s",
    "tokens_per_s",
    "mfu",
    "wall_clock_hours",
    "device_hours",
    "cost_usd",
    "loss_nats_per_token",
    "serving_tokens_per_s_per_device",
    "serving_usd_per_million_tokens",
)
"""Figures of a forecast that have bounds, in reading order."""


def show(quantity: str, value: float, language: str, digits: int = quantities.MOST_DIGITS) -> str:
    """Format a value with the unit that the name of its quantity states."""
    if quantity.endswith("_usd") or "_usd_" in quantity:
        return quantities.usd(value, language, digits)
    if quantity == "wall_clock_hours":
        return quantities.duration(SECONDS_PER_HOUR * value, language, digits)
    if quantity in ("step_time_s", "serving_time_to_first_token_s"):
        return quantities.duration(value, language, digits)
    if digits < quantities.MOST_DIGITS or quantity == "device_hours":
        value = quantities.significant(value, digits)
    if "_bytes" in quantity:
        return quantities.si(value, "B", language)
    if quantity == "mfu":
        return quantities.share(value, language)
    if quantity == "device_hours":
        return f"{quantities.number(value, language)} h"
    if "tokens_per_s" in quantity:
        return f"{quantities.count(value, language)}/s"
    return quantities.number(value, language)


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """Texts of a figure. ``low`` and ``high`` are empty where both look like each other."""

    value: str
    low: str = ""
    high: str = ""

    @property
    def has_bounds(self) -> bool:
        """Whether the bounds differ in the digits shown."""
        return bool(self.low)

    def __str__(self) -> str:
        return f"{self.value} ({self.low} – {self.high})" if self.has_bounds else self.value


def shown_figure(quantity: str, figure: Figure, language: str) -> ShownFigure:
    """Return the texts of a figure, with as many digits as its interval supports.

    The bounds have the last digit of the value. Where they would look alike, they are left out.
    """
    digits = quantities.interval_digits(figure.value, figure.low, figure.high)
    last_place = quantities.place(figure.value) - digits

    def bound(value: float) -> str:
        own = max(1, quantities.place(value) - last_place)
        return show(quantity, value, language, min(own, quantities.MOST_DIGITS))

    value = show(quantity, figure.value, language, digits)
    low, high = bound(figure.low), bound(figure.high)
    return ShownFigure(value) if low == high else ShownFigure(value, low, high)


def show_value(quantity: str, figure: Figure, language: str) -> str:
    """Format the value of a figure as its tile does: with the digits that its interval supports."""
    return shown_figure(quantity, figure, language).value


def show_figure(quantity: str, figure: Figure, language: str) -> str:
    """Format a figure as "value (low – high)", or as "value" if the bounds look alike."""
    return str(shown_figure(quantity, figure, language))


def comparison_rows(text: Catalog, rows: Sequence[Comparison]) -> Rows:
    """Return a table of predicted and measured values with their ratios."""
    head = [text(f"table.{name}") for name in ("quantity", "predicted", "measured", "ratio")]
    return head, [
        [
            text(f"quantity.{row.quantity}"),
            show_figure(row.quantity, row.predicted, text.language),
            show(row.quantity, row.measured, text.language),
            f"{row.ratio:.3f}",
        ]
        for row in rows
    ]


def forecast_rows(text: Catalog, before: Forecast, after: Forecast | None = None) -> Rows:
    """Return a table of all figures with bounds, of both forecasts if ``after`` is given."""
    columns = [before] if after is None else [before, after]
    names = ["forecast"] if after is None else ["forecast", "calibrated"]
    head = [text("table.quantity"), *(text(f"table.{name}") for name in names)]
    return head, [
        [text(f"quantity.{name}")]
        + [show_figure(name, getattr(column, name), text.language) for column in columns]
        for name in FIGURES
    ]


def change(before: float, after: float) -> float | None:
    """Return the relative change, or None if it is below 0.05% or ``before`` is 0."""
    if not before or math.isclose(before, after, rel_tol=5e-4):
        return None
    return after / before - 1


def points(before: float, after: float) -> float | None:
    """Return the change of a share in percentage points, or None if it is below 0.05 points."""
    moved = 100 * (after - before)
    return None if abs(moved) < 0.05 else moved


def change_text(text: Catalog, before: float, after: float, *, is_share: bool) -> str | None:
    """Return a change against the saved scenario: in points for a share, else in percent."""
    if is_share:
        moved = points(before, after)
        return None if moved is None else text("tile.points_against_saved", change=f"{moved:+.1f}")
    moved = change(before, after)
    return None if moved is None else text("tile.against_saved", change=f"{moved:+.1%}")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(head):
        table.add_column(name, justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    # A pipe has no width. Cutting figures to a default width would make them wrong.
    width = None if sys.stdout.isatty() else 240
    Console(highlight=False, width=width).print(table)
