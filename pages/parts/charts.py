"""Charts that several pages show, and their colours.

A colour means the same thing on every page; measured values are solid, forecasts hollow. The
palette is Okabe and Ito's (2008), which people with any kind of colour blindness can distinguish.
Fonts and backgrounds come from the theme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from engine.forecast import Forecast
from engine.units import BYTES_PER_GB
from finance.books.months import date_of_month
from finance.company.cashflow import CashMonth
from finance.company.milestones import milestones
from finance.metrics.projection import Projection
from pages.parts.session import text

COMPUTE = "#0072B2"
MONEY = "#009E73"
PEOPLE = "#CC79A7"
DATA = "#E69F00"
WARNING = "#D55E00"
LIGHT_COMPUTE = "#56B4E9"
OTHER = "#8C8C8C"

_MEMORY_COLORS = {
    "weights": COMPUTE,
    "gradients": LIGHT_COMPUTE,
    "optimizer": PEOPLE,
    "activations": DATA,
    "logits": MONEY,
    "runtime": OTHER,
}
_STEP_COLORS = {
    "matmul": COMPUTE,
    "attention": LIGHT_COMPUTE,
    "elementwise": DATA,
    "recompute": PEOPLE,
    "tensor_communication": "#D55E00",
    "context_communication": "#E0813F",
    "expert_communication": "#B84A00",
    "pipeline_bubble": "#F0E442",
    "pipeline_communication": "#C9BE2B",
    "data_communication": "#8A3300",
    "optimizer": MONEY,
    "accumulation": "#66C2A5",
    "overhead": OTHER,
}
_COST_COLORS = {
    "people_usd": PEOPLE,
    "training_usd": COMPUTE,
    "serving_usd": LIGHT_COMPUTE,
    "other_usd": OTHER,
}


def draw(
    figure: go.Figure, key: str, *, height: int = 340, hover: str = "x unified", right: int = 10
) -> None:
    """Show a chart.

    Parameters
    ----------
    figure
        The chart; its layout is set here.
    key
        Key of the widget, unique on the page.
    height
        Height in pixels.
    hover
        Plotly's hover mode.
    right
        Right margin in pixels; curves have their labels there.
    """
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": right, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode=hover,
    )
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def cash_chart(projection: Projection) -> go.Figure:
    """Return a chart of cash at the end of each month, with the band of the forecast's costs."""
    say = text()
    figure = go.Figure()
    dates = [month.date for month in projection.months]
    low, high = _cash(projection.months_at_high_cost), _cash(projection.months_at_low_cost)
    figure.add_scatter(x=dates, y=high, line={"width": 0}, showlegend=False, hoverinfo="skip")
    figure.add_scatter(
        x=dates,
        y=low,
        line={"width": 0},
        fill="tonexty",
        fillcolor=faint(MONEY),
        name=say("chart.cost_band"),
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=dates,
        y=_cash(projection.months_without_round),
        name=say("chart.cash_without_round"),
        line={"color": WARNING, "dash": "dot", "width": 2},
    )
    figure.add_scatter(
        x=dates,
        y=_cash(projection.months),
        name=say("chart.cash_with_round"),
        line={"color": MONEY, "width": 3},
    )
    _mark_events(figure, projection)
    figure.add_hline(y=0, line={"color": OTHER, "width": 1})
    figure.update_yaxes(title=say("axis.cash_usd"), tickprefix="$")
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m")
    return figure


def _mark_events(figure: go.Figure, projection: Projection) -> None:
    say = text()
    company = projection.scenario.company
    before, top = -math.inf, 1.0
    for milestone in milestones(company):
        date = date_of_month(company.first_month, milestone.month).isoformat()
        color = COMPUTE if milestone.kind == "training" else MONEY
        too_close = milestone.month - before < projection.horizon_months / 20
        before, top = milestone.month, top - 0.33 if too_close else 1.0
        figure.add_vline(x=date, line={"color": color, "width": 1, "dash": "dash"})
        figure.add_annotation(
            x=date,
            y=top,
            yref="paper",
            text=milestone.name or say(f"chart.{milestone.kind}"),
            showarrow=False,
            textangle=-90,
            xanchor="right",
            xshift=-3,
            yanchor="top",
            font={"size": 12},
        )


def month_chart(months: Sequence[CashMonth]) -> go.Figure:
    """Return a chart of stacked costs, which sum to gross burn, and of revenue, by month."""
    say = text()
    figure = go.Figure()
    dates = [month.date for month in months]
    for line, color in _COST_COLORS.items():
        amounts = [float(getattr(month, line)) for month in months]
        if not any(amounts):
            continue
        figure.add_bar(x=dates, y=amounts, name=say(f"line.{line}"), marker={"color": color})
    figure.add_scatter(
        x=dates,
        y=[float(month.revenue_usd) for month in months],
        name=say("line.revenue_usd"),
        line={"color": MONEY, "width": 3},
    )
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_yaxes(title=say("axis.usd_per_month"), tickprefix="$")
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m")
    return figure


def memory_chart(predicted: Forecast) -> go.Figure:
    """Return a chart of the memory used on one device by its uses, and of what it has."""
    say = text()
    figure = _stack(
        {name: size / BYTES_PER_GB for name, size in predicted.memory_parts_bytes.items()},
        "memory",
        _MEMORY_COLORS,
        "GB",
    )
    limit = predicted.device_memory_bytes / BYTES_PER_GB
    figure.add_vline(
        x=limit,
        line={"color": WARNING, "width": 2},
        annotation={
            "text": say("chart.device_memory"),
            "font": {"color": WARNING},
            "xanchor": "right",
            "xshift": -4,
        },
    )
    used = sum(predicted.memory_parts_bytes.values()) / BYTES_PER_GB
    figure.update_xaxes(title=say("axis.memory_gb"), range=[0, max(limit, used) * 1.12])
    return figure


def step_chart(predicted: Forecast) -> go.Figure:
    """Return a chart of the time of one step by its parts."""
    parts = predicted.step_parts_s
    in_ms = sum(parts.values()) < 1
    scale, unit = (1e3, "ms") if in_ms else (1.0, "s")
    shown = {name: scale * seconds for name, seconds in parts.items()}
    figure = _stack(shown, "step", _STEP_COLORS, unit)
    figure.update_xaxes(title=text()("axis.step_ms" if in_ms else "axis.step_s"))
    return figure


def _stack(
    parts: dict[str, float], catalog_key: str, colors: dict[str, str], unit: str
) -> go.Figure:
    """Return one horizontal bar of stacked parts."""
    say = text()
    figure = go.Figure()
    for name, size in parts.items():
        if size > 0:
            figure.add_bar(
                y=[""],
                x=[size],
                orientation="h",
                name=say(f"{catalog_key}.{name}"),
                marker={"color": colors[name]},
                hovertemplate=f"%{{x:.3g}} {unit}<extra>%{{fullData.name}}</extra>",
            )
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_yaxes(showticklabels=False)
    return figure


def _cash(months: Sequence[CashMonth]) -> list[float]:
    return [float(month.cash_usd) for month in months]


def faint(color: str, opacity: float = 0.18) -> str:
    """Return a colour #RRGGBB with an opacity, as CSS."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
