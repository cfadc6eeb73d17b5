"""Charts of the business: revenue and margins, tokens, recurring revenue, compute."""

from __future__ import annotations

from collections.abc import Sequence

from engine import quantities
from finance.metrics.compute_options import OptionOutcome
from finance.metrics.indicators import Values
from finance.metrics.projection import BOUNDS, Projection
from finance.metrics.unit_economics import UNNAMED_LINE, revenue_by_line, token_economics
from pages.parts.charts import LABEL_SIZE, in_display_currency
from pages.parts.figures.figure import Figure
from pages.parts.figures.ticks import currency_unit
from pages.parts.palette import (
    COMPUTE,
    DATA,
    LIGHT_COMPUTE,
    MONEY,
    OTHER,
    REVENUE_LINES,
    WARNING,
    faint,
)
from pages.parts.session import text
from pages.parts.streamlit_private import GRAY_90
from pages.parts.user_text import curve_label

_MARGINS = {
    "gross_margin_paid_inference": MONEY,
    "gross_margin_with_free_users": DATA,
    "gross_margin_with_training": COMPUTE,
}
_MARGIN_TOP, _GAP = 0.32, 0.17
"""Shares of the height: of the margins at the bottom, and of their legend above them."""
LEAST_MARGIN_SHOWN = -1.0
"""Least gross margin that is drawn: while revenue is near zero, margins are hugely negative."""
_WHOLE = "%{y:$,.0f}"


def revenue_chart(projection: Projection, rows: Sequence[Values]) -> Figure:
    """Return a chart of monthly revenue by line, above three gross margins of twelve months.

    A margin below the lowest that is drawn is a triangle on the lower edge.
    """
    say, months = text(), projection.months
    lines = revenue_by_line(projection.books)
    figure = Figure(
        say(
            "alt.revenue",
            first_month=f"{months[0].date:%Y-%m}",
            last_month=f"{months[-1].date:%Y-%m}",
            first=quantities.usd(months[0].revenue_usd, say.language),
            last=quantities.usd(months[-1].revenue_usd, say.language),
            n=len(lines),
            margin=_share_text(rows[-1]["gross_margin_paid_inference"]),
        )
    )
    dates = [month.date.isoformat() for month in months]
    for number, line in enumerate(lines):
        named = line.name != UNNAMED_LINE
        figure.add_bar(
            x=dates,
            y=in_display_currency(line.usd),
            name=curve_label(line.name) if named else say("business.one_line"),
            marker={"color": REVENUE_LINES[number % len(REVENUE_LINES)]},
            hovertemplate=_WHOLE,
        )
    bottom = _least_margin(rows)
    for key, color in _MARGINS.items():
        margins = [None if row[key] is None else float(row[key] or 0) for row in rows]
        figure.add_scatter(
            x=dates,
            y=margins,
            name=say(f"business.{key}"),
            mode="lines",
            line={"color": color, "width": 2},
            hovertemplate="%{y:.1%}",
            legend="legend2",
            xaxis="x",
            yaxis="y2",
        )
        below = [
            date
            for date, margin in zip(dates, margins, strict=True)
            if margin is not None and margin < bottom
        ]
        if below:
            figure.add_scatter(
                x=below,
                y=[bottom] * len(below),
                name=say("business.below_frame", margin=say(f"business.{key}")),
                mode="markers",
                marker={"color": color, "symbol": "triangle-down", "size": 7},
                cliponaxis=False,
                showlegend=False,
                hoverinfo="skip",
                yaxis="y2",
            )
    figure.update_layout(
        barmode="stack",
        bargap=0.2,
        legend2={
            "orientation": "h",
            "x": 0,
            "y": _MARGIN_TOP,
            "yanchor": "bottom",
            "font": {"color": GRAY_90, "size": LABEL_SIZE},
        },
    )
    figure.add_hline(0, axis="y2", line={"color": OTHER, "width": 1})
    figure.scale("y", "money")
    figure.update_yaxes(
        title=say("axis.per_month", currency=currency_unit()), domain=[_MARGIN_TOP + _GAP, 1]
    )
    figure.update_yaxes(
        "y2",
        title=say("axis.gross_margin"),
        tickformat=".0%",
        range=[bottom, 1.05],
        domain=[0, _MARGIN_TOP],
        fixedrange=True,
    )
    figure.update_xaxes(
        title=say("axis.month"), tickformat="%Y-%m", hoverformat="%Y-%m", anchor="y2"
    )
    return figure


def _least_margin(rows: Sequence[Values]) -> float:
    known = [float(row[key] or 0) for row in rows for key in _MARGINS if row[key] is not None]
    return max(LEAST_MARGIN_SHOWN, min([0.0, *known]) - 0.05)


def _share_text(share: object) -> str:
    return "–" if share is None else quantities.share(float(str(share)), text().language)


