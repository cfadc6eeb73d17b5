"""The shape of a transformer and its parameter count, matrix by matrix.

Decoders (GPT-2's kind and Llama's) and, as ``bert``, an encoder that fills in masked tokens.

Attention may be multi-head, grouped-query or multi-query (``n_kv_heads``) or multi-head latent
(``mla``); the feed-forward network gated or plain; later layers may hold routed and shared
experts (``moe``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError

Count = Annotated[int, Field(ge=1, le=10_000_000)]
NonNegativeCount = Annotated[int, Field(ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCount:
    """Parameters of a model, counted by where they stand."""

    token_embedding: int
    position_embedding: int
    attention: int
    ffn: int
    """Of dense layers, and of shared experts, which every token passes."""
    experts: int
    """Routed experts and their routers."""
    experts_idle: int
    """Of ``experts``, what one token does not pass."""
    norms: int
    output_head: int
    """0 when the head shares the token embedding, and is nothing besides."""

    @property
    def total(self) -> int:
        return self.embedding + self.non_embedding

    @property
    def active(self) -> int:
        """What one token is multiplied with, embeddings counted."""
        return self.total - self.experts_idle

    @property
    def embedding(self) -> int:
        """Token, position and (untied) output embeddings: what Kaplan 2020 leaves out of N."""
        return self.token_embedding + self.position_embedding + self.output_head

    @property
    def non_embedding(self) -> int:
        """Everything inside the blocks, and the last norm."""
        return self.attention + self.ffn + self.experts + self.norms


class LatentAttention(Document):
    """Multi-head latent attention: keys and values are made from one short vector a token,
    which is all that the cache keeps (DeepSeek-V2 2024, section 2.1)."""

    q_lora_rank: NonNegativeCount = 1_536
    """Width that queries are squeezed through; 0 where they are not."""
    kv_lora_rank: Count = 512
    qk_nope_head_dim: Count = 128
    qk_rope_head_dim: Count = 64
    """Of each head, what carries the rotary position; its key is shared by all heads."""
    v_head_dim: Count = 128


class Experts(Document):
    """A mixture of experts in place of the feed-forward network."""

    n_experts: Annotated[int, Field(ge=2, le=100_000)]
    top_k: Annotated[int, Field(ge=1, le=10_000)]
    """Experts that each token passes."""
    d_ff: Count
    """Inner width of one expert."""
    n_shared_experts: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Experts of the same width that every token passes besides."""
    n_dense_layers: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Leading layers that keep a dense feed-forward network."""

    @model_validator(mode="after")
    def _chooses_among_them(self) -> Self:
        if self.top_k > self.n_experts:
            raise InputError("top_k", self.top_k, "less_than_equal", limit=self.n_experts)
        return self


class ModelShape(Document):
    """A transformer of Llama's kind, GPT-2's (biases, learned positions) or BERT's."""

    family: Literal["llama", "gpt2", "bert"] = "llama"
    """Llama's block has RMSNorm, rotary positions and no biases; GPT-2's LayerNorm, learned
    positions and a bias at each linear layer; BERT's is GPT-2's with its norms behind, and sees
    the whole sequence. What differs from it is said below."""
    n_layers: Annotated[int, Field(ge=1, le=1_000)]
    d_model: Annotated[int, Field(ge=8, le=1_000_000)]
    n_heads: Annotated[int, Field(ge=1, le=10_000)]
    n_kv_heads: Annotated[int, Field(ge=1, le=10_000)]
    head_dim: Annotated[int, Field(ge=2, le=10_000)]
    """Of queries and keys, and of values but for latent attention; need not be
    ``d_model / n_heads``."""
    d_ff: Count
    """Inner width of the dense feed-forward network."""
    vocab: Annotated[int, Field(ge=64, le=10_000_000)]
    seq_len_tokens: Annotated[int, Field(ge=8, le=100_000_000)]
    tied_embeddings: bool = False
    ffn: Literal["gated", "plain"] | None = None
    """Three matrices (SwiGLU) or two (GELU); as the family has it where not given."""
    biases: Literal["all", "qkv", "none"] | None = None
    positions: Literal["rotary", "learned", "none"] | None = None
    """Only learned ones are parameters; ``none`` includes ALiBi."""
    moe: Experts | None = None
    mla: LatentAttention | None = None

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.n_heads % self.n_kv_heads:
            raise InputError("n_kv_heads", self.n_kv_heads, "divisor", of=self.n_heads)
        if self.has_rotary_positions and self.head_dim % 2:
            raise InputError("head_dim", self.head_dim, "even")  # rotary positions pair them
        if self.family != "llama" and self.positions is None and self.n_kv_heads != self.n_heads:
            raise InputError("n_kv_heads", self.n_kv_heads, "equal", to=self.n_heads)
        return self

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if self.moe and self.moe.n_dense_layers >= self.n_layers:
            raise InputError(
                "moe.n_dense_layers", self.moe.n_dense_layers, "less_than", limit=self.n_layers
            )
        if self.mla:
            if self.n_kv_heads != self.n_heads:
                raise InputError("n_kv_heads", self.n_kv_heads, "equal", to=self.n_heads)
            qk_head_dim = self.mla.qk_nope_head_dim + self.mla.qk_rope_head_dim
            if self.head_dim != qk_head_dim:
                raise InputError("head_dim", self.head_dim, "equal", to=qk_head_dim)
        return self

    @property
    def gated_ffn(self) -> bool:
        """Whether the FFN is SwiGLU (three matrices) rather than GELU (two)."""
        return self.family == "llama" if self.ffn is None else self.ffn == "gated"

    @property
    def has_rotary_positions(self) -> bool:
        return self.family == "llama" if self.positions is None else self.positions == "rotary"

    @property
    def has_learned_positions(self) -> bool:
        return self.family != "llama" if self.positions is None else self.positions == "learned"

    @property
    def is_causal(self) -> bool:
        """Whether a token sees only those before it."""
        return self.family != "bert"

    @property
    def is_plain(self) -> bool:
        """Whether it is its family's own block, without anything that differs from it."""
        return not (self.ffn or self.biases or self.positions or self.moe or self.mla)

    @property
    def ffn_matrices(self) -> int:
        return 3 if self.gated_ffn else 2

    @property
    def n_moe_layers(self) -> int:
        return self.n_layers - self.moe.n_dense_layers if self.moe else 0

    @property
    def n_dense_layers(self) -> int:
        return self.n_layers - self.n_moe_layers

    @property
    def d_attn(self) -> int:
        """Width of all query heads together; not always ``d_model``."""
        return self.n_heads * self.head_dim

    @property
    def d_kv(self) -> int:
        """Width of all key heads together; of all value heads too, but for latent attention."""
        return self.n_kv_heads * self.head_dim

    @property
    def d_value(self) -> int:
        """Width of what attention gives out, all heads together."""
        return self.n_heads * (self.mla.v_head_dim if self.mla else self.head_dim)

    def attention_linears(self) -> tuple[tuple[str, int, int], ...]:
        """Weight matrices of one attention layer: name, width in, width out."""
        if self.mla is None:
            return (
                ("qkv", self.d_model, self.d_attn + 2 * self.d_kv),
                ("attention_out", self.d_attn, self.d_model),
            )
        latent = self.mla
        squeezed = latent.kv_lora_rank + latent.qk_rope_head_dim
        expanded = self.n_heads * (latent.qk_nope_head_dim + latent.v_head_dim)
        if latent.q_lora_rank:
            queries = (
                ("q_kv_down", self.d_model, latent.q_lora_rank + squeezed),
                ("q_up", latent.q_lora_rank, self.d_attn),
            )
        else:
            queries = (
                ("q", self.d_model, self.d_attn),
                ("kv_down", self.d_model, squeezed),
            )
        return (
            *queries,
            ("kv_up", latent.kv_lora_rank, expanded),
            ("attention_out", self.d_value, self.d_model),
        )

    def count_parameters(self) -> ParameterCount:
        """Every parameter, as the Hugging Face classes create them.

        Exact for GPT-2 (Radford 2019), Llama (Touvron 2023) and BERT with its masked-language
        head (Devlin 2019); norms inside attention, which some later families add, are left out,
        being below a thousandth.
        """
        encoder = self.family == "bert"
        biases = self.biases or ("none" if self.family == "llama" else "all")
        layer_norm = self.family != "llama"
        d = self.d_model
        attention = sum(n_in * n_out for _, n_in, n_out in self.attention_linears())
        if biases != "none":
            attention += self.d_attn + 2 * self.d_kv + (d if biases == "all" else 0)
        if self.mla:  # the two squeezed vectors are normalised
            attention += self.mla.q_lora_rank + self.mla.kv_lora_rank
        ffn = self.ffn_matrices * d * self.d_ff
        if biases == "all":
            ffn += self.d_ff * (self.ffn_matrices - 1) + d
        shared = experts = idle = 0
        if self.moe:
            expert = self.ffn_matrices * d * self.moe.d_ff
            shared = self.moe.n_shared_experts * expert
            experts = self.moe.n_experts * (expert + d)
            idle = (self.moe.n_experts - self.moe.top_k) * expert
        head = 0 if self.tied_embeddings else self.vocab * d
        if encoder:  # one more linear layer and norm before the output, which has a bias
            head += d * d + 3 * d + self.vocab
        segments = 2 * d if encoder else 0
        return ParameterCount(
            token_embedding=self.vocab * d + segments,
            position_embedding=self.seq_len_tokens * d if self.has_learned_positions else 0,
            attention=self.n_layers * attention,
            ffn=self.n_dense_layers * ffn + self.n_moe_layers * shared,
            experts=self.n_moe_layers * experts,
            experts_idle=self.n_moe_layers * idle,
            norms=(2 * self.n_layers + 1) * d * (2 if layer_norm else 1),
            output_head=head,
        )
