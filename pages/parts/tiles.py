"""The row of figures under a page's answer, and the strip that keeps them in sight."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from engine.forecast import Figure, Forecast
from engine.reports.forecast_tables import change_text, shown_figure
from finance.metrics.cash_report import runway_bounds, runway_text
from finance.metrics.projection import Projection
from pages.parts.session import text
from pages.parts.streamlit_private import Container

_MOST_IN_A_ROW = 4
_STRIP = "result_strip"
"""Key of the session state that has the place of the strip during a run of the page."""
_SPARK_COLOR = "#6570D6"
"""The accent between its shades for light and dark, because an image has no theme."""
_DELTA_COLORS: dict[str, Literal["normal", "inverse", "off"]] = {
    "up": "normal",
    "down": "inverse",
    "neither": "off",
}


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


def show_answer(sentence: str, place: Container | None = None) -> None:
    """Show the sentence that answers the page's question, as it is; Markdown has no meaning in it.

    It is a paragraph of its own style. A heading would break the order of the headings, and the
    dollar signs of two amounts would start a formula in Markdown.
    """
    (place or st.container()).html(f'<p class="answer">{html.escape(sentence)}</p>')


def reserve_strip() -> None:
    """Reserve the place of the strip at the top of the page; the frame calls this."""
    with st.container(key="strip"):
        st.session_state[_STRIP] = st.empty()


def tiles(row: Sequence[Tile], *, key: str = "") -> None:
    """Draw tiles side by side, at most four a row; on a narrow screen they wrap.

    Parameters
    ----------
    row
        The tiles.
    key
        Name of the row, needed for every row of a page but its main one. The tiles of the main
        row stay in sight: a strip at the top of the page repeats them after they scroll out.
    """
    # Five or six tiles are two rows of three, because a single last tile would be a row by itself.
    across = 3 if len(row) in (5, 6) else min(len(row), _MOST_IN_A_ROW)
    with st.container(horizontal=True, key=f"tiles{across}{key}"):
        for tile in row:
            with st.container(border=True, height="stretch"):
                _tile(tile)
    if not key and _STRIP in st.session_state:
        st.session_state[_STRIP].html(_strip(row))


def _tile(tile: Tile) -> None:
    st.metric(
        tile.label,
        tile.value,
        delta=tile.delta,
        delta_color=_DELTA_COLORS[tile.better],
        help=tile.help,
    )
    if tile.note:
        st.caption(tile.note)
    if len(tile.trend) > 1:
        description = text()("tile.trend", label=tile.label, n=len(tile.trend))
        st.image(_sparkline(tile.trend), width="stretch", alt=description)


def _strip(row: Sequence[Tile]) -> str:
    """Return the tiles on one line, which a screen reader skips because it has read the tiles."""
    figures = "".join(
        f"<span>{html.escape(tile.label)}<b>{html.escape(tile.value)}</b></span>" for tile in row
    )
    return f'<div class="strip" aria-hidden="true">{figures}</div>'


def _sparkline(values: Sequence[float]) -> str:
    """Return a curve without axes as SVG, with a line at zero if it crosses zero.

    Streamlit's own sparkline is red or green by the change against the saved scenario, as if that
    were the trend, and has no text for screen readers.
    """
    low, high = min(values), max(values)
    scale = 24 / (high - low) if high > low else 0.0

    def height(value: float) -> str:
        return f"{26 - scale * (value - low):.1f}"

    step = 200 / (len(values) - 1)
    points = " ".join(f"{step * month:.1f},{height(value)}" for month, value in enumerate(values))
    style = 'fill="none" vector-effect="non-scaling-stroke"'
    zero = f'<path d="M0 {height(0)}H200" stroke="#8C93A0" {style}/>' if low < 0 < high else ""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 28" preserveAspectRatio="none">'
        f'{zero}<polyline points="{points}" stroke="{_SPARK_COLOR}" stroke-width="1.5" {style}/>'
        "</svg>"
    )


def figure_tile(
    quantity: str,
    now: Figure,
    saved: Figure,
    *,
    better: Literal["up", "down", "neither"],
    covers: str = "measured",
) -> Tile:
    """Return a figure of the forecast with its bounds and its change against the saved scenario.

    ``covers`` is the key of a text that says what the bounds cover, below ``tile.covers``.
    """
    say = text()
    shown = shown_figure(quantity, now, say.language)
    return Tile(
        label=say(f"quantity.{quantity}"),
        value=shown.value,
        note=_interval(shown.low, shown.high, covers) if shown.has_bounds else "",
        delta=change_text(say, saved.value, now.value, is_share=quantity == "mfu"),
        better=better,
        help=say(f"basis.{quantity}"),
    )


def loss_tile(now: Forecast, saved: Forecast) -> Tile:
    """Return the expected loss; a mark says if the plan is beyond the runs of the law."""
    say, covers = text(), "law"
    if now.loss_calibrated:
        covers = "measured"
    elif now.loss_extrapolated:
        covers = "law_extrapolated"
    tile = figure_tile(
        "loss_nats_per_token",
        now.loss_nats_per_token,
        saved.loss_nats_per_token,
        better="down",
        covers=covers,
    )
    if covers != "law_extrapolated":
        return tile
    return replace(tile, help=f"{say('plan.extrapolated')}\n\n{tile.help}")


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
