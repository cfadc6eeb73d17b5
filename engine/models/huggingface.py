"""Shapes from the ``config.json`` files of models on the Hugging Face hub.

The files are read without ``transformers``. Absent fields take the defaults of its classes
(version 5.23.0). A model type outside the table below is read with Llama's design if it has
Llama's fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engine.documents import MAX_DOCUMENT_BYTES, InputError
from engine.shapes import ModelShape

Biases = Literal["all", "qkv", "none"]

# Names of one field in different model types; error messages use the first.
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_WIDTH = ("hidden_size", "n_embd", "n_embed", "d_model")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv")
_FFN = ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size")
_LENGTH = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
_EXPERTS = ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")
_TOP_K = ("num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_k")
_SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
_FIRST_EXPERTS = ("first_k_dense_replace", "moe_layer_start_index")
_EXPERTS_EVERY = ("decoder_sparse_step", "interleave_moe_layer_step")
_SHARED_WIDTH = ("shared_expert_intermediate_size", "shared_intermediate_size")

_LAYERS_READ = 10_000
"""Most layers that are examined; no shape may have more."""
_ATTENTION = frozenset({"full_attention", "sliding_attention", "chunked_attention", "attention"})
_NO_TRANSFORMER = ("mamba_", "ssm_", "linear_", "hybrid_", "recurrent_", "block_types")
"""Prefixes of fields that only models with other layers than attention have."""
_OWN_FIELDS = frozenset({"attn_type_list", "attn_layer_period", "hidden_size_per_layer_input"})
_PLAIN_ACTIVATIONS = frozenset({"relu2", "xielu"})
"""Activations that only networks without a gate use."""

_LLAMA_FLAGS: Mapping[str, Biases] = {"attention_bias": "qkv", "mlp_bias": "all"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Build:
    """Defaults of a model type for absent fields; the defaults here are Llama's."""

    family: Literal["llama", "gpt2"] = "llama"
    ffn: Literal["gated", "plain"] = "gated"
    positions: Literal["rotary", "learned", "none"] = "rotary"
    tied: bool = False
    biases: Biases = "none"
    flags: Mapping[str, Biases] = field(default_factory=lambda: _LLAMA_FLAGS)
    """Fields of the config that state biases, and the kind that each states."""
    moe: bool = False
    """Whether every model of the type has experts."""
    ffn_ratio: int = 0
    """Width of the FFN over that of the model, for configs that may leave it out; else 0."""
    kv_heads: int = 0
    """Key heads of configs that do not state them; 0 means as many as query heads."""
    defaults: Mapping[str, int | bool] = field(default_factory=dict)


def _gpt(**changes: Any) -> _Build:
    build: dict[str, Any] = {"family": "gpt2", "ffn": "plain", "positions": "learned"}
    return _Build(**build | {"tied": True, "biases": "all", "flags": {}} | changes)