def token_chart(projection: Projection) -> Figure:
    """Return a chart of the price and the cost of a million tokens, with the forecast's bounds."""
    say, language = text(), text().language
    dates = [month.date.isoformat() for month in projection.months]
    point, low, high = (token_economics(projection.books, trial) for trial in range(len(BOUNDS)))
    prices, costs = (
        [usd for usd in amounts if usd is not None] for amounts in (point.price_usd, point.cost_usd)
    )
    figure = Figure(
        say(
            "alt.tokens",
            price_first=quantities.usd(prices[0], language) if prices else "–",
            price_last=quantities.usd(prices[-1], language) if prices else "–",
            cost_first=quantities.usd(costs[0], language) if costs else "–",
            cost_last=quantities.usd(costs[-1], language) if costs else "–",
        )
    )
    for bound, amounts, fill in (
        ("high", high.cost_usd, None),
        ("low", low.cost_usd, "tonexty"),
    ):
        figure.add_scatter(
            x=dates,
            y=in_display_currency(amounts),
            name=say("chart.cost_band"),
            meta=f"{say('business.token_cost')} · {say(f'chart.{bound}')}",
            mode="lines",
            line={"width": 0},
            showlegend=fill is not None,
            fill=fill,
            fillcolor=faint(LIGHT_COMPUTE),
            hoverinfo="skip",
        )
    for name, amounts, color in (
        ("token_price", point.price_usd, MONEY),
        ("token_cost", point.cost_usd, LIGHT_COMPUTE),
    ):
        figure.add_scatter(
            x=dates,
            y=in_display_currency(amounts),
            name=say(f"business.{name}"),
            mode="lines",
            line={"color": color, "width": 3},
            hovertemplate="%{y:$.3g}",
        )
    figure.scale("y", "money", log=True)
    figure.update_yaxes(title=say("axis.per_million_tokens", currency=currency_unit()))
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m", hoverformat="%Y-%m")
    return figure


_ARR_PARTS = {
    "arr_new_usd": (1, MONEY),
    "arr_expansion_usd": (1, "#66C2A5"),
    "arr_contraction_usd": (-1, DATA),
    "arr_churned_usd": (-1, WARNING),
}


def arr_chart(projection: Projection, rows: Sequence[Values], months: Sequence[int]) -> Figure:
    """Return a chart of ARR added and lost in twelve months each, and of its balance."""
    say = text()
    names = [projection.months[month - 1].date.strftime("%Y-%m") for month in months]
    balances = [float(rows[month - 1]["arr_usd"] or 0) for month in months]
    figure = Figure(
        say(
            "alt.arr",
            first_month=names[0],
            last_month=names[-1],
            first=quantities.usd(balances[0], say.language),
            last=quantities.usd(balances[-1], say.language),
        )
    )
    for key, (sign, color) in _ARR_PARTS.items():
        figure.add_bar(
            x=names,
            y=in_display_currency([sign * float(rows[month - 1][key] or 0) for month in months]),
            name=say(f"indicator.{key}.label"),
            marker={"color": color},
            hovertemplate=_WHOLE,
        )
    figure.add_scatter(
        x=names,
        y=in_display_currency(balances),
        name=say("indicator.arr_usd.label"),
        mode="lines+markers",
        line={"color": OTHER, "width": 2},
        marker={"size": 9},
        hovertemplate=_WHOLE,
    )
    figure.update_layout(barmode="relative", bargap=0.45)
    figure.scale("y", "money")
    figure.update_yaxes(title=say("axis.arr", currency=currency_unit()))
    figure.update_xaxes(title=say("axis.year_to"), type="category")
    return figure


def compute_options_chart(names: Sequence[str], found: Sequence[OptionOutcome]) -> Figure:
    """Return a chart of cash at the horizon's end for each compute option, the most on top."""
    say, language = text(), text().language
    order = sorted(range(len(found)), key=lambda at: found[at].cash_at_end_usd)
    labels = [curve_label(names[at]) for at in order]
    best = order[-1]
    figure = Figure(
        say(
            "alt.compute_options",
            n=len(found),
            best=names[best],
            cash=quantities.usd(found[best].cash_at_end_usd, language),
            worst=names[order[0]],
            worst_cash=quantities.usd(found[order[0]].cash_at_end_usd, language),
        )
    )
    figure.add_bar(
        orientation="h",
        y=labels,
        x=in_display_currency([found[at].cash_at_end_usd for at in order]),
        name=say("business.cash_at_end"),
        marker={"color": MONEY},
        hovertemplate="%{x:$,.0f}",
    )
    figure.add_scatter(
        y=labels,
        x=in_display_currency([found[at].lowest_cash_usd for at in order]),
        name=say("business.lowest_cash"),
        mode="markers",
        marker={"size": 12, "symbol": "line-ns", "line": {"width": 3, "color": WARNING}},
        hovertemplate="%{x:$,.0f}",
    )
    figure.add_vline(0, line={"color": OTHER, "width": 1})
    figure.scale("x", "money")
    figure.update_xaxes(title=say("axis.money", currency=currency_unit()))
    return figure
