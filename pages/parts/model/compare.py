"""Compare models: the checkpoints of a run in figures, and texts of two models side by side."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine import quantities
from engine.files import read_json
from engine.runs.evaluations import kept_evaluation
from engine.runs.exported_models import FINAL, export_folder, exports, trained_until
from engine.runs.folder import Run
from engine.scores import QUESTION_KINDS, Evaluation
from pages.parts.charts import draw
from pages.parts.model.charts import checkpoint_charts
from pages.parts.model.evaluate import evaluate_button
from pages.parts.model.generate import prompt_field, sampling_fields, write
from pages.parts.model.process import Export, errors_in_one_line, which_label
from pages.parts.session import text


def compare_section(export: Export, runs: Sequence[Run]) -> None:
    """Draw the comparison of a run's checkpoints, and two models side by side."""
    say, run = text(), export.run
    st.header(say("model.checkpoints_heading"))
    whiches = exports(run)
    if whiches == [FINAL]:
        st.markdown(say("model.no_checkpoints"))
    else:
        _checkpoints(run, whiches)
    st.header(say("model.side_by_side_heading"))
    _side_by_side(export, runs)


def _checkpoints(run: Run, whiches: Sequence[str]) -> None:
    say = text()
    kept = {which: kept_evaluation(run, which) for which in whiches}
    evaluations = [
        evaluation
        for evaluation in kept.values()
        if evaluation is not None and evaluation.tokens is not None
    ]
    evaluations.sort(key=lambda evaluation: evaluation.tokens or 0)
    if len(evaluations) > 1:
        left, right = st.columns(2)
        loss, accuracies = checkpoint_charts(evaluations)
        with left:
            draw(loss, "checkpoint_losses", height=320)
        with right:
            draw(accuracies, "checkpoint_accuracies", height=320)
    st.dataframe(
        pd.DataFrame([_row(run, which, kept[which]) for which in whiches]),
        hide_index=True,
        placeholder="–",
        column_config={
            say(f"model.probe_short.{probe}"): st.column_config.NumberColumn(format="%.1f%%")
            for probe in QUESTION_KINDS
        },
    )
    missing = [which for which in whiches if kept[which] is None]
    evaluate_button(run, missing or whiches, again=not missing)


def _row(run: Run, which: str, evaluation: Evaluation | None) -> dict[str, object]:
    """Return a row of one model, from its evaluation or else from its training."""
    say = text()
    step, tokens = trained_until(run, which)
    loss = evaluation.held_out_loss if evaluation else _loss_in_training(run, which)
    bits = evaluation.bits_per_byte if evaluation else None
    accuracies = {}
    if evaluation:
        accuracies = {score.probe: 100 * score.accuracy for score in evaluation.probes}
    return {
        say("model.which"): say("model.final") if which == FINAL else which,
        say("axis.step"): step,
        say("model.tokens_seen"): None
        if tokens is None
        else quantities.count(tokens, say.language),
        say("axis.loss"): None if loss is None else round(loss, 3),
        say("evaluation.bits_per_byte.next_token"): None if bits is None else round(bits, 3),
        **{say(f"model.probe_short.{probe}"): accuracies.get(probe) for probe in QUESTION_KINDS},
    }


def _loss_in_training(run: Run, which: str) -> float | None:
    if which == FINAL:
        return run.result.held_out_loss if run.result else None
    about = read_json(export_folder(run, which) / "flopledger.json") or {}
    return about.get("held_out_loss")


def _side_by_side(export: Export, runs: Sequence[Run]) -> None:
    """Let any two models write with the same prompt and the same seed."""
    say = text()
    other_runs = [run for run in runs if run.id != export.run.id]
    models = [
        model
        for run in [export.run, *other_runs]
        for model in (Export(run, which) for which in exports(run))
        if not model.is_masked
    ]
    if len(models) < 2:
        st.markdown(say("model.one_model"))
        return
    labels = [f"{model.run.id} · {which_label(model.run, model.which)}" for model in models]
    n_own = len(exports(export.run))
    last = n_own - 1 if n_own > 1 else 1  # its oldest checkpoint, or another run's model
    with st.form("side_by_side", border=False):
        left, right = st.columns(2, gap="large")
        chosen = [
            column.selectbox(
                say("model.first_model" if start == last else "model.second_model"),
                range(len(models)),
                index=start,
                format_func=labels.__getitem__,
                key=f"side.{name}#{hash(tuple(labels))}",
            )
            for column, name, start in ((left, "left", last), (right, "right", 0))
        ]
        prompt = prompt_field("side.prompt")
        sampling = sampling_fields("side")
        submitted = st.form_submit_button(
            say("model.write_both"),
            type="primary",
            icon=":material/compare_arrows:",
            key="write_both",
        )
    if submitted:
        for column, index in zip(st.columns(2, gap="large"), chosen, strict=True):
            with column, errors_in_one_line():
                st.caption(labels[index])
                write(models[index], prompt, sampling)
