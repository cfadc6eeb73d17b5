"""The shape of a decoder-only transformer and its parameter count, matrix by matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError

Count = Annotated[int, Field(ge=1, le=10_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCount:
    """Parameters of a model, counted by where they stand."""

    token_embedding: int
    position_embedding: int
    attention: int
    ffn: int
    norms: int
    output_head: int
    """0 when the head shares the token embedding."""

    @property
    def total(self) -> int:
        return self.embedding + self.non_embedding

    @property
    def embedding(self) -> int:
        """Token, position and (untied) output embeddings: what Kaplan 2020 leaves out of N."""
        return self.token_embedding + self.position_embedding + self.output_head

    @property
    def non_embedding(self) -> int:
        """Everything inside the blocks, and the last norm."""
        return self.attention + self.ffn + self.norms


class ModelShape(Document):
    """A decoder-only transformer: GPT-2's kind (biases, learned positions) or Llama's."""

    family: Literal["llama", "gpt2"] = "llama"
    n_layers: Annotated[int, Field(ge=1, le=1_000)]
    d_model: Annotated[int, Field(ge=8, le=1_000_000)]
    n_heads: Annotated[int, Field(ge=1, le=10_000)]
    n_kv_heads: Annotated[int, Field(ge=1, le=10_000)]
    head_dim: Annotated[int, Field(ge=2, le=10_000)]
    d_ff: Count
    vocab: Annotated[int, Field(ge=64, le=10_000_000)]
    seq_len_tokens: Annotated[int, Field(ge=8, le=10_000_000)]
    tied_embeddings: bool = False

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.n_heads % self.n_kv_heads:
            raise InputError("n_kv_heads", self.n_kv_heads, "divisor", of=self.n_heads)
        if self.family == "llama" and self.head_dim % 2:
            raise InputError("head_dim", self.head_dim, "even")  # rotary positions pair them
        if self.family == "gpt2" and self.n_kv_heads != self.n_heads:
            raise InputError("n_kv_heads", self.n_kv_heads, "equal", to=self.n_heads)
        return self

    @property
    def gated_ffn(self) -> bool:
        """Whether the FFN is SwiGLU (three matrices) rather than GELU (two)."""
        return self.family == "llama"

    @property
    def d_attn(self) -> int:
        """Width of all query heads together; not always ``d_model``."""
        return self.n_heads * self.head_dim

    @property
    def d_kv(self) -> int:
        """Width of all key heads together, and of all value heads."""
        return self.n_kv_heads * self.head_dim

    def count_parameters(self) -> ParameterCount:
        """Every parameter, exactly as the Hugging Face classes create them.

        GPT-2 has a bias at each linear layer and LayerNorm with scale and shift (Radford
        2019); Llama has neither, and RMSNorm with scale only (Touvron 2023).
        """
        biased = self.family == "gpt2"
        d = self.d_model
        attention = d * (self.d_attn + 2 * self.d_kv) + self.d_attn * d
        ffn = (3 if self.gated_ffn else 2) * d * self.d_ff
        norm = d
        if biased:
            attention += self.d_attn + 2 * self.d_kv + d
            ffn += self.d_ff + d
            norm += d
        return ParameterCount(
            token_embedding=self.vocab * d,
            position_embedding=self.seq_len_tokens * d if biased else 0,
            attention=self.n_layers * attention,
            ffn=self.n_layers * ffn,
            norms=(2 * self.n_layers + 1) * norm,
            output_head=0 if self.tied_embeddings else self.vocab * d,
        )
