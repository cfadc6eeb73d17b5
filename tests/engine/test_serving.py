"""Decoding by hand, and within the memory that there is."""

import pytest

from engine.facts import accelerator, efficiency
from engine.serving import decode_tokens_per_s, kv_cache_bytes_per_token
from finance.scenario import Scenario
from tests.engine.shapes import LLAMA3_8B

H100 = accelerator("H100-80GB")


def test_cache_of_llama_3_8b_by_hand() -> None:
    assert kv_cache_bytes_per_token(LLAMA3_8B, 2) == 2 * 32 * 8 * 128 * 2


def test_the_startup_by_hand(startup: Scenario) -> None:
    known, parameters = efficiency("Hopper"), 1_235_814_400
    cache = 64 * 2048 * 2 * 16 * 8 * 64 * 2
    step_s = (2 * parameters + cache) / (3350e9 * known.bandwidth_share) + (
        2 * parameters * 64 / (989e12 * known.matmul_share)
    )
    assert decode_tokens_per_s(startup.plan, H100) == pytest.approx(64 / step_s)


def test_no_more_answers_at_a_time_than_fit(startup: Scenario) -> None:
    room = int((0.9 * 80e9 - 2 * 1_235_814_400) / (2048 * 2 * 16 * 8 * 64 * 2))
    fits = startup.plan.with_value("serving.concurrent_sequences", room)
    more = startup.plan.with_value("serving.concurrent_sequences", 100_000)
    assert decode_tokens_per_s(more, H100) == decode_tokens_per_s(fits, H100)


def test_a_model_larger_than_a_device_shares_several(startup: Scenario) -> None:
    large = startup.plan.with_values(
        {"shape.n_layers": 160, "shape.d_model": 8192, "shape.n_kv_heads": 32, "shape.d_ff": 28672}
    )
    assert large.shape.count_parameters().total * 2 > 80e9
    assert decode_tokens_per_s(large, H100) < decode_tokens_per_s(startup.plan, H100) / 50
