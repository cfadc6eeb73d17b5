"""The queue: which run starts when, by priority and then by age, as slots become free.

No process waits with a queued run. The queue moves when a process starts, ends or reconciles runs:
each calls :func:`start_next`, and a lock lets one of them at a time decide.

Each back end has a queue of its own, and no run overtakes: a run that waits for slots keeps the
runs behind it waiting. Only a run that something other than slots holds back, such as the monthly
spending limit, lets later runs pass.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.documents import InputError
from engine.paths import runs_dir
from engine.runs.back_ends import back_end
from engine.runs.folder import Phase, Run, RunState
from engine.runs.job import BACK_ENDS, BackEndName, Job
from engine.runs.launching.recovery import recover_unfinished, start_supervisor
from engine.runs.launching.spending import check_spending
from engine.runs.observing.index import summaries
from engine.runs.observing.summary import Summary
from engine.runs.settings import Settings, settings

_LOCK_PATIENCE_S = 1.0
"""Time to wait for the lock of a queued run, in seconds; readers hold it for milliseconds."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """A queued run and the reason why it waits."""

    run: Run
    n_ahead: int
    """Number of runs of the same back end that are live or start before this run."""
    held_by: InputError | None = None
    """Reason why the run could not start even if no run were ahead; None if there is none."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Places for ranks at one back end."""

    total: int
    """Number of slots, free or taken."""
    taken: dict[int, str]
    """Id of the live run on each taken slot, by the number of the slot."""


@dataclass(frozen=True, slots=True)
class _UnfinishedRun:
    """A queued or live run with its documents."""

    run: Run
    state: RunState
    job: Job


@dataclass(frozen=True, slots=True)
class _Decision:
    """A queued run with the slots on which it can start now."""

    position: QueuePosition
    slots: tuple[int, ...] | None
    """Numbers of the slots; None if the run cannot start now."""


def start_next() -> None:
    """Recover runs that lost their supervisors, and start the queued runs whose turn has come.

    Raises
    ------
    InputError
        If this installation's settings are not valid.
    """
    allowed = settings()
    if not runs_dir().is_dir():
        return
    with _queue_lock():
        seen = summaries()
        recover_unfinished(seen)
        live, queued = _unfinished(seen)
        for decision in _decisions(allowed, live, queued):
            if decision.slots is not None:
                _start(decision.position.run, decision.slots)


def positions() -> list[QueuePosition]:
    """Return all queued runs, back end by back end, in the order in which they start."""
    live, queued = _unfinished(summaries())
    try:
        return [decision.position for decision in _decisions(settings(), live, queued)]
    except InputError as error:  # no run starts before the settings are corrected
        return [QueuePosition(waiting.run, 0, error) for waiting in queued]


def slots_of(name: BackEndName, allowed: Settings) -> Slots | None:
    """Return the slots of a back end; None for a cluster that has a queue of its own."""
    live, _ = _unfinished(summaries())
    return _slots(name, allowed, live)


def check_start(run: Run, job: Job) -> None:
    """Check whether ``run`` can start at all with the terms of ``job``.

    Raises
    ------
    InputError
        If the back end lacks a requirement, if it has fewer slots than the run has ranks, or if
        the run would pass a spending limit (:func:`check_spending`).
    """
    chosen, allowed = back_end(job.back_end), settings()
    for error in chosen.unmet_requirements(allowed):
        raise error
    _check_ranks(run, chosen.slots(allowed))
    check_spending(run, job)


def _check_ranks(run: Run, most: int | None) -> None:
    n_ranks = run.recipe.n_ranks
    if most is not None and n_ranks > most:
        raise InputError("n_ranks", n_ranks, "less_than_equal", limit=most)


def _decisions(
    allowed: Settings, live: list[_UnfinishedRun], queued: list[_UnfinishedRun]
) -> Iterator[_Decision]:
    """Yield a decision for each queued run, in queue order.

    Each decision assumes that the runs of earlier decisions have been started.
    """
    for name in BACK_ENDS:
        in_line = [waiting for waiting in queued if waiting.job.back_end == name]
        if not in_line:
            continue
        places = _slots(name, allowed, live)
        n_ahead = sum(running.job.back_end == name for running in live)
        all_wait = False
        for waiting in in_line:
            slots, held_by = None, None
            if not all_wait:
                try:
                    slots = _free_slots(waiting, places)
                    if slots is not None:
                        check_spending(waiting.run, waiting.job)
                except InputError as error:
                    slots, held_by = None, error
            yield _Decision(QueuePosition(waiting.run, n_ahead, held_by), slots)
            if held_by is None:
                n_ahead += 1
                all_wait = slots is None
            if places is not None and slots is not None:
                places.taken.update(dict.fromkeys(slots, waiting.run.id))


def _free_slots(waiting: _UnfinishedRun, places: Slots | None) -> tuple[int, ...] | None:
    """Return the first free slots that the run needs; None if too few are free.

    Raises
    ------
    InputError
        If the back end has too few slots even when all are free.
    """
    if places is None:
        return ()
    _check_ranks(waiting.run, places.total)
    free = [slot for slot in range(places.total) if slot not in places.taken]
    # A run on a list of hosts takes all of their slots.
    wanted = places.total if waiting.job.back_end == "hosts" else waiting.run.recipe.n_ranks
    return tuple(free[:wanted]) if wanted <= len(free) else None


def _slots(name: BackEndName, allowed: Settings, live: list[_UnfinishedRun]) -> Slots | None:
    total = back_end(name).slots(allowed)
    if total is None:
        return None
    there = [running for running in live if running.job.back_end == name]
    return Slots(total, {slot: running.run.id for running in there for slot in running.state.slots})


def _start(run: Run, slots: tuple[int, ...]) -> None:
    with run.locked(_LOCK_PATIENCE_S) as descriptor:
        if descriptor is None or run.state.phase is not Phase.QUEUED:
            return  # the run was cancelled in the meantime
        if run.stop_reason:
            run.end(Phase.CANCELLED)
            return
        run.set_state(phase=Phase.STARTING, slots=slots)
        start_supervisor(run, descriptor)


def _unfinished(seen: Iterable[Summary]) -> tuple[list[_UnfinishedRun], list[_UnfinishedRun]]:
    """Return the live runs of ``seen``, and its queued runs in the order in which they start.

    A run that lost its supervisor is neither, unless a cluster still trains it.
    """
    live: list[_UnfinishedRun] = []
    queued: list[_UnfinishedRun] = []
    for summary in seen:
        if summary.phase is not None and summary.phase.is_over:
            continue
        run = Run(runs_dir() / summary.run_id)
        try:
            if run.has_lost_supervisor() and run.state.cluster_job is None:
                continue
            found = _UnfinishedRun(run, run.state, run.job)
        except (InputError, OSError):  # a file was edited by hand; lists of runs show the reason
            continue
        if found.state.phase is Phase.QUEUED:
            queued.append(found)
        elif found.state.phase.is_live:
            live.append(found)
    return live, sorted(queued, key=lambda waiting: (-waiting.job.priority, waiting.run.id))


@contextmanager
def _queue_lock() -> Iterator[None]:
    """Hold the lock of the queue, so that one process at a time starts runs."""
    with (runs_dir() / ".queue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
