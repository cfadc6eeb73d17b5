"""Page Summary: the verdict on the plan, and what it rests on, on one screen."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.reports.forecast_tables import show_value
from finance.metrics.projection import Projection
from finance.verdict.checks import checks
from finance.verdict.verdict import verdict
from pages.parts.charts import cash_chart, draw
from pages.parts.figures.ticks import currency_unit
from pages.parts.frame import run_in_frame
from pages.parts.funding.opening_cash import draw_opening_cash
from pages.parts.session import projections, text
from pages.parts.summary.checks import draw_actions, draw_checks
from pages.parts.summary.drivers import draw_drivers
from pages.parts.summary.figures import figure_tiles
from pages.parts.summary.wording import answer_html
from pages.parts.tiles import tiles

_CHART_HEIGHT = 205


def _model(projection: Projection) -> str:
    say = text()
    plan, predicted, language = projection.scenario.plan, projection.forecast, say.language
    return say(
        "summary.model",
        parameters=quantities.count(predicted.parameters_total, language),
        tokens=quantities.count(plan.tokens, language),
        duration=show_value("wall_clock_hours", predicted.wall_clock_hours, language),
        cost=show_value("cost_usd", predicted.cost_usd, language),
    )


def page() -> None:
    """Draw the page; the assumptions that move the runway are computed after the rest."""
    say = text()
    now, saved = projections()
    found = verdict(checks(now))
    with st.container(gap="small"):
        st.title(say("summary.question"))
        st.html(answer_html(say, found, _model(now)))
        draw_opening_cash(only_planned=True)
        tiles(figure_tiles(now, saved))
        left, right = st.columns([1.15, 1], gap="medium")
        with left, st.container(gap="xsmall"):
            _cash(now)
        with right, st.container(gap="xsmall"):
            st.header(say("summary.drivers_heading"), help=say("summary.drivers_help"))
            drivers = st.container()
        left, right = st.columns([1.6, 1], gap="medium")
        with left, st.container(gap="small"):
            st.header(say("summary.checks_heading"))
            with st.container(gap="xsmall"):
                draw_checks(found)
        with right, st.container(gap="small"):
            st.header(say("summary.actions_heading"))
            with st.container(gap="xsmall"):
                draw_actions(found)
    with drivers:
        draw_drivers()


def _cash(now: Projection) -> None:
    say = text()
    heading = say("summary.cash_heading", n=now.horizon_months)
    st.header(
        say("summary.with_unit", heading=heading, unit=currency_unit()),
        help=say("summary.cash_help"),
    )
    draw(cash_chart(now, is_small=True), "cash", height=_CHART_HEIGHT, with_data=False)


run_in_frame(page)
