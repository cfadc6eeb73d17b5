"""Chart of predicted against measured speed, with one point for each published run."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence

from engine import quantities
from engine.evidence.heldout import Evidence
from engine.evidence.predictions import Prediction
from engine.evidence.rows import Row, Run
from pages.parts.charts import LABEL_SIZE
from pages.parts.figures.figure import Figure
from pages.parts.palette import OTHER, SOURCES
from pages.parts.session import text

BAND = 0.25
"""Half width of the band around the diagonal, as a share: predicted ÷ measured is 1 ± this."""

HEIGHT = 620
"""Height of the chart in pixels."""
_AXIS_MARGIN = 1.5
"""Factor by which the axes go beyond the slowest and the fastest run."""


def scatter(results: Evidence, predictions: Sequence[Prediction]) -> Figure:
    """Return a chart of predicted against measured tokens/s of a device on log axes.

    Each source has a colour and a shape; the largest source comes first.
    """
    say = text()
    points = [
        (row, run, prediction)
        for row, run, prediction in zip(results.rows, results.runs, predictions, strict=True)
        if row["tokens_per_sec_per_gpu"]
    ]
    speeds = [speed_of(row) for row, _, _ in points]
    ratios = [
        prediction.tokens_per_sec_per_gpu / speed
        for (_, _, prediction), speed in zip(points, speeds, strict=True)
    ]
    figure = Figure(
        say(
            "alt.evidence",
            n=len(points),
            inside=sum(abs(ratio - 1) <= BAND for ratio in ratios),
            low=quantities.number(min(speeds), say.language),
            high=quantities.number(max(speeds), say.language),
            median=f"{statistics.median(ratios):.2f}",
        )
    )
    _diagonal(figure, speeds)
    counted = Counter(row["source_id"] for row, _, _ in points)
    for number, (source, _) in enumerate(counted.most_common()):
        color, symbol = SOURCES[number % len(SOURCES)]
        of_source = [point for point in points if point[0]["source_id"] == source]
        figure.add_scatter(
            x=[speed_of(row) for row, _, _ in of_source],
            y=[prediction.tokens_per_sec_per_gpu for _, _, prediction in of_source],
            mode="markers",
            name=source,
            marker={
                "size": 8,
                "color": color,
                "symbol": symbol,
                "opacity": 0.8,
                "line": {"width": 0.5, "color": "rgba(255,255,255,0.6)"},
            },
            text=[_hover(*point) for point in of_source],
            hovertemplate="%{text}<extra>%{fullData.name}</extra>",
        )
    ticks = {
        "range": [math.log10(min(speeds) / _AXIS_MARGIN), math.log10(max(speeds) * _AXIS_MARGIN)],
    }
    for axis in ("x", "y"):
        figure.scale(axis, "count", log=True)
    figure.update_xaxes(title=say("axis.measured_tokens_per_s"), showgrid=True, **ticks)
    figure.update_yaxes(title=say("axis.predicted_tokens_per_s"), **ticks)
    return figure


def speed_of(row: Row) -> float:
    """Return the measured tokens per second and device of a run."""
    return float(row["tokens_per_sec_per_gpu"])


def _diagonal(figure: Figure, speeds: Sequence[float]) -> None:
    say = text()
    ends = [min(speeds) / _AXIS_MARGIN, max(speeds) * _AXIS_MARGIN]
    figure.add_scatter(
        x=[*ends, *reversed(ends)],
        y=[end * (1 - BAND) for end in ends] + [end * (1 + BAND) for end in reversed(ends)],
        fill="toself",
        fillcolor="rgba(140,140,140,0.18)",
        line={"width": 0},
        mode="lines",
        showlegend=False,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": OTHER, "width": 1.5, "dash": "dash"},
        showlegend=False,
        hoverinfo="skip",
    )
    # Plotly takes the position of an annotation on a log axis as a logarithm.
    for label, x, factor, anchor in (
        (say("evidence.perfect"), ends[0] * 3, 1 - BAND, "left"),
        (say("evidence.band"), ends[0] * 3, 1 + BAND, "right"),
    ):
        figure.add_annotation(
            x=math.log10(x),
            y=math.log10(x * factor),
            text=label,
            xanchor=anchor,
            xshift=8 if anchor == "left" else -8,
            font={"size": LABEL_SIZE},
        )


def _hover(row: Row, run: Run, prediction: Prediction) -> str:
    say = text()

    def shown(tokens_per_s: float) -> str:
        return f"{quantities.number(tokens_per_s, say.language)}/s"

    return say(
        "evidence.hover",
        model=row["model"],
        devices=run.n_devices,
        accelerator=run.device.name,
        precision=run.layout.precision,
        layout=run.layout.short_name,
        software=" ".join(part for part in (row["framework"], row["release"]) if part),
        measured=shown(speed_of(row)),
        predicted=shown(prediction.tokens_per_sec_per_gpu),
        low=shown(prediction.tokens_per_sec_per_gpu_low),
        high=shown(prediction.tokens_per_sec_per_gpu_high),
        ratio=f"{prediction.tokens_per_sec_per_gpu / speed_of(row):.2f}",
    )
