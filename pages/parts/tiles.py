"""The row of figures under a page's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from engine import quantities
from engine.forecast import Figure
from engine.reports.forecast_tables import change_text, shown_figure
from finance.metrics.cash_report import runway_bounds, runway_text
from finance.metrics.projection import Projection
from pages.parts.session import text

_COVERS = {"loss_nats_per_token": "law"}
"""Key of what the bounds of a figure cover, where that is not the error of measured runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure with its name, its bounds, and its change against the saved scenario."""

    label: str
    value: str
    note: str = ""
    """Text below the value: its bounds, or its meaning on this page."""
    delta: str | None = None
    better: Literal["up", "down", "neither"] = "neither"
    help: str | None = None
    trend: Sequence[float] = ()
    """Values of all months, for a sparkline."""


def tiles(row: Sequence[Tile]) -> None:
    """Draw up to five tiles side by side; on a narrow screen they wrap."""
    colors: dict[str, Literal["normal", "inverse", "off"]] = {
        "up": "normal",
        "down": "inverse",
        "neither": "off",
    }
    side_by_side = st.container(horizontal=True)
    for tile in row:
        with side_by_side.container(border=True, height="stretch"):
            st.metric(
                tile.label,
                tile.value,
                delta=tile.delta,
                delta_color=colors[tile.better],
                help=tile.help,
                chart_data=tile.trend or None,
            )
            if tile.note:
                st.caption(tile.note)


def figure_tile(
    quantity: str, now: Figure, saved: Figure, *, better: Literal["up", "down", "neither"]
) -> Tile:
    """Return a figure of the forecast with its bounds and its change against the saved scenario."""
    say = text()
    shown = shown_figure(quantity, now, say.language)
    return Tile(
        label=say(f"quantity.{quantity}"),
        value=shown.value,
        note=_interval(shown.low, shown.high, _COVERS.get(quantity, "measured"))
        if shown.has_bounds
        else "",
        delta=change_text(say, saved.value, now.value, is_share=quantity == "mfu"),
        better=better,
        help=say(f"basis.{quantity}"),
    )


def _interval(low: str, high: str, covers: str) -> str:
    say = text()
    return say("tile.interval_covering", low=low, high=high, covers=say(f"tile.covers.{covers}"))


def runway_tile(now: Projection, saved: Projection) -> Tile:
    """Return the runway without the round, with its bounds at the forecast's costs."""
    say = text()
    delta = None
    if now.runway_months is not None and saved.runway_months is not None:
        moved = round(now.runway_months - saved.runway_months, 1)
        delta = say("tile.months_against_saved", change=f"{moved:+.1f}") if moved else None
    bounds = runway_bounds(say, now)
    return Tile(
        label=say("quantity.runway_months"),
        value=runway_text(say, now.runway_months, now.horizon_months),
        note=say("tile.compute_moves_little")
        if bounds is None
        else _interval(*bounds, "compute_cost"),
        delta=delta,
        better="up",
        help=say("basis.runway_months"),
    )


def with_round_tile(now: Projection) -> Tile:
    """Return the runway with the round and other planned money."""
    say = text()
    return Tile(
        label=say("quantity.runway_months_with_round"),
        value=runway_text(say, now.runway_months_with_round, now.horizon_months),
        note=say("runway.planned_note"),
        help=say("basis.runway_months"),
    )


def burn_multiple_tile(now: Projection) -> Tile:
    """Return the cash burnt for each dollar of new annual recurring revenue."""
    say = text()
    multiple = now.burn_multiple
    return Tile(
        label=say("quantity.burn_multiple"),
        value="–" if multiple is None else f"{multiple:.2f}×",
        note=say("business.burn_multiple_note", n=now.burn_multiple_months),
        help=say("basis.burn_multiple"),
    )


def peak_burn_tile(now: Projection) -> Tile:
    """Return the greatest net burn of a month, in USD."""
    say = text()
    return Tile(
        label=say("quantity.peak_burn"),
        value=quantities.usd(now.peak_burn.net_burn_usd, say.language),
        note=say("runway.in_month", n=now.peak_burn.month),
        help=say("basis.net_burn"),
    )
