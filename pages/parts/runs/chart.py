"""Chart of the daily cost of runs, by their outcome."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import streamlit as st

from engine import quantities
from engine.runs.observing.overview import DAYS_OF_SPENDING, spent_by_day
from engine.runs.observing.summary import Summary
from engine.units import SECONDS_PER_DAY
from pages.parts.charts import draw, in_display_currency
from pages.parts.figures.figure import Figure
from pages.parts.figures.ticks import currency_unit
from pages.parts.palette import COMPUTE, DATA, MONEY, OTHER, WARNING
from pages.parts.run_views.wording import state_name
from pages.parts.session import text

_COLORS = {
    "succeeded": MONEY,
    "unfinished": COMPUTE,
    "stopped": DATA,
    "cancelled": OTHER,
    "failed": WARNING,
}
"""Colours of the outcomes, from the bottom of the stack to the top."""
_HALF_A_DAY = datetime.timedelta(hours=12)
_BAR_WIDTH_MS = 0.7 * 1000 * SECONDS_PER_DAY
"""Width of a bar in milliseconds, the unit of a time axis; a single bar has no default."""


def spending_chart(summaries: Sequence[Summary], until: datetime.datetime) -> None:
    """Draw the chart, or nothing if nothing was spent in the period."""
    spent = spent_by_day(summaries, until)
    if not spent:
        return
    say = text()
    totals = {state: sum(days.values()) for state, days in spent.items()}
    figure = Figure(
        say(
            "alt.spending",
            days=DAYS_OF_SPENDING,
            all=quantities.usd(sum(totals.values()), say.language),
            parts=say("funding.comma").join(
                f"{_named(state)} {quantities.usd(usd, say.language)}"
                for state, usd in totals.items()
            ),
        )
    )
    for state, color in _COLORS.items():
        days = spent.get(state, {})
        if days:
            figure.add_bar(
                x=list(days),
                y=in_display_currency(list(days.values())),
                name=_named(state),
                marker={"color": color},
                width=_BAR_WIDTH_MS,
                hovertemplate="%{y:$.3g}<extra>%{fullData.name}</extra>",
            )
    today = datetime.datetime.combine(until.date(), datetime.time())
    first = today - datetime.timedelta(days=DAYS_OF_SPENDING - 1)
    figure.update_layout(
        barmode="stack", bargap=0.3, showlegend=True, legend={"traceorder": "normal"}
    )
    figure.update_xaxes(
        title=say("axis.day"),
        tickformat="%m-%d",
        type="date",
        range=[first - _HALF_A_DAY, today + _HALF_A_DAY],
    )
    figure.scale("y", "money")
    figure.update_yaxes(rangemode="tozero", title=say("runs.axis_usd", currency=currency_unit()))
    draw(figure, "spending", height=230)
    st.caption(say("runs.spending_note", days=DAYS_OF_SPENDING))


def _named(state: str) -> str:
    return text()("runs.unfinished") if state == "unfinished" else state_name(state)
