"""Compute parts of a step against calculations by hand: matmuls, attention, casts, experts."""

import pytest

from engine.flops import linears
from engine.layout import Layout
from engine.predictor.context import StepContext
from engine.predictor.layers import attention_layer, expert_layer, ffn_layer, output_head
from engine.shapes import ModelShape
from tests.engine.predictor.inputs import inputs
from tests.engine.predictor.step_parts import A100, H100, MIXTRAL, PARTS, counted, part
from tests.engine.shapes import DEEPSEEK_V3, GPT_22B, GPT_175B, LLAMA2_7B, LLAMA3_8B, TINY


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
