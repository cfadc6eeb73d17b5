"""Step time worked by hand, part by part, and how it must move."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from engine.evidence.predictions import read_rows
from engine.evidence.sample import Sample
from engine.facts import accelerator
from engine.flops import forward_flops_per_token, linears
from engine.layout import Layout
from engine.paths import DATA_DIR
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.estimate import efficiency_of, estimate, hfu, mfu
from engine.predictor.layers import attention_layer, expert_layer, ffn_layer, output_head
from engine.predictor.memory import device_memory
from engine.predictor.stacks import stacks
from engine.predictor.throughput import StepTime, step_time
from engine.shapes import Experts, ModelShape
from tests.engine.predictor.inputs import Inputs, inputs, without_costs
from tests.engine.shapes import DEEPSEEK_V3, GPT_22B, GPT_175B, LLAMA2_7B, LLAMA3_8B, TINY

H100 = accelerator("H100-80GB")
A100 = accelerator("A100-80GB")
CPU = accelerator("CPU-core")
PARTS = [field.name for field in fields(StepTime)]
COMMUNICATION = [name for name in PARTS if name.endswith("communication")]

MIXTRAL = ModelShape(
    n_layers=32,
    d_model=4096,
    n_heads=32,
    n_kv_heads=8,
    head_dim=128,
    d_ff=14336,
    vocab=32000,
    seq_len_tokens=4096,
    moe=Experts(n_experts=8, top_k=2, d_ff=14336),
)


def counted(row: Inputs) -> Inputs:
    """Return the row without penalties and latencies, at full link rates and without overlap."""
    exposed = {
        f"{kind}_exposed": 1.0 for kind in ("tensor", "context", "expert", "pipeline", "data")
    }
    return row.with_efficiency(
        **without_costs(row.efficiency),
        **exposed,
        fsdp_exposed=1.0,
        fast_link_share=1.0,
        slow_link_share=1.0,
    )


def part(row: Inputs, name: str) -> float:
    return row.step().parts()[name]


# Computing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [LLAMA2_7B, LLAMA3_8B, GPT_22B, DEEPSEEK_V3])
def test_matmuls_by_hand(shape: ModelShape) -> None:
    """Three times the forward FLOPs of all weight matrices, at the rate of large matmuls."""
    layout = Layout(micro_batch_sequences=2, grad_accumulation_steps=3)
    row = counted(inputs(shape, layout, H100)).with_efficiency(expert_matmul_share=1.0)
    tokens = 3 * 2 * shape.seq_len_tokens
    flops = 3 * tokens * sum(linear.flops_per_token for linear in linears(shape))
    assert part(row, "matmul") == pytest.approx(flops / (989e12 * row.efficiency.matmul_share[0]))


def test_attention_by_hand() -> None:
    """The causal half; two matmuls forward and five backward (Dao 2023, section 3)."""
    layout = Layout(micro_batch_sequences=2, grad_accumulation_steps=3)
    row = inputs(LLAMA3_8B, layout, H100)
    tokens = 3 * 2 * 8192
    forward = 32 * 4 * 4096 * 8192 / 2
    by_hand = 3.5 * tokens * forward / (989e12 * row.efficiency.attention_share[0])
    by_hand *= 1 + row.efficiency.attention_half_tokens[0] / 8192
    assert part(row, "attention") == pytest.approx(by_hand)


def test_narrow_heads_are_slower() -> None:
    layout = Layout(micro_batch_sequences=1)
    narrow = LLAMA3_8B.with_values({"head_dim": 64, "n_heads": 64, "n_kv_heads": 16})
    row = inputs(narrow, layout, H100)
    ratio = part(row, "attention") / part(inputs(LLAMA3_8B, layout, H100), "attention")
    assert ratio == pytest.approx(2 ** row.efficiency.head_dim_exponent[0])


def test_unfused_attention_by_hand() -> None:
    """The full square three times, and every score to memory and back."""
    layout = Layout(micro_batch_sequences=4, tensor_parallel=8)
    row = inputs(GPT_22B, layout, A100, 8, "Megatron-LM 2021").with_efficiency(time_factor=1.0)
    efficiency, tokens = row.efficiency, 4 * 2048
    square = 3 * tokens * 48 * 4 * 6144 * 2048 / 8
    width = (96 / 128) ** efficiency.head_dim_exponent[0]
    scores = tokens * 48 * 64 / 8 * 2048
    by_hand = square / (312e12 * efficiency.attention_share[0] * width)
    by_hand += scores * efficiency.score_bytes[0] / (2039e9 * efficiency.bandwidth_share[0])
    assert part(row, "attention") == pytest.approx(by_hand)


def test_heads_that_are_no_multiple_of_8_are_slow_where_attention_is_unfused() -> None:
    layout = Layout(micro_batch_sequences=1)
    odd = GPT_175B.with_values({"n_heads": 98, "n_kv_heads": 98, "head_dim": 124})
    even = GPT_175B.with_values({"n_heads": 98, "n_kv_heads": 98, "head_dim": 128})

    def seconds(shape: ModelShape) -> float:
        row = inputs(shape, layout, A100, 1, "Megatron-LM 2021")
        return part(row.with_efficiency(score_bytes=0.0, head_dim_exponent=0.0), "attention") / (
            shape.head_dim
        )

    efficiency = inputs(odd, layout, A100, 1, "Megatron-LM 2021").efficiency
    assert seconds(odd) / seconds(even) == pytest.approx(efficiency.misaligned_heads[0])


def test_small_matmuls_are_slower_by_their_three_sides() -> None:
    """Time × (1 + c·(1/m + 1/k + 1/n)), here of the output head: 4096 × 128256."""
    layout = Layout(micro_batch_sequences=1)

    def head_s(penalty: float) -> float:
        row = inputs(LLAMA3_8B, layout, H100).with_efficiency(size_penalty=penalty)
        return float(output_head(row.with_tokens(512.0)).matmul[0])

    expected = 1 + 300.0 * (1 / 512 + 1 / 4096 + 1 / 128_256)
    assert head_s(300.0) / head_s(0.0) == pytest.approx(expected)


def test_widths_that_fill_no_whole_tiles_are_slower() -> None:
    layout = Layout(micro_batch_sequences=1)
    even = inputs(LLAMA3_8B, layout, H100)
    odd = inputs(LLAMA3_8B.with_value("vocab", 128_257), layout, H100)
    ratio = odd.efficiency.misaligned[0] * 128_257 / 128_256
    tokens = 8192.0
    assert output_head(odd.with_tokens(tokens)).matmul / output_head(
        even.with_tokens(tokens)
    ).matmul == pytest.approx(ratio, rel=1e-4)


def test_elementwise_by_hand() -> None:
    """Bytes over bandwidth: norms, residuals and projections 6·d and 4·(d + 2·d_kv) beside
    attention; 6·d and, gated, 8·d_ff beside the FFN; logits; 2 bytes a value."""
    row = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1), H100)
    efficiency = row.efficiency
    values = 6 * 4096 + 4 * (4096 + 2 * 1024) + 6 * 4096 + 8 * 14336
    moved = 32 * efficiency.elementwise[0] * 2 * values + 128_256 * efficiency.logit_bytes[0]
    rate = 3350e9 * efficiency.bandwidth_share[0]
    assert part(row, "elementwise") == pytest.approx(8192 * moved / rate)


def test_8_bits_speed_up_the_linear_layers_and_nothing_else() -> None:
    bf16 = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1), H100)
    fp8 = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1, precision="fp8"), H100)
    assert part(fp8, "attention") == part(bf16, "attention")
    tokens = 8192.0
    assert output_head(fp8.with_tokens(tokens)) == output_head(bf16.with_tokens(tokens))
    sixteen, eight = (ffn_layer(row.with_tokens(tokens)).matmul[0] for row in (bf16, fp8))
    assert (
        1.5
        < sixteen / eight
        <= 1979 / 989 * fp8.efficiency.matmul_share[0] / (bf16.efficiency.matmul_share[0])
    )
    # Values are cast on their way, which takes memory traffic; activations stay in 16 bits.
    assert part(fp8, "elementwise") > part(bf16, "elementwise")
    assert fp8.memory().activations == bf16.memory().activations


def test_casting_by_hand() -> None:
    """Two bytes read and one written, for the matmul and its gradient: 3 bytes a value."""
    fp8 = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1, precision="fp8"), H100)
    cast, none = (fp8.with_efficiency(cast=passes) for passes in (1.0, 0.0))
    values = (4096 + 4096 + 2 * 1024) + (4096 + 4096) + (2 * 4096 + 3 * 14336)
    by_hand = 8192 * 32 * 3 * values / (3350e9 * fp8.efficiency.bandwidth_share[0])
    assert part(cast, "elementwise") - part(none, "elementwise") == pytest.approx(by_hand)


def test_experts_compute_what_is_sent_to_them() -> None:
    """The FLOPs do not depend on the spread of the experts; smaller matmuls are slower."""
    tokens = 4096.0
    for degree in (1, 4, 8):
        layout = Layout(micro_batch_sequences=1, expert_parallel=degree)
        row = counted(inputs(MIXTRAL, layout, H100, 8)).with_efficiency(expert_matmul_share=1.0)
        flops = 3 * 2 * 4096 * 2 * 3 * 4096 * 14336
        assert expert_layer(row.with_tokens(tokens)).matmul == pytest.approx(
            flops / (989e12 * row.efficiency.matmul_share)
        )

    def matmul_s(context: StepContext) -> float:
        return float(expert_layer(context).matmul[0])

    few = Layout(micro_batch_sequences=1)
    penalised = counted(inputs(MIXTRAL, few, H100)).with_efficiency(size_penalty=300.0)
    plain = counted(inputs(MIXTRAL, few, H100))
    lost = [
        matmul_s(penalised.with_tokens(t)) / matmul_s(plain.with_tokens(t)) for t in (64.0, 4096.0)
    ]
    assert lost[0] > lost[1] > 1


def test_each_expert_computes_the_tokens_of_its_whole_group() -> None:
    """Eight devices with an expert each: 2 of 8 choices of 8 × 4096 tokens are 8192 for each;
    alone with all eight experts, 1024 for each."""
    for degree, per_expert in ((8, 8_192), (1, 1_024)):
        layout = Layout(micro_batch_sequences=1, expert_parallel=degree)
        plain = counted(inputs(MIXTRAL, layout, H100, 8)).with_efficiency(expert_matmul_share=1.0)
        slowed = plain.with_efficiency(size_penalty=100.0)
        slowed_s, plain_s = (
            expert_layer(row.with_tokens(4096.0)).matmul for row in (slowed, plain)
        )
        sides = [
            (matrix, 1 / per_expert + 1 / 4096 + 1 / width)
            for matrix, width in ((2, 2 * 14_336), (1, 14_336))  # gate and up as one; down
        ]
        expected = 1 + 100 * sum(weight * side for weight, side in sides) / 3
        assert slowed_s / plain_s == pytest.approx(expected)


@pytest.mark.parametrize("shape", [LLAMA2_7B, DEEPSEEK_V3, MIXTRAL])
def test_tensor_parallelism_divides_all_matmuls(shape: ModelShape) -> None:
    """Narrow latent vectors too: their matrices are whole on each device, but its tokens are
    an eighth."""
    whole, split = (
        counted(inputs(shape, Layout(micro_batch_sequences=1, tensor_parallel=tp), H100, 8))
        for tp in (1, 8)
    )
    assert part(split, "matmul") == pytest.approx(part(whole, "matmul") / 8)
    assert part(split, "attention") == pytest.approx(part(whole, "attention") / 8)


def test_the_host_is_what_counts_where_the_device_is_faster() -> None:
    """A smooth maximum of launching and computing, layer by layer."""
    row = inputs(TINY, Layout(micro_batch_sequences=1), H100)

    def both(host_s: float) -> float:
        parts = row.with_efficiency(layer_host_s=host_s).step().parts()
        return parts["overhead"]

    assert both(0.0) == pytest.approx(0)
    assert both(10.0) == pytest.approx(2 * 10.0, rel=1e-3)  # two layers, launching is all
    few = row.with_tokens(64.0)
    layer_s = float((attention_layer(few).total + ffn_layer(few).total)[0])
    assert both(layer_s) == pytest.approx(2 * layer_s * (2 ** (1 / 3) - 1))


# Recomputation -------------------------------------------------------------------------------


def test_full_checkpointing_adds_a_forward_pass_without_the_head() -> None:
    none = Layout(micro_batch_sequences=1, grad_accumulation_steps=2)
    full = none.model_copy(update={"activation_checkpointing": "full"})
    before, after = (inputs(LLAMA3_8B, layout, H100, 8) for layout in (none, full))
    parts = before.step().parts()
    head = output_head(before.with_tokens(8192.0))
    linear = parts["matmul"] + parts["elementwise"] + parts["overhead"]
    linear -= 2 * float((head.matmul + head.elementwise)[0])
    by_hand = linear / 3 + parts["attention"] / 3.5
    assert part(after, "recompute") == pytest.approx(by_hand)
    changed = {name for name in PARTS if part(after, name) != parts[name]}
    assert changed == {"recompute"} | ({"data_communication"} & changed)


def test_full_checkpointing_repeats_communication_of_the_forward_pass() -> None:
    """Half of a layer's collectives, of its all-to-alls too."""
    none = Layout(micro_batch_sequences=1, tensor_parallel=2, expert_parallel=8)
    full = none.model_copy(update={"activation_checkpointing": "full"})
    before, after = (counted(inputs(MIXTRAL, layout, H100, 8)) for layout in (none, full))
    assert part(after, "tensor_communication") == pytest.approx(
        1.5 * part(before, "tensor_communication")
    )
    free = after.with_efficiency(expert_exposed=0.0)
    repeated = part(after, "recompute") - part(free, "recompute")
    assert repeated == pytest.approx(part(before, "expert_communication") / 2)


