"""The choice of the shown runs, and their loss curves in one chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from engine import quantities
from engine.reports.forecast_tables import show
from engine.runs.folder import Run
from engine.runs.labels import about_of
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import AXES, Axis, Progress, losses_are_comparable
from pages.parts.charts import draw
from pages.parts.palette import LIGHT_COMPUTE
from pages.parts.run_views.charts import RUN_COLORS, DrawnRun, curves_chart
from pages.parts.session import text
from pages.parts.user_text import curve_label

_REFRESH_S = 2.0
_CHOICE_PX = 340
_CHOICE = "run_choice"
_OTHERS = "other_runs"


def progress_of(run_id: str) -> Progress:
    """Return this session's reader of a run, after it has read what is new."""
    readers: dict[str, Progress] = st.session_state.setdefault("progress", {})
    if run_id not in readers:
        readers[run_id] = Progress(Run.find(run_id))
    return readers[run_id].update()


def show_run(run_id: str) -> None:
    """Make this the run that the page shows."""
    st.session_state[_CHOICE] = st.session_state["shown_run"] = run_id


def compare_runs(run_ids: Sequence[str]) -> None:
    """Compare these runs; the page shows the first of them."""
    first, *others = run_ids
    show_run(first)
    st.session_state[_OTHERS] = others


def shown_run(runs: Sequence[Run]) -> Run | None:
    """Return the run that was chosen last on any page; before a choice, the newest."""
    chosen = st.session_state.get(_CHOICE) or st.session_state.get("shown_run")
    return next((run for run in runs if run.id == chosen), runs[0] if runs else None)


def run_labels(runs: Iterable[Run]) -> dict[str, str]:
    """Return a label for each run: its name, its time, and part of its id if others are equal.

    A label stays the same until its run is renamed, because select boxes find options by label.
    """
    labels = {run.id: _label(str(run.folder), _named_at(run)) for run in runs}
    counted = Counter(labels.values())
    return {
        run_id: label if counted[label] == 1 else f"{label} · {run_id[-4:]}"
        for run_id, label in labels.items()
    }


