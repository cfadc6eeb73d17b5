"""Configs of the Hugging Face hub: our count against the models that transformers builds."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.documents import MAX_DOCUMENT_BYTES, InputError
from engine.models.catalog import published_model
from engine.models.huggingface import (
    KNOWN_TYPES,
    longest_context_tokens,
    read_config,
    shape_from_config,
)

SMALL = {
    "num_hidden_layers": 4,
    "hidden_size": 256,
    "num_attention_heads": 8,
    "vocab_size": 1000,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA = SMALL | {"intermediate_size": 688, "num_key_value_heads": 2}
TOP_K = {"num_experts_per_tok": 2}
EXPERTS = TOP_K | {"moe_intermediate_size": 96}
MLA = {
    "num_key_value_heads": 8,
    "q_lora_rank": 48,
    "kv_lora_rank": 32,
    "qk_nope_head_dim": 24,
    "qk_rope_head_dim": 16,
    "v_head_dim": 20,
    "n_routed_experts": 8,
    "n_shared_experts": 2,
}
GPT2 = {
    "n_layer": 4,
    "n_embd": 256,
    "n_head": 8,
    "n_positions": 128,
    "vocab_size": 1000,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

# (model type, what is set in its config)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("llama", LLAMA),
    ("llama", LLAMA | {"tie_word_embeddings": True, "head_dim": 48}),
    ("llama", LLAMA | {"attention_bias": True, "mlp_bias": True}),
    ("mistral", LLAMA | {"head_dim": 40}),
    ("mixtral", LLAMA | TOP_K | {"num_local_experts": 6}),
    ("qwen2", LLAMA),
    ("qwen3", LLAMA),
    ("qwen2_moe", LLAMA | EXPERTS | {"num_experts": 8, "shared_expert_intermediate_size": 384}),
    (
        "qwen2_moe",
        LLAMA
        | EXPERTS
        | {"num_experts": 8, "decoder_sparse_step": 2, "mlp_only_layers": [1]}
        | {"shared_expert_intermediate_size": 96},
    ),
    ("qwen3_moe", LLAMA | EXPERTS | {"num_experts": 8, "head_dim": 64}),
    ("deepseek_v2", SMALL | EXPERTS | MLA | {"intermediate_size": 688, "q_lora_rank": None}),
    ("deepseek_v3", SMALL | EXPERTS | MLA | {"intermediate_size": 688, "first_k_dense_replace": 1}),
    ("llama4_text", LLAMA | TOP_K | {"num_local_experts": 4, "intermediate_size_mlp": 512}),
    (
        "llama4_text",
        LLAMA
        | TOP_K
        | {"num_local_experts": 4, "intermediate_size_mlp": 512, "interleave_moe_layer_step": 2},
    ),
    ("olmo", LLAMA),
    ("olmo2", LLAMA),
    ("olmo3", LLAMA),
    ("olmoe", LLAMA | TOP_K | {"num_experts": 8}),
    ("gemma", LLAMA),
    ("gemma2", LLAMA),
    ("gemma3_text", LLAMA),
    ("phi3", LLAMA),
    ("glm", LLAMA),
    ("glm4", LLAMA),
    ("glm4_moe", LLAMA | EXPERTS | {"n_routed_experts": 8, "head_dim": 64}),
    ("granite", LLAMA),
    ("granitemoe", LLAMA | TOP_K | {"num_local_experts": 6}),
    ("smollm3", LLAMA),
    ("cohere", LLAMA),
    ("cohere2", LLAMA),
    ("gpt_oss", LLAMA | TOP_K | {"num_local_experts": 8}),
    ("stablelm", LLAMA | {"use_qkv_bias": True}),
    ("gpt2", GPT2),
    ("gpt2", GPT2 | {"n_inner": 700}),
    ("gpt_bigcode", GPT2),
    ("gpt_bigcode", GPT2 | {"multi_query": False}),
    ("gptj", GPT2 | {"rotary_dim": 16}),
    ("gpt_neox", SMALL | {"intermediate_size": 1024}),
    ("phi", LLAMA),
    ("starcoder2", LLAMA),
    ("opt", SMALL | {"ffn_dim": 1024, "word_embed_proj_dim": 256}),
    ("falcon", SMALL),
    ("falcon", SMALL | {"new_decoder_architecture": True, "num_kv_heads": 2, "bias": True}),
    ("falcon", SMALL | {"multi_query": False, "alibi": True}),
    ("bloom", {"n_layer": 4, "hidden_size": 256, "n_head": 8, "vocab_size": 1000}),
    ("mpt", {"n_layers": 4, "d_model": 256, "n_heads": 8, "vocab_size": 1000, "max_seq_len": 128}),
]


NOT_COUNTED = {
    "cohere": "one norm a layer, not two",
    "cohere2": "one norm a layer, not two",
    "falcon": "one norm a layer, not two, in its first models",
    "gemma2": "norms after attention and FFN",
    "gemma3_text": "norms after attention and FFN, norms of queries and keys",
    "glm4": "norms after attention and FFN",
    "qwen3": "norms of queries and keys",
    "qwen3_moe": "norms of queries and keys",
    "olmo": "its norms have no parameters",
    "olmo2": "norms of queries and keys",
    "olmo3": "norms of queries and keys",
    "olmoe": "norms of queries and keys",
    "phi": "one norm a layer, not two; a bias of the output head",
    "gptj": "no biases in attention, one norm a layer; a bias of the output head",
    "mpt": "its norms have no biases",
    "bloom": "a norm of the embedding",
    "opt": "two positions more than it is long",
    "qwen2_moe": "a gate for the shared expert",
    "gpt_oss": "biases of experts, sinks of attention",
}
"""Of other types every parameter is counted; of these all but 0.3% of a small model."""


def built(config: Any) -> torch.nn.Module:
    with torch.device("meta"):
        model: torch.nn.Module = AutoModelForCausalLM.from_config(config)
    return model


@pytest.mark.parametrize(
    ("model_type", "fields"), CASES, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(CASES)]
)
def test_as_many_parameters_as_transformers_creates(
    model_type: str, fields: dict[str, Any]
) -> None:
    config = AutoConfig.for_model(model_type, **fields)
    sizes = {name: parameter.numel() for name, parameter in built(config).named_parameters()}
    files = (config.to_dict(), config.to_diff_dict(), {"model_type": model_type} | fields)
    for file in files:  # all there is, what is saved, and no more than was set
        shape = shape_from_config(json.loads(json.dumps(file, default=str)), 128)
        count = shape.count_parameters()
        tolerance = 0.003 if model_type in NOT_COUNTED else 0
        assert count.total == pytest.approx(sum(sizes.values()), rel=tolerance)
        experts = sum(size for name, size in sizes.items() if ".experts." in name)
        if shape.moe and experts:
            idle_share = 1 - shape.moe.top_k / shape.moe.n_experts
            assert count.experts_idle == pytest.approx(experts * idle_share, rel=0.02)


def test_every_known_type_is_compared() -> None:
    assert KNOWN_TYPES - {kind for kind, _ in CASES} == {"kimi_k2"}  # transformers has no class


@pytest.mark.parametrize("model_type", sorted(KNOWN_TYPES - {"kimi_k2"}))
def test_what_a_file_leaves_out_is_as_in_transformers(model_type: str) -> None:
    """Without head widths, key heads and ties, the defaults of the classes must come out."""
    impossible = {  # as the classes have it by default
        "deepseek_v2": {"num_experts_per_tok": 6},
        "glm4_moe": {"num_attention_heads": 32},
    }
    file = AutoConfig.for_model(model_type, **impossible.get(model_type, {})).to_dict()
    full = shape_from_config(file, 64)
    left_out = ("head_dim", "num_key_value_heads", "tie_word_embeddings", "n_shared_experts")
    bare = {name: value for name, value in file.items() if name not in left_out}
    assert shape_from_config(bare, 64) == full


# Of the real files, what the count needs; totals in billions as published.
REAL: dict[str, tuple[dict[str, Any], float]] = {
    "Llama-3-8B": (
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "max_position_embeddings": 8192,
            "num_attention_heads": 32,
            "num_hidden_layers": 32,
            "num_key_value_heads": 8,
            "tie_word_embeddings": False,
            "vocab_size": 128256,
        },
        8.030261248,
    ),
    "DeepSeek-V3": (
        {
            "architectures": ["DeepseekV3ForCausalLM"],
            "model_type": "deepseek_v3",
            "first_k_dense_replace": 3,
            "hidden_size": 7168,
            "intermediate_size": 18432,
            "kv_lora_rank": 512,
            "max_position_embeddings": 163840,
            "moe_intermediate_size": 2048,
            "moe_layer_freq": 1,
            "n_routed_experts": 256,
            "n_shared_experts": 1,
            "num_attention_heads": 128,
            "num_experts_per_tok": 8,
            "num_hidden_layers": 61,
            "num_key_value_heads": 128,
            "num_nextn_predict_layers": 1,
            "q_lora_rank": 1536,
            "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64,
            "tie_word_embeddings": False,
            "v_head_dim": 128,
            "vocab_size": 129280,
        },
        671.0,
    ),
    "Qwen3-30B-A3B": (
        {
            "architectures": ["Qwen3MoeForCausalLM"],
            "model_type": "qwen3_moe",
            "attention_bias": False,
            "decoder_sparse_step": 1,
            "head_dim": 128,
            "hidden_size": 2048,
            "intermediate_size": 6144,
            "max_position_embeddings": 40960,
            "mlp_only_layers": [],
            "moe_intermediate_size": 768,
            "num_attention_heads": 32,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "num_hidden_layers": 48,
            "num_key_value_heads": 4,
            "tie_word_embeddings": False,
            "vocab_size": 151936,
        },
        30.5,
    ),
    "Gemma-3-4B": (  # multimodal: the text's part leaves out what its class has
        {
            "architectures": ["Gemma3ForConditionalGeneration"],
            "model_type": "gemma3",
            "text_config": {
                "hidden_size": 2560,
                "intermediate_size": 10240,
                "model_type": "gemma3_text",
                "num_hidden_layers": 34,
            },
        },
        3.88,
    ),
    "BLOOM": (  # as its first file calls them
        {
            "model_type": "bloom",
            "n_embed": 14336,
            "n_layer": 70,
            "num_attention_heads": 112,
            "seq_length": 2048,
            "vocab_size": 250880,
        },
        176.247271424,
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_count_as_published(name: str) -> None:
    file, billions = REAL[name]
    shape = shape_from_config(file)
    assert shape.count_parameters().total == pytest.approx(billions * 1e9, rel=0.002)
    assert shape_from_config(file, 1024) == shape.with_value("seq_len_tokens", 1024)


def test_a_file_and_the_table_agree() -> None:
    for name in ("Llama-3-8B", "DeepSeek-V3", "Qwen3-30B-A3B"):
        from_file = shape_from_config(REAL[name][0], 4096)
        assert from_file == published_model(name).shape.with_value("seq_len_tokens", 4096)


LLAMA_FILE = REAL["Llama-3-8B"][0]


def test_an_unknown_type_with_llamas_fields_is_read_as_llamas_build() -> None:
    file = LLAMA_FILE | {"model_type": "hopeful", "architectures": ["HopefulForCausalLM"]}
    assert shape_from_config(file) == shape_from_config(LLAMA_FILE)
    ungated = shape_from_config(file | {"hidden_act": "relu2"})
    assert not ungated.gated_ffn
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 512}
    assert shape_from_config(file | experts).n_moe_layers == 32


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"model_type": None}, "model_type", "missing"),
        ({"model_type": 3}, "model_type", "text"),
        (
            {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
            "model_type",
            "decoder_only",
        ),
        ({"model_type": "t5", "is_encoder_decoder": True}, "model_type", "decoder_only"),
        ({"model_type": "bamba", "mamba_d_state": 256}, "model_type", "decoder_only"),
        ({"model_type": "mamba", "num_attention_heads": None}, "num_attention_heads", "missing"),
        ({"layer_types": ["full_attention", "conv"]}, "layer_types", "decoder_only"),
        ({"hidden_size": None}, "hidden_size", "missing"),
        ({"hidden_size": "wide"}, "hidden_size", "whole_number"),
        ({"hidden_size": True}, "hidden_size", "whole_number"),
        ({"hidden_size": 4096.0}, "hidden_size", "whole_number"),
        ({"hidden_size": 0}, "hidden_size", "greater_than_equal"),
        ({"hidden_size": 10**30}, "hidden_size", "less_than_equal"),
        ({"hidden_size": 4100}, "num_attention_heads", "divisor"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers", "less_than_equal"),
        ({"num_hidden_layers": -1}, "num_hidden_layers", "greater_than_equal"),
        ({"num_attention_heads": -4}, "num_attention_heads", "greater_than_equal"),
        ({"num_key_value_heads": 5}, "num_key_value_heads", "divisor"),
        ({"head_dim": 33}, "head_dim", "even"),
        ({"intermediate_size": [1, 2]}, "intermediate_size", "whole_number"),
        ({"max_position_embeddings": None}, "max_position_embeddings", "missing"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings", "boolean"),
        ({"kv_lora_rank": 64}, "qk_nope_head_dim", "missing"),
        ({"num_local_experts": 8}, "num_experts_per_tok", "missing"),
        ({"num_experts": 8, "num_experts_per_tok": 9}, "num_experts_per_tok", "less_than_equal"),
        ({"num_experts": 8, "decoder_sparse_step": 0}, "decoder_sparse_step", "greater_than_equal"),
        ({"num_experts": 8, "mlp_only_layers": 3}, "mlp_only_layers", "list"),
        ({"num_experts": 8, "mlp_only_layers": [[1]]}, "mlp_only_layers", "whole_number"),
        (
            {"num_experts": 8, "num_experts_per_tok": 2, "shared_expert_intermediate_size": 100},
            "shared_expert_intermediate_size",
            "multiple_of",
        ),
        ({"model_type": "opt", "word_embed_proj_dim": 512}, "word_embed_proj_dim", "equal"),
    ],
)
def test_what_cannot_be_read_is_refused(changes: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(InputError) as refused:
        shape_from_config(LLAMA_FILE | changes)
    assert (refused.value.field, refused.value.rule) == (field, rule)


def test_fields_of_the_text_part_are_named_as_such() -> None:
    with pytest.raises(InputError) as refused:
        shape_from_config({"text_config": {"model_type": "llama"}})
    assert refused.value.field == "text_config.num_hidden_layers"


def test_learned_positions_are_no_more_than_there_are() -> None:
    file = {"model_type": "gpt2"} | GPT2
    assert shape_from_config(file, 64).count_parameters().position_embedding == 64 * 256
    with pytest.raises(InputError) as refused:
        shape_from_config(file, 129)
    assert (refused.value.field, refused.value.rule) == ("seq_len_tokens", "less_than_equal")


def test_a_file_is_read_from_its_path_its_folder_or_its_bytes(tmp_path: Path) -> None:
    raw = json.dumps(LLAMA_FILE).encode()
    (tmp_path / "config.json").write_bytes(raw)
    assert read_config(tmp_path) == read_config(tmp_path / "config.json") == LLAMA_FILE
    assert read_config(raw) == read_config(b"\xef\xbb\xbf" + raw) == LLAMA_FILE


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"", "not_json"),
        (b"{'a': 1}", "not_json"),
        (b"[" * 200_000, "not_json"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "not_json"),
        (b"[1]", "table"),
        (b"\xff\xfe", "not_utf8"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "too_large"),
    ],
)
def test_what_is_no_config_is_refused(raw: bytes, rule: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(raw)
    for source in (raw, path):
        with pytest.raises(InputError) as refused:
            read_config(source)
        assert refused.value.rule == rule
        assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_config(tmp_path)


def test_the_longest_context_is_read_from_the_text_part() -> None:
    assert longest_context_tokens(LLAMA_FILE) == shape_from_config(LLAMA_FILE).seq_len_tokens
    assert longest_context_tokens({"text_config": LLAMA_FILE | {"n_ctx": None}}) == (
        longest_context_tokens(LLAMA_FILE)
    )
    assert longest_context_tokens(LLAMA_FILE | {"max_position_embeddings": None}) is None
