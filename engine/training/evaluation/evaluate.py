"""Evaluation of an exported model on the held-out documents of its run."""

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
"""Largest number of held-out tokens that are scored; a longer text is sampled evenly.

More tokens would not change the digits of the loss that are shown.
"""


class Evaluator:
    """One model with its tokenizer, a corpus and the questions.

    :meth:`evaluate` returns the figures of an :class:`engine.scores.Evaluation`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        corpus: PreparedCorpus,
        objective: Objective,
        settings: QuestionSettings,
    ) -> None:
        self.model, self.tokenizer, self.corpus = model, tokenizer, corpus
        self.objective, self.settings = objective, settings
        self.context: int = model.config.max_position_embeddings
        self.end: int = tokenizer.eos_token_id
        self.documents = documents_of(corpus.held_out_tokens(), self.end)
        self.texts: list[str] = [tokenizer.decode(document) for document in self.documents]

    def evaluate(self, on_progress: Callable[[float], None] = lambda _: None) -> dict[str, object]:
        """Score the held-out text and the answers to all questions.

        Parameters
        ----------
        on_progress
            Callback that gets the share that is done, from 0 to 1.

        Raises
        ------
        InputError
            If the held-out text is shorter than the model's context, or its loss is not finite.
        """
        started = time.monotonic()
        held_out = self._held_out_rows()
        choices, sentences = self._choices(), self._sentences()
        options = [
            (kind, question.context, option)
            for kind, questions in choices.items()
            for question in questions
            for option in question.options
        ]
        in_context = [self._rows(context, option) for _, context, option in options]
        # The likelihood of a passage without its context is subtracted (Brown 2020, section 2.4).
        # Words that end sentences need no such correction: they are about equally frequent.
        without_context = [
            self._rows([self.end], option) if kind == "continuation" else []
            for kind, _, option in options
        ]
        whole = [self._rows([self.end], sentence.ids) for sentence in sentences]
        parts = [held_out, *in_context, *without_context, *whole]
        total, done = sum(len(row.ids) for rows in parts for row in rows), 0

        def count(n_tokens: int) -> None:
            nonlocal done
            done += n_tokens
            on_progress(done / total)

        loss, accuracy, n_scored = self._loss(held_out, count)
        gains = np.subtract(
            log_likelihoods(self.model, in_context, count),
            log_likelihoods(self.model, without_context, count),
        )
        best = gains.reshape(-1, N_OPTIONS).argmax(axis=1).tolist()
        scores = []
        for kind, questions in choices.items():
            answers, best = best[: len(questions)], best[len(questions) :]
            if questions:
                truths = [question.truth for question in questions]
                scores.append(score_questions(kind, truths, answers))
        per_token = [
            log_likelihood / len(sentence.ids)
            for log_likelihood, sentence in zip(
                log_likelihoods(self.model, whole, count), sentences, strict=True
            )
        ]
        scores += _shuffled_score(per_token, [sentence.is_real for sentence in sentences])
        masked = is_masked(self.model)
        return {
            "objective": "masked_token" if masked else "next_token",
            "held_out_loss": loss,
            "perplexity": math.exp(loss),
            "bits_per_byte": None if masked else self.corpus.report.bits_per_byte(loss),
            "token_accuracy": accuracy,
            "n_scored_tokens": n_scored,
            "n_held_out_tokens": self.corpus.report.n_held_out_tokens,
            "asked": self.settings.model_dump(),
            "probes": [score.model_dump() for score in scores],
            "wall_time_s": time.monotonic() - started,
        }

    def _rows(self, context: Sequence[int], answer: Sequence[int]) -> list[Row]:
        return rows_for(self.model, self.tokenizer, context, answer)

    def _held_out_rows(self) -> list[Row]:
        """Return windows as in training; the objective chooses the tokens that are scored."""
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
        """Return nats per token, the share of tokens predicted right and the number of tokens."""
        nats, n_right, n = 0.0, 0, 0
        # Shape of log_probabilities: (scored tokens of the row, vocab)
        for row, log_probabilities in zip(rows, predictions(self.model, rows, count), strict=True):
            targets = torch.tensor(row.targets)
            nats -= float(log_probabilities.gather(1, targets[:, None]).double().sum())
            n_right += int((log_probabilities.argmax(1) == targets).sum())
            n += len(targets)
        if not math.isfinite(nats):
            raise InputError("held_out_loss", nats, "finite")
        return nats / n, n_right / n, n

    def _choices(self) -> dict[QuestionKind, list[Choice]]:
        """Return the questions in which one of several options is right."""
        context_tokens = min(CONTEXT_TOKENS, self.context // 2)
        vocab = self.model.config.vocab_size
        first_bytes = [token[:1] for token in token_bytes(self.tokenizer, vocab)]
        # A space, a line feed, or the first byte of a character outside ASCII.
        starts_word = np.array([byte in (b" ", b"\n") or byte >= b"\xc0" for byte in first_bytes])
        return {
            "continuation": continuation_questions(
                self.documents,
                starts_word,
                n=self.settings.questions,
                context_tokens=min(context_tokens, self.context - CONTINUATION_TOKENS),
                seed=self.settings.seed,
            ),
            "cloze": cloze_questions(
                self.texts,
                self.tokenizer,
                n=self.settings.questions,
                context_tokens=context_tokens,
                answer_tokens=self.context - context_tokens,
                seed=self.settings.seed,
            ),
        }

    def _sentences(self) -> list[Sentence]:
        return sentence_questions(
            self.texts,
            self.tokenizer,
            n=2 * self.settings.questions,  # half of them set the threshold
            max_tokens=self.context - 1,
            seed=self.settings.seed,
        )


def _row(ids: np.ndarray, labels: np.ndarray, masked: bool) -> Row:
    """Return a training example as a row to score; ``ids`` and ``labels`` have shape (tokens,).

    A masked token is predicted at its own position, the next token at the position before it.
    """
    if not masked:
        return Row(ids.tolist(), range(len(ids) - 1), labels[1:].tolist())
    positions = np.flatnonzero(labels != IGNORED)
    return Row(ids.tolist(), positions.tolist(), labels[positions].tolist())


def _shuffled_score(per_token: Sequence[float], is_real: Sequence[bool]) -> list[QuestionScore]:
    """Score the distinction of real and shuffled sentences by their log-probability per token.

    The threshold is the best for the first half of the sentences; the score is that of the second
    half. There is no score for fewer than four sentences.
    """
    half = len(per_token) // 2 // 2 * 2  # as many real as shuffled sentences
    if not half:
        return []
    threshold = best_threshold(per_token[:half], is_real[:half])
    truths = [int(truth) for truth in is_real[half:]]
    answers = [int(score >= threshold) for score in per_token[half:]]
    return [score_questions("shuffled", truths, answers)]
