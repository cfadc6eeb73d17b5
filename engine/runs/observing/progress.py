"""A run's progress, time, cost and loss curves, read from its metrics for pages and terminals."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, Self, get_args

from engine.files import read_json
from engine.flops import training_flops_per_token
from engine.forecast import Figure, Forecast
from engine.plan import Plan
from engine.recipes.recipe import Recipe
from engine.results import StepMetrics
from engine.runs.folder import Run
from engine.units import SECONDS_PER_HOUR

Axis = Literal["steps", "tokens", "flops", "hours", "usd"]
"""Quantity on the horizontal axis of a loss curve. Hours and dollars are those of the steps;
evaluations and the start are left out, as in the forecast."""
AXES: tuple[Axis, ...] = get_args(Axis)

_RECENT_STEPS = 50
_SMOOTHED_SHARE = 0.01
"""Longest time constant of the smoothed loss as a share of the run's steps."""
_SMOOTHED_SHARE_DONE = 0.05
"""Time constant of the smoothed loss as a share of the steps done, while that is shorter. A loss
falls fast at first, and a mean over all steps so far would stay above it."""


class Curve(NamedTuple):
    """Points of a curve: positions on an axis, and the losses there in nats per token."""

    x: list[float]
    y: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Cost or time of a run so far and at its end, with the forecast."""

    axis: Literal["usd", "hours"]
    """Unit of the figures: dollars, or hours if the devices cost nothing."""
    so_far: float
    at_end: float
    """Figure at the run's end if the rest takes the step time of the last steps; equal to
    ``so_far`` before the first step."""
    forecast: Figure

    @property
    def inside_interval(self) -> bool:
        """Whether ``at_end`` is within the bounds of the forecast."""
        return self.forecast.low <= self.at_end <= self.forecast.high


class Preparing(NamedTuple):
    """Progress of the preparation of a run's text."""

    stage: str
    share: float
    """Share of the stage that is done, from 0 to 1."""


def price_usd_per_hour(recipe: Recipe, plan: Plan) -> float:
    """Return the price of all devices of a run together, in USD per hour."""
    return recipe.n_ranks * float(plan.cluster.price_usd_per_device_hour)


