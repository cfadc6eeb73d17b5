"""Parameter counts against the published ones, to the parameter."""

import pytest

from engine.documents import InputError
from engine.shapes import ModelShape
from tests.engine.shapes import DEEPSEEK_V3, GPT2_124M, LLAMA2_7B, LLAMA3_8B, TINY


@pytest.mark.parametrize(
    ("shape", "published"),
    [(GPT2_124M, 124_439_808), (LLAMA2_7B, 6_738_415_616), (LLAMA3_8B, 8_030_261_248)],
    ids=["GPT-2 124M", "Llama-2 7B", "Llama-3 8B"],
)
def test_published_models_to_the_parameter(shape: ModelShape, published: int) -> None:
    assert shape.count_parameters().total == published


def test_hand_count_of_a_tiny_llama() -> None:
    # Each layer: q 64·64, k and v 64·32 each, o 64·64; gate, up, down 3·64·192; two norms of 64.
    attention = 64 * 64 + 2 * 64 * 32 + 64 * 64
    layer = attention + 3 * 64 * 192 + 2 * 64
    count = TINY.count_parameters()
    assert count.non_embedding == 2 * layer + 64
    assert count.embedding == 1024 * 64  # tied: counted once


def test_embeddings_are_counted_apart() -> None:
    count = GPT2_124M.count_parameters()
    assert count.embedding == 50257 * 768 + 1024 * 768
    assert count.non_embedding == 85_056_000  # 12 blocks of 7,087,872 and the last norm's 1,536


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"n_kv_heads": 3}, "n_kv_heads"),
        ({"head_dim": 33}, "head_dim"),
        ({"n_layers": 0}, "n_layers"),
        ({"d_model": 10**9}, "d_model"),
    ],
)
def test_impossible_shapes_are_refused(changes: dict[str, int], field: str) -> None:
    with pytest.raises(InputError) as refused:
        LLAMA3_8B.with_values(changes)
    assert refused.value.field == field


def test_experts_by_hand() -> None:
    """Mixtral 8x7B (Jiang 2024): 46.7 billion parameters, of which 12.9 are active."""
    mixtral = LLAMA2_7B.with_values(
        {
            "n_kv_heads": 8,
            "d_ff": 14336,
            "moe": {"n_experts": 8, "top_k": 2, "d_ff": 14336},
        }
    )
    expert = 3 * 4096 * 14336
    attention = 2 * 4096**2 + 2 * 4096 * 1024
    layer = attention + 8 * (expert + 4096) + 2 * 4096  # a router's row for each expert
    count = mixtral.count_parameters()
    assert count.total == 32 * layer + 2 * 32000 * 4096 + 4096 == 46_702_792_704
    assert count.active == count.total - 32 * 6 * expert
    assert count.active == pytest.approx(12.9e9, rel=0.005)


def test_latent_attention_by_hand() -> None:
    """DeepSeek-V3's layer (DeepSeek-V3 2024, section 4.2), with the norms of both latents."""
    queries = 7168 * 1536 + 1536 * 128 * 192
    keys_and_values = 7168 * (512 + 64) + 512 * 128 * (128 + 128)
    layer = queries + keys_and_values + 128 * 128 * 7168 + 1536 + 512
    assert DEEPSEEK_V3.count_parameters().attention == 61 * layer
    without = DEEPSEEK_V3.with_value("mla.q_lora_rank", 0)  # as in DeepSeek-V2-Lite
    direct = layer - queries - 1536 + 7168 * 128 * 192
    assert without.count_parameters().attention == 61 * direct


def test_later_families_differ_by_what_is_said() -> None:
    plain = LLAMA3_8B.count_parameters()
    ffn = LLAMA3_8B.with_value("ffn", "plain").count_parameters()
    assert ffn.ffn == plain.ffn * 2 / 3
    biased = LLAMA3_8B.with_value("biases", "qkv").count_parameters()
    assert biased.attention - plain.attention == 32 * (4096 + 2 * 1024)
    learned = LLAMA3_8B.with_value("positions", "learned").count_parameters()
    assert learned.position_embedding == 8192 * 4096


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"moe": {"n_experts": 4, "top_k": 5, "d_ff": 64}}, "moe.top_k"),
        ({"moe": {"n_experts": 1, "top_k": 1, "d_ff": 64}}, "moe.n_experts"),
        (
            {"moe": {"n_experts": 4, "top_k": 1, "d_ff": 64, "n_dense_layers": 32}},
            "moe.n_dense_layers",
        ),
        ({"mla": {}}, "n_kv_heads"),
        ({"mla": {}, "n_kv_heads": 32}, "head_dim"),
    ],
)
def test_experts_and_latents_that_cannot_be_are_refused(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InputError) as refused:
        LLAMA3_8B.with_values(changes)
    assert refused.value.field == field
