"""A trained model as files that ``from_pretrained`` reads."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from engine.training.tokenizer import END_OF_TEXT

MASK = "[MASK]"
"""BERT's, not one of the tokenizer's own: it is the row after them."""


def export_model(model: PreTrainedModel, tokenizer_file: Path, folder: Path) -> None:
    """Write ``config.json``, safetensors and tokenizer files to ``folder``."""
    model.config.use_cache = True
    model.save_pretrained(folder)
    export_tokenizer(tokenizer_file, folder, masks=model.config.model_type == "bert")


def export_tokenizer(tokenizer_file: Path, folder: Path, *, masks: bool) -> None:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file), bos_token=END_OF_TEXT, eos_token=END_OF_TEXT
    )
    if masks:
        tokenizer.add_special_tokens({"mask_token": MASK})
    tokenizer.save_pretrained(folder)