@dataclass
class Progress:
    """The metrics that a run has reported so far; :meth:`update` reads new lines."""

    run: Run
    metrics: list[StepMetrics] = field(default_factory=list)
    smoothed_losses: list[float] = field(default_factory=list)
    """Exponential mean of the training loss, whose time constant grows with the steps done."""

    def __post_init__(self) -> None:
        self.recipe = self.run.recipe
        self._price_usd_per_hour = price_usd_per_hour(self.recipe, self.run.plan)
        self._flops_per_token = training_flops_per_token(self.recipe.shape)
        self._lines = self.run.metrics()
        self._hours: list[float] = []
        """Cumulative hours of all steps up to and including each step."""
        self._longest_steps = _SMOOTHED_SHARE * self.recipe.steps
        self._mean = 0.0

    def update(self) -> Self:
        """Read the lines that were added since the last call."""
        was_cut_back, lines = self._lines.new()
        if was_cut_back:  # training has gone back to a checkpoint
            for seen in (self.metrics, self.smoothed_losses, self._hours):
                seen.clear()
            self._mean = 0.0
        for line in lines:
            step = StepMetrics.parse(line, "metrics.jsonl")
            before_hours = self._hours[-1] if self._hours else 0.0
            self.metrics.append(step)
            self._hours.append(before_hours + step.step_time_s / SECONDS_PER_HOUR)
            done = _SMOOTHED_SHARE_DONE * len(self.metrics)
            self._mean += (step.loss - self._mean) / max(1.0, min(self._longest_steps, done))
            self.smoothed_losses.append(self._mean)
        return self

    @cached_property
    def forecast(self) -> Forecast:
        return self.run.forecast

    @property
    def steps_done(self) -> int:
        return self.metrics[-1].step if self.metrics else 0

    @property
    def share_done(self) -> float:
        return self.steps_done / self.recipe.steps

    @property
    def _recent_step_time_s(self) -> float | None:
        recent = [line.step_time_s for line in self.metrics[-_RECENT_STEPS:]]
        return statistics.median(recent) if recent else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the last step at the median time of recent steps; None before the first."""
        step_time_s = self._recent_step_time_s
        return None if step_time_s is None else (self.recipe.steps - self.steps_done) * step_time_s

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens per second at the median time of recent steps; None before the first step."""
        step_time_s = self._recent_step_time_s
        return None if step_time_s is None else self.recipe.tokens_per_step / step_time_s

    @property
    def hours(self) -> float:
        """Hours of the steps in the metrics."""
        return self._hours[-1] if self._hours else 0.0

    @property
    def spent_hours(self) -> float:
        """Hours of all steps ever taken, lost steps that were taken again included."""
        state = self.run.state
        since = state.started_at.timestamp() if state.started_at else 0.0
        n_before = bisect_left(self.metrics, since, key=lambda step: step.time)
        before_hours = self._hours[n_before - 1] if n_before else 0.0
        return state.spent_s / SECONDS_PER_HOUR + self.hours - before_hours

    @property
    def cost_usd(self) -> float:
        """Cost of ``spent_hours``."""
        return self._price_usd_per_hour * self.spent_hours

    @property
    def held_out_loss(self) -> float | None:
        """Last held-out loss that was measured, in nats per token; None before the first."""
        losses = self.held_out_curve("steps").y
        return losses[-1] if losses else None

    @property
    def forecasts_loss(self) -> bool:
        """Whether the forecast of the loss applies to this run.

        The model must predict the next token, and the law must have been fitted to runs of this
        size or be corrected by measured runs.
        """
        return self.recipe.shape.is_causal and not self.forecast.loss_extrapolated

    def meter(self) -> Meter:
        """Return the run's cost, or its time if its devices cost nothing, with the forecast."""
        left_hours = (self.seconds_left or 0.0) / SECONDS_PER_HOUR
        if self._price_usd_per_hour:
            return Meter(
                axis="usd",
                so_far=self.cost_usd,
                at_end=self.cost_usd + self._price_usd_per_hour * left_hours,
                forecast=self.forecast.cost_usd,
            )
        steps_per_hour = self.recipe.steps / SECONDS_PER_HOUR
        return Meter(
            axis="hours",
            so_far=self.spent_hours,
            at_end=self.spent_hours + left_hours,
            forecast=self.forecast.step_time_s * steps_per_hour,
        )

    def preparing(self) -> Preparing | None:
        """Return the progress of the text's preparation; None if none was reported."""
        report = read_json(self.run.folder / "preparing.json")
        return None if report is None else Preparing(report["stage"], report["share"])

    def position_on(self, index: int, axis: Axis) -> float:
        """Return the position of ``metrics[index]`` on an axis, in the unit of the axis."""
        step = self.metrics[index]
        match axis:
            case "steps":
                return step.step
            case "tokens":
                return step.tokens
            case "flops":
                return step.tokens * self._flops_per_token
            case "hours":
                return self._hours[index]
            case "usd":
                return self._price_usd_per_hour * self._hours[index]

    def planned_end(self, axis: Axis) -> float:
        """Return the position of the run's end on an axis, by its recipe and its forecast."""
        match axis:
            case "steps":
                return self.recipe.steps
            case "tokens":
                return self.recipe.tokens
            case "flops":
                return self.recipe.tokens * self._flops_per_token
            case "hours":
                return self.forecast.step_time_s.value * self.recipe.steps / SECONDS_PER_HOUR
            case "usd":
                return self.forecast.cost_usd.value

    def train_curve(self, axis: Axis, most_points: int = 400) -> Curve:
        """Return the training loss of single steps, at most ``most_points`` of them."""
        shown = spread_indices(len(self.metrics), most_points)
        return Curve(
            [self.position_on(index, axis) for index in shown],
            [self.metrics[index].loss for index in shown],
        )

    def smoothed_curve(self, axis: Axis, most_points: int = 400) -> Curve:
        """Return the smoothed training loss at most at ``most_points`` steps."""
        shown = spread_indices(len(self.metrics), most_points)
        return Curve(
            [self.position_on(index, axis) for index in shown],
            [self.smoothed_losses[index] for index in shown],
        )

    def held_out_curve(self, axis: Axis) -> Curve:
        """Return the held-out losses; the last one of a finished run covers all documents."""
        curve = Curve([], [])
        for index, line in enumerate(self.metrics):
            if line.held_out_loss is not None:
                curve.x.append(self.position_on(index, axis))
                curve.y.append(line.held_out_loss)
        result = self.run.result
        if result is not None and self.metrics:
            curve.x.append(self.position_on(len(self.metrics) - 1, axis))
            curve.y.append(result.held_out_loss)
        return curve


def losses_are_comparable(seen: Sequence[Progress]) -> bool:
    """Return whether losses per token compare: the same text, vocabulary size and objective."""
    recipes = [progress.recipe for progress in seen]
    return len({(r.corpus.content_hash, r.text_vocab, r.shape.is_causal) for r in recipes}) <= 1


def spread_indices(n: int, most: int) -> list[int]:
    """Return at most ``most`` indices below ``n``, the first and the last included.

    Half of them are spread evenly and half evenly on a log axis, so that a curve keeps its form on
    both kinds of axis.
    """
    if n <= most:
        return list(range(n))
    half = most // 2
    even = {round(i * (n - 1) / (half - 1)) for i in range(half)}
    early = {round(n ** (i / (half - 1))) - 1 for i in range(half)}
    return sorted(even | early)
