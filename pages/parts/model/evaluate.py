"""Evaluate a model: start an evaluation, follow it, and read its results."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine import quantities
from engine.reports.score_tables import loss_rows, question_rows
from engine.runs.evaluations import EvaluationJob, kept_evaluation
from engine.runs.folder import Run
from engine.scores import N_QUESTIONS, Evaluation, QuestionSettings
from pages.parts.charts import draw
from pages.parts.model.charts import probe_chart
from pages.parts.model.process import Export, errors_in_one_line
from pages.parts.session import text


@st.cache_resource
def _jobs() -> dict[str, EvaluationJob]:
    """Return the evaluations by run that are running, or that failed and were not shown yet."""
    return {}


@st.cache_resource
def _starting() -> threading.Lock:
    """Return the lock that a session holds while it checks for a job and starts its own."""
    return threading.Lock()


def evaluate_section(export: Export) -> None:
    """Draw the evaluation of a model, and the button that starts one."""
    say = text()
    evaluation = kept_evaluation(export.run, export.which)
    if evaluation is not None:
        _show(export, evaluation)
    else:
        st.markdown(say("model.evaluate_note", questions=N_QUESTIONS))
    evaluate_button(export.run, [export.which], again=evaluation is not None)


def evaluate_button(run: Run, whiches: Sequence[str], *, again: bool = False) -> None:
    """Draw a button that evaluates models of a run, or the progress of their evaluation."""
    say, jobs = text(), _jobs()
    job = jobs.get(run.id)
    if job is not None and not job.is_over:
        _progress(run.id)
        return
    if job is not None and job.error is not None:
        with errors_in_one_line():
            raise job.error
    jobs.pop(run.id, None)
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    questions = left.number_input(
        say("model.questions"),
        10,
        10_000,
        N_QUESTIONS,
        10,
        help=say("model.questions_help"),
        key="model_questions",
    )
    right.button(
        say("model.evaluate_again" if again else "model.evaluate", n=len(whiches)),
        type="secondary" if again else "primary",
        icon=":material/fact_check:",
        key="evaluate",
        on_click=_start,
        args=(run, whiches, QuestionSettings(questions=questions)),
    )


def _start(run: Run, whiches: Sequence[str], questions: QuestionSettings) -> None:
    with _starting():
        job = _jobs().get(run.id)
        if job is None or job.is_over:
            _jobs()[run.id] = EvaluationJob(run, whiches, questions)


@st.fragment(run_every=1.0)
def _progress(run_id: str) -> None:
    say, job = text(), _jobs().get(run_id)
    if job is None or job.is_over:
        st.rerun()
    left = job.seconds_left
    st.progress(
        job.share,
        say("model.evaluating_start")
        if left is None
        else say(
            "model.evaluating",
            share=f"{job.share:.0%}",
            left=quantities.duration(left, say.language),
        ),
    )


def _show(export: Export, evaluation: Evaluation) -> None:
    say = text()
    if evaluation.probes:
        draw(
            probe_chart(evaluation.probes),
            "probes",
            height=60 + 62 * len(evaluation.probes),
            hover="closest",
        )
        st.caption(say("model.probes_note"))
    with st.expander(say("model.evaluation_table"), icon=":material/table:"):
        for head, rows in (loss_rows(say, evaluation), question_rows(say, evaluation)):
            st.table(pd.DataFrame(rows, columns=head), hide_index=True)
        st.caption(say(f"model.averages_note.{evaluation.objective}"))
        st.download_button(
            say("model.download_evaluation"),
            json.dumps(evaluation.model_dump(mode="json"), indent=1),
            f"{export.run.id}-evaluation-{export.which}.json",
            "application/json",
            key="download_evaluation",
            icon=":material/download:",
            on_click="ignore",
        )
