"""Communication, pipeline and optimizer parts of a step against calculations by hand."""

from dataclasses import replace

import numpy as np
import pytest

from engine.layout import Layout
from engine.predictor.layers import output_head
from tests.engine.predictor.inputs import inputs
from tests.engine.predictor.step_parts import A100, COMMUNICATION, CPU, H100, MIXTRAL, counted, part
from tests.engine.shapes import GPT_22B, LLAMA3_8B, TINY


def test_one_of_a_kind_communicates_nothing() -> None:
    alone = inputs(MIXTRAL, Layout(micro_batch_sequences=1, zero_stage=3), H100)
    for name in (*COMMUNICATION, "pipeline_bubble"):
        assert part(alone, name) == 0, name
    only_data = inputs(MIXTRAL, Layout(micro_batch_sequences=1), H100, 8)
    for name in COMMUNICATION:
        assert (part(only_data, name) > 0) == (name == "data_communication"), name


def test_tensor_parallelism_by_hand() -> None:
    """Korthikanti 2022, section 4.2.2: four all-reduces a layer, of b·s·h values each, or as
    many pairs of all-gather and reduce-scatter: 8·(t − 1)/t·2·sbh bytes."""
    layout = Layout(micro_batch_sequences=4, grad_accumulation_steps=2, tensor_parallel=8)
    row = counted(inputs(GPT_22B, layout, A100, 8))
    sent = 2 * 48 * 8 * 7 / 8 * 2 * 4 * 2048 * 6144
    assert part(row, "tensor_communication") == pytest.approx(sent / 300e9)
    half = row.with_efficiency(tensor_exposed=0.5, collective_latency_s=1e-5)
    expected = sent / 300e9 / 2 + 2 * 48 * 8 * 1e-5
    assert part(half, "tensor_communication") == pytest.approx(expected)


def test_context_parallelism_by_hand() -> None:
    """Keys and values of a part of the sequence go round the ring, thrice."""
    layout = Layout(micro_batch_sequences=1, context_parallel=4)
    row = counted(inputs(LLAMA3_8B, layout, H100, 4))
    sent = 32 * 3 * 3 * 2 * 1024 * 2048 * 2
    assert part(row, "context_communication") == pytest.approx(sent / 450e9)
    behind_attention = row.with_efficiency(context_exposed=0.0)
    assert part(behind_attention, "context_communication") == 0


def test_expert_parallelism_by_hand() -> None:
    """There and back, forward and backward; 7 of 8 choices are on another device."""
    layout = Layout(micro_batch_sequences=1, expert_parallel=8)
    row = counted(inputs(MIXTRAL, layout, H100, 8))
    sent = 32 * 4 * 4096 * 2 * 7 / 8 * 4096 * 2
    assert part(row, "expert_communication") == pytest.approx(sent / 450e9)


@pytest.mark.parametrize(("stack", "g"), [("default", 2), ("Megatron-LM", 4)])
@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_data_parallelism_by_hand(stage: int, stack: str, g: int) -> None:
    """Rajbhandari 2020, section 7, with four micro batches: an all-reduce moves the gradients
    twice; sharded ones are reduced in each; sharded weights gathered twice in each."""
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=4, zero_stage=stage)
    row = counted(inputs(LLAMA3_8B, layout, H100, 8, stack))
    assert row.efficiency.gradient_bytes[0] == g
    psi = float(row.dense_parameters[0])
    assert psi == pytest.approx(LLAMA3_8B.count_parameters().total, rel=1e-4)
    bytes_per_parameter = {0: 2 * g, 1: g + 2, 2: 4 * g + 2, 3: 4 * (2 * 2 + g)}[stage]
    by_hand = bytes_per_parameter * psi * 7 / 8 / 450e9
    assert part(row, "data_communication") == pytest.approx(by_hand)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_pipeline_keeps_what_it_gathered_until_the_step_is_over(stage: int) -> None:
    def seconds(steps: int) -> float:
        layout = Layout(
            micro_batch_sequences=1,
            grad_accumulation_steps=steps,
            zero_stage=stage,
            pipeline_parallel=2,
        )
        return part(counted(inputs(LLAMA3_8B, layout, H100, 8)), "data_communication")

    assert seconds(8) == seconds(4) > 0


def test_gradients_of_32_bit_weights_have_32_bits() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=0, precision="fp32")
    row = counted(inputs(TINY, layout, CPU, 2))
    psi = float(row.dense_parameters[0])
    rate = CPU.fast_gb_per_s * 1e9
    assert part(row, "data_communication") == pytest.approx(2 * 4 * psi / 2 / rate)


def test_gradients_hide_behind_the_last_backward_pass() -> None:
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=4)
    row = counted(inputs(LLAMA3_8B, layout, H100, 8))
    hidden = row.with_efficiency(data_exposed=0.0)
    work = sum(part(row, name) for name in ("matmul", "attention", "elementwise")) / 4
    assert 0 < part(row, "data_communication") < work
    assert part(hidden, "data_communication") == 0
    slow = replace(hidden, device=replace(row.device, fast_bytes_per_s=np.array([1e9])))
    exposed = replace(row, device=slow.device)
    assert part(slow, "data_communication") == pytest.approx(
        part(exposed, "data_communication") - work
    )


