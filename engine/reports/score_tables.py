"""Evaluations as tables of text, for the terminal and the app alike."""

from __future__ import annotations

from engine import quantities
from engine.reports.forecast_tables import Rows
from engine.scores import Evaluation
from engine.text import Catalog


def loss_rows(say: Catalog, found: Evaluation) -> Rows:
    """What an evaluation measured over the held-out text."""
    shown = {
        "held_out_loss": quantities.number(found.held_out_loss, say.language),
        "perplexity": quantities.number(found.perplexity, say.language),
        "token_accuracy": quantities.share(found.token_accuracy, say.language),
        "scored_tokens": quantities.count(found.n_scored_tokens, say.language),
    }
    if found.bits_per_byte is not None:
        shown["bits_per_byte"] = quantities.number(found.bits_per_byte, say.language)
    return (
        [say("table.quantity"), say("table.value")],
        [[say(f"exam.{name}.{found.objective}"), value] for name, value in shown.items()],
    )


def question_rows(say: Catalog, found: Evaluation) -> Rows:
    """One row a probe."""

    def percent(value: float) -> str:
        return f"{value:.1%}"

    names = ("probe", "questions", "accuracy", "interval", "chance", "precision", "recall", "f1")
    return (
        [say(f"exam.{name}") for name in names],
        [
            [
                say(f"exam.probe_name.{one.probe}"),
                str(one.n_questions),
                percent(one.accuracy),
                f"{percent(one.accuracy_low)} – {percent(one.accuracy_high)}",
                percent(one.chance),
                percent(one.precision),
                percent(one.recall),
                percent(one.f1),
            ]
            for one in found.probes
        ],
    )
