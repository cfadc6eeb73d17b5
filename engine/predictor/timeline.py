"""The timeline of one training step: the work of each pipeline stage over time.

Micro batches go forward through all stages and backward again. In the 1F1B schedule (Narayanan
2021, section 2.2, figure 4) a stage first runs forward as many micro batches as there are stages
from it to the end; then a backward pass follows each forward pass. With interleaving each stage
holds ``virtual_stages`` pieces of the model, which divides the bubble by their number.

The schedule is simulated piece by piece, so that delays by unequal stages and by transfers are
visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

from engine.documents import InputError
from engine.units import MICROSECONDS_PER_SECOND

Track = Literal["compute", "send forward", "send backward", "gradient reduction"]
TRACKS: tuple[Track, ...] = ("compute", "send forward", "send backward", "gradient reduction")

MAX_PIECES = 200_000
"""Most forward and backward pieces of a simulated step: about a second of computing."""
MAX_EVENTS = 20_000
"""Most events that are kept for drawing: about 4 MB of trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStep:
    """One training step of one replica, described by its durations.

    Raises
    ------
    InputError
        If a degree is impossible, a duration is negative, or the step is too long to simulate.
    """

    stages: int
    micro_batches: int
    virtual_stages: int = 1
    """Pieces of the model on each stage."""
    forward_s: float
    """Seconds of the forward pass of one micro batch on one stage, all its pieces together."""
    backward_s: float
    """Seconds of the backward pass of one micro batch on one stage, recomputation included."""
    logits_forward_s: float = 0.0
    """Seconds that the output head and the loss add to the forward pass of the last piece."""
    logits_backward_s: float = 0.0
    """Seconds that the output head and the loss add to the backward pass of the last piece."""
    p2p_s: float = 0.0
    """Seconds of one transfer between neighbouring stages. A stage computes during transfers;
    each direction of a link carries one transfer at a time."""
    reduction_s: float = 0.0
    """Seconds to reduce the gradients of one stage over its replicas."""
    reduction_overlap_share: float = 0.0
    """Share of ``reduction_s`` that overlaps with the stage's last backward pass, at most for the
    duration of that pass."""
    optimizer_s: float = 0.0
    """Seconds of the optimizer."""

    def __post_init__(self) -> None:
        for name in ("stages", "micro_batches", "virtual_stages"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), "greater_than_equal", limit=1)
        for name in self.__slots__:
            if name.endswith("_s") and not 0 <= getattr(self, name) < float("inf"):
                raise InputError(name, getattr(self, name), "greater_than_equal", limit=0)
        if not 0 <= self.reduction_overlap_share <= 1:
            share = self.reduction_overlap_share
            raise InputError("reduction_overlap_share", share, "between", low=0, high=1)
        if self.virtual_stages > 1 and self.stages == 1:
            raise InputError("virtual_stages", self.virtual_stages, "equal", to=1)
        if self.virtual_stages > 1 and self.micro_batches < self.stages:
            count = self.micro_batches  # a piece would wait for its own micro batch
            raise InputError("micro_batches", count, "greater_than_equal", limit=self.stages)
        if self.pieces > MAX_PIECES:
            limit = MAX_PIECES // (2 * self.stages * self.virtual_stages)
            raise InputError("micro_batches", self.micro_batches, "less_than_equal", limit=limit)

    @property
    def pieces(self) -> int:
        """Number of forward and backward pieces of the whole step."""
        return 2 * self.stages * self.micro_batches * self.virtual_stages

    def duration_s(self, stage: int, name: str, piece: int) -> float:
        """Return the seconds of one forward or backward piece of a stage."""
        is_last = stage == self.stages - 1 and piece == self.virtual_stages - 1
        if name == "forward":
            return self.forward_s / self.virtual_stages + is_last * self.logits_forward_s
        return self.backward_s / self.virtual_stages + is_last * self.logits_backward_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A period of work on one track of a stage."""

    stage: int
    track: Track
    name: str
    """``forward``, ``backward``, ``send``, ``reduce`` or ``optimizer``."""
    start_s: float
    duration_s: float
    micro_batch: int | None = None
    """Number of the micro batch; None for work of the whole step."""
    piece: int | None = None
    """Number of the virtual stage within the stage."""

    @property
    def end_s(self) -> float:
        """End of the event, in seconds from the start of the step."""
        return self.start_s + self.duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One simulated step. Times and shares include events that are not drawn."""

    events: tuple[Event, ...]
    """Drawn events by stage, track and time; :func:`simulate` describes which are left out."""
    n_events: int
    """Number of all events, drawn or not."""
    drawn_stages: tuple[int, ...]
    total_s: float
    """Seconds of the whole step."""
    pipeline_s: float
    """Seconds from the first forward pass to the end of the last backward pass."""
    bubble_s: float
    """Seconds that a stage waits within ``pipeline_s``, averaged over the stages."""

    @property
    def bubble_share(self) -> float:
        """Bubble as a share of ``pipeline_s``; Narayanan 2021 divides by the time without it."""
        return self.bubble_s / self.pipeline_s if self.pipeline_s else 0.0


