"""Properties that every step time has, and step times of measured runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from engine.evidence.predictions import read_rows
from engine.evidence.sample import Sample
from engine.flops import forward_flops_per_token
from engine.layout import Layout
from engine.paths import DATA_DIR
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.estimate import efficiency_of, estimate, hfu, mfu
from engine.predictor.memory import device_memory
from engine.predictor.stacks import stacks
from engine.predictor.throughput import step_time
from tests.engine.predictor.inputs import inputs
from tests.engine.predictor.step_parts import CPU, H100, MIXTRAL, PARTS, part
from tests.engine.shapes import DEEPSEEK_V3, LLAMA2_7B, LLAMA3_8B, TINY

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
