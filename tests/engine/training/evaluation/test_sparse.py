"""Sparse storage returns the same tensors and takes the expected bytes."""

from __future__ import annotations

import pytest
import torch

from engine.training.evaluation.sparse import pack, unpack


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("shape", [(64, 48), (7, 5, 3), (13,)])
def test_packed_and_unpacked_is_the_same(share: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    dense = torch.randn(shape) * (torch.rand(shape) >= share)
    packed = pack({"layer.weight": dense, "norm.weight": torch.ones(4)})
    again = unpack(packed)
    assert set(again) == {"layer.weight", "norm.weight"}
    assert torch.equal(again["layer.weight"], dense)


def test_a_zero_takes_a_bit_and_any_other_value_a_bit_more() -> None:
    torch.manual_seed(1)
    dense = torch.randn(64, 64)
    dense[torch.rand(64, 64) < 0.8] = 0
    sizes = [tensor.numel() * tensor.element_size() for tensor in pack({"w": dense}).values()]
    assert sum(sizes) == 64 * 64 / 8 + 4 * int(dense.count_nonzero()) + 2 * 8


def test_what_would_not_become_smaller_stays_as_it_is() -> None:
    dense = torch.ones(32, 32)
    dense[0, 0] = 0
    assert set(pack({"w": dense})) == {"w"}
