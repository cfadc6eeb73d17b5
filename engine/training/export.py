"""Export of a trained model to a folder that ``from_pretrained`` reads."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from engine.files import write_json
from engine.recipes.recipe import Recipe
from engine.training.corpus.build import PreparedCorpus
from engine.training.corpus.tokenizer import END_OF_TEXT
from engine.training.model_card import TrainingProgress, model_card

MASK = "[MASK]"
"""BERT's mask token, whose id follows the tokens of the trained tokenizer."""
MAX_SHARD_SIZE = "1GB"
"""Largest size of a safetensors file; larger models have several files and an index."""


def write_export(
    model: PreTrainedModel,
    recipe: Recipe,
    corpus: PreparedCorpus,
    progress: TrainingProgress,
    device: str,
    folder: Path,
) -> None:
    """Write a run's model with its model card and ``flopledger.json`` into ``folder``."""
    export_model(model, corpus.tokenizer_file, folder)
    (folder / "README.md").write_text(
        model_card(recipe, corpus.report, progress, device), encoding="utf-8"
    )
    figures = {
        "step": progress.step,
        "tokens": progress.tokens(recipe),
        "held_out_loss": progress.held_out_loss,
        "recipe_hash": recipe.content_hash,
    }
    write_json(folder / "flopledger.json", figures)


def export_model(
    model: PreTrainedModel,
    tokenizer_file: Path,
    folder: Path,
    max_shard_size: str = MAX_SHARD_SIZE,
) -> None:
    """Write ``config.json``, safetensors, generation config and tokenizer files."""
    masks = model.config.model_type == "bert"
    model.config.use_cache = not masks
    if not masks:
        model.generation_config.pad_token_id = model.config.eos_token_id
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    model.config.use_cache = False
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        model_max_length=model.config.max_position_embeddings,
    )
    if masks:
        tokenizer.add_special_tokens({"mask_token": MASK})
    tokenizer.save_pretrained(folder)
