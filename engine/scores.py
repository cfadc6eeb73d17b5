"""Scores of a model: its loss on held-out text, and its answers to multiple-choice questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document
from engine.field_types import PositiveInt, Seed, ShareOfOne

QuestionKind = Literal["continuation", "cloze", "shuffled"]
QUESTION_KINDS: tuple[QuestionKind, ...] = ("continuation", "cloze", "shuffled")
N_OPTIONS = 4
"""Number of options of a question: the true one and three others."""
N_QUESTIONS = 200
"""Default number of questions of each kind: the 95% interval is then at most ±7 points."""
_Z_95 = 1.959963984540054


class QuestionSettings(Document):
    """Number of questions of each kind, and the seed that selects them."""

    questions: Annotated[int, Field(ge=1, le=100_000)] = N_QUESTIONS
    seed: Seed = 1


class QuestionScore(Document):
    """Scores of a model on the questions of one kind.

    For yes-or-no questions precision, recall and F1 are those of the class "real". If one of
    several options is chosen, they are means over classes, and each position of an option is a
    class.
    """

    probe: QuestionKind
    n_questions: PositiveInt
    accuracy: ShareOfOne
    accuracy_low: ShareOfOne
    accuracy_high: ShareOfOne
    """Upper end of Wilson's 95% interval of the accuracy."""
    precision: ShareOfOne
    recall: ShareOfOne
    f1: ShareOfOne
    chance: ShareOfOne
    """Expected accuracy of guessing."""


class Evaluation(Document):
    """Scores of an exported model on the held-out documents of its run."""

    which: str
    """``final``, or the name of a checkpoint's folder."""
    step: int | None = None
    tokens: int | None = None
    """Tokens trained on before the export; None if the export does not record it."""
    objective: Literal["next_token", "masked_token"]
    held_out_loss: float
    """Loss in nats per predicted token."""
    perplexity: float
    bits_per_byte: float | None = None
    """Loss in bits per byte. None for masked tokens: each sees the others, so that the sum of their
    bits is not that of the text."""
    token_accuracy: ShareOfOne
    """Share of the predicted tokens for which the likeliest token is right."""
    n_scored_tokens: int
    n_held_out_tokens: int
    asked: QuestionSettings
    """Settings of the questions; a short text yields fewer questions than were requested."""
    probes: tuple[QuestionScore, ...]
    wall_time_s: float


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """Return the 95% bounds of a share (Wilson 1927, in the form of Brown 2001, section 3.1.1)."""
    share, z2 = n_right / n, _Z_95**2
    centre = (n_right + z2 / 2) / (n + z2)
    half = _Z_95 * math.sqrt(n) / (n + z2) * math.sqrt(share * (1 - share) + z2 / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def precision_recall_f1(
    truths: Sequence[int], answers: Sequence[int], positive: int
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of one class; 0 if a divisor is 0, as in scikit-learn."""
    hits = sum(t == a == positive for t, a in zip(truths, answers, strict=True))
    claimed, present = list(answers).count(positive), list(truths).count(positive)
    return (
        hits / claimed if claimed else 0.0,
        hits / present if present else 0.0,
        2 * hits / (claimed + present) if claimed + present else 0.0,
    )


def score_questions(
    probe: QuestionKind, truths: Sequence[int], answers: Sequence[int]
) -> QuestionScore:
    """Score the answers to at least one question of one kind."""
    n_right = sum(t == a for t, a in zip(truths, answers, strict=True))
    low, high = wilson_interval(n_right, len(truths))
    if probe == "shuffled":
        precision, recall, f1 = precision_recall_f1(truths, answers, positive=1)
    else:
        classes = sorted({*truths, *answers})
        of_class = [precision_recall_f1(truths, answers, label) for label in classes]
        precision, recall, f1 = (
            sum(values) / len(classes) for values in zip(*of_class, strict=True)
        )
    return QuestionScore(
        probe=probe,
        n_questions=len(truths),
        accuracy=n_right / len(truths),
        accuracy_low=low,
        accuracy_high=high,
        precision=precision,
        recall=recall,
        f1=f1,
        chance=1 / (2 if probe == "shuffled" else N_OPTIONS),
    )
