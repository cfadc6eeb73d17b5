"""What rank 0 notes down while a run trains, across all the times that it was resumed."""

from __future__ import annotations

import math
import time
from pathlib import Path

from engine.files import append_json_line, cut_json_lines, to_disk
from engine.recipes.checkpoints import Manifest
from engine.recipes.recipe import Recipe
from engine.results import StepMetrics
from engine.training.bench import measuring
from engine.training.trackers import Trackers


class Journal:
    """Metrics of each step, and the figures that follow from them.

    A step counts once: what a killed process had done after its last checkpoint is cut off, and
    done again.
    """

    def __init__(self, recipe: Recipe, run_dir: Path, resumed_from: Manifest | None) -> None:
        self._file = run_dir / "metrics.jsonl"
        before = resumed_from.starts if resumed_from else ()
        done = resumed_from.step if resumed_from else 0
        self.starts = (*before, done)
        self._wall_before_s = resumed_from.wall_time_s if resumed_from else 0.0
        self._started = time.monotonic()
        known = []
        if self._file.exists():
            known = cut_json_lines(self._file, lambda line: line["step"] <= done)
        self._step_times_s = {line["step"]: line["step_time_s"] for line in known}
        self.train_loss = known[-1]["loss"] if known else math.nan
        self._trackers = Trackers(recipe, run_dir)

    def append(self, metrics: StepMetrics) -> None:
        append_json_line(self._file, metrics.model_dump())
        self._step_times_s[metrics.step] = metrics.step_time_s
        self.train_loss = metrics.loss
        self._trackers.log(metrics)

    def to_disk(self) -> None:
        to_disk(self._file)

    def close(self) -> None:
        self._trackers.close()

    @property
    def wall_time_s(self) -> float:
        """From the first step until now, less the time between a checkpoint and its resume."""
        return self._wall_before_s + time.monotonic() - self._started

    @property
    def steps_time_s(self) -> float:
        return sum(self._step_times_s.values())

    def step_times(self) -> measuring.StepTimes:
        return measuring.StepTimes.from_steps(self._step_times_s, self.starts)
