"""Page Costs and people: everyone and everything that is paid for, and the ways to get compute."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from finance.costs.people import Role
from finance.metrics.projection import Projection
from pages.parts.business.compute import compute_inputs, compute_options_section
from pages.parts.charts import draw, month_chart
from pages.parts.costs.payment import draw_payment_options
from pages.parts.costs.rent_or_buy import draw_rent_or_buy
from pages.parts.entries import entries, optional_part
from pages.parts.fields import fields
from pages.parts.frame import run_in_frame
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.rates import exchange_rates
from pages.parts.session import projections, text
from pages.parts.tables import table
from pages.parts.tiles import show_answer

_PEOPLE = (
    *("title", "people", "cost_usd_per_month", "start_month", "end_month", "function"),
    *("on_cost_share", "raise_share_per_year", "stock_usd_per_year", "region"),
)


def _answer(now: Projection) -> str:
    say = text()
    peak = now.peak_burn
    return say(
        "costs.answer",
        month=peak.month,
        burn=quantities.usd(peak.net_burn_usd, say.language),
        cost=quantities.usd(now.forecast.cost_usd.value, say.language),
    )


def _people() -> None:
    say = text()
    table("company.people", Role, say("people.heading"), _PEOPLE)


def _training() -> None:
    optional_part("company.training", "training")
    st.divider()
    entries("company.training_events")


def _spending() -> None:
    fields("company", ("other_costs_usd_per_month", "payment_days"))
    for name in ("spending", "data"):
        st.divider()
        entries(f"company.{name}")
    st.divider()
    exchange_rates()


def _compute() -> None:
    now, _ = projections()
    left, right = st.columns([2, 3], gap="large")
    with left:
        compute_inputs()
    with right:
        draw_rent_or_buy(now.scenario.plan)
        draw_payment_options(now)
        compute_options_section(now)


def page() -> None:
    """Draw the page."""
    say = text()
    now, _ = projections()
    st.title(say("costs.question"))
    show_answer(_answer(now))
    draw(month_chart(now.months), "months")
    drawn = {
        "people": _people,
        "training": _training,
        "compute": _compute,
        "spending": _spending,
    }
    lazy_tabs("costs", drawn, "costs.tab_")


run_in_frame(page)
