"""Choosing the batch, counting devices, comparing forms of a model."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from engine.serving.inference import serve
from engine.serving.load import (
    LatencyLimits,
    Workload,
    choose,
    compare,
    devices_for_load,
    requests_per_s,
)
from engine.serving.replica import Replica, Request, ServedModel
from tests.engine.serving.models import (
    EFFICIENCY,
    GROUPED,
    H100,
    H200,
    LARGE,
    LLAMA3_70B,
    REQUEST,
    SPARSE,
    deployed,
)
from tests.engine.shapes import LLAMA3_8B

WORKLOAD = Workload(request=REQUEST)
MANY = 1e6
"""Requests/s that take so many devices that the last replica does not matter."""


def test_without_limits_memory_is_filled() -> None:
    point = choose(deployed(LARGE, tensor_parallel=2), WORKLOAD).point
    assert point
    assert point.batch == point.most_sequences > 1


def test_no_larger_batch_than_pays() -> None:
    """Beyond it all parts but the cache, which each sequence has its own of, are computing."""
    point = choose(deployed(GROUPED, tensor_parallel=1), WORKLOAD).point
    assert point
    break_even = 989e12 * 0.7 / (3350e9 * 0.8)
    assert point.batch == math.ceil(break_even) < point.most_sequences


@pytest.mark.parametrize("limit_s", [0.012, 0.02, 0.03])
def test_the_largest_batch_within_a_limit(limit_s) -> None:
    limits = LatencyLimits(inter_token_latency_s=limit_s)
    point = choose(
        deployed(GROUPED, tensor_parallel=1), Workload(request=REQUEST, limits=limits)
    ).point
    assert point
    assert point.inter_token_latency_s <= limit_s
    alone = Replica(model=GROUPED, device=H100, efficiency=EFFICIENCY, tensor_parallel=1)
    assert serve(alone, REQUEST, point.batch + 1).inter_token_latency_s > limit_s


def test_tighter_limits_need_more_devices_a_replica() -> None:
    def degree(limit_s: float) -> int:
        limits = LatencyLimits(inter_token_latency_s=limit_s)
        point = choose(deployed(LARGE), Workload(request=REQUEST, limits=limits)).point
        assert point
        return point.tensor_parallel

    assert degree(0.010) == 8
    assert degree(0.1) == 4


def test_why_there_is_no_answer() -> None:
    def reason(model=LARGE, device=H100, request=REQUEST, degree=None, **limits) -> str | None:
        answer = devices_for_load(
            deployed(model, device, tensor_parallel=degree),
            Workload(request=request, limits=LatencyLimits(**limits)),
            1.0,
        )
        assert answer.feasible == (answer.reason is None) == (answer.devices > 0)
        return answer.reason

    assert reason() is None
    assert reason(degree=1) == "weights_do_not_fit"
    long = Request(input_tokens=100_000, output_tokens=1)
    assert reason(degree=2, request=long) == "cache_does_not_fit"
    assert reason(time_to_first_token_s=0.01) == "time_to_first_token"
    assert reason(inter_token_latency_s=0.001) == "inter_token_latency"
    assert reason(inter_token_latency_s=0) == "inter_token_latency"
    tiny = H100.model_copy(update={"memory_gb": 0.1})
    assert reason(device=tiny) == "weights_do_not_fit"
    best = choose(deployed(SPARSE, H200), WORKLOAD)
    assert best.best_time_to_first_token_s
    assert best.best_inter_token_latency_s


def test_limits_that_exclude_each_other() -> None:
    """With slow all-reduces, many devices read a prompt soonest, and one generates soonest."""
    slow = replace(EFFICIENCY, all_reduce_latency_s=1e-4)
    request = Request(input_tokens=10_000, output_tokens=20)
    deployment = deployed(GROUPED, efficiency=slow)
    best = choose(deployment, Workload(request=request))
    first_s, between_s = best.best_time_to_first_token_s, best.best_inter_token_latency_s
    first = LatencyLimits(time_to_first_token_s=first_s)
    between = LatencyLimits(inter_token_latency_s=between_s)
    both = LatencyLimits(time_to_first_token_s=first_s, inter_token_latency_s=between_s)
    assert choose(deployment, Workload(request=request, limits=first)).feasible
    assert choose(deployment, Workload(request=request, limits=between)).feasible
    assert choose(deployment, Workload(request=request, limits=both)).reason == "both_latencies"


def test_devices_for_a_load_by_hand() -> None:
    load = requests_per_s(1e9, REQUEST)
    assert load == pytest.approx(1e9 / 1_300 / 86_400)
    answer = devices_for_load(deployed(GROUPED, tensor_parallel=2), WORKLOAD, load, 0.5)
    assert answer.point
    assert answer.replicas == math.ceil(load / (0.5 * answer.point.requests_per_s))
    assert answer.devices == 2 * answer.replicas


def test_the_fewest_devices_of_all_sizes() -> None:
    little = devices_for_load(deployed(LARGE), WORKLOAD, 0.1)
    assert (little.replicas, little.devices) == (1, 2)  # any replica would do, so the smallest
    much = devices_for_load(deployed(LARGE), WORKLOAD, 1_000.0)
    for degree in (2, 4, 8):
        fixed = devices_for_load(deployed(LARGE, tensor_parallel=degree), WORKLOAD, 1_000.0)
        assert much.devices <= fixed.devices


@given(st.floats(0, 10_000), st.floats(1, 10), st.floats(0.01, 1))
def test_more_load_never_takes_fewer_devices(load, factor, share) -> None:
    def devices(load: float, share: float) -> int:
        deployment = deployed(GROUPED, tensor_parallel=1)
        return devices_for_load(deployment, WORKLOAD, load, share).devices

    assert devices(load, share) <= devices(load * factor, share)
    assert devices(load, share) <= devices(load, share / factor)


def test_what_is_not_possible_is_refused() -> None:
    with pytest.raises(InputError, match="utilisation_share"):
        devices_for_load(deployed(LARGE), WORKLOAD, 1.0, utilisation_share=0)
    with pytest.raises(InputError, match="load_requests_per_s"):
        devices_for_load(deployed(LARGE), WORKLOAD, -1.0)


def test_beyond_a_node_only_where_it_must_be() -> None:
    inside = choose(deployed(SPARSE, H200), WORKLOAD)
    assert {point.tensor_parallel for point in inside.points} == {8}
    across = choose(deployed(SPARSE), WORKLOAD)
    assert min(point.tensor_parallel for point in across.points) == 16


def test_latent_attention_is_split_by_sequences_where_that_costs_less() -> None:
    point = choose(deployed(SPARSE, H200), WORKLOAD).point
    assert point
    assert point.attention_split == "sequences"


def test_quantising_and_distilling() -> None:
    options = [
        deployed(LARGE),
        deployed(ServedModel(shape=LLAMA3_70B, weights="fp8")),
        deployed(ServedModel(shape=LLAMA3_70B, weights="int4")),
        deployed(ServedModel(shape=LLAMA3_8B)),
    ]
    limits = LatencyLimits(time_to_first_token_s=1.0, inter_token_latency_s=0.03)
    first, fp8, int4, small = compare(
        options, Workload(request=REQUEST, limits=limits), MANY, usd_per_device_hour=2.5
    )
    assert (first.cost_ratio, first.time_to_first_token_ratio) == (1, 1)
    assert first.inter_token_latency_ratio == 1
    assert fp8.cost_ratio
    assert int4.cost_ratio
    assert small.cost_ratio
    assert 0.4 < fp8.cost_ratio < 0.65  # half the weights, twice the FLOP/s
    assert fp8.cost_ratio < int4.cost_ratio < 1  # computed in 16 bits
    assert small.cost_ratio < 8.03 / 70.6
    assert first.prices
    assert fp8.prices
    ratio = fp8.prices.usd_per_request / first.prices.usd_per_request
    assert fp8.cost_ratio == pytest.approx(ratio)


def test_comparing_at_one_batch_on_the_same_devices() -> None:
    options = [
        deployed(model, tensor_parallel=8)
        for model in (LARGE, ServedModel(shape=LLAMA3_70B, weights="fp8"))
    ]
    workload = Workload(request=REQUEST, batch=1)
    first, second = compare(options, workload, MANY, usd_per_device_hour=2.5)
    assert first.answer.point
    assert second.answer.point
    assert first.answer.point.batch == second.answer.point.batch == 1
    assert second.inter_token_latency_ratio
    assert 0.5 < second.inter_token_latency_ratio < 0.65  # all-reduces and cache stay


def test_an_option_that_cannot_be_served_has_no_ratios() -> None:
    options = [
        deployed(model, tensor_parallel=1) for model in (ServedModel(shape=LLAMA3_8B), LARGE)
    ]
    rows = compare(options, WORKLOAD, MANY, usd_per_device_hour=2.5)
    assert rows[0].cost_ratio == 1
    assert rows[1].answer.reason == "weights_do_not_fit"
    assert (rows[1].answer.point, rows[1].prices, rows[1].cost_ratio) == (None, None, None)
