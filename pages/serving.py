"""Page Serving: what a million tokens cost, and how fast they come."""

from __future__ import annotations

import streamlit as st

from engine.reports.forecast_tables import show_value
from finance.metrics.projection import Projection
from pages.parts.business.charts import token_chart
from pages.parts.charts import draw
from pages.parts.fields import fields
from pages.parts.frame import run_in_frame
from pages.parts.session import draft, projections, text
from pages.parts.tiles import figure_tile, show_answer, tiles

_FIELDS = (
    *("concurrent_sequences", "utilisation_share", "context_tokens", "output_tokens"),
    *("cached_share", "weights"),
)


def _answer(now: Projection) -> str:
    say, forecast = text(), now.forecast

    def shown(quantity: str) -> str:
        return show_value(quantity, getattr(forecast, quantity), say.language)

    return say(
        "serving.answer",
        output=shown("serving_usd_per_million_tokens"),
        input=shown("serving_usd_per_million_input_tokens"),
        speed=shown("serving_tokens_per_s_per_device"),
        wait=shown("serving_time_to_first_token_s"),
    )


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    st.title(say("serving.question"))
    show_answer(_answer(now))
    names = (
        ("serving_usd_per_million_tokens", "down"),
        ("serving_usd_per_million_input_tokens", "down"),
        ("serving_tokens_per_s_per_device", "up"),
        ("serving_time_to_first_token_s", "down"),
    )
    tiles(
        [
            figure_tile(
                name,
                getattr(now.forecast, name),
                getattr(saved.forecast, name),
                better="up" if better == "up" else "down",
            )
            for name, better in names
        ]
    )
    inputs, chart = st.columns([2, 3], gap="large")
    with inputs:
        fields("plan.serving", _FIELDS)
        _measured()
    with chart:
        draw(token_chart(now), "tokens", height=420)


def _measured() -> None:
    say, measured = text(), draft().plan.serving.measured
    if measured is not None:
        st.caption(
            say(
                "plan.served_as_measured",
                way=say(f"compression.way_{measured.way}"),
                writing=f"{measured.writing.value:.2f}",
                date=measured.measured_on.isoformat(),
            )
        )


run_in_frame(page)
