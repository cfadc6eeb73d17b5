"""The model plan of a new company: shape, tokens, devices, and a layout that fits."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

from engine.costs.gpu_hours import MOST_DOUBLINGS
from engine.documents import InputError
from engine.facts import (
    Accelerator,
    CloudPrice,
    accelerator,
    prices_of,
    typical_price,
)
from engine.forecast import forecast
from engine.layout import Layout, Precision
from engine.models.catalog import PublishedModel, published_model
from engine.plan import Cluster, Plan, best_precision
from engine.predictor.defaults import usual_batch_sequences, usual_devices, usual_shape
from engine.predictor.search import SearchSpace, search
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN
from engine.serving_forecast import weights_that_fit
from engine.shapes import ModelShape
from engine.units import SECONDS_PER_HOUR
from finance.start.answers import ComputeAnswers, ModelAnswers, StartAnswers
from finance.start.defaults import Origins, assumption, computed, default_of, usual_company

LEAST_PARAMETERS = 1e7
MOST_PARAMETERS = 2e12
_CORRECTIONS = 3
_HOUR_USD = Decimal("0.0001")


def model_plan(answers: StartAnswers, origins: Origins) -> Plan:
    """Return the plan that the answers describe; its layout is the fastest that fits.

    Raises
    ------
    InputError
        If no layout on the devices holds the model, or no device of a node serves it.
    """
    name = origins.text(answers.compute.accelerator, "accelerator", "plan.cluster.accelerator")
    device = accelerator(name, "compute.accelerator")
    usd, citation = training_price(answers, device, origins)
    shape, tokens = _shape_and_tokens(answers, device, usd, origins)
    layout, n_devices = _layout_and_devices(answers.compute, shape, tokens, device)
    if answers.compute.devices is None:
        row = computed("devices", n_devices, "devices that end the run in about a month")
        origins.mark(row, "plan.cluster.n_devices")
    else:
        origins.answer("plan.cluster.n_devices")
    origins.mark(computed("layout", layout.short_name, "fastest layout that fits"), "plan.layout")
    plan = _plan(shape, tokens, layout, _cluster(device, n_devices, usd, citation))
    if _continues(answers):
        row = origins.mark(default_of("continued_learning_rate"), "plan.peak_learning_rate")
        plan = plan.model_copy(update={"peak_learning_rate": float(row.value)})
    return _with_servable_weights(plan, origins)


def _cluster(device: Accelerator, n_devices: int, usd: Decimal, citation: str) -> Cluster:
    return Cluster(
        accelerator=device.accelerator,
        n_devices=n_devices,
        price_usd_per_device_hour=usd,
        price_source=citation,
    )


def _plan(shape: ModelShape, tokens: int, layout: Layout, cluster: Cluster) -> Plan:
    return Plan(shape=shape, tokens=tokens, layout=layout, cluster=cluster)


def base_of(answers: StartAnswers) -> PublishedModel | None:
    """Return the published model whose weights the run continues, or None from scratch."""
    if not _continues(answers):
        return None
    usual = usual_company(answers.product).base_model or default_of("base_model").value
    return published_model(answers.model.base_model or usual, "model.base_model")


def _continues(answers: StartAnswers) -> bool:
    return (answers.model.origin or usual_company(answers.product).origin) == "open_weights"


def training_price(
    answers: StartAnswers, device: Accelerator, origins: Origins
) -> tuple[Decimal, str]:
    """Return the price of a device-hour in USD, and its citation.

    It is the provider's cheapest published on-demand price, or the median of all providers.

    Raises
    ------
    InputError
        If no on-demand price of the accelerator, or of the provider for it, is published.
    """
    path = "plan.cluster.price_usd_per_device_hour"
    provider = answers.compute.provider
    if provider is not None:
        offers = [offer for offer in on_demand_offers(device) if offer.provider == provider]
        if not offers:
            known = ", ".join(providers_of(device)) or "—"
            raise InputError("compute.provider", provider, "known_name", nearest=known)
        found: CloudPrice | None = offers[0]
    else:
        found = typical_price(device.accelerator)
    if found is None:
        raise InputError("compute.accelerator", device.accelerator, "accelerator_with_price")
    source = f"{found.citation}: {found.source}"
    if provider is None:
        origins.mark(computed("price", found.usd_per_device_hour, source), path)
    else:
        origins.answer(path, source=source)
    return found.usd_per_device_hour.quantize(_HOUR_USD), found.citation


def on_demand_offers(device: Accelerator) -> list[CloudPrice]:
    """Return the published on-demand offers of an accelerator, the cheapest first."""
    return [
        offer
        for offer in prices_of(device.accelerator)
        if offer.terms == "on_demand" and offer.confidence == "published"
    ]


def providers_of(device: Accelerator) -> tuple[str, ...]:
    """Return the providers with a published on-demand price, the cheapest first."""
    return tuple(dict.fromkeys(offer.provider for offer in on_demand_offers(device)))


def _shape_and_tokens(
    answers: StartAnswers, device: Accelerator, usd: Decimal, origins: Origins
) -> tuple[ModelShape, int]:
    origins.mark(default_of("seq_len_tokens"), "plan.shape.seq_len_tokens")
    base = base_of(answers)
    model = answers.model
    if base is not None:
        shape, tokens = base.shape, model.tokens
        if tokens is None:
            first, further = (
                default_of("continued_tokens"),
                default_of("continued_tokens_per_language"),
            )
            tokens = first.count + further.count * (len(answers.languages) - 1)
            origins.mark(first, "plan.tokens")
        else:
            origins.answer("plan.tokens")
        if model.base_model is None:
            origins.mark(assumption("base_model", base.name), "plan.shape")
        else:
            origins.answer("plan.shape", source=f"{base.name}: {base.source}")
    else:
        shape, tokens = _size_from_scratch(answers, model, device, usd, origins)
        size = shape.count_parameters().total
        row = computed("shape", f"{size:.3g}", "usual shape of the size")
        if model.parameters is None and model.budget_usd is None:
            origins.mark(row, "plan.shape")
        else:
            origins.answer("plan.shape", source=row.source)
    return _trained_shape(shape), tokens


def _size_from_scratch(
    answers: StartAnswers,
    model: ModelAnswers,
    device: Accelerator,
    usd: Decimal,
    origins: Origins,
) -> tuple[ModelShape, int]:
    """Return the shape and the tokens of a model that is trained from scratch."""
    ratio = default_of("tokens_per_parameter")
    if model.size_by == "budget" and model.budget_usd is not None:
        origins.mark(ratio, "plan.tokens")
        return _size_of_budget(answers.compute, model.budget_usd, device, usd, ratio.count)
    parameters = model.parameters or usual_company(answers.product).parameters
    parameters = parameters or default_of("parameters").count
    if model.tokens is not None:
        origins.answer("plan.tokens")
        return usual_shape(parameters), model.tokens
    origins.mark(ratio, "plan.tokens")
    return usual_shape(parameters), parameters * ratio.count


@lru_cache(maxsize=256)
def _size_of_budget(
    answers: ComputeAnswers, budget_usd: Decimal, device: Accelerator, usd: Decimal, ratio: int
) -> tuple[ModelShape, int]:
    """Return the shape and the tokens whose run costs the budget at about the given ratio.

    The cost grows with about the square of the size. The size is corrected by the forecast of its
    cost a few times, and the tokens take up what is left, because shapes come in steps.
    """
    rate = 0.4 * device.needed_flops_per_s(best_precision(device)) * SECONDS_PER_HOUR
    hours = float(budget_usd) / max(float(usd), 1e-6)
    parameters = math.sqrt(hours * rate / (FLOPS_PER_PARAMETER_AND_TOKEN * ratio))
    shape, tokens, share = usual_shape(LEAST_PARAMETERS), ratio, 1.0
    for _ in range(_CORRECTIONS):
        parameters = min(max(parameters, LEAST_PARAMETERS), MOST_PARAMETERS)
        shape = _trained_shape(usual_shape(parameters))
        tokens = round(ratio * parameters)
        layout, n_devices = _layout_and_devices(answers, shape, tokens, device)
        plan = _plan(shape, tokens, layout, _cluster(device, n_devices, usd, "budget"))
        share = float(budget_usd) / forecast(plan).cost_usd.value
        parameters *= math.sqrt(share)
    return shape, max(1_000_000, round(tokens * share))


def _trained_shape(shape: ModelShape) -> ModelShape:
    length = min(shape.seq_len_tokens, default_of("seq_len_tokens").count)
    return shape.model_copy(update={"seq_len_tokens": length})


def _layout_and_devices(
    answers: ComputeAnswers, shape: ModelShape, tokens: int, device: Accelerator
) -> tuple[Layout, int]:
    precision = best_precision(device)
    wanted = _wanted_devices(answers, shape, tokens, device, precision)
    return _layout_that_fits(shape, device, precision, wanted)


def _wanted_devices(
    answers: ComputeAnswers,
    shape: ModelShape,
    tokens: int,
    device: Accelerator,
    precision: Precision,
) -> tuple[int, ...]:
    """Return the numbers of devices to try, the first that fits counts."""
    if answers.devices is not None:
        return (answers.devices,)
    if answers.way != "rent":
        return tuple(default_of("reserved_devices").count << i for i in range(MOST_DOUBLINGS + 1))
    peak = device.needed_flops_per_s(precision)
    least = usual_devices(shape.count_parameters().active, tokens, peak)
    return tuple(least << doublings for doublings in range(MOST_DOUBLINGS + 1))


@lru_cache(maxsize=512)
def _layout_that_fits(
    shape: ModelShape, device: Accelerator, precision: Precision, numbers: tuple[int, ...]
) -> tuple[Layout, int]:
    """Return the fastest layout that fits on the first number of devices that has one."""
    for n_devices in numbers:
        space = SearchSpace(
            shape=shape,
            device=device,
            n_devices=n_devices,
            global_batch_sequences=usual_batch_sequences(shape, n_devices),
            precision=precision,
        )
        found = search(space, limit=1).found
        if found:
            return found[0].layout, n_devices
    raise InputError("compute.devices", numbers[-1], "more_devices", device=device.accelerator)


def _with_servable_weights(plan: Plan, origins: Origins) -> Plan:
    """Return the plan with the widest precision of the weights that a node can serve."""
    weights = weights_that_fit(plan)
    if weights is None:
        raise InputError(
            "serving.weights",
            plan.serving.weights,
            "does_not_fit",
            device=plan.cluster.accelerator,
        )
    if weights != plan.serving.weights:
        row = computed("weights", weights, "widest precision that a node can serve")
        origins.mark(row, "plan.serving.weights")
    return plan.model_copy(update={"serving": plan.serving.model_copy(update={"weights": weights})})
