"""Charts of training runs: their losses over each other, what one has cost, and how far off its
forecast was. A run has one colour in all of them; what is forecast is hollow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import plotly.graph_objects as go

from engine import quantities
from engine.reports.comparison import Comparison
from engine.reports.forecast_tables import show
from engine.runs.observing.progress import Axis, Meter, Progress
from engine.units import SECONDS_PER_HOUR
from pages.parts.charts import (
    COMPUTE,
    DATA,
    LIGHT_COMPUTE,
    MONEY,
    OTHER,
    PEOPLE,
    WARNING,
    faint,
)
from pages.parts.session import text

RUN_COLORS = (COMPUTE, DATA, MONEY, PEOPLE, LIGHT_COMPUTE, OTHER)
"""As many as are drawn over each other; a warning keeps its colour."""

_LABEL_SHARE = 0.055
"""Of the chart's height: what a direct label needs."""
_HEADROOM = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A run in a chart."""

    label: str
    color: str
    progress: Progress
    is_live: bool


def curves_chart(runs: Sequence[Drawn], axis: Axis, *, log_x: bool) -> go.Figure:
    """Training loss as a smooth line over a faint raw one, held-out loss as points, and the
    forecast of the last one, hollow, where its law holds."""
    say = text()
    figure = go.Figure()
    for one in runs:
        _draw_run(figure, one, axis)
    _label_ends(figure, runs)
    figure.update_xaxes(title=say(f"calibrate.axis.{axis}"), type="log" if log_x else "linear")
    if not log_x:  # a run that goes on has its whole way before it
        ends = [_end(one, axis) for one in runs]
        figure.update_xaxes(range=[0, 1.02 * max(ends, default=1.0)])
    if axis == "usd":
        figure.update_xaxes(tickprefix="$")
    figure.update_yaxes(title=say("axis.loss"))
    figure.update_layout(uirevision=f"{axis}{log_x}")  # new points keep what was zoomed to
    return figure


def _end(one: Drawn, axis: Axis) -> float:
    seen = one.progress
    last = seen.position_on(-1, axis) if seen.metrics else 0.0
    if one.is_live or seen.forecasts_loss:
        return max(last, seen.planned_end(axis))
    return last


def _draw_run(figure: go.Figure, one: Drawn, axis: Axis) -> None:
    say = text()
    unit = say(f"calibrate.axis_unit.{axis}")

    def hover(what: str) -> str:
        return f"{one.label}<br>{what} %{{y:.3f}}<br>%{{x:.4g}} {unit}<extra></extra>"

    raw = one.progress.train_curve(axis)
    figure.add_scatter(
        x=raw.x,
        y=raw.y,
        mode="lines",
        line={"color": faint(one.color, 0.25), "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    smooth = one.progress.smoothed_curve(axis)
    figure.add_scatter(
        x=smooth.x,
        y=smooth.y,
        mode="lines",
        line={"color": one.color, "width": 2},
        hovertemplate=hover(say("chart.train_loss")),
        showlegend=False,
    )
    held_out = one.progress.held_out_curve(axis)
    figure.add_scatter(
        x=held_out.x,
        y=held_out.y,
        mode="markers",
        marker={"color": one.color, "size": 8, "line": {"color": "white", "width": 1}},
        hovertemplate=hover(say("chart.held_out_loss")),
        showlegend=False,
    )
    if one.progress.forecasts_loss:
        loss = one.progress.forecast.loss_nats_per_token
        figure.add_scatter(
            x=[one.progress.planned_end(axis)],
            y=[loss.value],
            mode="markers",
            marker={
                "color": one.color,
                "size": 11,
                "symbol": "circle-open",
                "line": {"width": 2},
            },
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [loss.high - loss.value],
                "arrayminus": [loss.value - loss.low],
                "thickness": 1.2,
            },
            hovertemplate=hover(say("chart.forecast_loss")),
            showlegend=False,
        )


def _label_ends(figure: go.Figure, runs: Sequence[Drawn]) -> None:
    """A name at the right edge for each curve, at the height where it ends or as near to that as
    the others leave room."""
    losses = [loss for one in runs for loss in one.progress.smoothed_losses]
    if not losses:
        return
    for one in runs:
        losses += one.progress.held_out_curve("steps").y
        if one.progress.forecasts_loss:
            predicted = one.progress.forecast.loss_nats_per_token
            losses += [predicted.low, predicted.high]
    low, high = min(losses), max(losses)
    margin = max(_HEADROOM * (high - low), 1e-3)
    low, high = low - margin, high + margin
    named = [one for one in runs if one.progress.metrics]
    ends = [(one.progress.smoothed_losses[-1] - low) / (high - low) for one in named]
    for one, height in zip(named, apart(ends, _LABEL_SHARE), strict=True):
        figure.add_annotation(
            xref="paper",
            yref="paper",
            x=1.0,
            y=height,
            xanchor="left",
            yanchor="middle",
            xshift=8,
            showarrow=False,
            text=one.label,
            font={"color": one.color, "size": 13},
        )
    figure.update_yaxes(range=[low, high])


def apart(heights: Sequence[float], least: float) -> list[float]:
    """Heights (0 to 1) moved as little as needed to stand ``least`` apart: up from the lowest, and
    down again from the top where they would leave the chart."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + least)
    if order:
        moved[order[-1]] = min(moved[order[-1]], 1.0)
    for above, below in pairwise(reversed(order)):
        moved[below] = min(moved[below], moved[above] - least)
    return moved


