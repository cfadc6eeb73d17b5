"""What a model is worth, in figures: its loss on held-out text, and how it answers questions."""

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
"""Of a question with a choice: the true one and three others."""
N_QUESTIONS = 200
"""Of each kind: enough to tell an accuracy from one that is 7 points off."""
_Z_95 = 1.959963984540054


class QuestionSettings(Document):
    """How many questions of each kind, and which."""

    questions: Annotated[int, Field(ge=1, le=100_000)] = N_QUESTIONS
    seed: Seed = 1


class QuestionScore(Document):
    """How a model answered the questions of one kind.

    Precision, recall and F1 are of the class "real" where the answer is yes or no; where one of
    several options is chosen they are means over the options' places, each place a class.
    """

    probe: QuestionKind
    n_questions: PositiveInt
    accuracy: ShareOfOne
    accuracy_low: ShareOfOne
    accuracy_high: ShareOfOne
    """Wilson's 95% interval."""
    precision: ShareOfOne
    recall: ShareOfOne
    f1: ShareOfOne
    chance: ShareOfOne
    """Accuracy of guessing."""


class Evaluation(Document):
    """One exported model on the held-out documents of its run."""

    which: str
    """``final``, or the name of a checkpoint's folder."""
    step: int | None = None
    tokens: int | None = None
    """Trained on until then; unknown for an export that does not say."""
    objective: Literal["next_token", "masked_token"]
    held_out_loss: float
    """Nats per token that was predicted."""
    perplexity: float
    bits_per_byte: float | None = None
    """None for masked tokens: each sees the others, so their bits do not add up to the text's."""
    token_accuracy: ShareOfOne
    """Share of the predicted tokens whose likeliest guess is right."""
    n_scored_tokens: int
    n_held_out_tokens: int
    asked: QuestionSettings
    """A short text yields fewer questions."""
    probes: tuple[QuestionScore, ...]
    wall_time_s: float


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """Bounds of a share at 95%: Wilson 1927, as Brown 2001 (section 3.1.1) states it."""
    share, z2 = n_right / n, _Z_95**2
    centre = (n_right + z2 / 2) / (n + z2)
    half = _Z_95 * math.sqrt(n) / (n + z2) * math.sqrt(share * (1 - share) + z2 / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def precision_recall_f1(
    truths: Sequence[int], answers: Sequence[int], positive: int
) -> tuple[float, float, float]:
    """Of one class; 0 where a ratio has nothing to divide by, as scikit-learn does it."""
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
    """Of answers to the questions of one kind; at least one."""
    n_right = sum(t == a for t, a in zip(truths, answers, strict=True))
    low, high = wilson_interval(n_right, len(truths))
    if probe == "shuffled":
        precision, recall, f1 = precision_recall_f1(truths, answers, positive=1)
    else:
        classes = sorted({*truths, *answers})
        of_class = [precision_recall_f1(truths, answers, one) for one in classes]
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
