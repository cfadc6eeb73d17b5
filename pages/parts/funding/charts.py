"""Charts of the page Funding: ownership over time, rounds, and payouts over exit values."""

from __future__ import annotations

import datetime
import html
import math
from collections.abc import Mapping, Sequence

from engine.currencies import STORED, displayed
from finance.exits.curves import BreakPoint
from finance.funding.ownership import POOL, stakes
from finance.funding.rounds import Funding
from finance.funding.wording import event_text, event_title, holder_text, money_text
from finance.treasury.raising import cash_from_event
from pages.parts.charts import LABEL_SIZE
from pages.parts.figures.figure import Figure
from pages.parts.figures.lanes import in_lanes, spread_heights
from pages.parts.figures.ticks import currency_unit
from pages.parts.palette import MONEY, OTHER, WARNING, faint, holder_colors, ink_on
from pages.parts.session import text
from pages.parts.user_text import curve_label

LEAST_LABELLED = 0.035
"""Least share of the company whose band is labelled: names of thinner bands would overlap."""
LEAST_BETWEEN_NAMES = 0.055
"""Least distance between the labels of two lines, as a share of the chart's height."""


def colors(plan: Funding) -> dict[str, str]:
    """Return a colour for each holder, by group: founders, people with options, investors."""
    granted = {grant.holder for step in plan.steps for grant in step.after.grants}
    return holder_colors(plan.owners, sorted(plan.founders), sorted(granted), POOL)


def _currency(plan: Funding) -> tuple[str, float]:
    """Return the currency of amounts, and its units for one unit of the cap table's currency."""
    if plan.currency != STORED:
        return plan.currency, 1.0
    return displayed().currency, float(displayed().units_per_usd)


def _unit(plan: Funding) -> str:
    return currency_unit(_currency(plan)[0])


def dilution_chart(plan: Funding) -> Figure:
    """Return a chart of all holders' shares, stacked, after each day on which they changed."""
    say = text()
    opening = plan.capital.opening
    tables = {opening.date: opening} | {step.event.date: step.after for step in plan.steps}
    days = [*tables, _beyond(list(tables))]
    parts = [
        {stake.holder: float(stake.share) for stake in stakes(table)} for table in tables.values()
    ]
    parts.append(parts[-1])
    largest = sorted(parts[-1].items(), key=lambda part: -part[1])[:4]
    figure = Figure(
        say(
            "alt.dilution",
            first=f"{days[0]:%Y-%m}",
            last=f"{days[-2]:%Y-%m}",
            shares=say("funding.comma").join(
                f"{holder_text(say, holder)} {share:.1%}" for holder, share in largest
            ),
        )
    )
    palette, below = colors(plan), 0.0
    for holder in plan.owners:
        shares = [part.get(holder, 0.0) for part in parts]
        name = curve_label(holder_text(say, holder))
        figure.add_scatter(
            x=days,
            y=shares,
            name=name,
            mode="lines",
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
                text=f"{name}  <b>{shares[-1]:.1%}</b>",
                xanchor="right",
                xshift=-6,
                font={"size": LABEL_SIZE, "color": ink_on(palette[holder])},
            )
        below += shares[-1]
    _mark_rounds(figure, plan, days)
    figure.update_yaxes(
        title=say("funding.axis.share"),
        range=[0, 1],
        tickformat=".0%",
        showgrid=False,
        fixedrange=True,
    )
    figure.update_xaxes(
        title=say("axis.month"),
        tickformat="%Y-%m",
        hoverformat="%Y-%m-%d",
        showgrid=False,
        range=[days[0], days[-1]],
    )
    return figure


def _mark_rounds(figure: Figure, plan: Funding, days: Sequence[datetime.date]) -> None:
    """Mark the rounds, with their names in rows above the plot."""
    say = text()
    deals = sorted((step.deal for step in plan.rounds), key=lambda deal: deal.date)
    labels = [
        curve_label(deal.series) + (f" ({say('funding.planned')})" if deal.planned else "")
        for deal in deals
    ]
    for deal, label, (lane, is_left) in zip(
        deals, labels, _lanes(days, [deal.date for deal in deals], labels), strict=True
    ):
        figure.rows_above = max(figure.rows_above, lane)
        figure.add_vline(deal.date, line={"color": OTHER, "width": 1, "dash": "dash"})
        figure.add_annotation(
            x=deal.date,
            y=1,
            yref="paper",
            text=label,
            xanchor="right" if is_left else "left",
            yanchor="bottom",
            yshift=2 + 15 * lane,
            font={"size": LABEL_SIZE},
        )


def _lanes(
    ends: Sequence[datetime.date], days: Sequence[datetime.date], labels: Sequence[str]
) -> list[tuple[int, bool]]:
    length = max((ends[-1] - ends[0]).days, 1)
    return in_lanes([(day - ends[0]).days / length for day in days], labels)


def _beyond(days: Sequence[datetime.date]) -> datetime.date:
    """Return a day after the last one, so that the chart shows the state after it."""
    return days[-1] + max(0.6 * (days[-1] - days[0]), datetime.timedelta(days=60))


