"""The schedule against its closed forms, and against what no schedule may do."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from engine.predictor.timeline import (
    MAX_EVENTS,
    Event,
    PipelineStep,
    Timeline,
    perfetto_trace,
    simulate,
)

SECONDS = st.sampled_from((0.0, 0.25, 1.0, 3.0))  # sums of these are exact in floating point


@st.composite
def steps(draw: st.DrawFn) -> PipelineStep:
    stages = draw(st.integers(1, 6))
    pieces = draw(st.sampled_from((1, 2, 3, 4))) if stages > 1 else 1
    return PipelineStep(
        stages=stages,
        micro_batches=draw(st.integers(stages if pieces > 1 else 1, 14)),
        virtual_stages=pieces,
        forward_s=draw(st.sampled_from((0.5, 1.0, 3.0))),
        backward_s=draw(st.sampled_from((1.0, 2.0))),
        logits_forward_s=draw(SECONDS),
        logits_backward_s=draw(SECONDS),
        p2p_s=draw(SECONDS),
        reduction_s=draw(SECONDS),
        reduction_overlap_share=draw(st.sampled_from((0.0, 0.5, 1.0))),
        optimizer_s=draw(SECONDS),
    )


def computed(timeline: Timeline) -> dict[tuple[str, int, int, int], Event]:
    """Return the events by name, micro batch, piece and stage."""
    return {
        (event.name, event.micro_batch, event.piece, event.stage): event
        for event in timeline.events
        if event.track == "compute" and event.micro_batch is not None
    }


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 7, 8])
@pytest.mark.parametrize("micro_batches", [1, 2, 3, 8, 13])
@pytest.mark.parametrize("backward_s", [0.5, 1.0, 2.0])
def test_1f1b_is_as_long_as_its_closed_form(stages, micro_batches, backward_s) -> None:
    timeline = simulate(
        PipelineStep(
            stages=stages, micro_batches=micro_batches, forward_s=1.0, backward_s=backward_s
        )
    )
    assert timeline.total_s == (micro_batches + stages - 1) * (1 + backward_s)
    assert timeline.bubble_s == (stages - 1) * (1 + backward_s)
    assert timeline.bubble_share == pytest.approx((stages - 1) / (micro_batches + stages - 1))


@pytest.mark.parametrize("stages", [2, 4, 8])
@pytest.mark.parametrize("rounds", [1, 2, 5])
@pytest.mark.parametrize("pieces", [2, 4, 8])
@pytest.mark.parametrize("backward_s", [1.0, 2.0])
def test_interleaving_divides_the_bubble(stages, rounds, pieces, backward_s) -> None:
    """Narayanan 2021, section 2.2: (p − 1)·(f + b) / v."""
    timeline = simulate(
        PipelineStep(
            stages=stages,
            micro_batches=rounds * stages,
            virtual_stages=pieces,
            forward_s=1.0,
            backward_s=backward_s,
        )
    )
    assert timeline.bubble_s == (stages - 1) / pieces * (1 + backward_s)
    assert timeline.total_s == rounds * stages * (1 + backward_s) + timeline.bubble_s


def test_micro_batches_need_not_divide_evenly_among_interleaved_stages() -> None:
    for micro_batches in range(4, 17):
        timeline = simulate(
            PipelineStep(
                stages=4,
                micro_batches=micro_batches,
                virtual_stages=2,
                forward_s=1.0,
                backward_s=2.0,
            )
        )
        assert timeline.total_s == micro_batches * 3 + 3 / 2 * 3


@given(steps())
def test_nothing_overlaps_on_a_track(step: PipelineStep) -> None:
    timeline = simulate(step)
    tracks: dict[tuple[int, str], list[Event]] = {}
    for event in timeline.events:
        tracks.setdefault((event.stage, event.track), []).append(event)
    for events in tracks.values():
        for before, after in pairwise(events):
            assert before.end_s <= after.start_s


@given(steps())
def test_every_micro_batch_goes_through_all_pieces_in_order(step: PipelineStep) -> None:
    timeline = simulate(step)
    by_key = computed(timeline)
    assert len(timeline.events) == timeline.n_events
    assert len(by_key) == step.pieces
    for micro_batch in range(step.micro_batches):
        places = [
            (piece, stage) for piece in range(step.virtual_stages) for stage in range(step.stages)
        ]
        forwards = [by_key["forward", micro_batch, *place] for place in places]
        backwards = [by_key["backward", micro_batch, *place] for place in reversed(places)]
        for before, after in (*pairwise(forwards), *pairwise(backwards)):
            assert before.end_s + step.p2p_s <= after.start_s
        assert forwards[-1].end_s <= backwards[0].start_s


@given(steps())
def test_1f1b_keeps_no_more_micro_batches_than_stages_to_the_end(step: PipelineStep) -> None:
    if step.virtual_stages > 1:
        return
    by_key = computed(simulate(step))
    for stage in range(step.stages):
        forwards = [
            by_key["forward", micro_batch, 0, stage] for micro_batch in range(step.micro_batches)
        ]
        ends = [
            by_key["backward", micro_batch, 0, stage].end_s
            for micro_batch in range(step.micro_batches)
        ]
        for event in forwards:  # itself counted, since it starts before it ends
            started = sum(other.start_s <= event.start_s for other in forwards)
            assert started - sum(end <= event.start_s for end in ends) <= step.stages - stage


@given(steps())
def test_the_step_ends_with_gradients_and_optimizer(step: PipelineStep) -> None:
    timeline = simulate(step)
    assert timeline.total_s == max(
        (event.end_s for event in timeline.events if event.name != "send"), default=0.0
    )
    exposed_s = timeline.total_s - timeline.pipeline_s - step.optimizer_s
    assert -1e-9 <= exposed_s <= step.reduction_s + 1e-9  # sums of floats
    ideal_s = step.micro_batches * (step.forward_s + step.backward_s)
    assert timeline.pipeline_s >= ideal_s - 1e-9
    assert 0 <= timeline.bubble_share < 1


def test_gradients_beside_the_last_backward() -> None:
    def total_s(share: float, reduction_s: float) -> float:
        return simulate(
            PipelineStep(
                stages=1,
                micro_batches=2,
                forward_s=1.0,
                backward_s=2.0,
                reduction_s=reduction_s,
                reduction_overlap_share=share,
                optimizer_s=0.5,
            )
        ).total_s

    assert total_s(0.0, 1.0) == 6 + 1 + 0.5
    assert total_s(0.75, 1.0) == 6 + 0.25 + 0.5
    assert total_s(1.0, 5.0) == 6 + 3 + 0.5  # no longer beside it than the backward lasts


def test_transfers_and_logits_by_hand() -> None:
    step = PipelineStep(
        stages=2,
        micro_batches=1,
        forward_s=1.0,
        backward_s=2.0,
        logits_forward_s=0.25,
        logits_backward_s=0.5,
        p2p_s=0.125,
    )
    assert simulate(step).total_s == 2 * (1 + 2) + 0.25 + 0.5 + 2 * 0.125


def test_long_steps_are_drawn_from_both_ends_of_the_pipeline() -> None:
    step = PipelineStep(
        stages=16, micro_batches=500, virtual_stages=4, forward_s=1.0, backward_s=2.0, p2p_s=0.01
    )
    timeline = simulate(step)
    assert len(timeline.events) <= MAX_EVENTS < timeline.n_events
    assert timeline.drawn_stages == (0, 15)
    assert {event.stage for event in timeline.events} == {0, 15}
    assert timeline.total_s == simulate(step, max_events=10**9).total_s
    few = simulate(step, max_events=101)
    assert len(few.events) == 101
    assert few.drawn_stages == (0,)
    assert few.events[0].start_s == 0
    assert max(event.end_s for event in few.events) > timeline.pipeline_s - 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stages": 0}, "stages"),
        ({"forward_s": -1.0}, "forward_s"),
        ({"p2p_s": float("nan")}, "p2p_s"),
        ({"reduction_overlap_share": 1.5}, "reduction_overlap_share"),
        ({"stages": 1, "virtual_stages": 2}, "virtual_stages"),
        ({"stages": 8, "virtual_stages": 2}, "micro_batches"),
        ({"micro_batches": 10**9}, "micro_batches"),
    ],
)
def test_what_is_not_possible_is_refused(changes, field) -> None:
    given_values = {"stages": 2, "micro_batches": 4, "forward_s": 1.0, "backward_s": 2.0}
    with pytest.raises(InputError) as refused:
        PipelineStep(**{**given_values, **changes})
    assert refused.value.field == field


def test_trace_for_perfetto() -> None:
    step = PipelineStep(
        stages=3,
        micro_batches=4,
        forward_s=0.001,
        backward_s=0.002,
        p2p_s=0.0001,
        reduction_s=0.003,
        optimizer_s=0.0005,
    )
    events = simulate(step).events
    trace = perfetto_trace(events)
    assert json.loads(json.dumps(trace, allow_nan=False)) == trace
    assert trace == perfetto_trace(list(events))
    rows = trace["traceEvents"]
    slices = [row for row in rows if row["ph"] == "X"]
    assert len(slices) == len(events)
    for row in slices:
        assert row.keys() >= {"name", "cat", "ts", "dur", "pid", "tid", "args"}
        assert row["ts"] >= 0
        assert row["dur"] > 0
    named = {
        (row["pid"], row["tid"]): row["args"]["name"]
        for row in rows
        if row["name"] == "thread_name"
    }
    assert {(row["pid"], row["tid"]) for row in slices} == set(named)
    assert set(named.values()) == {
        "compute",
        "send forward",
        "send backward",
        "gradient reduction",
    }
    first = slices[0]
    assert first["name"] == "forward 0"
    assert (first["ts"], first["dur"]) == (0, 1000)
    assert first["args"] == {"micro batch": 0, "piece": 0}
