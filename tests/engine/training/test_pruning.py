"""Pruning sets the smallest weights of linear layers to zero, and no others."""

import pytest
import torch

from engine.documents import read_toml
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.shapes import ModelShape
from engine.training.model import build_model
from engine.training.pruning import PrunedWeights, linear_weights

MOE = {"n_experts": 4, "top_k": 2, "d_ff": 96}


def shape(**changes: object) -> ModelShape:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.shape.with_values(changes)


@pytest.mark.parametrize(
    ("changes", "per_layer", "others"),
    [
        ({}, 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 192, 0),
        ({"tied_embeddings": False}, 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 192, 512 * 64),
        ({"family": "gpt2", "n_kv_heads": 2}, 4 * 64 * 64 + 2 * 64 * 192, 0),
        ({"family": "bert", "n_kv_heads": 2}, 4 * 64 * 64 + 2 * 64 * 192, 64 * 64),
        ({"moe": MOE}, 2 * 64 * 64 + 2 * 64 * 32 + 4 * 3 * 64 * 96, 0),
    ],
    ids=["llama", "untied", "gpt2", "bert", "experts"],
)
def test_linear_layers_are_pruned_and_nothing_else(
    changes: dict[str, object], per_layer: int, others: int
) -> None:
    weights = list(linear_weights(build_model(shape(**changes))))
    assert sum(weight.numel() for weight in weights) == 2 * per_layer + others


@pytest.mark.parametrize("changes", [{}, {"moe": MOE}], ids=["llama", "experts"])
def test_the_smallest_are_zero_and_stay_so(changes: dict[str, object]) -> None:
    torch.manual_seed(0)
    model = build_model(shape(**changes))
    before = [weight.detach().clone() for weight in linear_weights(model)]
    pruned = PrunedWeights(model, 0.6)

    def check() -> None:
        for old, now in zip(before, linear_weights(model), strict=True):
            for old_matrix, matrix in zip(
                old.reshape(-1, *old.shape[-2:]), now.reshape(-1, *now.shape[-2:]), strict=True
            ):
                zero = matrix == 0
                assert int(zero.sum()) == round(0.6 * matrix.numel())
                assert old_matrix[zero].abs().max() <= old_matrix[~zero].abs().min()

    check()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1.0)
    pruned.apply()
    check()