def test_selective_checkpointing_repeats_what_the_software_chose() -> None:
    layout = Layout(micro_batch_sequences=1, activation_checkpointing="selective")
    # Scores, where they were written down; a fused kernel computes them again anyway.
    unfused = inputs(GPT_22B, layout, A100, 1, "Megatron-LM 2021")
    assert part(unfused, "recompute") == pytest.approx(part(unfused, "attention") / 3)
    assert part(inputs(GPT_22B, layout, A100, 1, "Megatron-LM"), "recompute") == 0
    # torchtitan saves every other matmul.
    half = inputs(LLAMA3_8B, layout, H100, 1, "torchtitan")
    head = output_head(half.with_tokens(8192.0))
    by_hand = (part(half, "matmul") - head.matmul[0]) / 6
    by_hand += (part(half, "elementwise") - head.elementwise[0]) / 3
    assert part(half, "recompute") == pytest.approx(by_hand)


# Communication -------------------------------------------------------------------------------


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


# As a whole ----------------------------------------------------------------------------------

LAYOUTS = [
    Layout(micro_batch_sequences=2, grad_accumulation_steps=4, zero_stage=3),
    Layout(micro_batch_sequences=1, grad_accumulation_steps=8, tensor_parallel=8),
    Layout(
        micro_batch_sequences=1,
        grad_accumulation_steps=16,
        tensor_parallel=2,
        pipeline_parallel=4,
        virtual_stages=2,
        expert_parallel=4,
        activation_checkpointing="full",
    ),
    Layout(micro_batch_sequences=1, grad_accumulation_steps=2, context_parallel=8),
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parts_add_up(layout: Layout) -> None:
    step = inputs(MIXTRAL, layout, H100, 64).step()
    assert sum(step.parts().values()) == pytest.approx(float(step.total[0]))
    assert min(step.parts().values()) >= 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_twice_the_micro_batches_take_twice_as_long(layout: Layout) -> None:
    """The bubble and the optimizer are exceptions, since they occur once a step."""
    twice = layout.model_copy(
        update={"grad_accumulation_steps": 2 * layout.grad_accumulation_steps}
    )
    once_s, twice_s = (
        inputs(MIXTRAL, either, H100, 64).step().parts() for either in (layout, twice)
    )
    once_a_step = {"pipeline_bubble", "optimizer", "data_communication"}
    for name in PARTS:
        if name not in once_a_step:
            assert twice_s[name] == pytest.approx(2 * once_s[name]), name
    for name in ("pipeline_bubble", "optimizer"):
        assert twice_s[name] == pytest.approx(once_s[name]), name
    assert twice_s["data_communication"] <= 2 * once_s["data_communication"] * (1 + 1e-12)


def test_the_stacks_factor_is_of_everything() -> None:
    row = inputs(MIXTRAL, LAYOUTS[2], H100, 64).with_efficiency(time_factor=1.0)
    slower = row.with_efficiency(time_factor=1.25)
    for name in PARTS:
        assert part(slower, name) == pytest.approx(1.25 * part(row, name)), name


FASTER = {
    "matmul_share": 1.1,
    "attention_share": 1.1,
    "bandwidth_share": 1.1,
    "fast_link_share": 1.1,
    "slow_link_share": 1.1,
    "expert_matmul_share": 1.1,
    "size_penalty": 0.9,
    "misaligned": 0.9,
    "elementwise": 0.9,
    "tensor_exposed": 0.9,
    "expert_exposed": 0.9,
    "data_exposed": 0.9,
    "fsdp_exposed": 0.9,
    "pipeline_exposed": 0.9,
    "bubble": 0.9,
    "layer_host_s": 0.9,
    "moe_host_s": 0.9,
    "optimizer_bytes": 0.9,
    "permute_passes": 0.9,
    "logit_bytes": 0.9,
    "collective_latency_s": 0.9,
}


@pytest.mark.parametrize("name", FASTER)
def test_no_step_is_slower_on_a_better_machine(name: str) -> None:
    moved = False
    for shape, layout in [(LLAMA2_7B, LAYOUTS[1]), *((MIXTRAL, layout) for layout in LAYOUTS)]:
        row = inputs(shape, layout, H100, 64)
        better = row.with_efficiency(
            **{name: float(getattr(row.efficiency, name)[0]) * FASTER[name]}
        )
        before_s, after_s = (float(each.step().total[0]) for each in (row, better))
        assert after_s <= before_s
        moved |= after_s < before_s
    assert moved, "no step depends on it"


@given(
    n_layers=st.integers(1, 12).map(lambda n: 8 * n),
    micro_batch=st.integers(1, 8),
    steps=st.integers(1, 8),
    tensor=st.sampled_from([1, 2, 4, 8]),
    stages=st.sampled_from([1, 2, 4, 8]),
    zero_stage=st.integers(0, 3),
    checkpointing=st.sampled_from(["none", "selective", "full"]),
    grows=st.sampled_from(["n_layers", "d_ff", "vocab", "seq_len_tokens", "micro", "steps"]),
)
def test_more_work_takes_longer(
    n_layers: int,
    micro_batch: int,
    steps: int,
    tensor: int,
    stages: int,
    zero_stage: int,
    checkpointing: str,
    grows: str,
) -> None:
    layout = Layout.parse(
        {
            "micro_batch_sequences": micro_batch,
            "grad_accumulation_steps": steps,
            "tensor_parallel": tensor,
            "pipeline_parallel": stages,
            "zero_stage": zero_stage,
            "activation_checkpointing": checkpointing,
        }
    )
    shape = LLAMA2_7B.model_copy(update={"n_layers": n_layers})
    more_shape, more_layout = shape, layout
    if grows == "micro":
        more_layout = layout.model_copy(update={"micro_batch_sequences": 2 * micro_batch})
    elif grows == "steps":
        more_layout = layout.model_copy(update={"grad_accumulation_steps": 2 * steps})
    else:
        more_shape = shape.model_copy(update={grows: 2 * getattr(shape, grows)})
    row = inputs(shape, layout, H100, 64)
    more = inputs(more_shape, more_layout, H100, 64)
    assert more.step().total > row.step().total
    if grows != "steps":
        assert more.memory().total > row.memory().total
    else:  # a pipeline keeps more in flight, up to its stages
        assert more.memory().total >= row.memory().total


def test_no_step_beats_the_peak() -> None:
    for shape, device, precision in ((LLAMA3_8B, H100, "bf16"), (TINY, CPU, "fp32")):
        layout = Layout(micro_batch_sequences=4, precision=precision)
        step_s = estimate(shape, layout, device, 1).step_s
        tokens_per_s = 4 * shape.seq_len_tokens / step_s
        assert 0.01 < mfu(shape, layout, device, tokens_per_s) < 0.8


def test_mfu_by_hand() -> None:
    """Llama-3 8B at 10,000 tokens/s on an H100, with PaLM's 6·N + 12·L·H·Q·T."""
    layout = Layout(micro_batch_sequences=1, activation_checkpointing="full")
    weights = 8_030_261_248 - 128_256 * 4096 - 65 * 4096
    per_token = 6 * weights + 12 * 32 * 4096 * 8192
    assert mfu(LLAMA3_8B, layout, H100, 1e4) == pytest.approx(1e4 * per_token / 989e12)
    again = forward_flops_per_token(LLAMA3_8B) - 2 * 4096 * 128_256
    assert hfu(LLAMA3_8B, layout, H100, 1e4) == pytest.approx(1e4 * (per_token + again) / 989e12)
    plain = layout.model_copy(update={"activation_checkpointing": "none"})
    assert hfu(LLAMA3_8B, plain, H100, 1e4) == mfu(LLAMA3_8B, plain, H100, 1e4)


def test_a_precision_that_the_device_lacks() -> None:
    with pytest.raises(InputError, match=r"layout\.precision: bf16 .* fp32 only"):
        estimate(TINY, Layout(micro_batch_sequences=1, precision="bf16"), CPU, 1)


def test_an_impossible_layout_is_refused() -> None:
    with pytest.raises(InputError, match="tensor_parallel: 3"):
        estimate(LLAMA3_8B, Layout(micro_batch_sequences=1, tensor_parallel=3), H100, 3)


# Many at a time ------------------------------------------------------------------------------


def test_every_measured_run_alone_is_as_among_all_others() -> None:
    """Nothing that one row is may show in another: other shapes, experts or none, latent
    attention or not, pipelines, precisions, machines and software."""
    rows = read_rows(DATA_DIR / "measured_throughput.csv")
    sample = Sample.read(rows)
    together = sample.predict()
    memory = device_memory(sample.context())
    assert together.tokens_per_s.shape == (len(rows),)
    for number, run in enumerate(sample.runs):
        row = inputs(
            run.shape,
            run.layout,
            run.device,
            run.n_devices,
            run.stack,
            year=run.year,
            power_share=run.power_share,
        )
        assert together.step.parts(number) == pytest.approx(row.step().parts(), rel=1e-12)
        assert memory.parts(number) == pytest.approx(row.memory().parts(), rel=1e-12)


def test_one_shape_beside_many_layouts() -> None:
    """A single shape, device and stack broadcast over all layouts, as in a search."""
    context = StepContext(
        shape=ShapeColumns.of([MIXTRAL]),
        layout=LayoutColumns.of(LAYOUTS, [64] * len(LAYOUTS)),
        device=DeviceColumns.of([H100], ["bf16"]),
        efficiency=efficiency_of(H100, LAYOUTS[0], stacks()["default"]),
    )
    step, memory = step_time(context), device_memory(context)
    for number, layout in enumerate(LAYOUTS):
        row = estimate(MIXTRAL, layout, H100, 64)
        assert step.parts(number) == pytest.approx(row.step_parts_s, rel=1e-12)
        assert memory.parts(number) == pytest.approx(row.memory_parts_bytes, rel=1e-12)


def test_some_rows_are_taken_of_columns() -> None:
    shapes = ShapeColumns.of([LLAMA3_8B, DEEPSEEK_V3, TINY])
    picked = shapes.take(np.array([True, False, True]))
    again = ShapeColumns.of([LLAMA3_8B, TINY])
    assert picked.d_model.tolist() == again.d_model.tolist()
    assert picked.attention[0].n_out.tolist() == again.attention[0].n_out.tolist()
    assert len(picked.attention) == 4  # of latent attention, empty for these
    assert picked.attention[3].n_in.tolist() == [0, 0]
