"""Layouts: their arithmetic, and what cannot be."""

import pytest

from engine.documents import InputError
from engine.layout import Layout, value_bytes
from engine.shapes import ModelShape
from tests.engine.shapes import DEEPSEEK_V3, LLAMA3_8B

PLAIN = Layout(micro_batch_sequences=1)
SPLIT = Layout(
    micro_batch_sequences=2,
    grad_accumulation_steps=8,
    tensor_parallel=4,
    pipeline_parallel=2,
    virtual_stages=4,
    context_parallel=2,
)


def test_data_parallel_is_what_is_left() -> None:
    assert SPLIT.devices_per_replica == 16
    assert SPLIT.data_parallel(64) == 4
    assert SPLIT.global_batch_sequences(64) == 2 * 8 * 4
    assert PLAIN.data_parallel(64) == 64


def test_values_are_stored_in_16_bits_or_32() -> None:
    assert value_bytes("fp32") == 4
    for precision in ("bf16", "fp16", "fp8", "mxfp8", "nvfp4"):
        assert value_bytes(precision) == 2


def test_what_is_possible_passes() -> None:
    SPLIT.check(LLAMA3_8B, 64)
    assert SPLIT.is_possible(LLAMA3_8B, 64)
    experts = PLAIN.with_values({"pipeline_parallel": 4, "expert_parallel": 64})
    experts.check(DEEPSEEK_V3, 256)
    grouped = PLAIN.with_values({"zero_stage": 3, "shard_group": 8})
    grouped.check(LLAMA3_8B, 64)


@pytest.mark.parametrize(
    ("changes", "shape", "n_devices", "shown"),
    [
        ({"tensor_parallel": 8}, LLAMA3_8B, 12, "n_devices: 12 .* multiple of 8"),
        ({"tensor_parallel": 64}, LLAMA3_8B, 64, "tensor_parallel: 64 .* divide 32"),
        ({"pipeline_parallel": 64}, LLAMA3_8B, 64, "pipeline_parallel: 64 .* at most 32"),
        (
            {"pipeline_parallel": 4, "virtual_stages": 9},
            LLAMA3_8B,
            64,
            "virtual_stages: 9 .* at most 8",
        ),
        (
            {"context_parallel": 3},
            LLAMA3_8B.with_value("seq_len_tokens", 8_000),
            3,
            "context_parallel: 3 .* divide 8000",
        ),
        ({"expert_parallel": 2}, LLAMA3_8B, 64, "expert_parallel: 2 .* must be 1"),
        ({"expert_parallel": 3}, DEEPSEEK_V3, 96, "expert_parallel: 3 .* divide 256"),
        ({"expert_parallel": 16}, DEEPSEEK_V3, 8, "expert_parallel: 16 .* divide 8"),
        ({"shard_group": 7}, LLAMA3_8B, 64, "shard_group: 7 .* divide 64"),
    ],
)
def test_degrees_that_do_not_divide_are_refused(
    changes: dict[str, int], shape: ModelShape, n_devices: int, shown: str
) -> None:
    layout = PLAIN.with_values(changes)
    assert not layout.is_possible(shape, n_devices)
    with pytest.raises(InputError, match=shown):
        layout.check(shape, n_devices)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"micro_batch_sequences": 0}, "micro_batch_sequences"),
        ({"grad_accumulation_steps": 0}, "grad_accumulation_steps"),
        ({"zero_stage": 4}, "zero_stage"),
        ({"precision": "fp12"}, "precision"),
        ({"activation_checkpointing": "most"}, "activation_checkpointing"),
        ({"virtual_stages": 2}, "virtual_stages"),  # without a pipeline
        ({"offload": "weights"}, "offload"),
    ],
)
def test_values_that_no_layout_has_are_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as refused:
        PLAIN.with_values(changes)
    assert refused.value.field == field
