"""The operating point at which a plan's model is served."""

from __future__ import annotations

from dataclasses import dataclass

from engine.documents import InputError
from engine.facts import Accelerator, accelerator
from engine.layout import TRAINING_PRECISIONS
from engine.plan import Plan
from engine.predictor.estimate import efficiency_of
from engine.predictor.stacks import stacks
from engine.serving.inference import ServingPoint, TokenPrices, token_prices
from engine.serving.load import Choice, Workload, choose
from engine.serving.replica import Deployment, Request, ServedModel, ServingEfficiency

_NARROWING_WEIGHTS = ("as_trained", "bf16", "int8", "int4")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedServing:
    """The operating point of a plan's serving, and the cost of its tokens."""

    point: ServingPoint
    prices: TokenPrices


def planned_serving(plan: Plan) -> PlannedServing:
    """Return the operating point at the plan's number of sequences, or at as many as fit.

    The model is served on the accelerator that the plan trains on.

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


def weights_that_fit(plan: Plan) -> str | None:
    """Return the widest precision of the weights in which the plan's model can be served.

    ``as_trained`` is the first that is tried, then 16, 8 and 4 bits. None if no number of devices
    holds the model in any of them.
    """
    device = accelerator(plan.cluster.accelerator, "plan.cluster.accelerator")
    for weights in _NARROWING_WEIGHTS:
        narrowed = plan.serving.model_copy(update={"weights": weights, "measured": None})
        if choice_for(plan.model_copy(update={"serving": narrowed}), device).point is not None:
            return weights
    return None


def choice_for(plan: Plan, device: Accelerator) -> Choice:
    """Return the operating points of the plan's model on ``device``, the cheapest first.

    The batch is the plan's number of sequences at a time. Where their caches do not fit, the
    batch is the cheapest that memory allows.
    """
    deployment = deployment_of(plan, device)
    request, batch = request_of(plan), plan.serving.concurrent_sequences
    chosen = choose(deployment, Workload(request=request, batch=batch))
    if chosen.point is None and chosen.reason == "cache_does_not_fit":
        return choose(deployment, Workload(request=request))
    return chosen


def deployment_of(plan: Plan, device: Accelerator) -> Deployment:
    """Return the plan's model on ``device``, with the efficiency that training reaches there."""
    return Deployment(
        model=served_model(plan), device=device, efficiency=serving_efficiency(plan, device)
    )


def served_model(plan: Plan) -> ServedModel:
    """Return the plan's model in the precision that it is served in."""
    weights = plan.serving.weights
    if weights == "as_trained":
        weights = "fp32" if plan.layout.precision == "fp32" else "bf16"
    kv_value_bytes = {"fp32": 4.0, "bf16": 2.0}.get(weights, 1.0)
    return ServedModel(shape=plan.shape, weights=weights, kv_value_bytes=kv_value_bytes)


def request_of(plan: Plan) -> Request:
    """Return the plan's average request."""
    serving = plan.serving
    return Request(
        input_tokens=serving.context_tokens,
        output_tokens=serving.output_tokens,
        cached_share=serving.cached_share,
    )


def serving_efficiency(plan: Plan, device: Accelerator) -> ServingEfficiency:
    """Return the shares of the peaks that serving reaches: those of training's forward pass.

    Speeds of a compressed model are included where they were measured on the same accelerator at
    about the same size.
    """
    trained_in = plan.layout.precision
    precision = trained_in if trained_in in TRAINING_PRECISIONS else "bf16"
    layout = plan.layout.model_copy(update={"precision": precision})
    trained = efficiency_of(device, layout, stacks()[plan.software])
    # CUDA graphs launch all kernels of a decoding step at once.
    graphs = device.kind != "cpu"
    measured, at_once = plan.serving.measured, plan.serving.concurrent_sequences
    parameters = plan.shape.count_parameters().total
    if measured and not measured.applies_to(device.accelerator, parameters, at_once):
        measured = None
    return ServingEfficiency(
        matmul_share=float(trained.base_matmul_share[0]),
        bandwidth_share=float(trained.bandwidth_share[0]),
        attention_share=float(trained.attention_share[0]),
        layer_overhead_s=0.0 if graphs else float(trained.layer_host_s[0]) / 3,
        reading_speed=measured.reading.value if measured else 1.0,
        writing_speed=measured.writing.value if measured else 1.0,
    )
