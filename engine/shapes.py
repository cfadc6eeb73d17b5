"""The shape of a transformer and its parameter count, matrix by matrix.

Shapes are decoders, like GPT-2 or Llama, or an encoder that predicts masked tokens (``bert``).
Attention is multi-head, grouped-query or multi-query (``n_kv_heads``), or multi-head latent
(``mla``). The feed-forward network is gated or plain. Later layers may have routed and shared
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
    """Parameters of a model by the part that they belong to."""

    token_embedding: int
    position_embedding: int
    attention: int
    ffn: int
    """Parameters of dense feed-forward networks and of shared experts."""
    experts: int
    """Parameters of routed experts and their routers."""
    experts_idle: int
    """Parameters of the routed experts that one token does not pass."""
    norms: int
    output_head: int
    """Parameters of the output head; 0 where it shares the token embedding."""

    @property
    def total(self) -> int:
        """All parameters."""
        return self.embedding + self.non_embedding

    @property
    def active(self) -> int:
        """Parameters that one token passes, embeddings included."""
        return self.total - self.experts_idle

    @property
    def embedding(self) -> int:
        """Token, position and untied output embeddings, which Kaplan 2020 leaves out of N."""
        return self.token_embedding + self.position_embedding + self.output_head

    @property
    def non_embedding(self) -> int:
        """Parameters of the blocks and of the last norm."""
        return self.attention + self.ffn + self.experts + self.norms


class LatentAttention(Document):
    """Multi-head latent attention (DeepSeek-V2 2024, section 2.1).

    Keys and values are computed from one short vector per token, and the cache keeps only that
    vector.
    """

    q_lora_rank: NonNegativeCount = 1_536
    """Width of the queries' latent vector; 0 for queries without one."""
    kv_lora_rank: Count = 512
    qk_nope_head_dim: Count = 128
    qk_rope_head_dim: Count = 64
    """Width of each head that has a rotary position; all heads share its key."""
    v_head_dim: Count = 128


class Experts(Document):
    """A mixture of experts in place of the feed-forward network."""

    n_experts: Annotated[int, Field(ge=2, le=100_000)]
    top_k: Annotated[int, Field(ge=1, le=10_000)]
    """Experts that each token passes."""
    d_ff: Count
    """Inner width of one expert."""
    n_shared_experts: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Further experts of the same width that every token passes."""
    n_dense_layers: Annotated[int, Field(ge=0, le=1_000)] = 0
    """Leading layers with a dense feed-forward network."""

    @model_validator(mode="after")
    def _chooses_among_them(self) -> Self:
        if self.top_k > self.n_experts:
            raise InputError("top_k", self.top_k, "less_than_equal", limit=self.n_experts)
        return self


class ModelShape(Document):
    """A transformer like Llama, GPT-2 or BERT."""

    family: Literal["llama", "gpt2", "bert"] = "llama"
    """Design of the block. Llama has RMSNorm, rotary positions and no biases. GPT-2 has LayerNorm,
    learned positions and a bias in each linear layer. BERT is like GPT-2, with norms after each
    part and attention to the whole sequence. Other fields override parts of the design."""
    n_layers: Annotated[int, Field(ge=1, le=1_000)]
    d_model: Annotated[int, Field(ge=8, le=1_000_000)]
    n_heads: Annotated[int, Field(ge=1, le=10_000)]
    n_kv_heads: Annotated[int, Field(ge=1, le=10_000)]
    head_dim: Annotated[int, Field(ge=2, le=10_000)]
    """Width of queries and keys of one head, and of its values without latent attention. It need
    not be ``d_model / n_heads``."""
    d_ff: Count
    """Inner width of the dense feed-forward network."""
    vocab: Annotated[int, Field(ge=64, le=10_000_000)]
    seq_len_tokens: Annotated[int, Field(ge=8, le=100_000_000)]
    tied_embeddings: bool = False
    ffn: Literal["gated", "plain"] | None = None
    """Three matrices (SwiGLU) or two (GELU); None for the family's design."""
    biases: Literal["all", "qkv", "none"] | None = None
    positions: Literal["rotary", "learned", "none"] | None = None
    """Kind of positions; only learned positions have parameters, and ``none`` includes ALiBi."""
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
        """Whether positions rotate queries and keys."""
        return self.family == "llama" if self.positions is None else self.positions == "rotary"

    @property
    def has_learned_positions(self) -> bool:
        """Whether positions are an embedding."""
        return self.family != "llama" if self.positions is None else self.positions == "learned"

    @property
    def is_causal(self) -> bool:
        """Whether a token attends to earlier tokens only."""
        return self.family != "bert"

    @property
    def is_plain(self) -> bool:
        """Whether the block is the family's design without any override."""
        return not (self.ffn or self.biases or self.positions or self.moe or self.mla)

    @property
    def ffn_matrices(self) -> int:
        """Weight matrices of one feed-forward network."""
        return 3 if self.gated_ffn else 2

    @property
    def n_moe_layers(self) -> int:
        """Layers with experts."""
        return self.n_layers - self.moe.n_dense_layers if self.moe else 0

    @property
    def n_dense_layers(self) -> int:
        """Layers with a dense feed-forward network."""
        return self.n_layers - self.n_moe_layers

    @property
    def d_attn(self) -> int:
        """Width of all query heads together, which may differ from ``d_model``."""
        return self.n_heads * self.head_dim

    @property
    def d_kv(self) -> int:
        """Width of all key heads together, and of all value heads without latent attention."""
        return self.n_kv_heads * self.head_dim

    @property
    def d_value(self) -> int:
        """Width of the output of all heads together."""
        return self.n_heads * (self.mla.v_head_dim if self.mla else self.head_dim)

    def attention_linears(self) -> tuple[tuple[str, int, int], ...]:
        """Return the weight matrices of one attention layer: name, width in and width out."""
        if self.mla is None:
            return (
                ("qkv", self.d_model, self.d_attn + 2 * self.d_kv),
                ("attention_out", self.d_attn, self.d_model),
            )
        latent = self.mla
        latent_width = latent.kv_lora_rank + latent.qk_rope_head_dim
        expanded = self.n_heads * (latent.qk_nope_head_dim + latent.v_head_dim)
        if latent.q_lora_rank:
            queries = (
                ("q_kv_down", self.d_model, latent.q_lora_rank + latent_width),
                ("q_up", latent.q_lora_rank, self.d_attn),
            )
        else:
            queries = (
                ("q", self.d_model, self.d_attn),
                ("kv_down", self.d_model, latent_width),
            )
        return (
            *queries,
            ("kv_up", latent.kv_lora_rank, expanded),
            ("attention_out", self.d_value, self.d_model),
        )

    def count_parameters(self) -> ParameterCount:
        """Count the parameters as the Hugging Face classes create them.

        The count is exact for GPT-2 (Radford 2019), Llama (Touvron 2023) and BERT with its
        masked-language head (Devlin 2019). Norms inside attention, which some later families add,
        are left out; they are below a thousandth.
        """
        encoder = self.family == "bert"
        biases = self.biases or ("none" if self.family == "llama" else "all")
        layer_norm = self.family != "llama"
        d = self.d_model
        attention = sum(n_in * n_out for _, n_in, n_out in self.attention_linears())
        if biases != "none":
            attention += self.d_attn + 2 * self.d_kv + (d if biases == "all" else 0)
        if self.mla:  # norms of the two latent vectors
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