class _Piece(NamedTuple):
    """One micro batch, forward or backward, through one virtual stage."""

    name: str
    micro_batch: int
    piece: int


def _order(step: PipelineStep, stage: int) -> Iterator[_Piece]:
    """Yield the pieces that ``stage`` computes, in their order (Megatron-LM's schedules).

    With interleaving, a group of micro batches passes one piece before it reaches the next. A
    group holds ``stages`` micro batches, or a few more where they do not divide evenly; a smaller
    group would wait for itself. Each stage before the last warms up with two more pieces than the
    next stage, and without interleaving with one more.
    """
    stages, pieces = step.stages, step.virtual_stages
    if pieces == 1:
        warm_up, group = stages - stage - 1, step.micro_batches
    else:
        group = _group_size(step.micro_batches, stages)
        warm_up = 2 * (stages - stage - 1) + (pieces - 1) * group
    order = [
        (micro_batch, piece)
        for first in range(0, step.micro_batches, group)
        for piece in range(pieces)
        for micro_batch in range(first, min(first + group, step.micro_batches))
    ]
    forwards = (_Piece("forward", micro_batch, piece) for micro_batch, piece in order)
    backwards = (
        _Piece("backward", micro_batch, pieces - 1 - piece) for micro_batch, piece in order
    )
    for _ in range(min(warm_up, len(order))):
        yield next(forwards)
    for forward in forwards:
        yield forward
        yield next(backwards)
    yield from backwards


def _group_size(micro_batches: int, stages: int) -> int:
    """Return the smallest group that leaves no remainder below ``stages``."""
    sizes = range(stages, micro_batches + 1)
    return next(n for n in sizes if micro_batches % n == 0 or micro_batches % n >= stages)


def simulate(step: PipelineStep, max_events: int = MAX_EVENTS) -> Timeline:
    """Simulate one step of the schedule.

    The optimizer starts on all stages at the same time, when the last of them has its gradients:
    gradients are clipped by their norm over the whole model.

    Parameters
    ----------
    max_events
        Largest number of events to keep. If there are more, whole stages are kept from both ends
        of the pipeline inwards. A single stage with more events keeps its beginning and its end,
        where the bubbles are.
    """
    per_stage = _run_pipeline(step)
    computing = [[event for event in events if event.track == "compute"] for events in per_stage]
    pipeline_s = max(events[-1].end_s for events in computing)
    # One addend for each kind of piece keeps the sum as exact as the durations.
    busy_s = sum(
        step.micro_batches * step.duration_s(stage, name, piece)
        for stage in range(step.stages)
        for name in ("forward", "backward")
        for piece in range(step.virtual_stages)
    )
    reduced_s = 0.0
    for stage, last in enumerate(events[-1] for events in computing):
        beside_s = min(step.reduction_overlap_share * step.reduction_s, last.duration_s)
        start_s = last.end_s - beside_s
        reduced_s = max(reduced_s, start_s + step.reduction_s)
        if step.reduction_s:
            reduction = _event(stage, "gradient reduction", "reduce", start_s, step.reduction_s)
            per_stage[stage].append(reduction)
    for stage, events in enumerate(per_stage):
        if step.optimizer_s:
            events.append(_event(stage, "compute", "optimizer", reduced_s, step.optimizer_s))
    drawn = _drawn_stages([len(events) for events in per_stage], max_events)
    kept = chain.from_iterable(_both_ends(per_stage[stage], max_events) for stage in drawn)
    return Timeline(
        events=tuple(kept),
        n_events=sum(map(len, per_stage)),
        drawn_stages=drawn,
        total_s=reduced_s + step.optimizer_s,
        pipeline_s=pipeline_s,
        bubble_s=max(0.0, pipeline_s - busy_s / step.stages),
    )


