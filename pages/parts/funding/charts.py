"""Charts of the page Funding: cash with a raise, ownership over time, payouts over exit values."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping, Sequence

from engine import quantities
from engine.currencies import STORED, displayed
from finance.books.cents import cents_to_usd
from finance.books.months import date_of_month
from finance.exits.curves import BreakPoint
from finance.funding.ownership import POOL, stakes
from finance.funding.raises import RaiseNeeded
from finance.funding.rounds import Funding
from finance.funding.wording import holder_text, money_text
from finance.metrics.projection import Projection
from pages.parts.charts import LABEL_SIZE, in_display_currency
from pages.parts.figures.figure import Figure
from pages.parts.figures.lanes import in_lanes, spread_heights
from pages.parts.figures.ticks import currency_unit
from pages.parts.funding.needed import Tried
from pages.parts.palette import MONEY, OTHER, WARNING, faint, holder_colors, ink_on
from pages.parts.session import text
from pages.parts.user_text import curve_label

LEAST_LABELLED = 0.045
"""Least share of the company whose band is labelled: names of thinner bands would overlap."""
WIDEST_NAME = 22
"""Width of the longest name beside the payouts, in letters."""
LEAST_BETWEEN_NAMES = 0.055
"""Least distance between the labels of two lines, as a share of the chart's height."""


def colors(plan: Funding) -> dict[str, str]:
    """Return a colour for each holder, by group: founders, staff and advisers, investors."""
    staff = plan.insiders - plan.founders
    return holder_colors(plan.owners, sorted(plan.founders), sorted(staff), POOL)


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


def raise_chart(now: Projection, tried: Tried, goal: RaiseNeeded) -> Figure:
    """Return a chart of cash with and without the chosen raise, with the buffer as a line."""
    say, language, company = text(), text().language, now.scenario.company
    dates = [month.date for month in now.months_without_round]
    without = [month.cash_usd for month in now.months_without_round]
    with_raise = [cents_to_usd(cents) for cents in tried.balances_cents]
    lowest = min(range(len(without)), key=without.__getitem__)
    figure = Figure(
        say(
            "funding.raise.alt",
            first=f"{dates[0]:%Y-%m}",
            last=f"{dates[-1]:%Y-%m}",
            without=quantities.usd(without[lowest], language),
            month=f"{dates[lowest]:%Y-%m}",
            with_raise=quantities.usd(min(with_raise), language),
        )
    )
    for name, amounts, line in (
        ("without_raise", without, {"color": WARNING, "dash": "dot", "width": 2}),
        ("with_raise", with_raise, {"color": MONEY, "width": 3}),
    ):
        figure.add_scatter(
            x=dates,
            y=in_display_currency(amounts),
            name=say(f"funding.raise.{name}"),
            mode="lines",
            line=line,
            hovertemplate="%{y:$,.0f}",
        )
    figure.add_hline(0, line={"color": OTHER, "width": 1})
    if goal.buffer_usd:
        figure.add_scatter(
            x=[dates[0], dates[-1]],
            y=in_display_currency([goal.buffer_usd] * 2),
            name=say("funding.raise.buffer_line"),
            mode="lines",
            line={"color": OTHER, "dash": "dash", "width": 1},
            hoverinfo="skip",
        )
    arrival = date_of_month(company.first_month, tried.result.month)
    figure.add_vline(arrival, line={"color": MONEY, "width": 1, "dash": "dot"})
    figure.scale("y", "money")
    figure.update_yaxes(title=say("axis.cash", currency=currency_unit()))
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m", hoverformat="%Y-%m")
    figure.update_layout(showlegend=True)
    return figure


def _shortened(name: str) -> str:
    """Return a name that fits beside the chart; a Chinese character is as wide as two letters."""
    width = 0
    for place, character in enumerate(name):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > WIDEST_NAME:
            return f"{name[:place].rstrip(' ·')}…"
    return name


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
        name = curve_label(_shortened(holder_text(say, holder)))
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
