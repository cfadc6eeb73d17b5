"""Compressed versions of a run's model: their size, loss and speed, and serving with them."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.experiments.compression import (
    CompressedModel,
    Compression,
    CompressionProgress,
    compression_of,
    progress_of,
    recipes,
    start_in_background,
)
from engine.experiments.reports import compression_line, compression_rows
from engine.runs.folder import Run
from engine.runs.locks import is_locked
from engine.serving.measured import MeasuredServing
from engine.serving_forecast import planned_serving
from engine.units import BYTES_PER_MB
from pages.parts.charts import draw
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, OTHER
from pages.parts.session import scenario_session, text
from pages.parts.tiles import show_answer

_CONTROLS = ("fine_tuned", "small")
_LOG_TAIL_CHARS = 2_000


def compression_section(run: Run) -> None:
    """Draw the table of a finished run's compressions, or the button that starts them."""
    say = text()
    st.markdown(say("compression.intro"))
    st.code(f"python -m engine compress {run.id}", language="bash")
    try:
        recipes(run)
    except InputError as error:
        st.info(error.in_language(say.language), icon=":material/info:")
        return
    table = compression_of(run)
    if is_locked(run.folder / "compression.lock"):
        st.fragment(_watch, run_every=2.0)(run)
    else:
        _start(run, again=table is not None)
    if table is None:
        return
    show_answer(_answer(table))
    left, right = st.columns(2, gap="large")
    with left:
        draw(_size_chart(table), f"compression_size_{run.id}", height=380, hover="closest")
    with right:
        draw(_speed_chart(table), f"compression_speed_{run.id}", height=380, hover="closest")
    head, cells = compression_rows(say, table)
    st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
    st.caption(compression_line(say, table))
    st.caption(say("compression.notes"))
    _serving(table)


def _start(run: Run, *, again: bool) -> None:
    say = text()
    log = run.folder / "compression.log"
    if not again and log.is_file():
        st.error(say("compression.ended_early"), icon=":material/error:")
        with st.expander(say("compression.log"), icon=":material/terminal:"):
            st.code(log.read_text("utf-8", errors="replace")[-_LOG_TAIL_CHARS:], language=None)
    st.button(
        say("compression.measure_again" if again else "compression.start"),
        key=f"compress_{run.id}",
        type="secondary" if again else "primary",
        icon=":material/compress:",
        help=say("compression.start_help"),
        on_click=_start_and_wait,
        args=(run,),
    )


def _start_and_wait(run: Run) -> None:
    """Start the compressions, and wait until they hold their lock, so that the page shows them."""
    process = start_in_background(run)
    while process.poll() is None and progress_of(run) is None:
        time.sleep(0.1)


def _watch(run: Run) -> None:
    """Show the progress from its file, and redraw the whole page at its end."""
    say, progress = text(), progress_of(run)
    if progress is None:
        st.rerun()
    st.progress(progress.done / (progress.of + 1), text=say("compression.under_way"))
    st.caption(_stage(progress))


def _stage(progress: CompressionProgress) -> str:
    say = text()
    if progress.stage == "measuring":
        return say("compression.stage_measuring")
    name = say(f"compression.way_{progress.stage}")
    numbers = {"name": name, "n": progress.done, "of": progress.of}
    if progress.run_id is None:
        return say("compression.making", **numbers)
    return say("compression.making_by", run=progress.run_id, **numbers)


def _answer(table: Compression) -> str:
    """Return a sentence about the smallest and the fastest version."""
    say, base = text(), table.as_trained
    others = [model for model in table.models[1:] if model.way not in _CONTROLS]
    smallest = min(others, key=lambda model: model.size_bytes)
    fastest = max(others, key=lambda model: model.speeds[0].writing.value)
    return say(
        "compression.answer",
        small=say(f"compression.way_{smallest.way}"),
        size=quantities.share(smallest.size_bytes / base.size_bytes, say.language, digits=2),
        small_loss=f"{smallest.held_out_loss - base.held_out_loss:+.3f}",
        fast=say(f"compression.way_{fastest.way}"),
        speed=f"{fastest.speeds[0].writing.value:.2f}",
        fast_loss=f"{fastest.held_out_loss - base.held_out_loss:+.3f}",
    )


def _size_chart(table: Compression) -> Figure:
    figure = _points(table, [model.size_bytes / BYTES_PER_MB for model in table.models])
    figure.update_xaxes(title=text()("compression.axis_size"), type="log")
    return figure


