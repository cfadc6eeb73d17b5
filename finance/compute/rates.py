"""Compute rates of a company: costs and device-hours of the engine's forecast, for trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.documents import InputError
from engine.forecast import Figure, Forecast, forecast
from engine.plan import Plan
from engine.serving_forecast import planned_serving
from engine.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, TOKENS_PER_MILLION
from finance.books.cents import Floats
from finance.costs.training import TrainingEvent

Bound = Literal["value", "low", "high"]


@dataclass(frozen=True, slots=True)
class RunRates:
    """Rates of one training run on demand, without research. Shapes (1 or trials, 1)."""

    usd: Floats
    device_hours: Floats
    months: int
    """Duration of the run on its cluster, in whole months."""
    on_plans_devices: bool
    """Whether the run uses the plan's accelerator, so that contracts can serve it."""


@dataclass(frozen=True, slots=True)
class TokenRates:
    """Cost or device-hours per million tokens, by kind of token. Shapes (1 or trials, 1)."""

    new_input: Floats
    cached_input: Floats
    output: Floats


@dataclass(frozen=True, slots=True)
class ComputeRates:
    """Compute rates of a company, derived from the engine's forecasts."""

    run: RunRates
    """Rates of a run of the unchanged plan."""
    events: tuple[RunRates, ...]
    """Rates of one run of each training event, in the order of the document."""
    serving_usd: TokenRates
    """Cost of inference on demand in USD, at the plan's utilisation."""
    serving_hours: TokenRates
    """Device-hours of inference that are paid for, at the plan's utilisation."""


def compute_rates(
    plan: Plan,
    predicted: Forecast,
    events: Sequence[TrainingEvent] = (),
    bounds: Sequence[Bound] = ("value",),
) -> ComputeRates:
    """Return the compute rates of a plan, with one trial for each of ``bounds``.

    Parameters
    ----------
    predicted
        The forecast of ``plan``, calibrated if the plan is.
    """
    point = planned_serving(plan).point
    hours = TOKENS_PER_MILLION / SECONDS_PER_HOUR / plan.serving.utilisation_share
    speed = predicted.serving_tokens_per_s_per_device
    slower = _column(speed.inverse_of(speed.value), bounds)
    return ComputeRates(
        run=_rates_of_run(plan, plan, predicted, bounds),
        events=tuple(_rates_of_event(plan, predicted, event, bounds) for event in events),
        serving_usd=TokenRates(
            _column(predicted.serving_usd_per_million_input_tokens, bounds),
            _column(predicted.serving_usd_per_million_cached_tokens, bounds),
            _column(predicted.serving_usd_per_million_tokens, bounds),
        ),
        serving_hours=TokenRates(
            slower * point.device_s_per_new_token * hours,
            slower * point.device_s_per_cached_token * hours,
            slower * point.device_s_per_output_token * hours,
        ),
    )


def changed_plan(plan: Plan, event: TrainingEvent) -> Plan:
    """Return the plan that a training event trains.

    Raises
    ------
    InputError
        If a changed value is not allowed, or if a changed field does not exist.
    """
    if not event.changes:
        return plan
    try:
        return plan.with_values(event.changes)
    except LookupError:  # a table above the field is missing
        raise InputError(", ".join(event.changes), "—", "unknown_field") from None


def _rates_of_event(
    plan: Plan, predicted: Forecast, event: TrainingEvent, bounds: Sequence[Bound]
) -> RunRates:
    changed = changed_plan(plan, event)
    return _rates_of_run(plan, changed, predicted if changed is plan else forecast(changed), bounds)


def _rates_of_run(
    plan: Plan, trained: Plan, predicted: Forecast, bounds: Sequence[Bound]
) -> RunRates:
    return RunRates(
        usd=_column(predicted.cost_usd, bounds),
        device_hours=_column(predicted.device_hours, bounds),
        months=max(1, math.ceil(predicted.wall_clock_hours.value / HOURS_PER_MONTH)),
        on_plans_devices=trained.cluster.accelerator == plan.cluster.accelerator,
    )


def _column(figure: Figure, bounds: Sequence[Bound]) -> Floats:
    return np.array([[getattr(figure, bound)] for bound in bounds], dtype=np.float64)
