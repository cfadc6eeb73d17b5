"""Page Costs and people: everyone and everything that is paid for, and the ways to get compute."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.reports.forecast_tables import show_value
from finance.metrics.projection import Projection
from pages.parts.business.compute import compute_inputs, compute_options_section
from pages.parts.charts import draw, month_chart
from pages.parts.costs.all_costs import draw_all_costs
from pages.parts.costs.payment import draw_payment_options
from pages.parts.costs.rent_or_buy import draw_rent_or_buy
from pages.parts.costs.run_changes import draw_run_changes
from pages.parts.entries import entries
from pages.parts.entry_lists.document_fields import optional_part
from pages.parts.fields import fields
from pages.parts.frame import run_in_frame
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.rates import exchange_rates
from pages.parts.session import projections, text
from pages.parts.tiles import show_answer


def _answer(now: Projection) -> str:
    say = text()
    peak = now.peak_burn
    return say(
        "costs.answer",
        month=peak.month,
        burn=quantities.usd(peak.net_burn_usd, say.language),
        cost=show_value("cost_usd", now.forecast.cost_usd, say.language),
    )


def _all() -> None:
    now, _ = projections()
    draw(month_chart(now.months), "months", height=260)
    draw_all_costs(now)


def _people() -> None:
    entries("company.people")


def _training() -> None:
    entries("company.training_events")
    draw_run_changes()
    optional_part("company.training", "training")


def _spending() -> None:
    fields("company", ("other_costs_usd_per_month", "payment_days"), n_columns=4)
    entries("company.spending")
    entries("company.data")
    exchange_rates()


def _compute() -> None:
    now, _ = projections()
    compute_inputs()
    compute_options_section(now)


def _rent_or_buy() -> None:
    now, _ = projections()
    draw_rent_or_buy(now.scenario.plan)
    draw_payment_options(now)


def page() -> None:
    """Draw the page."""
    say = text()
    now, _ = projections()
    st.title(say("costs.question"))
    show_answer(_answer(now))
    drawn = {
        "all": _all,
        "people": _people,
        "spending": _spending,
        "training": _training,
        "compute": _compute,
        "rent_or_buy": _rent_or_buy,
    }
    lazy_tabs("costs", drawn, "costs.tab_")


run_in_frame(page)
