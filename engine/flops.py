"""Floating-point operations of one token, counted matmul by matmul.

One multiply-add is two FLOPs. The backward pass costs twice the forward pass, since each
matmul has a gradient for its input and one for its weight (Kaplan 2020, section 2.1).
Softmax, norms, routers and the embedding look-up are left out, since they are no matmuls or small
ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.layout import Checkpointing
from engine.shapes import ModelShape

BACKWARD_PER_FORWARD = 2
"""FLOPs of the backward pass over those of the forward pass (Kaplan 2020, section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A weight matrix that multiplies every token, in ``repeats`` layers."""

    name: str
    n_in: int
    n_out: int
    repeats: int

    @property
    def flops_per_token(self) -> float:
        """Forward FLOPs of one token in all layers."""
        return 2 * self.n_in * self.n_out * self.repeats


def linears(shape: ModelShape) -> tuple[Linear, ...]:
    """Return the weight matrices of ``shape`` that one token passes.

    Matrices that run as one matmul count as one. Of routed experts, the ``top_k`` of a token
    count.
    """
    d = shape.d_model
    found = [
        Linear(name=name, n_in=n_in, n_out=n_out, repeats=shape.n_layers)
        for name, n_in, n_out in shape.attention_linears()
    ]

    def ffn(name: str, d_ff: int, repeats: int) -> None:
        widening = shape.ffn_matrices - 1
        found.append(Linear(name=f"{name}_in", n_in=d, n_out=widening * d_ff, repeats=repeats))
        found.append(Linear(name=f"{name}_out", n_in=d_ff, n_out=d, repeats=repeats))

    if shape.n_dense_layers:
        ffn("ffn", shape.d_ff, shape.n_dense_layers)
    if shape.moe:
        ffn("expert", shape.moe.d_ff, shape.n_moe_layers * shape.moe.top_k)
        if shape.moe.n_shared_experts:
            shared = shape.moe.n_shared_experts
            ffn("shared_expert", shape.moe.d_ff, shape.n_moe_layers * shared)
    found.append(Linear(name="output_head", n_in=d, n_out=shape.vocab, repeats=1))
    return tuple(found)


def attention_flops_per_token(shape: ModelShape, *, causal: bool = False) -> float:
    """Return the forward FLOPs of attention's scores and weighted values, per token.

    They are the only FLOPs of a token that grow with the sequence.

    Parameters
    ----------
    causal
        Count only the half of the attention matrix that a causal mask leaves, as
        Megatron-Bridge does. The default counts the full square, as PaLM's MFU does
        (Chowdhery 2022, appendix B: 12·L·H·Q·T a token in training) and most papers.
    """
    attended_tokens = shape.seq_len_tokens / 2 if causal else shape.seq_len_tokens
    return shape.n_layers * 2 * (shape.d_attn + shape.d_value) * attended_tokens


def forward_flops_per_token(shape: ModelShape, *, causal: bool = False) -> float:
    """Return the forward FLOPs of one token, averaged over a sequence of ``seq_len_tokens``."""
    weights = sum(linear.flops_per_token for linear in linears(shape))
    return weights + attention_flops_per_token(shape, causal=causal)


def training_flops_per_token(shape: ModelShape, *, causal: bool = False) -> float:
    """Return the FLOPs of one training token without recomputation, which MFU counts."""
    return (1 + BACKWARD_PER_FORWARD) * forward_flops_per_token(shape, causal=causal)


def recomputed_flops_per_token(shape: ModelShape, checkpointing: Checkpointing) -> float:
    """Return the FLOPs per token that activation checkpointing repeats.

    HFU counts them and MFU does not (Korthikanti 2022, section 6.3). Selective checkpointing
    repeats one forward pass of attention's scores and values, 4·s·h per token and layer; the
    paper's published HFU counts three times as many.
    """
    if checkpointing == "none":
        return 0.0
    if checkpointing == "selective":
        return attention_flops_per_token(shape)
    head = 2 * shape.d_model * shape.vocab
    return forward_flops_per_token(shape) - head
