"""Experiment trackers that receive the metrics in addition to ``metrics.jsonl``.

TensorBoard is reached through DeepSpeed's monitor; Weights & Biases and MLflow are used if they are
installed. A resumed run continues the same record of each tracker. A tracker that fails, at its
set-up or later, is logged once and not used again: it never stops a run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from engine.files import read_json, write_json
from engine.recipes.recipe import Recipe
from engine.results import StepMetrics


class Tracker(Protocol):
    """Interface of a tracker."""

    def log(self, values: dict[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class Trackers:
    """All trackers of a recipe; only rank 0 has them."""

    def __init__(self, recipe: Recipe, run_dir: Path) -> None:
        self._open: dict[str, Tracker] = {}
        for name in dict.fromkeys(recipe.trackers):
            with _log_failure(name):
                self._open[name] = _TRACKERS[name](recipe, run_dir)

    def log(self, metrics: StepMetrics) -> None:
        """Send the metrics of one step to every tracker that has not failed."""
        if not self._open:
            return
        values = {
            name: value
            for name, value in metrics.model_dump(exclude={"step", "time"}).items()
            if value is not None
        }
        for name, tracker in list(self._open.items()):
            del self._open[name]  # it is added again if it does not fail
            with _log_failure(name):
                tracker.log(values, metrics.step)
                self._open[name] = tracker

    def close(self) -> None:
        for name, tracker in self._open.items():
            with _log_failure(name):
                tracker.close()


@contextmanager
def _log_failure(name: str) -> Iterator[None]:
    """Log any error of a tracker and continue; some libraries even raise ``SystemExit``."""
    try:
        yield
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"tracker {name} failed and is left alone: {reason[:300]}", flush=True)


class TensorBoard:
    """TensorBoard files in ``tensorboard/`` of the run, written by DeepSpeed's monitor."""

    def __init__(self, recipe: Recipe, run_dir: Path) -> None:
        from deepspeed.monitor.config import TensorBoardConfig
        from deepspeed.monitor.tensorboard import TensorBoardMonitor

        config = TensorBoardConfig(enabled=True, output_path=str(run_dir), job_name="tensorboard")
        self._monitor = TensorBoardMonitor(config)

    def log(self, values: dict[str, float], step: int) -> None:
        events: Sequence[tuple[str, float, int]] = [
            (name, value, step) for name, value in values.items()
        ]
        self._monitor.write_events(events, flush=False)

    def close(self) -> None:
        self._monitor.summary_writer.close()


class WeightsAndBiases:
    """Weights & Biases, offline in the run's folder unless ``WANDB_MODE`` is set."""

    def __init__(self, recipe: Recipe, run_dir: Path) -> None:
        import wandb

        self._run = wandb.init(
            project="flopledger",
            id=run_dir.name,
            resume="allow",
            name=recipe.name,
            dir=str(run_dir),
            mode=os.environ.get("WANDB_MODE", "offline"),
            config=recipe.model_dump(mode="json"),
        )

    def log(self, values: dict[str, float], step: int) -> None:
        self._run.log(values, step=step)

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """MLflow, in ``mlruns/`` of the run's folder unless ``MLFLOW_TRACKING_URI`` is set."""

    def __init__(self, recipe: Recipe, run_dir: Path) -> None:
        import mlflow

        self._mlflow = mlflow
        uri = os.environ.get("MLFLOW_TRACKING_URI") or (run_dir / "mlruns").as_uri()
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("flopledger")
        previous = read_json(run_dir / "mlflow.json") or {}
        current = mlflow.start_run(run_id=previous.get("run_id"), run_name=recipe.name)
        write_json(run_dir / "mlflow.json", {"run_id": current.info.run_id})
        mlflow.log_params({"recipe_hash": recipe.content_hash, "seed": recipe.seed})

    def log(self, values: dict[str, float], step: int) -> None:
        self._mlflow.log_metrics(values, step=step)

    def close(self) -> None:
        self._mlflow.end_run()


_TRACKERS: dict[str, Callable[[Recipe, Path], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
}
