"""Hyper-parameter search: trials are runs like any other, Optuna says what to try and what to end.

The tree-structured Parzen estimator (Bergstra 2011) proposes, a pruner ends what is worse than
others were at the same share of the FLOPs. A search that was interrupted goes on: trials that
are over are not run again, those that were under way are.
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
from engine.experiments.series import evaluated, failed, run_of, spent
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
    """How far a search is; told whenever a trial of it is over."""

    trial: TrialOutcome
    outcome: StudyOutcome


def search(
    study: Study, at_once: int = 1, tell: Callable[[SearchProgress], None] = lambda _: None
) -> StudyOutcome:
    """Run the trials that are still to be run, ``at_once`` side by side.

    A trial whose loss stops being a number counts as the worst there is. An interrupt cancels
    the trials under way, which the next search of the study tries again.

    Raises
    ------
    InputError
        If a trial cannot run on this machine, if one fails for another reason than its loss, or
        if the study is being searched already.
    """
    machine = this_machine()
    most = machine.n_devices // study.recipe.n_ranks
    if at_once > most:
        raise InputError("at_once", at_once, "less_than_equal", limit=most)
    for recipe in study.corners():
        run_plan(recipe, None, machine)
    study.folder.mkdir(parents=True, exist_ok=True)
    with hold_lock(study.folder / "lock") as alone:
        if not alone:
            raise InputError("study", study.recipe.name, "searched_already")
        write_atomically(study.folder / "study.toml", study.to_toml())
        return _Search(study, at_once, tell).run()


@dataclass
class _Live:
    """A trial under way."""

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
    tell: Callable[[SearchProgress], None]
    live: list[_Live] = field(default_factory=list)

    def __post_init__(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = self.study
        storage = JournalStorage(JournalFileBackend(str(study.folder / "journal.log")))
        kept = optuna.create_study(
            storage=storage, study_name=study.content_hash, load_if_exists=True
        )
        # Seeded by where it goes on: the same seed again would propose the same first trials.
        kept.sampler = optuna.samplers.TPESampler(
            seed=study.seed + len(kept.trials), n_startup_trials=study.startup_trials
        )
        kept.pruner = _pruner(study)
        self.kept = kept
        for trial in kept.get_trials(states=(TrialState.RUNNING,)):
            kept.enqueue_trial(trial.params)
            kept.tell(trial.number, state=TrialState.FAIL)

    def run(self) -> StudyOutcome:
        study = self.study
        try:
            while len(self._over()) < study.n_trials:
                while len(self.live) < min(self.at_once, study.n_trials - len(self._over())):
                    self.live.append(self._next())
                for one in list(self.live):
                    self._look(one)
                time.sleep(_POLL_S)
        finally:
            for one in self.live:
                control.cancel(one.run)
        return self._outcome()

    def _next(self) -> _Live:
        trial, study = self.kept.ask(), self.study
        rate, batch, size = study.recipe.peak_learning_rate, study.own_batch, study.own_size
        if study.learning_rates:
            low, high = study.learning_rates.low, study.learning_rates.high
            rate = trial.suggest_float("learning_rate", low, high, log=True)
            rate = min(high, max(low, float(f"{rate:.3g}")))
        # By position: what stands in a list is decided by the study's content, as its name is.
        if study.batches:
            batch = study.batches[_position(trial, "batch", len(study.batches))]
        if study.sizes:
            size = study.sizes[_position(trial, "size", len(study.sizes))]
        choice = Choice(learning_rate=rate, batch=batch, size=size)
        return _Live(trial, choice, run_of(study.recipe_of(choice)))

    def _look(self, one: _Live) -> None:
        """Report what is new of a trial; end it where it is over, or worse than others were."""
        phase = reconcile_run(one.run)  # before its metrics: what ended has written all of them
        losses = evaluated(one.progress.update().metrics)
        steps = one.progress.recipe.steps
        for step, loss in losses[one.reported :]:
            share = round(step / steps * (self.study.evaluations + 1))
            one.trial.report(loss, share)
            one.reported += 1
            if one.trial.should_prune() and phase is not Phase.SUCCEEDED:
                control.cancel(one.run)
                control.wait(one.run)
                return self._end(one, "pruned")
        if not phase.is_over:
            return None
        failure = one.run.state.failure
        if phase is Phase.SUCCEEDED:
            self._end(one, "complete")
        elif failure is not None and failure.key == "loss_not_finite":
            self._end(one, "diverged")
        else:
            raise failed(one.run)
        return None

    def _end(self, one: _Live, state: str) -> None:
        recipe, progress, result = one.run.recipe, one.progress.update(), one.run.result
        on_the_way = evaluated(progress.metrics)
        loss = on_the_way[-1][1] if state == "pruned" else None
        if state == "complete":
            assert result is not None
            loss = result.held_out_loss
        cost = spent(one.run, progress)
        outcome = TrialOutcome.parse(
            {
                "number": one.trial.number,
                "state": state,
                "run_id": one.run.id,
                "choice": one.choice,
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
        self.live.remove(one)
        # Before it is told: a trial that counts as over always has its outcome.
        one.trial.set_user_attr("outcome", outcome.model_dump(mode="json"))
        if state == "pruned":
            self.kept.tell(one.trial, state=TrialState.PRUNED)
        else:
            self.kept.tell(one.trial, math.inf if loss is None else loss)
        self._keep(self._outcome())
        self.tell(SearchProgress(outcome, self._outcome()))

    def _over(self) -> list[optuna.trial.FrozenTrial]:
        return self.kept.get_trials(deepcopy=False, states=_OVER)

    def _outcome(self) -> StudyOutcome:
        cluster = this_machine().cluster(self.study.recipe.n_ranks)
        return StudyOutcome.parse(
            {
                "name": self.study.recipe.name,
                "n_trials": self.study.n_trials,
                "trials": tuple(one.user_attrs["outcome"] for one in self._over()),
                "accelerator": cluster.accelerator,
                "n_devices": cluster.n_devices,
                "usd_per_device_hour": float(cluster.price_usd_per_device_hour),
            }
        )

    def _keep(self, outcome: StudyOutcome) -> None:
        folder, best = self.study.folder, outcome.best
        if best is not None:
            write_atomically(folder / "best.toml", self.study.recipe_of(best.choice).to_toml())
        write_json(folder / "outcome.json", outcome.model_dump(mode="json"))


def _position(trial: optuna.Trial, name: str, count: int) -> int:
    return int(trial.suggest_categorical(name, range(count)))


def _pruner(study: Study) -> BasePruner:
    if study.pruner == "median":
        # Not at the first evaluation, when rates are still rising.
        return MedianPruner(n_startup_trials=study.startup_trials, n_warmup_steps=2)
    if study.pruner == "successive_halving":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    return NopPruner()
