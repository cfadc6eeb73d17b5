"""Memory against the figures printed in the ZeRO paper, and the shape of the activations."""

import pytest

from engine.facts import accelerator
from engine.layout import Layout
from engine.memory import device_memory
from engine.shapes import ModelShape
from tests.engine.shapes import LLAMA3_8B

H100 = accelerator("H100-80GB")
# A shape of 7.5 billion parameters, as in figure 1 of Rajbhandari 2020 (Ψ = 7.5B, N_d = 64).
PSI_7_5B = ModelShape(
    family="gpt2", n_layers=36, d_model=4096, n_heads=32, n_kv_heads=32, head_dim=128,
    d_ff=16384, vocab=50257, seq_len_tokens=1024, tied_embeddings=True,
)  # fmt: skip


@pytest.mark.parametrize(("stage", "published_gb"), [(0, 120), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_zero_paper_figure_1(stage: int, published_gb: float) -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=stage, precision="fp16")
    memory = device_memory(PSI_7_5B, layout, H100, n_devices=64)
    states = memory.weights + memory.gradients + memory.optimizer
    parameters = PSI_7_5B.count_parameters().total
    assert states * 7.5e9 / parameters / 1e9 == pytest.approx(published_gb, rel=0.02)


def test_fp32_keeps_no_second_copy() -> None:
    layout = Layout(micro_batch_sequences=1, zero_stage=0, precision="fp32")
    memory = device_memory(LLAMA3_8B, layout, H100, 1)
    parameters = LLAMA3_8B.count_parameters().total
    assert memory.weights + memory.gradients + memory.optimizer == 16 * parameters


def test_checkpointing_keeps_one_vector_a_layer() -> None:
    full = Layout(micro_batch_sequences=2, activation_checkpointing="full")
    none = full.model_copy(update={"activation_checkpointing": "none"})
    with_it = device_memory(LLAMA3_8B, full, H100, 8).activations
    without = device_memory(LLAMA3_8B, none, H100, 8).activations
    one_layer = without / LLAMA3_8B.n_layers
    kept = LLAMA3_8B.n_layers * 2 * LLAMA3_8B.d_model * 2 * LLAMA3_8B.seq_len_tokens
    assert with_it == pytest.approx(kept + one_layer)


def test_parts_add_up() -> None:
    memory = device_memory(LLAMA3_8B, Layout(micro_batch_sequences=1), H100, 8)
    assert memory.total == pytest.approx(sum(memory.parts().values()))
    assert min(memory.parts().values()) > 0
