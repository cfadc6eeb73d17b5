"""Tables of evaluations as text, for the terminal and the app."""

from __future__ import annotations

from engine import quantities
from engine.reports.forecast_tables import Rows
from engine.scores import Evaluation
from engine.text import Catalog


def loss_rows(say: Catalog, found: Evaluation) -> Rows:
    """Return a table of the loss and related figures on the held-out text."""
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
        [[say(f"evaluation.{name}.{found.objective}"), value] for name, value in shown.items()],
    )


def question_rows(say: Catalog, found: Evaluation) -> Rows:
    """Return a table with one row for each kind of question."""

    def percent(value: float) -> str:
        return f"{value:.1%}"

    names = ("probe", "questions", "accuracy", "interval", "chance", "precision", "recall", "f1")
    return (
        [say(f"evaluation.{name}") for name in names],
        [
            [
                say(f"evaluation.question_name.{score.probe}"),
                str(score.n_questions),
                percent(score.accuracy),
                f"{percent(score.accuracy_low)} – {percent(score.accuracy_high)}",
                percent(score.chance),
                percent(score.precision),
                percent(score.recall),
                percent(score.f1),
            ]
            for score in found.probes
        ],
    )
