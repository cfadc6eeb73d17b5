"""What compute costs a company: the engine's forecast, as numbers for trials."""

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
    """One training run on demand, without research. Shapes (1 or trials, 1)."""

    usd: Floats
    device_hours: Floats
    months: int
    """That it takes on its cluster."""
    on_plans_devices: bool
    """Whether contracts, which are for the plan's devices, can serve it."""


@dataclass(frozen=True, slots=True)
class TokenRates:
    """Something for a million tokens of each kind. Shapes (1 or trials, 1)."""

    new_input: Floats
    cached_input: Floats
    output: Floats


@dataclass(frozen=True, slots=True)
class ComputeRates:
    """All that a company takes from the engine."""

    run: RunRates
    """Of the plan as it stands."""
    events: tuple[RunRates, ...]
    """Of the company's training events, in their order."""
    serving_usd: TokenRates
    """On demand, at the utilisation that the plan states."""
    serving_hours: TokenRates
    """Device-hours that are paid for at that utilisation."""


def compute_rates(
    plan: Plan,
    predicted: Forecast,
    events: Sequence[TrainingEvent] = (),
    bounds: Sequence[Bound] = ("value",),
) -> ComputeRates:
    """The rates of a plan, one trial for each of ``bounds`` of the forecast's figures.

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
    """The plan that an event trains.

    Raises
    ------
    InputError
        If its changes are not allowed, or there is no such field.
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
