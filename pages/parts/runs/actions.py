"""What one run may do next: go on, begin again, be compared, named, put away."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from engine.recipes.checkpoints import TRAINING, step_of
from engine.runs import lifecycle
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.observing.metrics_csv import metrics_csv
from engine.runs.observing.summary import Summary
from pages.parts.run_views.runs import lay_over
from pages.parts.run_views.wording import act
from pages.parts.runs.choice import choose, delete
from pages.parts.session import text

_RESUMABLE = (Phase.FAILED, Phase.CANCELLED, Phase.STOPPED)


def actions(one: Summary, run: Run) -> None:
    say = text()
    with st.container(horizontal=True):
        if one.unreadable is None:
            if one.phase in _RESUMABLE:
                _resume(one, run)
            if one.is_over:
                st.button(
                    say("runs.restart"),
                    key="restart",
                    icon=":material/replay:",
                    help=say("runs.restart_help"),
                    on_click=act,
                    args=("details", _restart, run),
                )
            if st.button(say("runs.curves"), key="curves", icon=":material/stacked_line_chart:"):
                lay_over([one.run_id])
                st.switch_page("pages/calibrate.py")
            st.download_button(
                say("runs.download"),
                lambda: metrics_csv(run),
                f"{one.run_id}-metrics.csv",
                "text/csv",
                key="download_metrics",
                icon=":material/download:",
                help=say("runs.download_help"),
                on_click="ignore",
            )
            _say_about(one, run)
        if one.is_over:
            _put_away(one, run)


def _resume(one: Summary, run: Run) -> None:
    """On from the newest checkpoint; with another limit where the old one has stopped it."""
    say = text()
    kept = [folder for folder in run.checkpoints() if (folder / TRAINING).is_dir()]
    label = say("runs.resume", step=step_of(kept[-1])) if kept else say("runs.resume_anew")
    if one.phase is not Phase.STOPPED:
        st.button(
            label,
            key="resume",
            type="primary",
            icon=":material/resume:",
            on_click=act,
            args=("details", control.resume, run),
        )
        return
    with st.popover(label, icon=":material/resume:", type="primary"):
        limit = run.job.spending_limit_usd
        st.number_input(
            say("runs.new_limit"),
            min_value=0.0,
            value=None if limit is None else float(limit),
            format="%.12g",
            placeholder=say("runs.no_limit"),
            help=say("runs.new_limit_help"),
            key="runs.new_limit",
        )
        st.button(
            say("runs.resume_now"),
            key="resume",
            type="primary",
            icon=":material/resume:",
            on_click=act,
            args=("details", _resume_within, run),
        )


def _resume_within(run: Run) -> None:
    typed = st.session_state["runs.new_limit"]
    limit = None if typed is None else Decimal(repr(typed))
    control.resume(run, run.job.with_value("spending_limit_usd", limit))


def _restart(run: Run) -> None:
    choose([control.restart(run).id])


def _say_about(one: Summary, run: Run) -> None:
    """Its name, note and tags; taken as a whole or not at all."""
    say = text()
    with (
        st.popover(say("runs.about"), icon=":material/edit:"),
        st.form(f"about.{one.run_id}", border=False),
    ):
        name = st.text_input(say("runs.name"), one.name, max_chars=80)
        tags = st.multiselect(
            say("runs.tags"),
            list(one.tags),
            default=list(one.tags),
            accept_new_options=True,
            placeholder=say("runs.tags_help"),
        )
        note = st.text_area(say("runs.note"), one.note, max_chars=10_000)
        if st.form_submit_button(say("runs.save_about"), type="primary"):
            act("details", lambda: lifecycle.describe(run, name=name, note=note, tags=tags))
            st.rerun()


def _put_away(one: Summary, run: Run) -> None:
    say = text()
    if one.unreadable is None:
        st.button(
            say("runs.unarchive" if one.archived else "runs.archive"),
            key="archive",
            icon=":material/unarchive:" if one.archived else ":material/archive:",
            on_click=act,
            args=("details", lifecycle.archive, run, not one.archived),
        )
    st.button(
        say("runs.delete"),
        key="delete",
        icon=":material/delete:",
        on_click=delete,
        args=([one],),
    )
