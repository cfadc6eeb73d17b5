"""FLOPs by hand, 6·N·D against the exact count, and published formulas."""

import csv
import re

import pytest

from engine.flops import (
    attention_flops_per_token,
    forward_flops_per_token,
    linears,
    recomputed_flops_per_token,
    training_flops_per_token,
)
from engine.paths import DATA_DIR
from engine.shapes import ModelShape
from tests.engine.shapes import (
    DEEPSEEK_V3,
    GPT2_124M,
    GPT_1T,
    GPT_22B,
    GPT_175B,
    GPT_530B,
    LLAMA2_7B,
    LLAMA3_8B,
    TINY,
)

MEGATRON = {"GPT-22B": GPT_22B, "GPT-175B": GPT_175B, "GPT-530B": GPT_530B, "GPT-1T": GPT_1T}


def test_hand_count_of_a_tiny_model() -> None:
    weights = 2 * (64 * 128 + 64 * 64 + 64 * 384 + 192 * 64) + 64 * 1024
    attention = 2 * 4 * 64 * 64  # layers × (scores and values, 2 FLOPs each) × width × tokens
    assert forward_flops_per_token(TINY) == 2 * weights + attention
    assert training_flops_per_token(TINY) == 3 * (2 * weights + attention)


@pytest.mark.parametrize("shape", [GPT2_124M, LLAMA2_7B, LLAMA3_8B])
def test_is_palms_formula(shape: ModelShape) -> None:
    """Chowdhery 2022, appendix B: 6·N + 12·L·H·Q·T, N without the look-up table and vectors."""
    n_matmul = sum(linear.n_in * linear.n_out * linear.repeats for linear in linears(shape))
    palm = 6 * n_matmul + 12 * shape.n_layers * shape.d_attn * shape.seq_len_tokens
    assert training_flops_per_token(shape) == pytest.approx(palm, rel=1e-12)


def test_6nd_against_the_exact_count() -> None:
    """6·N leaves attention out and counts an untied look-up table in: for Llama-2 7B at 4,096
    tokens it is 12% below the exact count, for GPT-2 124M at 1,024 tokens 13%."""
    for shape, share in ((LLAMA2_7B, 0.8773), (GPT2_124M, 0.8739)):
        ratio = 6 * shape.count_parameters().total / training_flops_per_token(shape)
        assert ratio == pytest.approx(share, abs=1e-4)


def test_deepseek_v3_by_hand() -> None:
    """Its matrices by their published sizes (DeepSeek-V3 2024, section 4.2)."""
    d, heads = 7168, 128
    attention = (
        d * 1536  # queries down
        + 1536 * heads * (128 + 64)  # and up
        + d * (512 + 64)  # keys and values down, with the rotary key
        + 512 * heads * (128 + 128)  # and up
        + heads * 128 * d  # out
    )
    experts = (8 + 1) * 3 * d * 2048
    weights = 61 * attention + 3 * 3 * d * 18432 + 58 * experts + d * 129280
    scores_and_values = 61 * 2 * heads * (192 + 128) * 4096
    assert forward_flops_per_token(DEEPSEEK_V3) == 2 * weights + scores_and_values


def test_active_parameters_set_the_flops_of_experts() -> None:
    """DeepSeek-V3 has 671B parameters and says that 37B of them are active: 6·N counts those,
    and not attention's 12·L·H·T."""
    without_attention = training_flops_per_token(DEEPSEEK_V3) - 3 * attention_flops_per_token(
        DEEPSEEK_V3
    )
    assert without_attention == pytest.approx(6 * 37e9, rel=0.02)


def test_causal_attention_is_half() -> None:
    for shape in (LLAMA3_8B, DEEPSEEK_V3):
        full = attention_flops_per_token(shape)
        assert attention_flops_per_token(shape, causal=True) == full / 2
        spared = training_flops_per_token(shape) - training_flops_per_token(shape, causal=True)
        assert spared == 3 * full / 2


@pytest.mark.parametrize("shape", [GPT2_124M, LLAMA3_8B, DEEPSEEK_V3])
def test_full_checkpointing_repeats_the_forward_pass_but_for_the_head(shape: ModelShape) -> None:
    head = 2 * shape.d_model * shape.vocab
    again = recomputed_flops_per_token(shape, "full")
    assert again == forward_flops_per_token(shape) - head
    assert recomputed_flops_per_token(shape, "none") == 0


@pytest.mark.parametrize("shape", MEGATRON.values(), ids=MEGATRON)
def test_is_megatrons_formula(shape: ModelShape) -> None:
    """Korthikanti 2022, appendix A: 72·L·h²·(1 + s/6h + v/12hL) a token; recomputing all layers
    adds a third of all but the head, 24·L·h²·(1 + s/6h) (Narayanan 2021, appendix)."""
    n_layers, h, s, v = shape.n_layers, shape.d_model, shape.seq_len_tokens, shape.vocab
    model = 72 * n_layers * h**2 * (1 + s / (6 * h) + v / (12 * h * n_layers))
    assert training_flops_per_token(shape) == pytest.approx(model, rel=1e-12)
    again = 24 * n_layers * h**2 * (1 + s / (6 * h))
    assert recomputed_flops_per_token(shape, "full") == pytest.approx(again, rel=1e-12)
    # Scores and weighted values once more: 2·s·h FLOPs each.
    attention = 4 * n_layers * s * h
    assert recomputed_flops_per_token(shape, "selective") == pytest.approx(attention, rel=1e-12)


@pytest.mark.parametrize("name", MEGATRON)
def test_published_hfu_over_mfu(name: str) -> None:
    """End-to-end results of Korthikanti 2022, as the notes of our table of runs have them.

    The paper's formula for hardware FLOPs has s/3h where model FLOPs have s/6h: 12·s·h a layer
    for what is recomputed, which is its forward and backward pass. We count the 4·s·h that are
    computed again.
    """
    with (DATA_DIR / "measured_throughput.csv").open(encoding="utf-8", newline="") as file:
        (row,) = [
            row
            for row in csv.DictReader(file)
            if row["source_id"] == "megatron-a100-seqpar" and row["model"] == name
        ]
    hfu = re.search(r"HFU=([\d.]+)", row["notes"])
    assert hfu is not None
    published = float(hfu[1]) / (100 * float(row["mfu"]))
    shape = MEGATRON[name]
    again = recomputed_flops_per_token(shape, "selective") / training_flops_per_token(shape)
    assert 1 + 3 * again == pytest.approx(published, rel=0.002)
