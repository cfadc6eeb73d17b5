"""Actions on one run: resume, restart, compare, rename, archive, delete."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from engine.recipes.checkpoints import TRAINING, step_of
from engine.runs import lifecycle
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.observing.metrics_csv import metrics_csv
from engine.runs.observing.summary import Summary
from pages.parts.run_views.runs import compare_runs
from pages.parts.run_views.wording import run_action
from pages.parts.runs.choice import choose, delete
from pages.parts.session import text

_RESUMABLE = (Phase.FAILED, Phase.CANCELLED, Phase.STOPPED)


def actions(summary: Summary, run: Run) -> None:
    """Draw the actions that the run allows."""
    say = text()
    with st.container(horizontal=True):
        if summary.unreadable is None:
            if summary.phase in _RESUMABLE:
                _resume(summary, run)
            if summary.is_over:
                st.button(
                    say("runs.restart"),
                    key="restart",
                    icon=":material/replay:",
                    help=say("runs.restart_help"),
                    on_click=run_action,
                    args=("details", _restart, run),
                )
            if st.button(say("runs.curves"), key="curves", icon=":material/stacked_line_chart:"):
                compare_runs([summary.run_id])
                st.switch_page("pages/calibrate.py")
            st.download_button(
                say("runs.download"),
                lambda: metrics_csv(run),
                f"{summary.run_id}-metrics.csv",
                "text/csv",
                key="download_metrics",
                icon=":material/download:",
                help=say("runs.download_help"),
                on_click="ignore",
            )
            _about_form(summary, run)
        if summary.is_over:
            _archive_and_delete(summary, run)


def _resume(summary: Summary, run: Run) -> None:
    """Draw the button that resumes a run from its newest checkpoint.

    A run that its spending limit has stopped gets a field for a new limit.
    """
    say = text()
    kept = [folder for folder in run.checkpoints() if (folder / TRAINING).is_dir()]
    label = say("runs.resume", step=step_of(kept[-1])) if kept else say("runs.resume_anew")
    if summary.phase is not Phase.STOPPED:
        st.button(
            label,
            key="resume",
            type="primary",
            icon=":material/resume:",
            on_click=run_action,
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
            on_click=run_action,
            args=("details", _resume_within, run),
        )


def _resume_within(run: Run) -> None:
    typed = st.session_state["runs.new_limit"]
    limit = None if typed is None else Decimal(repr(typed))
    control.resume(run, run.job.with_value("spending_limit_usd", limit))


def _restart(run: Run) -> None:
    choose([control.restart(run).id])


def _about_form(summary: Summary, run: Run) -> None:
    """Draw the form for name, note and tags; all of them change, or none."""
    say = text()
    with (
        st.popover(say("runs.about"), icon=":material/edit:"),
        st.form(f"about.{summary.run_id}", border=False),
    ):
        name = st.text_input(say("runs.name"), summary.name, max_chars=80)
        tags = st.multiselect(
            say("runs.tags"),
            list(summary.tags),
            default=list(summary.tags),
            accept_new_options=True,
            placeholder=say("runs.tags_help"),
        )
        note = st.text_area(say("runs.note"), summary.note, max_chars=10_000)
        if st.form_submit_button(say("runs.save_about"), type="primary"):
            run_action("details", lambda: lifecycle.describe(run, name=name, note=note, tags=tags))
            st.rerun()


def _archive_and_delete(summary: Summary, run: Run) -> None:
    say = text()
    if summary.unreadable is None:
        st.button(
            say("runs.unarchive" if summary.archived else "runs.archive"),
            key="archive",
            icon=":material/unarchive:" if summary.archived else ":material/archive:",
            on_click=run_action,
            args=("details", lifecycle.archive, run, not summary.archived),
        )
    st.button(
        say("runs.delete"),
        key="delete",
        icon=":material/delete:",
        on_click=delete,
        args=([summary],),
    )
