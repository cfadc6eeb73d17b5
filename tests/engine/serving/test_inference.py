"""Latencies and prices against hand calculations, and against each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from engine.serving.inference import serve, sweep, token_prices
from engine.serving.replica import Replica, Request, ServedModel
from tests.engine.serving.models import (
    A100,
    EFFICIENCY,
    GROUPED,
    H100,
    H200,
    LARGE,
    REQUEST,
    SMALL,
    SPARSE,
    smallest_replica,
)
from tests.engine.shapes import LLAMA2_7B

ALONE = Replica(model=SMALL, device=A100, efficiency=EFFICIENCY, tensor_parallel=1)

requests = st.builds(
    Request,
    input_tokens=st.integers(1, 20_000),
    output_tokens=st.integers(1, 5_000),
    cached_share=st.floats(0, 1),
)


def test_prefill_by_hand() -> None:
    point = serve(ALONE, Request(input_tokens=2_000, output_tokens=1), 1)
    count = LLAMA2_7B.count_parameters()
    layers = 2 * 2_000 * (count.attention + count.ffn) / (312e12 * 0.7)
    attention = 2 * 32 * 2 * 4096 * 2_000 * 2_001 / 2 / (312e12 * 0.3)
    head = 2 * 32000 * 4096 / (2039e9 * 0.8)  # of the last token: reading it takes longer
    assert point.prefill_s == pytest.approx(layers + attention + head)
    assert point.prefill_bound == "compute"
    assert point.prefill_tokens_per_s_per_device == pytest.approx(2_000 / point.prefill_s)


def test_one_user_waits_for_nobody() -> None:
    point = serve(ALONE, REQUEST, 1)
    assert point.time_to_first_token_s == point.prefill_s
    assert point.inter_token_latency_s == point.decode_step_s
    assert point.requests_per_s == pytest.approx(1 / (point.prefill_s + 300 * point.decode_step_s))
    count = LLAMA2_7B.count_parameters()
    read = 2 * (count.attention + count.ffn + count.output_head) + 1_150 * 524_288
    assert point.decode_step_s == pytest.approx(read / (2039e9 * 0.8))
    assert point.decode_tokens_per_s_per_sequence == point.decode_tokens_per_s_per_device
    assert point.decode_bound == "memory bandwidth"


def test_others_interrupt() -> None:
    point = serve(ALONE, REQUEST, 8)
    assert point.inter_token_latency_s == pytest.approx(
        point.decode_step_s + 7 * point.prefill_s / 300
    )
    # Little's law: eight sequences at a time, each as long as its tokens take.
    residence_s = point.prefill_s + 300 * point.inter_token_latency_s
    assert point.requests_per_s * residence_s == pytest.approx(8)
    assert point.prefill_s < point.time_to_first_token_s < 2 * point.prefill_s


def test_short_prompts_are_read_together() -> None:
    short = Request(input_tokens=100, output_tokens=100)
    alone, together = serve(ALONE, short, 1), serve(ALONE, short, 32)
    assert together.prefill_tokens_per_s_per_device > 1.3 * alone.prefill_tokens_per_s_per_device


@given(requests, st.sampled_from([GROUPED, LARGE, SPARSE]), st.floats(0.05, 1))
def test_prices_add_up_to_the_time_of_the_devices(request, model, utilisation_share) -> None:
    replica = smallest_replica(model, H200, request)
    batch = min(32, replica.most_sequences(request))
    point = serve(replica, request, batch)
    prices = token_prices(point, request, 2.5, utilisation_share)
    usd_per_hour = point.requests_per_s * 3600 * utilisation_share * prices.usd_per_request
    assert usd_per_hour == pytest.approx(2.5 * point.tensor_parallel)
    by_kind = (
        prices.usd_per_million_input_tokens * request.new_tokens
        + prices.usd_per_million_cached_tokens * request.cached_tokens
        + prices.usd_per_million_output_tokens * request.output_tokens
    )
    assert by_kind / 1e6 == pytest.approx(prices.usd_per_request)
    assert prices.usd_per_million_cached_tokens > 0


@pytest.mark.parametrize("model", [GROUPED, LARGE, SPARSE])
def test_cached_tokens_cost_least_and_output_most(model) -> None:
    replica = smallest_replica(model, H200, REQUEST)
    point = serve(replica, replace(REQUEST, cached_share=0.8), 16)
    prices = token_prices(point, REQUEST, 2.5)
    assert (
        prices.usd_per_million_cached_tokens
        < prices.usd_per_million_input_tokens
        < prices.usd_per_million_output_tokens
    )


def test_prefixes_that_are_kept_elsewhere_take_a_way_back() -> None:
    request = Request(input_tokens=10_000, output_tokens=100, cached_share=0.9)
    replica = Replica(model=GROUPED, device=H100, efficiency=EFFICIENCY, tensor_parallel=1)
    from_host = replace(replica, efficiency=replace(EFFICIENCY, prefix_gb_per_s=25))
    here, there = serve(replica, request, 1), serve(from_host, request, 1)
    assert there.prefill_s - here.prefill_s == pytest.approx(9_000 * 131_072 / 25e9)


def test_cached_prefixes_shorten_the_first_token() -> None:
    times = [
        serve(ALONE, replace(REQUEST, cached_share=share), 1).time_to_first_token_s
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    assert times == sorted(times, reverse=True)


@given(requests, st.sampled_from([SMALL, GROUPED, LARGE, SPARSE]), st.sampled_from([8, 16]))
def test_larger_batches_cost_less_and_wait_longer(request, model, degree) -> None:
    replica = Replica(model=model, device=H200, efficiency=EFFICIENCY, tensor_parallel=degree)
    swept = sweep(replica, request, np.arange(1, 200))
    assert (np.diff(swept.request_s) <= 1e-9 * swept.request_s[1:]).all()
    assert (np.diff(swept.decode.total) > 0).all()
    assert np.isfinite(swept.time_to_first_token_s).all()
    assert (swept.time_to_first_token_s >= swept.prefill_s).all()
    assert (swept.inter_token_latency_s >= swept.decode.total).all()
    point = swept.point(41)
    assert point.batch == 42
    assert point.requests_per_s == pytest.approx(1 / swept.request_s[41])


def test_a_batch_that_does_not_fit_is_refused() -> None:
    most = ALONE.most_sequences(REQUEST)
    assert serve(ALONE, REQUEST, most).batch == most
    for batch in (0, most + 1):
        with pytest.raises(InputError, match=f"batch: {batch} .* {most}"):
            serve(ALONE, REQUEST, batch)
    with pytest.raises(InputError, match="utilisation_share"):
        token_prices(serve(ALONE, REQUEST, 1), REQUEST, 2.5, 0)


def test_no_faster_than_what_is_reached_in_practice() -> None:
    """A 70B model in 16 bits on four H100s: single users see about 60 to 70 tokens a second at
    the very best, and the weights alone allow 3.35 TB/s · 4 / 141 GB = 95."""
    replica = smallest_replica(LARGE, H100, REQUEST)
    point = serve(replica, REQUEST, 1)
    assert 50 < point.decode_tokens_per_s_per_sequence < 95 * 0.8


def test_quantised_cache_holds_twice_as_many() -> None:
    full = Replica(model=GROUPED, device=H100, efficiency=EFFICIENCY, tensor_parallel=1)
    half = replace(full, model=ServedModel(shape=GROUPED.shape, kv_value_bytes=1))
    assert half.most_sequences(REQUEST) // full.most_sequences(REQUEST) == 2
    assert serve(half, REQUEST, 64).decode_step_s < serve(full, REQUEST, 64).decode_step_s
