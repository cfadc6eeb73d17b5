"""Charts of training runs: losses, cost so far, and measured against predicted figures.

A run has the same colour in all charts; forecasts are hollow.
"""

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
"""Colours of the runs in one chart, at most as many as these; warnings have another colour."""

_LABEL_SHARE = 0.055
"""Height of a direct label as a share of the chart's height."""
_HEADROOM = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRun:
    """A run in a chart."""

    label: str
    color: str
    progress: Progress
    is_live: bool


def curves_chart(runs: Sequence[DrawnRun], axis: Axis, *, log_x: bool) -> go.Figure:
    """Return a chart of the runs' losses against steps, tokens, hours or cost.

    Training loss is a smooth line over a faint raw one, and held-out loss is points. The forecast
    of the final loss is a hollow point, if its law holds for the run.
    """
    say = text()
    figure = go.Figure()
    for run in runs:
        _draw_run(figure, run, axis)
    _label_ends(figure, runs)
    figure.update_xaxes(title=say(f"calibrate.axis.{axis}"), type="log" if log_x else "linear")
    if not log_x:  # the axis of a live run extends to its planned end
        ends = [_end(run, axis) for run in runs]
        figure.update_xaxes(range=[0, 1.02 * max(ends, default=1.0)])
    if axis == "usd":
        figure.update_xaxes(tickprefix="$")
    figure.update_yaxes(title=say("axis.loss"))
    figure.update_layout(uirevision=f"{axis}{log_x}")  # new points keep the zoom
    return figure


def _end(run: DrawnRun, axis: Axis) -> float:
    progress = run.progress
    last = progress.position_on(-1, axis) if progress.metrics else 0.0
    if run.is_live or progress.forecasts_loss:
        return max(last, progress.planned_end(axis))
    return last


def _draw_run(figure: go.Figure, run: DrawnRun, axis: Axis) -> None:
    say = text()
    unit = say(f"calibrate.axis_unit.{axis}")

    def hover(what: str) -> str:
        return f"{run.label}<br>{what} %{{y:.3f}}<br>%{{x:.4g}} {unit}<extra></extra>"

    raw = run.progress.train_curve(axis)
    figure.add_scatter(
        x=raw.x,
        y=raw.y,
        mode="lines",
        line={"color": faint(run.color, 0.25), "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    smooth = run.progress.smoothed_curve(axis)
    figure.add_scatter(
        x=smooth.x,
        y=smooth.y,
        mode="lines",
        line={"color": run.color, "width": 2},
        hovertemplate=hover(say("chart.train_loss")),
        showlegend=False,
    )
    held_out = run.progress.held_out_curve(axis)
    figure.add_scatter(
        x=held_out.x,
        y=held_out.y,
        mode="markers",
        marker={"color": run.color, "size": 8, "line": {"color": "white", "width": 1}},
        hovertemplate=hover(say("chart.held_out_loss")),
        showlegend=False,
    )
    if run.progress.forecasts_loss:
        loss = run.progress.forecast.loss_nats_per_token
        figure.add_scatter(
            x=[run.progress.planned_end(axis)],
            y=[loss.value],
            mode="markers",
            marker={
                "color": run.color,
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


def _label_ends(figure: go.Figure, runs: Sequence[DrawnRun]) -> None:
    """Label each curve at the right edge, as near to the height of its end as labels allow."""
    losses = [loss for run in runs for loss in run.progress.smoothed_losses]
    if not losses:
        return
    for run in runs:
        losses += run.progress.held_out_curve("steps").y
        if run.progress.forecasts_loss:
            predicted = run.progress.forecast.loss_nats_per_token
            losses += [predicted.low, predicted.high]
    low, high = min(losses), max(losses)
    margin = max(_HEADROOM * (high - low), 1e-3)
    low, high = low - margin, high + margin
    named = [run for run in runs if run.progress.metrics]
    ends = [(run.progress.smoothed_losses[-1] - low) / (high - low) for run in named]
    for run, height in zip(named, spread_heights(ends, _LABEL_SHARE), strict=True):
        figure.add_annotation(
            xref="paper",
            yref="paper",
            x=1.0,
            y=height,
            xanchor="left",
            yanchor="middle",
            xshift=8,
            showarrow=False,
            text=run.label,
            font={"color": run.color, "size": 13},
        )
    figure.update_yaxes(range=[low, high])


def spread_heights(heights: Sequence[float], least: float) -> list[float]:
    """Return heights between 0 and 1 moved so that they are at least ``least`` apart.

    Heights are moved up from the lowest on, and down again from the top if they would leave the
    chart.
    """
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
    """Return a chart of spending against the forecast, which is drawn as a band.

    The bar is what was spent so far, and the hollow point is the spending expected at the end.
    """
    say = text()
    figure = go.Figure()
    predicted = meter.forecast
    figure.add_vrect(
        x0=predicted.low, x1=predicted.high, fillcolor=faint(OTHER, 0.25), line={"width": 0}
    )
    figure.add_vline(x=predicted.value, line={"color": OTHER, "width": 1, "dash": "dot"})
    low, high = (spending_text(meter.axis, bound) for bound in (predicted.low, predicted.high))
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


def spending_text(axis: Axis, value: float) -> str:
    """Return an amount of dollars, or of hours as a duration."""
    language = text().language
    if axis == "usd":
        return quantities.usd(value, language)
    return quantities.duration(SECONDS_PER_HOUR * value, language)


def ratio_chart(rows: Sequence[Comparison], color: str) -> go.Figure:
    """Return a chart of measured ÷ predicted with the predicted intervals on a log axis."""
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