_GEMMA = {"head_dim": 256}
_GEMMA_3 = {"num_attention_heads": 8, "vocab_size": 262_208, "max_position_embeddings": 131_072}
"""Fields that files of multimodal models leave out."""
_MULTI_QUERY = {"multi_query": True}
_MLA = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
_LATENT = _MLA | {"q_lora_rank": 1536}
_DEEPSEEK_V3 = _LATENT | {"n_shared_experts": 1, "first_k_dense_replace": 3}
_GLM = _Build(kv_heads=2, biases="qkv", defaults={"head_dim": 128})
_GPT_OSS = _Build(
    kv_heads=8, biases="all", flags={"attention_bias": "all"}, moe=True, defaults={"head_dim": 64}
)
_FALCON = _gpt(
    positions="rotary", biases="none", flags={"bias": "all"}, ffn_ratio=4, defaults=_MULTI_QUERY
)
_BUILDS: Mapping[str, _Build] = {
    **dict.fromkeys(("llama", "olmo", "olmo2", "olmo3", "granite"), _Build()),
    **dict.fromkeys(("olmoe", "granitemoe"), _Build(moe=True)),
    **dict.fromkeys(("cohere", "cohere2"), _Build(tied=True)),
    "deepseek_v2": _Build(moe=True, defaults=_LATENT | {"n_shared_experts": 2}),
    **dict.fromkeys(("deepseek_v3", "kimi_k2"), _Build(moe=True, defaults=_DEEPSEEK_V3)),
    **dict.fromkeys(("glm", "glm4"), _GLM),
    "mistral": _Build(kv_heads=8),
    "mixtral": _Build(kv_heads=8, moe=True),
    "qwen2": _Build(kv_heads=32, biases="qkv", flags={}),
    "qwen2_moe": _Build(kv_heads=16, biases="qkv", flags={"qkv_bias": "qkv"}, moe=True),
    "qwen3": _Build(kv_heads=32, defaults={"head_dim": 128}),
    "qwen3_moe": _Build(kv_heads=4, moe=True),
    "llama4_text": _Build(
        kv_heads=8, moe=True, defaults={"head_dim": 128, "num_shared_experts": 1}
    ),
    "gemma": _Build(kv_heads=16, tied=True, defaults=_GEMMA),
    "gemma2": _Build(kv_heads=4, tied=True, defaults=_GEMMA),
    "gemma3_text": _Build(kv_heads=4, tied=True, defaults=_GEMMA | _GEMMA_3),
    "phi3": _Build(flags={}),
    "glm4_moe": _Build(
        kv_heads=8, moe=True, defaults={"n_shared_experts": 1, "first_k_dense_replace": 1}
    ),
    "smollm3": _Build(kv_heads=4, tied=True),
    "gpt_oss": _GPT_OSS,
    "stablelm": _Build(family="gpt2", kv_heads=32, flags={"use_qkv_bias": "qkv"}),
    "gpt2": _gpt(ffn_ratio=4),
    "gpt_bigcode": _gpt(ffn_ratio=4, defaults=_MULTI_QUERY),
    "opt": _gpt(flags={"enable_bias": "all"}),
    "gptj": _gpt(positions="rotary", tied=False, ffn_ratio=4),
    "gpt_neox": _gpt(positions="rotary", tied=False),
    "phi": _gpt(positions="rotary", tied=False),
    "starcoder2": _gpt(kv_heads=2, positions="rotary", flags={"use_bias": "all"}),
    "falcon": _FALCON,
    "bloom": _gpt(positions="none", ffn_ratio=4),
    "mpt": _gpt(positions="none", biases="none", ffn_ratio=4),
}
KNOWN_TYPES = frozenset(_BUILDS)
"""Model types with known defaults; other types are read with Llama's design."""


