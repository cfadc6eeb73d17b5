"""The recipe: everything that decides what one training run computes."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.corpora.choice import CorpusChoice
from engine.documents import Document, InputError
from engine.field_types import LearningRate, OpenShare, Seed, ShareOfOne, ShortName
from engine.layout import TRAINING_PRECISIONS, Layout
from engine.shapes import ModelShape

_EVERY_BYTE = 256 + 1
"""The smallest byte-level vocabulary: every byte, and the end-of-text token."""


ModelClass = Literal["llama", "mixtral", "gpt2", "bert"]
"""Model types of ``transformers`` that are trained here."""


def model_class(shape: ModelShape) -> ModelClass:
    """The model type that builds exactly ``shape``.

    Raises
    ------
    InputError
        If there is none: a block that is not its family's own, experts beside shared ones.
    """
    if shape.moe is not None:
        plain = shape.family == "llama" and shape.model_copy(update={"moe": None}).is_plain
        if not plain or shape.moe.n_shared_experts or shape.moe.n_dense_layers:
            raise InputError("shape", f"{shape.family}, experts", "trainable_shape")
        return "mixtral"
    if not shape.is_plain:
        raise InputError("shape", shape.family, "trainable_shape")
    if shape.family != "llama" and shape.d_attn != shape.d_model:
        raise InputError("shape.head_dim", shape.head_dim, "times_heads", of=shape.d_model)
    if shape.family == "bert" and not shape.tied_embeddings:
        raise InputError("shape.tied_embeddings", "false", "equal", to="true")
    return shape.family


class Distillation(Document):
    """Learn from a trained model besides the text (Hinton 2015)."""

    teacher: Annotated[str, Field(min_length=1, max_length=4_096)]
    """A run's id, or the folder of an exported model; it must have the same tokenizer."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the loss that is the divergence from the teacher; the rest is the text's."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Both models' logits are divided by it."""


class Pruning(Document):
    """Magnitude pruning: the smallest weights are zero from the first step on and stay so."""

    share: OpenShare
    """Of the weights of each linear layer."""


class Recipe(Document):
    """One pretraining run, from text to exported weights.

    Llama (with grouped queries or experts) and GPT-2 predict the next token, BERT masked ones.
    """

    schema_version: Literal[1] = 1
    name: ShortName
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
    peak_learning_rate: LearningRate = 1e-3
    warmup_share: ShareOfOne = 0.05
    """Share of the steps in which the learning rate rises linearly."""
    final_learning_rate_share: ShareOfOne = 0.1
    """Where the decay ends, as a share of the peak."""
    schedule: Literal["cosine", "wsd"] = "cosine"
    """After warm-up: a cosine, or constant and then a linear decay (warm-up, stable, decay)."""
    decay_share: ShareOfOne = 0.2
    """Share of the steps in which ``wsd`` decays."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.1
    gradient_clip: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    eval_every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 50
    eval_sequences: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Held-out sequences of the evaluations on the way; the last one takes all."""
    masked_share: OpenShare = 0.15
    """Of BERT's tokens, those that it must fill in (Devlin 2019, section 3.1)."""
    compile: bool = False
    """Let ``torch.compile`` fuse kernels; it takes a minute or two before the first step."""
    checkpoint_every_steps: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """How often a checkpoint is committed whose model stays; those in between are by the clock."""
    checkpoint_every_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10.0
    """A checkpoint is committed at least this often."""
    keep_checkpoints: Annotated[int, Field(ge=1, le=10_000)] = 2
    """Of how many checkpoints, the newest ones, the state of training is kept."""
    restarts: Annotated[int, Field(ge=0, le=1_000)] = 0
    """How often a run that was killed is started again by itself, from its last checkpoint."""
    init_from: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    """A run's id, or the folder of an exported model, whose weights are the start."""
    distillation: Distillation | None = None
    pruning: Pruning | None = None
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ()
    """Where metrics go besides ``metrics.jsonl``; one that fails never stops the run."""
    seed: Seed = 1

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        kind = model_class(self.shape)
        if kind == "bert" and self.distillation:
            raise InputError("distillation", kind, "no_distillation")
        if self.pruning and self.layout.zero_stage > 2:
            # A rank has no whole matrix to find the smallest weights of.
            raise InputError(
                "layout.zero_stage", self.layout.zero_stage, "less_than_equal", limit=2
            )
        if self.layout.offload != "none" and not self.layout.zero_stage:
            raise InputError("layout.zero_stage", 0, "greater_than_equal", limit=1)
        if not self.layout.is_data_parallel_only:
            raise InputError("layout", self.layout.short_name, "data_parallel_only")
        if self.layout.shard_group:
            raise InputError("layout.shard_group", self.layout.shard_group, "equal", to=0)
        if self.layout.precision not in TRAINING_PRECISIONS:
            allowed = ", ".join(TRAINING_PRECISIONS)
            raise InputError(
                "layout.precision", self.layout.precision, "literal_error", limit=allowed
            )
        least = _EVERY_BYTE + self.has_mask_token
        if self.shape.vocab < least:
            raise InputError("shape.vocab", self.shape.vocab, "greater_than_equal", limit=least)
        most = self.shape.vocab - self.has_mask_token
        if self.text_vocab > most:
            raise InputError("tokenizer_vocab", self.text_vocab, "less_than_equal", limit=most)
        return self

    @property
    def has_mask_token(self) -> bool:
        """Whether the vocabulary has a token besides the tokenizer's: the one that hides others."""
        return self.model_class == "bert"

    @property
    def text_vocab(self) -> int:
        """Tokens that the tokenizer is trained to; the mask, if any, is the next one."""
        return self.tokenizer_vocab or self.shape.vocab - self.has_mask_token

    @property
    def model_class(self) -> ModelClass:
        return model_class(self.shape)

    @property
    def global_batch_sequences(self) -> int:
        return self.layout.global_batch_sequences(self.n_ranks)

    @property
    def tokens_per_step(self) -> int:
        return self.global_batch_sequences * self.shape.seq_len_tokens

    @property
    def tokens(self) -> int:
        return self.steps * self.tokens_per_step

    def keeps_model_of(self, step: int) -> bool:
        """Whether the model after so many steps is evaluated and stays."""
        every = self.checkpoint_every_steps
        return every is not None and step % every == 0

    def learning_rate_share(self, step: int) -> float:
        """Learning rate of a step (from 0) as a share of the peak: linear warm-up, then a cosine
        (Loshchilov 2017) or a plateau and a linear decay (Hu 2024, section 4)."""
        warmup_steps = max(1, round(self.warmup_share * self.steps))
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        if self.schedule == "cosine":
            progress = (step - warmup_steps) / max(1, self.steps - warmup_steps)
            height = (1 + math.cos(math.pi * progress)) / 2
        else:
            decay_steps = max(1, round(self.decay_share * self.steps))
            height = min(1.0, (self.steps - step) / decay_steps)
        return self.final_learning_rate_share + (1 - self.final_learning_rate_share) * height
