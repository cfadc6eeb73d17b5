"""Memory against figures printed in papers, and against a simulated schedule."""

import numpy as np
import pytest

from engine.facts import accelerator
from engine.layout import Layout
from engine.predictor.efficiency import LOGIT_MEMORY_BYTES
from engine.predictor.timeline import PipelineStep, simulate
from engine.shapes import Experts, ModelShape
from tests.engine.predictor.inputs import Inputs, inputs
from tests.engine.shapes import DEEPSEEK_V3, GPT_7_5B, GPT_22B, LLAMA3_8B

H100 = accelerator("H100-80GB")
A100 = accelerator("A100-80GB")
UNFUSED = "Megatron-LM 2021"


def states_bytes(row: Inputs) -> float:
    """Weights, gradients and optimizer, without what FSDP gathers of them."""
    memory, layout = row.memory(), row.layout
    own = row.dense_parameters + row.expert_parameters
    gathered = layout.zero_stage[0] == 3 and layout.pp[0] == 1
    layers = 2 * layout.value_bytes * own / row.shape.n_layers if gathered else np.zeros(1)
    return float((memory.weights - layers + memory.gradients + memory.optimizer)[0])


@pytest.mark.parametrize(("stage", "published_gb"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_zero_paper_figure_1(stage: int, published_gb: float) -> None:
    """Rajbhandari 2020, figure 1: Ψ = 7.5 billion in fp16 on N_d = 64, K = 12."""
    layout = Layout(micro_batch_sequences=1, zero_stage=stage, precision="fp16")
    row = inputs(GPT_7_5B, layout, H100, 64, "DeepSpeed")
    assert row.efficiency.gradient_bytes[0] == 2
    psi = float(row.dense_parameters[0])
    divisors = [64 if stage >= sharded_from else 1 for sharded_from in (3, 2, 1)]
    weights, gradients, optimizer = divisors
    exact = psi * (2 / weights + 2 / gradients + 12 / optimizer)
    assert states_bytes(row) == pytest.approx(exact, rel=1e-12)
    assert exact * 7.5 / psi == pytest.approx(published_gb, abs=0.05)


@pytest.mark.parametrize("shape", [GPT_7_5B, LLAMA3_8B, DEEPSEEK_V3])
def test_one_device_holds_every_parameter(shape: ModelShape) -> None:
    """All but norms and biases, and routers, which are below a thousandth."""
    row = inputs(shape, Layout(micro_batch_sequences=1), H100)
    held = row.dense_parameters + row.expert_parameters
    assert held[0] == pytest.approx(shape.count_parameters().total, rel=1e-3)


def test_fp32_keeps_no_second_copy() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=0, precision="fp32")
    row = inputs(LLAMA3_8B, layout, accelerator("CPU-core"))
    parameters = LLAMA3_8B.count_parameters().total
    assert states_bytes(row) == pytest.approx(16 * parameters, rel=1e-4)


def test_gradients_in_32_bits_where_the_software_keeps_them_so() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=0)
    row = inputs(GPT_7_5B, layout, H100, 8, "Megatron-LM")
    psi = float(row.dense_parameters[0])
    assert states_bytes(row) == pytest.approx(18 * psi, rel=1e-12)


def test_fully_sharded_weights_are_gathered_two_layers_at_a_time() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=3)
    row = inputs(GPT_7_5B, layout, H100, 64)
    psi = row.dense_parameters
    assert row.memory().weights == pytest.approx(2 * psi / 64 + 2 * 2 * psi / 36)


def test_a_pipeline_keeps_weights_and_gradients_whole() -> None:
    def states(stage: int) -> float:
        layout = Layout(
            micro_batch_sequences=1,
            grad_accumulation_steps=8,
            zero_stage=stage,
            pipeline_parallel=4,
        )
        return states_bytes(inputs(GPT_7_5B, layout, H100, 64))

    assert states(3) == states(2) == states(1) < states(0)


def test_groups_of_a_hybrid_shard_are_replicas() -> None:
    whole = Layout(micro_batch_sequences=1, zero_stage=3)
    in_groups = whole.model_copy(update={"shard_group": 8})
    grouped = states_bytes(inputs(GPT_7_5B, in_groups, H100, 64))
    assert grouped == pytest.approx(8 * states_bytes(inputs(GPT_7_5B, whole, H100, 64)))
    assert grouped == pytest.approx(states_bytes(inputs(GPT_7_5B, whole, H100, 8)))


def test_context_parallel_devices_share_states_too() -> None:
    """They hold the same weights, as data parallel ones do."""
    plain = Layout(micro_batch_sequences=1, zero_stage=3)
    context = plain.model_copy(update={"context_parallel": 4})
    assert states_bytes(inputs(GPT_7_5B, context, H100, 64)) == pytest.approx(
        states_bytes(inputs(GPT_7_5B, plain, H100, 64))
    )


