"""The search against brute force, and what it must not propose."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from engine.documents import InputError
from engine.facts import Accelerator, accelerator
from engine.layout import Layout
from engine.models.catalog import published_model
from engine.predictor.estimate import estimate
from engine.predictor.search import (
    USABLE_MEMORY_SHARE,
    SearchSpace,
    best_layout,
    divisors,
    search,
)
from engine.shapes import ModelShape
from tests.engine.shapes import LLAMA2_7B, LLAMA3_8B

H100 = accelerator("H100-80GB")


def space(
    shape: ModelShape, device: Accelerator, n_devices: int, batch: int, **others: Any
) -> SearchSpace:
    return SearchSpace(
        shape=shape,
        device=device,
        n_devices=n_devices,
        global_batch_sequences=batch,
        **others,
    )


def brute_force(n_devices: int, batch: int) -> tuple[Layout, float]:
    """The best of Llama-2 7B's layouts, one document after the other."""
    best: tuple[Layout, float] | None = None
    degrees = [1, 2, 4, 8]
    for tp, pp, cp, zero, micro, again, vp in itertools.product(
        degrees, degrees, degrees, (0, 1, 2, 3), (1, 2, 4, 8, 16), ("none", "full"), (1, 2, 4, 8)
    ):
        split = tp * pp * cp
        if n_devices % split or batch % (n_devices // split * micro):
            continue
        accumulated = batch // (n_devices // split * micro)
        if (pp == 1 and vp > 1) or (vp > 1 and (accumulated % pp or 32 % (pp * vp))):
            continue
        if pp > 1 and zero > 1:
            continue
        layout = Layout.model_validate(
            {
                "micro_batch_sequences": micro,
                "grad_accumulation_steps": accumulated,
                "zero_stage": zero,
                "tensor_parallel": tp,
                "pipeline_parallel": pp,
                "virtual_stages": vp,
                "context_parallel": cp,
                "activation_checkpointing": again,
            }
        )
        if not layout.is_possible(LLAMA2_7B, n_devices):
            continue
        predicted = estimate(LLAMA2_7B, layout, H100, n_devices)
        fits = predicted.memory_bytes <= USABLE_MEMORY_SHARE * H100.memory_gb * 1e9
        if fits and (best is None or predicted.step_s < best[1] * (1 - 1e-12)):
            best = layout, predicted.step_s
    assert best is not None
    return best


def test_nothing_is_faster_than_what_the_search_finds() -> None:
    _, seconds = brute_force(8, 32)
    found = search(space(LLAMA2_7B, H100, 8, 32, allow_offload=False)).found[0]
    assert found.step_s == pytest.approx(seconds)


def test_what_is_found_is_possible_fits_and_is_what_it_says() -> None:
    result = search(space(LLAMA3_8B, H100, 64, 512), limit=100)
    assert 0 < result.n_fitting <= result.n_candidates
    speeds = [found.tokens_per_s for found in result.found]
    assert speeds == sorted(speeds, reverse=True)
    for found in result.found:
        found.layout.check(LLAMA3_8B, 64)
        assert found.layout.global_batch_sequences(64) == 512
        alone = estimate(LLAMA3_8B, found.layout, H100, 64)
        assert alone.step_s == pytest.approx(found.step_s)
        assert alone.memory_bytes == pytest.approx(found.memory_bytes)
        assert found.memory_bytes <= USABLE_MEMORY_SHARE * 80e9


def test_experts_are_spread_where_they_fit_no_other_way() -> None:
    shape = published_model("DeepSeek-V3").shape
    found = best_layout(space(shape, accelerator("H800-80GB"), 2_048, 4_096))
    assert found is not None
    assert found.layout.expert_parallel > 1
    found.layout.check(shape, 2_048)


def test_a_model_that_fits_nowhere_says_what_it_needs() -> None:
    shape = published_model("GPT-3 175B").shape
    result = search(space(shape, accelerator("A100-40GB"), 8, 8))
    assert result.found == ()
    assert result.least_memory_bytes > 40e9
    assert best_layout(space(shape, accelerator("A100-40GB"), 8, 8)) is None


def test_a_batch_that_no_layout_divides_is_refused() -> None:
    with pytest.raises(InputError, match="global_batch: 1 "):
        search(space(LLAMA2_7B.with_value("seq_len_tokens", 8), H100, 1_021, 1))
    with pytest.raises(InputError, match=r"layout\.precision: fp8"):
        search(space(LLAMA2_7B, accelerator("A100-80GB"), 8, 8, precision="fp8"))


def test_divisors() -> None:
    for number in (1, 2, 12, 97, 360, 1_024):
        assert divisors(number) == [d for d in range(1, number + 1) if number % d == 0]
