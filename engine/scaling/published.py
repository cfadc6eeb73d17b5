"""Runs that others published, as sets to fit and to test laws on.

``data/scaling_sets.csv`` says what each set is and what is odd about it, ``data/scaling/`` holds
the points: one file per source, one set per training data and evaluation in it. Only sources
whose licence allows it are here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Literal

from engine.facts import Fact, look_up, read_facts
from engine.field_types import OptionalBoolCell
from engine.paths import DATA_DIR
from engine.scaling.laws import Counting
from engine.scaling.runs import TrainingRuns, read_runs


class PublishedSet(Fact):
    """One curve L(N, D): runs of one source, trained and evaluated on the same data."""

    set_id: str
    """Its name everywhere: file, training data and evaluation."""
    file: str
    """In ``data/scaling/``, without its ending."""
    dataset: str
    """What the models were trained on, as the file calls it."""
    split: str
    """What they were evaluated on; empty for every row of the dataset."""
    label: str
    parameters_counted: Counting
    annealed: OptionalBoolCell
    """Each run's learning rate came down to its end; None where we do not know."""
    repeats_tokens: bool
    licence: Literal["Apache-2.0", "MIT"]
    url: str
    notes: str
    """What to know before use: conventions, odd points."""


@cache
def published_sets() -> dict[str, PublishedSet]:
    """All sets by ``set_id``."""
    rows = read_facts(DATA_DIR / "scaling_sets.csv", PublishedSet)
    return {row.set_id: row for row in rows}


def published_set(set_id: str, field: str = "set") -> PublishedSet:
    """The set of that name; InputError with the nearest names if there is none."""
    return look_up(published_sets(), set_id, field)


@cache
def runs_of(published: PublishedSet) -> TrainingRuns:
    """The runs of a set. Everyone gets the same arrays: they are read-only."""
    only = {"dataset": published.dataset}
    if published.split:
        only["split"] = published.split
    path = DATA_DIR / "scaling" / f"{published.file}.csv"
    runs = read_runs(path, path.name, published.parameters_counted, only=only)
    for values in (runs.parameters, runs.tokens, runs.loss, runs.flops, runs.unique_tokens):
        if values is not None:
            values.setflags(write=False)
    return replace(runs, annealed=published.annealed)
