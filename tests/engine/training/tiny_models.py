"""Tiny models of ``transformers``, exported with a tokenizer that is trained at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from engine.training.corpus.tokenizer import END_OF_TEXT, train_tokenizer
from engine.training.evaluation.generation import load_model

torch.set_num_threads(1)  # threads of a tiny model wait for each other on a busy machine

VOCAB = 400
CONTEXT = 32
_SPREAD = 0.3
"""Standard deviation of initial weights; large, so that predictions depend on the text."""
NOUNS = ("cats", "dogs", "birds", "trees", "hills", "rivers", "roads", "towns")
STORIES = [
    " ".join(f"Every {time} the {who} of {name} {did} to see the {noun}." for noun in NOUNS)
    for name, time, who, did in (
        ("Rome", "morning in spring", "people", "went"),
        ("Oslo", "night of winter", "children", "came down"),
        ("Cairo", "day at noon", "merchants", "climbed up"),
        ("Lima", "week or so", "old women", "asked"),
    )
]
_TEXT = ["The old cat sat on the mat. 猫坐在垫子上。" * 20, *STORIES]


def tiny_model(family: str) -> Any:
    """Return a model of ``family`` with fixed random weights."""
    torch.manual_seed(0)
    ids = {"bos_token_id": 0, "eos_token_id": 0}
    if family == "gpt2":
        sizes = {"n_positions": CONTEXT, "n_embd": 32, "n_layer": 2, "n_head": 2}
        return GPT2LMHeadModel(
            GPT2Config(vocab_size=VOCAB, **sizes, **ids, initializer_range=_SPREAD)
        )
    common = {
        "vocab_size": VOCAB,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": CONTEXT,
    }
    if family == "bert":
        return BertForMaskedLM(BertConfig(**common, pad_token_id=None))
    return LlamaForCausalLM(
        LlamaConfig(**common, **ids, num_key_value_heads=2, initializer_range=_SPREAD)
    )


def export(family: str, folder: Path) -> Path:
    """Write a model of ``family`` to ``folder``; its weights are always the same."""
    tiny_model(family).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(_TEXT, VOCAB - 1),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
    )
    if family == "bert":
        tokenizer.add_special_tokens({"mask_token": "[MASK]"})
    tokenizer.save_pretrained(folder)
    return folder


def exported(family: str, folder: Path) -> tuple[Any, Any]:
    """Export a model of ``family`` and read it back as (model, tokenizer)."""
    return load_model(export(family, folder))
