"""Models of ``transformers``' own classes, built from a shape with random weights."""

from __future__ import annotations

from typing import assert_never

from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
)

from engine.recipes.recipe import ModelClass, model_class
from engine.shapes import ModelShape

ROUTER_LOSS_SHARE = 0.01
"""Weight of the loss that spreads tokens over experts (Fedus 2022, section 2.2)."""

_CLASSES: dict[ModelClass, type[PreTrainedModel]] = {
    "llama": LlamaForCausalLM,
    "mixtral": MixtralForCausalLM,
    "gpt2": GPT2LMHeadModel,
    "bert": BertForMaskedLM,
}
_IDS = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": None}
"""Special tokens: the end-of-text token begins and ends a text.

It is not the padding token, because the embedding of a padding token gets no gradient.
"""


def model_config(shape: ModelShape) -> PretrainedConfig:
    """Return the configuration of exactly ``shape``, without dropout so that runs are repeatable.

    Raises
    ------
    InputError
        If no class builds the shape.
    """
    kind = model_class(shape)
    if kind == "gpt2":
        return GPT2Config(
            vocab_size=shape.vocab,
            n_positions=shape.seq_len_tokens,
            n_embd=shape.d_model,
            n_layer=shape.n_layers,
            n_head=shape.n_heads,
            n_inner=shape.d_ff,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            tie_word_embeddings=shape.tied_embeddings,
            attn_implementation="sdpa",
            **_IDS,
        )
    if kind == "bert":
        return BertConfig(
            vocab_size=shape.vocab,
            max_position_embeddings=shape.seq_len_tokens,
            hidden_size=shape.d_model,
            num_hidden_layers=shape.n_layers,
            num_attention_heads=shape.n_heads,
            intermediate_size=shape.d_ff,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            tie_word_embeddings=shape.tied_embeddings,
            attn_implementation="sdpa",
            **_IDS,
        )
    common = {
        "vocab_size": shape.vocab,
        "hidden_size": shape.d_model,
        "num_hidden_layers": shape.n_layers,
        "num_attention_heads": shape.n_heads,
        "num_key_value_heads": shape.n_kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.seq_len_tokens,
        "tie_word_embeddings": shape.tied_embeddings,
        "attn_implementation": "sdpa",
        **_IDS,
    }
    if kind == "llama":
        return LlamaConfig(intermediate_size=shape.d_ff, **common)
    if kind == "mixtral":
        assert shape.moe is not None
        return MixtralConfig(
            intermediate_size=shape.moe.d_ff,
            num_local_experts=shape.moe.n_experts,
            num_experts_per_tok=shape.moe.top_k,
            router_aux_loss_coef=ROUTER_LOSS_SHARE,
            **common,
        )
    assert_never(kind)


def model_of(shape: ModelShape) -> type[PreTrainedModel]:
    """Return the class that builds ``shape``."""
    return _CLASSES[model_class(shape)]


def build_model(shape: ModelShape) -> PreTrainedModel:
    """Return a model with random weights, which depend on torch's seed."""
    model = model_of(shape)(model_config(shape))
    model.config.use_cache = False  # key-value caches are for generation
    return model