def meter_chart(meter: Meter, color: str) -> go.Figure:
    """What was spent as a bar, where it is heading as a hollow point, over the forecast's band."""
    say = text()
    figure = go.Figure()
    predicted = meter.forecast
    figure.add_vrect(
        x0=predicted.low, x1=predicted.high, fillcolor=faint(OTHER, 0.25), line={"width": 0}
    )
    figure.add_vline(x=predicted.value, line={"color": OTHER, "width": 1, "dash": "dot"})
    low, high = (spent(meter.axis, one) for one in (predicted.low, predicted.high))
    figure.add_annotation(
        x=predicted.value,
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=say("calibrate.meter_forecast", low=low, high=high),
        font={"size": 12},
    )
    figure.add_bar(
        x=[meter.so_far],
        y=[""],
        orientation="h",
        marker={"color": color},
        width=0.5,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[meter.at_end],
        y=[""],
        mode="markers",
        marker={
            "color": color if meter.inside_interval else WARNING,
            "size": 12,
            "symbol": "circle-open",
            "line": {"width": 2.5},
        },
        hoverinfo="skip",
    )
    most = max(predicted.high, meter.at_end)
    figure.update_xaxes(title=say(f"calibrate.axis.{meter.axis}"), range=[0, most * 1.06])
    if meter.axis == "usd":
        figure.update_xaxes(tickprefix="$")
    figure.update_yaxes(showticklabels=False, range=[-0.5, 0.5])
    figure.update_layout(showlegend=False)
    return figure


def spent(axis: Axis, value: float) -> str:
    """Dollars or hours as people say them."""
    language = text().language
    if axis == "usd":
        return quantities.usd(value, language)
    return quantities.duration(SECONDS_PER_HOUR * value, language)


def ratio_chart(rows: Sequence[Comparison], color: str) -> go.Figure:
    """Measured ÷ predicted for each quantity, with the predicted interval, on a log axis."""
    say = text()
    figure = go.Figure()
    names = [f"{say(f'quantity.{row.quantity}')}  <b>{row.ratio:.2f}×</b>" for row in rows]
    figure.add_scatter(
        x=[1.0] * len(rows),
        y=names,
        mode="markers",
        name=say("chart.predicted"),
        marker={"size": 11, "color": color, "symbol": "circle-open", "line": {"width": 2}},
        error_x={
            "type": "data",
            "symmetric": False,
            "color": color,
            "array": [row.predicted.high / row.predicted.value - 1 for row in rows],
            "arrayminus": [1 - row.predicted.low / row.predicted.value for row in rows],
        },
        hoverinfo="skip",
    )
    for name, inside, marker in (("inside", True, color), ("outside", False, WARNING)):
        shown = [place for place, row in enumerate(rows) if row.inside_interval is inside]
        figure.add_scatter(
            x=[rows[place].ratio for place in shown],
            y=[names[place] for place in shown],
            mode="markers",
            name=say(f"calibrate.measured_{name}"),
            marker={"size": 12, "color": marker},
            hovertext=[
                show(rows[place].quantity, rows[place].measured, say.language) for place in shown
            ],
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
