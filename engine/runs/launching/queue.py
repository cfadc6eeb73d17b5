"""Which run starts when: by priority, then by age, as slots get free.

No process waits with a queued run. Whoever starts, ends or looks at runs lets the queue advance,
one after the other under a lock; so it stands still only for as long as nobody does any of it.

Nobody overtakes: what waits for slots at the head of its back end's queue keeps those behind it
waiting. Only a run that something else keeps there, the month's spending limit say, lets the
others by.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.documents import InputError
from engine.paths import runs_dir
from engine.runs.back_ends import back_end
from engine.runs.folder import Phase, Run, RunState
from engine.runs.job import BACK_ENDS, BackEndName, Job
from engine.runs.launching.spending import check_spending
from engine.runs.observing.index import summaries
from engine.runs.processes import look_after, start_supervisor
from engine.runs.settings import Settings, settings

_PATIENCE_S = 1.0
"""Whoever only looks at a run has its lock for a moment."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A run in the queue."""

    run: Run
    behind: int
    """Runs of its back end that are live, or start before it."""
    held_by: InputError | None = None
    """What keeps it there, if it is not they."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Places for ranks at one back end."""

    total: int
    taken: dict[int, str]
    """Ids of the live runs that have them."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A run that is not over."""

    run: Run
    state: RunState
    job: Job


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is to become of a queued run."""

    waiting: Waiting
    slots: tuple[int, ...] | None
    """Those on which it can start now; None if it cannot."""


def advance() -> None:
    """Start the queued runs whose turn it is.

    Raises
    ------
    InputError
        If this installation's settings are not allowed.
    """
    allowed = settings()
    if not runs_dir().is_dir():
        return
    with _alone():
        live, queued = _unfinished()
        for turn in _turns(allowed, live, queued):
            if turn.slots is not None:
                _begin(turn.waiting.run, turn.slots)


def waiting() -> list[Waiting]:
    """The queue, back end by back end, those that start first first."""
    live, queued = _unfinished()
    try:
        return [turn.waiting for turn in _turns(settings(), live, queued)]
    except InputError as error:  # in the settings: nothing starts before that is put right
        return [Waiting(place.run, 0, error) for place in queued]


def slots_of(name: BackEndName, allowed: Settings) -> Slots | None:
    """None where a cluster has a queue of its own."""
    live, _ = _unfinished()
    return _slots(name, allowed, live)


def check_start(run: Run, job: Job) -> None:
    """Whether ``run`` can start at all.

    Raises
    ------
    InputError
        If its back end lacks something, or has fewer slots than the run has ranks; else as
        :func:`check_spending`.
    """
    known, allowed = back_end(job.back_end), settings()
    for lack in known.lacks(allowed):
        raise lack
    _check_ranks(run, known.slots(allowed))
    check_spending(run, job)


def _check_ranks(run: Run, most: int | None) -> None:
    n_ranks = run.recipe.n_ranks
    if most is not None and n_ranks > most:
        raise InputError("n_ranks", n_ranks, "less_than_equal", limit=most)


def _turns(allowed: Settings, live: list[_Place], queued: list[_Place]) -> Iterator[_Turn]:
    """In the order in which they come; what is said of one supposes that those before it have
    been started."""
    for name in BACK_ENDS:
        in_line = [place for place in queued if place.job.back_end == name]
        if not in_line:
            continue
        places = _slots(name, allowed, live)
        behind = sum(place.job.back_end == name for place in live)
        all_wait = False
        for place in in_line:
            slots, held_by = None, None
            if not all_wait:
                try:
                    slots = _fitting(place, places)
                    if slots is not None:
                        check_spending(place.run, place.job)
                except InputError as error:
                    slots, held_by = None, error
            yield _Turn(Waiting(place.run, behind, held_by), slots)
            if held_by is None:
                behind += 1
                all_wait = slots is None
            if places is not None and slots is not None:
                places.taken.update(dict.fromkeys(slots, place.run.id))


def _fitting(place: _Place, places: Slots | None) -> tuple[int, ...] | None:
    """Slots for a run, the first that are free; None if there are too few.

    Raises
    ------
    InputError
        If there are too few even when all are free.
    """
    if places is None:
        return ()
    _check_ranks(place.run, places.total)
    free = [slot for slot in range(places.total) if slot not in places.taken]
    # Nodes of a list of hosts belong together: a run has all of them.
    wanted = places.total if place.job.back_end == "hosts" else place.run.recipe.n_ranks
    return tuple(free[:wanted]) if wanted <= len(free) else None


def _slots(name: BackEndName, allowed: Settings, live: list[_Place]) -> Slots | None:
    total = back_end(name).slots(allowed)
    if total is None:
        return None
    there = [place for place in live if place.job.back_end == name]
    return Slots(total, {slot: place.run.id for place in there for slot in place.state.slots})


def _begin(run: Run, slots: tuple[int, ...]) -> None:
    with run.locked(_PATIENCE_S) as descriptor:
        if descriptor is None or run.state.phase is not Phase.QUEUED:
            return  # it was cancelled meanwhile
        if run.stop_reason:
            run.end(Phase.CANCELLED)
            return
        run.set_state(phase=Phase.STARTING, slots=slots)
        start_supervisor(run, descriptor)


def _unfinished() -> tuple[list[_Place], list[_Place]]:
    """Runs that are live, for sure, and queued ones in the order in which they start."""
    live: list[_Place] = []
    queued: list[_Place] = []
    for one in summaries():
        if one.phase is not None and one.phase.is_over:
            continue
        run = Run(runs_dir() / one.run_id)
        try:
            if look_after(run).is_over:
                continue
            place = _Place(run, run.state, run.job)
        except (InputError, OSError):  # somebody edited it, or the disk is full; lists say so
            continue
        (queued if place.state.phase is Phase.QUEUED else live).append(place)
    return live, sorted(queued, key=lambda place: (-place.job.priority, place.run.id))


@contextmanager
def _alone() -> Iterator[None]:
    """Of several that let the queue advance, one after the other."""
    with (runs_dir() / ".queue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
