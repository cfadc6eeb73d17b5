"""Recipe of a training run: all settings that decide its computation."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.corpora.choice import CorpusChoice
from engine.documents import Document, InputError, read_toml
from engine.field_types import LearningRate, OpenShare, Seed, ShareOfOne, ShortName
from engine.layout import TRAINING_PRECISIONS, Layout
from engine.shapes import ModelShape

_EVERY_BYTE = 256 + 1
"""Smallest byte-level vocabulary: all bytes and the end-of-text token."""


ModelClass = Literal["llama", "mixtral", "gpt2", "bert"]
"""Model types of ``transformers`` that can be trained."""


def model_class(shape: ModelShape) -> ModelClass:
    """Return the model type that builds exactly ``shape``.

    Raises
    ------
    InputError
        If no type does, for example with a block of another family or with shared experts.
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
    """Distillation: the model also learns from a trained model (Hinton 2015)."""

    teacher: Annotated[str, Field(min_length=1, max_length=4_096)]
    """Id of a run, or folder of an exported model; it must have the same tokenizer."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of the divergence from the teacher in the loss; the rest is the loss of the text."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Divisor of both models' logits."""


class Pruning(Document):
    """Magnitude pruning: the smallest weights are zero from the first step on."""

    share: OpenShare
    """Share of the weights of each linear layer that are zero."""


class Recipe(Document):
    """Recipe of one pretraining run, from text to exported weights.

    Llama (with grouped queries or experts) and GPT-2 predict the next token; BERT predicts masked
    tokens.
    """

    schema_version: Literal[1] = 1
    name: ShortName
    shape: ModelShape
    layout: Layout
    corpus: CorpusChoice = CorpusChoice()
    tokenizer_vocab: Annotated[int, Field(ge=_EVERY_BYTE, le=1_000_000)] | None = None
    """Number of tokens that the tokenizer learns; by default the whole vocabulary.

    A small text yields fewer tokens than a large model has embeddings, which does not change the
    model's speed.
    """
    n_ranks: Annotated[int, Field(ge=1, le=1_024)] = 1
    """Number of processes, each with one GPU or one CPU core."""
    steps: Annotated[int, Field(ge=1, le=100_000_000)]
    """Number of optimizer steps."""
    peak_learning_rate: LearningRate = 1e-3
    warmup_share: ShareOfOne = 0.05
    """Share of the steps in which the learning rate rises linearly."""
    final_learning_rate_share: ShareOfOne = 0.1
    """Learning rate at the end of the decay, as a share of the peak."""
    schedule: Literal["cosine", "wsd"] = "cosine"
    """Learning rate after the warm-up: a cosine, or constant with a linear decay (``wsd``)."""
    decay_share: ShareOfOne = 0.2
    """Share of the steps in which the learning rate of ``wsd`` decays."""
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Decoupled weight decay of AdamW."""
    gradient_clip: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    """Largest norm of the gradient; a larger gradient is scaled down to it."""
    eval_every_steps: Annotated[int, Field(ge=1, le=100_000_000)] = 50
    """Number of steps between two evaluations."""
    eval_sequences: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Number of held-out sequences of each evaluation; the last evaluation uses all."""
    masked_share: OpenShare = 0.15
    """Share of the tokens that BERT must predict (Devlin 2019, section 3.1)."""
    compile: bool = False
    """Whether ``torch.compile`` fuses kernels, which takes some minutes before the first step."""
    checkpoint_every_steps: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Steps between checkpoints whose model is kept permanently; None keeps none."""
    checkpoint_every_minutes: Annotated[float, Field(gt=0, le=100_000)] = 10.0
    """Longest time between two checkpoints, in minutes."""
    keep_checkpoints: Annotated[int, Field(ge=1, le=10_000)] = 2
    """Number of newest checkpoints whose training state is kept."""
    restarts: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Number of times that a killed run restarts by itself from its last checkpoint."""
    init_from: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    """Id of a run, or folder of an exported model, whose weights are the initial weights."""
    distillation: Distillation | None = None
    pruning: Pruning | None = None
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ()
    """Trackers that also receive the metrics; a tracker that fails never stops the run."""
    seed: Seed = 1
    """Seed of the initial weights, the order of the data and the masks."""

    @model_validator(mode="after")
    def _is_trainable(self) -> Self:
        kind = model_class(self.shape)
        if kind == "bert" and self.distillation:
            raise InputError("distillation", kind, "no_distillation")
        if self.pruning and self.layout.zero_stage > 2:
            # At stage 3 no rank has a whole matrix in which to find the smallest weights.
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
        """Whether the vocabulary has a mask token in addition to the tokenizer's tokens."""
        return self.model_class == "bert"

    @property
    def text_vocab(self) -> int:
        """Number of tokens that the tokenizer learns; a mask token has the next id."""
        return self.tokenizer_vocab or self.shape.vocab - self.has_mask_token

    @property
    def model_class(self) -> ModelClass:
        """Model type that the shape needs."""
        return model_class(self.shape)

    @property
    def global_batch_sequences(self) -> int:
        """Number of sequences of one optimizer step on all ranks."""
        return self.layout.global_batch_sequences(self.n_ranks)

    @property
    def tokens_per_step(self) -> int:
        """Number of tokens of one optimizer step on all ranks."""
        return self.global_batch_sequences * self.shape.seq_len_tokens

    @property
    def tokens(self) -> int:
        """Number of tokens of the whole run."""
        return self.steps * self.tokens_per_step

    def keeps_model_of(self, step: int) -> bool:
        """Whether the model after ``step`` steps is evaluated and kept permanently."""
        every = self.checkpoint_every_steps
        return every is not None and step % every == 0

    def learning_rate_share(self, step: int) -> float:
        """Return the learning rate of a step (from 0) as a share of the peak.

        A linear warm-up precedes a cosine (Loshchilov 2017), or a plateau and a linear decay (Hu
        2024, section 4).
        """
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


def recipe_file_hash(path: Path) -> str:
    """Return the SHA-256 of a recipe file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_unedited_recipe(path: Path, created_with: str | None, run_id: str) -> Recipe:
    """Read the recipe that a run was created with.

    Parameters
    ----------
    path
        The recipe file of the run.
    created_with
        Hash of the file when the run was created; None if the run did not record it.
    run_id
        Id of the run, which the error names.

    Raises
    ------
    InputError
        If the file was edited since: the training so far would not belong to it.
    """
    if created_with is not None and recipe_file_hash(path) != created_with:
        raise InputError("recipe.toml", run_id, "edited_recipe")
    return read_toml(path, Recipe)
