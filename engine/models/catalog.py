"""Published models in ``data/models.csv``: their shapes and the resources of their training.

A shape counts the parts of a decoder-only transformer. The notes of a row describe further parts
(relative positions, vision encoders) and the authors' way of counting.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.facts import Confidence, Fact, look_up, read_facts
from engine.field_types import EMPTY_IS_NONE, OptionalCountCell
from engine.paths import DATA_DIR
from engine.shapes import Experts, LatentAttention, ModelShape

Count = Annotated[int, Field(ge=0)]

_SHAPE_COLUMNS = (
    "family",
    "n_layers",
    "d_model",
    "n_heads",
    "n_kv_heads",
    "head_dim",
    "d_ff",
    "vocab",
    "seq_len_tokens",
    "tied_embeddings",
    "ffn",
    "biases",
    "positions",
)
"""Columns with the same names as fields of :class:`~engine.shapes.ModelShape`."""


class PublishedModel(Fact):
    """One model as its authors published it; an empty cell is unknown or unpublished."""

    name: str
    series: str
    """Name of the models of one design, such as Llama-3."""
    family: Literal["llama", "gpt2"]
    n_layers: Count
    d_model: Count
    n_heads: Count
    n_kv_heads: Count
    head_dim: Count
    d_ff: Count
    vocab: Count
    seq_len_tokens: Count
    """Sequence length of most of the pre-training; the context where that is unknown."""
    context_tokens: Count
    """Longest sequence that the released model accepts."""
    tied_embeddings: bool
    ffn: Annotated[Literal["gated", "plain"] | None, EMPTY_IS_NONE]
    biases: Annotated[Literal["all", "qkv", "none"] | None, EMPTY_IS_NONE]
    positions: Annotated[Literal["rotary", "learned", "none"] | None, EMPTY_IS_NONE]
    n_experts: OptionalCountCell
    top_k: OptionalCountCell
    d_ff_expert: OptionalCountCell
    n_shared_experts: OptionalCountCell
    n_dense_layers: OptionalCountCell
    """Number of layers without experts; the shape places them first, the model may not."""
    q_lora_rank: OptionalCountCell
    kv_lora_rank: OptionalCountCell
    qk_nope_head_dim: OptionalCountCell
    qk_rope_head_dim: OptionalCountCell
    v_head_dim: OptionalCountCell
    parameters_total_published: Count
    parameters_active_published: OptionalCountCell
    """Active parameters of models with experts; some authors leave out embeddings."""
    training_tokens: OptionalCountCell
    """Tokens of the pre-training, repetitions included."""
    gpu_hours: OptionalCountCell
    """Device-hours on ``hardware``; a TPU chip counts as a device."""
    hardware: str
    """Name in ``data/accelerators.csv``, or the make alone where the variant is unknown."""
    n_gpus: OptionalCountCell
    confidence: Confidence
    notes: str

    @model_validator(mode="after")
    def _has_a_shape(self) -> Self:
        _ = self.shape  # a table with an impossible row is refused
        return self

    @property
    def shape(self) -> ModelShape:
        """Shape of the model."""
        shape = {column: getattr(self, column) for column in _SHAPE_COLUMNS}
        if self.n_experts is not None:
            shape["moe"] = Experts.parse(
                {
                    "n_experts": self.n_experts,
                    "top_k": self.top_k,
                    "d_ff": self.d_ff_expert,
                    "n_shared_experts": self.n_shared_experts,
                    "n_dense_layers": self.n_dense_layers,
                }
            )
        if self.kv_lora_rank is not None:
            latent = {column: getattr(self, column) for column in LatentAttention.model_fields}
            shape["mla"] = LatentAttention.parse(latent)
        return ModelShape.parse(shape)


@cache
def published_models() -> dict[str, PublishedModel]:
    """Return all rows of ``data/models.csv`` by name."""
    rows = read_facts(DATA_DIR / "models.csv", PublishedModel)
    return {row.name: row for row in rows}


def published_model(name: str, field: str = "model") -> PublishedModel:
    """Return the published model of that name.

    Raises
    ------
    InputError
        If there is none; the message has the nearest names.
    """
    return look_up(published_models(), name, field)
