"""Tokens that objectives predict, and their losses."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.documents import read_toml
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.training.model import build_model
from engine.training.objectives import IGNORED, MaskedTokens, NextToken, build_objective

MOE = {"n_experts": 4, "top_k": 2, "d_ff": 96}
CPU = torch.device("cpu")


def recipe(**changes: object) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_values(changes)


def bert(**changes: object) -> Recipe:
    return recipe(**{"shape.family": "bert", "shape.n_kv_heads": 2} | changes)


def windows(n: int = 64, n_tokens: int = 200) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 500, size=(n, n_tokens))


def test_masks_are_those_of_devlin() -> None:
    """Of the tokens 15% are chosen: 80% of these are masked, 10% random, 10% unchanged."""
    text = windows(400)
    objective = MaskedTokens(bert())
    examples = objective.training_examples(text, range(400))
    chosen = examples.labels != IGNORED
    assert (chosen.sum(axis=1) == 30).all()
    assert examples.n_scored == chosen.sum()
    assert np.array_equal(examples.labels[chosen], text[chosen])
    assert np.array_equal(examples.input_ids[~chosen], text[~chosen])
    inputs, true = examples.input_ids[chosen], text[chosen]
    masked, kept = inputs == 511, inputs == true  # the tokenizer's ids end at 510
    assert masked.mean() == pytest.approx(0.8, abs=0.01)
    assert kept.mean() == pytest.approx(0.1, abs=0.01)
    others = inputs[~masked & ~kept]
    assert np.bincount(others, minlength=512)[:511].max() < 15  # spread over all tokens
    assert chosen.mean(axis=0).max() < 0.25  # and over all positions


def test_masks_follow_from_the_seed_and_the_sequence() -> None:
    text, objective = windows(4), MaskedTokens(bert())

    def masked(objective: MaskedTokens, sequences: range) -> np.ndarray:
        return objective.training_examples(text, sequences).input_ids

    first = masked(objective, range(4))
    assert np.array_equal(first, masked(objective, range(4)))
    assert not np.array_equal(first, masked(objective, range(4, 8)))
    assert not np.array_equal(first, masked(MaskedTokens(bert(seed=2)), range(4)))
    # The masks do not depend on the rank or the micro batch.
    assert np.array_equal(first[2:], objective.training_examples(text[2:], range(2, 4)).input_ids)


def test_held_out_masks_are_the_same_for_every_seed() -> None:
    text = windows(4)
    first, second = (
        MaskedTokens(bert(seed=seed)).held_out_examples(text, range(4)).input_ids for seed in (1, 2)
    )
    assert np.array_equal(first, second)


def test_a_next_token_is_scored_after_all_but_the_last() -> None:
    text = windows(3)
    examples = NextToken().training_examples(text, range(3))
    assert examples.n_scored == 3 * 199
    arguments = examples.to(CPU)
    torch.manual_seed(0)
    model = build_model(recipe().shape)
    losses = NextToken().losses(model, arguments)
    logits = model(input_ids=arguments["input_ids"]).logits[:, :-1]
    by_hand = functional.cross_entropy(
        logits.reshape(-1, 512), torch.from_numpy(text[:, 1:]).reshape(-1)
    )
    assert losses.total.item() == pytest.approx(by_hand.item(), rel=1e-6)


def test_only_masked_tokens_are_scored() -> None:
    chosen = bert()
    examples = build_objective(chosen).training_examples(windows(3, 64), range(3))
    torch.manual_seed(0)
    model = build_model(chosen.shape)
    arguments = examples.to(CPU)
    losses = build_objective(chosen).losses(model, arguments)
    logits = model(input_ids=arguments["input_ids"]).logits
    scored = arguments["labels"] != IGNORED
    by_hand = functional.cross_entropy(logits[scored], arguments["labels"][scored])
    assert losses.text.item() == pytest.approx(by_hand.item(), rel=1e-6)


def test_the_router_is_trained_but_not_reported() -> None:
    chosen = recipe(**{"shape.moe": MOE})
    torch.manual_seed(0)
    model = build_model(chosen.shape).train()
    arguments = build_objective(chosen).training_examples(windows(3, 64), range(3)).to(CPU)
    losses = build_objective(chosen).losses(model, arguments)
    assert losses.text.item() == pytest.approx(model(**arguments).loss.item(), rel=1e-5)
    # Fedus 2022, equations 4–6, summed over the two experts of a token: 2 if they are balanced.
    extra = (losses.total - losses.text).item()
    assert 0.01 * 2 * 0.99 < extra < 0.01 * 2 * 1.5
    losses.total.backward()
    assert model.model.layers[0].mlp.gate.weight.grad.abs().sum() > 0


def test_the_loss_of_guessing() -> None:
    for chosen in (recipe(), bert(), recipe(**{"shape.moe": MOE})):
        torch.manual_seed(0)
        model = build_model(chosen.shape)
        objective = build_objective(chosen)
        arguments = objective.training_examples(windows(8, 64), range(8)).to(CPU)
        loss = objective.losses(model, arguments).text.item()
        assert loss == pytest.approx(math.log(512), abs=0.2)
