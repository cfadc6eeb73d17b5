"""A study: the recipes that a search may try, all with the FLOPs of a base recipe, and its outcome.

The files of a study are in ``home_dir()/studies``, in a folder named by the study's content:

====================  =========================================================
``study.toml``        the study
``journal.log``       Optuna's record, from which an interrupted search continues
``outcome.json``      results and costs of the trials that are over
``best.toml``         the recipe of the best trial
``lock``              held by the search for as long as it lives
====================  =========================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError, read_toml
from engine.experiments.ladder import training_flops
from engine.field_types import LearningRate, Seed
from engine.files import read_json
from engine.paths import home_dir
from engine.recipes.recipe import Recipe


class LearningRates(Document):
    """Peak learning rates, tried evenly on a log scale."""

    low: LearningRate
    high: LearningRate

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise InputError("low", self.low, "less_than", limit=self.high)
        return self


class Batch(Document):
    """Number of sequences that a rank computes at a time, and of such batches per step."""

    micro_batch_sequences: Annotated[int, Field(ge=1, le=100_000)]
    grad_accumulation_steps: Annotated[int, Field(ge=1, le=100_000)] = 1


class Size(Document):
    """Depth and width of a model."""

    n_layers: Annotated[int, Field(ge=1, le=1_000)]
    d_model: Annotated[int, Field(ge=8, le=1_000_000)]
    n_heads: Annotated[int, Field(ge=1, le=10_000)]
    n_kv_heads: Annotated[int, Field(ge=1, le=10_000)]
    d_ff: Annotated[int, Field(ge=1, le=10_000_000)]


class Choice(Document):
    """The searched values of one trial."""

    learning_rate: LearningRate
    batch: Batch
    size: Size


class Study(Document):
    """A search for the recipe of the lowest held-out loss; fields left empty are not searched."""

    schema_version: Literal[1] = 1
    recipe: Recipe
    """Base recipe, which each trial changes; each trial has the base's training FLOPs."""
    n_trials: Annotated[int, Field(ge=1, le=10_000)]
    learning_rates: LearningRates | None = None
    batches: Annotated[tuple[Batch, ...], Field(max_length=100)] = ()
    sizes: Annotated[tuple[Size, ...], Field(max_length=100)] = ()
    evaluations: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Number of evaluations during each trial, at even shares of its FLOPs; the trial can be pruned
    at each of them."""
    pruner: Literal["median", "successive_halving", "none"] = "median"
    """Rule that ends trials early. ``median`` ends trials that are worse than the median of the
    others at the same share of the FLOPs; ``successive_halving`` ends all but the best third at
    each rung (Li 2020)."""
    startup_trials: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Number of first trials that are drawn at random and not pruned by the median."""
    seed: Seed = 1

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for name in ("batches", "sizes"):
            listed = getattr(self, name)
            for entry in listed:
                if listed.count(entry) > 1:
                    raise InputError(name, str(entry), "no_repeats")
        if not (self.learning_rates or self.batches or self.sizes):
            raise InputError("learning_rates", "—", "something_to_search")
        for recipe in self.corners():
            if recipe.steps <= self.evaluations:
                raise InputError("evaluations", self.evaluations, "less_than", limit=recipe.steps)
        return self

    def corners(self) -> Iterator[Recipe]:
        """Yield a recipe for each batch and size, which can be checked before the search starts."""
        for batch in self.batches or (self.own_batch,):
            for size in self.sizes or (self.own_size,):
                yield self.recipe_of(
                    Choice(learning_rate=self.recipe.peak_learning_rate, batch=batch, size=size)
                )

    @property
    def own_batch(self) -> Batch:
        """Batch of the base recipe."""
        layout = self.recipe.layout
        return Batch(
            micro_batch_sequences=layout.micro_batch_sequences,
            grad_accumulation_steps=layout.grad_accumulation_steps,
        )

    @property
    def own_size(self) -> Size:
        """Size of the base recipe."""
        return Size.parse({name: getattr(self.recipe.shape, name) for name in Size.model_fields})

    def recipe_of(self, choice: Choice) -> Recipe:
        """Return the recipe of one trial, with as many steps as take the base's FLOPs."""
        batch, size = choice.batch, choice.size
        one_step = self.recipe.with_values(
            {f"shape.{name}": value for name, value in size.model_dump().items()}
            | {f"layout.{name}": value for name, value in batch.model_dump().items()}
            | {
                "name": f"{self.recipe.name[:40]} {choice.learning_rate:.3g}"
                f" L{size.n_layers} d{size.d_model}"
                f" MB{batch.micro_batch_sequences}×{batch.grad_accumulation_steps}",
                "peak_learning_rate": choice.learning_rate,
                "steps": 1,
            }
        )
        steps = max(1, round(training_flops(self.recipe) / training_flops(one_step)))
        every = -(-steps // (self.evaluations + 1))
        return one_step.with_values({"steps": steps, "eval_every_steps": every})

    @property
    def folder(self) -> Path:
        """Folder of the study's files."""
        return studies_dir() / self.content_hash[:16]


Cost = Literal["usd", "device_hours", "flops"]


class TrialOutcome(Document):
    """One trial that is over."""

    number: int
    state: Literal["complete", "pruned", "diverged"]
    run_id: str
    choice: Choice
    n_parameters: int
    steps: int
    steps_done: int
    held_out_loss: float | None
    """Loss in nats per token over all held-out documents; for a pruned trial, the loss of its last
    evaluation."""
    evaluations: tuple[tuple[float, float], ...]
    """Share of the FLOPs and held-out loss of each evaluation during training."""
    flops: float
    """Training FLOPs of the steps done."""
    device_hours: float
    """Device-hours of the steps done."""
    usd: float
    """Cost of the steps done."""
    wall_s: float
    """Seconds from the run's creation to its end, including its start and its evaluations."""

    @property
    def unpruned_ratio(self) -> float:
        """Cost of the whole trial at its own step time, divided by the cost of its steps done."""
        return self.steps / self.steps_done if self.state == "pruned" else 1.0


class StudyOutcome(Document):
    """Results and costs of a search so far."""

    name: str
    n_trials: int
    """Number of trials that the study requests."""
    trials: tuple[TrialOutcome, ...]
    accelerator: str
    n_devices: int
    """Number of devices of each trial."""
    usd_per_device_hour: float

    @property
    def best(self) -> TrialOutcome | None:
        """Complete trial with the lowest loss."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return min(complete, key=lambda trial: trial.held_out_loss or 0.0, default=None)

    def number_of(self, state: str) -> int:
        """Return the number of trials that ended in ``state``."""
        return sum(trial.state == state for trial in self.trials)

    def spent(self, what: Cost) -> float:
        """Return the cost of all trials; a run that two trials share counts once."""
        return float(sum(getattr(trial, what) for trial in self._by_run()))

    def spent_on_pruned(self, what: Cost) -> float:
        """Return the cost of the pruned trials."""
        pruned = (trial for trial in self._by_run() if trial.state == "pruned")
        return float(sum(getattr(trial, what) for trial in pruned))

    def without_pruning(self, what: Cost) -> float:
        """Return the cost that the trials would have had if none had been pruned."""
        return float(sum(getattr(trial, what) * trial.unpruned_ratio for trial in self._by_run()))

    def _by_run(self) -> list[TrialOutcome]:
        return list({trial.run_id: trial for trial in self.trials}.values())


def studies_dir() -> Path:
    """Return the folder of all studies of this machine."""
    return home_dir() / "studies"


def stored_outcomes() -> list[tuple[Path, StudyOutcome]]:
    """Return the folder and the outcome of every study of this machine, latest first."""
    found = sorted(
        studies_dir().glob("*/outcome.json"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    return [
        (path.parent, StudyOutcome.parse(read_json(path) or {}, where="outcome.json"))
        for path in found
    ]


def best_recipe(folder: Path) -> Recipe | None:
    """Return the best recipe of the study in ``folder``; None if no trial is complete."""
    path = folder / "best.toml"
    return read_toml(path, Recipe) if path.is_file() else None
