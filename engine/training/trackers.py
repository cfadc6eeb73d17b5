"""Where metrics go besides ``metrics.jsonl``: TensorBoard through DeepSpeed's monitor, Weights &
Biases and MLflow where they are installed.

A run that is resumed goes on in the same place of each. A tracker that fails, at its set-up or
later, is told of in the log once and then left alone: it never stops a run.
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
    def log(self, values: dict[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class Trackers:
    """All that a recipe names, of rank 0."""

    def __init__(self, recipe: Recipe, run_dir: Path) -> None:
        self._open: dict[str, Tracker] = {}
        for name in dict.fromkeys(recipe.trackers):
            with _log_failure(name):
                self._open[name] = _TRACKERS[name](recipe, run_dir)

    def log(self, metrics: StepMetrics) -> None:
        if not self._open:
            return
        values = {
            name: value
            for name, value in metrics.model_dump(exclude={"step", "time"}).items()
            if value is not None
        }
        for name, tracker in list(self._open.items()):
            del self._open[name]  # it comes back if it does not fail
            with _log_failure(name):
                tracker.log(values, metrics.step)
                self._open[name] = tracker

    def close(self) -> None:
        for name, tracker in self._open.items():
            with _log_failure(name):
                tracker.close()


@contextmanager
def _log_failure(name: str) -> Iterator[None]:
    """Trackers' code is not ours and fails in its own ways, even by asking to exit: a line in
    the log is all that comes of it."""
    try:
        yield
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"tracker {name} failed and is left alone: {reason[:300]}", flush=True)


class TensorBoard:
    """Files in ``tensorboard/`` of the run, by DeepSpeed's monitor."""

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
    """Offline in the run's folder, unless ``WANDB_MODE`` says otherwise."""

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
    """In ``mlruns/`` of the run's folder, unless ``MLFLOW_TRACKING_URI`` says otherwise."""

    def __init__(self, recipe: Recipe, run_dir: Path) -> None:
        import mlflow

        self._mlflow = mlflow
        uri = os.environ.get("MLFLOW_TRACKING_URI") or (run_dir / "mlruns").as_uri()
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("flopledger")
        before = read_json(run_dir / "mlflow.json") or {}
        now = mlflow.start_run(run_id=before.get("run_id"), run_name=recipe.name)
        write_json(run_dir / "mlflow.json", {"run_id": now.info.run_id})
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