def _run_pipeline(step: PipelineStep) -> list[list[Event]]:
    """Return pieces and transfers of every stage; each track of a stage is in order of time."""
    last = step.stages * step.virtual_stages - 1  # index of the model's last piece
    orders = [_order(step, stage) for stage in range(step.stages)]
    heads = [next(order, None) for order in orders]
    events: list[list[Event]] = [[] for _ in orders]
    free_s = [dict.fromkeys(TRACKS, 0.0) for _ in orders]
    # Time at which a piece's input is at its stage, by (name, micro batch, place in the model).
    arrived_s = {("forward", micro_batch, 0): 0.0 for micro_batch in range(step.micro_batches)}

    waiting = True
    while waiting:
        waiting = False
        for stage, order in enumerate(orders):
            while (head := heads[stage]) is not None:
                name, micro_batch, piece = head
                place = piece * step.stages + stage
                ready_s = arrived_s.pop((name, micro_batch, place), None)
                if ready_s is None:
                    break  # another stage has to go first
                waiting = True
                start_s = max(ready_s, free_s[stage]["compute"])
                duration_s = step.duration_s(stage, name, piece)
                event = _event(stage, "compute", name, start_s, duration_s, micro_batch, piece)
                events[stage].append(event)
                free_s[stage]["compute"] = event.end_s
                heads[stage] = next(order, None)
                if name == "forward" and place == last:
                    arrived_s["backward", micro_batch, place] = event.end_s
                    continue
                if name == "backward" and place == 0:
                    continue
                track: Track = "send forward" if name == "forward" else "send backward"
                start_s = max(event.end_s, free_s[stage][track])
                sent = _event(stage, track, "send", start_s, step.p2p_s, micro_batch, piece)
                free_s[stage][track] = sent.end_s
                if step.p2p_s:
                    events[stage].append(sent)
                next_place = place + 1 if name == "forward" else place - 1
                arrived_s[name, micro_batch, next_place] = sent.end_s
    assert not any(heads), "the schedule waits for itself"
    return events


def _drawn_stages(n_events: list[int], max_events: int) -> tuple[int, ...]:
    """Return the stages to draw: first, last, second, last but one and so on while they fit."""
    inwards = sorted(range(len(n_events)), key=lambda s: (min(s, len(n_events) - 1 - s), s))
    drawn, room = inwards[:1], max_events - n_events[0]
    for stage in inwards[1:]:
        room -= n_events[stage]
        if room < 0:
            break
        drawn.append(stage)
    return tuple(sorted(drawn))


def _both_ends(events: list[Event], max_events: int) -> list[Event]:
    """Return the first and the last events of a stage, at most ``max_events`` of them."""
    by_time = sorted(events, key=lambda event: event.start_s)
    left_out = max(0, len(events) - max_events)
    first = (len(events) - left_out) // 2
    return sorted(by_time[:first] + by_time[first + left_out :], key=_by_track_and_time)


def _by_track_and_time(event: Event) -> tuple[int, float]:
    return TRACKS.index(event.track), event.start_s


def _event(
    stage: int,
    track: Track,
    name: str,
    start_s: float,
    duration_s: float,
    micro_batch: int | None = None,
    piece: int | None = None,
) -> Event:
    return Event(
        stage=stage,
        track=track,
        name=name,
        start_s=start_s,
        duration_s=duration_s,
        micro_batch=micro_batch,
        piece=piece,
    )


def perfetto_trace(events: Iterable[Event]) -> dict[str, Any]:
    """Return the events in Chrome's trace event format (JSON object format), for ui.perfetto.dev.

    Each stage is a process and each track a thread. Times are in microseconds, rounded to a
    nanosecond. Equal events give equal traces.
    """
    slices: list[dict[str, Any]] = []
    tracks: set[tuple[int, int]] = set()
    for event in events:
        track = TRACKS.index(event.track)
        tracks.add((event.stage, track))
        numbers = {"micro batch": event.micro_batch, "piece": event.piece}
        label = event.name if event.micro_batch is None else f"{event.name} {event.micro_batch}"
        slices.append(
            {
                "name": label,
                "cat": event.name,
                "ph": "X",
                "ts": round(event.start_s * MICROSECONDS_PER_SECOND, 3),
                "dur": round(event.duration_s * MICROSECONDS_PER_SECOND, 3),
                **_place(event.stage, track),
                "args": {key: value for key, value in numbers.items() if value is not None},
            }
        )
    names = [
        {"name": kind, "ph": "M", **_place(stage, track), "args": {"name": name}}
        for stage, track in sorted(tracks)
        for kind, name in (("process_name", f"stage {stage}"), ("thread_name", TRACKS[track]))
    ]
    return {"traceEvents": names + slices, "displayTimeUnit": "ms"}


def _place(stage: int, track: int) -> dict[str, int]:
    """Return the process and the thread of a track.

    Neither is 0, which readers take for the idle process, and threads are unique over all
    processes, as in an operating system.
    """
    return {"pid": stage + 1, "tid": stage * len(TRACKS) + track + 1}