class _Config:
    """One config whose fields may have one of several names."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values, self.where = values, where
        self.called: dict[str, str] = {}
        """Names of the fields that the shape's own fields were read from."""

    def place(self, name: str) -> str:
        """Return the full name of a field, for error messages."""
        return f"{self.where}.{name}" if self.where else name

    def given(self, *names: str) -> str | None:
        """Return the first of the names that has a value."""
        return next((name for name in names if self.values.get(name) is not None), None)

    def count(self, names: tuple[str, ...], default: int | None = None, into: str = "") -> int:
        """Return a whole number; ``into`` is the field of the shape that takes it."""
        name = self.given(*names)
        self.called[into] = self.place(name or names[0])
        if name is None:
            if default is None:
                raise InputError(self.place(names[0]), "—", "missing")
            return default
        value = self.values[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError(self.place(name), value, "whole_number")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return a field that is true or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InputError(self.place(name), value, "boolean")
        return value

    def layers(self, name: str) -> set[int]:
        """Return a field that lists indices of layers, from 0."""
        value = self.values.get(name) or []
        if not isinstance(value, list):
            raise InputError(self.place(name), value, "list")
        for layer in value:
            if not isinstance(layer, int):
                raise InputError(self.place(name), layer, "whole_number")
        return set(value)


def read_config(source: Path | bytes, where: str = "config.json") -> dict[str, Any]:
    """Read a ``config.json``.

    Parameters
    ----------
    source
        Path of the file or of its folder, or the bytes of the file; the content is untrusted.
    where
        Name of the file in error messages, if its bytes are given.

    Raises
    ------
    InputError
        If the file is absent, too large, not UTF-8, not JSON or no table of fields.
    """
    if isinstance(source, Path):
        path = source / "config.json" if source.is_dir() else source
        where = str(path)
        if not path.is_file():
            raise InputError("file", where, "file_missing")
        with path.open("rb") as file:
            raw = file.read(MAX_DOCUMENT_BYTES + 1)
        size_bytes = path.stat().st_size
    else:
        raw, size_bytes = source, len(source)
    if size_bytes > MAX_DOCUMENT_BYTES:
        raise InputError(where, f"{size_bytes} bytes", "too_large", limit=MAX_DOCUMENT_BYTES)
    try:
        config = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(where, f"byte {error.start}", "not_utf8") from None
    except (ValueError, RecursionError) as error:  # numbers too long, lists too deep
        raise InputError(where, str(error), "not_json") from None
    if not isinstance(config, dict):
        raise InputError(where, config, "table")
    return config


def shape_from_config(config: Mapping[str, Any], seq_len_tokens: int | None = None) -> ModelShape:
    """Return the shape that a Hugging Face config describes; a multimodal model's is its text part.

    Parameters
    ----------
    config
        Fields as returned by :func:`read_config`.
    seq_len_tokens
        Training sequence length; the default is the longest that the model accepts. Learned
        positions are counted for this length.

    Raises
    ------
    InputError
        If a field is missing or not allowed, with its name in the config, or if the model is not
        a decoder-only transformer.
    """
    read, build = _read_with_build(config)
    try:
        return ModelShape.parse(_shape_fields(read, build, seq_len_tokens))
    except InputError as error:
        name = read.called.get(error.field, error.field)
        raise InputError(name, error.value, error.rule, **error.params) from None


def longest_context_tokens(config: Mapping[str, Any]) -> int | None:
    """Return the longest sequence that the model accepts, in tokens; None if it states none.

    Models are released with a longer context than most of their pre-training had.

    Raises
    ------
    InputError
        As :func:`shape_from_config` does.
    """
    read, _ = _read_with_build(config)
    return None if read.given(*_LENGTH) is None else read.count(_LENGTH)


def _read_with_build(config: Mapping[str, Any]) -> tuple[_Config, _Build]:
    """Return the fields of the text part, with its build's defaults, and the build."""
    fields, where = dict(config), ""
    text = config.get("text_config")
    if isinstance(text, Mapping):
        where = "text_config"
        outer = {name: config[name] for name in ("tie_word_embeddings",) if name in config}
        fields = {"model_type": config.get("model_type")} | outer | dict(text)
    build = _build_of(fields, where)
    return _Config(dict(build.defaults) | fields, where), build


def _build_of(fields: Mapping[str, Any], where: str) -> _Build:
    model_type = fields.get("model_type")
    place = f"{where}.model_type" if where else "model_type"
    if not isinstance(model_type, str):
        rule = "missing" if model_type is None else "text"
        raise InputError(place, "—" if model_type is None else model_type, rule)
    layers = fields.get("layer_types")
    if isinstance(layers, list):
        other = next((kind for kind in layers if str(kind) not in _ATTENTION), None)
        if other is not None:
            raise InputError(place.replace("model_type", "layer_types"), other, "decoder_only")
    if model_type in _BUILDS:
        return _BUILDS[model_type]
    # Encoders and hybrids have Llama's fields too; these fields distinguish them.
    classes = fields.get("architectures")
    generates = not isinstance(classes, list) or any(
        str(name).endswith(("ForCausalLM", "LMHeadModel")) for name in classes
    )
    hybrid = any(name.startswith(_NO_TRANSFORMER) or name in _OWN_FIELDS for name in fields)
    needed = (_LAYERS, _WIDTH, _HEADS, ("intermediate_size",), ("vocab_size",))
    complete = all(any(name in fields for name in names) for names in needed)
    if hybrid or not generates or not complete or fields.get("is_encoder_decoder"):
        raise InputError(place, model_type, "decoder_only")
    plain = str(fields.get("hidden_act")) in _PLAIN_ACTIVATIONS
    return _Build(ffn="plain" if plain else "gated")


def _shape_fields(read: _Config, build: _Build, seq_len_tokens: int | None) -> dict[str, Any]:
    """Return the fields of a ModelShape; None for the design of its family."""
    n_layers = read.count(_LAYERS, into="n_layers")
    d_model = read.count(_WIDTH, into="d_model")
    n_heads = read.count(_HEADS, into="n_heads")
    if min(d_model, n_heads) < 1 or n_layers > _LAYERS_READ:  # the shape reports the allowed range
        return {"n_layers": n_layers, "d_model": d_model, "n_heads": n_heads}
    narrow = read.values.get("word_embed_proj_dim", d_model)
    if narrow != d_model:  # as in OPT-350M
        raise InputError(read.place("word_embed_proj_dim"), narrow, "equal", to=d_model)
    moe = _experts(read, build, n_layers)
    mla = _latent_attention(read)
    n_kv_heads = n_heads if mla else _kv_heads(read, build, n_heads)
    biases = _biases(read, build)
    positions = "none" if read.flag("alibi", False) else build.positions
    is_gpt2 = build.family == "gpt2"
    usual = positions == ("learned" if is_gpt2 else "rotary")
    return {
        "family": build.family,
        "n_layers": n_layers,
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": n_kv_heads,
        "head_dim": _head_dim(read, d_model, n_heads, mla),
        "d_ff": _dense_width(read, build, d_model, moe),
        "vocab": read.count(("vocab_size",), into="vocab"),
        "seq_len_tokens": _length(read, positions, seq_len_tokens),
        "tied_embeddings": read.flag("tie_word_embeddings", build.tied),
        "ffn": None if build.ffn == ("plain" if is_gpt2 else "gated") else build.ffn,
        "biases": None if biases == ("all" if is_gpt2 else "none") else biases,
        # A GPT-2 whose heads share keys must state its positions.
        "positions": None if usual and (n_kv_heads == n_heads or not is_gpt2) else positions,
        "moe": moe,
        "mla": mla,
    }


def _length(read: _Config, positions: str, wanted: int | None) -> int:
    if wanted is None:
        return read.count(_LENGTH, into="seq_len_tokens")
    longest = read.count(_LENGTH, default=wanted)
    if positions == "learned" and wanted > longest:
        raise InputError("seq_len_tokens", wanted, "less_than_equal", limit=longest)
    return wanted


def _kv_heads(read: _Config, build: _Build, n_heads: int) -> int:
    if read.flag("multi_query", False) and not read.flag("new_decoder_architecture", False):
        return 1
    is_stated = any(name in read.values for name in _KV_HEADS)  # null: as many as query heads
    default = n_heads if is_stated else build.kv_heads or n_heads
    return read.count(_KV_HEADS, default=default, into="n_kv_heads")


def _head_dim(read: _Config, d_model: int, n_heads: int, mla: Mapping[str, int] | None) -> int:
    if mla:
        return mla["qk_nope_head_dim"] + mla["qk_rope_head_dim"]
    if read.given("head_dim") is None and d_model % n_heads:
        raise InputError(read.called["n_heads"], n_heads, "divisor", of=d_model)
    return read.count(("head_dim",), default=d_model // n_heads, into="head_dim")


def _biases(read: _Config, build: _Build) -> Biases:
    stated = {
        kind: read.flag(name, False) for name, kind in build.flags.items() if read.given(name)
    }
    if not stated:
        return build.biases
    return "all" if stated.get("all") else "qkv" if stated.get("qkv") else "none"


def _latent_attention(read: _Config) -> dict[str, int] | None:
    if read.given("kv_lora_rank") is None:
        return None
    return {
        "q_lora_rank": read.count(("q_lora_rank",), default=0, into="mla.q_lora_rank"),
        **{name: read.count((name,), into=f"mla.{name}") for name in _MLA},
    }


def _dense_width(read: _Config, build: _Build, d_model: int, moe: Mapping[str, int] | None) -> int:
    if moe:  # in Llama 4, intermediate_size is its experts'
        names = ("intermediate_size_mlp", *_FFN)
        return read.count(names, default=moe["d_ff"], into="d_ff")
    ratio = read.count(("expansion_ratio",), default=build.ffn_ratio)
    return read.count(_FFN, default=ratio * d_model or None, into="d_ff")


def _experts(read: _Config, build: _Build, n_layers: int) -> dict[str, int] | None:
    n_experts = read.count(_EXPERTS, default=None if build.moe else 0, into="moe.n_experts")
    if n_experts in (0, 1):
        return None
    n_dense_layers = n_layers - _n_expert_layers(read, n_layers)
    if n_dense_layers == n_layers:
        return None
    width = read.count(("moe_intermediate_size", "intermediate_size"), into="moe.d_ff")
    n_shared = read.count(_SHARED, default=0, into="moe.n_shared_experts")
    shared_width = read.given(*_SHARED_WIDTH)
    if shared_width and width > 0:  # one expert as wide as several
        total = read.count((shared_width,))
        if total % width:
            raise InputError(read.place(shared_width), total, "multiple_of", limit=width)
        n_shared = total // width
    return {
        "n_experts": n_experts,
        "top_k": read.count(_TOP_K, into="moe.top_k"),
        "d_ff": width,
        "n_shared_experts": n_shared,
        "n_dense_layers": n_dense_layers,
    }


def _n_expert_layers(read: _Config, n_layers: int) -> int:
    """Return the number of layers with experts, which model types state in several ways."""
    for name, is_dense in (("mlp_layer_types", "dense"), ("moe_layer_freq", 0)):
        if isinstance(read.values.get(name), list):
            return sum(kind != is_dense for kind in read.values[name][:n_layers])
    if read.given("moe_layers"):
        return len(read.layers("moe_layers") & set(range(n_layers)))
    first = read.count(_FIRST_EXPERTS, default=0, into="moe.n_dense_layers")
    every = read.count(_EXPERTS_EVERY, default=1)
    frequency = read.count(("moe_layer_freq",), default=1)
    if min(every, frequency) < 1:
        name = read.given(*_EXPERTS_EVERY, "moe_layer_freq") or ""
        raise InputError(read.place(name), min(every, frequency), "greater_than_equal", limit=1)
    dense = read.layers("mlp_only_layers")
    return sum(
        layer not in dense and (layer + 1) % every == 0 and layer % frequency == 0
        for layer in range(max(0, first), n_layers)
    )
