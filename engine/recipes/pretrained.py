"""Weights that were trained before, as the start of a run or as its teacher: found, and compared
with the recipe before anything is launched.

Only ``config.json``, the headers of safetensors files and ``tokenizer.json`` are read here, so
this needs no torch; other formats of weights can run code when loaded, and are never read.
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
"""Ends of the names of tensors that old exports hold besides weights."""


def model_folder(reference: str, field: str) -> Path:
    """The folder that a run's id or a path names, with a model in safetensors.

    Raises
    ------
    InputError
        If there is none.
    """
    of_run = runs_dir() / reference / "model"
    folder = of_run if "/" not in reference and of_run.is_dir() else Path(reference).expanduser()
    if not (folder / "config.json").is_file():
        raise InputError(field, reference, "model_folder")
    if not any(folder.glob("*.safetensors")):
        raise InputError(field, reference, "safetensors_only")
    return folder


def check_pretrained(recipe: Recipe) -> None:
    """Compare what the recipe starts from, and its teacher, with the recipe.

    Raises
    ------
    InputError
        If one of them is missing, in another format, or does not fit.
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
    """The text must be in the tokens that the start and the teacher know.

    Raises
    ------
    InputError
        If a tokenizer differs from ``tokenizer_file``, or a teacher has none.
    """
    known = _tokens(tokenizer_file)
    if recipe.init_from:
        found = _tokens(model_folder(recipe.init_from, "init_from") / "tokenizer.json")
        if found is not None and found != known:  # weights alone can be a start
            raise InputError("init_from", recipe.init_from, "same_tokenizer")
    if recipe.distillation:
        teacher = recipe.distillation.teacher
        if _tokens(model_folder(teacher, "distillation.teacher") / "tokenizer.json") != known:
            raise InputError("distillation.teacher", teacher, "same_tokenizer")


def _check_shape(folder: Path, shape: ModelShape, kind: str) -> None:
    config = _config(folder, "init_from")
    _compare("init_from", "family", config.get("model_type"), kind)
    for part, (names, wanted) in _wanted(shape, kind).items():
        found = next((config[name] for name in names if config.get(name) is not None), None)
        # What a configuration leaves out has its class's default; the weights' own count tells.
        if found is not None:
            _compare("init_from", part, found, wanted)
    count = shape.count_parameters().total
    _compare("init_from", "parameters", _count_weights(folder, shape), count)


def _wanted(shape: ModelShape, kind: str) -> dict[str, tuple[tuple[str, ...], object]]:
    """By our name: the names that ``config.json`` may have for it, and the value."""
    wanted: dict[str, tuple[tuple[str, ...], object]] = {
        "n_layers": (("num_hidden_layers", "n_layer"), shape.n_layers),
        "d_model": (("hidden_size", "n_embd"), shape.d_model),
        "n_heads": (("num_attention_heads", "n_head"), shape.n_heads),
        "vocab": (("vocab_size",), shape.vocab),
        "tied_embeddings": (("tie_word_embeddings",), shape.tied_embeddings),
        "d_ff": (("intermediate_size", "n_inner"), shape.moe.d_ff if shape.moe else shape.d_ff),
    }
    if shape.moe:
        wanted["moe.n_experts"] = (("num_local_experts",), shape.moe.n_experts)
        wanted["moe.top_k"] = (("num_experts_per_tok",), shape.moe.top_k)
    if kind in ("llama", "mixtral"):
        wanted["n_kv_heads"] = (("num_key_value_heads",), shape.n_kv_heads)
        wanted["head_dim"] = (("head_dim",), shape.head_dim)
    else:
        wanted["seq_len_tokens"] = (
            ("max_position_embeddings", "n_positions"),
            shape.seq_len_tokens,
        )
    return wanted


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
    """Elements of all tensors that are weights of the model, by the files' headers."""
    found: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name, tensor in _header(path).items():
            tied_head = shape.tied_embeddings and name in ("lm_head.weight", *_TIED_OF_BERT)
            if not (tied_head or name == "__metadata__" or name.endswith(_NO_PARAMETERS)):
                found[name] = math.prod(tensor["shape"])
    return sum(found.values())


_TIED_OF_BERT = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")


def _header(path: Path) -> dict[str, Any]:
    """Names, types and shapes: a safetensors file begins with their length and their JSON."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            if not 2 <= length <= min(_MAX_HEADER_BYTES, path.stat().st_size - 8):
                raise ValueError
            header: dict[str, Any] = json.loads(file.read(length))
        except ValueError:  # no JSON, or no text at all
            raise InputError(str(path), f"{length} bytes of header", "safetensors_header") from None
    return header


def _tokens(tokenizer_file: Path) -> object:
    """What decides the ids of a text, or None where there is no such file."""
    try:
        tokenizer = read_json(tokenizer_file) or {}
    except ValueError:
        raise InputError("tokenizer", str(tokenizer_file), "not_json") from None
    parts = [tokenizer.get(name) for name in ("normalizer", "pre_tokenizer", "model")]
    return parts if any(parts) else None
