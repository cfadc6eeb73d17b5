"""What a training run reports: each step (``metrics.jsonl``), and at its end what it measured
(``result.json``) or why it failed (``failure.json``)."""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import Field

from engine.documents import Document, InputError
from engine.field_types import PositiveFloat
from engine.text import catalog


class Dropped(Document):
    """Documents that a corpus does without, for one reason."""

    reason: str
    """Below ``corpus.dropped`` in the catalogs."""
    n_documents: int
    n_bytes: int
    examples: tuple[str, ...]
    """Names of some; of a duplicate, "name = name of what it repeats"."""


class CorpusReport(Document):
    """What a prepared corpus holds, and what became of the rest of its source."""

    source: str
    source_version: str
    n_documents: int
    n_held_out_documents: int
    n_train_tokens: int
    n_held_out_tokens: int
    n_train_bytes: int
    n_held_out_bytes: int
    held_out_lzma_bits_per_byte: float
    """What a general compressor makes of the held-out text: a model that has learnt something
    of the language needs fewer bits."""
    vocab: int
    token_bytes: int = 4
    """Of one id in the token files."""
    n_read_documents: int = 0
    n_read_bytes: int = 0
    """Of their texts, once cleaned."""
    dropped: tuple[Dropped, ...] = ()
    changed: dict[str, int] = Field(default_factory=dict)
    """Documents that cleaning changed, by what it did."""
    tokenizer_sample_bytes: int = 0
    """What the tokenizer was trained on."""
    stage_s: dict[str, float] = Field(default_factory=dict)
    """Wall time of each stage."""
    n_workers: int = 0

    def bits_per_byte(self, loss_nats_per_token: float) -> float:
        """Held-out loss in bits for each byte of UTF-8 text: comparable between tokenizers."""
        tokens_per_byte = self.n_held_out_tokens / self.n_held_out_bytes
        return loss_nats_per_token / math.log(2) * tokens_per_byte


class StepMetrics(Document):
    """One line of ``metrics.jsonl``: one optimizer step."""

    step: int
    """From 1."""
    tokens: int
    """Trained on so far."""
    loss: float
    """Mean over the global batch, in nats per token."""
    held_out_loss: float | None = None
    step_time_s: PositiveFloat
    learning_rate: float
    gradient_norm: float | None = None
    """Before clipping; ZeRO stage 0 does not report it."""
    time: float
    """Unix time."""


class RunResult(Document):
    """Figures of one whole run. Step times are of the steps after the first three of each start,
    which also set up kernels and allocators; ``step_time_s`` is their mean, since slow steps cost
    as well. Of a run that was resumed every step counts once: what was lost with a process and
    done again is not in any time. Memory, peak rate and load by others are of its last start."""

    steps: int
    tokens: int
    n_parameters: int
    train_loss: float
    held_out_loss: PositiveFloat
    """Nats per token over all held-out documents; of masked tokens alone for BERT."""
    bits_per_byte: PositiveFloat | None
    """None where masked tokens were scored: their loss codes no text."""
    step_time_s: PositiveFloat
    step_time_s_p10: PositiveFloat
    step_time_s_p90: PositiveFloat
    steps_time_s: PositiveFloat
    """All steps together, the first ones included, evaluations not."""
    wall_time_s: PositiveFloat
    """From the first step to the last evaluation, less the time between a checkpoint and its
    resume."""
    tokens_per_s: PositiveFloat
    achieved_flops_per_s: PositiveFloat
    """Model FLOPs of all devices; attention's full square counted, no recomputation."""
    peak_flops_per_s: PositiveFloat
    """Matmul rate of all devices together, measured just before the first step."""
    mfu: PositiveFloat
    """Achieved over the measured peak."""
    memory_bytes_per_device: PositiveFloat
    """Peak of the rank that took most: resident set on a CPU, PyTorch's reserve on a GPU."""
    idle_memory_bytes_per_device: float
    """The same before the model was built."""
    n_ranks: int
    device: str
    other_load_share: float
    """Busy share of the cores that other processes took during the steps; 0 on a calm machine."""
    corpus: CorpusReport
    versions: dict[str, str]


class Failure(Document):
    """Why a run failed, in a form that can be said in any language."""

    key: str
    """Below ``failure`` in the catalogs; ``input`` for an :class:`InputError`."""
    params: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of_input(cls, error: InputError) -> Self:
        value = error.value if isinstance(error.value, str) else repr(error.value)
        return cls(
            key="input",
            params={"field": error.field, "value": value, "rule": error.rule} | error.params,
        )

    @classmethod
    def on_node(cls, node: str, failure: Failure) -> Self:
        return cls(key="on_node", params={"node": node, "what": failure.model_dump(mode="json")})

    def in_language(self, language: str) -> str:
        if self.key == "input":
            return InputError(**self.params).in_language(language)
        if self.key == "on_node":
            what = Failure.parse(self.params["what"]).in_language(language)
            return catalog(language)("failure.on_node", node=self.params["node"], what=what)
        return catalog(language)(f"failure.{self.key}", **self.params)
