"""A plan's training step as a pipeline schedule with the predicted durations."""

from __future__ import annotations

from engine.facts import accelerator
from engine.plan import Plan
from engine.predictor.estimate import estimate
from engine.predictor.stacks import stacks
from engine.predictor.timeline import MAX_PIECES, PipelineStep

_FORWARD_SHARE = 1 / 3
"""Share of the forward pass in the work of a micro batch."""
_WORK = (
    *("matmul", "attention", "elementwise", "tensor_communication", "context_communication"),
    *("expert_communication", "overhead"),
)


def pipeline_step(plan: Plan) -> PipelineStep:
    """Return the durations of one step, for :func:`engine.predictor.timeline.simulate`.

    A third of a micro batch's work is its forward pass. Recomputation and accumulation belong to
    the backward pass. A very long step is cut to the number of micro batches that can be simulated;
    the others would repeat them.
    """
    device = accelerator(plan.cluster.accelerator)
    layout = plan.layout
    predicted = estimate(
        plan.shape, layout, device, plan.cluster.n_devices, stacks()[plan.software]
    ).step_parts_s
    micro_steps = layout.grad_accumulation_steps
    work_s = sum(predicted[name] for name in _WORK) / micro_steps
    again_s = (predicted["recompute"] + predicted["accumulation"]) / micro_steps
    stages, pieces = layout.pipeline_parallel, layout.virtual_stages
    if micro_steps < stages:  # interleaving needs a micro batch for each stage
        pieces = 1
    shown = max(1, min(micro_steps, MAX_PIECES // (2 * stages * pieces)))
    return PipelineStep(
        stages=stages,
        micro_batches=shown,
        virtual_stages=pieces,
        forward_s=work_s * _FORWARD_SHARE,
        backward_s=work_s * (1 - _FORWARD_SHARE) + again_s,
        p2p_s=predicted["pipeline_communication"] / (2 * pieces * micro_steps),
        reduction_s=predicted["data_communication"],
        optimizer_s=predicted["optimizer"],
    )
