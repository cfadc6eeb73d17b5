"""The row of figures under a page's answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from engine.forecast import Figure
from engine.report import change, show
from pages.parts.session import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure: its name, its value, what bounds it, and how it moved against the saved one."""

    label: str
    value: str
    note: str = ""
    """Bounds, or what the figure means here."""
    delta: str | None = None
    better: Literal["up", "down", "neither"] = "neither"
    help: str | None = None


def tiles(row: Sequence[Tile]) -> None:
    """Up to five figures side by side."""
    colors: dict[str, Literal["normal", "inverse", "off"]] = {
        "up": "normal",
        "down": "inverse",
        "neither": "off",
    }
    for column, tile in zip(st.columns(len(row)), row, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(
                tile.label,
                tile.value,
                delta=tile.delta,
                delta_color=colors[tile.better],
                help=tile.help,
            )
            if tile.note:
                st.caption(tile.note)


def figure_tile(
    quantity: str, now: Figure, saved: Figure, *, better: Literal["up", "down", "neither"]
) -> Tile:
    """A figure of the forecast with its bounds and its change against the saved scenario."""
    say = text()
    low, high = (show(quantity, bound, say.language) for bound in (now.low, now.high))
    moved = change(saved.value, now.value)
    return Tile(
        label=say(f"quantity.{quantity}"),
        value=show(quantity, now.value, say.language),
        note=say("tile.interval", low=low, high=high) if low != high else "",
        delta=None if moved is None else say("tile.against_saved", change=f"{moved:+.1%}"),
        better=better,
        help=say(f"basis.{quantity}"),
    )
