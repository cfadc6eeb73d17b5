"""How far a run is: read from its metrics, for the page and the terminal alike."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Self

from engine.forecast import SECONDS_PER_HOUR
from engine.results import StepMetrics
from engine.runs.folder import Run

_RECENT_STEPS = 50


@dataclass
class Progress:
    """What a run has reported so far; :meth:`update` reads what is new."""

    run: Run
    metrics: list[StepMetrics] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recipe = self.run.recipe
        self._lines = self.run.metrics()

    def update(self) -> Self:
        self.metrics.extend(StepMetrics.parse(line, "metrics.jsonl") for line in self._lines.new())
        return self

    @property
    def steps_done(self) -> int:
        return self.metrics[-1].step if self.metrics else 0

    @property
    def share_done(self) -> float:
        return self.steps_done / self.recipe.steps

    @property
    def seconds_left(self) -> float | None:
        """At the pace of the last steps; None before the first."""
        if not self.metrics:
            return None
        recent = [line.step_time_s for line in self.metrics[-_RECENT_STEPS:]]
        return (self.recipe.steps - self.steps_done) * statistics.median(recent)

    @property
    def cost_usd(self) -> float:
        """What the steps so far have cost."""
        price = float(self.run.plan.cluster.price_usd_per_device_hour)
        seconds = sum(line.step_time_s for line in self.metrics)
        return price * self.recipe.n_ranks * seconds / SECONDS_PER_HOUR

    def train_losses(self) -> tuple[list[int], list[float]]:
        """(steps, losses), one a step."""
        return [line.step for line in self.metrics], [line.loss for line in self.metrics]

    def held_out_losses(self) -> tuple[list[int], list[float]]:
        """(steps, losses) where it was evaluated; the last one over all held-out documents."""
        points = [
            (line.step, line.held_out_loss)
            for line in self.metrics
            if line.held_out_loss is not None
        ]
        result = self.run.result
        if result is not None:
            points.append((result.steps, result.held_out_loss))
        return [step for step, _ in points], [loss for _, loss in points]
