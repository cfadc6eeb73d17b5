"""Hyper-parameter search with Optuna, whose trials are ordinary runs.

The tree-structured Parzen estimator (Bergstra 2011) proposes trials, and a pruner ends trials that
are worse than the others were at the same share of the FLOPs. An interrupted search can continue:
trials that are over are not run again, and trials that were live are tried again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from engine.documents import InputError
from engine.experiments.series import evaluations_during, failure_error, run_cost, run_of
from engine.experiments.study import Choice, Study, StudyOutcome, TrialOutcome
from engine.files import write_atomically, write_json
from engine.machine import this_machine
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.locks import hold_lock
from engine.runs.observing.progress import Progress

_POLL_S = 0.3
_OVER = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """Progress of a search, reported when a trial is over."""

    trial: TrialOutcome
    outcome: StudyOutcome


def search(
    study: Study, at_once: int = 1, on_progress: Callable[[SearchProgress], None] = lambda _: None
) -> StudyOutcome:
    """Run the remaining trials of ``study``, ``at_once`` at a time, and return its outcome.

    A trial whose loss becomes NaN or infinite counts as the worst trial. An interrupt cancels the
    live trials, which the next search of the study tries again.

    Raises
    ------
    InputError
        If a trial cannot run on this machine or fails for another reason than its loss, or if
        another process searches the study.
    """
    machine = this_machine()
    most = machine.n_devices // study.recipe.n_ranks
    if at_once > most:
        raise InputError("at_once", at_once, "less_than_equal", limit=most)
    for recipe in study.corners():
        run_plan(recipe, None, machine)
    study.folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(study.folder / "lock") as is_free:
        if not is_free:
            raise InputError("study", study.recipe.name, "searched_already")
        write_atomically(study.folder / "study.toml", study.to_toml())
        return _Search(study, at_once, on_progress).run()


@dataclass
class _LiveTrial:
    """A trial whose run is not over."""

    trial: optuna.Trial
    choice: Choice
    run: Run
    reported: int = 0

    def __post_init__(self) -> None:
        self.progress = Progress(self.run)


@dataclass
class _Search:
    study: Study
    at_once: int
    on_progress: Callable[[SearchProgress], None]
    live: list[_LiveTrial] = field(default_factory=list)

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = self.study
        storage = JournalStorage(JournalFileBackend(str(study.folder / "journal.log")))
        optuna_study = optuna.create_study(
            storage=storage, study_name=study.content_hash, load_if_exists=True
        )
        # The seed depends on the number of trials: a search that continues with the same seed would
        # propose the first trials again.
        optuna_study.sampler = optuna.samplers.TPESampler(
            seed=study.seed + len(optuna_study.trials), n_startup_trials=study.startup_trials
        )
        optuna_study.pruner = _pruner(study)
        self.optuna_study = optuna_study
        for trial in optuna_study.get_trials(states=(TrialState.RUNNING,)):
            optuna_study.enqueue_trial(trial.params)
            optuna_study.tell(trial.number, state=TrialState.FAIL)

    def run(self) -> StudyOutcome:
        study = self.study
        try:
            while len(self._over()) < study.n_trials:
                while len(self.live) < min(self.at_once, study.n_trials - len(self._over())):
                    self.live.append(self._next())
                for live in list(self.live):
                    self._update(live)
                time.sleep(_POLL_S)
        finally:
            for live in self.live:
                control.cancel(live.run)
        return self._outcome()

    def _next(self) -> _LiveTrial:
        trial, study = self.optuna_study.ask(), self.study
        rate, batch, size = study.recipe.peak_learning_rate, study.own_batch, study.own_size
        if study.learning_rates:
            low, high = study.learning_rates.low, study.learning_rates.high
            rate = trial.suggest_float("learning_rate", low, high, log=True)
            rate = min(high, max(low, float(f"{rate:.3g}")))
        # Optuna gets positions in the lists: the study's name depends on the content of the lists.
        if study.batches:
            batch = study.batches[_position(trial, "batch", len(study.batches))]
        if study.sizes:
            size = study.sizes[_position(trial, "size", len(study.sizes))]
        choice = Choice(learning_rate=rate, batch=batch, size=size)
        return _LiveTrial(trial, choice, run_of(study.recipe_of(choice)))

    def _update(self, live: _LiveTrial) -> None:
        """Report new losses of a trial to Optuna; end the trial if it is over or is pruned."""
        phase = reconcile_run(live.run)  # before the metrics: a run that is over has written all
        losses = evaluations_during(live.progress.update().metrics)
        steps = live.progress.recipe.steps
        for step, loss in losses[live.reported :]:
            share = round(step / steps * (self.study.evaluations + 1))
            live.trial.report(loss, share)
            live.reported += 1
            if live.trial.should_prune() and phase is not Phase.SUCCEEDED:
                control.cancel(live.run)
                control.wait(live.run)
                return self._end(live, "pruned")
        if not phase.is_over:
            return None
        failure = live.run.state.failure
        if phase is Phase.SUCCEEDED:
            self._end(live, "complete")
        elif failure is not None and failure.key == "loss_not_finite":
            self._end(live, "diverged")
        else:
            raise failure_error(live.run)
        return None

    def _end(self, live: _LiveTrial, state: str) -> None:
        recipe, progress, result = live.run.recipe, live.progress.update(), live.run.result
        on_the_way = evaluations_during(progress.metrics)
        loss = on_the_way[-1][1] if state == "pruned" else None
        if state == "complete":
            assert result is not None
            loss = result.held_out_loss
        cost = run_cost(live.run, progress)
        outcome = TrialOutcome.parse(
            {
                "number": live.trial.number,
                "state": state,
                "run_id": live.run.id,
                "choice": live.choice,
                "n_parameters": recipe.shape.count_parameters().total,
                "steps": recipe.steps,
                "steps_done": progress.steps_done,
                "held_out_loss": loss,
                "evaluations": tuple((step / recipe.steps, loss) for step, loss in on_the_way),
                "flops": cost.flops,
                "device_hours": cost.device_hours,
                "usd": cost.usd,
                "wall_s": cost.wall_s,
            }
        )
        self.live.remove(live)
        # The outcome is stored first, so that every trial that is over has one.
        live.trial.set_user_attr("outcome", outcome.model_dump(mode="json"))
        if state == "pruned":
            self.optuna_study.tell(live.trial, state=TrialState.PRUNED)
        else:
            self.optuna_study.tell(live.trial, math.inf if loss is None else loss)
        self._write(self._outcome())
        self.on_progress(SearchProgress(outcome, self._outcome()))

    def _over(self) -> list[optuna.trial.FrozenTrial]:
        return self.optuna_study.get_trials(deepcopy=False, states=_OVER)

    def _outcome(self) -> StudyOutcome:
        cluster = this_machine().cluster(self.study.recipe.n_ranks)
        return StudyOutcome.parse(
            {
                "name": self.study.recipe.name,
                "n_trials": self.study.n_trials,
                "trials": tuple(trial.user_attrs["outcome"] for trial in self._over()),
                "accelerator": cluster.accelerator,
                "n_devices": cluster.n_devices,
                "usd_per_device_hour": float(cluster.price_usd_per_device_hour),
            }
        )

    def _write(self, outcome: StudyOutcome) -> None:
        folder, best = self.study.folder, outcome.best
        if best is not None:
            write_atomically(folder / "best.toml", self.study.recipe_of(best.choice).to_toml())
        write_json(folder / "outcome.json", outcome.model_dump(mode="json"))


def _position(trial: optuna.Trial, name: str, count: int) -> int:
    return int(trial.suggest_categorical(name, range(count)))


def _pruner(study: Study) -> BasePruner:
    if study.pruner == "median":
        # No trial is pruned at its first evaluation, while learning rates are still rising.
        return MedianPruner(n_startup_trials=study.startup_trials, n_warmup_steps=2)
    if study.pruner == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return NopPruner()
