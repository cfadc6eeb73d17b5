"""Charts. A colour means the same thing on every page; measured is solid, forecast is hollow.

The palette is Okabe and Ito's (2008), which people with any kind of colour blindness can tell
apart; fonts and grounds come from the theme.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from engine.comparison import Comparison
from engine.forecast import Forecast
from engine.predictor.memory import GB
from engine.report import show
from engine.runs.progress import Progress
from finance.cashflow import CashMonth
from finance.outlook import Outlook
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


def draw(figure: go.Figure, key: str, *, height: int = 340, hover: str = "x unified") -> None:
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode=hover,
    )
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def cash_chart(seen: Outlook) -> go.Figure:
    """Cash at the end of each month, with the band of the forecast's costs."""
    say = text()
    figure = go.Figure()
    dates = [month.date for month in seen.months]
    low, high = _cash(seen.months_at_high_cost), _cash(seen.months_at_low_cost)
    figure.add_scatter(x=dates, y=high, line={"width": 0}, showlegend=False, hoverinfo="skip")
    figure.add_scatter(
        x=dates,
        y=low,
        line={"width": 0},
        fill="tonexty",
        fillcolor=_faint(MONEY),
        name=say("chart.cost_band"),
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=dates,
        y=_cash(seen.months_without_round),
        name=say("chart.cash_without_round"),
        line={"color": WARNING, "dash": "dot", "width": 2},
    )
    figure.add_scatter(
        x=dates,
        y=_cash(seen.months),
        name=say("chart.cash_with_round"),
        line={"color": MONEY, "width": 3},
    )
    _mark_events(figure, seen)
    figure.add_hline(y=0, line={"color": OTHER, "width": 1})
    figure.update_yaxes(title=say("axis.cash_usd"), tickprefix="$")
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m")
    return figure


def _mark_events(figure: go.Figure, seen: Outlook) -> None:
    say = text()
    marks = [(month, say("chart.round"), MONEY) for month in seen.months if month.equity_usd > 0]
    training = [month for month in seen.months if month.training_usd > 0]
    if len(training) <= 6:  # a run each month is no event
        marks += [(month, say("chart.training_run"), COMPUTE) for month in training]
    for month, label, color in marks:
        figure.add_vline(
            x=month.date.isoformat(), line={"color": color, "width": 1, "dash": "dash"}
        )
        figure.add_annotation(
            x=month.date.isoformat(),
            y=1,
            yref="paper",
            text=label,
            showarrow=False,
            textangle=-90,
            xanchor="right",
            xshift=-3,
            yanchor="top",
            font={"size": 12},
        )


def month_chart(months: Sequence[CashMonth]) -> go.Figure:
    """Costs stacked and revenue beside them, month by month."""
    say = text()
    figure = go.Figure()
    dates = [month.date for month in months]
    for line, color in _COST_COLORS.items():
        amounts = [float(getattr(month, line)) for month in months]
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
    """Memory of one device by what takes it, against what it has."""
    say = text()
    figure = _stack(
        {name: size / GB for name, size in predicted.memory_parts_bytes.items()},
        "memory",
        _MEMORY_COLORS,
        "GB",
    )
    limit = predicted.device_memory_bytes / GB
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
    used = sum(predicted.memory_parts_bytes.values()) / GB
    figure.update_xaxes(title=say("axis.memory_gb"), range=[0, max(limit, used) * 1.12])
    return figure


def step_chart(predicted: Forecast) -> go.Figure:
    """Time of one step by where it goes."""
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
    """One horizontal bar, its parts one after the other."""
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


def loss_chart(progress: Progress) -> go.Figure:
    """Training loss at each step, held-out loss where it was measured, the forecast hollow."""
    say = text()
    figure = go.Figure()
    steps, losses = progress.train_losses()
    figure.add_scatter(
        x=steps,
        y=losses,
        name=say("chart.train_loss"),
        mode="lines",
        line={"color": COMPUTE, "width": 1.5},
    )
    steps, losses = progress.held_out_losses()
    figure.add_scatter(
        x=steps,
        y=losses,
        name=say("chart.held_out_loss"),
        mode="lines+markers",
        line={"color": DATA, "width": 2},
        marker={"size": 8},
    )
    expected = progress.run.forecast.loss_nats_per_token
    figure.add_scatter(
        x=[progress.recipe.steps],
        y=[expected.value],
        name=say("chart.forecast_loss"),
        mode="markers",
        marker={"size": 11, "color": DATA, "symbol": "circle-open", "line": {"width": 2}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [expected.high - expected.value],
            "arrayminus": [expected.value - expected.low],
        },
    )
    figure.update_xaxes(title=say("axis.step"), range=[0, progress.recipe.steps * 1.02])
    figure.update_yaxes(title=say("axis.loss"))
    return figure


def ratio_chart(rows: Sequence[Comparison]) -> go.Figure:
    """Measured ÷ predicted for each quantity, with the predicted interval, on a log axis."""
    say = text()
    figure = go.Figure()
    names = [f"{say(f'quantity.{row.quantity}')}  <b>{row.ratio:.2f}×</b>" for row in rows]
    figure.add_scatter(
        x=[1.0] * len(rows),
        y=names,
        mode="markers",
        name=say("chart.predicted"),
        marker={"size": 11, "color": COMPUTE, "symbol": "circle-open", "line": {"width": 2}},
        error_x={
            "type": "data",
            "symmetric": False,
            "color": COMPUTE,
            "array": [row.predicted.high / row.predicted.value - 1 for row in rows],
            "arrayminus": [1 - row.predicted.low / row.predicted.value for row in rows],
        },
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[row.ratio for row in rows],
        y=names,
        mode="markers",
        name=say("chart.measured"),
        marker={"size": 12, "color": [COMPUTE if row.inside_interval else WARNING for row in rows]},
        hovertext=[show(row.quantity, row.measured, say.language) for row in rows],
        hoverinfo="text",
    )
    figure.add_vline(x=1, line={"color": OTHER, "width": 1, "dash": "dot"})
    extremes = [row.ratio for row in rows]
    low, high = min(0.5, *extremes), max(2.0, *extremes)
    ticks = [
        tick for tick in (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 10) if low / 1.3 <= tick <= high * 1.3
    ]
    figure.update_xaxes(
        type="log", title=say("axis.ratio"), tickvals=ticks, ticktext=[f"{t:g}×" for t in ticks]
    )
    figure.update_yaxes(autorange="reversed")
    return figure


def _cash(months: Sequence[CashMonth]) -> list[float]:
    return [float(month.cash_usd) for month in months]


def _faint(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
