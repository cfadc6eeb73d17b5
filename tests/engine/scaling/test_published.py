"""Published runs: complete, licensed, and the figures that their sources give."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from engine.documents import InputError
from engine.paths import DATA_DIR
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN
from engine.scaling.published import published_set, published_sets, runs_of

FILES = sorted((DATA_DIR / "scaling").glob("*.csv"))
LICENCES = {
    "cerebras_gpt": "Apache-2.0",
    "datablations": "Apache-2.0",
    "gadre_c4": "MIT",
    "gemstones_hot": "MIT",
    "olmo_ladder_le1B": "Apache-2.0",
    "porian_rw": "MIT",
}


def runs(set_id: str):
    return runs_of(published_set(set_id))


def times_6nd(set_id: str) -> np.ndarray:
    of = runs(set_id)
    return of.flops / (FLOPS_PER_PARAMETER_AND_TOKEN * of.parameters * of.tokens)


def test_only_what_a_licence_allows_is_here() -> None:
    assert {path.stem for path in FILES} == set(LICENCES)
    for published in published_sets().values():
        assert published.licence == LICENCES[published.file]
        assert published.url.startswith("https://")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_point_says_from_where_and_when_and_is_in_a_set(path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["source"] and row["as_of"][:2] == "20" for row in rows)
    curves = {
        (published.dataset, published.split)
        for published in published_sets().values()
        if published.split
    }
    assert {(row["dataset"], row["split"]) for row in rows} <= curves


@pytest.mark.parametrize("set_id", published_sets())
def test_every_set_can_be_fitted_to(set_id: str) -> None:
    published, of = published_set(set_id), runs(set_id)
    assert of.n_runs >= 7
    assert len(np.unique(of.parameters)) >= 4
    assert len(set(of.names)) == of.n_runs
    assert of.parameters_counted == published.parameters_counted
    assert of.annealed == published.annealed
    repeats = of.unique_tokens is not None and bool((of.unique_tokens < of.tokens).any())
    assert repeats == published.repeats_tokens
    assert of.loss.max() < np.log(50432)  # no worse than guessing every token alike


def test_arrays_that_all_share_cannot_be_changed() -> None:
    of = runs("datablations.c4.all")
    assert of is runs("datablations.c4.all")
    for values in (of.parameters, of.tokens, of.loss, of.flops, of.unique_tokens):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1


def test_an_unknown_set_gets_the_nearest() -> None:
    with pytest.raises(InputError, match=r"set: gadre_c4\.c4 is .*gadre_c4\.c4_original"):
        published_set("gadre_c4.c4")


def test_gadre_counts_as_its_source_does() -> None:
    """Hyperparameters of d=1024_l=24_h=8 at 0.25 in the source, and its own 5 tokens each."""
    of = runs("gadre_c4.c4_original.c4_val")
    first = of.subset([name == "c4_original-d=1024_l=24_h=8-0.25" for name in of.names])
    assert first.parameters == [411_616_256]
    assert first.tokens == [5 * 411_616_256]
    assert first.loss == pytest.approx(3.5279492850157737, abs=1e-6)
    assert times_6nd("gadre_c4.c4_original.c4_val") == pytest.approx(1, rel=1e-5)
    assert of.n_runs == 34


def test_olmo_parameters_by_hand() -> None:
    """190M: 12 blocks of width 768 (16 d² and four norms), a norm, and two embeddings of 100352
    rows, of which the source's 190,354,176 has one."""
    blocks = 12 * (16 * 768**2 + 4 * 768) + 768
    assert blocks + 100_352 * 768 == 190_354_176
    of = runs("olmo_ladder_le1B.olmoe_mix.c4_en")
    assert of.parameters.min() == blocks + 2 * 100_352 * 768
    times = times_6nd("olmo_ladder_le1B.olmoe_mix.c4_en")
    assert 1.13 < times.min() < times.max() < 1.22


def test_olmo_seeds_differ_by_a_thousandth() -> None:
    of = runs("olmo_ladder_le1B.olmoe_mix.c4_en")
    loss = dict(zip(of.names, of.loss, strict=True))
    for size in ("190M", "370M", "760M", "1B"):
        assert loss[f"{size}-1xC"] == pytest.approx(loss[f"{size}-1xC-rerun"], abs=2e-3)
    assert of.n_points == 20


def test_porian_parameters_by_hand() -> None:
    """The smallest has 3 blocks of width 96 (4 d² and three matrices to 256), without norms."""
    blocks = 3 * (4 * 96**2 + 3 * 96 * 256)
    assert runs("porian_rw.refinedweb.kaplan_train").parameters.min() == blocks == 331_776
    val = runs("porian_rw.refinedweb.cosine_val")
    assert val.parameters.min() == blocks + 2 * 50_432 * 96
    counted_by_source = val.flops / (6 * val.tokens)
    assert counted_by_source.min() == pytest.approx(blocks + 50_432 * 96, rel=1e-5)
    assert times_6nd("porian_rw.refinedweb.kaplan_train") == pytest.approx(1, rel=1e-5)


def test_gemstones_are_checkpoints_at_ten_token_counts() -> None:
    of = runs("gemstones_hot.dolma.train")
    assert len(np.unique(of.parameters)) == 22
    assert len(np.unique(of.tokens)) == 10
    assert of.annealed is False
    assert times_6nd("gemstones_hot.dolma.train") == pytest.approx(1, rel=1e-5)


def test_repeated_tokens_of_datablations() -> None:
    once, again = runs("datablations.c4.single_epoch"), runs("datablations.c4.repeated")
    assert (once.n_runs, again.n_runs) == (29, 153)
    assert runs("datablations.c4.all").n_runs == 182  # as many as the paper fits
    assert again.unique_tokens is not None
    assert (again.tokens / again.unique_tokens).max() == 9000
    assert times_6nd("datablations.c4.all") == pytest.approx(1, rel=1e-5)


def test_cerebras_keeps_to_twenty_tokens_per_parameter() -> None:
    of = runs("cerebras_gpt.pile.test")
    assert of.tokens / of.parameters == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize(
    ("name", "n_rows", "loss_sum"),
    [
        ("cerebras_gpt", 7, 14.158),
        ("datablations", 182, 660.5031),
        ("gadre_c4", 272, 1191.9119),
        ("gemstones_hot", 220, 676.3988),
        ("olmo_ladder_le1B", 264, 786.5626),
        ("porian_rw", 683, 3165.4875),
    ],
)
def test_losses_are_those_of_the_sources(name: str, n_rows: int, loss_sum: float) -> None:
    """Each loss was compared with its source's when the table was made; the sum pins them all."""
    with (DATA_DIR / "scaling" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == n_rows
    assert sum(losses) == pytest.approx(loss_sum, abs=1e-4)