def test_offload_leaves_the_optimizer_to_the_host() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=2)
    here = inputs(GPT_7_5B, layout, H100, 8).memory()
    away = inputs(GPT_7_5B, layout.model_copy(update={"offload": "optimizer"}), H100, 8).memory()
    assert away.optimizer == 0
    assert here.optimizer > 0
    for part in ("weights", "gradients", "activations", "logits"):
        assert getattr(away, part) == getattr(here, part)


# Activations ---------------------------------------------------------------------------------


def activations_of(shape: ModelShape, layout: Layout, n_devices: int, stack: str) -> float:
    """Return the activations of the fullest stage in bytes, with no second copy of any."""
    row = inputs(shape, layout, A100, n_devices, stack).with_efficiency(activation_copies=1.0)
    return float(row.memory().activations[0])


@pytest.mark.parametrize("tensor", [1, 2, 8])
def test_korthikanti_2022_equations_1_and_2(tensor: int) -> None:
    """A layer keeps sbh·(34 + 5·a·s/h) bytes, of which tensor parallelism leaves 10 whole.

    Two of the ten are the dropout masks behind attention and the feed-forward network: without
    dropout there, 32 and 8.
    """
    s, b, h, a = 2048, 4, 6144, 64
    layout = Layout(micro_batch_sequences=b, tensor_parallel=tensor)
    by_hand = 48 * s * b * h * (8 + 24 / tensor + 5 * a * s / (h * tensor))
    assert activations_of(GPT_22B, layout, tensor, UNFUSED) == pytest.approx(by_hand)


def test_korthikanti_2022_equation_4_sequence_parallelism() -> None:
    s, b, h = 2048, 4, 6144
    layout = Layout(micro_batch_sequences=b, tensor_parallel=8)
    assert activations_of(GPT_22B, layout, 8, "Megatron-LM") == pytest.approx(
        48 * s * b * h * 32 / 8
    )


def test_korthikanti_2022_equation_6_selective_recomputation() -> None:
    """It spares the scores, which fused attention never writes down."""
    s, b, h = 2048, 4, 6144
    layout = Layout(micro_batch_sequences=b, activation_checkpointing="selective")
    assert activations_of(GPT_22B, layout, 1, UNFUSED) == pytest.approx(48 * s * b * h * 32)
    none = layout.model_copy(update={"activation_checkpointing": "none"})
    assert activations_of(GPT_22B, none, 1, "Megatron-LM") == pytest.approx(48 * s * b * h * 32)


@pytest.mark.parametrize(("stack", "spread"), [("Megatron-LM", 8), (UNFUSED, 1)])
def test_full_checkpointing_keeps_2sbh_a_layer(stack: str, spread: int) -> None:
    """One further layer is in memory while it is recomputed."""
    s, b, h = 2048, 4, 6144
    full = Layout(micro_batch_sequences=b, tensor_parallel=8, activation_checkpointing="full")
    none = full.model_copy(update={"activation_checkpointing": "none"})
    one_layer = activations_of(GPT_22B, none, 8, stack) / 48
    by_hand = 48 * 2 * s * b * h / spread + one_layer
    assert activations_of(GPT_22B, full, 8, stack) == pytest.approx(by_hand)


def test_gated_networks_and_grouped_keys_by_hand() -> None:
    """Llama-3 8B: norms 4·d; queries 4096, keys and values 1024 each, output 4096; gate, up and
    their product 14336 each; two bytes a value."""
    values = 4 * 4096 + (4096 + 2 * 1024 + 4096) + 3 * 14336
    layout = Layout(micro_batch_sequences=2)
    assert activations_of(LLAMA3_8B, layout, 1, "Megatron-LM") == pytest.approx(
        32 * 2 * 8192 * 2 * values
    )


def test_context_parallel_devices_keep_their_part_of_a_sequence() -> None:
    layout = Layout(micro_batch_sequences=1)
    split = layout.model_copy(update={"context_parallel": 4})
    assert activations_of(LLAMA3_8B, split, 4, "Megatron-LM") == pytest.approx(
        activations_of(LLAMA3_8B, layout, 1, "Megatron-LM") / 4
    )


def test_logits_by_hand() -> None:
    layout = Layout(micro_batch_sequences=2, tensor_parallel=8)
    logits = inputs(LLAMA3_8B, layout, H100, 8).memory().logits
    assert logits == pytest.approx(LOGIT_MEMORY_BYTES * 2 * 8192 * 128_256 / 8)


# Pipelines -----------------------------------------------------------------------------------


