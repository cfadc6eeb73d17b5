"""Step time worked by hand, and how it must move."""

import pytest

from engine.documents import InputError
from engine.facts import accelerator, efficiency
from engine.layout import Layout
from engine.throughput import communication_bytes, mfu, step_time
from tests.engine.shapes import LLAMA3_8B, TINY

H100 = accelerator("H100-80GB")
CPU = accelerator("CPU-core")


def test_attention_by_hand() -> None:
    known = efficiency("Hopper")
    layout = Layout(micro_batch_sequences=2, grad_accumulation_steps=3)
    tokens = 2 * 8192
    causal_flops = 32 * 4 * 4096 * 8192 / 2
    by_hand = 3 * 3 * tokens * causal_flops / (989e12 * known.attention_share)
    assert step_time(LLAMA3_8B, layout, H100, 8).attention == pytest.approx(by_hand)


def test_ring_all_reduce_by_hand() -> None:
    gradients = 2 * LLAMA3_8B.count_parameters().total
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=4, zero_stage=1)
    assert communication_bytes(LLAMA3_8B, layout, 8) == pytest.approx(2 * 7 / 8 * gradients)
    stage_2 = layout.model_copy(update={"zero_stage": 2})
    assert communication_bytes(LLAMA3_8B, stage_2, 8) == pytest.approx(5 * 7 / 8 * gradients)
    stage_3 = layout.model_copy(update={"zero_stage": 3})
    assert communication_bytes(LLAMA3_8B, stage_3, 8) == pytest.approx(4 * 3 * 7 / 8 * gradients)
    assert communication_bytes(LLAMA3_8B, layout, 1) == 0


def test_beyond_a_node_the_slower_link_counts() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=1)
    inside = step_time(LLAMA3_8B, layout, H100, 8).communication
    across = step_time(LLAMA3_8B, layout, H100, 16).communication
    assert across / inside == pytest.approx((15 / 16) / (7 / 8) * 450 / 50)


def test_full_checkpointing_adds_a_forward_pass() -> None:
    none = Layout(micro_batch_sequences=1)
    full = none.model_copy(update={"activation_checkpointing": "full"})
    before = step_time(LLAMA3_8B, none, H100, 8)
    after = step_time(LLAMA3_8B, full, H100, 8)
    computing = before.matmul + before.attention + before.elementwise + before.overhead
    assert after.total - before.total == pytest.approx(computing / 3)


def test_no_step_beats_the_peak() -> None:
    for shape, device, precision in ((LLAMA3_8B, H100, "bf16"), (TINY, CPU, "fp32")):
        layout = Layout(micro_batch_sequences=4, precision=precision)
        step = step_time(shape, layout, device, 1).total
        tokens_per_s = 4 * shape.seq_len_tokens / step
        assert 0.01 < mfu(shape, layout, device, tokens_per_s, 1) < 0.8


def test_a_precision_that_the_device_lacks() -> None:
    with pytest.raises(InputError, match=r"layout\.precision: bf16 .* fp32 only"):
        step_time(TINY, Layout(micro_batch_sequences=1, precision="bf16"), CPU, 1)
