"""A training step as a chart of its pipeline, and as a trace for Perfetto."""

from __future__ import annotations

import json

import streamlit as st

from engine import quantities
from engine.plan import Plan
from engine.planning.step_schedule import pipeline_step
from engine.predictor.timeline import Event, Timeline, perfetto_trace, simulate
from pages.parts.charts import draw
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, DATA, LIGHT_COMPUTE, MONEY, OTHER
from pages.parts.session import draft, text

_COLORS = {
    "forward": LIGHT_COMPUTE,
    "backward": COMPUTE,
    "send": DATA,
    "reduce": OTHER,
    "optimizer": MONEY,
}
_TRACKS = ("compute", "gradient reduction")
_MOST_DRAWN_STAGES = 16
_MOST_DRAWN = 3_000


def step_timeline() -> None:
    """Draw the chart with a sentence about it, and the download of the trace."""
    say, plan = text(), draft().plan
    timeline = _simulate(plan.content_hash, plan)
    step = pipeline_step(plan)
    st.caption(
        say(
            "plan.timeline_note",
            stages=say("plan.stages", n=step.stages),
            micro_batches=say("plan.micro_batches", n=step.micro_batches),
            bubble=quantities.share(timeline.bubble_share, say.language),
            total=quantities.duration(timeline.total_s, say.language),
        )
    )
    draw(_chart(timeline), "timeline", height=120 + 26 * min(step.stages, _MOST_DRAWN_STAGES))
    st.download_button(
        say("plan.trace"),
        data=lambda: json.dumps(perfetto_trace(timeline.events)),
        file_name="step.perfetto.json",
        mime="application/json",
        icon=":material/download:",
        help=say("plan.trace_help"),
        on_click="ignore",
    )


@st.cache_data(max_entries=50, show_spinner=False)
def _simulate(content_hash: str, _plan: Plan) -> Timeline:
    return simulate(pipeline_step(_plan))


def _chart(timeline: Timeline) -> Figure:
    say = text()
    stages = timeline.drawn_stages[:_MOST_DRAWN_STAGES]
    drawn = [event for event in timeline.events if event.stage in stages and event.track in _TRACKS]
    drawn = sorted(drawn, key=lambda event: event.start_s)[:_MOST_DRAWN]
    scale, unit = (1e3, "ms") if timeline.total_s < 1 else (1.0, "s")
    figure = Figure(
        say(
            "alt.timeline",
            stages=len(stages),
            total=quantities.duration(timeline.total_s, say.language),
            bubble=quantities.share(timeline.bubble_share, say.language),
        )
    )
    for name, color in _COLORS.items():
        events = [event for event in drawn if event.name == name]
        if events:
            figure.add_bar(
                base=[scale * event.start_s for event in events],
                x=[scale * event.duration_s for event in events],
                y=[event.stage + 1 for event in events],
                orientation="h",
                name=say(f"timeline.{name}"),
                marker={"color": color, "line": {"width": 0.5, "color": "white"}},
                customdata=[[_micro_batch(event)] for event in events],
                hovertemplate="%{customdata[0]}<br>%{x:.3g} " + unit + "<extra></extra>",
            )
    figure.update_layout(barmode="overlay", bargap=0.15)
    figure.update_xaxes(title=say("axis.step_ms" if unit == "ms" else "axis.step_s"))
    figure.update_yaxes(title=say("axis.stage"), autorange="reversed", dtick=1)
    return figure


def _micro_batch(event: Event) -> str:
    say = text()
    if event.micro_batch is None:
        return say(f"timeline.{event.name}")
    return say(
        "timeline.of_micro_batch",
        name=say(f"timeline.{event.name}"),
        number=event.micro_batch + 1,
        piece=(event.piece or 0) + 1,
    )