def in_flight(stages: int, micro_batches: int, pieces: int, stage: int) -> float:
    """Micro batches that a stage has sent forward and not yet backward, at most: counted in the
    simulated schedule."""
    step = PipelineStep(
        stages=stages,
        micro_batches=micro_batches,
        virtual_stages=pieces,
        forward_s=1.0,
        backward_s=2.0,
    )
    computed = sorted(
        (
            event
            for event in simulate(step).events
            if event.stage == stage and event.track == "compute"
        ),
        key=lambda row: row.start_s,
    )
    kept = np.cumsum([1 if event.name == "forward" else -1 for event in computed])
    return float(kept.max()) / pieces


def pipelined(stages: int, micro_batches: int, pieces: int, stage: int) -> float:
    """Activations of a pipeline's stage over those of one micro batch there."""
    layout = Layout(
        micro_batch_sequences=1,
        grad_accumulation_steps=micro_batches,
        pipeline_parallel=stages,
        virtual_stages=pieces,
    )
    # Logits on the last stage make it the fullest; without them the first one is.
    shape = GPT_7_5B.with_value("vocab", 64 if stage == 0 else 9_000_000)
    one_stage = activations_of(shape, Layout(micro_batch_sequences=1), 1, UNFUSED) / stages
    return activations_of(shape, layout, stages, UNFUSED) / one_stage


@pytest.mark.parametrize("end", [0, -1], ids=["first stage", "last stage"])
@pytest.mark.parametrize(
    ("stages", "micro_batches", "pieces"),
    [(4, 16, 1), (4, 2, 1), (4, 16, 3), (4, 4, 3), (6, 18, 2), (12, 12, 3), (12, 48, 3)],
)
def test_a_stage_keeps_what_the_schedule_has_in_flight(
    stages: int, micro_batches: int, pieces: int, end: int
) -> None:
    expected = in_flight(stages, micro_batches, pieces, end % stages)
    assert pipelined(stages, micro_batches, pieces, end) == pytest.approx(expected)


@pytest.mark.parametrize(("stages", "pieces"), [(4, 3), (6, 2), (12, 3)])
def test_interleaving_keeps_more(stages: int, pieces: int) -> None:
    """Korthikanti 2022, section 4.2.3: 1 + (p − 1)/(p·m) times as much."""
    more = pipelined(stages, 8 * stages, pieces, 0) / pipelined(stages, 8 * stages, 1, 0)
    assert more == pytest.approx(1 + (stages - 1) / (stages * pieces))


def test_a_stage_holds_embedding_or_head() -> None:
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=4, pipeline_parallel=4)
    row = inputs(LLAMA3_8B, layout, H100, 4)
    count = LLAMA3_8B.count_parameters()
    stage = (count.attention + count.ffn) / 4 + count.token_embedding
    assert row.dense_parameters == pytest.approx(stage)


# Experts -------------------------------------------------------------------------------------

SOME_EXPERTS = ModelShape(
    n_layers=4,
    d_model=1024,
    n_heads=8,
    n_kv_heads=8,
    head_dim=128,
    d_ff=4096,
    vocab=32_000,
    seq_len_tokens=2048,
    moe=Experts(n_experts=16, top_k=2, d_ff=512, n_shared_experts=1, n_dense_layers=1),
)


def test_experts_are_spread_and_the_rest_is_not() -> None:
    one_expert = 3 * 1024 * 512
    layout = Layout(micro_batch_sequences=1, expert_parallel=8)
    row = inputs(SOME_EXPERTS, layout, H100, 8)
    assert row.expert_parameters == 3 * 16 / 8 * one_expert
    dense = 4 * 4 * 1024**2 + 3 * 1024 * 4096 + 3 * one_expert + 2 * 32_000 * 1024
    assert row.dense_parameters == dense


def test_leading_dense_layers_leave_the_last_stage_all_its_experts() -> None:
    layout = Layout(micro_batch_sequences=1, grad_accumulation_steps=4, pipeline_parallel=2)
    row = inputs(SOME_EXPERTS, layout, H100, 2)
    assert row.expert_parameters == 2 * 16 * 3 * 1024 * 512


def test_experts_keep_what_was_sent_to_them() -> None:
    """Experts also keep 2·top_k inputs and outputs, and inner values of active experts."""
    values = 4 * 1024 + 4 * 1024
    dense, routed = 3 * 4096, 3 * (2 + 1) * 512 + 2 * 2 * 1024
    layout = Layout(micro_batch_sequences=1)
    assert activations_of(SOME_EXPERTS, layout, 1, "Megatron-LM") == pytest.approx(
        2048 * 2 * (4 * values + dense + 3 * routed)
    )


def test_parts_add_up() -> None:
    memory = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1), H100, 8).memory()
    assert memory.total == pytest.approx(sum(memory.parts().values()))
    assert min(memory.parts().values()) > 0


def test_what_the_allocator_holds_grows_with_what_is_used() -> None:
    row = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1), H100, 8)
    memory = row.with_efficiency(runtime_gb=3.0, allocator_slack=0.1).memory()
    used = memory.total - memory.runtime
    assert memory.runtime == pytest.approx(3e9 + 0.1 * used)
