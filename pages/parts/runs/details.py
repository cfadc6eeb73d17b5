"""One run: its outcome, its actions, and the contents of its folder."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine import quantities
from engine.reports.comparison import compare
from engine.reports.forecast_tables import show
from engine.runs.folder import Phase, Run
from engine.runs.observing.summary import Summary
from pages.parts.run_views.runs import progress_of
from pages.parts.run_views.wording import local_time, run_of, show_refusal, state_badge
from pages.parts.runs.actions import actions
from pages.parts.runs.folder import checkpoints_view, log_view, recipe_view
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown

_VIEWS: dict[str, tuple[str, Callable[[Summary, Run], None]]] = {
    "log": (":material/terminal:", log_view),
    "checkpoints": (":material/flag:", checkpoints_view),
    "recipe": (":material/receipt_long:", recipe_view),
}


def details_section(summary: Summary) -> None:
    """Draw one run."""
    run = run_of(summary)
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.subheader(escaped_markdown(summary.name), anchor=False, width="content")
        with row:
            state_badge(summary)
            for tag in summary.tags:
                st.badge(escaped_markdown(tag), icon=":material/label:", color="gray")
        if summary.unreadable is None:
            st.caption(_when_and_where(summary))
        _trouble(summary)
        if summary.note:
            st.text(summary.note)
        if summary.phase is not None and summary.is_over:
            st.markdown(_outcome(summary, run))
        actions(summary, run)
        show_refusal("details")
        if summary.unreadable is None:
            _views(summary, run)


def _when_and_where(summary: Summary) -> str:
    say = text()
    parts = [f"`{summary.run_id}`"]
    if summary.created_at is not None:
        times = [("runs.created", summary.created_at), ("runs.ended", summary.ended_at)]
        parts += [
            *(say(key, when=f"{local_time(time):%Y-%m-%d %H:%M}") for key, time in times if time),
            say(f"runs.back_end.{summary.back_end}"),
            say("runs.ranks", n=summary.n_ranks),
            *([say("runs.starts", n=summary.starts)] if summary.starts > 1 else []),
        ]
    return " · ".join(parts)


def _trouble(summary: Summary) -> None:
    """Show in a line why the run failed, was stopped or cannot be read."""
    trouble = summary.trouble(text().language)
    if trouble is None:
        return
    if summary.phase is Phase.STOPPED:
        st.warning(escaped_markdown(trouble), icon=":material/pause_circle:")
    else:
        st.error(escaped_markdown(trouble), icon=":material/error:")


def _outcome(summary: Summary, run: Run) -> str:
    """Return a sentence that compares the result with the forecast."""
    say, language, result = text(), text().language, run.result
    if result is None:
        return say(
            "runs.so_far",
            done=summary.steps_done,
            steps=summary.steps,
            spent=quantities.usd(summary.cost_usd, language),
            forecast=quantities.usd(progress_of(summary.run_id).forecast.cost_usd.value, language),
        )
    rows = {row.quantity: row for row in compare(run.forecast, run.plan, result)}
    step = rows["step_time_s"]
    spent = rows.get("cost_usd", rows["device_hours"])
    return say(
        "runs.measured",
        step=show("step_time_s", step.measured, language),
        step_forecast=show("step_time_s", step.predicted.value, language),
        ratio=f"{step.ratio:.2f}",
        spent=show(spent.quantity, spent.measured, language),
        spent_forecast=show(spent.quantity, spent.predicted.value, language),
        loss=say("unit.nats", n=quantities.number(result.held_out_loss, language)),
    )


def _views(summary: Summary, run: Run) -> None:
    say = text()
    view = st.segmented_control(
        say("runs.view"),
        list(_VIEWS),
        default="log",
        format_func=lambda name: f"{_VIEWS[name][0]} {say(f'runs.view_name.{name}')}",
        key=f"runs.view#{say.language}",
        label_visibility="collapsed",
        required=True,
    )
    _VIEWS[view][1](summary, run)
