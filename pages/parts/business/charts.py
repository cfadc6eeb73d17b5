"""Charts of the business: revenue and margins, tokens, recurring revenue, compute."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from finance.metrics.compute_options import OptionOutcome
from finance.metrics.indicators import Values
from finance.metrics.projection import BOUNDS, Projection
from finance.metrics.unit_economics import UNNAMED_LINE, revenue_by_line, token_economics
from pages.parts.charts import (
    COMPUTE,
    DATA,
    LIGHT_COMPUTE,
    MONEY,
    OTHER,
    WARNING,
    faint,
)
from pages.parts.session import text

_LINE_COLORS = (MONEY, "#66C2A5", "#00664B", "#B2DF8A", "#1B9E9E", "#A6D9C9", "#4D7C0F", "#C9E4A0")
"""Shades of green for revenue lines, because money is green on every page."""
_MARGINS = {
    "gross_margin_paid_inference": MONEY,
    "gross_margin_with_free_users": DATA,
    "gross_margin_with_training": COMPUTE,
}
_MARGIN_TOP, _GAP = 0.32, 0.17
"""Shares of the height: of the margins at the bottom, and of their legend above them."""
LEAST_MARGIN_SHOWN = -1.0
"""Least gross margin that is drawn: while revenue is near zero, margins are hugely negative."""


def revenue_chart(projection: Projection, rows: Sequence[Values]) -> go.Figure:
    """Return a chart of monthly revenue by line, above three gross margins of twelve months."""
    say = text()
    figure = make_subplots(
        rows=2,
        shared_xaxes=True,
        row_heights=[1 - _GAP - _MARGIN_TOP, _MARGIN_TOP],
        vertical_spacing=_GAP,
    )
    dates = [month.date for month in projection.months]
    lines = revenue_by_line(projection.books)
    for number, line in enumerate(lines):
        figure.add_bar(
            x=dates,
            y=line.usd,
            name=say("business.one_line") if line.name == UNNAMED_LINE else line.name,
            marker={"color": _LINE_COLORS[number % len(_LINE_COLORS)]},
            hovertemplate="$%{y:,.0f}",
            row=1,
            col=1,
        )
    for key, color in _MARGINS.items():
        margins = [None if row[key] is None else float(row[key] or 0) for row in rows]
        figure.add_scatter(
            x=dates,
            y=margins,
            name=say(f"business.{key}"),
            line={"color": color, "width": 2},
            hovertemplate="%{y:.1%}",
            legend="legend2",
            row=2,
            col=1,
        )
    figure.update_layout(
        barmode="stack",
        bargap=0.2,
        legend2={"orientation": "h", "x": 0, "y": _MARGIN_TOP, "yanchor": "bottom"},
    )
    figure.update_yaxes(title=say("axis.usd_per_month"), tickprefix="$", row=1, col=1)
    figure.update_yaxes(
        title=say("axis.gross_margin"), tickformat=".0%", range=_margin_range(rows), row=2, col=1
    )
    figure.add_hline(y=0, line={"color": OTHER, "width": 1}, row=2, col=1)
    figure.update_xaxes(tickformat="%Y-%m")
    figure.update_xaxes(title=say("axis.month"), row=2, col=1)
    return figure


def _margin_range(rows: Sequence[Values]) -> list[float]:
    known = [float(row[key] or 0) for row in rows for key in _MARGINS if row[key] is not None]
    return [max(LEAST_MARGIN_SHOWN, min([0.0, *known]) - 0.05), 1.05]


def token_chart(projection: Projection) -> go.Figure:
    """Return a chart of the price and the cost of a million tokens, with the forecast's bounds."""
    say = text()
    figure = go.Figure()
    dates = [month.date for month in projection.months]
    point, low, high = (token_economics(projection.books, trial) for trial in range(len(BOUNDS)))
    figure.add_scatter(
        x=dates, y=high.cost_usd, line={"width": 0}, showlegend=False, hoverinfo="skip"
    )
    figure.add_scatter(
        x=dates,
        y=low.cost_usd,
        line={"width": 0},
        fill="tonexty",
        fillcolor=faint(LIGHT_COMPUTE),
        name=say("chart.cost_band"),
        hoverinfo="skip",
    )
    for name, usd, color in (
        ("token_price", point.price_usd, MONEY),
        ("token_cost", point.cost_usd, LIGHT_COMPUTE),
    ):
        figure.add_scatter(
            x=dates,
            y=usd,
            name=say(f"business.{name}"),
            line={"color": color, "width": 3},
            hovertemplate="$%{y:.3g}",
        )
    figure.update_yaxes(
        title=say("axis.usd_per_million_tokens"), type="log", tickprefix="$", dtick="D2"
    )
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m")
    return figure


_ARR_PARTS = {
    "arr_new_usd": (1, MONEY),
    "arr_expansion_usd": (1, "#66C2A5"),
    "arr_contraction_usd": (-1, DATA),
    "arr_churned_usd": (-1, WARNING),
}


def arr_chart(projection: Projection, rows: Sequence[Values], months: Sequence[int]) -> go.Figure:
    """Return a chart of ARR added and lost in twelve months each, and of its balance."""
    say = text()
    figure = go.Figure()
    names = [projection.months[month - 1].date.strftime("%Y-%m") for month in months]
    for key, (sign, color) in _ARR_PARTS.items():
        figure.add_bar(
            x=names,
            y=[sign * float(rows[month - 1][key] or 0) for month in months],
            name=say(f"indicator.{key}.label"),
            marker={"color": color},
            hovertemplate="$%{y:,.0f}",
        )
    figure.add_scatter(
        x=names,
        y=[float(rows[month - 1]["arr_usd"] or 0) for month in months],
        name=say("indicator.arr_usd.label"),
        mode="lines+markers",
        line={"color": OTHER, "width": 2},
        marker={"size": 9},
        hovertemplate="$%{y:,.0f}",
    )
    figure.update_layout(barmode="relative", bargap=0.45)
    figure.update_yaxes(title=say("axis.arr_usd"), tickprefix="$")
    figure.update_xaxes(title=say("axis.year_to"), type="category")
    return figure


def compute_options_chart(names: Sequence[str], found: Sequence[OptionOutcome]) -> go.Figure:
    """Return a chart of cash at the horizon's end for each compute option, the most on top."""
    say = text()
    order = sorted(range(len(found)), key=lambda at: found[at].cash_at_end_usd)
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=[names[at] for at in order],
        x=[float(found[at].cash_at_end_usd) for at in order],
        name=say("business.cash_at_end"),
        marker={"color": MONEY},
        hovertemplate="$%{x:,.0f}",
    )
    figure.add_scatter(
        y=[names[at] for at in order],
        x=[float(found[at].lowest_cash_usd) for at in order],
        name=say("business.lowest_cash"),
        mode="markers",
        marker={"size": 12, "symbol": "line-ns", "line": {"width": 3, "color": WARNING}},
        hovertemplate="$%{x:,.0f}",
    )
    figure.add_vline(x=0, line={"color": OTHER, "width": 1})
    figure.update_xaxes(title=say("axis.usd"), tickprefix="$")
    return figure
