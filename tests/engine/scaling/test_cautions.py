"""Each caution: when it is given and when not, and that every language has words for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.scaling.cautions import Caution, cautions
from engine.scaling.laws import Allocation, FittedLaw, loss
from engine.scaling.published import published_set, runs_of
from engine.scaling.runs import TrainingRuns
from engine.text import catalog

# Its optimum for the grid's largest compute, 6e20 FLOPs, is 1.9e9 parameters and 5.3e10 tokens.
LAW = FittedLaw(parameters_counted="total", A=400, B=2000, E=1.8, alpha=0.35, beta=0.37)


def grid(sizes=(1e7, 1e8, 1e9), tokens=(1e9, 1e10, 1e11), **changes) -> TrainingRuns:
    n, d = (axis.ravel() for axis in np.meshgrid(sizes, tokens, indexing="ij"))
    made = TrainingRuns(
        names=tuple(f"n{a:g}d{b:g}" for a, b in zip(n, d, strict=True)),
        parameters=n,
        tokens=d,
        loss=loss(LAW, n, d),
        flops=6 * n * d,
        parameters_counted="total",
    )
    return replace(made, **changes)


def keys(*given, **options) -> list[str]:
    return [caution.key for caution in cautions(*given, **options)]


def params(key: str, *given, **options) -> dict[str, float]:
    [found] = [caution.params for caution in cautions(*given, **options) if caution.key == key]
    return found


def test_good_runs_and_their_law_need_none() -> None:
    assert keys(grid(), LAW, predict=Allocation(parameters=1e9, tokens=5e11, loss=2)) == []


def test_few_runs_and_few_sizes() -> None:
    assert keys(grid(sizes=(1e8, 1e9), tokens=(1e9, 1e10))) == ["few_runs", "few_sizes"]
    assert keys(grid(sizes=(1e7, 1e9))) == ["few_sizes"]
    assert keys(grid().subset(np.arange(9) < 5)) == ["few_runs", "few_sizes"]
    assert "few_runs" not in keys(grid().subset(np.arange(9) < 6))


def test_one_ratio_of_tokens_to_parameters() -> None:
    all_runs = grid(sizes=(1e7, 3e7, 1e8, 3e8, 1e9, 3e9), tokens=(1e8, 3e8, 1e9, 3e9, 1e10, 3e10))
    diagonal = all_runs.subset(np.eye(6).ravel())
    assert params("one_ratio", diagonal) == {"ratio": pytest.approx(10)}
    assert "one_ratio" in keys(runs_of(published_set("cerebras_gpt.pile.test")))


def test_counts_that_look_mixed() -> None:
    runs = grid()
    some_without = np.where(runs.parameters < 5e7, 0.5, 1)
    mixed = replace(runs, flops=runs.flops * some_without, counting_stated=False)
    assert params("mixed_counts", mixed) == {"low": 0.5, "high": 1}
    assert keys(replace(mixed, counting_stated=True)) == []
    other_convention = replace(runs, flops=runs.flops * 4 / 3, counting_stated=False)
    assert keys(other_convention) == []


def test_repeated_tokens() -> None:
    runs = grid()
    limited = np.minimum(runs.tokens, 2e10)
    found = params("repeated_tokens", replace(runs, unique_tokens=limited))
    assert found == {"n_runs": 3, "epochs": 5}
    assert keys(replace(runs, unique_tokens=runs.tokens)) == []


def test_checkpoints_before_the_end_of_a_schedule() -> None:
    runs = grid()
    by_step = tuple(
        f"m{n:g}-step{d / 1e6:.0f}" for n, d in zip(runs.parameters, runs.tokens, strict=True)
    )
    of_one_name = tuple(f"m{n:g}" for n in runs.parameters)
    for names in (by_step, of_one_name):
        named = replace(runs, names=names)
        assert params("checkpoints", named) == {"n_rows": 9, "n_models": 3}
        assert keys(replace(named, annealed=True)) == []
        assert keys(replace(named, annealed=False)) == ["not_annealed"]
    counted_through = tuple(f"run-{number}" for number in range(9))
    assert keys(replace(runs, names=counted_through)) == []
    two = grid(sizes=(1e8, 1e9), tokens=(1e9, 2e9), names=("a1", "a2", "b1", "b2"))
    assert "checkpoints" not in keys(two)
    lines = tuple(str(number) for number in range(2, 11))
    assert keys(replace(runs, names=lines)) == []
    gemstones = runs_of(published_set("gemstones_hot.dolma.train"))
    found = params("checkpoints", replace(gemstones, annealed=None))
    assert found == {"n_rows": 220, "n_models": 22}


def test_far_targets() -> None:
    def times(factor: float) -> Allocation:
        return Allocation(parameters=1e9, tokens=1e11 * factor, loss=2)

    assert keys(grid(), predict=times(29)) == []
    assert params("far_extrapolation", grid(), predict=times(50)) == {
        "times": pytest.approx(50),
        "limit": 30,
    }
    assert "far_extrapolation" in keys(grid(tokens=(1e6, 1e7, 1e8)), predict=grid())


@pytest.mark.parametrize(("E", "given"), [(0.19, True), (0.21, False)])
def test_a_floor_near_nothing(E: float, given: bool) -> None:
    runs = grid(loss=np.linspace(2, 4, 9))
    assert ("low_floor" in keys(runs, replace(LAW, E=E))) == given


def test_a_floor_near_nothing_where_losses_are_low() -> None:
    runs = grid(loss=np.linspace(0.2, 4, 9))
    assert "low_floor" in keys(runs, replace(LAW, E=0.04))  # e⁻³ is 0.0498
    assert "low_floor" not in keys(runs, replace(LAW, E=0.06))


@pytest.mark.parametrize("exponent", [0.01, 0, -0.3])
def test_flat_exponents(exponent: float) -> None:
    assert params("flat_alpha", grid(), replace(LAW, alpha=exponent)) == {"alpha": exponent}
    assert params("flat_beta", grid(), replace(LAW, beta=exponent)) == {"beta": exponent}
    assert "flat_beta" not in keys(grid(), replace(LAW, alpha=exponent))


def test_an_optimum_that_the_runs_do_not_reach() -> None:
    """With α = β and A = B the optimum has N = D, by symmetry: for 6e20 FLOPs, 1e10 each."""
    square = replace(LAW, A=1000, B=1000, alpha=0.3, beta=0.3)
    found = params("optimum_outside", grid(), square)
    assert found["flops"] == pytest.approx(6e20)
    assert found["parameters"] == pytest.approx(1e10)
    assert found["tokens"] == pytest.approx(1e10)
    less = Allocation(parameters=1e8, tokens=1e10, loss=3)
    assert "optimum_outside" not in keys(grid(), square, predict=less)  # 1e9 each
    more = Allocation(parameters=1e10, tokens=1e12, loss=3)
    assert params("optimum_outside", grid(), square, predict=more) == found


ALL_KEYS = [key.split(".")[1] for key in catalog("en").keys() if key.startswith("scaling_caution.")]  # noqa: SIM118


def test_every_caution_has_words() -> None:
    runs = grid(sizes=(1e8, 1e9), tokens=(1e9, 2e9), unique_tokens=np.full(4, 1e9))
    odd = replace(runs, flops=runs.flops * [1, 2, 1, 1], counting_stated=False)
    straight = grid(tokens=(1e10, 1e11)).subset([1, 0, 0, 1, 0, 0])
    flat = replace(LAW, E=0, alpha=0, beta=0)
    unreached = replace(LAW, A=1000, B=1000, alpha=0.3, beta=0.3)
    given = (
        *cautions(replace(odd, annealed=False), flat, predict=grid()),
        *cautions(replace(odd, names=("m",) * 4)),
        *cautions(straight),
        *cautions(grid(), unreached),
    )
    assert {caution.key for caution in given} == set(ALL_KEYS)
    for caution in given:
        for language in ("en", "zh_Hans"):
            said = caution.in_language(language)
            assert "{" not in said
            assert "\n" not in said


def test_numbers_are_said_as_people_say_them() -> None:
    caution = Caution(
        key="optimum_outside", params={"flops": 6e20, "parameters": 1e10, "tokens": 2.5e9}
    )
    assert "10B parameters and 2.5B tokens" in caution.in_language("en")
