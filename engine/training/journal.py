"""Record that rank 0 keeps of a run's steps, across all of its starts."""

from __future__ import annotations

import math
import time
from pathlib import Path

from engine.files import append_json_line, cut_json_lines, sync_to_disk
from engine.recipes.checkpoints import Manifest
from engine.recipes.recipe import Recipe
from engine.results import StepMetrics
from engine.step_times import StepTimes
from engine.training.trackers import Trackers


class Journal:
    """Metrics of each step, and the figures that follow from them.

    Each step counts once: steps that a killed process did after its last checkpoint are removed,
    since the resumed run repeats them.
    """

    def __init__(self, recipe: Recipe, run_dir: Path, resumed_from: Manifest | None) -> None:
        self._file = run_dir / "metrics.jsonl"
        earlier_starts = resumed_from.starts if resumed_from else ()
        done = resumed_from.step if resumed_from else 0
        self.starts = (*earlier_starts, done)
        """Number of steps done at each start of the run."""
        self._wall_before_s = resumed_from.wall_time_s if resumed_from else 0.0
        self._started = time.monotonic()
        records = []
        if self._file.exists():
            records = cut_json_lines(self._file, lambda line: line["step"] <= done)
        self._step_times_s = {line["step"]: line["step_time_s"] for line in records}
        self.train_loss = records[-1]["loss"] if records else math.nan
        self._trackers = Trackers(recipe, run_dir)

    def append(self, metrics: StepMetrics) -> None:
        """Append one step to ``metrics.jsonl`` and send it to the trackers."""
        append_json_line(self._file, metrics.model_dump())
        self._step_times_s[metrics.step] = metrics.step_time_s
        self.train_loss = metrics.loss
        self._trackers.log(metrics)

    def to_disk(self) -> None:
        """Force ``metrics.jsonl`` to the disk."""
        sync_to_disk(self._file)

    def close(self) -> None:
        self._trackers.close()

    @property
    def wall_time_s(self) -> float:
        """Seconds from the first step until now, without the time between checkpoint and resume."""
        return self._wall_before_s + time.monotonic() - self._started

    @property
    def steps_time_s(self) -> float:
        """Seconds of all steps together, without evaluations and checkpoints."""
        return sum(self._step_times_s.values())

    def step_times(self) -> StepTimes:
        """Return the step times without the set-up steps of each start."""
        return StepTimes.from_steps(self._step_times_s, self.starts)
