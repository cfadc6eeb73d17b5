"""Checks of pretrained weights, which are the start of a run or its teacher.

They are compared with the recipe before a process is launched. Only ``config.json``, the headers of
safetensors files and ``tokenizer.json`` are read, so this needs no torch. Other formats of weights
can run code when loaded and are never read.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from engine.documents import InputError
from engine.files import read_json
from engine.paths import runs_dir
from engine.recipes.recipe import Recipe
from engine.shapes import ModelShape

_MAX_HEADER_BYTES = 100_000_000
_NO_PARAMETERS = (
    ".attn.bias",
    ".attn.masked_bias",
    "embeddings.position_ids",
    "rotary_emb.inv_freq",
)
"""Suffixes of tensors in old exports that are not parameters."""


def model_folder(reference: str, field: str) -> Path:
    """Return the folder of a model in safetensors, from the id of a run or a path.

    Raises
    ------
    InputError
        If ``field``'s ``reference`` names no such folder.
    """
    run_model = runs_dir() / reference / "model"
    is_run = "/" not in reference and run_model.is_dir()
    folder = run_model if is_run else Path(reference).expanduser()
    if not (folder / "config.json").is_file():
        raise InputError(field, reference, "model_folder")
    if not any(folder.glob("*.safetensors")):
        raise InputError(field, reference, "safetensors_only")
    return folder


def check_pretrained(recipe: Recipe) -> None:
    """Compare the initial weights and the teacher of a recipe with the recipe.

    Raises
    ------
    InputError
        If one of them is missing, has another format, or does not fit.
    """
    if recipe.init_from:
        folder = model_folder(recipe.init_from, "init_from")
        _check_shape(folder, recipe.shape, recipe.model_class)
    if recipe.distillation:
        field = "distillation.teacher"
        folder = model_folder(recipe.distillation.teacher, field)
        config = _config(folder, field)
        if config.get("model_type") == "bert":
            raise InputError(field, "bert", "no_distillation")
        _compare(field, "vocab", config.get("vocab_size"), recipe.shape.vocab)
        positions = config.get("max_position_embeddings") or config.get("n_positions") or 0
        if positions < recipe.shape.seq_len_tokens:
            _compare(field, "seq_len_tokens", positions, recipe.shape.seq_len_tokens)


def check_tokenizers(recipe: Recipe, tokenizer_file: Path) -> None:
    """Check that the initial weights and the teacher have the tokenizer of the text.

    Raises
    ------
    InputError
        If a tokenizer differs from ``tokenizer_file``, or a teacher has none.
    """
    expected = _tokens(tokenizer_file)
    if recipe.init_from:
        found = _tokens(model_folder(recipe.init_from, "init_from") / "tokenizer.json")
        if found is not None and found != expected:  # a folder of weights may have no tokenizer
            raise InputError("init_from", recipe.init_from, "same_tokenizer")
    if recipe.distillation:
        teacher = recipe.distillation.teacher
        if _tokens(model_folder(teacher, "distillation.teacher") / "tokenizer.json") != expected:
            raise InputError("distillation.teacher", teacher, "same_tokenizer")


def _check_shape(folder: Path, shape: ModelShape, kind: str) -> None:
    config = _config(folder, "init_from")
    _compare("init_from", "family", config.get("model_type"), kind)
    for part, (names, expected) in _expected_config(shape).items():
        found = next((config[name] for name in names if config.get(name) is not None), None)
        # A missing value has its class's default; the number of parameters is compared as well.
        if found is not None:
            _compare("init_from", part, found, expected)
    count = shape.count_parameters().total
    _compare("init_from", "parameters", _count_weights(folder, shape), count)


def _expected_config(shape: ModelShape) -> dict[str, tuple[tuple[str, ...], object]]:
    """Return, for each part of the shape, its possible names in ``config.json`` and its value."""
    expected: dict[str, tuple[tuple[str, ...], object]] = {
        "n_layers": (("num_hidden_layers", "n_layer"), shape.n_layers),
        "d_model": (("hidden_size", "n_embd"), shape.d_model),
        "n_heads": (("num_attention_heads", "n_head"), shape.n_heads),
        "vocab": (("vocab_size",), shape.vocab),
        "tied_embeddings": (("tie_word_embeddings",), shape.tied_embeddings),
        "d_ff": (("intermediate_size", "n_inner"), shape.moe.d_ff if shape.moe else shape.d_ff),
    }
    if shape.moe:
        expected["moe.n_experts"] = (("num_local_experts",), shape.moe.n_experts)
        expected["moe.top_k"] = (("num_experts_per_tok",), shape.moe.top_k)
    if shape.family == "llama":
        expected["n_kv_heads"] = (("num_key_value_heads",), shape.n_kv_heads)
        expected["head_dim"] = (("head_dim",), shape.head_dim)
    else:
        expected["seq_len_tokens"] = (
            ("max_position_embeddings", "n_positions"),
            shape.seq_len_tokens,
        )
    return expected


def _compare(field: str, part: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise InputError(field, f"{part} {found}", "same_shape", part=part, wanted=wanted)


def _config(folder: Path, field: str) -> dict[str, Any]:
    try:
        config = read_json(folder / "config.json")
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise InputError(field, str(folder / "config.json"), "not_json")
    return config


def _count_weights(folder: Path, shape: ModelShape) -> int:
    """Return the number of elements of all weights, from the headers of the files."""
    found: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, tensor in _header(path).items():
            tied_head = shape.tied_embeddings and name in ("lm_head.weight", *_TIED_OF_BERT)
            if not (tied_head or name == "__metadata__" or name.endswith(_NO_PARAMETERS)):
                found[name] = math.prod(tensor["shape"])
    return sum(found.values())


_TIED_OF_BERT = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")


def _header(path: Path) -> dict[str, Any]:
    """Return the names, types and shapes of a safetensors file.

    The file begins with the length of this header and its JSON.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            if not 2 <= length <= min(_MAX_HEADER_BYTES, path.stat().st_size - 8):
                raise ValueError
            header: dict[str, Any] = json.loads(file.read(length))
        except ValueError:  # not JSON, or not text
            raise InputError(str(path), f"{length} bytes of header", "safetensors_header") from None
    return header


def _tokens(tokenizer_file: Path) -> object:
    """Return the parts of a tokenizer that decide a text's ids, or None without a tokenizer."""
    try:
        tokenizer = read_json(tokenizer_file) or {}
    except ValueError:
        raise InputError("tokenizer", str(tokenizer_file), "not_json") from None
    parts = [tokenizer.get(name) for name in ("normalizer", "pre_tokenizer", "model")]
    return parts if any(parts) else None
