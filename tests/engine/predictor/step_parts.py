"""Inputs and helpers for tests of the parts of a step."""

from dataclasses import fields

from engine.facts import accelerator
from engine.predictor.throughput import StepTime
from engine.shapes import Experts, ModelShape
from tests.engine.predictor.inputs import Inputs, without_costs

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
