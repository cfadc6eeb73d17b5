"""Charts of the page Funding: ownership over time, rounds, and payouts over exit values."""

from __future__ import annotations

import datetime
import html
import math
from collections.abc import Mapping, Sequence
from itertools import cycle

import plotly.graph_objects as go

from finance.exits.curves import BreakPoint
from finance.funding.ownership import POOL, stakes
from finance.funding.rounds import Funding
from finance.funding.wording import event_text, event_title, holder_text, money_text
from finance.treasury.raising import cash_from_event
from pages.parts.charts import MONEY, OTHER, PEOPLE, WARNING, faint
from pages.parts.session import text
from pages.parts.user_text import curve_label

_FOUNDERS = (PEOPLE, "#B5578D", "#DDA3C4", "#94366C")
_STAFF = ("#E69F00", "#F2C14E", "#C47F00", "#F7DA94")
_INVESTORS = (MONEY, "#56B4E9", "#2E8B6F", "#8FD3BC", "#2F7FB5", "#B5CF4A", "#5B6FB0", "#C9BE2B")
LEAST_LABELLED = 0.025
"""Least share of the company whose band is labelled: names of thinner bands would overlap."""
LEAST_BETWEEN_NAMES = 0.055
"""Least distance between the labels of two lines, as a share of the chart's height."""


def colors(plan: Funding) -> dict[str, str]:
    """Return a colour for each holder, by group: founders, people with options, investors."""
    granted = {grant.holder for step in plan.steps for grant in step.after.grants}
    founders, staff, investors = cycle(_FOUNDERS), cycle(_STAFF), cycle(_INVESTORS)
    by_holder = {POOL: OTHER}
    for holder in plan.owners:
        if holder in plan.founders:
            by_holder[holder] = next(founders)
        elif holder in granted:
            by_holder[holder] = next(staff)
        elif holder != POOL:
            by_holder[holder] = next(investors)
    return by_holder


def dilution_chart(plan: Funding) -> go.Figure:
    """Return a chart of all holders' shares, stacked, after each day on which they changed."""
    say, figure = text(), go.Figure()
    opening = plan.capital.opening
    tables = {opening.date: opening} | {step.event.date: step.after for step in plan.steps}
    days = [*tables, _beyond(list(tables))]
    parts = [
        {stake.holder: float(stake.share) for stake in stakes(table)} for table in tables.values()
    ]
    parts.append(parts[-1])
    palette, below = colors(plan), 0.0
    for holder in plan.owners:
        shares = [part.get(holder, 0.0) for part in parts]
        figure.add_scatter(
            x=days,
            y=shares,
            name=curve_label(holder_text(say, holder)),
            stackgroup="all",
            line={"shape": "hv", "width": 0.6, "color": palette[holder]},
            fillcolor=palette[holder],
            showlegend=False,
            hovertemplate="%{y:.1%}",
        )
        if shares[-1] >= LEAST_LABELLED:
            figure.add_annotation(
                x=1,
                xref="paper",
                y=below + shares[-1] / 2,
                text=f"{shares[-1]:.1%} {curve_label(holder_text(say, holder))}",
                showarrow=False,
                xanchor="left",
                xshift=6,
                font={"size": 12},
            )
        below += shares[-1]
    for funding_round in plan.rounds:
        planned = f" ({say('funding.planned')})" if funding_round.deal.planned else ""
        _mark(figure, funding_round.deal.date, curve_label(funding_round.deal.series) + planned)
    figure.update_yaxes(
        title=say("funding.axis.share"), range=[0, 1], tickformat=".0%", showgrid=False
    )
    figure.update_xaxes(tickformat="%Y-%m", showgrid=False, range=[days[0], days[-1]])
    return figure


def _mark(figure: go.Figure, day: datetime.date, label: str) -> None:
    figure.add_vline(x=day.isoformat(), line={"color": OTHER, "width": 1, "dash": "dash"})
    figure.add_annotation(
        x=day.isoformat(), y=1, yref="paper", text=label, showarrow=False, yanchor="bottom"
    )


