"""A ladder: the same recipe trained at many sizes and lengths, to fit a scaling law to its losses.

Runs that have succeeded are used again, so an interrupted ladder continues with the missing runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import LearningRate
from engine.flops import training_flops_per_token
from engine.machine import this_machine
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run

_POLL_S = 0.5


class Rung(Document):
    """One size of model, trained for each of several numbers of tokens."""

    n_layers: Annotated[int, Field(ge=1, le=1_000)]
    d_model: Annotated[int, Field(ge=8, le=1_000_000)]
    n_heads: Annotated[int, Field(ge=1, le=10_000)]
    d_ff: Annotated[int, Field(ge=1, le=10_000_000)]
    tokens: Annotated[tuple[int, ...], Field(min_length=1, max_length=100)]
    """Numbers of training tokens, each of which is rounded to whole steps."""
    peak_learning_rate: LearningRate | None = None
    """Peak learning rate; by default that of the ladder's recipe."""


class Ladder(Document):
    """All runs of one ladder."""

    schema_version: Literal[1] = 1
    recipe: Recipe
    """Recipe of all runs; each rung replaces its shape and its steps."""
    rungs: Annotated[tuple[Rung, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _runs_differ(self) -> Self:
        names = [recipe.name for recipe in self.recipes()]
        for name in names:
            if names.count(name) > 1:
                raise InputError("rungs", name, "no_repeats")
        return self

    def recipes(self) -> list[Recipe]:
        """Return a recipe for each rung and number of tokens, cheapest first."""
        made = [self._recipe(rung, tokens) for rung in self.rungs for tokens in rung.tokens]
        return sorted(made, key=training_flops)

    def _recipe(self, rung: Rung, tokens: int) -> Recipe:
        base = self.recipe
        steps = max(1, round(tokens / base.tokens_per_step))
        size = {name: getattr(rung, name) for name in ("n_layers", "d_model", "n_heads", "d_ff")}
        return base.with_values(
            {f"shape.{name}": value for name, value in size.items()}
            | {
                "name": f"{base.name} L{rung.n_layers} d{rung.d_model} {steps} steps",
                "shape.n_kv_heads": rung.n_heads,
                "steps": steps,
                "eval_every_steps": steps,
                "peak_learning_rate": rung.peak_learning_rate or base.peak_learning_rate,
            }
        )


def training_flops(recipe: Recipe) -> float:
    """Return the training FLOPs of a whole run, attention included."""
    return training_flops_per_token(recipe.shape) * recipe.tokens


@dataclass(frozen=True, slots=True)
class LadderProgress:
    """Progress of a ladder, reported when a run has ended."""

    run: Run
    n_done: int
    n_runs: int
    seconds_left: float
    """Seconds left: the remaining FLOPs at the rate so far."""


def run_ladder(
    ladder: Ladder, at_once: int, on_progress: Callable[[LadderProgress], None] = lambda _: None
) -> list[Run]:
    """Start the missing runs, ``at_once`` at a time, and return all runs of the ladder.

    An interrupt cancels the live runs and keeps the runs that have ended.

    Raises
    ------
    InputError
        If ``at_once`` runs need more devices than this machine has, or one of them fails.
    """
    recipes = ladder.recipes()
    most = this_machine().n_devices // ladder.recipe.n_ranks
    if at_once > most:
        raise InputError("at_once", at_once, "less_than_equal", limit=most)
    wanted = {recipe.content_hash for recipe in recipes}
    done = {key: run for key, run in _finished().items() if key in wanted}
    waiting = [recipe for recipe in recipes if recipe.content_hash not in done]
    flops_left = flops_at_start = sum(map(training_flops, waiting))
    started = time.monotonic()
    running: list[Run] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_start(waiting.pop(0)))
            for run in [run for run in running if reconcile_run(run).is_over]:
                running.remove(run)
                if run.state.phase is not Phase.SUCCEEDED:
                    raise InputError("run", run.id, "finished_run")
                done[run.recipe.content_hash] = run
                flops_left -= training_flops(run.recipe)
                rate = (flops_at_start - flops_left) / (time.monotonic() - started)
                on_progress(LadderProgress(run, len(done), len(recipes), flops_left / rate))
            time.sleep(_POLL_S)
    finally:
        for run in running:
            control.cancel(run)
    return [done[recipe.content_hash] for recipe in recipes]


def _start(recipe: Recipe) -> Run:
    run = Run.create(recipe, run_plan(recipe, None, this_machine()))
    control.start(run)
    return run


def _finished() -> dict[str, Run]:
    """Return the newest successful run of each recipe, by the recipe's hash."""
    return {
        run.recipe.content_hash: run
        for run in reversed(all_runs())
        if run.state.phase is Phase.SUCCEEDED
    }


def ladder_rows(runs: list[Run]) -> Iterator[dict[str, Any]]:
    """Yield the runs' measurements as rows of a table to which a scaling law can be fitted.

    ``params`` excludes the embeddings and ``params_total`` includes them; ``flops`` is
    6·params·tokens.
    """
    for run in runs:
        result, recipe = run.result, run.recipe
        assert result is not None
        params = recipe.shape.count_parameters().non_embedding
        yield {
            "model_id": recipe.name,
            "params": params,
            "params_total": result.n_parameters,
            "tokens": result.tokens,
            "flops": 6 * params * result.tokens,
            "loss": round(result.held_out_loss, 6),
            "unique_tokens": min(result.tokens, result.corpus.n_train_tokens),
            "dataset": f"{result.corpus.source} {result.corpus.source_version}".strip(),
            "split": "held-out documents",
            "source": f"python -m engine ladder, on {result.n_ranks} × {result.device}",
            "as_of": run.state.created_at.date().isoformat(),
        }
