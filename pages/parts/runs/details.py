"""One run: what became of it, what it may do next, and what lies in its folder."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine import quantities
from engine.reports.comparison import compare
from engine.reports.forecast_tables import show
from engine.runs.folder import Phase, Run
from engine.runs.observing.summary import Summary
from pages.parts.run_views.runs import progress_of
from pages.parts.run_views.wording import local, run_of, say_refused, state_badge
from pages.parts.runs.actions import actions
from pages.parts.runs.folder import checkpoints_view, log_view, recipe_view
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown

_VIEWS: dict[str, tuple[str, Callable[[Summary, Run], None]]] = {
    "log": (":material/terminal:", log_view),
    "checkpoints": (":material/flag:", checkpoints_view),
    "recipe": (":material/receipt_long:", recipe_view),
}


def details_section(one: Summary) -> None:
    run = run_of(one)
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.subheader(escaped_markdown(one.name), anchor=False, width="content")
        with row:
            state_badge(one)
            for tag in one.tags:
                st.badge(escaped_markdown(tag), icon=":material/label:", color="gray")
        if one.unreadable is None:
            st.caption(_when_and_where(one))
        _trouble(one)
        if one.note:
            st.text(one.note)
        if one.phase is not None and one.is_over:
            st.markdown(_outcome(one, run))
        actions(one, run)
        say_refused("details")
        if one.unreadable is None:
            _views(one, run)


def _when_and_where(one: Summary) -> str:
    say = text()
    parts = [f"`{one.run_id}`"]
    if one.created_at is not None:
        times = [("runs.created", one.created_at), ("runs.ended", one.ended_at)]
        parts += [
            *(say(key, when=f"{local(time):%Y-%m-%d %H:%M}") for key, time in times if time),
            say(f"runs.back_end.{one.back_end}"),
            say("runs.ranks", n=one.n_ranks),
            *([say("runs.starts", n=one.starts)] if one.starts > 1 else []),
        ]
    return " · ".join(parts)


def _trouble(one: Summary) -> None:
    """Why it failed, stopped or cannot be read, in a line."""
    why = one.trouble(text().language)
    if why is None:
        return
    if one.phase is Phase.STOPPED:
        st.warning(escaped_markdown(why), icon=":material/pause_circle:")
    else:
        st.error(escaped_markdown(why), icon=":material/error:")


def _outcome(one: Summary, run: Run) -> str:
    """What was forecast beside what came, in a sentence."""
    say, language, result = text(), text().language, run.result
    if result is None:
        return say(
            "runs.so_far",
            done=one.steps_done,
            steps=one.steps,
            spent=quantities.usd(one.cost_usd, language),
            forecast=quantities.usd(progress_of(one.run_id).forecast.cost_usd.value, language),
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


def _views(one: Summary, run: Run) -> None:
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
    _VIEWS[view][1](one, run)
