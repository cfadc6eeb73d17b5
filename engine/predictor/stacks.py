"""Software stacks: what a framework does by itself, by the name that it goes by in a table."""

from __future__ import annotations

from functools import cache
from typing import Literal

from engine.facts import Confidence, Fact, read_facts
from engine.paths import DATA_DIR

Attention = Literal["unfused", "flash1", "sdpa", "library"]
"""Kernel of attention: ``unfused`` writes the scores to memory; ``flash1`` is FlashAttention's
first version; ``sdpa`` what PyTorch gives (FlashAttention 2); ``library`` the vendor's newest
(cuDNN, FlashAttention 3)."""


class Stack(Fact):
    """One row of ``data/software_stacks.csv``."""

    stack: str
    framework: str
    """What the ``framework`` cell of a table contains, in lower case; empty for the default."""
    generations: str
    """Of accelerators that it is meant for, by spaces; empty for all."""
    attention: Attention
    elementwise: Literal["fused", "eager", "mixed"]
    """Whether norms, activations and residuals run as few kernels or many."""
    tensor_overlap: bool
    """Whether tensor parallel communication is overlapped with matmuls."""
    data_overlap: bool
    """Whether gradients travel while the backward pass still runs."""
    sequence_parallel: bool
    """Whether tensor parallelism also splits norms and residuals."""
    expert_overlap: bool
    """Whether tokens travel to experts while others are computed."""
    selective: Literal["scores", "half"]
    """What selective checkpointing computes again: attention's scores, or every second matmul
    and all elementwise work."""
    gradient_bytes: int
    """Of one gradient value as it travels."""
    moe_host: Literal["dropless", "dropped"]
    """Whether experts take all tokens that choose them, which makes their matmuls' sizes known
    only to the device, or a fixed number."""

    checkpointing: Literal["none", "full", "fits"]
    """What a run does whose activation checkpointing is not stated; ``fits``: the least that
    fits."""

    confidence: Confidence

    def speaks_for(self, framework: str, generation: str) -> bool:
        return self.framework in framework.casefold() and (
            not self.generations or generation in self.generations.split(" ")
        )


@cache
def stacks() -> dict[str, Stack]:
    rows = read_facts(DATA_DIR / "software_stacks.csv", Stack)
    return {row.stack: row for row in rows}


@cache
def stack_of(framework: str, generation: str) -> Stack:
    """The first stack that speaks for a framework's name on a generation of accelerators; the
    default, which comes last and speaks for all, where none does."""
    return next(one for one in stacks().values() if one.speaks_for(framework, generation))
