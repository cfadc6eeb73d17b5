"""From a recipe to a model of ``transformers``' own Llama classes, and to files that
``from_pretrained`` reads."""

from __future__ import annotations

from pathlib import Path

from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from engine.shapes import ModelShape
from engine.training.tokenizer import END_OF_TEXT


def llama_config(shape: ModelShape) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=shape.vocab,
        hidden_size=shape.d_model,
        intermediate_size=shape.d_ff,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=shape.seq_len_tokens,
        tie_word_embeddings=shape.tied_embeddings,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        attn_implementation="sdpa",
    )


def build_model(shape: ModelShape) -> LlamaForCausalLM:
    """A model with random weights; seed torch first."""
    model = LlamaForCausalLM(llama_config(shape))
    model.config.use_cache = False  # key-value caches are for generation
    return model


def export_model(model: LlamaForCausalLM, tokenizer_file: Path, folder: Path) -> None:
    """Write ``config.json``, safetensors and tokenizer files to ``folder``."""
    model.config.use_cache = True
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file), bos_token=END_OF_TEXT, eos_token=END_OF_TEXT
    ).save_pretrained(folder)
