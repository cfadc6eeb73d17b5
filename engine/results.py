"""Reports of a training run: one per step (``metrics.jsonl``), and one at its end.

The last is its result (``result.json``) or the reason of its failure (``failure.json``).
"""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import Field

from engine.documents import Document, InputError
from engine.field_types import PositiveFloat
from engine.text import catalog


class Dropped(Document):
    """Documents that were dropped from a corpus for one reason."""

    reason: str
    """Key of the reason below ``corpus.dropped`` in the catalogs."""
    n_documents: int
    n_bytes: int
    examples: tuple[str, ...]
    """Names of some of the documents. A duplicate is written as "name = name of the original"."""


class CorpusReport(Document):
    """Contents of a prepared corpus, and what was dropped or changed of its source."""

    source: str
    source_version: str
    n_documents: int
    n_held_out_documents: int
    n_train_tokens: int
    n_held_out_tokens: int
    n_train_bytes: int
    n_held_out_bytes: int
    held_out_lzma_bits_per_byte: float
    """Size of the held-out text under a general compressor (LZMA), in bits per byte. A model that
    has learnt something of the language needs fewer bits."""
    vocab: int
    token_bytes: int = 4
    """Size of one token id in the token files, in bytes."""
    n_read_documents: int = 0
    n_read_bytes: int = 0
    """Size of the texts of all read documents after cleaning, in bytes."""
    dropped: tuple[Dropped, ...] = ()
    changed: dict[str, int] = Field(default_factory=dict)
    """Number of documents that each cleaning rule changed."""
    tokenizer_sample_bytes: int = 0
    """Size of the text that the tokenizer was trained on, in bytes."""
    stage_s: dict[str, float] = Field(default_factory=dict)
    """Wall-clock time of each stage, in seconds."""
    n_workers: int = 0

    def bits_per_byte(self, loss_nats_per_token: float) -> float:
        """Convert a held-out loss to bits per byte of UTF-8 text, comparable between tokenizers."""
        tokens_per_byte = self.n_held_out_tokens / self.n_held_out_bytes
        return loss_nats_per_token / math.log(2) * tokens_per_byte


class StepMetrics(Document):
    """One line of ``metrics.jsonl``: one optimizer step."""

    step: int
    """Number of the step, counted from 1."""
    tokens: int
    """Tokens trained on up to and including this step."""
    loss: float
    """Mean loss of the global batch, in nats per token."""
    held_out_loss: float | None = None
    step_time_s: PositiveFloat
    learning_rate: float
    gradient_norm: float | None = None
    """Norm of the gradient before clipping; None at ZeRO stage 0, which does not report it."""
    time: float
    """Unix time in seconds, after the step and its evaluation."""


class RunResult(Document):
    """Figures of a complete run.

    Step times leave out the first three steps after each start, which also set up kernels and
    allocators. ``step_time_s`` is the mean of the others, since slow steps cost as well. In a
    resumed run every step counts once: work that was lost with a process and repeated is in no
    time. Memory, peak rate and load of other processes belong to the last start.
    """

    steps: int
    tokens: int
    n_parameters: int
    train_loss: float
    held_out_loss: PositiveFloat
    """Loss on all held-out documents in nats per token; on masked tokens only for BERT."""
    bits_per_byte: PositiveFloat | None
    """Held-out loss in bits per byte; None for masked tokens, whose loss encodes no text."""
    step_time_s: PositiveFloat
    step_time_s_p10: PositiveFloat
    step_time_s_p90: PositiveFloat
    steps_time_s: PositiveFloat
    """Time of all steps together in seconds, with the first steps and without evaluations."""
    wall_time_s: PositiveFloat
    """Time from the first step to the last evaluation in seconds, without the time between a
    checkpoint and its resumption."""
    tokens_per_s: PositiveFloat
    achieved_flops_per_s: PositiveFloat
    """Model FLOP/s of all devices, with attention's full square and without recomputation."""
    peak_flops_per_s: PositiveFloat
    """Matmul rate of all devices together in FLOP/s, measured just before the first step."""
    mfu: PositiveFloat
    """Achieved FLOP/s over the measured peak."""
    memory_bytes_per_device: PositiveFloat
    """Peak memory of the largest rank: resident set on a CPU, memory that PyTorch reserved on a
    GPU."""
    idle_memory_bytes_per_device: float
    """Memory of the largest rank before the model was built, in bytes."""
    n_ranks: int
    device: str
    other_load_share: float
    """Share of the cores that other processes used during the steps; 0 on an idle machine."""
    corpus: CorpusReport
    versions: dict[str, str]


class Failure(Document):
    """Reason why a run failed, as a key and parameters for the text in any language."""

    key: str
    """Key of the text below ``failure`` in the catalogs; ``input`` for an :class:`InputError`."""
    params: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of_input(cls, error: InputError) -> Self:
        """Return the failure that reports wrong input."""
        value = error.value if isinstance(error.value, str) else repr(error.value)
        return cls(
            key="input",
            params={"field": error.field, "value": value, "rule": error.rule} | error.params,
        )

    @classmethod
    def on_node(cls, node: str, failure: Failure) -> Self:
        """Return the failure that reports another failure with the node where it happened."""
        return cls(key="on_node", params={"node": node, "what": failure.model_dump(mode="json")})

    def in_language(self, language: str) -> str:
        """Return the reason as text in ``language``."""
        if self.key == "input":
            return InputError(**self.params).in_language(language)
        if self.key == "on_node":
            what = Failure.parse(self.params["what"]).in_language(language)
            return catalog(language)("failure.on_node", node=self.params["node"], what=what)
        return catalog(language)(f"failure.{self.key}", **self.params)