def rounds_chart(plan: Funding) -> Figure:
    """Return a chart of payments over time on a log axis; planned ones are hollow."""
    say = text()
    currency, rate = _currency(plan)
    payments = sorted(plan.payments, key=lambda step: step.event.date)
    figure = Figure(
        say(
            "alt.rounds",
            n=len(payments),
            done=money_text(plan.raised(planned=False), plan.currency, say.language),
            planned=money_text(plan.raised(planned=True), plan.currency, say.language),
        )
    )
    for planned, symbol in ((False, "circle"), (True, "circle-open")):
        steps = [step for step in payments if step.event.planned == planned]
        figure.add_scatter(
            x=[step.event.date for step in steps],
            y=[rate * float(cash_from_event(step)) for step in steps],
            mode="markers",
            name=say("funding.planned" if planned else "funding.done"),
            marker={
                "color": MONEY,
                "size": 13,
                "symbol": symbol,
                "line": {"color": MONEY, "width": 3},
            },
            cliponaxis=False,
            hovertext=[html.escape(event_text(say, step.event, plan.currency)) for step in steps],
            hoverinfo="text+x",
        )
    days = [plan.capital.opening.date, *(step.event.date for step in plan.steps)]
    room = max((days[-1] - days[0]) / 8, datetime.timedelta(days=60))
    ends = (days[0] - room / 2, days[-1] + room)
    labels = [
        f"{curve_label(event_title(say, step.event))} "
        f"{money_text(cash_from_event(step), plan.currency, say.language)}"
        for step in payments
    ]
    dates = [step.event.date for step in payments]
    for step, label, (lane, is_left) in zip(
        payments, labels, _lanes(ends, dates, labels), strict=True
    ):
        figure.rows_above = max(figure.rows_above, lane + 1)
        figure.add_vline(step.event.date, line={"color": faint(MONEY, 0.5), "width": 1})
        figure.add_annotation(
            x=step.event.date,
            y=1,
            yref="paper",
            text=label,
            xanchor="right" if is_left else "left",
            yanchor="bottom",
            yshift=15 * lane,
            font={"size": LABEL_SIZE},
        )
    amounts = [math.log10(rate * float(cash_from_event(step))) for step in payments]
    if amounts:
        figure.update_yaxes(range=[min(amounts) - 0.3, max(amounts) + 0.3])
    figure.scale("y", "money", log=True, currency=currency)
    figure.update_yaxes(title=say("funding.axis.raised", currency=_unit(plan)))
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m", range=list(ends))
    figure.update_layout(
        showlegend=True, legend={"y": -0.35, "yanchor": "top", "x": 1, "xanchor": "right"}
    )
    return figure


def exit_chart(
    plan: Funding,
    values: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    breaks: Sequence[BreakPoint],
    chosen: float,
) -> Figure:
    """Return a chart of each holder's payout over exit values.

    Dotted lines are at the values above which the next dollar goes to other holders.
    """
    say, palette = text(), colors(plan)
    currency, rate = _currency(plan)
    at_chosen = min(range(len(values)), key=lambda place: abs(values[place] - chosen))
    largest = sorted(lines.items(), key=lambda line: -line[1][at_chosen])[:3]
    figure = Figure(
        say(
            "alt.exits",
            value=money_text(chosen, plan.currency, say.language),
            payouts=say("funding.comma").join(
                f"{holder_text(say, holder)} "
                f"{money_text(payouts[at_chosen], plan.currency, say.language)}"
                for holder, payouts in largest
            ),
        )
    )
    for value in {float(point.exit_usd) for point in breaks}:
        figure.add_vline(rate * value, line={"color": faint(OTHER, 0.6), "width": 1, "dash": "dot"})
    figure.add_vline(rate * chosen, line={"color": WARNING, "width": 2})
    highest = max(payouts[-1] for payouts in lines.values()) or 1.0
    named = sorted(lines.items(), key=lambda line: -line[1][-1])
    heights = spread_heights(
        [payouts[-1] / (1.05 * highest) for _, payouts in named], LEAST_BETWEEN_NAMES
    )
    for (holder, payouts), height in zip(named, heights, strict=True):
        name = curve_label(holder_text(say, holder))
        figure.add_scatter(
            x=[rate * value for value in values],
            y=[rate * payout for payout in payouts],
            mode="lines",
            name=name,
            line={"color": palette.get(holder, OTHER), "width": 2.5},
            showlegend=False,
            hovertemplate="%{y:,.0f}",
        )
        figure.add_annotation(
            x=1,
            xref="paper",
            y=height * 1.05 * rate * highest,
            text=name,
            xanchor="left",
            xshift=6,
            font={"size": LABEL_SIZE},
        )
    figure.scale("x", "money", currency=currency)
    figure.scale("y", "money", currency=currency)
    figure.update_xaxes(
        title=say("funding.axis.exit", currency=_unit(plan)),
        range=[0, rate * values[-1]],
        hoverformat=",.0f",
    )
    figure.update_yaxes(
        title=say("funding.axis.payout", currency=_unit(plan)), range=[0, 1.05 * rate * highest]
    )
    return figure
