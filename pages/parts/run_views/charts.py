"""Charts of training runs: losses, cost so far, and measured against predicted figures.

A run has the same colour in all charts; forecasts are hollow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine import quantities
from engine.reports.comparison import Comparison
from engine.reports.forecast_tables import show
from engine.runs.observing.progress import Axis, Meter, Progress
from engine.units import SECONDS_PER_HOUR
from pages.parts.charts import LABEL_SIZE, in_display_currency
from pages.parts.figures.figure import Figure
from pages.parts.figures.lanes import spread_heights
from pages.parts.figures.ticks import Scale, currency_unit
from pages.parts.palette import OTHER, RUNS, WARNING, faint
from pages.parts.session import text

RUN_COLORS = RUNS
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


def curves_chart(runs: Sequence[DrawnRun], axis: Axis, *, log_x: bool) -> Figure:
    """Return a chart of the runs' losses against steps, tokens, hours or cost.

    Training loss is a smooth line over a faint raw one, and held-out loss is points. The forecast
    of the final loss is a hollow point, if its law holds for the run.
    """
    say = text()
    figure = Figure(say("alt.curves", runs=say("funding.semicolon").join(map(_described, runs))))
    for run in runs:
        _draw_run(figure, run, axis)
    _label_ends(figure, runs)
    figure.update_xaxes(title=_axis_title(axis), type="log" if log_x else "linear")
    if not log_x:  # the axis of a live run extends to its planned end
        ends = [_end(run, axis) for run in runs]
        figure.update_xaxes(range=[0, 1.02 * max(ends, default=1.0)])
    if axis != "hours":
        figure.scale("x", _SCALES[axis], log=log_x)
    figure.update_yaxes(title=say("axis.loss"))
    figure.update_layout(uirevision=f"{axis}{log_x}")  # new points keep the zoom
    return figure


_SCALES: dict[Axis, Scale] = {
    "steps": "count",
    "tokens": "count",
    "flops": "power",
    "usd": "money",
}


def _axis_title(axis: Axis) -> str:
    return text()(f"calibrate.axis.{axis}", currency=currency_unit())


def _described(run: DrawnRun) -> str:
    """Return the last losses of a run in words."""
    say, progress = text(), run.progress
    if not progress.smoothed_losses:
        return run.label
    return say(
        "alt.curve",
        run=run.label,
        loss=f"{progress.smoothed_losses[-1]:.3f}",
        step=quantities.number(progress.steps_done, say.language),
        steps=quantities.number(progress.recipe.steps, say.language),
    )


def _on(axis: Axis, positions: Sequence[float]) -> list[float]:
    """Return positions on an axis, with money in the display currency."""
    if axis != "usd":
        return list(positions)
    return [position or 0.0 for position in in_display_currency(positions)]


def _end(run: DrawnRun, axis: Axis) -> float:
    progress = run.progress
    last = progress.position_on(-1, axis) if progress.metrics else 0.0
    if run.is_live or progress.forecasts_loss:
        last = max(last, progress.planned_end(axis))
    return _on(axis, [last])[0]


def _draw_run(figure: Figure, run: DrawnRun, axis: Axis) -> None:
    say = text()
    unit = say(f"calibrate.axis_unit.{axis}", currency=currency_unit())

    def hover(what: str) -> str:
        return f"{run.label}<br>{what} %{{y:.3f}}<br>%{{x:.4g}} {unit}<extra></extra>"

    def named(what: str) -> str:
        return f"{run.label}: {say(f'chart.{what}')}"

    raw = run.progress.train_curve(axis)
    figure.add_scatter(
        x=_on(axis, raw.x),
        y=raw.y,
        name=named("train_loss_raw"),
        mode="lines",
        line={"color": faint(run.color, 0.25), "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    smooth = run.progress.smoothed_curve(axis)
    figure.add_scatter(
        x=_on(axis, smooth.x),
        y=smooth.y,
        name=named("train_loss"),
        mode="lines" if len(smooth.x) > 1 else "markers",
        line={"color": run.color, "width": 2},
        hovertemplate=hover(say("chart.train_loss")),
        showlegend=False,
    )
    held_out = run.progress.held_out_curve(axis)
    figure.add_scatter(
        x=_on(axis, held_out.x),
        y=held_out.y,
        name=named("held_out_loss"),
        mode="markers",
        marker={"color": run.color, "size": 8, "line": {"color": "white", "width": 1}},
        hovertemplate=hover(say("chart.held_out_loss")),
        showlegend=False,
    )
    if run.progress.forecasts_loss:
        loss = run.progress.forecast.loss_nats_per_token
        figure.add_scatter(
            x=_on(axis, [run.progress.planned_end(axis)]),
            y=[loss.value],
            name=named("forecast_loss"),
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


def _label_ends(figure: Figure, runs: Sequence[DrawnRun]) -> None:
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
            text=run.label,
            font={"color": run.color, "size": 13},
        )
    figure.update_yaxes(range=[low, high])


def meter_chart(meter: Meter, color: str) -> Figure:
    """Return a chart of spending against the forecast, which is drawn as a band.

    The bar is what was spent so far, and the hollow point is the spending expected at the end.
    """
    say = text()
    predicted = meter.forecast
    low, high = (spending_text(meter.axis, bound) for bound in (predicted.low, predicted.high))
    figure = Figure(
        say(
            "alt.meter",
            so_far=spending_text(meter.axis, meter.so_far),
            at_end=spending_text(meter.axis, meter.at_end),
            low=low,
            high=high,
        )
    )
    value, least, most, so_far, at_end = _on(
        meter.axis,
        [predicted.value, predicted.low, predicted.high, meter.so_far, meter.at_end],
    )
    figure.add_vrect(least, most, color=faint(OTHER, 0.25))
    figure.add_vline(value, line={"color": OTHER, "width": 1, "dash": "dot"})
    figure.add_annotation(
        x=value,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=say("calibrate.meter_forecast", low=low, high=high),
        font={"size": LABEL_SIZE},
    )
    figure.add_bar(
        x=[so_far],
        name=say("chart.so_far"),
        y=[""],
        orientation="h",
        marker={"color": color},
        width=0.5,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[at_end],
        name=say("chart.at_end"),
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
    figure.update_xaxes(title=_axis_title(meter.axis), range=[0, max(most, at_end) * 1.06])
    if meter.axis == "usd":
        figure.scale("x", "money")
    figure.update_yaxes(showticklabels=False, range=[-0.5, 0.5])
    figure.update_layout(showlegend=False)
    return figure


def spending_text(axis: Axis, value: float) -> str:
    """Return an amount of dollars, or of hours as a duration."""
    language = text().language
    if axis == "usd":
        return quantities.usd(value, language)
    return quantities.duration(SECONDS_PER_HOUR * value, language)


_RATIO_TICKS = (
    (0.25, 0.5, 0.75, 1, 1.5, 2, 3),
    (0.1, 0.25, 0.5, 1, 2, 4, 10),
    (0.001, 0.01, 0.1, 1, 10, 100, 1000),
)
"""Ticks of the axis of ratios, from the closest; the first set with few enough is shown."""
_MOST_RATIO_TICKS = 6


def ratio_chart(rows: Sequence[Comparison], color: str) -> Figure:
    """Return a chart of measured ÷ predicted with the predicted intervals on a log axis."""
    say = text()
    figure = Figure(
        say(
            "alt.ratios",
            ratios=say("funding.comma").join(
                f"{say(f'quantity.{row.quantity}')} {row.ratio:.2f}×" for row in rows
            ),
            inside=sum(row.inside_interval for row in rows),
            n=len(rows),
        )
    )
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
    figure.add_vline(1, line={"color": OTHER, "width": 1, "dash": "dot"})
    extremes = [row.ratio for row in rows]
    extremes += [row.predicted.low / row.predicted.value for row in rows]
    extremes += [row.predicted.high / row.predicted.value for row in rows]
    low, high = min(0.5, *extremes), max(2.0, *extremes)
    ticks = next(
        shown
        for shown in _RATIO_TICKS
        if sum(low / 1.1 <= tick <= high * 1.1 for tick in shown) <= _MOST_RATIO_TICKS
    )
    figure.update_xaxes(
        type="log",
        title=say("axis.ratio"),
        tickvals=ticks,
        ticktext=[f"{tick:g}×" for tick in ticks],
        tickangle=0,
    )
    figure.update_yaxes(autorange="reversed")
    return figure
