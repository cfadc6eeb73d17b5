"""What an exported model is worth on the held-out documents of its run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from engine.documents import InputError
from engine.scores import N_OPTIONS, QuestionKind, QuestionScore, QuestionSettings, score_questions
from engine.training.corpus.build import PreparedCorpus
from engine.training.corpus.vocabulary import token_bytes
from engine.training.evaluation.multiple_choice import (
    CONTEXT_TOKENS,
    CONTINUATION_TOKENS,
    Choice,
    Sentence,
    best_threshold,
    cloze_questions,
    continuation_questions,
    documents_of,
    sentence_questions,
)
from engine.training.evaluation.scoring import (
    Row,
    is_masked,
    log_likelihoods,
    predictions,
    rows_for,
)
from engine.training.objectives import IGNORED, Objective

SCORED_TOKENS = 500_000
"""A longer held-out text is sampled evenly: more tokens would not move the loss that is shown."""


class Evaluator:
    """One model, its tokenizer and a corpus; :meth:`take` gives the figures of an
    :class:`engine.scores.Evaluation`."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        corpus: PreparedCorpus,
        objective: Objective,
        asked: QuestionSettings,
    ) -> None:
        self.model, self.tokenizer, self.corpus = model, tokenizer, corpus
        self.objective, self.asked = objective, asked
        self.context: int = model.config.max_position_embeddings
        self.end: int = tokenizer.eos_token_id
        self.documents = documents_of(corpus.held_out_tokens(), self.end)
        self.texts: list[str] = [tokenizer.decode(one) for one in self.documents]

    def evaluate(self, tell: Callable[[float], None] = lambda _: None) -> dict[str, object]:
        """
        Parameters
        ----------
        tell
            Is told the share that is done, from 0 to 1.
        """
        started = time.monotonic()
        held_out = self._held_out_rows()
        choices, sentences = self._choices(), self._sentences()
        asked = [(probe, one) for probe, questions in choices.items() for one in questions]
        options = [(probe, one.context, option) for probe, one in asked for option in one.options]
        after = [self._rows(context, option) for _, context, option in options]
        # How likely a passage is anyway says nothing of the text before it: it is taken off
        # (Brown 2020, section 2.4). Words that end sentences are about as frequent as each other.
        alone = [
            self._rows([self.end], option) if probe == "continuation" else []
            for probe, _, option in options
        ]
        whole = [self._rows([self.end], sentence.ids) for sentence in sentences]
        parts = [held_out, *after, *alone, *whole]
        of, done = sum(len(row.ids) for rows in parts for row in rows), 0

        def count(n_tokens: int) -> None:
            nonlocal done
            done += n_tokens
            tell(done / of)

        loss, accuracy, n_scored = self._loss(held_out, count)
        gains = np.subtract(
            log_likelihoods(self.model, after, count), log_likelihoods(self.model, alone, count)
        )
        best = gains.reshape(-1, N_OPTIONS).argmax(axis=1).tolist()
        probes = []
        for probe, questions in choices.items():
            answers, best = best[: len(questions)], best[len(questions) :]
            if questions:
                probes.append(score_questions(probe, [one.truth for one in questions], answers))
        per_token = [
            total / len(sentence.ids)
            for total, sentence in zip(
                log_likelihoods(self.model, whole, count), sentences, strict=True
            )
        ]
        probes += _shuffled_score(per_token, [sentence.is_real for sentence in sentences])
        masked = is_masked(self.model)
        return {
            "objective": "masked_token" if masked else "next_token",
            "held_out_loss": loss,
            "perplexity": math.exp(loss),
            "bits_per_byte": None if masked else self.corpus.report.bits_per_byte(loss),
            "token_accuracy": accuracy,
            "n_scored_tokens": n_scored,
            "n_held_out_tokens": self.corpus.report.n_held_out_tokens,
            "asked": self.asked.model_dump(),
            "probes": [one.model_dump() for one in probes],
            "wall_time_s": time.monotonic() - started,
        }

    def _rows(self, context: Sequence[int], answer: Sequence[int]) -> list[Row]:
        return rows_for(self.model, self.tokenizer, context, answer)

    def _held_out_rows(self) -> list[Row]:
        """Windows as in training: what is scored in them is the objective's own choice."""
        tokens, width = self.corpus.held_out_tokens(), self.context
        n_windows = len(tokens) // width
        if not n_windows:
            raise InputError("held_out_tokens", len(tokens), "greater_than_equal", limit=width)
        n_read = min(n_windows, max(1, SCORED_TOKENS // width))
        rows = []
        for position in np.arange(n_read) * n_windows // n_read:
            window = np.asarray(tokens[position * width : (position + 1) * width], dtype=np.int64)
            example = self.objective.held_out_examples(window[None], [int(position)])
            rows.append(_row(example.input_ids[0], example.labels[0], is_masked(self.model)))
        return rows

    def _loss(self, rows: list[Row], count: Callable[[int], None]) -> tuple[float, float, int]:
        """(nats per token, share of tokens guessed right, how many)."""
        nats, n_right, n = 0.0, 0, 0
        for row, log_probabilities in zip(rows, predictions(self.model, rows, count), strict=True):
            targets = torch.tensor(row.targets)
            nats -= float(log_probabilities.gather(1, targets[:, None]).double().sum())
            n_right += int((log_probabilities.argmax(1) == targets).sum())
            n += len(targets)
        if not math.isfinite(nats):
            raise InputError("held_out_loss", nats, "finite")
        return nats / n, n_right / n, n

    def _choices(self) -> dict[QuestionKind, list[Choice]]:
        context_tokens = min(CONTEXT_TOKENS, self.context // 2)
        first_bytes = [one[:1] for one in token_bytes(self.tokenizer, self.model.config.vocab_size)]
        # A space, a line's end, or the first byte of a character that is no Latin letter.
        starts_word = np.array([one in (b" ", b"\n") or one >= b"\xc0" for one in first_bytes])
        return {
            "continuation": continuation_questions(
                self.documents,
                starts_word,
                n=self.asked.questions,
                context_tokens=min(context_tokens, self.context - CONTINUATION_TOKENS),
                seed=self.asked.seed,
            ),
            "cloze": cloze_questions(
                self.texts,
                self.tokenizer,
                n=self.asked.questions,
                context_tokens=context_tokens,
                answer_tokens=self.context - context_tokens,
                seed=self.asked.seed,
            ),
        }

    def _sentences(self) -> list[Sentence]:
        return sentence_questions(
            self.texts,
            self.tokenizer,
            n=2 * self.asked.questions,  # half of them set the threshold
            max_tokens=self.context - 1,
            seed=self.asked.seed,
        )


def _row(ids: np.ndarray, labels: np.ndarray, masked: bool) -> Row:
    """A training example as a question: a label is predicted where it stands, or one before."""
    if not masked:
        return Row(ids.tolist(), range(len(ids) - 1), labels[1:].tolist())
    at = np.flatnonzero(labels != IGNORED)
    return Row(ids.tolist(), at.tolist(), labels[at].tolist())


def _shuffled_score(per_token: Sequence[float], is_real: Sequence[bool]) -> list[QuestionScore]:
    """Sentences told apart by their log-probability per token.

    The threshold is the best one for the first half; the score is that of the second.
    """
    half = len(per_token) // 2 // 2 * 2  # as many real as shuffled
    if not half:
        return []
    threshold = best_threshold(per_token[:half], is_real[:half])
    judged, truths = per_token[half:], is_real[half:]
    answers = [int(one >= threshold) for one in judged]
    return [score_questions("shuffled", [int(one) for one in truths], answers)]
