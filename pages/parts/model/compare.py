"""Compare models: the checkpoints of a run in figures, and any two side by side in writing."""

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
from pages.parts.model.process import Export, said_in_one_line, which_label
from pages.parts.session import text


def compare_section(export: Export, runs: Sequence[Run]) -> None:
    say, run = text(), export.run
    st.subheader(say("model.checkpoints_heading"))
    whiches = exports(run)
    if whiches == [FINAL]:
        st.markdown(say("model.no_checkpoints"))
    else:
        _checkpoints(run, whiches)
    st.subheader(say("model.side_by_side_heading"))
    _side_by_side(export, runs)


def _checkpoints(run: Run, whiches: Sequence[str]) -> None:
    say = text()
    kept = {which: kept_evaluation(run, which) for which in whiches}
    found = [one for one in kept.values() if one is not None and one.tokens is not None]
    found.sort(key=lambda one: one.tokens or 0)
    if len(found) > 1:
        left, right = st.columns(2)
        loss, accuracies = checkpoint_charts(found)
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


def _row(run: Run, which: str, found: Evaluation | None) -> dict[str, object]:
    """One model: as evaluated, or as far as training told."""
    say = text()
    step, tokens = trained_until(run, which)
    loss = found.held_out_loss if found else _told_loss(run, which)
    bits = found.bits_per_byte if found else None
    accuracies = {one.probe: 100 * one.accuracy for one in found.probes} if found else {}
    return {
        say("model.which"): say("model.final") if which == FINAL else which,
        say("axis.step"): step,
        say("model.tokens_seen"): None
        if tokens is None
        else quantities.count(tokens, say.language),
        say("axis.loss"): None if loss is None else round(loss, 3),
        say("exam.bits_per_byte.next_token"): None if bits is None else round(bits, 3),
        **{say(f"model.probe_short.{probe}"): accuracies.get(probe) for probe in QUESTION_KINDS},
    }


def _told_loss(run: Run, which: str) -> float | None:
    if which == FINAL:
        return run.result.held_out_loss if run.result else None
    told = read_json(export_folder(run, which) / "flopledger.json") or {}
    return told.get("held_out_loss")


def _side_by_side(export: Export, runs: Sequence[Run]) -> None:
    """Any two models that write, of this run or of others: same prompt, same seed."""
    say = text()
    of_others = [one for one in runs if one.id != export.run.id]
    models = [
        one
        for run in [export.run, *of_others]
        for one in (Export(run, which) for which in exports(run))
        if not one.is_masked
    ]
    if len(models) < 2:
        st.markdown(say("model.one_model"))
        return
    labels = [f"{one.run.id} · {which_label(one.run, one.which)}" for one in models]
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
        asked = st.form_submit_button(
            say("model.write_both"),
            type="primary",
            icon=":material/compare_arrows:",
            key="write_both",
        )
    if asked:
        for column, index in zip(st.columns(2, gap="large"), chosen, strict=True):
            with column, said_in_one_line():
                st.caption(labels[index])
                write(models[index], prompt, sampling)
