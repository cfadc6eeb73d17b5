"""Floating-point operations of one token, counted matmul by matmul.

One multiply-add is two FLOPs. The backward pass costs twice the forward pass, since each
matmul has a gradient for its input and one for its weight (Kaplan 2020, section 2.1).
Softmax, norms and the embedding look-up are left out: they are not matmuls.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """The weight matrices of ``shape``, those that run as one matmul taken as one."""
    d, layers = shape.d_model, shape.n_layers
    return (
        Linear(name="qkv", n_in=d, n_out=shape.d_attn + 2 * shape.d_kv, repeats=layers),
        Linear(name="attention_out", n_in=shape.d_attn, n_out=d, repeats=layers),
        Linear(name="ffn_in", n_in=d, n_out=(1 + shape.gated_ffn) * shape.d_ff, repeats=layers),
        Linear(name="ffn_out", n_in=shape.d_ff, n_out=d, repeats=layers),
        Linear(name="output_head", n_in=d, n_out=shape.vocab, repeats=1),
    )


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
    return shape.n_layers * 2 * 2 * shape.d_attn * attended_tokens


def forward_flops_per_token(shape: ModelShape, *, causal: bool = False) -> float:
    """Forward FLOPs of one token, averaged over a sequence of ``seq_len_tokens``."""
    weights = sum(linear.flops_per_token for linear in linears(shape))
    return weights + attention_flops_per_token(shape, causal=causal)


def training_flops_per_token(shape: ModelShape, *, causal: bool = False) -> float:
    """Forward and backward FLOPs without recomputation: the FLOPs that MFU counts."""
    return (1 + BACKWARD_PER_FORWARD) * forward_flops_per_token(shape, causal=causal)