def _named_at(run: Run) -> int:
    """Return the time of the last change of name or note, in nanoseconds; 0 if there was none."""
    try:
        return (run.folder / "about.json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@st.cache_data(max_entries=10_000, show_spinner=False)
def _label(folder: str, named_at: int) -> str:
    run = Run(Path(folder))
    name = about_of(run).name or run.recipe.name
    return f"{name} · {run.state.created_at.astimezone():%m-%d %H:%M}"


def run_color(run_id: str) -> str:
    """Return the run's colour on this page, which it keeps while it is drawn."""
    kept: dict[str, str] = st.session_state.setdefault("run_colors", {})
    if run_id not in kept:
        # The darkest colour is hard to see on a dark background, so a lighter one comes first.
        is_dark = st.context.theme.type == "dark"
        order = (LIGHT_COMPUTE, *RUN_COLORS) if is_dark else RUN_COLORS
        free = [color for color in order if color not in kept.values()]
        kept[run_id] = free[0] if free else RUN_COLORS[-1]
    return kept[run_id]


def _free_colors(drawn: Sequence[str]) -> None:
    kept: dict[str, str] = st.session_state.get("run_colors", {})
    for run_id in kept.keys() - set(drawn):
        del kept[run_id]


def choose_runs(runs: Sequence[Run], shown: Run) -> list[str]:
    """Draw the choice of the shown run and of up to five others, and return their ids."""
    say = text()
    ids, labels = [run.id for run in runs], run_labels(runs)
    st.session_state[_CHOICE] = shown.id  # another page or the start button may have chosen it
    row = st.container(horizontal=True)
    left, right = row.container(width=_CHOICE_PX), row.container()
    chosen = left.selectbox(
        say("calibrate.run"),
        ids,
        format_func=labels.__getitem__,
        key=_CHOICE,
        help=say("calibrate.run_help"),
    )
    st.session_state["shown_run"] = chosen
    if chosen in st.session_state.get(_OTHERS, ()):
        st.session_state[_OTHERS] = [
            run_id for run_id in st.session_state[_OTHERS] if run_id != chosen
        ]
    others = right.multiselect(
        say("calibrate.others"),
        [run_id for run_id in ids if run_id != chosen],
        format_func=labels.__getitem__,
        max_selections=len(RUN_COLORS) - 1,
        placeholder=say("calibrate.others_none"),
        key=_OTHERS,
        persist_state="session",
        help=say("calibrate.others_help"),
    )
    drawn = [chosen, *others]
    _free_colors(drawn)
    return drawn


def curves_section(runs: Sequence[Run], shown: Run) -> None:
    """Draw the losses of the chosen runs; the chart is redrawn while a run goes on."""
    say = text()
    st.header(say("calibrate.curves"))
    drawn = choose_runs(runs, shown)
    by_id = {run.id: run for run in runs}
    labels = run_labels(runs)
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    )
    axis: Axis = row.segmented_control(
        say("calibrate.against"),
        AXES,
        format_func=lambda axis: say(f"calibrate.axis_name.{axis}"),
        default="steps",
        required=True,
        key=f"calibrate.axis#{say.language}",
        persist_state="session",
    )
    log_x = row.toggle(say("calibrate.log_x"), key="calibrate.log_x", persist_state="session")

    def draw_curves() -> None:
        is_over = {run_id: reconcile_run(by_id[run_id]).is_over for run_id in drawn}
        chosen = [
            DrawnRun(
                label=curve_label(labels[run_id]),
                color=run_color(run_id),
                progress=progress_of(run_id),
                is_live=not is_over[run_id],
            )
            for run_id in drawn
        ]
        if any(run.progress.metrics for run in chosen):
            figure = curves_chart(chosen, axis, log_x=log_x)
            draw(figure, "curves", height=420, hover="closest", right=180)
        else:
            st.caption(say("calibrate.no_steps"))

    is_live = any(not by_id[run_id].state.phase.is_over for run_id in drawn)
    st.fragment(draw_curves, run_every=_REFRESH_S if is_live else None)()
    _notes([progress_of(run_id) for run_id in drawn])
    with st.expander(say("calibrate.table"), icon=":material/table:"):
        _table([by_id[run_id] for run_id in drawn], labels)


def _notes(progresses: Sequence[Progress]) -> None:
    say = text()
    lines = [say("calibrate.curves_note")]
    if not all(progress.forecasts_loss for progress in progresses):
        lines.append(say("calibrate.no_loss_forecast"))
    st.caption(" ".join(lines))
    if not losses_are_comparable(progresses):
        st.warning(say("calibrate.not_comparable"), icon=":material/balance:")


def _table(runs: Sequence[Run], labels: dict[str, str]) -> None:
    """Draw a table of the recipes and results of the runs, in the runs' colours."""
    say = text()
    language = say.language
    head = (
        *("run", "state", "parameters", "tokens", "layout", "rate"),
        *("held_out", "speed", "cost", "ratio"),
    )
    rows, colors = [], []
    for run in runs:
        progress, recipe, result = progress_of(run.id), run.recipe, run.result
        loss, speed = progress.held_out_loss, progress.tokens_per_s
        if result is not None:
            speed = result.tokens_per_s
        rows.append(
            [
                f"● {labels[run.id]}",
                say(f"phase.{run.state.phase}"),
                quantities.count(recipe.shape.count_parameters().total, language),
                quantities.count(recipe.tokens, language),
                f"{recipe.n_ranks} × {recipe.layout.short_name} {recipe.layout.precision}",
                quantities.number(recipe.peak_learning_rate, language),
                "—" if loss is None else quantities.number(loss, language),
                "—" if speed is None else show("tokens_per_s", speed, language),
                quantities.usd(progress.cost_usd, language),
                "—"
                if result is None
                else f"{result.step_time_s / run.forecast.step_time_s.value:.2f}×",
            ]
        )
        colors.append(run_color(run.id))
    table = pd.DataFrame(rows, columns=[say(f"calibrate.column.{name}") for name in head])
    styled = table.style.apply(
        lambda column: [f"color: {color}" for color in colors], subset=[table.columns[0]]
    )
    st.dataframe(styled, hide_index=True)
