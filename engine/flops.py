"""Floating-point operations of one token, counted matmul by matmul.

One multiply-add is two FLOPs. The backward pass costs twice the forward pass, since each
matmul has a gradient for its input and one for its weight (Kaplan 2020, section 2.1).
Softmax, norms, routers and the embedding look-up are left out: they are not matmuls, or small
ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.layout import Checkpointing
from engine.shapes import ModelShape

BACKWARD_PER_FORWARD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A weight matrix that every token is multiplied with, in ``repeats`` layers."""

    name: str
    n_in: int
    n_out: int
    repeats: int

    @property
    def flops_per_token(self) -> float:
        """Forward FLOPs of one token in all layers together."""
        return 2 * self.n_in * self.n_out * self.repeats


def linears(shape: ModelShape) -> tuple[Linear, ...]:
    """The weight matrices of ``shape`` that one token passes, those that run as one matmul
    taken as one; of routed experts, the ``top_k`` that it is sent to."""
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
    """Forward FLOPs of scores and weighted values: the only part that grows with the sequence.

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
    """Forward FLOPs of one token, averaged over a sequence of ``seq_len_tokens``."""
    weights = sum(linear.flops_per_token for linear in linears(shape))
    return weights + attention_flops_per_token(shape, causal=causal)


def training_flops_per_token(shape: ModelShape, *, causal: bool = False) -> float:
    """Forward and backward FLOPs without recomputation: the FLOPs that MFU counts."""
    return (1 + BACKWARD_PER_FORWARD) * forward_flops_per_token(shape, causal=causal)


def recomputed_flops_per_token(
    shape: ModelShape, checkpointing: Checkpointing, *, causal: bool = False
) -> float:
    """FLOPs that activation checkpointing does again: what HFU counts beyond MFU
    (Korthikanti 2022, section 6.3).

    Of selective checkpointing we count one more forward pass of attention's scores and values,
    4·s·h a token and layer; the paper's published HFU counts three times that.
    """
    if checkpointing == "none":
        return 0.0
    if checkpointing == "selective":
        return attention_flops_per_token(shape, causal=causal)
    head = 2 * shape.d_model * shape.vocab
    return forward_flops_per_token(shape, causal=causal) - head