def test_beyond_a_node_all_its_cards_count() -> None:
    layout = Layout(micro_batch_sequences=1)
    inside, across = (counted(inputs(LLAMA3_8B, layout, H100, n)) for n in (8, 16))
    ratio = part(across, "data_communication") / part(inside, "data_communication")
    assert ratio == pytest.approx((15 / 16) / (7 / 8) * 450 / (8 * 50))


def test_groups_of_a_hybrid_shard_stay_inside_the_node() -> None:
    """Gathers run on the fast links; between the groups go shards of gradients, once a step."""
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=4, zero_stage=3, shard_group=8)
    row = counted(inputs(LLAMA3_8B, layout, H100, 64))
    psi = float(row.dense_parameters[0])
    by_hand = 4 * psi * 6 * 7 / 8 / 450e9  # as in one node
    by_hand += 2 * 2 * psi / 8 * 7 / 8 / 50e9  # an all-reduce of an eighth among eight groups
    assert part(row, "data_communication") == pytest.approx(by_hand)


# Pipelines, optimizer ------------------------------------------------------------------------


@pytest.mark.parametrize("stages", [2, 4, 8, 32])
@pytest.mark.parametrize("pieces", [1, 2])
def test_bubble_of_1f1b(stages: int, pieces: int) -> None:
    """Narayanan 2021, section 2.2: (p − 1)/v micro batches of the fullest stage."""
    layout = Layout(
        micro_batch_sequences=1,
        grad_accumulation_steps=64,
        pipeline_parallel=stages,
        virtual_stages=min(pieces, 32 // stages),
    )
    row = inputs(MIXTRAL, layout, H100, stages).with_efficiency(bubble=1.0)
    parts = row.step().parts()
    computing = ("matmul", "attention", "elementwise", "recompute", "overhead")
    stage_s = sum(parts[name] for name in computing) / 64
    assert parts["pipeline_bubble"] == pytest.approx((stages - 1) / layout.virtual_stages * stage_s)


def test_hand_over_between_stages_by_hand() -> None:
    """An input and a gradient for each piece; the eight ranks of a tensor parallel group send
    an eighth each."""
    layout = Layout(
        micro_batch_sequences=1,
        grad_accumulation_steps=8,
        tensor_parallel=8,
        pipeline_parallel=4,
        virtual_stages=2,
    )
    row = counted(inputs(LLAMA3_8B, layout, H100, 32))
    sent = 8 * 2 * 2 * 8192 * 4096 * 2 / 8
    assert part(row, "pipeline_communication") == pytest.approx(sent / 50e9)


def test_the_fullest_stage_sets_the_pace() -> None:
    """30 layers on 4 stages take as long as 32."""
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=8, pipeline_parallel=4)
    uneven, even = (
        inputs(LLAMA3_8B.with_value("n_layers", n_layers), layout, H100, 4) for n_layers in (30, 32)
    )
    for name in ("matmul", "attention", "elementwise"):
        assert part(uneven, name) == pytest.approx(part(even, name))


def test_the_head_lengthens_the_last_stage() -> None:
    """An imbalance of 1 adds the whole head, and 0 adds its share of an average stage."""
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=8, pipeline_parallel=4)
    row = inputs(LLAMA3_8B, layout, H100, 4)
    whole = 8 * float(output_head(row.with_tokens(8192.0)).matmul[0])
    alone = part(row.with_efficiency(head_imbalance=1.0), "matmul")
    balanced = part(row.with_efficiency(head_imbalance=0.0), "matmul")
    assert alone - balanced == pytest.approx(0.75 * whole)


def test_optimizer_by_hand() -> None:
    sharded = Layout(micro_batch_sequences=1, zero_stage=1)
    whole = Layout(micro_batch_sequences=1, zero_stage=0)
    row = inputs(LLAMA3_8B, sharded, H100, 8).with_efficiency(optimizer_bytes=30.0)
    rate = 3350e9 * row.efficiency.bandwidth_share[0]
    psi = float(row.dense_parameters[0])
    assert part(row, "optimizer") == pytest.approx(psi / 8 * 30 / rate)
    same = inputs(LLAMA3_8B, whole, H100, 8).with_efficiency(optimizer_bytes=30.0)
    assert part(same, "optimizer") == pytest.approx(psi * 30 / rate)


def test_an_optimizer_in_the_hosts_memory_is_slower() -> None:
    """Six bytes a parameter over half of PCIe 4, and 28 through the host's memory."""
    here = Layout(micro_batch_sequences=1)
    away = here.model_copy(update={"offload": "optimizer"})
    row, other = (inputs(LLAMA3_8B, layout, H100, 8) for layout in (here, away))
    psi = float(row.dense_parameters[0])
    more = part(other, "optimizer") - part(row, "optimizer")
    assert more == pytest.approx(psi / 8 * (6 / 12e9 + 28 / 25e9))


def test_gradients_of_micro_batches_are_added_up() -> None:
    """Read and written once for each, where there are several; shards where they are sharded."""
    rate = 3350e9

    def seconds(steps: int, stage: int) -> float:
        layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=steps, zero_stage=stage)
        row = inputs(LLAMA3_8B, layout, H100, 8)
        row = row.with_efficiency(accumulation=1.0, bandwidth_share=1.0)
        psi = float(row.dense_parameters[0])
        return part(row, "accumulation") * rate / psi

    assert seconds(1, 1) == 0
    assert seconds(4, 1) == pytest.approx(4 * 2 * 2)
    assert seconds(4, 3) == pytest.approx(4 * 2 * 2 / 8)
