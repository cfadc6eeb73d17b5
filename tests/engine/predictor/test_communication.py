"""Links by hand, and the all-to-all against a draw of experts."""

import numpy as np
import pytest

from engine.facts import accelerator
from engine.layout import Layout
from engine.predictor.columns import Array
from engine.predictor.communication import (
    all_to_all_s,
    exposed_s,
    pair_bytes_per_s,
    ring_bytes_per_s,
)
from engine.predictor.context import StepContext
from tests.engine.predictor.inputs import inputs
from tests.engine.shapes import LLAMA3_8B

FAST, SLOW = 450e9, 50e9  # of an H100 in a DGX: 8 in a domain


def column(value: float) -> Array:
    return np.array([float(value)])


def links(fast_share: float = 1.0, slow_share: float = 1.0) -> StepContext:
    row = inputs(LLAMA3_8B, Layout(micro_batch_sequences=1), accelerator("H100-80GB"), 8)
    assert row.device.domain[0] == 8
    return row.with_efficiency(fast_link_share=fast_share, slow_link_share=slow_share)


@pytest.mark.parametrize(
    ("size", "stride", "expected"),
    [
        (8, 1, FAST),  # fills a node
        (2, 4, FAST),
        (16, 1, 8 * SLOW),  # leaves each node over all of its eight cards
        (128, 1, 8 * SLOW),
        (16, 2, 4 * SLOW),  # four members in a node
        (4, 8, SLOW),  # one in each
        (4, 64, SLOW),
    ],
)
def test_rate_of_a_ring(size: int, stride: int, expected: float) -> None:
    rate = ring_bytes_per_s(column(size), column(stride), links())
    assert rate == pytest.approx(expected)


def test_a_ring_is_never_faster_than_the_links_inside() -> None:
    rate = ring_bytes_per_s(column(16), column(1), links(fast_share=0.5))
    assert rate == pytest.approx(0.5 * FAST)  # and not 8 × 50 GB/s


def test_shares_slow_each_kind_of_link() -> None:
    assert ring_bytes_per_s(column(8), column(1), links(0.8, 0.6)) == pytest.approx(0.8 * FAST)
    assert ring_bytes_per_s(column(4), column(8), links(0.8, 0.6)) == pytest.approx(0.6 * SLOW)
    assert pair_bytes_per_s(column(1), links(0.8, 0.6)) == pytest.approx(0.8 * FAST)
    assert pair_bytes_per_s(column(8), links(0.8, 0.6)) == pytest.approx(0.6 * SLOW)


def test_neighbours_in_a_node_meet_over_its_links() -> None:
    assert pair_bytes_per_s(column(7), links()) == FAST
    assert pair_bytes_per_s(column(8), links()) == SLOW


def drawn_trips(size: int, domain: int, top_k: int, n_tokens: int) -> tuple[float, float]:
    """Trips of a token inside domains and to others, on average, where every expert is drawn
    independently of the others and is as likely on any device."""
    draw = np.random.default_rng(20261123)
    devices = draw.integers(size, size=(n_tokens, top_k))
    here = draw.integers(size, size=n_tokens)
    reached = [len(set((row // domain).tolist()) - {home // domain}) for row, home in zip(
        devices, here, strict=True
    )]  # fmt: skip
    # It arrives at the device with its own number, from which each expert's device is a hop.
    hops = (devices % domain != (here % domain)[:, None]).sum(axis=1)
    return float(hops.mean()), float(np.mean(reached))


@pytest.mark.parametrize(
    ("size", "top_k"), [(8, 2), (8, 8), (16, 1), (16, 4), (64, 8), (32, 6), (256, 8)]
)
def test_all_to_all_against_drawn_experts(size: int, top_k: int) -> None:
    """Deduplicated per domain, as in DeepEP: the expected number of domains that a token has to
    reach, and of hops inside them."""
    near, away = drawn_trips(size, min(8, size), top_k, 40_000)
    tokens, width = 1_000, 4_096.0
    expected = tokens * width * (near / FAST + away / SLOW)
    seconds = all_to_all_s(column(tokens), column(width), column(top_k), column(size), links())
    assert seconds[0] == pytest.approx(expected, rel=0.01)


def test_an_exchange_with_oneself_takes_no_time() -> None:
    assert all_to_all_s(column(1_000), column(8_192), column(8), column(1), links()) == 0


@pytest.mark.parametrize(
    ("communication", "share", "work", "expected"),
    [
        (2.0, 1.0, 100.0, 2.0),  # nothing hides
        (2.0, 0.0, 100.0, 0.0),  # all hides
        (2.0, 0.0, 0.5, 1.5),  # as far as there is work
        (2.0, 0.25, 100.0, 0.5),
        (2.0, 0.25, 1.0, 1.0),
        (2.0, 0.25, 0.0, 2.0),  # nothing to hide behind
        (0.0, 0.5, 1.0, 0.0),
    ],
)
def test_exposed_by_hand(communication: float, share: float, work: float, expected: float) -> None:
    seconds = exposed_s(column(communication), column(share), column(work))
    assert seconds == pytest.approx(expected)
