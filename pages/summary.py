"""Page Summary: the verdict on the plan, and what it rests on, on one screen."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.facts import accelerator
from engine.reports.forecast_tables import show
from finance.metrics.projection import Projection
from finance.verdict.checks import checks
from finance.verdict.verdict import Verdict, verdict
from pages.parts.charts import cash_chart, draw
from pages.parts.figures.ticks import currency_unit
from pages.parts.frame import run_in_frame
from pages.parts.session import projections, text
from pages.parts.summary.checks import draw_actions, draw_checks
from pages.parts.summary.drivers import draw_drivers
from pages.parts.summary.figures import figure_tiles
from pages.parts.summary.wording import verdict_in_words
from pages.parts.tiles import tiles
from pages.parts.user_text import escaped_markdown

_CHART_HEIGHT = 215


def _model(projection: Projection) -> str:
    say = text()
    plan, predicted, language = projection.scenario.plan, projection.forecast, say.language
    return say(
        "summary.model",
        parameters=quantities.count(predicted.parameters_total, language),
        tokens=quantities.count(plan.tokens, language),
        devices=quantities.count(plan.cluster.n_devices, language),
        accelerator=accelerator(plan.cluster.accelerator).name,
        duration=show("wall_clock_hours", predicted.wall_clock_hours.value, language),
        cost=quantities.usd(predicted.cost_usd.value, language),
    )


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    found = verdict(checks(now))
    st.title(say("summary.question"))
    st.markdown(f"**{escaped_markdown(verdict_in_words(say, found))}** :small[{_model(now)}]")
    tiles(figure_tiles(now, saved))
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        heading = say("summary.cash_heading", n=now.horizon_months)
        st.subheader(
            say("summary.with_unit", heading=heading, unit=currency_unit()),
            help=say("summary.cash_help"),
        )
        draw(cash_chart(now, is_small=True), "cash", height=_CHART_HEIGHT, with_data=False)
    with right:
        st.subheader(say("summary.drivers_heading"), help=say("summary.drivers_help"))
        drivers = st.container()
    _checks_and_actions(found)
    with drivers:
        draw_drivers()


def _checks_and_actions(found: Verdict) -> None:
    say = text()
    left, right = st.columns([1.6, 1], gap="medium")
    with left, st.container(gap="xsmall"):
        st.subheader(say("summary.checks_heading"))
        draw_checks(found)
    with right, st.container(gap="xsmall"):
        st.subheader(say("summary.actions_heading"))
        draw_actions(found)


run_in_frame(page)
