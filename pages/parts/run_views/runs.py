"""Which runs are looked at, and their losses over each other."""

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
from pages.parts.charts import LIGHT_COMPUTE, draw
from pages.parts.run_views.charts import RUN_COLORS, Drawn, curves_chart
from pages.parts.session import text
from pages.parts.user_text import curve_label

_REFRESH_S = 2.0
_CHOICE_PX = 340
_CHOICE = "run_choice"
_OTHERS = "other_runs"


def progress_of(run_id: str) -> Progress:
    """This session's reader of a run, which goes on from where it stopped."""
    readers: dict[str, Progress] = st.session_state.setdefault("progress", {})
    if run_id not in readers:
        readers[run_id] = Progress(Run.find(run_id))
    return readers[run_id].update()


def show_run(run_id: str) -> None:
    """Make it the run that the page is about."""
    st.session_state[_CHOICE] = st.session_state["shown_run"] = run_id


def lay_over(run_ids: Sequence[str]) -> None:
    """Make these the runs whose losses are drawn, the first the one that the page is about."""
    first, *others = run_ids
    show_run(first)
    st.session_state[_OTHERS] = others


def shown_run(runs: Sequence[Run]) -> Run | None:
    """The run that was chosen last, here or on another page; the newest at first."""
    wanted = st.session_state.get(_CHOICE) or st.session_state.get("shown_run")
    return next((run for run in runs if run.id == wanted), runs[0] if runs else None)


def run_labels(runs: Iterable[Run]) -> dict[str, str]:
    """A run's name and when it was made; what tells it apart besides, where that is not enough.

    A label stays the same for as long as nobody renames its run: chosen entries are found by it.
    """
    labels = {run.id: _label(str(run.folder), _named_at(run)) for run in runs}
    counted = Counter(labels.values())
    return {
        run_id: label if counted[label] == 1 else f"{label} · {run_id[-4:]}"
        for run_id, label in labels.items()
    }


def _named_at(run: Run) -> int:
    """When somebody gave it a name, or wrote about it, last; 0 if nobody did."""
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
    """Its colour on this page, which it keeps for as long as it is drawn."""
    kept: dict[str, str] = st.session_state.setdefault("run_colors", {})
    if run_id not in kept:
        # The darkest is hard to see on a dark ground: there its lighter sister comes first.
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
    """The run that the page is about and up to five more, by their ids."""
    say = text()
    ids, labels = [run.id for run in runs], run_labels(runs)
    st.session_state[_CHOICE] = shown.id  # also where another page, or a start, has chosen it
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
        st.session_state[_OTHERS] = [one for one in st.session_state[_OTHERS] if one != chosen]
    others = right.multiselect(
        say("calibrate.others"),
        [one for one in ids if one != chosen],
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
    """Losses of the chosen runs against what they took; drawn anew while one of them runs."""
    say = text()
    st.subheader(say("calibrate.curves"))
    drawn = choose_runs(runs, shown)
    by_id = {run.id: run for run in runs}
    labels = run_labels(runs)
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"
    )
    axis: Axis = row.segmented_control(
        say("calibrate.against"),
        AXES,
        format_func=lambda one: say(f"calibrate.axis_name.{one}"),
        default="steps",
        required=True,
        key=f"calibrate.axis#{say.language}",
        persist_state="session",
    )
    log_x = row.toggle(say("calibrate.log_x"), key="calibrate.log_x", persist_state="session")

    def draw_curves() -> None:
        is_over = {run_id: reconcile_run(by_id[run_id]).is_over for run_id in drawn}
        chosen = [
            Drawn(
                label=curve_label(labels[run_id]),
                color=run_color(run_id),
                progress=progress_of(run_id),
                is_live=not is_over[run_id],
            )
            for run_id in drawn
        ]
        if any(one.progress.metrics for one in chosen):
            figure = curves_chart(chosen, axis, log_x=log_x)
            draw(figure, "curves", height=420, hover="closest", right=180)
        else:
            st.caption(say("calibrate.no_steps"))

    is_live = any(not by_id[run_id].state.phase.is_over for run_id in drawn)
    st.fragment(draw_curves, run_every=_REFRESH_S if is_live else None)()
    _notes([progress_of(run_id) for run_id in drawn])
    with st.expander(say("calibrate.table"), icon=":material/table:"):
        _table([by_id[run_id] for run_id in drawn], labels)


def _notes(seen: Sequence[Progress]) -> None:
    say = text()
    lines = [say("calibrate.curves_note")]
    if not all(one.forecasts_loss for one in seen):
        lines.append(say("calibrate.no_loss_forecast"))
    st.caption(" ".join(lines))
    if not losses_are_comparable(seen):
        st.warning(say("calibrate.not_comparable"), icon=":material/balance:")


def _table(runs: Sequence[Run], labels: dict[str, str]) -> None:
    """What was asked of each run and what came out, in the runs' colours."""
    say = text()
    language = say.language
    head = (
        *("run", "state", "parameters", "tokens", "layout", "rate"),
        *("held_out", "speed", "cost", "ratio"),
    )
    rows, colors = [], []
    for run in runs:
        seen, recipe, result = progress_of(run.id), run.recipe, run.result
        loss, speed = seen.held_out_loss, seen.tokens_per_s
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
                quantities.usd(seen.cost_usd, language),
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