def _speed_chart(table: Compression) -> Figure:
    spreads = [model.speeds[0].writing for model in table.models]
    figure = _points(table, [spread.value for spread in spreads])
    figure.data[0]["error_x"] = {
        "type": "data",
        "symmetric": False,
        "array": [spread.high - spread.value for spread in spreads],
        "arrayminus": [spread.value - spread.low for spread in spreads],
        "color": OTHER,
        "thickness": 1,
    }
    figure.update_xaxes(title=text()("compression.axis_speed"), ticksuffix="×")
    return figure


def _points(table: Compression, x: list[float]) -> Figure:
    """Return a chart of loss against ``x`` with labelled points; controls are hollow."""
    say = text()
    symbols = [_symbol(model) for model in table.models]
    figure = Figure(_answer(table))
    figure.add_scatter(
        x=x,
        y=[model.held_out_loss for model in table.models],
        mode="markers+text",
        text=[say(f"compression.short_{model.way}") for model in table.models],
        textposition=_label_positions(x, [model.held_out_loss for model in table.models]),
        marker={"size": 11, "color": COMPUTE, "symbol": symbols, "line": {"width": 2}},
        cliponaxis=False,
        showlegend=False,
        hovertemplate="%{text}<br>%{x:.3g} · %{y:.4f} nat<extra></extra>",
    )
    figure.add_hline(
        table.as_trained.held_out_loss, line={"color": OTHER, "width": 1, "dash": "dot"}
    )
    figure.update_yaxes(title=say("compression.axis_loss"))
    return figure


def _label_positions(x: list[float], y: list[float]) -> list[str]:
    """Return a label position for each point that no point nearby has, at first above it."""
    width, height = max(x) - min(x) or 1.0, max(y) - min(y) or 1.0
    positions: list[str] = []
    for index, (at_x, at_y) in enumerate(zip(x, y, strict=True)):
        near = [
            positions[other]
            for other in range(index)
            if abs(x[other] - at_x) < 0.2 * width and abs(y[other] - at_y) < 0.12 * height
        ]
        free = ("top center", "bottom center", "middle left", "middle right")
        positions.append(next((position for position in free if position not in near), free[0]))
    return positions


def _symbol(model: CompressedModel) -> str:
    if model.way == "as_trained":
        return "diamond"
    return "circle-open" if model.way in _CONTROLS else "circle"


def _serving(table: Compression) -> None:
    """Draw the cost of the plan's serving with one version, and the button that applies it."""
    say, session = text(), scenario_session()
    plan = session.draft.plan
    st.subheader(say("compression.serving"))
    ways = [model.way for model in table.models[1:] if model.way not in _CONTROLS]
    way = st.selectbox(
        say("compression.serve_which"),
        ways,
        index=ways.index("int8") if "int8" in ways else 0,
        format_func=lambda name: say(f"compression.way_{name}"),
        key=f"compression_way#{say.language}",
    )
    measured = table.serving(way, plan)
    device = plan.cluster.accelerator
    parameters = plan.shape.count_parameters().total
    if not measured.applies_to(device, parameters, plan.serving.concurrent_sequences):
        st.info(
            say(
                "compression.does_not_count",
                device=measured.accelerator,
                parameters=quantities.count(measured.parameters, say.language),
                batch=measured.concurrent_sequences,
                planned=device,
                planned_parameters=quantities.count(parameters, say.language),
                planned_batch=plan.serving.concurrent_sequences,
            ),
            icon=":material/info:",
        )
        return
    plain = plan.with_values({"serving.measured": None, "serving.weights": "as_trained"})
    served = plain.with_value("serving.measured", measured.model_dump(mode="json"))
    before, after = planned_serving(plain).prices, planned_serving(served).prices
    st.markdown(
        say(
            "compression.effect",
            batch=measured.concurrent_sequences,
            writing=f"{measured.writing.value:.2f}",
            reading=f"{measured.reading.value:.2f}",
            before=quantities.usd(before.usd_per_million_output_tokens, say.language),
            after=quantities.usd(after.usd_per_million_output_tokens, say.language),
            loss=f"{measured.loss_difference:+.3f}",
        )
    )
    if plan.serving.measured == measured:
        st.success(say("compression.applied"), icon=":material/check:")
        st.button(
            say("compression.remove"),
            key="compression_remove",
            icon=":material/cancel:",
            on_click=_serve,
            args=(None,),
        )
        return
    st.button(
        say("compression.apply"),
        key="compression_apply",
        icon=":material/check_circle:",
        on_click=_serve,
        args=(measured,),
    )


def _serve(measured: MeasuredServing | None) -> None:
    session = scenario_session()
    changes: dict[str, object] = {"plan.serving.measured": None}
    if measured is not None:
        changes = {
            "plan.serving.weights": "as_trained",
            "plan.serving.measured": measured.model_dump(mode="json"),
        }
    session.change(changes)
