"""Page Models: the trained model's scores, the text it writes, and its attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from engine import quantities
from engine.results import RunResult
from engine.runs.evaluations import kept_evaluation
from engine.runs.exported_models import FINAL, exports, trained_until
from engine.runs.folder import Run
from engine.runs.observing.index import readable_runs
from engine.runs.observing.progress import Progress
from engine.scores import Evaluation, QuestionScore
from pages.parts.charts import draw
from pages.parts.frame import run_in_frame
from pages.parts.model.charts import learning_chart
from pages.parts.model.compare import compare_section
from pages.parts.model.compression import compression_section
from pages.parts.model.evaluate import evaluate_section
from pages.parts.model.export import export_section
from pages.parts.model.generate import generate_section
from pages.parts.model.inspection import inspection_section
from pages.parts.model.process import Export, choose_export
from pages.parts.session import text
from pages.parts.tiles import Tile, show_answer, tiles

_SECTIONS = {
    "generate": ":material/edit_note:",
    "evaluate": ":material/fact_check:",
    "inside": ":material/visibility:",
    "compare": ":material/compare_arrows:",
    "compress": ":material/compress:",
    "download": ":material/download:",
}


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores of a model from its evaluation, or else from the last one during its run."""

    loss: float | None
    bits_per_byte: float | None
    evaluation: Evaluation | None

    @property
    def continuation(self) -> QuestionScore | None:
        probes = self.evaluation.probes if self.evaluation else ()
        return next((score for score in probes if score.probe == "continuation"), None)


def _scores_of(export: Export, result: RunResult | None) -> _Scores:
    found = kept_evaluation(export.run, export.which)
    if found is not None:
        return _Scores(found.held_out_loss, found.bits_per_byte, found)
    if result is None or export.which != FINAL:
        return _Scores(None, None, None)
    return _Scores(result.held_out_loss, None if export.is_masked else result.bits_per_byte, None)


def _answer(export: Export, result: RunResult | None, scores: _Scores) -> str:
    """Return one sentence with the held-out loss and the score on questions."""
    say, language = text(), text().language
    if scores.loss is None:
        return say("model.answer_not_evaluated")
    if result is None or scores.bits_per_byte is None:
        kind = "masked_token" if export.is_masked else "next_token"
        answer = say(f"model.answer_loss.{kind}", loss=quantities.number(scores.loss, language))
    else:
        answer = say(
            "model.answer",
            bits=quantities.number(scores.bits_per_byte, language),
            lzma=quantities.number(result.corpus.held_out_lzma_bits_per_byte, language),
            documents=result.corpus.n_held_out_documents,
        )
    if (score := scores.continuation) is not None:
        return say(
            "model.answer_probe",
            answer=answer,
            accuracy=f"{score.accuracy:.0%}",
            chance=f"{score.chance:.0%}",
        )
    return answer


def _tiles(export: Export, result: RunResult | None, scores: _Scores) -> None:
    say, language = text(), text().language
    row = []
    if not export.is_masked:
        row.append(
            Tile(
                label=say("model.bits_per_byte"),
                value=_number(scores.bits_per_byte),
                note=say("model.held_out_note", n=result.corpus.n_held_out_documents)
                if result
                else "",
                help=say("basis.bits_per_byte"),
            )
        )
    row.append(
        Tile(
            label=say("calibrate.held_out_loss"),
            value="–" if scores.loss is None else say("unit.nats", n=_number(scores.loss)),
            note=say("model.perplexity_note", n=_number(math.exp(scores.loss)))
            if scores.loss is not None
            else "",
            help=say("basis.held_out_loss"),
        )
    )
    score = scores.continuation
    row.append(
        Tile(
            label=say("model.continuation"),
            value="–" if score is None else f"{score.accuracy:.0%}",
            note=say("model.not_evaluated")
            if score is None
            else say(
                "model.interval_note",
                low=f"{score.accuracy_low:.0%}",
                high=f"{score.accuracy_high:.0%}",
                chance=f"{score.chance:.0%}",
            ),
            help=say("model.continuation_help"),
        )
    )
    shape = export.run.recipe.shape
    row.append(
        Tile(
            label=say("quantity.parameters_total"),
            value=quantities.count(shape.count_parameters().total, language),
            note=say("model.shape_note", layers=shape.n_layers, width=shape.d_model),
        )
    )
    _, tokens = trained_until(export.run, export.which)
    if tokens is not None:
        row.append(
            Tile(
                label=say("model.tokens_seen"),
                value=quantities.count(tokens, language),
                note=say("model.epochs", n=_number(tokens / result.corpus.n_train_tokens))
                if result
                else "",
            )
        )
    tiles(row)


def _number(value: float | None) -> str:
    return "–" if value is None else quantities.number(value, text().language)


def _section(export: Export, runs: list[Run]) -> None:
    say = text()
    chosen = st.segmented_control(
        say("model.section"),
        list(_SECTIONS),
        default="generate",
        format_func=lambda name: f"{_SECTIONS[name]} {say(f'model.section_name.{name}')}",
        key="model_section",
        label_visibility="collapsed",
        required=True,
    )
    match chosen:
        case "evaluate":
            evaluate_section(export)
        case "inside":
            inspection_section(export)
        case "compare":
            compare_section(export, runs)
        case "compress":
            compression_section(export.run)
        case "download":
            export_section(export)
        case _:
            generate_section(export)


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("models.question"))
    runs = [run for run in readable_runs() if exports(run)]
    if not runs:
        st.markdown(say("model.none"))
        st.page_link("pages/calibrate.py", label=say("model.train_one"), icon=":material/speed:")
        return
    answer = st.container()  # drawn above the choice that it depends on
    export = choose_export(runs)
    result = export.run.result
    scores = _scores_of(export, result)
    show_answer(_answer(export, result, scores), answer)
    _tiles(export, result, scores)
    if result is not None and not export.is_masked:
        curve = Progress(export.run).update().held_out_curve("tokens")
        if curve.x:
            chart = learning_chart(curve, export.run.recipe.shape.vocab, result.corpus)
            draw(chart, "learning", height=300, hover="closest")
    _section(export, runs)


run_in_frame(page)