def _beyond(days: Sequence[datetime.date]) -> datetime.date:
    """Return a day after the last one, so that the chart shows the state after it."""
    return days[-1] + max((days[-1] - days[0]) / 10, datetime.timedelta(days=60))


def rounds_chart(plan: Funding) -> go.Figure:
    """Return a chart of payments over time; planned ones are hollow."""
    say, figure = text(), go.Figure()
    for planned, symbol in ((False, "circle"), (True, "circle-open")):
        steps = [step for step in plan.payments if step.event.planned == planned]
        amounts = [float(cash_from_event(step)) for step in steps]
        figure.add_scatter(
            x=[step.event.date for step in steps],
            y=amounts,
            mode="markers+text",
            name=say("funding.planned" if planned else "funding.done"),
            marker={
                "color": MONEY,
                "size": 14,
                "symbol": symbol,
                "line": {"color": MONEY, "width": 3},
            },
            text=[
                f"{curve_label(event_title(say, step.event))} "
                f"{money_text(amount, plan.currency, say.language)}"
                for step, amount in zip(steps, amounts, strict=True)
            ],
            textposition="top center",
            cliponaxis=False,
            hovertext=[html.escape(event_text(say, step.event, plan.currency)) for step in steps],
            hoverinfo="text+x",
        )
    figure.update_yaxes(
        title=say("funding.axis.raised", currency=plan.currency), type="log", range=_decades(plan)
    )
    figure.update_yaxes(tickformat="~s", dtick=1)
    days = [plan.capital.opening.date, *(step.event.date for step in plan.steps)]
    room = _beyond(days) - days[-1]
    figure.update_xaxes(tickformat="%Y-%m", range=[days[0] - room, days[-1] + room])
    figure.update_layout(showlegend=True)
    return figure


def _decades(plan: Funding) -> tuple[float, float] | None:
    """Return the range of a log axis with room for labels above the highest payment."""
    amounts = [math.log10(cash_from_event(step)) for step in plan.payments]
    return (min(amounts) - 0.4, max(amounts) + 0.6) if amounts else None


def exit_chart(
    plan: Funding,
    values: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    breaks: Sequence[BreakPoint],
    chosen: float,
) -> go.Figure:
    """Return a chart of each holder's payout over exit values.

    Dotted lines are at the values above which the next dollar goes to other holders.
    """
    say, figure, palette = text(), go.Figure(), colors(plan)
    for value in {float(point.exit_usd) for point in breaks}:
        figure.add_vline(x=value, line={"color": faint(OTHER, 0.6), "width": 1, "dash": "dot"})
    figure.add_vline(x=chosen, line={"color": WARNING, "width": 2})
    highest = max(payouts[-1] for payouts in lines.values())
    label_at = highest * (1 + LEAST_BETWEEN_NAMES)
    for holder, payouts in sorted(lines.items(), key=lambda line: -line[1][-1]):
        name = curve_label(holder_text(say, holder))
        figure.add_scatter(
            x=values,
            y=payouts,
            mode="lines",
            name=name,
            line={"color": palette.get(holder, OTHER), "width": 2.5},
            showlegend=False,
            hovertemplate="%{y:.3s}",
        )
        label_at = min(payouts[-1], label_at - LEAST_BETWEEN_NAMES * highest)
        figure.add_annotation(
            x=1,
            xref="paper",
            y=label_at,
            text=name,
            showarrow=False,
            xanchor="left",
            xshift=6,
            font={"size": 12},
        )
    currency = plan.currency
    figure.update_xaxes(
        title=say("funding.axis.exit", currency=currency),
        tickformat="~s",
        range=[0, values[-1]],
        hoverformat=".3s",
    )
    figure.update_yaxes(title=say("funding.axis.payout", currency=currency), tickformat="~s")
    return figure
