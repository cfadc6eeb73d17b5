"""A finished run's model made smaller in several ways, each a run like any other, and what each
costs in loss and saves in size, speed and money: all of it measured.

as_trained    the run's own model, with which the others are compared
fine_tuned    trained on as long as the pruned ones are, with nothing pruned: their control
pruned_50     half of each linear layer's weights zero, the smallest, then trained on
pruned_80     the same with four fifths
small         half the layers, trained as the run was: the control of
distilled     the same, learning from the run's model besides the text
int8          eight-bit weights, computed with as such

Runs that exist are not run again: a second call only measures anew. It is kept in the run's
folder: ``compression.json`` the table, ``compressed/`` smaller files of its weights,
``compression-progress.json`` how far it is, ``compression.lock`` held meanwhile,
``compression.log`` what it printed.
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
"""All but as trained, which comes first anyway."""
PRUNED_SHARES: dict[Way, float] = {"pruned_50": 0.5, "pruned_80": 0.8}

FINE_TUNING_SHARE = 0.1
"""Of the run's steps, those that pruned models are trained on for."""
_FINE_TUNING_RATE = 0.3
"""Of the run's peak learning rate: it ended at a tenth."""


class Speed(Document):
    """Answers written on one core, ``batch`` at a time."""

    batch: int
    read_tokens_per_s: float
    """Of the prompts."""
    written_tokens_per_s: float
    reading: RatioSpread
    """Over that of the model as trained, asked in turns with it."""
    writing: RatioSpread


class CompressedModel(Document):
    way: Way
    run_id: str | None
    """That made it, if one did."""
    n_weights: int
    n_nonzero: int
    size_bytes: int
    """Of the weights' files; of pruned ones as bits and the values that are not zero."""
    held_out_loss: float
    bits_per_byte: float
    speeds: Annotated[tuple[Speed, ...], Field(min_length=1)]
    training_usd: float
    """Of the run that made it."""

    def usd_per_million_tokens(self, usd_per_device_hour: float, batch: int = 1) -> float:
        """Written, by a core that is always busy."""
        (speed,) = [one for one in self.speeds if one.batch == batch]
        return (
            usd_per_device_hour / SECONDS_PER_HOUR / speed.written_tokens_per_s * TOKENS_PER_MILLION
        )


class Compression(Document):
    """The table of one run."""

    run_id: str
    measured_on: datetime.date
    accelerator: str
    device: str
    usd_per_device_hour: float
    other_load_share: float
    """Of the cores, by other processes, while speeds were measured."""
    prompt_tokens: int
    new_tokens: int
    rounds: int
    torch: str
    models: Annotated[tuple[CompressedModel, ...], Field(min_length=1)]

    @property
    def as_trained(self) -> CompressedModel:
        return self.models[0]

    def serving(self, way: Way, plan: Plan) -> MeasuredServing:
        """One of its models as a plan's serving can use it, at the number of answers at a time
        that is nearest to the plan's."""
        (model,) = [one for one in self.models if one.way == way]
        wanted = math.log(plan.serving.concurrent_sequences)
        speed = min(model.speeds, key=lambda one: abs(math.log(one.batch) - wanted))
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
    """How far a compression is: what is being made, or that all are being measured."""

    stage: Stage
    done: int
    of: int
    run_id: str | None = None


def compression_of(run: Run) -> Compression | None:
    """The table of a run, once it has one."""
    data = read_json(run.folder / "compression.json")
    return None if data is None else Compression.parse(data, where="compression.json")


def progress_of(run: Run) -> CompressionProgress | None:
    """How far a living compression of the run is; None where there is none."""
    data = read_json(run.folder / "compression-progress.json")
    if data is None or not is_locked(run.folder / "compression.lock"):
        return None
    return CompressionProgress.parse(data, where="compression-progress.json")


def start_in_background(run: Run) -> subprocess.Popen[bytes]:
    """Compress in a process that outlives this one."""
    return start_engine(["compress", run.id], run.folder / "compression.log")


def recipes(run: Run) -> dict[Way, Recipe]:
    """Of the ways that take a run.

    Raises
    ------
    InputError
        If the run has no model (yet), one that fills in masked tokens, or a single layer.
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
        "seed": base.seed + 1,  # other windows of the text come first
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
