"""A study: which recipes a search may try, all at the FLOPs of its base, and what its trials found.

A study keeps its things in ``home_dir()/studies``, in a folder named by its content:

====================  =========================================================
``study.toml``        what was asked for
``journal.log``       Optuna's own record, from which an interrupted search goes on
``outcome.json``      the trials that are over, what they found and cost
``best.toml``         the recipe of the best
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
    """Sequences that a rank computes at a time, and how often before it steps."""

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
    """What one trial tries."""

    learning_rate: LearningRate
    batch: Batch
    size: Size


class Study(Document):
    """A search for the recipe of the lowest held-out loss. What is not listed is not searched."""

    schema_version: Literal[1] = 1
    recipe: Recipe
    """Where every trial starts from; its training FLOPs are those of each trial."""
    n_trials: Annotated[int, Field(ge=1, le=10_000)]
    learning_rates: LearningRates | None = None
    batches: Annotated[tuple[Batch, ...], Field(max_length=100)] = ()
    sizes: Annotated[tuple[Size, ...], Field(max_length=100)] = ()
    evaluations: Annotated[int, Field(ge=1, le=1_000)] = 8
    """Of each trial on the way, at even shares of its FLOPs: when it can be pruned."""
    pruner: Literal["median", "successive_halving", "none"] = "median"
    """Which trials are ended early: those worse than the median of the others at the same
    share of the FLOPs, or all but the best third of each rung (Li 2020)."""
    startup_trials: Annotated[int, Field(ge=1, le=10_000)] = 4
    """First trials: drawn at random, and not pruned by the median."""
    seed: Seed = 1

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for name in ("batches", "sizes"):
            listed = getattr(self, name)
            for one in listed:
                if listed.count(one) > 1:
                    raise InputError(name, str(one), "no_repeats")
        if not (self.learning_rates or self.batches or self.sizes):
            raise InputError("learning_rates", "—", "something_to_search")
        for recipe in self.corners():
            if recipe.steps <= self.evaluations:
                raise InputError("evaluations", self.evaluations, "less_than", limit=recipe.steps)
        return self

    def corners(self) -> Iterator[Recipe]:
        """A recipe of each batch and size: what can be seen to be impossible before a start."""
        for batch in self.batches or (self.own_batch,):
            for size in self.sizes or (self.own_size,):
                yield self.recipe_of(
                    Choice(learning_rate=self.recipe.peak_learning_rate, batch=batch, size=size)
                )

    @property
    def own_batch(self) -> Batch:
        """The base's."""
        layout = self.recipe.layout
        return Batch(
            micro_batch_sequences=layout.micro_batch_sequences,
            grad_accumulation_steps=layout.grad_accumulation_steps,
        )

    @property
    def own_size(self) -> Size:
        """The base's."""
        return Size.parse({name: getattr(self.recipe.shape, name) for name in Size.model_fields})

    def recipe_of(self, choice: Choice) -> Recipe:
        """The recipe of one trial: as many steps as take the base's FLOPs."""
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
    """Over all held-out documents; of a pruned trial, at its last evaluation."""
    evaluations: tuple[tuple[float, float], ...]
    """(share of the FLOPs, held-out loss) on the way."""
    flops: float
    """Of the steps done, as device-hours and USD are."""
    device_hours: float
    usd: float
    wall_s: float
    """From its creation to its end: starting, preparing and evaluating included."""

    @property
    def whole(self) -> float:
        """What the whole trial would have taken, over what it took: at its own pace."""
        return self.steps / self.steps_done if self.state == "pruned" else 1.0


class StudyOutcome(Document):
    """What a search has found so far, and what it cost."""

    name: str
    n_trials: int
    """As asked for."""
    trials: tuple[TrialOutcome, ...]
    accelerator: str
    n_devices: int
    """Of each trial."""
    usd_per_device_hour: float

    @property
    def best(self) -> TrialOutcome | None:
        """The complete trial of the lowest loss."""
        complete = [one for one in self.trials if one.state == "complete"]
        return min(complete, key=lambda one: one.held_out_loss or 0.0, default=None)

    def number_of(self, state: str) -> int:
        return sum(one.state == state for one in self.trials)

    def spent(self, what: Cost) -> float:
        """By all trials; one run that two of them share is paid for once."""
        return float(sum(getattr(one, what) for one in self._by_run()))

    def spent_on_pruned(self, what: Cost) -> float:
        pruned = (one for one in self._by_run() if one.state == "pruned")
        return float(sum(getattr(one, what) for one in pruned))

    def without_pruning(self, what: Cost) -> float:
        """What the same trials would have cost, each to its end at its own pace."""
        return float(sum(getattr(one, what) * one.whole for one in self._by_run()))

    def _by_run(self) -> list[TrialOutcome]:
        return list({one.run_id: one for one in self.trials}.values())


def studies_dir() -> Path:
    return home_dir() / "studies"


def stored_outcomes() -> list[tuple[Path, StudyOutcome]]:
    """(folder, outcome) of every study of this machine, the latest first."""
    found = sorted(
        studies_dir().glob("*/outcome.json"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    return [
        (path.parent, StudyOutcome.parse(read_json(path) or {}, where="outcome.json"))
        for path in found
    ]


def best_recipe(folder: Path) -> Recipe | None:
    """The recipe that a search found best, if any trial has ended."""
    path = folder / "best.toml"
    return read_toml(path, Recipe) if path.is_file() else None
