"""Software stacks: the default behaviour of training frameworks, by their names in tables."""

from __future__ import annotations

from functools import cache
from typing import Literal

from engine.facts import Confidence, Fact, read_facts
from engine.paths import DATA_DIR

Attention = Literal["unfused", "flash1", "sdpa", "library"]
"""Kernel of attention. ``unfused`` writes the scores to memory; ``flash1`` is the first version of
FlashAttention; ``sdpa`` is PyTorch's kernel (FlashAttention 2); ``library`` is the vendor's newest
(cuDNN, FlashAttention 3)."""


class Stack(Fact):
    """One row of ``data/software_stacks.csv``."""

    stack: str
    framework: str
    """Lower-case text that a table's ``framework`` cell contains; empty for the default."""
    generations: str
    """Generations of accelerators that the row is for, separated by spaces; empty for all."""
    attention: Attention
    elementwise: Literal["fused", "eager", "mixed"]
    """Whether norms, activations and residuals run as few kernels (fused) or many (eager)."""
    tensor_overlap: bool
    """Whether tensor parallel communication is overlapped with matmuls."""
    data_overlap: bool
    """Whether gradients are reduced while the backward pass still runs."""
    sequence_parallel: bool
    """Whether tensor parallelism also splits norms and residuals."""
    expert_overlap: bool
    """Whether tokens are sent to experts while other tokens are computed."""
    selective: Literal["scores", "half"]
    """Work that selective checkpointing repeats: attention's scores, or every second matmul and
    all elementwise work."""
    gradient_bytes: int
    """Size of one gradient value in communication, in bytes."""
    moe_host: Literal["dropless", "dropped"]
    """Whether experts take all tokens that choose them or a fixed number. With all tokens, only
    the device knows the sizes of the experts' matmuls."""

    checkpointing: Literal["none", "full", "fits"]
    """Activation checkpointing of a run that does not state it; ``fits`` is the least that
    fits."""

    confidence: Confidence

    def matches(self, framework: str, generation: str) -> bool:
        """Whether the row is for a framework's name on a generation of accelerators."""
        return self.framework in framework.casefold() and (
            not self.generations or generation in self.generations.split(" ")
        )


@cache
def stacks() -> dict[str, Stack]:
    """Return all rows of ``data/software_stacks.csv`` by their names."""
    rows = read_facts(DATA_DIR / "software_stacks.csv", Stack)
    return {row.stack: row for row in rows}


@cache
def stack_of(framework: str, generation: str) -> Stack:
    """Return the first stack for a framework's name on a generation of accelerators.

    The last row is the default, which matches every name.
    """
    return next(stack for stack in stacks().values() if stack.matches(framework, generation))
