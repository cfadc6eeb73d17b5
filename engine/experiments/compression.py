"""Compressed models of a finished run, with their measured loss, size, speed and cost.

==============  ==================================================================
``as_trained``  the run's own model, with which the others are compared
``fine_tuned``  trained on for as many steps as the pruned models, without pruning: their control
``pruned_50``   the smallest half of each linear layer's weights set to zero, then trained on
``pruned_80``   the smallest four fifths set to zero, then trained on
``small``       half the layers, trained as the run was: the control of ``distilled``
``distilled``   half the layers, trained on the text and on the outputs of the run's model
``int8``        eight-bit weights, with eight-bit matrix products
==============  ==================================================================

Runs that exist are used again, so a second call only repeats the measurement. The run's folder
holds ``compression.json`` (the table), ``compressed/`` (smaller files of its weights),
``compression-progress.json``, ``compression.lock`` (held during the compression) and
``compression.log``.
"""

from __future__ import annotations

import datetime
import math
import subprocess
from typing import Annotated, Literal, get_args

from pydantic import Field

from engine.calibration.calibration import RatioSpread
from engine.documents import Document, InputError
from engine.files import read_json
from engine.plan import Plan
from engine.recipes.recipe import Recipe
from engine.runs.background import start_engine
from engine.runs.folder import Run
from engine.runs.locks import is_locked
from engine.serving.measured import MeasuredServing
from engine.units import SECONDS_PER_HOUR, TOKENS_PER_MILLION

Way = Literal["as_trained", "fine_tuned", "pruned_50", "pruned_80", "small", "distilled", "int8"]
Stage = Way | Literal["measuring"]
WAYS: tuple[Way, ...] = get_args(Way)[1:]
"""Ways of compression, without ``as_trained``, which always comes first."""
PRUNED_SHARES: dict[Way, float] = {"pruned_50": 0.5, "pruned_80": 0.8}

FINE_TUNING_SHARE = 0.1
"""Steps of the training after pruning, as a share of the run's steps."""
_FINE_TUNING_RATE = 0.3
"""Peak learning rate after pruning, as a share of the run's peak; the run ended at 0.1 of it."""


class Speed(Document):
    """Speed of generation on one core with ``batch`` sequences at a time."""

    batch: int
    read_tokens_per_s: float
    """Prompt tokens per second."""
    written_tokens_per_s: float
    """Generated tokens per second."""
    reading: RatioSpread
    """Reading speed divided by that of the model as trained, measured in turns with it."""
    writing: RatioSpread
    """Writing speed divided by that of the model as trained, measured in turns with it."""


class CompressedModel(Document):
    """One row of the table: a compressed model, or the model as trained."""

    way: Way
    run_id: str | None
    """Id of the run that trained the model; None if no run did."""
    n_weights: int
    n_nonzero: int
    size_bytes: int
    """Size of the weights' files; pruned weights are stored as a bit mask and nonzero values."""
    held_out_loss: float
    bits_per_byte: float
    speeds: Annotated[tuple[Speed, ...], Field(min_length=1)]
    training_usd: float
    """Cost of the run that trained the model."""

    def usd_per_million_tokens(self, usd_per_device_hour: float, batch: int = 1) -> float:
        """Return the cost of a million generated tokens on a core that is always busy."""
        (speed,) = [speed for speed in self.speeds if speed.batch == batch]
        return (
            usd_per_device_hour / SECONDS_PER_HOUR / speed.written_tokens_per_s * TOKENS_PER_MILLION
        )


class Compression(Document):
    """The table of a run's compressed models."""

    run_id: str
    measured_on: datetime.date
    accelerator: str
    device: str
    usd_per_device_hour: float
    other_load_share: float
    """Share of the cores that other processes used while speeds were measured."""
    prompt_tokens: int
    new_tokens: int
    rounds: int
    torch: str
    models: Annotated[tuple[CompressedModel, ...], Field(min_length=1)]

    @property
    def as_trained(self) -> CompressedModel:
        return self.models[0]

    def serving(self, way: Way, plan: Plan) -> MeasuredServing:
        """Return the measurements of one model for the serving part of ``plan``.

        The measured batch that is nearest to the plan's concurrent sequences is used.
        """
        (model,) = [model for model in self.models if model.way == way]
        wanted = math.log(plan.serving.concurrent_sequences)
        speed = min(model.speeds, key=lambda speed: abs(math.log(speed.batch) - wanted))
        return MeasuredServing(
            way=way,
            run_ids=(self.run_id, *((model.run_id,) if model.run_id else ())),
            measured_on=self.measured_on,
            accelerator=self.accelerator,
            device=self.device,
            parameters=self.as_trained.n_weights,
            concurrent_sequences=speed.batch,
            reading=speed.reading,
            writing=speed.writing,
            loss_difference=model.held_out_loss - self.as_trained.held_out_loss,
        )


class CompressionProgress(Document):
    """Progress of a compression: the model that is being made, or the measurement."""

    stage: Stage
    done: int
    of: int
    run_id: str | None = None


def compression_of(run: Run) -> Compression | None:
    """Return the table of a run; None if it was not compressed."""
    data = read_json(run.folder / "compression.json")
    return None if data is None else Compression.parse(data, where="compression.json")


def progress_of(run: Run) -> CompressionProgress | None:
    """Return the progress of a running compression; None if there is none."""
    data = read_json(run.folder / "compression-progress.json")
    if data is None or not is_locked(run.folder / "compression.lock"):
        return None
    return CompressionProgress.parse(data, where="compression-progress.json")


def start_in_background(run: Run) -> subprocess.Popen[bytes]:
    """Start the compression in a process that outlives the caller."""
    return start_engine(["compress", run.id], run.folder / "compression.log")


def recipes(run: Run) -> dict[Way, Recipe]:
    """Return the recipes of the ways of compression that train a model.

    Raises
    ------
    InputError
        If the run has no result, or if its model predicts masked tokens or has only one layer.
    """
    if run.result is None:
        raise InputError("run", run.id, "finished_run")
    base = run.recipe
    if base.model_class == "bert":
        raise InputError("run", base.model_class, "predicts_next_token")
    n_layers = base.shape.n_layers
    if n_layers < 2:
        raise InputError("run.shape.n_layers", n_layers, "greater_than_equal", limit=2)
    plain: dict[str, object] = dict.fromkeys(
        ("init_from", "distillation", "pruning", "checkpoint_every_steps")
    )
    plain["trackers"] = ()
    steps = max(1, round(FINE_TUNING_SHARE * base.steps))
    fine_tuned = plain | {
        "init_from": run.id,
        "steps": steps,
        "eval_every_steps": steps,
        "peak_learning_rate": _FINE_TUNING_RATE * base.peak_learning_rate,
        "seed": base.seed + 1,  # another order of the text's windows
    }
    small = plain | {"shape.n_layers": n_layers // 2}
    changes: dict[Way, dict[str, object]] = {
        "fine_tuned": fine_tuned,
        "small": small,
        "distilled": small | {"distillation": {"teacher": run.id}},
    }
    for way, share in PRUNED_SHARES.items():
        changes[way] = fine_tuned | {
            "pruning": {"share": share},
            "layout.zero_stage": min(2, base.layout.zero_stage),
        }
    return {
        way: base.with_values(of_way | {"name": f"{base.name[:60]} {way.replace('_', ' ')}"})
        for way, of_way in changes.items()
    }
