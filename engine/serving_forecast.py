"""How a plan's model is served, on the kind of device that it is trained on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.documents import InputError
from engine.facts import Accelerator, accelerator
from engine.layout import TRAINING_PRECISIONS
from engine.plan import Plan
from engine.predictor.estimate import efficiency_of
from engine.predictor.stacks import stacks
from engine.serving.inference import ServingPoint, TokenPrices, token_prices
from engine.serving.load import Choice, LatencyLimits, choose
from engine.serving.replica import Request, ServedModel, ServingEfficiency


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedServing:
    """The operating point of a plan's serving, and what its tokens cost."""

    point: ServingPoint
    prices: TokenPrices


def planned_serving(plan: Plan) -> PlannedServing:
    """Serve the plan's model with as many sequences at a time as it says, or as fit.

    Raises
    ------
    InputError
        If no number of devices up to a node's holds the model and one request.
    """
    device = accelerator(plan.cluster.accelerator, "plan.cluster.accelerator")
    choice = choice_for(plan, device)
    if choice.point is None:
        raise InputError(
            "serving.weights", plan.serving.weights, "does_not_fit", device=device.accelerator
        )
    prices = token_prices(
        choice.point,
        request_of(plan),
        float(plan.cluster.price_usd_per_device_hour),
        plan.serving.utilisation_share,
    )
    return PlannedServing(point=choice.point, prices=prices)


def choice_for(plan: Plan, device: Accelerator) -> Choice:
    model = served_model(plan)
    known = serving_efficiency(plan, device)
    fixed = plan.serving.concurrent_sequences
    chosen = choose(model, device, known, request_of(plan), batch=fixed)
    if chosen.point is None and chosen.reason == "cache_does_not_fit":
        # Fewer at a time than planned: as many as memory and cost allow.
        return choose(model, device, known, request_of(plan), LatencyLimits())
    return chosen


def served_model(plan: Plan) -> ServedModel:
    weights = plan.serving.weights
    if weights == "as_trained":
        weights = "fp32" if plan.layout.precision == "fp32" else "bf16"
    kv_value_bytes = {"fp32": 4.0, "bf16": 2.0}.get(weights, 1.0)
    return ServedModel(shape=plan.shape, weights=weights, kv_value_bytes=kv_value_bytes)


def request_of(plan: Plan) -> Request:
    serving = plan.serving
    return Request(
        input_tokens=serving.context_tokens,
        output_tokens=serving.output_tokens,
        cached_share=serving.cached_share,
    )


def serving_efficiency(plan: Plan, device: Accelerator) -> ServingEfficiency:
    """Shares of the peaks as training reaches them: the same kernels, forward only."""
    trained_in = plan.layout.precision
    precision = trained_in if trained_in in TRAINING_PRECISIONS else "bf16"
    layout = plan.layout.model_copy(update={"precision": precision})
    known = efficiency_of(device, layout, stacks()[plan.software])
    # Graphs launch a decoding step's kernels at once where the host would be too slow.
    graphs = device.kind != "cpu"
    measured, at_once = plan.serving.measured, plan.serving.concurrent_sequences
    parameters = plan.shape.count_parameters().total
    if measured and not measured.speaks_for(device.accelerator, parameters, at_once):
        measured = None
    return ServingEfficiency(
        matmul_share=float(known.base_matmul_share[0]),
        bandwidth_share=float(known.bandwidth_share[0]),
        attention_share=float(known.attention_share[0]),
        layer_overhead_s=0.0 if graphs else float(known.layer_host_s[0]) / 3,
        reading_speed=measured.reading.value if measured else 1.0,
        writing_speed=measured.writing.value if measured else 1.0,
    )
